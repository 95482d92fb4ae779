"""No function of the public API takes more than eight arguments; names of before grouping work for one version."""

from __future__ import annotations

import dataclasses
import inspect
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

import csrisk as cr
from csrisk import checks, datasets, evaluation, monitoring, success
from csrisk.report import FurtherParts, ReportForm, write_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MOST = 8


def _functions() -> Iterator[tuple[str, Any]]:
    """Public functions, methods and constructors by name, each once.

    Estimators have their hyperparameters and frozen records their fields in the constructor: one is named at a time, so
    their number is no burden. They are left out, their methods are not.
    """
    seen: set[int] = set()
    for room in ("", *cr._ROOMS):
        space = getattr(cr, room) if room else cr
        for name in space.__all__:
            found = getattr(space, name)
            if id(found) in seen or inspect.ismodule(found):
                continue
            seen.add(id(found))
            whole = f"csrisk.{room}.{name}" if room else f"csrisk.{name}"
            if not inspect.isclass(found):
                yield whole, found
                continue
            if not issubclass(found, BaseEstimator) and not dataclasses.is_dataclass(found):
                yield whole, found
            yield from ((f"{whole}.{key}", getattr(found, key)) for key in vars(found) if not key.startswith("_"))


def _width(function: Any) -> int:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # not callable, or an exception of C
        return 0
    open_ended = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return sum(one.kind not in open_ended and one.name not in ("self", "cls") for one in parameters)


def test_no_public_function_takes_more_than_eight_arguments() -> None:
    widths = {name: _width(function) for name, function in _functions() if callable(function)}
    assert len(widths) > 200
    assert {name: n for name, n in widths.items() if n > MOST} == {}


def test_what_a_report_is_told_is_in_one_group() -> None:
    groups = [
        [one.name for one in dataclasses.fields(kind)] for kind in (cr.report.ModelFacts, FurtherParts, ReportForm)
    ]
    names = [name for group in groups for name in group]
    assert len(names) == len(set(names))
    assert set(names) <= set(inspect.signature(write_parts).parameters)


def test_names_of_earlier_releases_work_for_one_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr("csrisk.report._call.write_parts", _recorded(calls))
    cr.write_report(tmp_path / "a.md", None, form=ReportForm(currency="EUR", max_cards=3))  # type: ignore[arg-type]
    with pytest.warns(DeprecationWarning, match=r"say form=ReportForm\(currency=..., max_cards=...\)"):
        cr.write_report(tmp_path / "a.md", None, currency="EUR", max_cards=3)  # type: ignore[arg-type]
    assert calls[0] == calls[1]
    assert (calls[0]["currency"], calls[0]["max_cards"], calls[0]["title"]) == ("EUR", 3, "Customer risk report")
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        cr.write_report(tmp_path / "a.md", None, colour="red")  # type: ignore[arg-type]


RISK = pd.Series([0.5, 0.1], pd.Index(["a", "b"], name="account_id"))
BOOK = pd.DataFrame(
    {"days_since_use": np.arange(120.0)},
    index=pd.MultiIndex.from_product([range(120), [pd.Timestamp("2025-01-01")]], names=["account_id", "as_of"]),
)
GROUPED: dict[str, tuple[Callable[[], Any], Callable[[], Any], str]] = {
    "backtest": (
        lambda: cr.backtest(**_panel(), capacity=0.2, n_bootstrap=5).overall(),
        lambda: cr.backtest(**_panel(), measurement=evaluation.Measurement(capacity=0.2, n_bootstrap=5)).overall(),
        r"backtest\(capacity=..., n_bootstrap=...\) .* measurement=Measurement\(.*, of csrisk.evaluation",
    ),
    "expected_maximum_profit": (
        lambda: evaluation.expected_maximum_profit(
            [1, 0], [2, 1], value=9, incentive=1, contact_cost=1, save_rate=(2, 2), n_bootstrap=5
        ),
        lambda: evaluation.expected_maximum_profit(
            [1, 0],
            [2, 1],
            offer=evaluation.Offer(value=9, incentive=1, contact_cost=1, save_rate=(2, 2)),
            n_bootstrap=5,
        ),
        r"offer=Offer\(value=..., incentive=..., contact_cost=..., save_rate=...\), of csrisk.evaluation",
    ),
    "run_checks": (
        lambda: checks.checks_frame(checks.run_checks(BOOK, _ends(), split=_halves())),
        lambda: checks.checks_frame(checks.run_checks(BOOK, _ends(), forward=checks.ForwardEvidence(split=_halves()))),
        r"run_checks\(split=...\) .* forward=ForwardEvidence\(split=...\), of csrisk.checks",
    ),
    "monitor, training": (
        lambda: cr.monitor(BOOK, BOOK, trained_at="2024-01-01", accounts=500).table(),
        lambda: cr.monitor(BOOK, BOOK, training=monitoring.TrainingFacts("2024-01-01", accounts=500)).table(),
        r"training=TrainingFacts\(trained_at=..., accounts=...\), of csrisk.monitoring",
    ),
    "monitor, alarms": (
        lambda: cr.monitor(BOOK, BOOK, limit=0.3).table(),
        lambda: cr.monitor(BOOK, BOOK, alarms=monitoring.Alarms(limit=0.3)).table(),
        r"monitor\(limit=...\) .* alarms=Alarms\(limit=...\), of csrisk.monitoring",
    ),
    "make_regimes": (
        lambda: datasets.make_regimes(30, 4, surveyed=0.0).tables["treatments"],
        lambda: datasets.make_regimes(30, 4, traits=datasets.RegimeTraits(surveyed=0.0)).tables["treatments"],
        r"traits=RegimeTraits\(surveyed=...\), of csrisk.datasets",
    ),
    "priorities": (
        lambda: success.priorities(RISK, 900 * RISK, capacity=1, cost=5, save_rate=0.5, campaign="spring"),
        lambda: success.priorities(
            RISK, 900 * RISK, campaign=success.Campaign(capacity=1, cost=5, name="spring"), save_rate=0.5
        ),
        r"priorities\(capacity=..., cost=..., campaign=...\) .* campaign=Campaign\(capacity=..., cost=..., name=...\)",
    ),
}


