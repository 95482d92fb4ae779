"""Compared with what? The reference of an explanation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from csrisk._explain._frames import as_frame, index_keys
from csrisk.exceptions import ExplanationError
from csrisk.models._align import chosen

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Comparison", "Reference"]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Rows to explain and the reference rows that they are compared with.

    Parameters
    ----------
    rows : ndarray of int
        Positions in the explained frame.
    reference : ndarray of int
        Positions in the reference frame.
    paired : bool
        If True, each row is compared with the one reference row at the same place, else all with all.
    """

    rows: NDArray[np.intp]
    reference: NDArray[np.intp]
    paired: bool = False


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

    def __post_init__(self) -> None:
        object.__setattr__(self, "frame", as_frame(self.frame, "reference"))
        if not len(self.frame):
            raise ExplanationError(
                f"reference={self.kind!r} has 0 rows, at least one is needed; see how it is selected"
            )

    @classmethod
    def book(cls, frame: pd.DataFrame) -> Reference:
        """Compare with all given snapshots, for example those of the training period."""
        frame = as_frame(frame, "reference")
        rows = "snapshots of the book" if "as_of" in frame.index.names else "rows of the table"
        return cls(frame, "book", f"{len(frame):,} {rows}")

    @classmethod
    def segment(cls, frame: pd.DataFrame, by: str) -> Reference:
        """Compare each snapshot with those that have the same value in a column.

        Parameters
        ----------
        frame : pd.DataFrame
            Snapshots to compare with.
        by : str
            Column of the segment, in both frames.

        Returns
        -------
        Reference

        Raises
        ------
        ExplanationError
            If there is no such column.
        """
        frame = as_frame(frame, "reference")
        if by not in frame.columns:
            raise ExplanationError(
                f"by={by!r}: no such column in the reference, which has {len(frame.columns)} columns"
            )
        return cls(frame, "segment", f"{len(frame):,} snapshots of the same {by}", by)

    @classmethod
    def best(cls, frame: pd.DataFrame, mask: pd.Series | NDArray[np.bool_], words: str = "the healthiest") -> Reference:
        """Compare with chosen snapshots, for example those of success: what would close the gap to the best.

        Parameters
        ----------
        frame : pd.DataFrame
            Snapshots.
        mask : boolean array or Series on the index of `frame`
            Which of them; where it is not known, a snapshot is not.
        words : str, default "the healthiest"
            What they are.

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
        return cls(rows, "best", f"{len(rows):,} snapshots: {words}")

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
        elif self.by is not None:
            found = X[self.by].astype("object").isin(self.frame[self.by].dropna().astype("object")).to_numpy()
        return pd.Series(found, index=X.index)

    def _partners(self, X: pd.DataFrame) -> NDArray[np.intp]:
        """Position of the latest earlier snapshot of the same account, -1 if there is none."""
        keys = ["account", "time"]
        own, past = index_keys(X.index, self.frame.index), index_keys(self.frame.index)
        left = pd.DataFrame(dict(zip(keys, own, strict=True))).assign(row=range(len(X)))
        right = pd.DataFrame(dict(zip(keys, past, strict=True)))
        right = right.assign(partner=range(len(right)))
        both = left.merge(right, on="account", suffixes=("", "_past"))
        both = both[both["time_past"] < both["time"]].sort_values("time_past", kind="stable")
        partner = np.full(len(X), -1, dtype=np.intp)
        partner[both["row"].to_numpy()] = both["partner"].to_numpy()
        return partner

    def _require_all(self, found: NDArray[np.bool_], what: str, next_step: str) -> None:
        if not found.all():
            message = (
                f"reference={self.kind!r}: {int((~found).sum())} of {len(found)} snapshots have no {what} in "
                f"the reference; explain X[reference.covers(X)], or {next_step}"
            )
            raise ExplanationError(message)
