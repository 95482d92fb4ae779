"""What a table and its columns say of themselves, written once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import narwhals.stable.v2 as nw
import pandas as pd

__all__ = ["DTYPES", "Column", "Kind", "Order", "Table"]

Kind = Literal["id", "time", "number", "bool", "text", "category"]
# types in which the values of a column are kept; times are microseconds
_TEXTS: dict[Kind, Any] = {"id": nw.String, "text": nw.String, "category": nw.String}
DTYPES: dict[Kind, Any] = {**_TEXTS, "time": nw.Int64, "number": nw.Float64, "bool": nw.Boolean}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name : str
        Canonical name.
    kind : {"id", "time", "number", "bool", "text", "category"}
        What the values are. Ids and texts never appear in messages.
    meaning : str
        One sentence for the documentation.
    required : bool, default False
        A table without the column is refused, a row without a value is set aside.
    low, high : float, optional
        Closed range of a number.
    default : float, optional
        What a missing number means.
    values : tuple of str, optional
        The categories that csrisk knows; they are read in any case.
    strict : bool, default False
        A row whose value is unreadable or out of range is set aside, where otherwise only the value is made missing.
    planned : bool, default False
        A time that is agreed beforehand, so that it is not masked at a snapshot before it.
    announced : bool, default False
        A second time that is known when it comes, whatever ``known_at`` says of the last update of its row.
    label : str, optional
        What the user calls it, where that is not its name.

    Examples
    --------
    >>> from csrisk.data import CONTRACT
    >>> CONTRACT["usage"]["quantity"].low
    0.0
    """

    name: str
    kind: Kind
    meaning: str
    required: bool = False
    low: float | None = None
    high: float | None = None
    default: float | None = None
    values: tuple[str, ...] = ()
    strict: bool = False
    planned: bool = False
    announced: bool = False
    label: str = ""

    @property
    def title(self) -> str:
        """What the user calls it."""
        return self.label or self.name

    @property
    def rule(self) -> str:
        """What must hold for a value, in words."""
        words = ["required"] if self.required else []
        if self.low is not None and self.high is not None:
            words.append(f"{self.low:g} to {self.high:g}")
        elif self.low is not None:
            words.append(f"at least {self.low:g}")
        if self.values:
            words.append("one of " + ", ".join(self.values))
        if self.planned:
            words.append("agreed beforehand")
        if self.default is not None:
            words.append(f"{self.default:g} where missing")
        return "; ".join(words)


@dataclass(frozen=True, slots=True)
class Order:
    """A rule that one time of a row is not before another.

    Parameters
    ----------
    later, earlier : str
        Names of time columns; the rule holds where both are known.

    Examples
    --------
    >>> from csrisk.data import CONTRACT
    >>> CONTRACT["contacts"].orders
    (Order(later='resolved_at', earlier='opened_at'),)
    """

    later: str
    earlier: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the contract.

    Parameters
    ----------
    name : str
        Name of the table.
    meaning : str
        One sentence for the documentation.
    columns : tuple of Column
        All columns that csrisk knows; a user's table may lack those that are not required.
    time : str, optional
        The primary time: when the row happened.
    orders : tuple of Order
        Rules between times of a row.
    event : bool
        The row is an observation, so that it must be dated before the end of the data.
    shows_end : bool
        Its rows come as things happen, so that the last ones show until when the book was observed; what we agree or
        do ourselves does not.
    begins : str, optional
        When a row of a state begins that is updated later: the beginning is known at the beginning, and ``known_at``
        says only when its ends were told.
    ready : str, optional
        A time before which the row does not count yet: where it is later, the row is dated then.

    Examples
    --------
    >>> from csrisk.data import CONTRACT
    >>> CONTRACT["usage"].required, CONTRACT["usage"].time
    (('account_id', 'at'), 'at')
    """

    name: str
    meaning: str
    columns: tuple[Column, ...]
    time: str | None = None
    orders: tuple[Order, ...] = ()
    event: bool = False
    shows_end: bool = True
    begins: str | None = None
    ready: str | None = None

    def __getitem__(self, column: str) -> Column:
        for candidate in self.columns:
            if candidate.name == column:
                return candidate
        raise KeyError(column)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the required columns."""
        return tuple(column.name for column in self.columns if column.required)

    @property
    def times(self) -> tuple[str, ...]:
        """Names of the time columns."""
        return tuple(column.name for column in self.columns if column.kind == "time")

    @property
    def second_times(self) -> tuple[str, ...]:
        """Names of the times that are masked at the snapshot: all but the primary one, ``known_at`` and plans."""
        plain = (self.time, "known_at")
        return tuple(name for name in self.times if name not in plain and not self[name].planned)

    def describe(self) -> pd.DataFrame:
        """Give the columns as a table for documentation.

        Returns
        -------
        pandas.DataFrame
            Columns ``column``, ``kind``, ``rule``, ``meaning``; one row per column, in order.
        """
        order = {rule.later: f"not before {rule.earlier}" for rule in self.orders}
        rows = [
            (column.name, column.kind, "; ".join(filter(None, (column.rule, order.get(column.name)))), column.meaning)
            for column in self.columns
        ]
        return pd.DataFrame(rows, columns=["column", "kind", "rule", "meaning"])

    @property
    def has_account(self) -> bool:
        """Whether rows belong to an account."""
        return "account_id" in self.names
