# ruff: noqa: E501  # rows of a table are easier to read in one line
"""Misuse of the functions: dates outside of the data, labels without a window, frames that do not fit, wrong options."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl

import csrisk as cr
from csrisk import evaluation, success
from csrisk.datasets import make_saas
from csrisk.features import Relationship, UsageDepth, declared
from csrisk.models import AmountModel, LongevityModel
from csrisk.success import UpliftModel, evaluate_uplift

from ._case import Case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass
class Ground:
    """A small simulated book and what follows from it; nothing in it is changed by a case."""

    folder: Path

    @cached_property
    def data(self) -> cr.CustomerData:
        return make_saas(60, 15, seed=1).data()

    @cached_property
    def bare(self) -> cr.CustomerData:
        """Uses without contracts."""
        dates = pd.date_range("2025-01-01", periods=40).astype(str)
        return cr.CustomerData({"usage": pd.DataFrame({"account_id": ["Kanarie-a", "Kanarie-b"] * 20, "at": dates})})

    @cached_property
    def past(self) -> cr.Snapshots:
        return cr.Snapshots.every(self.data, "1MS", horizon="90D")

    @cached_property
    def today(self) -> cr.Snapshots:
        return cr.Snapshots.at(self.data, self.data.end)

    @cached_property
    def X(self) -> pd.DataFrame:  # noqa: N802  # the name of features everywhere
        return cr.build_features(self.data, self.past, (UsageDepth(), Relationship()))

    @cached_property
    def y(self) -> pd.Series:
        return cr.label_churn(self.data, self.past)

    @cached_property
    def model(self) -> cr.ChurnModel:
        return cr.ChurnModel(2, min_events=2, random_state=0).fit(self.X, self.y)

    @cached_property
    def book(self) -> pd.DataFrame:
        return self.X.loc[self.X.index.get_level_values("as_of") == self.past.as_of.max()]

    @cached_property
    def why(self) -> cr.Explanation:
        return cr.explain(self.model, self.book, reference=self.X, n_reference=20)

    def fit(self, **params: Any) -> Any:
        return cr.ChurnModel(**{"n_members": 2, "min_events": 2, **params}).fit(self.X, self.y)


Call = "Callable[[Ground], Any]"


def _with(frame: pd.DataFrame, values: Any) -> pd.DataFrame:
    """The frame with its first column replaced."""
    return frame.assign(**{frame.columns[0]: values})


# where, what, how, words of the message
SNAPSHOTS: list[tuple[str, str, Callable[[Ground], Any], str]] = [
    ("every", f"frequency={value!r}", lambda g, v=value: cr.Snapshots.every(g.data, v, horizon="90D"), "frequency")
    for value in ("", "monthly", "-1MS", "0D", "1h", "17min", None, 30, [])
]
SNAPSHOTS += [
    ("every", f"horizon={value!r}", lambda g, v=value: cr.Snapshots.every(g.data, "1MS", horizon=v), "horizon")
    for value in (0, -1, "-90D", "soon", 1.5, "36h", True, [], float("nan"), "9" * 30 + "D", pd.NaT)
]
SNAPSHOTS += [
    ("every", f"lead={value!r}", lambda g, v=value: cr.Snapshots.every(g.data, "1MS", horizon=30, lead=v), "lead")
    for value in (-1, "-1D", 0.5, "12h", None, "", "early", float("inf"))
]
SNAPSHOTS += [
    ("at", f"dates={value!r}", lambda g, v=value: cr.Snapshots.at(g.data, v), words)
    for value, words in (
        ([], "none was given"),
        ("soon", "cannot be read"),
        (None, "dates"),
        (pd.NaT, "missing"),
        ("1990-01-01", "outside the data"),
        ("2999-01-01", "outside the data|cannot be read"),
        (["2024-06-01", None], "missing"),
        ("2024-06-01 12:00", "not a midnight"),
        ("2024-06-01T00:00:00+02:00", "time zone"),
        ("9999-12-31", "outside|cannot be read"),
        (object(), "dates"),
        (b"2024-06-01", "dates"),
        ({"as_of": "2024-06-01"}, "dates"),
        (float("nan"), "dates"),
        (True, "dates"),
    )
]
SNAPSHOTS += [
    ("at", f"eligible={value!r}", lambda g, v=value: cr.Snapshots.at(g.data, g.data.end, eligible=v), "eligible")
    for value in ("all", "", None, 1, ["contract"])
]
SNAPSHOTS += [
    ("at", f"look_back={v!r}", lambda g, v=v: cr.Snapshots.at(g.data, g.data.end, look_back=v), "look_back")
    for v in (0, -5, "x", 2.5, None)
]
SNAPSHOTS += [
    ("at", "eligible without evidence", lambda g: cr.Snapshots.at(g.bare, g.bare.end, eligible="contract"), "no evidence"),
    ("every", "start after end", lambda g: cr.Snapshots.every(g.data, "1MS", horizon=30, start="2024-09-01", end="2024-06-01"), "lies after"),
    ("every", "a grid without a date", lambda g: cr.Snapshots.every(g.data, "YS", horizon=30, start="2024-02-02", end="2024-03-01"), "gives no date"),
    ("every", "start is no date", lambda g: cr.Snapshots.every(g.data, "1MS", horizon=30, start="soon"), "start"),
    ("of", "unknown accounts", lambda g: cr.Snapshots.of(g.data, pd.MultiIndex.from_tuples([("Kanarie", pd.Timestamp("2024-06-01"))], names=["account_id", "as_of"])), "1 of 1 accounts are not in the data"),
    ("of", "no pair", lambda g: cr.Snapshots.of(g.data, g.past.index[:0]), "no snapshot|none was given|0 pairs"),
    ("of", "pairs twice", lambda g: cr.Snapshots.of(g.data, g.past.index[:3].append(g.past.index[:3])), "repeats"),
    ("of", "levels by other names", lambda g: cr.Snapshots.of(g.data, g.past.index.set_names(["a", "b"])), "levels account_id and as_of"),
    ("of", "one level", lambda g: cr.Snapshots.of(g.data, pd.Index(g.data.accounts)), "MultiIndex"),
    ("of", "a frame without the columns", lambda g: cr.Snapshots.of(g.data, pd.DataFrame({"x": [1]})), "MultiIndex"),
    ("of", "a list", lambda g: cr.Snapshots.of(g.data, [("Kanarie", "2024-06-01")]), "MultiIndex"),
    ("of", "a missing date", lambda g: cr.Snapshots.of(g.data, pd.DataFrame({"account_id": list(g.data.accounts[:2]), "as_of": ["2024-06-01", None]})), "missing"),
    ("of", "a missing account", lambda g: cr.Snapshots.of(g.data, pd.DataFrame({"account_id": [None], "as_of": ["2024-06-01"]})), "missing"),
    ("[mask]", "a mask of another length", lambda g: g.past[np.ones(3, dtype=bool)], "mask"),
    ("[mask]", "a mask of numbers", lambda g: g.past[np.ones(len(g.past))], "mask"),
    ("[mask]", "a mask of another index", lambda g: g.past[pd.Series(True, index=range(len(g.past)))], "mask"),
    ("[mask]", "a mask with missing values", lambda g: g.past[pd.Series(pd.NA, index=g.past.index, dtype="boolean")], "mask"),
    ("[mask]", "a mask that leaves nobody", lambda g: g.past[np.zeros(len(g.past), dtype=bool)], "no snapshot left"),
    ("until", "after the end", lambda g: g.past.until("2999-01-01"), "lies after the end|cannot be read"),
    ("until", "before all", lambda g: g.past.until("1990-01-01"), "no snapshot left"),
    ("until", "no date", lambda g: g.past.until("soon"), "cannot be read"),
]  # fmt: skip

LABELS: list[tuple[str, str, Callable[[Ground], Any], str]] = [
    ("label_churn", "snapshots without a horizon", lambda g: cr.label_churn(g.data, g.today), "horizon=None"),
    ("label_churn", "data of other accounts", lambda g: cr.label_churn(g.bare, g.past), "lies after|are not in this data"),
    ("label_churn", "contracts without evidence", lambda g: cr.label_churn(g.bare, cr.Snapshots.at(g.bare, "2025-01-20", horizon=5), kind="contract"), "no evidence"),
    ("label_expansion", "snapshots without a horizon", lambda g: cr.label_expansion(g.data, g.today), "horizon=None"),
    ("label_expansion", "a measure without values", lambda g: cr.label_expansion(g.bare, cr.Snapshots.at(g.bare, "2025-01-20", horizon=5), measure="mrr"), "has no value"),
    ("label_contraction", "snapshots without a horizon", lambda g: cr.label_contraction(g.data, g.today), "horizon=None"),
    ("label_change", "snapshots without a horizon", lambda g: cr.label_change(g.data, g.today, measure="mrr"), "horizon=None"),
    ("label_change", "an unknown measure", lambda g: cr.label_change(g.data, g.past, measure="profit"), "measure"),
]  # fmt: skip
LABELS += [
    ("label_churn", f"kind={v!r}", lambda g, v=v: cr.label_churn(g.data, g.past, kind=v), "kind")
    for v in ("churn", "", None, 1, ["auto"])
]
LABELS += [
    ("label_churn", f"grace={v!r}", lambda g, v=v: cr.label_churn(g.data, g.past, grace=v), "grace")
    for v in (-1, "soon", 1.5, None, "36h")
]
LABELS += [
    ("label_expansion", f"measure={v!r}", lambda g, v=v: cr.label_expansion(g.data, g.past, measure=v), "measure")
    for v in ("MRR", "", None, 1, ["mrr"])
]
LABELS += [
    ("label_expansion", f"at_least={v!r}", lambda g, v=v: cr.label_expansion(g.data, g.past, at_least=v), "at_least")
    for v in (0, -0.1, float("nan"), "a lot", None, float("inf"))
]

SPLITS: list[tuple[str, str, Callable[[Ground], Any], str]] = [
    ("ForwardSplit.at", "snapshots without a horizon", lambda g: cr.ForwardSplit.at(g.today, "2024-06-01"), "horizon=None"),
    ("ForwardSplit.at", "before all", lambda g: cr.ForwardSplit.at(g.past, "1990-01-01"), "train 0"),
    ("ForwardSplit.at", "after all", lambda g: cr.ForwardSplit.at(g.past, "2200-01-01"), "test 0|cannot be read"),
    ("ForwardSplit.at", "no date", lambda g: cr.ForwardSplit.at(g.past, "soon"), "cannot be read"),
    ("ForwardSplit.split", "an array", lambda _: list(cr.ForwardSplit(2, horizon=30).split(np.ones((5, 2)))), "index must have the levels"),
    ("ForwardSplit.split", "a frame of rows", lambda g: list(cr.ForwardSplit(2, horizon=30).split(g.X.reset_index(drop=True))), "index must have the levels"),
    ("ForwardSplit.split", "too many splits", lambda g: list(cr.ForwardSplit(50, horizon=90).split(g.X)), "n_splits"),
    ("ForwardSplit.split", "a horizon beyond the data", lambda g: list(cr.ForwardSplit(2, horizon=5000).split(g.X)), "n_splits"),
    ("ForwardSplit.split", "no row", lambda g: list(cr.ForwardSplit(2, horizon=30).split(g.X.iloc[:0])), "n_splits"),
]  # fmt: skip
SPLITS += [
    ("ForwardSplit.at", f"test_accounts={v!r}", lambda g, v=v: cr.ForwardSplit.at(g.past, "2024-06-01", test_accounts=v), "test_accounts")
    for v in (0, 1, -0.3, 2, float("nan"), "some")
]  # fmt: skip
SPLITS += [
    ("ForwardSplit.split", f"n_splits={v!r}", lambda g, v=v: list(cr.ForwardSplit(v, horizon=30).split(g.X)), "n_splits")
    for v in (0, -1, 1.5, "two", None)
]  # fmt: skip
SPLITS += [
    ("ForwardSplit.split", f"horizon={v!r}", lambda g, v=v: list(cr.ForwardSplit(2, horizon=v).split(g.X)), "horizon")
    for v in (0, -1, "soon", None)
]
SPLITS += [
    ("ForwardSplit.split", f"test_size={v!r}", lambda g, v=v: list(cr.ForwardSplit(2, horizon=30, test_size=v).split(g.X)), "test_size")
    for v in (0, -1, 1.5, "two")
]  # fmt: skip


def _own(g: Ground, **columns: Any) -> pd.DataFrame:
    return pd.DataFrame(columns, index=g.past.index)


_FIT = cr.Feature("fit", "context", "score", "Fit is {value}.")
FEATURES: list[tuple[str, str, Callable[[Ground], Any], str]] = [
    ("Feature", f"goal={v!r}", lambda _, v=v: cr.Feature("fit", v, "count", "x"), "goal") for v in ("risk", "", None, 1)
]
FEATURES += [
    ("Feature", f"unit={v!r}", lambda _, v=v: cr.Feature("fit", "churn", v, "x"), "unit") for v in ("{pieces}", "", None, 1)
]  # fmt: skip
FEATURES += [
    ("Feature", f"direction={v!r}", lambda _, v=v: cr.Feature("fit", "churn", "count", "x", direction=v), "direction")
    for v in (2, "up", None, 0.5)
]
FEATURES += [
    ("UsageDepth", f"windows={v!r}", lambda g, v=v: cr.build_features(g.data, g.past, (UsageDepth(v),)), "windows")
    for v in ((0,), (-30,), (1.5,), ("30D",), (10**9,), 30)
]
FEATURES += [
    ("declared", "an unknown column", lambda _: declared(["mrr", "unheard_of"]), "unheard_of"),
    ("build_features", "chunk=0", lambda g: cr.build_features(g.data, g.past, (UsageDepth((30,)),), chunk=0), "chunk"),
    ("build_features", "chunk=-1", lambda g: cr.build_features(g.data, g.past, (UsageDepth((30,)),), chunk=-1), "chunk"),
    ("build_features", "a builder twice", lambda g: cr.build_features(g.data, g.past, (UsageDepth((30,)), UsageDepth((30,)))), "two builders"),
    ("build_features", "own: a frame of rows", lambda g: cr.build_features(g.data, g.past, (), own=(pd.DataFrame({"fit": [1.0]}), [_FIT])), "index levels"),
    ("build_features", "own: pairs twice", lambda g: cr.build_features(g.data, g.past, (), own=(pd.concat([_own(g, fit=1.0)] * 2), [_FIT])), "repeat"),
    ("build_features", "own: not declared", lambda g: cr.build_features(g.data, g.past, (), own=(_own(g, other=1.0), [_FIT])), "differ"),
    ("build_features", "own: infinite", lambda g: cr.build_features(g.data, g.past, (), own=(_own(g, fit=np.inf), [_FIT])), "infinite"),
    ("build_features", "own: times", lambda g: cr.build_features(g.data, g.past, (), own=(_own(g, fit=pd.Timestamp("2025-01-01")), [_FIT])), "times"),
    ("build_features", "own: lists", lambda g: cr.build_features(g.data, g.past, (), own=(_own(g, fit=[["whispered"]] * len(g.past)), [_FIT])), "neither numbers nor categories"),
    ("build_features", "snapshots of other data", lambda g: cr.build_features(g.bare, g.past, (UsageDepth((30,)),)), "not in this data"),
]  # fmt: skip


def _times(g: Ground) -> pd.DataFrame:
    return pd.DataFrame({"duration": 40.0, "event": np.arange(len(g.X)) % 2 > 0}, index=g.X.index)


def _category(g: Ground) -> str:
    return next(name for name in g.X if isinstance(g.X[name].dtype, pd.CategoricalDtype))


MODELS: list[tuple[str, str, Callable[[Ground], Any], str]] = [
    ("fit", "y is None", lambda g: cr.ChurnModel().fit(g.X, None), "y"),
    ("fit", "one class", lambda g: cr.ChurnModel().fit(g.X, np.zeros(len(g.X))), "one class"),
    ("fit", "no label at all", lambda g: cr.ChurnModel().fit(g.X, g.y.mask(g.y.notna())), "one class|labelled"),
    ("fit", "three classes", lambda g: cr.ChurnModel().fit(g.X, np.arange(len(g.X)) % 3), "binary"),
    ("fit", "amounts as labels", lambda g: cr.ChurnModel().fit(g.X, np.linspace(0, 1, len(g.X))), "binary"),
    ("fit", "labels of another index", lambda g: cr.ChurnModel().fit(g.X, g.y.reset_index(drop=True)), "different indexes"),
    ("fit", "labels in another order", lambda g: cr.ChurnModel().fit(g.X, g.y.iloc[::-1]), "different indexes"),
    ("fit", "labels of another length", lambda g: cr.ChurnModel().fit(g.X, np.zeros(3)), "inconsistent|Found"),
    ("fit", "too few events", lambda g: cr.ChurnModel(min_events=10_000).fit(g.X, g.y), "min_events"),
    ("fit", "no row", lambda g: cr.ChurnModel().fit(g.X.iloc[:0], g.y.iloc[:0]), "minimum of 1|0 sample"),
    ("fit", "no column", lambda g: cr.ChurnModel().fit(g.X.iloc[:, :0], g.y), "minimum of 1|0 feature"),
    ("fit", "infinite values", lambda g: cr.ChurnModel().fit(_with(g.X, np.inf), g.y), "inf"),
    ("fit", "times among the features", lambda g: cr.ChurnModel().fit(_with(g.X, pd.Timestamp("2025-01-01")), g.y), "features are numbers"),
    ("fit", "lists among the features", lambda g: cr.ChurnModel().fit(_with(g.X, [["whispered"]] * len(g.X)), g.y), "features are numbers"),
    ("fit", "numbers and text in a column", lambda g: cr.ChurnModel().fit(_with(g.X, [1, "whispered"] * (len(g.X) // 2) + [1] * (len(g.X) % 2)), g.y), "features are numbers"),
    ("fit", "complex numbers", lambda g: cr.ChurnModel().fit(_with(g.X, 1j), g.y), "features are numbers|[Cc]omplex"),
    ("fit", "a column twice", lambda g: cr.ChurnModel().fit(pd.concat([g.X, g.X.iloc[:, :1]], axis=1), g.y), "more than once"),
    ("fit", "one-dimensional X", lambda g: cr.ChurnModel().fit(g.X.iloc[:, 0].to_numpy(), g.y.to_numpy(dtype=float, na_value=0)), "2D|1D"),
    ("fit", "negative weights", lambda g: cr.ChurnModel().fit(g.X, g.y, sample_weight=-np.ones(len(g.X))), "weight"),
    ("fit", "weights that are NaN", lambda g: cr.ChurnModel().fit(g.X, g.y, sample_weight=np.full(len(g.X), np.nan)), "weight"),
    ("fit", "weights of zero", lambda g: cr.ChurnModel().fit(g.X, g.y, sample_weight=np.zeros(len(g.X))), "weight"),
    ("fit", "weights of another length", lambda g: cr.ChurnModel().fit(g.X, g.y, sample_weight=np.ones(3)), "weight"),
    ("fit", "missing groups", lambda g: cr.ChurnModel().fit(g.X, g.y, groups=np.array([None] * len(g.X), dtype=object)), "groups"),
    ("fit", "groups of another length", lambda g: cr.ChurnModel().fit(g.X, g.y, groups=np.ones(3)), "inconsistent"),
    ("fit", "monotone in an unknown column", lambda g: g.fit(monotone={"unheard_of": 1}), "not in X"),
    ("fit", "monotone in a direction of 2", lambda g: g.fit(monotone={g.X.columns[0]: 2}), "directions"),
    ("fit", "monotone as a list", lambda g: g.fit(monotone=[1, 0]), "direction by column"),
    ("fit", "monotone in a category", lambda g: g.fit(monotone={_category(g): 1}), "hold categories"),
    ("fit", "monotone by the text of a number", lambda g: cr.ChurnModel(2, min_events=2, monotone={"0": 1}).fit(g.X.set_axis(range(g.X.shape[1]), axis=1), g.y), "write them without quotes"),
    ("fit", "weights beyond what sums", lambda g: cr.ChurnModel().fit(g.X, g.y, sample_weight=np.full(len(g.X), 1e308)), "weight"),
    ("fit", "one weight a billion times the others", lambda g: cr.ChurnModel().fit(g.X, g.y, sample_weight=np.r_[1e300, np.ones(len(g.X) - 1)]), "weight"),
    ("fit", "weights that are durations", lambda g: cr.ChurnModel().fit(g.X, g.y, sample_weight=np.full(len(g.X), np.timedelta64(1, "D"))), "weight"),
    ("fit", "labels churned and retained", lambda g: cr.ChurnModel().fit(g.X, g.y.map({True: "churned", False: "retained"})), "'churned' and 'retained'"),
    ("fit", "labels yes and no", lambda g: cr.ChurnModel().fit(g.X, g.y.map({True: "yes", False: "no"})), "'no' and 'yes'"),
    ("fit", "labels 1 and 2", lambda g: cr.ChurnModel().fit(g.X, g.y.map({True: 2, False: 1})), "labels 1.* and 2"),
    ("fit", "missing labels as text", lambda g: cr.ChurnModel().fit(g.X, np.where(np.arange(len(g.X)) % 2, "nan", "churned")), "missing label"),
    ("fit", "labels shuffled with their index", lambda g: cr.ChurnModel().fit(g.X, g.y.sample(frac=1, random_state=0)), "to_numpy"),
    ("fit", "weights in another order", lambda g: cr.ChurnModel().fit(g.X, g.y, sample_weight=pd.Series(1.0, g.X.index).iloc[::-1]), "sample_weight and X have different indexes"),
    ("fit", "an array of text", lambda g: cr.ChurnModel().fit(np.array([["1", "whispered"]] * len(g.X)), np.arange(len(g.X)) % 2), "array with text"),
    ("fit", "a query of DuckDB", lambda g: cr.ChurnModel().fit(duckdb.sql("select 1 as use"), g.y), "query"),
    ("predict_proba", "an array where categories were learned", lambda g: g.model.predict_proba(np.ones(g.X.shape)), "learned as categories"),
    ("predict_proba", "an array of texts", lambda g: g.model.predict_proba(g.X.to_numpy().astype(str)), "array with text"),
    ("predict_proba", "a column of Polars with text where numbers were", lambda g: g.model.predict_proba(pl.from_pandas(_with(g.X, "whispered"))), "of kind 'category' now"),
    ("predict_proba", "a frame of Polars without a column", lambda g: g.model.predict_proba(pl.from_pandas(g.X.iloc[:, 1:])), "[Ff]eature names"),
    ("LongevityModel.fit", "edges that are no days", lambda g: LongevityModel((30.5, 60)).fit(g.X, _times(g)), "edges"),
    ("LongevityModel.fit", "a million edges", lambda g: LongevityModel(range(1, 10**6)).fit(g.X, _times(g)), "edges"),
    ("LongevityModel.fit", "edges of text", lambda g: LongevityModel("quarters").fit(g.X, _times(g)), "edges"),
    ("LongevityModel.fit", "n_members=1e9", lambda g: LongevityModel(n_members=10**9).fit(g.X, _times(g)), "n_members"),
    ("LongevityModel.fit", "learning_rate='fast'", lambda g: LongevityModel(learning_rate="fast").fit(g.X, _times(g)), "learning_rate"),
    ("LongevityModel.fit", "min_events=-1", lambda g: LongevityModel(min_events=-1).fit(g.X, _times(g)), "min_events"),
    ("LongevityModel.fit", "random_state='x'", lambda g: LongevityModel(random_state="x").fit(g.X, _times(g)), "random_state"),
    ("LongevityModel.fit", "events that are words", lambda g: LongevityModel().fit(g.X, _times(g).assign(event="no")), "event"),
    ("LongevityModel.fit", "durations of 0", lambda g: LongevityModel().fit(g.X, _times(g).assign(duration=0)), "duration"),
    ("LongevityModel.fit", "times in another order", lambda g: LongevityModel().fit(g.X, _times(g).iloc[::-1]), "indexes"),
    ("AmountModel.fit", "power='strong'", lambda g: AmountModel(power="strong").fit(g.X, np.ones(len(g.X))), "power"),
    ("AmountModel.fit", "amounts that are words", lambda g: AmountModel().fit(g.X, np.array(["whispered"] * len(g.X))), "numbers"),
    ("UpliftModel.fit", "n_folds=0", lambda g: UpliftModel(n_folds=0).fit(g.X, g.y, g.y), "n_folds"),
    ("UpliftModel.fit", "sides of other rows", lambda g: UpliftModel().fit(g.X, g.y, g.y.reset_index(drop=True)), "indexes"),
    ("UpliftModel.fit", "sides that are words", lambda g: UpliftModel().fit(g.X, g.y, pd.Series("call", index=g.X.index)), "'call'"),
    ("predict_proba", "not fitted", lambda g: cr.ChurnModel().predict_proba(g.X), "not fitted"),
    ("predict_proba", "a column missing", lambda g: g.model.predict_proba(g.X.iloc[:, 1:]), "[Ff]eature names"),
    ("predict_proba", "a column more", lambda g: g.model.predict_proba(g.X.assign(more=1.0)), "[Ff]eature names"),
    ("predict_proba", "columns in another order", lambda g: g.model.predict_proba(g.X.iloc[:, ::-1]), "[Ff]eature names"),
    ("predict_proba", "a column by another name", lambda g: g.model.predict_proba(g.X.rename(columns={g.X.columns[0]: "other"})), "[Ff]eature names"),
    ("predict_proba", "text where numbers were", lambda g: g.model.predict_proba(_with(g.X, "whispered")), "of kind 'category' now and 'number'"),
    ("predict_proba", "times where numbers were", lambda g: g.model.predict_proba(_with(g.X, pd.Timestamp("2025-01-01"))), "features are numbers"),
    ("predict_proba", "infinite values", lambda g: g.model.predict_proba(_with(g.X, -np.inf)), "inf"),
    ("predict_proba", "no row", lambda g: g.model.predict_proba(g.X.iloc[:0]), "minimum of 1"),
    ("predict_proba", "an array of another width", lambda g: g.model.predict_proba(np.ones((3, 2))), "features"),
]  # fmt: skip
MODELS += [
    ("fit", f"{name}={value!r}", lambda g, n=name, v=value: g.fit(**{n: v}), name)
    for name, values in {
        "n_members": (0, -1, 1.5, "5", None, True, 10_000),
        "learning_rate": (0, -0.1, float("nan"), float("inf"), "fast", None, 2),
        "num_leaves": (0, 1, -3, 2.5, "many", None, 10**9),
        "min_events": (-1, "few", 1.5),
        "n_jobs": ("two", 1.5),
        "blend": ("always", 2),
    }.items()
    for value in values
]
MODELS += [("fit", f"random_state={v!r}", lambda g, v=v: g.fit(random_state=v), "[Ss]eed") for v in ("x", -1, 1.5)]

EVALUATION: list[tuple[str, str, Callable[[Ground], Any], str]] = [
    ("evaluate", "labels of another length", lambda g: cr.evaluate(g.model, g.X, [0, 1]), "one label for each row|different"),
    ("evaluate", "labels of another index", lambda g: cr.evaluate(g.model, g.X, g.y.reset_index(drop=True)), "indexes"),
    ("evaluate", "no label at all", lambda g: cr.evaluate(g.model, g.X, g.y.mask(g.y.notna())), "none of"),
    ("evaluate", "labels of another kind", lambda g: cr.evaluate(g.model, g.X, g.y.map({True: "yes", False: "no"})), "'yes'|'no'"),
    ("evaluate", "labels 1 and 2", lambda g: cr.evaluate(g.model, g.X, g.y.map({True: 2, False: 1})), "labels are 2"),
    ("evaluate", "a model that is no classifier", lambda g: cr.evaluate(AmountModel(), g.X, g.y), "classes_"),
    ("evaluate", "n_bootstrap=1e8", lambda g: cr.evaluate(g.model, g.X, g.y, n_bootstrap=10**8), "n_bootstrap"),
    ("evaluate", "n_bootstrap='many'", lambda g: cr.evaluate(g.model, g.X, g.y, n_bootstrap="many"), "n_bootstrap"),
    ("evaluate", "random_state='x'", lambda g: cr.evaluate(g.model, g.X, g.y, random_state="x"), "random_state"),
    ("evaluate", "groups of other rows", lambda g: cr.evaluate(g.model, g.X, g.y, groups=pd.Series(1, index=range(len(g.X)))), "groups and X have different indexes"),
    ("evaluate_scores", "labels that are words", lambda _: evaluation.evaluate_scores(["no", "yes"], [0.1, 0.2]), "'no', 'yes'"),
    ("evaluate_scores", "scores that are durations", lambda _: evaluation.evaluate_scores([0, 1], pd.to_timedelta([1, 2], unit="D")), "times as days"),
    ("evaluate_scores", "scores of two columns", lambda _: evaluation.evaluate_scores([0, 1], np.ones((2, 2))), "one score for each row"),
    ("compare", "a second score of other rows", lambda g: evaluation.compare(g.y, g.y.astype("Float64"), g.y.iloc[1:].astype("Float64")), "second and y have different indexes"),
    ("compare", "capacity=0", lambda _: evaluation.compare([0, 1], [1, 2], [1, 2], capacity=0), "capacity"),
    ("expected_loss", "values of other rows", lambda g: evaluation.expected_loss(g.y, g.y.astype("Float64"), pd.Series([1.0, 2.0])), "value and y have different indexes"),
    ("evaluate_uplift", "a score of other rows", lambda g: evaluate_uplift(pd.Series(1.0, index=range(len(g.y))), g.y, g.y), "have different indexes"),
    ("evaluate_uplift", "sides that are missing", lambda _: evaluate_uplift(pd.Series([1, 2]), pd.Series([0, 1]), pd.Series([True, None])), "treated: 1 of 2"),
    ("evaluate_uplift", "capacity=0", lambda _: evaluate_uplift(pd.Series([1, 2]), pd.Series([0, 1]), pd.Series([True, False]), capacity=0), "capacity"),
    ("evaluate_survival", "events that are words", lambda _: evaluation.evaluate_survival(pd.DataFrame({"duration": [1, 2], "event": ["no", "yes"]}), pd.DataFrame({1: [0.1, 0.2]})), "event"),
    ("evaluate_survival", "chances above 1", lambda _: evaluation.evaluate_survival(pd.DataFrame({"duration": [1, 2], "event": [True, False]}), pd.DataFrame({1: [0.1, 2]})), "outside"),
    ("backtest", "n_bootstrap=1e8", lambda g: cr.backtest(g.model, g.X, g.y, g.past, ["2024-09-01"], measurement=evaluation.Measurement(n_bootstrap=10**8)), "n_bootstrap"),
    ("calibration_curve", "a billion levels", lambda _: evaluation.calibration_curve([0, 1], [0.1, 0.2], n_bins=10**9), "n_bins"),
    ("evaluate", "capacity=0", lambda g: cr.evaluate(g.model, g.X, g.y, capacity=0), "capacity"),
    ("evaluate", "capacity=2", lambda g: cr.evaluate(g.model, g.X, g.y, capacity=2), "capacity"),
    ("evaluate", "capacity=nan", lambda g: cr.evaluate(g.model, g.X, g.y, capacity=float("nan")), "capacity"),
    ("evaluate_scores", "labels that are neither 0 nor 1", lambda _: evaluation.evaluate_scores([0, 2, 1], [0.1, 0.2, 0.3]), "neither 0 nor 1"),
    ("evaluate_scores", "missing scores", lambda _: evaluation.evaluate_scores([0, 1, 1], [0.1, np.nan, 0.3]), "missing|finite|NaN"),
    ("evaluate_scores", "scores of another length", lambda _: evaluation.evaluate_scores([0, 1, 1], [0.1]), "one score for each row"),
    ("evaluate_scores", "scores of another index", lambda g: evaluation.evaluate_scores(g.y, g.y.iloc[1:].astype("Float64")), "indexes"),
    ("backtest", "features of other snapshots", lambda g: cr.backtest(g.model, g.book.rename(index=lambda _: "Kanarie", level=0), g.y, g.past, ["2024-09-01"]), "not in snapshots"),
    ("backtest", "no date", lambda g: cr.backtest(g.model, g.X, g.y, g.past, []), "date"),
    ("capacity_curve", "a capacity of 2", lambda _: evaluation.capacity_curve([0, 1], [0.1, 0.2], capacities=[2]), "capacities"),
    ("calibration_curve", "n_bins=0", lambda _: evaluation.calibration_curve([0, 1], [0.1, 0.2], n_bins=0), "n_bins"),
]  # fmt: skip


def _own_column(g: Ground, goals: dict[str, str]) -> Any:
    """Explain a model with a column that no builder of csrisk declares."""
    X = g.X.rename(columns={g.X.columns[0]: "own"})
    return cr.explain(
        cr.ChurnModel(2, min_events=2, random_state=0).fit(X, g.y), X[:9], reference=X, declarations=goals
    )


EXPLAIN: list[tuple[str, str, Callable[[Ground], Any], str]] = [
    ("explain", f"output={v!r}", lambda g, v=v: cr.explain(g.model, g.book, reference=g.X, output=v), "output")
    for v in ("points", "", None, 1, "amount")
]
EXPLAIN += [
    ("explain", f"n_reference={v!r}", lambda g, v=v: cr.explain(g.model, g.book, reference=g.X, n_reference=v), "n_reference")
    for v in (0, -1, "many", 1.5, None)
]  # fmt: skip
EXPLAIN += [
    ("explain", f"n_strongest={v!r}", lambda g, v=v: cr.explain(g.model, g.book, reference=g.X, n_strongest=v), "n_strongest")
    for v in (-1, 9, "all", 1.5)
]  # fmt: skip
EXPLAIN += [
    ("explain", "no row", lambda g: cr.explain(g.model, g.X.iloc[:0], reference=g.X), "0 rows"),
    ("explain", "no reference row", lambda g: cr.explain(g.model, g.book, reference=g.X.iloc[:0]), "0 rows"),
    ("explain", "a reference that is no frame", lambda g: cr.explain(g.model, g.book, reference="book"), "pass the feature frame itself"),
    ("explain", "a reference without columns", lambda g: cr.explain(g.model, g.book, reference=g.X.iloc[:, :2]), "give the columns of training"),
    ("explain", "X without columns", lambda g: cr.explain(g.model, g.book.iloc[:, :2], reference=g.X), "give the columns of training"),
    ("explain", "X that is an array", lambda g: cr.explain(g.model, g.book.to_numpy(), reference=g.X), ""),
    ("explain", "a model that is none", lambda g: cr.explain("model", g.book, reference=g.X), "not recognised"),
    ("explain", "a model that is not fitted", lambda g: cr.explain(cr.ChurnModel(), g.book, reference=g.X), "fitted"),
    ("explain", "a column without goal", lambda g: _own_column(g, {"mrr": "churn"}), "1 of .* have no goal, first .'own'"),
    ("explain", "a goal that is none", lambda g: cr.explain(g.model, g.book, reference=g.X, declarations=dict.fromkeys(g.X.columns, "risk")), ""),
    ("Reference.segment", "an unknown column", lambda g: cr.Reference.segment(g.X, by="unheard_of"), "no such column"),
    ("Reference.best", "a mask of another length", lambda g: cr.Reference.best(g.X, np.ones(3, dtype=bool)), "mask"),
    ("Reference.best", "a mask that selects nobody", lambda g: cr.Reference.best(g.X, np.zeros(len(g.X), dtype=bool)), "0 rows"),
    ("Reference.own_past", "a frame of rows", lambda g: cr.Reference.own_past(g.X.reset_index(drop=True)), "index of account and as_of"),
    ("Explanation.account", "an unknown account", lambda g: g.why.account("Kanarie"), ""),
    ("Explanation.features", "an unknown goal", lambda g: g.why.features("risk"), ""),
    ("Explanation.plot_account", "an unknown account", lambda g: g.why.plot_account("Kanarie"), ""),
]  # fmt: skip

REPORT: list[tuple[str, str, Callable[[Ground], Any], str]] = [
    ("write_report", f"suffix of {v!r}", lambda g, v=v: cr.write_report(g.folder / v, g.why), "suffix")
    for v in ("risk.pdf", "risk", "risk.html.exe", ".html")
]
REPORT += [
    ("write_report", "several dates", lambda g: cr.write_report(g.folder / "r.html", cr.explain(g.model, g.X, reference=g.X, n_reference=10)), "dates"),
    ("write_report", "log-odds", lambda g: cr.write_report(g.folder / "r.html", cr.explain(g.model, g.book, reference=g.X, output="log_odds")), "percentage points"),
    ("write_report", "max_cards=0", lambda g: cr.write_report(g.folder / "r.html", g.why, max_cards=0), "max_cards"),
]  # fmt: skip


def _priorities(risk: float = 0.5, value: Any = None, **options: Any) -> Any:
    save_rate = options.pop("save_rate", 0.3)
    campaign = success.Campaign(**{"capacity": 1, "cost": 1.0, **options})
    worth = pd.Series([1.0]) if value is None else value
    return success.priorities(pd.Series([risk]), worth, campaign=campaign, save_rate=save_rate)


SUCCESS: list[tuple[str, str, Callable[[Ground], Any], str]] = [
    ("priorities", "risk above 1", lambda _: _priorities(1.5), "risk"),
    ("priorities", "another index", lambda _: _priorities(value=pd.Series([1.0], index=[7])), "index"),
    ("priorities", "capacity=-1", lambda _: _priorities(capacity=-1), "capacity"),
    ("priorities", "capacity=1.5", lambda _: _priorities(capacity=1.5), "capacity"),
    ("priorities", "save_rate=0", lambda _: _priorities(save_rate=0), "save_rate"),
    ("priorities", "save_rate=2", lambda _: _priorities(save_rate=2), "save_rate"),
    ("priorities", "cost=-1", lambda _: _priorities(cost=-1), "cost"),
    ("priorities", "holdout=1", lambda _: _priorities(holdout=1), "holdout"),
]  # fmt: skip

_ERRORS = {
    "snapshots": (SNAPSHOTS, "SnapshotError"),
    "labels": (LABELS, "LabelError"),
    "splits": (SPLITS, "SnapshotError"),
    "features": (FEATURES, "FeatureError"),
    "models": (MODELS, "ValueError"),
    "evaluation": (EVALUATION, "ValueError"),
    "explain": (EXPLAIN, "ExplanationError"),
    "report": (REPORT, "ConfigError"),
    "success": (SUCCESS, "ConfigError"),
}
# those that answer with another class than the rest of their area, which is a subclass of ValueError too
_OTHER = {
    **{f"models: fit: {what}": "NotEnoughDataError" for what in ("too few events", "one class", "no label at all")},
    "models: predict_proba: not fitted": "NotFittedError",
    "report: write_report: several dates": "ExplanationError",
    "report: write_report: log-odds": "ExplanationError",
    "evaluation: backtest: no date": "SnapshotError",
    "evaluation: backtest: features of other snapshots": "SnapshotError",
    "features: build_features: snapshots of other data": "SnapshotError",
    **{f"labels: label_churn: grace={v!r}": "SnapshotError" for v in (-1, "soon", 1.5, None, "36h")},
}


def call_cases() -> Iterator[Case]:
    """Every misuse with the class of its error."""
    for area, (calls, error) in _ERRORS.items():
        for where, what, run, words in calls:
            case = Case(area, what, where, error, run, words)
            says = _OTHER.get(case.name, error)
            yield Case(area, what, where, says, run, words)


def make_ground(folder: Path | None = None) -> Ground:
    """A ground for a script; tests give it a folder of their own."""
    import tempfile
    from pathlib import Path as Folder

    return Ground(folder or Folder(tempfile.mkdtemp()))
