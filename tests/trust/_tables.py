"""Bad tables: each column of the contract with each kind of damage that its kind can suffer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import pandas as pd

from csrisk import CustomerData
from csrisk.data import CONTRACT

from ._case import Case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from csrisk.data import Column, Table

ROWS, HIT = 6, 2  # rows of each table, and the one that is damaged


@cache
def clean(table: str) -> pd.DataFrame:
    """Six rows that keep the contract, every column filled, each id and text a canary."""
    columns: dict[str, list[Any]] = {}
    dates = 0
    for column in CONTRACT[table].columns:
        if column.kind == "time":
            columns[column.name] = [f"2025-0{1 + dates}-1{row} 08:00:00" for row in range(ROWS)]
            dates += 1
        else:
            columns[column.name] = [_value(column, row) for row in range(ROWS)]
    if table == "surveys":
        columns["kind"] = ["NPS"] * ROWS
    if table == "subscriptions":
        # trials are no contracts, and each has been paid before it ended
        columns["trial_ends_at"] = [f"2025-01-2{row} 08:00:00" for row in range(ROWS)]
        columns["status"] = ["active", "past_due"] * (ROWS // 2)
    return pd.DataFrame(columns).astype(object)


def _value(column: Column, row: int) -> Any:
    if column.name == "account_id":
        return f"Kanarie-{'abcdef'[row]}"
    if column.name == "currency":
        return "EUR"  # several would be refused
    if column.name == "interval":
        return "month"  # several look like amounts of unlike lengths
    if column.kind in ("id", "text"):
        return f"Zweifelstein {column.name} {row}"
    if column.kind == "number":
        return float(row + 1 if column.high is None else 1 + row % int(column.high))
    if column.kind == "bool":
        return row % 2 == 0 and column.name != "is_trial"
    words = _words(column) or ("red", "green", "blue")
    return words[row % len(words)]


def _words(column: Column) -> tuple[str, ...]:
    return column.values  # noqa: PD011  # the words of a category, not the array of a frame


def tables_with(table: str, frame: Any) -> dict[str, Any]:
    """A table, and a clean dated one where it has no dates that show the end of the data."""
    dated = {} if CONTRACT[table].time and CONTRACT[table].event else {"usage": clean("usage")[["account_id", "at"]]}
    return {**dated, table: frame}


@cache
def baseline(table: str) -> tuple[pd.DataFrame, frozenset[str]]:
    """The clean table as csrisk holds it, and the codes that it gets in any case."""
    data = CustomerData(tables_with(table, clean(table)), threads=1)
    return data.frame(table), frozenset(breach.code for breach in data.breaches)


@dataclass(frozen=True)
class Damage:
    """A change of a column, and the answer: its code and effect."""

    what: str
    code: str
    effect: str
    change: Callable[[pd.DataFrame, str], pd.DataFrame]
    cell: Any = None  # the value written into one row, for those formats where all is text


def _cell(what: str, code: str, effect: str, value: Any) -> Damage:
    def change(frame: pd.DataFrame, column: str) -> pd.DataFrame:
        frame = frame.copy()
        frame[column] = frame[column].astype(object)
        frame.iloc[HIT, frame.columns.get_loc(column)] = value
        return frame

    return Damage(what, code, effect, change, value)


def _whole(what: str, code: str, effect: str, values: Callable[[], Any]) -> Damage:
    return Damage(what, code, effect, lambda frame, column: frame.assign(**{column: values()}))


def _rename(what: str, code: str, effect: str, name: Callable[[str], str]) -> Damage:
    return Damage(what, code, effect, lambda frame, column: frame.rename(columns={column: name(column)}))


def _with_zone(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    return frame.assign(**{column: [text + "+00:00" * (row == HIT) for row, text in enumerate(frame[column])]})


def _twice(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    again = frame[[column]].rename(columns={column: column.upper()})
    return pd.concat([frame, again], axis="columns")


LISTS = _whole("lists in place of values", "CSD011", "refused", lambda: [["whispered"]] * ROWS)
EMPTY = _whole("no value at all", "CSD307", "kept", lambda: [None] * ROWS)
TWICE = Damage("the name twice, in other letters", "CSD005", "refused", _twice)
MISSPELT = _rename("a misspelt name", "CSD015", "kept", lambda name: name.replace("_", " ").title() + " ")
UNREADABLE_TIMES = {
    "free text": "whispered to Zweifelstein",
    "day before month": "31/12/2024",
    "30 February": "2025-02-30",
    "a zone by its name": "2025-03-02 10:00 Europe/Berlin",
    "seconds since 1970": "1735689600",
    "a number of a spreadsheet": "45658",
    "month 13": "2025-13-01",
    "25 o'clock": "2025-03-01 25:00:00",
    "full-width digits": "\uff12\uff10\uff12\uff15-03-01",
}
UNREADABLE_NUMBERS = {
    "free text": "whispered",
    "comma as point": "1.234,50",
    "a currency": "12 EUR",
    "a percent sign": "12%",
    "a formula": "=1+1",
}


def _some(values: dict[str, str], table: Table, column: Column) -> list[tuple[str, str]]:
    """The first, and another one for each column in turn."""
    (first, *others) = values.items()
    return [first, others[_turn(table, column) % len(others)]]


def _turn(table: Table, column: Column) -> int:
    """Columns in turn, so that each damage hits some column of each kind and not all of them."""
    return table.names.index(column.name) + len(table.name)


def time_damages(table: Table, column: Column) -> Iterator[Damage]:
    lost = "row set aside" if column.strict else "value missing"
    for what, value in _some(UNREADABLE_TIMES, table, column):
        yield _cell(what, "CSD202", lost, value)
    if _turn(table, column) % 2:
        yield _cell("the year 1500", "CSD203", lost, "1500-01-01")
        yield _whole("numbers", "CSD011", "refused", lambda: list(range(ROWS)))
    else:
        yield _cell("the year 9999", "CSD203", lost, "9999-12-31")
        yield _whole("durations", "CSD011", "refused", lambda: pd.to_timedelta(range(ROWS), unit="D"))
    yield LISTS
    yield Damage("a zone in one row alone", "CSD207", "kept", _with_zone)
    if column.name == table.time:
        yield _cell("missing", "CSD201", "row set aside", None)
        yield _whole("no value at all", "CSD013", "refused", lambda: [None] * ROWS)
        yield _whole("no readable value", "CSD202", "refused", lambda: ["whispered"] * ROWS)
    else:
        yield EMPTY
    for order in table.orders:
        if order.later == column.name:
            effect = "value missing" if table.name == "accounts" else "row set aside"
            yield _cell(f"before {order.earlier}", "CSD204", effect, "2000-01-01 08:00:00")


def number_damages(table: Table, column: Column) -> Iterator[Damage]:
    lost = "row set aside" if column.strict else "value missing"
    for what, value in _some(UNREADABLE_NUMBERS, table, column):
        yield _cell(what, "CSD301", lost, value)
    yield _cell("infinite", "CSD302", lost, "inf")
    yield _cell("minus infinite", "CSD302", lost, "-inf")
    if column.low is not None:
        yield _cell("below its range", "CSD303", lost, -5)
    if column.name == "score":
        yield _cell("outside of its scale", "CSD304", lost, 11)
    yield _whole("dates", "CSD011", "refused", lambda: pd.date_range("2025-01-01", periods=ROWS))
    yield _whole("the same value throughout", "CSD308", "kept", lambda: [3.0] * ROWS)
    yield LISTS
    yield EMPTY


def bool_damages(_: Table, column: Column) -> Iterator[Damage]:
    for what, value in (("perhaps", "perhaps"), ("a negative number", "-1"), ("free text", "whispered")):
        yield _cell(what, "CSD306", "value missing", value)
    yield _whole("dates", "CSD011", "refused", lambda: pd.date_range("2025-01-01", periods=ROWS))
    yield _whole("the same value throughout", "CSD308", "kept", lambda: [column.name != "is_trial"] * ROWS)
    yield LISTS
    yield EMPTY


def category_damages(table: Table, column: Column) -> Iterator[Damage]:
    yield LISTS
    if column.required:
        yield _cell("missing", "CSD201", "row set aside", None)
        yield _cell("blank", "CSD201", "row set aside", "   ")
        yield _whole("no value at all", "CSD013", "refused", lambda: [None] * ROWS)
    else:
        yield EMPTY
    if _words(column):
        yield _cell("a word that csrisk does not know", "CSD305", "kept", "telepathy")
    if not _words(column) and not column.required:
        same = _value(column, 0)  # a currency like those of the other tables
        yield _whole("the same value throughout", "CSD308", "kept", lambda: [same] * ROWS)


def id_damages(table: Table, column: Column) -> Iterator[Damage]:
    yield LISTS
    if column.name != "account_id":
        if column.kind == "id":
            yield EMPTY
        if column.name == "contact_id":
            yield _cell("the same contact twice", "CSD110", "kept", f"Zweifelstein contact_id {HIT + 1}")
        return
    yield _cell("missing", "CSD101", "row set aside", None)
    yield _cell("blank", "CSD101", "row set aside", " \t ")
    yield _cell("other letters, upper and lower", "CSD109", "kept", "KANARIE-B")
    yield _cell("a blank at the end", "CSD109", "kept", "Kanarie-b ")
    yield _cell("a number among texts", "CSD105", "kept", 4711)
    yield _whole("fractions", "CSD107", "refused", lambda: [0.5 + row for row in range(ROWS)])
    yield _whole("numbers that decimals round", "CSD107", "refused", lambda: [9.1e15 + 2.0 * r for r in range(ROWS)])
    yield _whole("no value at all", "CSD013", "refused", lambda: [None] * ROWS)
    if table.name == "accounts":
        yield _cell("the same account twice, unlike", "CSD102", "refused", "Kanarie-a")


DAMAGES = {
    "time": time_damages,
    "number": number_damages,
    "bool": bool_damages,
    "category": category_damages,
    "id": id_damages,
    "text": id_damages,
}


def damages(table: Table, column: Column) -> Iterator[Damage]:
    """Every damage of a column."""
    yield from DAMAGES[column.kind](table, column)
    if column.required:
        if column.name != table.time:
            yield TWICE
        yield _rename("left out", "CSD004", "refused", lambda name: f"x_{name}")
    elif column.kind not in ("time", "number") and _turn(table, column) % 2:
        yield MISSPELT


def table_cases() -> Iterator[Case]:
    """Each column with each of its damages, as a frame; as CSV too where one cell is damaged."""
    for table in CONTRACT.values():
        for column in table.columns:
            for damage in damages(table, column):
                yield _case(table, column, damage, "frame")
                if isinstance(damage.cell, str) and damage.what in _AS_CSV and damage.code != "CSD105":
                    yield _case(table, column, damage, "csv")


_AS_CSV = {"free text", "30 February", "before start_at", "perhaps", "blank"}


def _case(table: Table, column: Column, damage: Damage, form: str) -> Case:
    def run(folder: Path) -> Any:
        frame = damage.change(clean(table.name), column.name)
        if form == "csv":
            path = folder / f"{table.name}.csv"
            frame.to_csv(path, index=False)
            frame = path
        # frames as most users hand them over; files stay with the embedded engine
        return CustomerData(tables_with(table.name, frame), threads=1 if form == "csv" else None)

    def right(data: CustomerData, _: Any) -> bool:
        return _nothing_else_changed(data, table, column, damage)

    area = "tables" if form == "frame" else "tables as CSV"
    where = f"{table.name}.{column.name}"
    return Case(area, damage.what, where, damage.code, run, damage.code, damage.effect, right)


def _nothing_else_changed(data: CustomerData, table: Table, column: Column, damage: Damage) -> bool:
    """The damage is listed with its effect, it has this effect, and every other value is as it was."""
    expected, _ = baseline(table.name)
    found = [b for b in data.breaches if b.code == damage.code and b.table in (table.name, "")]
    if not found or damage.effect not in {breach.effect for breach in found}:
        return False
    held = data.frame(table.name).drop(columns=column.name, errors="ignore")
    rest = expected.drop(columns=[column.name])
    if damage.effect == "row set aside":
        aside = data.rejected
        rest = rest.drop(index=HIT).reset_index(drop=True)
        if not ((aside["table"] == table.name) & (aside["row"] == HIT) & (aside["code"] == damage.code)).any():
            return False
    if damage.effect == "value missing" and not data.frame(table.name)[column.name].isna().iloc[HIT]:
        return False
    held = held[[name for name in held.columns if name in rest.columns]]
    return _same(held, rest)


def _same(held: pd.DataFrame, rest: pd.DataFrame) -> bool:
    if len(held) != len(rest) or set(held.columns) != set(rest.columns):
        return False
    return all(
        held[name].astype("str").fillna("").tolist() == rest[name].astype("str").fillna("").tolist()
        for name in rest.columns
    )
