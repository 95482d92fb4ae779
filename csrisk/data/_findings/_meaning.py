"""What whole tables say that no row can: whether their sums, amounts and answers can mean what they are taken for."""

from __future__ import annotations

import calendar
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from csrisk.data._declared._contract import CONTRACT
from csrisk.data._engines._staging import number, tally
from csrisk.data._findings._breach import Breach
from csrisk.data._findings._money import check_money

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from csrisk.data._declared._declaration import Table
    from csrisk.data._engines._engine import Engine

__all__ = ["by_share", "check_meaning"]

Lazy = nw.LazyFrame[Any]
Evidence = dict[str, dict[str, int]]
_SUMMED = ("usage", "finance")  # tables whose rows may be sums over a period
_DAY, _MINUTE = 86_400, 60  # seconds
_NEARLY_ALL, _MANY_REPEATS, _OFF_SCALE, _SOME = 0.95, 0.05, 0.2, 10
_MONTHS, _WEEKS, _ROWS = 3, 8, 20  # fewer may be chance
_LATE, _AT_ONCE, _FEW = 14, 0.5, 5  # days after which a row is known late; share and number known on one day


def check_meaning(engine: Engine, tables: Mapping[str, Lazy], evidence: Evidence) -> list[Breach]:
    """Look at each table as a whole; one or two small queries for each."""
    found: list[Breach] = []
    for name in _SUMMED:
        if name in tables and evidence.get(name, {}).get("", 0) >= _ROWS:
            found += _first_of_period(engine, name, tables[name])
    if evidence.get("subscriptions", {}).get("end_at", 0) >= _FEW:
        found += _last_days(engine, tables["subscriptions"])
    for name, rows in tables.items():
        found += _partly_missing(CONTRACT[name], evidence.get(name, {}))
        if evidence.get(name, {}).get("known_at", 0) >= _ROWS:
            found += _known_late(engine, CONTRACT[name], rows)
    if "surveys" in tables and evidence.get("surveys", {}).get("", 0):
        found += _surveys(engine, tables["surveys"], evidence["surveys"])
    return found + check_money(engine, tables, evidence)


def by_share(breaches: Iterable[Breach], evidence: Evidence) -> list[Breach]:
    """Say exact repeats aloud where they are many; refuse scores of which many, and so all, are of another scale."""
    said = []
    for breach in breaches:
        n_rows = evidence.get(breach.table, {}).get("", 0)
        if breach.code == "CSD309" and n_rows and not breach.detail:
            share = breach.count / n_rows
            code = "CSD322" if share >= _MANY_REPEATS and breach.count >= _SOME else breach.code
            breach = replace(breach, code=code, detail=f"{100 * share:.2g} % of {n_rows} rows")
        if breach.code == "CSD304" and breach.count >= _SOME:
            # evidence counts the scores that stayed
            n_rows = breach.count + evidence[breach.table]["score"]
            if breach.count >= _OFF_SCALE * n_rows:
                detail = f"of {n_rows}, so all may be of another scale; convert them, or leave kind out: unused then"
                breach = replace(breach, effect="refused", detail=detail)
        said.append(breach)
    return said


def _partly_missing(table: Table, given: Mapping[str, int]) -> Iterator[Breach]:
    """Say where some rows tell how much and others do not: days filled up by a join have empty cells, not zeros."""
    for column in table.columns:
        n, n_rows = given.get(column.title, 0), given.get("", 0)
        if column.default is not None and 0 < n < n_rows:
            detail = f"of {n_rows}; each counts as {column.default:g}"
            yield Breach("CSD345", table.name, column.title, n_rows - n, detail=detail)


def _first_of_period(engine: Engine, name: str, rows: Lazy) -> list[Breach]:
    """Find times that are all the first of a month, or one day of the week, and were not known later."""
    midnight = nw.col("at_second") == nw.col("day") * 86_400
    lag = nw.col("known") - nw.col("day")
    # 27 and 6: a sum that is known when its period is over tells nothing early
    counts = {"n": number(), "month": tally(midnight & (lag < 27)), "week": tally(midnight & (lag < 6))}
    days = engine.collect(rows.group_by("day").agg(*(value.alias(column) for column, value in counts.items())))
    weekday = (days["day"] + 3) % 7  # 1970-01-01 was a Thursday
    usual = int(weekday.mode().iloc[0])
    firsts = pd.to_datetime(days["day"], unit="D").dt.day == 1
    for period, first, enough, words in (
        ("month", firsts, _MONTHS, "the first of a month"),
        ("week", weekday == usual, _WEEKS, f"a {calendar.day_name[usual]}"),
    ):
        count = int(days.loc[first, period].sum())
        share = count / int(days["n"].sum())
        if share >= _NEARLY_ALL and int(first.sum()) >= enough:
            part = "all" if share == 1 else f"{100 * share:.3g} %"
            return [Breach("CSD221", name, "at", count, detail=f"{part} on {words}")]
    return []


