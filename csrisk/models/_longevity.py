"""Longevity: the risk at any horizon and the time that is left, with censored snapshots used rather than dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from scipy.special import expit

from csrisk._params import check_params, check_whole
from csrisk.exceptions import NotEnoughDataError
from csrisk.models._boosting._blend import kinds_of_trees, train_ensemble
from csrisk.models._boosting._members import raw_margin
from csrisk.models._rows._align import first_index, floats
from csrisk.models._rows._canonical import canonical_sample
from csrisk.models._rows._frames import FrameReader, seed_of
from csrisk.models._rows._sample import account_groups
from csrisk.models._rows._times import read_times, rising

if TYPE_CHECKING:
    from collections.abc import Sequence

    from csrisk.models._boosting._lightgbm import Booster

__all__ = ["LongevityModel", "person_periods"]

_MIN_EVENTS = 10


class LongevityModel(FrameReader):
    """Survival of an account beyond any number of days.

    Each snapshot becomes one row for each period that it was seen to begin and to end (or to churn in), with the period
    as a further feature; boosted trees over folds of accounts, calibrated out of fold, give the hazard of each row.
    Survival is the product of what is left after each period. Within a period the hazard is constant. A censored
    snapshot counts for the periods that it was seen through.

    Parameters
    ----------
    edges : sequence of int, default (30, 60, 90, 180, 270, 365)
        Ends of the periods, in days from ``as_of``.
    n_members, learning_rate, num_leaves, n_jobs, random_state
        As in `ChurnModel`.
    min_events : int, default 10
        Fewest accounts that are seen to churn before the last edge.

    Attributes
    ----------
    boosters_, calibration_, columns_, n_features_in_, feature_names_in_
        As in `ChurnModel`; the boosters have one column more, the number of the period.
    n_events_ : int
        Accounts that are seen to churn.
    n_periods_ : int
        Periods in which churn was seen; later ones take the hazard of the last.

    Notes
    -----
    Discrete-time hazard models: Allison (1982); Tutz and Schmid, Modeling Discrete Time-to-Event Data (2016).

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from csrisk.models import LongevityModel
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"seat_utilisation_30d": rng.random(300)})
    >>> days = np.ceil(rng.exponential(60 + 400 * X["seat_utilisation_30d"]))
    >>> y = pd.DataFrame({"duration": np.minimum(days, 300), "event": days <= 300})
    >>> model = LongevityModel((30, 90, 180), random_state=0).fit(X, y)
    >>> survival = model.predict_survival(X, [30, 45, 180])
    >>> bool((survival[30] >= survival[45]).all() and (survival[45] >= survival[180]).all())
    True
    """

    boosters_: tuple[Booster, ...]

    def __init__(
        self,
        edges: Sequence[int] = (30, 60, 90, 180, 270, 365),
        *,
        n_members: int = 5,
        learning_rate: float = 0.05,
        num_leaves: int = 15,
        min_events: int = _MIN_EVENTS,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.edges = edges
        self.n_members = n_members
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.min_events = min_events
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: pd.DataFrame, *, groups: Any = None) -> Self:
        """Fit the hazard of each period.

        Parameters
        ----------
        X : DataFrame
            Features.
        y : DataFrame
            Columns ``duration`` (days from ``as_of``, or a time span, above 0) and ``event`` (churn at its end, else
            censored there), as `label_time_to_churn` gives them; rows with a missing value are left out.
        groups : array-like, optional
            Account of each row; default is the index level ``account_id``.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter is out of range, y lacks a column or has another index than X, a duration is not above 0, an
            event is neither true nor false, or the edges do not rise.
        NotEnoughDataError
            If fewer accounts than `min_events` are seen to churn before the last edge.
        """
        check_params(self.get_params(deep=False))
        check_whole("n_members", self.n_members, 2)  # each period is calibrated on accounts held out
        check_whole("min_events", self.min_events, 0)
        edges = rising(self.edges)
        X, matrix = self._learn_matrix(X, groups)
        index = first_index(X)
        known, duration, churned = read_times(y, index, "X", reorder=False)
        if len(y) != len(matrix):
            raise ValueError(f"y has {len(y)} rows, X has {len(matrix)}; give one for each row")
        row, period, event = person_periods(known, duration, churned, edges)
        group = account_groups(X, groups)
        # the periods of a snapshot belong together, also where nothing says whose it is
        group = np.arange(len(matrix)) if group is None else group
        self.n_events_ = len(np.unique(group[row[event]]))
        n_others = len(np.unique(group[row[~event]]))
        # below two there are no two folds with both outcomes
        if min(self.n_events_, n_others) < max(self.min_events, 2):
            raise NotEnoughDataError(
                f"min_events={self.min_events}: {self.n_events_} accounts are seen to churn within {edges[-1]} days "
                f"and {n_others} to last through a period; take more accounts or a longer past"
            )
        # from periods without any churn the trees would learn a hazard of 0
        self.n_periods_ = int(period[event].max()) + 1
        seen = period < self.n_periods_
        row, period, event = row[seen], period[seen], event[seen]
        # the period comes last, as `_hazards` puts it
        sample = canonical_sample(
            np.column_stack([matrix[row], period]), event.astype(np.float64), np.ones(len(row)), group[row]
        )
        params = {"learning_rate": self.learning_rate, "num_leaves": self.num_leaves}
        kinds = kinds_of_trees({**params, "seed": seed_of(self.random_state)}, several=False)
        trained = train_ensemble(
            sample, min(self.n_members, self.n_events_, n_others), kinds, self._categories(), self.n_jobs
        )
        self.boosters_, self.calibration_ = trained.boosters, trained.calibration
        return self

    def predict_survival(self, X: Any, days: Sequence[float]) -> pd.DataFrame:
        """Probability of staying beyond each number of days.

        Parameters
        ----------
        X : DataFrame
            Features.
        days : sequence of float
            Days from ``as_of``, between 0 and the last edge.

        Returns
        -------
        DataFrame
            Index of `X`, one column for each number of days; never rises with the days.

        Raises
        ------
        ValueError
            If days lie outside of 0 and the last edge.
        """
        edges = rising(self.edges)
        asked = floats(days, "days")
        if asked.ndim != 1 or not ((asked >= 0) & (asked <= edges[-1])).all():
            raise ValueError(f"days={list(np.ravel(asked))}: must lie between 0 and the last edge, {edges[-1]}")
        logs = np.log1p(-self._hazards(X)).cumsum(axis=1)
        logs = np.column_stack([np.zeros(len(logs)), logs])
        # with a constant hazard inside a period the logarithm of survival is straight between its edges
        known = np.r_[0, edges].astype(np.float64)
        # day 0 lies in the first period too
        place = np.clip(np.searchsorted(known, asked, side="left"), 1, len(edges))
        share = (asked - known[place - 1]) / (known[place] - known[place - 1])
        survival = np.exp((1 - share) * logs[:, place - 1] + share * logs[:, place])
        return pd.DataFrame(survival, index=_index_of(X, len(survival)), columns=pd.Index(list(days), name="days"))

    def predict_risk(self, X: Any, horizon: float, *, lead: float = 0) -> pd.Series:
        """Probability of churn within the horizon, of an account that is still there at the lead.

        Parameters
        ----------
        X : DataFrame
            Features.
        horizon : float
            Days.
        lead : float, default 0
            Days before the horizon begins.

        Returns
        -------
        Series
            Index of `X`; what `ChurnModel` says for the same lead and horizon.

        Raises
        ------
        ValueError
            If lead + horizon lies beyond the last edge.
        """
        survival = self.predict_survival(X, [lead, lead + horizon]).to_numpy()
        return pd.Series(1 - survival[:, 1] / survival[:, 0], index=_index_of(X, len(survival)), name="risk")

    def expected_days(self, X: Any) -> pd.Series:
        """Days that an account is expected to stay, counted up to the last edge.

        Parameters
        ----------
        X : DataFrame
            Features.

        Returns
        -------
        Series
            Index of `X`, between 0 and the last edge: the area under the survival curve. What lies behind the last edge
            was not modelled and is not guessed.
        """
        edges = np.r_[0, rising(self.edges)].astype(np.float64)
        logs = np.log1p(-self._hazards(X))
        start = np.exp(np.column_stack([np.zeros(len(logs)), logs.cumsum(axis=1)[:, :-1]]))
        # area under start * exp(log * t / width) over one period
        # a hazard of 0 keeps the whole width: expm1(x) / x is 1 in the limit
        areas = start * np.diff(edges) * np.divide(np.expm1(logs), logs, where=logs < 0, out=np.ones_like(logs))
        return pd.Series(areas.sum(axis=1), index=_index_of(X, len(areas)), name="expected_days")

    def days_range(self, X: Any, level: float = 0.8) -> pd.DataFrame:
        """Range in which the day of leaving of a share of such accounts lies, counted up to the last edge.

        Parameters
        ----------
        X : DataFrame
            Features.
        level : float, default 0.8
            Share, between 0 and 1; as many leave before the range as after it.

        Returns
        -------
        DataFrame
            Index of `X`, ``low`` and ``high``: where the survival curve falls to (1 + level) / 2 and (1 - level) / 2;
            an end that lies behind the last edge is the last edge.

        Raises
        ------
        ValueError
            If the level is not between 0 and 1.
        """
        if not 0 < level < 1:
            raise ValueError(f"level={level!r}: must lie between 0 and 1")
        edges = np.r_[0, rising(self.edges)].astype(np.float64)
        logs = np.log1p(-self._hazards(X)).cumsum(axis=1)
        logs = np.column_stack([np.zeros(len(logs)), logs])
        ends = {
            name: _first_below(logs, edges, np.log((1 + sign * level) / 2)) for name, sign in (("low", 1), ("high", -1))
        }
        return pd.DataFrame(ends, index=_index_of(X, len(logs)))

    def _hazards(self, X: Any) -> np.ndarray:
        matrix = self.encode(X)
        found = [
            expit(
                raw_margin(self.boosters_, np.column_stack([matrix, np.full(len(matrix), float(period))]), self.n_jobs)
            )
            for period in range(self.n_periods_)
        ]
        widths = np.diff(np.r_[0, rising(self.edges)])
        hazards = np.column_stack(found)
        for period in range(self.n_periods_, len(widths)):
            # the daily hazard of the last period seen goes on
            last = 1 - (1 - hazards[:, self.n_periods_ - 1]) ** (widths[period] / widths[self.n_periods_ - 1])
            hazards = np.column_stack([hazards, last])
        return hazards


def person_periods(
    row: np.ndarray, duration: np.ndarray, event: np.ndarray, edges: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Make one row for each period that a snapshot was seen to begin and to end, or to churn in."""
    # a period holds its end, so churn on an edge falls into the period that ends there
    at_end = np.searchsorted(edges, duration, side="left")
    # censored on the last day of a period means seen through it
    whole = np.where(event, at_end + 1, np.searchsorted(edges, duration, side="right"))
    n_periods = np.minimum(whole, len(edges))
    rows = np.repeat(np.arange(len(row)), n_periods)
    period = np.arange(len(rows)) - np.repeat(np.cumsum(n_periods) - n_periods, n_periods)
    return row[rows], period, event[rows] & (period == at_end[rows])


def _first_below(logs: np.ndarray, edges: np.ndarray, level: float) -> np.ndarray:
    """Day on which each row of log-survival, straight between the edges, falls to a level; else the last edge."""
    # survival never rises, so the edges above the level are the first ones
    place = np.clip((logs > level).sum(axis=1), 1, len(edges) - 1)
    rows = np.arange(len(logs))
    before, after = logs[rows, place - 1], logs[rows, place]
    # a stretch on which nobody leaves never falls to the level: its end is given
    share = np.divide(level - before, after - before, where=after < before, out=np.ones(len(logs)))
    return np.asarray(edges[place - 1] + np.clip(share, 0, 1) * (edges[place] - edges[place - 1]))


def _index_of(X: Any, n_rows: int) -> pd.Index:
    return X.index if isinstance(X, pd.DataFrame) else pd.RangeIndex(n_rows)