def _panel() -> dict[str, Any]:
    index = pd.MultiIndex.from_product([range(40), pd.date_range("2025-01-01", periods=4, freq="MS")])
    past = cr.Snapshots(index.set_names(["account_id", "as_of"]), lead=0, horizon=30, end=pd.Timestamp("2025-06-01"))
    X = pd.DataFrame({"x": np.arange(160) // 4}, index=past.index)
    return {"model": DummyClassifier(), "X": X, "y": X["x"] > 20, "snapshots": past, "dates": ["2025-03-01"]}


def _ends() -> pd.Series:
    return pd.Series(np.arange(120) % 3 == 0, BOOK.index)


def _halves() -> tuple[pd.Series, pd.Series]:
    first = pd.Series(np.arange(120) < 60, BOOK.index)
    return first, ~first


@pytest.mark.parametrize("call", GROUPED)
def test_what_was_told_by_its_own_name_goes_into_its_group(call: str) -> None:
    """The old name warns at the line of the caller, names the new place, and gives the same."""
    before, now, words = GROUPED[call]
    with pytest.warns(DeprecationWarning, match=words) as warned:
        old = before()
    assert [one.filename for one in warned if one.category is DeprecationWarning] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        pd.testing.assert_frame_equal(old, now())


@pytest.mark.parametrize(
    "call",
    [
        lambda: cr.backtest(**_panel(), colour="red"),
        lambda: evaluation.expected_maximum_profit([1, 0], [2, 1], colour="red"),
        lambda: checks.run_checks(BOOK, _ends(), colour="red"),
        lambda: cr.monitor(BOOK, BOOK, colour="red"),
        lambda: datasets.make_regimes(colour="red"),
        lambda: success.priorities(RISK, RISK, colour="red"),
        lambda: cr.explain(None, BOOK, colour="red"),
    ],
)
def test_a_slip_of_the_pen_is_refused(call: Callable[[], Any]) -> None:
    with pytest.raises(TypeError, match=r"\(\) got an unexpected keyword argument 'colour'"):
        call()


def test_the_seed_of_an_explanation_is_a_matter_of_its_reference() -> None:
    """Two of forty rows stand for the reference: another seed chooses others."""
    X = pd.DataFrame({"logins": range(40)})
    goals, model = {"logins": "footprint"}, LogisticRegression().fit(X, X["logins"] > 20)
    told: dict[str, Any] = {"declarations": goals, "n_reference": 2}
    with pytest.warns(
        DeprecationWarning, match=r"reference=Reference.book\(X, random_state=...\), of csrisk$"
    ) as warned:
        old = cr.explain(model, X[:3], reference=X, random_state=1, **told)
    assert warned[0].filename == __file__
    new = cr.explain(model, X[:3], reference=cr.Reference.book(X, random_state=1), **told)
    pd.testing.assert_frame_equal(old.goals(), new.goals())


def test_the_report_of_a_pipeline_takes_its_past_and_its_form(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr("csrisk._pipeline._pipeline.report_of", lambda *given: told.append(given[5:]))
    pipeline: Any = cr.RiskPipeline()
    pipeline.model_id_ = "trained"
    words = r"RiskPipeline.report\(previous=..., past_months=...\) .* say past=Past\(previous=..., months=...\), of"
    with pytest.warns(DeprecationWarning, match=words):
        pipeline.report("r.html", object(), why=object(), previous="2025-01-01", past_months=3)
    with pytest.warns(
        DeprecationWarning, match=r"report\(currency=...\) .* form=ReportForm\(currency=...\), of csrisk"
    ):
        pipeline.report("r.html", object(), why=object(), currency="EUR")
    pipeline.report("r.html", object(), why=object(), past=cr.pipeline.Past("2025-01-01"), form=ReportForm(digest=True))
    assert [(past.previous, past.months, form) for past, _, form in told] == [
        ("2025-01-01", 3, None),
        (None, 12, ReportForm(currency="EUR")),
        ("2025-01-01", 12, ReportForm(digest=True)),
    ]


def _recorded(calls: list[dict[str, Any]]) -> Any:
    """`write_parts` that writes nothing, with the signature of the real one."""

    def record(path: Any, why: Any, **told: Any) -> Any:  # what is written does not matter here
        calls.append(told)
        return path

    record.__signature__ = inspect.signature(write_parts)  # type: ignore[attr-defined]
    return record
