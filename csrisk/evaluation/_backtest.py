"""Backtest: retrain at several dates, score what came after, and keep every score."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from csrisk._days import as_midnights
from csrisk._deprecated import grouped, require_none_left
from csrisk._params import check_resamples
from csrisk._splits import ForwardSplit
from csrisk._text import day, html_table, number
from csrisk.evaluation._evaluate import check_capacity, evaluate_scores
from csrisk.evaluation._measuring._metrics import BASE_RATE
from csrisk.evaluation._measuring._rows import labelled_rows, model_event
from csrisk.exceptions import SnapshotError
from csrisk.models._rows import align, floats, same_levels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from csrisk._snapshots import Snapshots

__all__ = ["Backtest", "Measurement", "backtest"]

RECENCY, MODEL = "recency", "model"
_RECENCY_COLUMN = "days_since_use"
# other baselines may be on any scale: only their ranks are measured
_PROBABILITIES = (MODEL, BASE_RATE)
_COUNTS = ["n_snapshots", "n_accounts", "n_events"]
_AGES = (0, 30, 90, 180, 365)


@dataclass(frozen=True)
class Measurement:
    """How scores are measured, and how sure the measures are.

    Parameters
    ----------
    capacity : float, default 0.1
        Share of the snapshots that can be looked after.
    n_bootstrap : int, default 200
        Resamples of accounts behind each interval.
    random_state : int, default 0
        Seed of the resamples.

    Raises
    ------
    ValueError
        If one of them makes no sense.

    Examples
    --------
    >>> from csrisk.evaluation import Measurement
    >>> Measurement(capacity=0.2).n_bootstrap
    200
    """

    capacity: float = 0.1
    n_bootstrap: int = 200
    random_state: int = 0

    def __post_init__(self) -> None:
        check_capacity(self.capacity)
        check_resamples(self.n_bootstrap, self.random_state)


@dataclass(frozen=True)
class Backtest:
    """Scores of models trained at several dates, and the tables drawn from them.

    Each table has one row for each group and score (the model and its baselines), with the columns auc,
    average_precision, lift and capture, log_loss, brier, calibration_slope, calibration_intercept, mean_risk,
    event_rate, each with ``_low`` and ``_high``, and the counts n_snapshots, n_accounts, n_events.

    Parameters
    ----------
    scores : DataFrame
        Index (trained_at, account_id, as_of); columns ``age`` (days from training to scoring), ``outcome`` (0 or 1),
        ``model``, and one column for each baseline.
    capacity : float
        Share of the snapshots that can be looked after.
    n_bootstrap : int
        Resamples of accounts behind each interval.
    random_state : int
        Seed of the resamples.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.evaluation import Backtest
    >>> dates = [pd.Timestamp("2025-01-01"), pd.Timestamp("2025-02-01")]
    >>> names = ["trained_at", "account_id", "as_of"]
    >>> index = pd.MultiIndex.from_product([dates[:1], range(40), dates[1:]], names=names)
    >>> risk = [place / 40 for place in range(40)]
    >>> scores = pd.DataFrame({"age": 31, "outcome": [0] * 20 + [1] * 20, "model": risk, "base_rate": 0.5}, index=index)
    >>> Backtest(scores, n_bootstrap=20).overall()["auc"].to_dict()
    {'model': 1.0, 'base_rate': 0.5}
    """

    scores: pd.DataFrame
    capacity: float = 0.1
    n_bootstrap: int = 200
    random_state: int = 0
    baselines: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        check_resamples(self.n_bootstrap, self.random_state)
        names = tuple(name for name in self.scores.columns if name not in ("age", "outcome", MODEL))
        # the class is frozen
        object.__setattr__(self, "baselines", names)

    def _repr_html_(self) -> str:
        """Show the AUC of each score by date of training in a notebook."""
        table = self.by_date()
        rows = [
            (score, day(date), f"{number(auc, 3)} ({number(low, 3)} to {number(high, 3)})", number(events, 0))
            for (date, score), (auc, low, high, events) in zip(
                table.index, table[["auc", "auc_low", "auc_high", "n_events"]].itertuples(index=False), strict=True
            )
        ]
        heads = ("score", "trained at", "AUC (95 %)", "events")
        return html_table(f"Backtest of {number(len(self.fresh), 0)} scored snapshots", heads, rows)

    @property
    def fresh(self) -> pd.DataFrame:
        """Scores of each snapshot by the newest model that was there."""
        # a later training scores the same snapshot again: the smallest age is the model that would have been in use
        newest = self.scores.groupby(level=["account_id", "as_of"])["age"].transform("min")
        return self.scores[self.scores["age"] == newest]

    def overall(self) -> pd.DataFrame:
        """Metrics over all snapshots, each scored by the newest model that was there.

        Returns
        -------
        DataFrame
            Index ``score``.
        """
        fresh = self.fresh
        return self._table(fresh, pd.Series("all", index=fresh.index, name="group")).droplevel(0)

    def by_date(self) -> pd.DataFrame:
        """Metrics by date of training, up to the next training.

        Returns
        -------
        DataFrame
            Index (trained_at, score).
        """
        fresh = self.fresh
        return self._table(fresh, fresh.index.get_level_values("trained_at").to_series(index=fresh.index))

    def by_age(self, edges: Sequence[int] = _AGES) -> pd.DataFrame:
        """Metrics by age of the model: what is lost by not retraining.

        Parameters
        ----------
        edges : sequence of int
            Lower edges of the ages, in days.

        Returns
        -------
        DataFrame
            Index (age, score), where age is the lower edge.
        """
        lower = np.asarray(sorted(edges))
        # -1 is younger than the lowest edge, and left out below
        place = np.searchsorted(lower, self.scores["age"].to_numpy(), side="right") - 1
        ages = pd.Series(lower[np.maximum(place, 0)], index=self.scores.index, name="age")
        return self._table(self.scores[place >= 0], ages[place >= 0])

    def by_segment(self, segment: pd.Series) -> pd.DataFrame:
        """Metrics by segment, each snapshot scored by the newest model that was there.

        Parameters
        ----------
        segment : Series
            Segment of each snapshot, on the index (account_id, as_of); a missing one is "unknown".

        Returns
        -------
        DataFrame
            Index (segment, score).
        """
        fresh = self.fresh
        # as objects: "unknown" may be no category of the segment
        of_row = _on(segment.astype(object), _snapshots_of(fresh), "segment")
        named = of_row.where(of_row.notna(), "unknown").astype(str).set_axis(fresh.index)
        return self._table(fresh, named.rename(str(segment.name or "segment")))

    def by_lead(self, labels: Mapping[int, pd.Series]) -> pd.DataFrame:
        """Metrics against labels that lie further ahead: how early the risk is seen.

        Parameters
        ----------
        labels : mapping of int to Series
            Labels of the same snapshots by lead in days, on the index (account_id, as_of).

        Returns
        -------
        DataFrame
            Index (lead, score).
        """
        fresh, parts = self.fresh, []
        keys = _snapshots_of(fresh)
        for lead, label in sorted(labels.items()):
            outcome = _on(label, keys, f"labels[{lead!r}]").set_axis(fresh.index)
            if outcome.isna().all():
                continue  # no window of this lead is over
            target, known = labelled_rows(outcome, fresh, [0, 1], 1)
            rows = fresh[known].assign(outcome=target)
            parts.append(self._table(rows, pd.Series(lead, index=rows.index, name="lead")))
        return pd.concat(parts)

    def _table(self, rows: pd.DataFrame, by: pd.Series) -> pd.DataFrame:
        found = {
            (group, score): self._measure(part, score)
            # by place: an index of three levels would be aligned by its labels
            for group, part in rows.groupby(by.to_numpy(), sort=True)
            for score in (MODEL, *self.baselines)
        }
        table = pd.DataFrame(found.values(), index=pd.MultiIndex.from_tuples(found, names=[by.name, "score"]))
        return table.astype(dict.fromkeys(_COUNTS, np.int64))

    def _measure(self, rows: pd.DataFrame, score: str) -> dict[str, float]:
        table = evaluate_scores(
            rows["outcome"].to_numpy(),
            rows[score].to_numpy(),
            rows.index.get_level_values("account_id"),
            probability=score in _PROBABILITIES,
            capacity=self.capacity,
            n_bootstrap=self.n_bootstrap,
            random_state=self.random_state,
        )
        measured: dict[str, float] = {}
        for metric, row in table.drop(index=_COUNTS).iterrows():
            measured |= {str(metric): row["estimate"], f"{metric}_low": row["low"], f"{metric}_high": row["high"]}
        if score == BASE_RATE:
            # one constant for each date has no slope worth a number
            measured |= dict.fromkeys(("calibration_slope", "calibration_slope_low", "calibration_slope_high"), np.nan)
        return measured | dict(zip(_COUNTS, table.loc[_COUNTS, "estimate"].to_numpy(), strict=True))


def backtest(
    model: Any,
    X: pd.DataFrame,
    y: pd.Series,
    snapshots: Snapshots,
    dates: Sequence[Any],
    *,
    baselines: Mapping[str, pd.Series] | None = None,
    grace: int | str = 0,
    measurement: Measurement | None = None,
    **others: Any,
) -> Backtest:
    """Retrain at several dates and score what came after each.

    At each date the model learns from the snapshots whose labels were final by then, and scores all later snapshots.

    Parameters
    ----------
    model : estimator or callable
        Estimator to be cloned, or a function without arguments that makes one.
    X : DataFrame
        Features on the index (account_id, as_of).
    y : Series
        Labels on the same index.
    snapshots : Snapshots
        Who was seen when, with the label windows.
    dates : sequence of date
        Dates of training.
    baselines : mapping of str to Series, optional
        Further scores on the index of `X`, higher is more at risk (for a health score, its negative). The base rate of
        the training labels, and ``days_since_use`` alone where X has it (never used counts as longest ago), are always
        there.
    grace : int or str, default 0
        Days until a label is final, as given to `label_churn`.
    measurement : Measurement, optional
        Capacity, resamples and seed; as in `evaluate` where it is not given.
    **others
        Fields of `Measurement` by their own name, as earlier releases took them; deprecated.

    Returns
    -------
    Backtest

    Raises
    ------
    SnapshotError
        If a date leaves nothing to train on or to test, or X holds snapshots that `snapshots` does not know.
    ValueError
        If X and y have different indexes.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> from csrisk import Snapshots, backtest
    >>> from csrisk.evaluation import Measurement
    >>> dates = pd.date_range("2025-01-01", periods=6, freq="MS")
    >>> index = pd.MultiIndex.from_product([range(50), dates], names=["account_id", "as_of"])
    >>> past = Snapshots(index, lead=0, horizon=30, end=pd.Timestamp("2025-07-01"))
    >>> X = pd.DataFrame({"idle": np.random.default_rng(0).exponential(size=300)}, index=past.index)
    >>> few, days = Measurement(n_bootstrap=20), ["2025-03-01", "2025-05-01"]
    >>> found = backtest(LogisticRegression(), X, X["idle"] > 1, past, days, measurement=few)
    >>> found.overall().loc["model", ["n_snapshots", "auc"]].tolist()
    [200.0, 1.0]
    """
    told = grouped("backtest", "measurement", Measurement, measurement, others) or Measurement()
    require_none_left("backtest", others)
    # levels are told by name: X with its levels the other way round holds the same snapshots
    X = X.set_axis(same_levels(X.index, snapshots.index))
    unknown = int((~X.index.isin(snapshots.index)).sum())
    if unknown:
        raise SnapshotError(f"X: {unknown} of {len(X)} rows are not in snapshots; build X from these snapshots")
    y = align(y, X.index, "y", "X")
    if not len(dates):
        raise SnapshotError("dates: none was given; name at least one date at which the model learns anew")
    rivals = _baselines(X, baselines or {})
    make = model if callable(model) else lambda: clone(model)
    parts = []
    for date in as_midnights(dates, "dates").sort_values():
        # X may hold some of the snapshots alone
        train, test = (part.reindex(X.index) & y.notna() for part in ForwardSplit.at(snapshots, date, grace=grace))
        fitted = make().fit(X[train], y[train])
        # of what was learned, so that the baseline knows no more than the model
        base_rate = labelled_rows(y[train], X[train], *model_event(fitted))[0].mean()
        parts.append(_scored(fitted, X[test], y[test], rivals, date).assign(**{BASE_RATE: base_rate}))
    scores = pd.concat(parts)
    return Backtest(scores, told.capacity, told.n_bootstrap, told.random_state)


def _snapshots_of(scores: pd.DataFrame) -> pd.MultiIndex:
    levels = ["account_id", "as_of"]
    return pd.MultiIndex.from_arrays([scores.index.get_level_values(level) for level in levels], names=levels)


def _on(values: pd.Series, index: pd.Index, name: str) -> pd.Series:
    """Values of snapshots, found by the names of their levels; a table without any of them is a mistake."""
    own = same_levels(values.index, index)
    if len(index) and (own.nlevels != index.nlevels or not index.isin(own).any()):
        raise ValueError(f"{name}: holds none of {len(index)} snapshots; give it on the index {list(index.names)}")
    return values.set_axis(own).reindex(index)


def _baselines(X: pd.DataFrame, given: Mapping[str, pd.Series]) -> pd.DataFrame:
    others = pd.DataFrame(index=X.index)
    if _RECENCY_COLUMN in X:
        recency = X[_RECENCY_COLUMN].astype(float)
        # one day beyond the longest silence; 0 where nobody has used anything
        others[RECENCY] = recency.fillna(recency.max() + 1).fillna(0.0)
    for name, score in given.items():
        found = _on(score, X.index, f"baselines[{name!r}]")
        missing = int(found.isna().sum())
        if missing:
            raise ValueError(f"baselines[{name!r}]: {missing} of {len(X)} scores are missing on the index of X")
        others[name] = floats(found, f"baselines[{name!r}]")
    return others


def _scored(fitted: Any, X: pd.DataFrame, y: pd.Series, others: pd.DataFrame, date: pd.Timestamp) -> pd.DataFrame:
    as_of = X.index.get_level_values("as_of")
    classes, event = model_event(fitted)
    scores = pd.DataFrame(
        {
            "age": (as_of.to_numpy() - date.to_numpy()) // np.timedelta64(1, "D"),
            "outcome": labelled_rows(y, X, classes, event)[0],
            MODEL: fitted.predict_proba(X)[:, classes.index(event)],
        },
        index=X.index,
    ).join(others)
    # dates may score the same snapshot, so the date of training is part of its key
    return pd.concat({date: scores}, names=["trained_at"])
