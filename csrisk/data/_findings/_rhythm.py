"""The rhythm of a table: on which days its rows come, and which silence is longer than usual."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import pandas as pd

    from csrisk.data._declared._contract import Table

__all__ = ["Rhythm", "Usual", "has_stopped", "read_changes", "signs_of_life"]

Ints: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
_YEAR, _FEWEST = 365, 20  # gaps are taken from the last year, or the last so many days with rows where that is more
_FACTOR = 2
_CHANCE = 1e-4  # of a silence this long, by chance
_AGREED_SHARE = 0.01
_HANDFUL, _HANDFUL_SHARE = 5, 0.001
_BULK_FACTOR, _FLAT, _AGAIN = 3, 1.5, 3
_STRAY_SHARE = 0.25  # more rows than this are no straying ones, whatever comes between
# a hole is longer than a holiday; so many alike are a rhythm, unless the table runs for longer than it pauses
_HOLIDAY, _ALIKE, _OUTAGES, _STRETCH, _STRICTER, _TRICKLE = 21, 2, 4, 5, 1.5, 0.05


class Usual(NamedTuple):
    """The longest time that passed before the next rows came, and from how many times that is known."""

    longest: float
    times: float

    def outlasted(self, days: float) -> bool:
        """Whether so many days are beyond what is usual.

        They are where they exceed the longest time twice *and* chance is excluded: of n independent exponential
        times the longest is outlasted r-fold with probability ``r! n! / (n + r)!``, so a table with a handful of rows
        is never called late. Times more even than exponential ones count for more of them.
        """
        ratio = days / self.longest if self.longest > 0 else 0.0
        if ratio <= _FACTOR:
            return False
        # in logarithms, as the factorials overflow; lgamma takes fractions, too
        return math.lgamma(ratio + 1) + math.lgamma(self.times + 1) - math.lgamma(self.times + ratio + 1) < math.log(
            _CHANCE
        )


class Rhythm(NamedTuple):
    """Days on which rows came, ascending, and their numbers."""

    days: Ints
    rows: Ints

    def usual(self, at: int = -1, passed: int = 0) -> Usual:
        """Tell how long it takes, up to the day at a position, until more than so many rows have come."""
        days, rows = self.days[: at % len(self.days) + 1], self.rows[: at % len(self.days) + 1]
        first = min(int(np.searchsorted(days, days[-1] - _YEAR)), max(len(days) - _FEWEST - 1, 0))
        days, total = days[first:], np.cumsum(rows[first:])
        beyond = np.searchsorted(total, total + passed, side="right")
        begins = np.flatnonzero(beyond < len(days))
        if not len(begins):
            return Usual(0.0, 0.0)
        times = (days[beyond[begins]] - days[begins]).astype(np.float64)
        # times that begin on each day overlap: so many of them fit one behind the other
        independent = len(begins) / float((beyond[begins] - begins).mean())
        evenness = 1 / (float(times.var() / times.mean() ** 2) + 1 / independent)
        return Usual(float(times.max()), independent * evenness)

    def last(self, most: int | None = None) -> tuple[int, int]:
        """Find the last day in the rhythm, and the number of rows that stray after it.

        Rows stray where so few came in so long a time as never before: one row weeks after all others, or some rows of
        a few clocks that go wrong. More than a handful stray only where rows became few at once, as the use of a closed
        group of customers fades, too. Of all days after which that holds, the one is taken at which the rate changes
        most (likelihood of two Poisson rates, less one for each row that would stray).
        """
        best, found, after = -math.inf, (int(self.days[-1]), 0), 0
        total = int(self.rows.sum())
        most = int(_STRAY_SHARE * total) if most is None else most
        for at in range(len(self.days) - 2, 0, -1):
            after += int(self.rows[at + 1])
            length = int(self.days[-1] - self.days[at])
            # going back, more rows would stray with each day
            if after > most:
                break
            # usual gaps are a day at least, so no silence of two days outlasts them
            if length <= _FACTOR or not (usual := self.usual(at, after)).outlasted(length):
                continue
            if after > self.handful and self._fades(at, after, length, usual.longest):
                continue
            before, span = total - after, int(self.days[at] - self.days[0]) + 1
            likelihood = before * math.log(before / span) + after * (math.log(after / length) - 1)
            if likelihood > best:
                best, found = likelihood, (int(self.days[at]), after)
        return found

    @property
    def handful(self) -> int:
        """So few rows that a few wrong clocks may have made them."""
        return max(_HANDFUL, int(_HANDFUL_SHARE * self.rows.sum()))

    def _fades(self, at: int, after: int, length: int, usual: float) -> bool:
        """Whether rows after a day are not so few at once as they are later, or come again as they came before."""
        day, back = int(self.days[at]), at + 1 + int(np.diff(self.days[at:]).argmax())
        usual_rate = int(self.rows[: at + 1].sum()) / int(day - self.days[0] + 1)
        rate = int(self.rows[back:].sum()) / int(self.days[-1] - self.days[back] + 1)
        if len(self.days) - back >= _AGAIN and 2 * rate >= usual_rate:
            return True
        at_first = self.between(day + 1, day + 1 + int(usual))
        return length <= _BULK_FACTOR * usual or at_first > _FLAT * after * usual / length

    def holes(self) -> tuple[tuple[int, int], ...]:
        """Spans of days, each from the first to before the last, in which a table that goes on stood still.

        By the rhythm before and the rhythm after it a hole is too long; a trickle of rows in it, a twentieth of the
        usual day, is none of the table. Campaigns and terms are no holes: they pause more than twice alike, and run for
        less long than they pause.
        """
        full = self.rows >= _TRICKLE * np.median(self.rows)
        days = self.days[full]
        gaps = np.diff(days)
        found = []
        for at in np.flatnonzero(gaps > _HOLIDAY + 1):
            alike = np.flatnonzero(2 * gaps >= gaps[at])
            first, last = (alike[alike < at].max(initial=-1) + 1, alike[alike > at].min(initial=len(gaps)))
            before, after = days[first : at + 1], days[at + 1 : last + 1]
            span = max(before[-1] - before[0], after[-1] - after[0]) * (_STRETCH if len(alike) <= _ALIKE else 1)
            long = span >= gaps[at] or gaps[at] > _YEAR
            # the time after the hole is read backwards, so that both end at it
            sides = [
                Rhythm(side, np.ones_like(side)).usual() for side in (before, (after[0] + after[-1] - after)[::-1])
            ]
            if long and len(alike) <= _OUTAGES and all(side.outlasted(gaps[at] / _STRICTER) for side in sides):
                found.append((int(days[at]) + 1, int(days[at + 1])))
        return tuple(found)

    def until(self, day: int) -> Rhythm:
        """Keep what came before a day."""
        n = int(np.searchsorted(self.days, day))
        return Rhythm(self.days[:n], self.rows[:n])

    def between(self, first: int, last: int) -> int:
        """Count the rows from a day to before another."""
        return int(self.rows[(self.days >= first) & (self.days < last)].sum())

    @classmethod
    def joined(cls, parts: Iterable[Rhythm]) -> Rhythm:
        """Add up what came on the same day."""
        parts = list(parts)
        days, place = np.unique(np.concatenate([part.days for part in parts]), return_inverse=True)
        # bincount with weights gives floats
        return cls(days, np.bincount(place, np.concatenate([part.rows for part in parts]), len(days)).astype(np.int64))


def read_changes(
    collect: Callable[[nw.LazyFrame[Any]], pd.DataFrame], rows: nw.LazyFrame[Any], table: Table
) -> dict[str, Rhythm]:
    """Count the rows of a canonical table by each day that tells that the table is kept.

    The day of the row itself; of a table of states (contracts, accounts, plans) also when a row became known, and its
    second times.
    """
    known = "told" if table.begins else "known"
    names = ["day"] if table.event else ["day", known, *(f"{name}_day" for name in table.second_times)]
    parts = [rows.select(nw.lit(name).alias("what"), nw.col(name).alias("at")) for name in names]
    dated = (nw.concat(parts) if len(parts) > 1 else parts[0]).filter(~nw.col("at").is_null())
    counted = collect(dated.group_by("what", "at").agg(nw.len().cast(nw.Int64).alias("n"))).sort_values("at")
    by = {str(what): group for what, group in counted.groupby("what")}
    return {name: Rhythm(by[name]["at"].to_numpy(np.int64), by[name]["n"].to_numpy(np.int64)) for name in by}


def has_stopped(table: Table, signs: Rhythm, day: int) -> bool:
    """Whether a table has been silent until a day for longer than is usual for it.

    What we agree or do ourselves comes in campaigns, whose gaps say nothing of the pause after them.
    """
    return table.shows_end and signs.usual().outlasted(day - int(signs.days[-1]))


def signs_of_life(changes: Mapping[str, Rhythm], before: int) -> Rhythm | None:
    """Join what happened before a day; None where nothing did.

    Ends that were agreed beforehand go on when nobody loads the table any more, so they tell nothing: ends do not count
    where more than a hundredth as many as lie in the year before the day lie in the year after it.
    """
    told = [
        one.until(before)
        for name, one in changes.items()
        if name in ("day", "known", "told")
        or one.between(before, before + _YEAR) <= _AGREED_SHARE * one.between(before - _YEAR, before)
    ]
    joined = Rhythm.joined(told) if told else None
    return joined if joined is not None and len(joined.days) else None
