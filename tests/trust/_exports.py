"""Cells as real exports write them: each is read as the value it means, or set aside or missing with its code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from csrisk import CustomerData

from ._case import Case
from ._tables import HIT, ROWS, clean, tables_with

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

READ, GONE = "read", "row set aside"
# a column; the cells by the code of the answer; those that are read, with the value
_AMOUNTS = {
    "CSD301": "1,000|1.234,5|1'000|1 000|(5)|5-|\u22125|\u20ac5|5 USD|5 %|0x10|-|#REF!|#N/A|TRUE|5,0|\u00bd|\u0663|1/2"
    "|5k|5 Mio|'5|=5|?|unknown|unbekannt",
    "CSD302": "inf|Infinity|-inf|1e999",
    "CSD303": "-3|-0.01",
    "CSD323": "NaN|N/A|null|None",
}
_AMOUNTS_READ = {"1e3": 1e3, "+5": 5.0, "7.50": 7.5, ".5": 0.5, "5.": 5.0, "1_000": 1e3, "-0": 0.0, "1E-400": 0.0}
_AMOUNTS_READ |= {"9" * 20: 1e20, "1e308": 1e308, "\t5": 5.0}
_TIMES = {
    "CSD202": "2025/03/12|20250312|12.03.2025|12/03/2025|03/12/2025|12-Mar-2025|12 March 2025|2025-W11-3|1741766400"
    "|1741766400000|45728|2025-03-12T08|0000-00-00|0000-00-00 00:00:00|today|now|2025-02-29|2025|Q1 2025|2025-071"
    "|March 12, 2025|2025-03-12 08:00:00 CET|2025\u201003\u201012|2025-03-12 8:00 AM|2025-03-12 23:59:61|12.03.25",
    "CSD203": "1899-12-31|2100-01-01|0001-01-01|1753-01-01",
    "CSD207": "2025-03-12T08:00:00Z|2025-03-12T08:00:00.000Z",
}
_TIMES_READ = {
    "2025-03-12": "2025-03-12",
    "2025-3-2": "2025-03-02",
    "2025-03-12 08:00": "2025-03-12 08:00",
    "2025-03-12 08:00:00.123456789": "2025-03-12 08:00:00",
    "2024-02-29": "2024-02-29",
}
_FLAGS = {"CSD306": "x|X|si|oui|Wahr|\u2713|enabled|perhaps|-"}
_FLAGS_READ = {"yes": True, "no": False, "Y": True, "N": False, "t": True, "f": False, "0": False, "1": True}
_FLAGS_READ |= {"Yes": True, "NO": False, "T": True, "F": False, "FALSE": False, "True": True, "2": True, "10": True}
_IDS = {"CSD112": "NULL|null|None|nan|NaN|N/A|n/a", "CSD101": "\u00a0| "}
_IDS_READ = {
    "1.0": "1.0",
    "007": "007",
    "1e5": "1e5",
    "a,b": "a,b",
    "x y": "x y",
    'a "b"': 'a "b"',
    "\U0001f600": "\U0001f600",
}
_SEATS = {"CSD301": "unlimited|\u221e|10-20|>100|12 seats", "CSD303": "-1|-0.5"}
_SEATS_READ = {"0": 0.0, "1.5": 1.5, "1e9": 1e9, "12": 12.0, "012": 12.0, "12.0": 12.0}
_SCORES = {"CSD301": "9/10|nine|passive|8,5|\u2605\u2605\u2605", "CSD304": "-1|11|100|10.5"}
_SCORES_READ = {"0": 0.0, "10": 10.0, "5.5": 5.5, "10.0": 10.0, "08": 8.0}
_CELLS: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "subscriptions.mrr": (_AMOUNTS, _AMOUNTS_READ),
    "subscriptions.seats": (_SEATS, _SEATS_READ),
    "surveys.score": (_SCORES, _SCORES_READ),
    "usage.at": (_TIMES, {text: pd.Timestamp(value) for text, value in _TIMES_READ.items()}),
    "usage.account_id": (_IDS, _IDS_READ),
    "contacts.reopened": (_FLAGS, _FLAGS_READ),
}


def _load(column: str, text: str) -> Callable[[Path], Any]:
    def run(folder: Path) -> CustomerData:
        table, name = column.split(".")
        frame, path = clean(table).copy(), folder / f"{table}.csv"
        frame.iloc[HIT, frame.columns.get_loc(name)] = text
        frame.to_csv(path, index=False)
        try:
            return CustomerData(tables_with(table, path), threads=1)
        finally:
            path.unlink()

    return run


def _answered(column: str, code: str, effect: str) -> Callable[[Any, Any], bool]:
    """The code is told with its effect, and the cell is gone or missing, or kept where nothing is wrong with it."""
    table, name = column.split(".")

    def right(data: CustomerData, _: Any) -> bool:
        told = {breach.effect for breach in data.breaches if breach.code == code and breach.table == table}
        held, rows = data.frame(table)[name], ROWS - (effect == GONE)
        missing = effect == GONE or code == "CSD207" or bool(held.isna().iloc[HIT])
        return effect in told and len(held) == rows and missing

    return right


def _read(column: str, value: Any) -> Callable[[Any, Any], bool]:
    """The cell is the value that it means, no row is gone and nothing is said to be lost."""
    table, name = column.split(".")

    def right(data: CustomerData, _: Any) -> bool:
        lost = [breach for breach in data.breaches if breach.table == table and breach.effect != "kept"]
        return not lost and len(data.frame(table)) == ROWS and bool(data.frame(table)[name].iloc[HIT] == value)

    return right


def export_cases() -> Iterator[Case]:
    """Every cell with its answer."""
    for column, (refused, read) in _CELLS.items():
        for code, texts in refused.items():
            lost = GONE if column.startswith("usage") else "value missing"
            effect = "kept" if code in ("CSD207", "CSD323") else lost
            for text in texts.split("|"):
                run, right = _load(column, text), _answered(column, code, effect)
                yield Case("cells", ascii(text), column, code, run, effect=effect, right=right)
        for text, value in read.items():
            yield Case(
                "cells", ascii(text), column, READ, _load(column, text), effect="kept", right=_read(column, value)
            )
