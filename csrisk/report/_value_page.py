"""One page for the champion of an account: what they use, which goals were met, what became of their feedback."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk._atomic import write_atomically
from csrisk._days import as_midnight
from csrisk._snapshots import Snapshots, seen
from csrisk.exceptions import ConfigError
from csrisk.report._content import Column, Table
from csrisk.report._names import clean
from csrisk.report._printing._format import day
from csrisk.report._printing._html import render_value

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from csrisk.data import CustomerData
    from csrisk.report._content import Cell

    Row = tuple[Cell, ...]

__all__ = ["write_value_page"]

# twelve times 30 days, so that the months add up to the year
_YEAR, _MONTH, _LISTED = 360, 30, 10


@dataclass(frozen=True, slots=True)
class _Look:
    """One account at one date."""

    data: CustomerData
    snapshots: Snapshots
    today: int

    def rows(self, table: str, columns: list[str]) -> pd.DataFrame:
        return seen(self.data, self.snapshots, table, columns, window=_YEAR)


def write_value_page(
    path: str | os.PathLike[str],
    data: CustomerData,
    account: Any,
    *,
    as_of: Any = None,
    measures: Sequence[str] = (),
    title: str = "What you got out of it",
) -> Path:
    """Write one page that the champion of an account can show around: the last twelve months, for the customer's eyes.

    It holds use, goals, answers and the measures named, of this account alone, and nothing that a model says: no risk,
    no score, no reason. One HTML file, offline, without a script; the same input gives the same bytes.

    Parameters
    ----------
    path : path
        Where to write, ``.html``.
    data : CustomerData
        The tables.
    account : object
        Id of the account.
    as_of : date-like, optional
        Nothing from that date on is shown; default ``data.end``.
    measures : sequence of str, optional
        Names in the table `measures` that may be shown, such as savings; none by default, as others are not for the
        customer.
    title : str
        Heading.

    Returns
    -------
    Path

    Raises
    ------
    ConfigError
        If the account is not in the data, a measure has no value for it, or the suffix is not ``.html``.
    SnapshotError
        If the date lies outside the data.
    OSError
        If the file cannot be written; what stood there is as it was.

    Examples
    --------
    >>> import tempfile
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.report import write_value_page
    >>> data = make_saas(20, 12, seed=1).data()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_value_page(f"{folder}/value.html", data, data.accounts[0]).name
    'value.html'
    """
    target = Path(path)
    if target.suffix.lower() != ".html":
        raise ConfigError(f"path: suffix={target.suffix!r} must be '.html'")
    if account not in data.accounts:
        raise ConfigError("account: it is not in the data; compare the type of the key")
    when = data.end if as_of is None else as_midnight(as_of, "as_of")
    pairs = pd.DataFrame({"account_id": [account], "as_of": [when]})
    look = _Look(data, Snapshots.of(data, pairs), (when - pd.Timestamp(0)).days)
    tables = [_use(look), _features(look), _goals(look), _answers(look), _cases(look), _measured(look, measures)]
    text = render_value(clean(title), _name(data, account), day(when), tuple(t for t in tables if t is not None))
    write_atomically(target, text.encode("utf-8"))
    return target


def _name(data: CustomerData, account: Any) -> str:
    if not data.has("accounts", "name"):
        return clean(account)
    names = data.frame("accounts").set_index("account_id")["name"]
    return clean(names[account]) if account in names.index and pd.notna(names[account]) else clean(account)


def _use(look: _Look) -> Table | None:
    rows = look.rows("usage", ["user_id", "feature"])
    if rows.empty:
        return None
    # yesterday is of age 1
    month = (rows["age"].to_numpy(np.int64) - 1) // _MONTH
    found: list[Row] = []
    for back in range(_YEAR // _MONTH - 1, -1, -1):
        part = rows[month == back]
        last = pd.Timestamp(0) + pd.Timedelta(days=look.today - _MONTH * back - 1)
        # what the table does not hold is a dash, and no 0
        people = int(part["user_id"].nunique()) if look.data.has("usage", "user_id") else None
        features = int(part["feature"].nunique()) if look.data.has("usage", "feature") else None
        found.append((f"to {day(last)}", people, len(part), features))
    columns = (
        Column("30 days"),
        Column("People", "integer"),
        Column("Uses", "integer"),
        Column("Features in use", "integer"),
    )
    return Table("How you used it", columns, tuple(found))


def _features(look: _Look) -> Table | None:
    rows = look.rows("usage", ["feature"]).dropna(subset="feature")
    if rows.empty:
        return None
    grouped = rows.groupby("feature")["age"].agg(["size", "max"])
    top = grouped.sort_values("size", ascending=False, kind="stable").head(_LISTED)
    found: list[Row] = [
        (clean(name).replace("_", " "), int(row["size"]), f"{int(row['max'])} days ago") for name, row in top.iterrows()
    ]
    columns = Column("Feature"), Column("Uses in the year", "integer"), Column("First of the year")
    return Table("What you used most", columns, tuple(found))


def _goals(look: _Look) -> Table | None:
    columns = ["due_at_day", "met_at_day", "closed_at_day", "outcome"]
    # without a window: what was agreed long ago may have been met this year
    rows = seen(look.data, look.snapshots, "expectations", columns)
    lately = look.today - rows["met_at_day"].to_numpy(np.float64, na_value=np.nan) <= _YEAR
    met = rows[rows["met_at_day"].notna() & lately]
    still = rows[rows["met_at_day"].isna() & rows["closed_at_day"].isna()]
    if not len(met) + len(still):
        return None
    in_time = int((met["met_at_day"] <= met["due_at_day"]).fillna(value=False).sum())
    exceeded = int(met["outcome"].astype("str").str.lower().eq("exceeded").sum())
    found: tuple[Row, ...] = (
        ("met", len(met)),
        ("of these in time", in_time),
        ("of these exceeded", exceeded),
        ("agreed, and under way", len(still)),
    )
    return Table("Goals that we agreed on", (Column("Goals"), Column("Number", "integer")), found)


def _answers(look: _Look) -> Table | None:
    rows = look.rows("surveys", ["answered_at_day", "acted_at_day", "closed_at_day"])
    told = rows[rows["answered_at_day"].notna()]
    if told.empty:
        return None
    acted = int(told["acted_at_day"].notna().sum())
    found: tuple[Row, ...] = (
        ("you told us", len(told)),
        ("we acted upon it", acted),
        # closed is what was acted upon or declined with a reason
        ("we told you why not", int(told["closed_at_day"].notna().sum()) - acted),
    )
    return Table("Your feedback", (Column("Answers"), Column("Number", "integer")), found)


def _cases(look: _Look) -> Table | None:
    rows = look.rows("contacts", ["opened_at_second", "resolved_at_second"])
    hours = (rows["resolved_at_second"].astype("float64") - rows["opened_at_second"].astype("float64")) / 3600
    # a case that is still open has no hours
    if not hours.notna().any():
        return None
    found: tuple[Row, ...] = (
        ("questions and cases closed", float(hours.notna().sum())),
        ("hours until half of them were closed", float(hours.median())),
    )
    return Table("When you needed us", (Column("In the year"), Column("Number", "number", 0)), found)


def _measured(look: _Look, names: Sequence[str]) -> Table | None:
    if not names:
        return None
    rows = look.rows("measures", ["name", "value"]) if look.data.has("measures") else pd.DataFrame({"name": []})
    found: list[Row] = []
    for name in names:
        # the oldest first: from the first value of the year to the last
        own = rows[rows["name"].astype("str").str.lower() == name.lower()].sort_values("age", ascending=False)
        if own.empty:
            raise ConfigError(f"measures: {name!r} has no value for this account within {_YEAR} days")
        values = own["value"].astype("float64")
        found.append((clean(name).replace("_", " "), float(values.iloc[0]), float(values.iloc[-1]), len(own)))
    columns = (
        Column("Measure"),
        Column("First of the year", "number"),
        Column("Last", "number"),
        Column("Times measured", "integer"),
    )
    return Table("What was measured", columns, tuple(found))
