"""The rows of every frame: accounts seen at the start of days."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from csrisk._days import Date, Dates, Duration, as_midnight, as_midnights, whole_days
from csrisk._snapshots._eligibility import Eligibility, eligible_pairs, resolve_rule
from csrisk._snapshots._index import canonical, date_grid, lazy_pairs, read_pairs, within
from csrisk._text import html_table
from csrisk.exceptions import SnapshotError

if TYPE_CHECKING:
    import narwhals.stable.v2 as nw

    from csrisk.data import CustomerData

__all__ = ["Snapshots"]


@dataclass(frozen=True, eq=False, repr=False)
class Snapshots:
    """Accounts seen at the start of days: the rows of every frame from features to report.

    Use `every`, `at` or `of` to make them.

    Parameters
    ----------
    index : pandas.MultiIndex
        Pairs (account_id, as_of), sorted, without repeats; as_of are naive midnights (UTC).
    lead : int
        Days between ``as_of`` and the start of the label window.
    horizon : int or None
        Length of the label window in days; None where no label is wanted (scoring).
    end : pandas.Timestamp
        First day that was not observed.

    Raises
    ------
    SnapshotError
        If there is no pair, or lead, horizon or a date breaks these rules.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk import Snapshots
    >>> days = pd.to_datetime(["2025-01-01", "2025-03-01"])
    >>> index = pd.MultiIndex.from_product([["a", "b"], days], names=["account_id", "as_of"])
    >>> past = Snapshots(index, lead=0, horizon=30, end=pd.Timestamp("2025-03-05"))
    >>> past
    Snapshots(4 of 2 accounts, as_of 2025-01-01 to 2025-03-01, lead 0, horizon 30, 2 censored)
    >>> past[~past.censored].as_of.dt.day.tolist()
    [1, 1]
    """

    index: pd.MultiIndex
    lead: int
    horizon: int | None
    end: pd.Timestamp

    def __post_init__(self) -> None:
        if len(self.index) == 0:
            raise SnapshotError("no snapshot left: 0 pairs of account and as_of; check dates and eligibility")
        set_ = object.__setattr__  # the dataclass is frozen for everybody else
        set_(self, "lead", whole_days(self.lead, "lead"))
        if self.horizon is not None:
            set_(self, "horizon", whole_days(self.horizon, "horizon", minimum=1))
        set_(self, "end", as_midnight(self.end, "end"))
        set_(self, "index", canonical(self.index))

    @classmethod
    def every(
        cls,
        data: CustomerData,
        frequency: str,
        *,
        horizon: Duration | None,
        lead: Duration = 0,
        start: Date = None,
        end: Date = None,
        eligible: Eligibility = "auto",
        look_back: Duration = "180D",
    ) -> Snapshots:
        """Every eligible account at each date of a regular grid.

        Snapshots whose label window runs past the end of the data are kept: they are `censored`, have features and no
        label.

        Parameters
        ----------
        data : CustomerData
        frequency : str
            Offset alias of pandas: ``"MS"`` (first of each month), ``"W-MON"``, ``"28D"`` ...
        horizon, lead : int or str
            Days, as ``90`` or ``"90D"``.
        start, end : date, optional
            First and last ``as_of`` possible. Default: the day after the first event, and the end of the data.
        eligible : {"auto", "contract", "active", "account"}
            Who is seen. ``"contract"``: a subscription runs at ``as_of``; ``"active"``: any use within `look_back`;
            ``"account"``: started and not ended; ``"auto"``: the first of these for which there is evidence.
        look_back : int or str, default "180D"
            Days for ``"active"``.

        Returns
        -------
        Snapshots

        Raises
        ------
        SnapshotError
            If the frequency is unknown or not made of days, a date lies outside the data, or nobody is eligible.
        """
        # on the day of the first event nothing lies strictly before
        first = data.start + pd.Timedelta(days=1) if start is None else as_midnight(start, "start")
        last = data.end if end is None else as_midnight(end, "end")
        dates = date_grid(first, last, frequency)
        return cls.at(data, dates, horizon=horizon, lead=lead, eligible=eligible, look_back=look_back)

    @classmethod
    def at(
        cls,
        data: CustomerData,
        dates: Dates,
        *,
        horizon: Duration | None = None,
        lead: Duration = 0,
        eligible: Eligibility = "auto",
        look_back: Duration = "180D",
    ) -> Snapshots:
        """Every eligible account at the dates given.

        Parameters
        ----------
        data : CustomerData
        dates : date or list of dates
            Naive midnights after the first event and not after ``data.end``.
        horizon, lead, eligible, look_back
            As for `every`; without a horizon the snapshots can be scored but have no label.

        Returns
        -------
        Snapshots

        Raises
        ------
        SnapshotError
            If a date lies outside the data, or nobody is eligible.
        """
        cuts = within(as_midnights(dates, "dates").unique().sort_values(), data)
        days = whole_days(look_back, "look_back", minimum=1)
        index = pd.MultiIndex.from_product([data.accounts, cuts], names=["account_id", "as_of"])
        mask = eligible_pairs(data, lazy_pairs(index, data), len(index), resolve_rule(data, eligible), days)
        if not mask.any():
            message = f"eligible={eligible!r}: none of {len(data.accounts)} accounts qualifies at {len(cuts)} dates"
            raise SnapshotError(
                message + f" from {cuts[0]:%Y-%m-%d} to {cuts[-1]:%Y-%m-%d}; check dates and eligibility"
            )
        return cls(index[mask], lead=whole_days(lead, "lead"), horizon=_horizon(horizon), end=data.end)

    @classmethod
    def of(
        cls,
        data: CustomerData,
        pairs: pd.DataFrame | pd.MultiIndex,
        *,
        horizon: Duration | None = None,
        lead: Duration = 0,
    ) -> Snapshots:
        """Exactly the pairs given, whoever is eligible.

        Parameters
        ----------
        data : CustomerData
        pairs : pandas.DataFrame or pandas.MultiIndex
            Columns or levels account_id and as_of.
        horizon, lead
            As for `every`.

        Returns
        -------
        Snapshots

        Raises
        ------
        SnapshotError
            If accounts are unknown, pairs are repeated, or a date lies outside the data.
        """
        index = read_pairs(pairs)
        unknown = int((data.accounts.get_indexer(index.levels[0]) < 0).sum())
        if unknown:
            message = f"account_id: {unknown} of {len(index.levels[0])} accounts are not in the data"
            raise SnapshotError(message + "; compare the type of the keys")
        within(pd.DatetimeIndex(index.levels[1]), data)
        return cls(index, lead=whole_days(lead, "lead"), horizon=_horizon(horizon), end=data.end)

    @property
    def as_of(self) -> pd.Series:
        """Date of each snapshot."""
        return self._series(self._dates(), "as_of")

    @property
    def label_start(self) -> pd.Series:
        """First day of each label window."""
        return self._series(self._dates() + pd.Timedelta(days=self.lead), "label_start")

    @property
    def label_end(self) -> pd.Series:
        """First day after each label window; missing where there is no horizon."""
        if self.horizon is None:
            # in the unit of dates, so that the dtype does not depend on the horizon
            return self._series(pd.DatetimeIndex([pd.NaT] * len(self)).as_unit("us"), "label_end")
        return self._series(self._dates() + pd.Timedelta(days=self.lead + self.horizon), "label_end")

    @property
    def censored(self) -> pd.Series:
        """True where the label window runs past the end of the data, or there is none."""
        # not written as >: a missing end compares as False, and without a horizon all are censored
        return (~(self.label_end <= self.end)).rename("censored")

    @property
    def accounts(self) -> pd.Index:
        """Accounts seen at least once, sorted."""
        return self.index.levels[0]

    def until(self, date: Date) -> Snapshots:
        """Return the snapshots as somebody had them who stood at an earlier date.

        Snapshots after the date are left out, and labels may use nothing from that date on.

        Parameters
        ----------
        date : date
            The new `end`.

        Returns
        -------
        Snapshots

        Raises
        ------
        SnapshotError
            If the date lies after `end`, or no snapshot is left.
        """
        day = as_midnight(date, "date")
        if day > self.end:
            raise SnapshotError(
                f"date={day:%Y-%m-%d} lies after the end of the data {self.end:%Y-%m-%d}; take an earlier one"
            )
        # a snapshot on the date itself stays: it sees only the days before
        return replace(self, index=self.index[(self._dates() <= day)], end=day)

    def lazy(self, data: CustomerData) -> nw.LazyFrame[Any]:
        """Snapshots as a lazy frame in the engine of the data.

        Parameters
        ----------
        data : CustomerData

        Returns
        -------
        narwhals LazyFrame
            snapshot (position in `index`), account (code), cut (day of ``as_of``), all Int64.

        Raises
        ------
        SnapshotError
            If accounts are not in the data.
        """
        return lazy_pairs(self.index, data)

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, mask: pd.Series | np.ndarray[Any, Any]) -> Snapshots:
        # a mask is applied by position, so one in another order would choose other snapshots
        if isinstance(mask, pd.Series) and not mask.index.equals(self.index):
            raise SnapshotError("mask: its index is not the index of the snapshots; use mask.reindex(snapshots.index)")
        chosen = np.asarray(mask)
        if chosen.dtype != bool or chosen.shape != (len(self),):
            raise SnapshotError(
                f"mask: must be {len(self)} booleans without missing; got {chosen.dtype} of shape {chosen.shape}"
            )
        return replace(self, index=self.index[chosen])

    def _repr_html_(self) -> str:
        """Show counts, dates and windows in a notebook."""
        dates = self.index.get_level_values("as_of")
        days = sorted({f"{date:%Y-%m-%d}" for date in dates.unique()})
        span = f"{len(days):,}, {days[0]} to {days[-1]}" if len(days) > 1 else "".join(days) or "none"
        rows: list[tuple[object, object]] = [
            ("accounts", f"{len(self.accounts):,}"),
            ("dates", span),
            ("lead", f"{self.lead} days"),
            ("horizon", "none: for scoring" if self.horizon is None else f"{self.horizon} days"),
        ]
        if self.horizon is not None:
            rows.append(("window past the end of the data", f"{int(self.censored.sum()):,} snapshots"))
        return html_table(f"{len(self):,} snapshots", (), rows)

    def __repr__(self) -> str:
        first, last = self.index.levels[1][[0, -1]]
        return (
            f"Snapshots({len(self)} of {len(self.accounts)} accounts, as_of {first:%Y-%m-%d} to {last:%Y-%m-%d}, "
            f"lead {self.lead}, horizon {self.horizon}, {int(self.censored.sum())} censored)"
        )

    def _dates(self) -> pd.DatetimeIndex:
        return cast("pd.DatetimeIndex", self.index.get_level_values("as_of"))

    def _series(self, values: pd.DatetimeIndex, name: str) -> pd.Series:
        return pd.Series(values.to_numpy(), index=self.index, name=name)


def _horizon(value: Duration | None) -> int | None:
    return None if value is None else whole_days(value, "horizon", minimum=1)
