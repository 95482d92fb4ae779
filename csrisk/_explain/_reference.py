"""Compared with what? The reference of an explanation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from csrisk._explain._adapters._frames import as_frame, index_keys
from csrisk._text import number
from csrisk.exceptions import ExplanationError
from csrisk.models._rows import chosen

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LEAST_OF_SEGMENT", "Comparison", "Reference"]

LEAST_OF_SEGMENT = 30  # rows from which the mean of a segment is told from that of the book


@dataclass(frozen=True, eq=False)
class Comparison:
    """Rows to explain and the reference rows that they are compared with."""

    rows: NDArray[np.intp]  # positions in the explained frame, in rising order
    reference: NDArray[np.intp]  # positions in the reference frame
    paired: bool = False  # each row against the reference row at the same place, else all with all


@dataclass(frozen=True, eq=False)
class Reference:
    """What predictions are compared with. Made by `book`, `segment`, `best` or `own_past`.

    Parameters
    ----------
    frame : pd.DataFrame
        Features of the snapshots to compare with.
    kind : {"book", "segment", "best", "self"}
        How they are matched with what is explained.
    words : str
        The reference in words, as it appears in reports.
    by : str, optional
        Column of the segment.
    first : bool, default False
        Whether how the segment differs from the book is told too, as context.
    random_state : int, optional
        Seed of the choice of the rows that stand for a large reference; None chooses anew each time.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk import Reference
    >>> past = pd.DataFrame({"nps_last": [9.0, 2.0, 10.0], "account_segment": ["smb", "smb", "large"]})
    >>> Reference.segment(past, by="account_segment").words
    '3 snapshots of the same account_segment'
    >>> len(Reference.best(past, past["nps_last"] >= 9).frame)
    2
    """

    frame: pd.DataFrame
    kind: Literal["book", "segment", "best", "self"]
    words: str
    by: str | None = None
    first: bool = False
    random_state: int | None = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "frame", as_frame(self.frame, "reference"))
        if not len(self.frame):
            raise ExplanationError(
                f"reference={self.kind!r} has 0 rows, at least one is needed; see how it is selected"
            )
        if self.by is not None and self.by not in self.frame.columns:
            option = "first" if self.first else "by"
            message = (
                f"{option}={self.by!r}: no such column in the reference, which has {len(self.frame.columns)} columns"
            )
            raise ExplanationError(message)

    @classmethod
    def book(cls, frame: pd.DataFrame, *, first: str | None = None, random_state: int | None = 0) -> Reference:
        """Compare with all given snapshots, for example those of the training period.

        Parameters
        ----------
        frame : pd.DataFrame
            Snapshots to compare with.
        first : str, optional
            Column of what an account is, such as its segment, which explains first: context takes the way from the
            mean of the book to that of the segment, and the goals the way from there to the account. A column of the
            model whose goal is context.
        random_state : int, default 0
            Seed of the choice of the rows that stand for a large reference.

        Returns
        -------
        Reference

        Raises
        ------
        ExplanationError
            If there is no such column.
        """
        frame = as_frame(frame, "reference")
        rows = "snapshots of the book" if "as_of" in frame.index.names else "rows of the table"
        words = f"{number(len(frame), 0)} {rows}" + (f", {first} first" if first else "")
        return cls(frame, "book", words, first, first=first is not None, random_state=random_state)

    @classmethod
    def segment(cls, frame: pd.DataFrame, by: str, *, random_state: int | None = 0) -> Reference:
        """Compare each snapshot with those that have the same value in a column.

        Parameters
        ----------
        frame : pd.DataFrame
            Snapshots to compare with.
        by : str
            Column of the segment, in both frames.
        random_state : int, default 0
            Seed of the choice of the rows that stand for a large reference.

        Returns
        -------
        Reference

        Raises
        ------
        ExplanationError
            If there is no such column.
        """
        frame = as_frame(frame, "reference")
        return cls(
            frame, "segment", f"{number(len(frame), 0)} snapshots of the same {by}", by, random_state=random_state
        )

    @classmethod
    def best(
        cls,
        frame: pd.DataFrame,
        mask: pd.Series | NDArray[np.bool_],
        words: str = "the healthiest",
        *,
        random_state: int | None = 0,
    ) -> Reference:
        """Compare with chosen snapshots, for example those of success: what would close the gap to the best.

        Parameters
        ----------
        frame : pd.DataFrame
            Snapshots.
        mask : boolean array or Series on the index of `frame`
            Which of them; where it is not known, a snapshot is not.
        words : str, default "the healthiest"
            What they are.
        random_state : int, default 0
            Seed of the choice of the rows that stand for a large reference.

        Returns
        -------
        Reference

        Raises
        ------
        ExplanationError
            If the mask selects nothing or does not fit.
        """
        frame = as_frame(frame, "reference")
        try:
            rows = frame[chosen(mask, frame.index, "mask", "frame")]
        except ValueError as error:
            raise ExplanationError(str(error)) from error
        return cls(rows, "best", f"{number(len(rows), 0)} snapshots: {words}", random_state=random_state)

    @classmethod
    def own_past(cls, frame: pd.DataFrame) -> Reference:
        """Compare each snapshot with the latest earlier one of the same account: what changed since.

        Account and date go by the names of the index levels, account_id and as_of, wherever they stand.
        """
        frame = as_frame(frame, "reference")
        if frame.index.nlevels < 2:
            message = f"reference='self' needs an index of account and as_of; it has {frame.index.nlevels} level(s)"
            raise ExplanationError(message)
        index_keys(frame.index)
        return cls(frame, "self", "the account's own earlier snapshot")

    def comparisons(self, X: pd.DataFrame) -> list[Comparison]:
        """Match what is explained with the reference.

        Parameters
        ----------
        X : pd.DataFrame
            Snapshots to explain.

        Returns
        -------
        list of Comparison

        Raises
        ------
        ExplanationError
            If some snapshots have nothing to be compared with.
        """
        if self.kind == "self":
            partner = self._partners(X)
            self._require_all(partner >= 0, "earlier snapshot of the same account", "use reference='book' for them")
            return [Comparison(np.arange(len(X)), partner, paired=True)]
        if self.by is None:
            return [Comparison(np.arange(len(X)), np.arange(len(self.frame)))]
        own, other = X[self.by].astype("object"), self.frame[self.by].astype("object")
        if self.first:
            return _by_segment(own, other)
        self._require_all(own.isin(other.dropna()).to_numpy(), f"snapshot of the same {self.by}", "give a larger one")
        kinds = own.unique()
        return [Comparison(np.flatnonzero(own == kind), np.flatnonzero(other == kind)) for kind in kinds]

    def covers(self, X: pd.DataFrame) -> pd.Series:
        """Tell which snapshots have something to be compared with.

        Parameters
        ----------
        X : pd.DataFrame
            Snapshots.

        Returns
        -------
        pd.Series of bool
        """
        found = np.ones(len(X), dtype=bool)
        if self.kind == "self":
            found = self._partners(X) >= 0
        elif self.by is not None and not self.first:
            found = X[self.by].astype("object").isin(self.frame[self.by].dropna().astype("object")).to_numpy()
        return pd.Series(found, index=X.index)

    def _partners(self, X: pd.DataFrame) -> NDArray[np.intp]:
        """Position of the latest earlier snapshot of the same account, -1 if there is none."""
        keys = ["account", "time"]
        own, past = index_keys(X.index, self.frame.index), index_keys(self.frame.index)
        left = pd.DataFrame(dict(zip(keys, own, strict=True))).assign(row=range(len(X)))
        right = pd.DataFrame(dict(zip(keys, past, strict=True)))
        right = right.assign(partner=range(len(right)))
        try:
            both = left.merge(right, on="account", suffixes=("", "_past"))
            both = both[both["time_past"] < both["time"]].sort_values("time_past", kind="stable")
        except (TypeError, ValueError) as error:  # numbers beside text, times with a zone beside times without
            kinds = [[str(kind) for kind in frame[keys].dtypes] for frame in (left, right)]
            message = (
                f"reference='self': accounts and dates are {kinds[0]} in X and {kinds[1]} in the reference, which "
                "cannot be compared; give both indexes the same types"
            )
            raise ExplanationError(message) from error
        partner = np.full(len(X), -1, dtype=np.intp)
        # sorted by time: of several earlier snapshots the last is written last and stays
        partner[both["row"].to_numpy()] = both["partner"].to_numpy()
        return partner

    def _require_all(self, found: NDArray[np.bool_], what: str, next_step: str) -> None:
        if not found.all():
            message = (
                f"reference={self.kind!r}: {int((~found).sum())} of {len(found)} snapshots have no {what} in "
                f"the reference; explain X[reference.covers(X)], or {next_step}"
            )
            raise ExplanationError(message)


def _by_segment(own: pd.Series, other: pd.Series) -> list[Comparison]:
    """Match segments of enough rows with their own, everything else with the book."""
    count = other.value_counts()
    known = own.map(count).fillna(0).to_numpy() >= LEAST_OF_SEGMENT
    found = [
        Comparison(np.flatnonzero(known & (own == kind).to_numpy()), np.flatnonzero(other == kind))
        for kind in own[known].unique()
    ]
    rest = np.flatnonzero(~known)
    # no comparison without rows: the tables of its reference would be made for nobody
    return found + [Comparison(rest, np.arange(len(other)))] * bool(len(rest))
