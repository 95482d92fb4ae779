"""The claims of the articles on customer success beside the portfolio's own figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._text import number
from csrisk.exceptions import CsriskError
from csrisk.report._content import Column, Interval, Table
from csrisk.report._success._tables import share_of
from csrisk.success import FIRES, claims, growth_by_stage

if TYPE_CHECKING:
    from csrisk.data import CustomerData
    from csrisk.report._accounts._followed import Followed
    from csrisk.report._content import Cell

__all__ = ["claims_tables"]

_PARTS = ("claims on your own data", "happiness and growth", "after the fire")
_UNITS = {"share": "%", "difference": "points", "ratio": "to 1"}
_VERDICTS = {"agree": "agrees", "differ": "differs", "too little": "too little to tell"}


def claims_tables(data: CustomerData, followed: Followed, until: pd.Timestamp) -> dict[str, Table | None]:
    """Make the tables; None where no past is known."""
    if followed.history is None:
        return dict.fromkeys(_PARTS)
    try:
        found = claims(data, history=followed.history, until=until)
    except CsriskError:
        return dict.fromkeys(_PARTS)
    fires = None if followed.fires is None else _fires(followed.fires)
    return dict(zip(_PARTS, (_claims(found), _growth(growth_by_stage(data, followed.history)), fires), strict=True))


def _claims(table: pd.DataFrame) -> Table | None:
    # a claim that nobody of this portfolio can speak to is left out
    told = table[table["n"] > 0]
    rows: list[tuple[Cell, ...]] = []
    for _, row in told.iterrows():
        # shares and differences are printed in per cent and points
        scale = 1.0 if row["unit"] == "ratio" else 100.0
        own = None
        if pd.notna(row["low"]):
            own = Interval(*(scale * float(row[name]) for name in ("value", "low", "high")))
        beside = None if pd.isna(row["beside"]) else scale * float(row["beside"])
        counts = int(row["accounts"]), int(row["events"])
        said = _VERDICTS[row["verdict"]]
        rows.append((row["says"], _claimed(row, scale), own, beside, *counts, said, row["measured"]))
    columns = (
        Column("Claim"),
        Column("Claimed"),
        Column("Here", "number", 1),
        Column("Beside", "number", 1),
        Column("Accounts", "integer"),
        Column("With the outcome", "integer"),
        Column("Own data"),
        Column("Measured here"),
    )
    note = (
        "Claims of articles on customer success in our words, beside past dates of this portfolio whose outcome is "
        "known. Ranges: 95 %, by accounts. Beside: the other group. It was seen, not caused."
    )
    return Table("Claims on your own data", columns, tuple(rows), note) if rows else None


def _claimed(row: pd.Series, scale: float) -> str:
    low, high, unit = scale * float(row["claimed_low"]), scale * float(row["claimed_high"]), _UNITS[row["unit"]]
    # a claim of "more than" has no upper end
    if np.isinf(high):
        return f"above {number(low)} {unit}"
    if np.isinf(low):
        return f"below {number(high)} {unit}"
    return f"{number(low)} {unit}" if low == high else f"{number(low)} to {number(high)} {unit}"


def _growth(table: pd.DataFrame) -> Table | None:
    told = table[(table["n"] > 0)]
    if not table["n_growth"].any():
        return None
    rows: list[tuple[Cell, ...]] = [
        (str(stage), int(row["n"]), share_of(row["left"], row["n"]), share_of(row["grew"], row["n_growth"]))
        for stage, row in told.iterrows()
    ]
    columns = (
        Column("Stage of happiness"),
        Column("Past snapshots", "integer"),
        Column("Left later, %", "number", 1),
        Column("Grew later, %", "number", 1),
    )
    note = "Over the last dates whose outcome is known, with 95 % ranges."
    return Table("Happiness, and what came of it", columns, tuple(rows), note)


def _fires(table: pd.DataFrame) -> Table | None:
    # FIRES[0] is no fire: where nobody had one there is nothing to tell
    if table["n"].sum() == table.loc[FIRES[0], "n"]:
        return None
    rows: list[tuple[Cell, ...]] = []
    for name, row in table.iterrows():
        said = "spoke for us more often" if row["helps"] else "left more often" if row["harms"] else "not shown"
        left, spoke = (share_of(row[what], row["n"]) for what in ("left", "spoke"))
        rows.append((str(name), int(row["n"]), int(row["accounts"]), left, spoke, said))
    columns = (
        Column("Hard cases of the year before"),
        Column("Past snapshots", "integer"),
        Column("Accounts", "integer"),
        Column("Left later, %", "number", 1),
        Column("Spoke for us later, %", "number", 1),
        Column("Against all others, beyond chance"),
    )
    note = (
        "Hard: handed on twice or more, reopened, or of severity 1, and closed. Well: the first answer within 30 days "
        "after reaches three quarters of the scale. With 95 % ranges. It was seen, not caused."
    )
    return Table("After the fire", columns, tuple(rows), note)
