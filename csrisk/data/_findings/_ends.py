"""When the observation of each table ends: as the user states it, else as the rhythm of the table tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from csrisk._days import read_date
from csrisk.data._declared._contract import CONTRACT, observed_tables
from csrisk.data._findings._breach import Breach, did_you_mean
from csrisk.data._findings._rhythm import Rhythm, has_stopped, read_changes, signs_of_life
from csrisk.exceptions import SnapshotError

if TYPE_CHECKING:
    import narwhals.stable.v2 as nw

    from csrisk.data._findings._found import Found

__all__ = ["read_end", "settle_ends"]

_FIRST_YEAR, _LAST_YEAR = 1900, 2100
_JUDGED = 10  # times; a table with fewer has no rhythm of its own


def read_end(found: Found, end: object) -> None:
    """Read the end that the user stated: of all tables, or of each."""
    if not isinstance(end, Mapping):
        found.end = None if end is None else _read_date(found, end, "end")
        return
    dated = [name for name, table in CONTRACT.items() if table.has_account]
    for name, one in end.items():
        if name == "book":
            found.end = _read_date(found, one, "end of the book")
        elif name not in dated:
            detail = f"end names {str(name)[:40]!r}; {did_you_mean(str(name), dated)}"
            found.breaches.append(Breach("CSD012", detail=detail))
        elif (stamp := _read_date(found, one, f"end of {name}")) is not None:
            found.stated[str(name)] = stamp


def settle_ends(found: Found, engine: Any, tables: Mapping[str, nw.LazyFrame[Any]]) -> None:
    """Find the end of each table, and of all; tables without a date are refused."""
    if not found.refused and not found.days:
        late = any(breach.code == "CSD205" for breach in found.breaches)
        found.breaches.append(Breach("CSD012") if late else Breach("CSD008", count=0))
    if found.refused:
        return
    changes = {name: read_changes(engine.collect, tables[name], CONTRACT[name]) for name in found.days}
    own = {name: one["day"] for name, one in changes.items() if name in observed_tables()}
    if not own:
        if found.end is None and not found.stated:
            found.breaches.append(Breach("CSD209", detail=f"it was taken from {sorted(found.days)}"))
        own = {name: one["day"] for name, one in changes.items()}
    lasts = _last_days(found, {name: one for name, one in own.items() if name not in found.stated})
    shown = max([*(day + 1 for day in lasts.values()), *map(_day, found.stated.values())])
    found.end = _stamp(shown) if found.end is None else found.end
    for name, one in changes.items():
        # rows that stray after its last day are no sign of life of a table
        signs = signs_of_life(one, min(shown, lasts.get(name, shown) + 1))
        found.ends[name] = found.stated.get(name) or _end_of(found, name, signs, shown)
        _note_holes(found, name, signs)
    _say_what_is_odd(found, changes, Rhythm.joined(own.values()).until(shown), shown)


def _last_days(found: Found, tables: Mapping[str, Rhythm]) -> dict[str, int]:
    """Find the last day of each table that shows the end, without rows that stray."""
    found_last = {name: one.last() for name, one in tables.items()}
    lasts = {name: day for name, (day, _) in found_last.items()}
    if len(tables) > 1:
        day = _last_of_all({name: one.until(lasts[name] + 1) for name, one in tables.items()})
        lasts = {name: min(last, day) for name, last in lasts.items()}
    for name, last in lasts.items():
        one = tables[name]
        if last < one.days[-1]:
            found.breaches.append(_astray(name, one, last))
    return lasts


def _last_of_all(tables: Mapping[str, Rhythm]) -> int:
    """Last day of all tables: tables too sparse for a rhythm of their own are judged by that of all together."""
    together = Rhythm.joined(tables.values())
    day, _ = together.last(most=together.handful)
    return int(together.days[-1]) if any(_goes_on(one, day) for one in tables.values()) else day


def _goes_on(one: Rhythm, day: int) -> bool:
    """Whether a table with a rhythm of its own goes on in it after a day on which others stop."""
    before = one.until(day + 1)
    if len(before.days) < 2 or len(before.days) == len(one.days):
        return False
    usual = before.usual()
    gaps = one.days[len(before.days) :] - one.days[len(before.days) - 1 : -1]
    return usual.times >= _JUDGED and int(gaps.max()) <= 2 * usual.longest


def _end_of(found: Found, name: str, signs: Rhythm | None, shown: int) -> pd.Timestamp:
    """End of a table: that of the book, unless the table has been silent for longer than is usual for it."""
    end = found.end if found.end is not None else _stamp(shown)
    if signs is None or not has_stopped(CONTRACT[name], signs, shown):
        return end
    last = int(signs.days[-1])
    detail = (
        f"the last of {_date(last)}, {shown - last} days before {_date(shown)}; the longest usual gap is "
        f"{signs.usual().longest:.0f} days; labels read from it are missing where their window is not over by then"
    )
    found.breaches.append(Breach("CSD211", name, count=shown - last, examples=(_date(last),), detail=detail))
    return _stamp(last + 1)


def _note_holes(found: Found, name: str, signs: Rhythm | None) -> None:
    """Note where a table stood still and went on."""
    holes = signs.holes() if signs is not None and CONTRACT[name].shows_end else ()
    if signs is None or not holes:
        return
    found.holes[name] = holes
    count = sum(last - first for first, last in holes)
    spans = tuple(f"{_date(first)} to {_date(last - 1)}" for first, last in holes)
    share = 100 * count / int(signs.days[-1] - signs.days[0] + 1)
    trickle = sum(signs.between(*hole) for hole in holes)
    detail = f"{share:.2g} % of its days, with {trickle} of {int(signs.rows.sum())} rows"
    found.breaches.append(Breach("CSD214", name, CONTRACT[name].time or "", count, (), spans, detail))


def _astray(name: str, one: Rhythm, last: int) -> Breach:
    count = one.between(last + 1, int(one.days[-1]) + 1)
    detail = (
        f"{count} of {int(one.rows.sum())} rows come in the {int(one.days[-1]) - last} days after {_date(last)}; "
        "they do not move the end"
    )
    return Breach("CSD208", name, CONTRACT[name].time or "", count, examples=(_date(int(one.days[-1])),), detail=detail)


def _say_what_is_odd(found: Found, changes: Mapping[str, Mapping[str, Rhythm]], shown: Rhythm, until: int) -> None:
    """Note an end far after the last row, and what lies after the clock of this machine."""
    today = _day(_now())
    stated = [found.end, *found.stated.values()]
    end = max(_day(stamp) for stamp in stated if stamp is not None)
    if len(shown.days) and end > until and shown.usual().outlasted(end - int(shown.days[-1])):
        detail = (
            f"end={_date(end)}, {end - until} days after the last row; the days between count as days without events"
        )
        found.breaches.append(Breach("CSD213", count=end - until, examples=(_date(end),), detail=detail))
    n_before = len(found.breaches)
    for name, one in changes.items():
        # tomorrow may be today in another zone
        if CONTRACT[name].event and (count := one["day"].between(today + 2, int(one["day"].days[-1]) + 1)):
            example = (_date(int(one["day"].days[-1])),)
            column = CONTRACT[name].time or ""
            found.breaches.append(Breach("CSD212", name, column, count, (), example, f"today is {_date(today)}"))
    # said once: rows after the clock make such an end by themselves
    if end > today + 2 and len(found.breaches) == n_before:
        detail = f"observation is said to end at {_date(end)}, and today is {_date(today)}"
        found.breaches.append(Breach("CSD212", "", "end", 1, (), (_date(end),), detail))


def _now() -> pd.Timestamp:
    return pd.Timestamp.now(tz="UTC").tz_localize(None)


def _read_date(found: Found, end: object, what: str) -> pd.Timestamp | None:
    try:
        stamp = read_date(end, what)
    except SnapshotError:
        stamp = None
    if stamp is None or pd.isna(stamp) or not _FIRST_YEAR <= stamp.year < _LAST_YEAR:
        found.breaches.append(
            Breach("CSD012", detail=f"{what} cannot be read as a date of our time, written 2025-07-01")
        )
        return None
    stamp = stamp.tz_convert("UTC").tz_localize(None) if stamp.tzinfo is not None else stamp
    return stamp.normalize().as_unit("us")


def _day(stamp: pd.Timestamp) -> int:
    return (stamp - pd.Timestamp(0)).days


def _stamp(day: int) -> pd.Timestamp:
    return pd.Timestamp(day, unit="D").as_unit("us")


def _date(day: int) -> str:
    return f"{_stamp(day):%Y-%m-%d}"