def _last_days(engine: Engine, rows: Lazy) -> list[Breach]:
    """Find ends that are the last day of their contract: just before midnight, or a day before the next contract."""
    ends = nw.col("end_at_day"), nw.col("end_at_second")
    dated = engine.collect(rows.select("account", "product", "day", ends[0].alias("end"), ends[1].alias("second")))
    ended = dated.dropna(subset="end")
    # an end at 23:59 is on a day on which the contract still ran
    late = ended["second"] % _DAY >= _DAY - _MINUTE
    starts = dated[["account", "product", "day"]].drop_duplicates()
    follows = [
        len(ended.assign(day=ended["end"] + gap).merge(starts, on=["account", "product", "day"])) for gap in (0, 1)
    ]
    if 2 * late.sum() >= max(len(ended), 1):
        return [Breach("CSD215", "subscriptions", "end_at", int(late.sum()), detail="just before midnight")]
    if follows[1] >= max(_FEW, follows[0]):
        detail = f"another contract begins on the day after, of {follows[0]} on the day itself"
        return [Breach("CSD215", "subscriptions", "end_at", follows[1], detail=detail)]
    return []


def _known_late(engine: Engine, table: Table, rows: Lazy) -> list[Breach]:
    """Find rows that were known weeks after they happened: as a rule, or all on the day of one load.

    Of a state (a contract) only its end waits to be told, so the delay counts from that.
    """
    happened, told = "day", "known"
    if table.begins:
        happened, told = f"{next(name for name in table.second_times if name != table.begins)}_day", "told"
    lag = (nw.col(told) - nw.col(happened)).alias("lag")
    dated = rows.filter(~nw.col(happened).is_null()).select(nw.col(told).alias("at"), lag)
    late = dated.filter(nw.col("lag") >= _LATE)
    days = engine.collect(late.group_by("at").agg(number().alias("n"))).sort_values("at")
    n_late = int(days["n"].sum()) if len(days) else 0
    if n_late < _FEW:
        return []
    lags = engine.collect(dated.group_by("lag").agg(number().alias("n"))).sort_values("lag")
    below = lags["n"].cumsum() / lags["n"].sum()
    at, n = (days[name].to_numpy(np.int64) for name in ("at", "n"))
    if n.max() >= _AT_ONCE * lags["n"].sum():
        day = pd.Timestamp(int(at[n.argmax()]), unit="D")
        return [Breach("CSD220", table.name, "known_at", int(n.max()), examples=(f"{day:%Y-%m-%d}",))]
    half, nearly = (int(lags.loc[below >= share, "lag"].iloc[0]) for share in (0.5, 0.9))
    if half < _LATE or n_late < _ROWS:
        return []
    detail = f"half of all after {half} days, nine in ten after {nearly}"
    return [Breach("CSD219", table.name, "known_at", n_late, detail=detail)]


def _surveys(engine: Engine, rows: Lazy, evidence: Mapping[str, int]) -> list[Breach]:
    n_rows, found = evidence[""], []
    if "answered_at" not in evidence:
        found.append(Breach("CSD328", "surveys", "answered_at", n_rows))
    if evidence.get("score", 0):
        score = nw.col("score")
        unused = rows.filter(~score.is_null(), nw.col("kind").is_null())
        row = engine.collect(unused.select(n=number(), low=score.min(), high=score.max())).iloc[0]
        if not pd.isna(row["n"]) and row["n"] > 0:
            low, high = float(row["low"]), float(row["high"])
            nps = "; if they answer how likely a recommendation is, say kind='NPS'" if 0 <= low <= high <= 10 else ""
            found.append(
                Breach("CSD327", "surveys", "kind", int(row["n"]), detail=f"scores from {low:g} to {high:g}{nps}")
            )
    return found
