"""The check that a builder of features does not know the future."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk._snapshots import Snapshots
from csrisk.data import CONTRACT, CustomerData
from csrisk.exceptions import DataWarning, FeatureError
from csrisk.features import Builder, build_features
from csrisk.testing._books import random_tables
from csrisk.testing._engines import EngineName, on_engine
from csrisk.testing._invariants import CHANGES, Change, Tables, apply_all, split_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import narwhals.stable.v2 as nw

__all__ = ["check_builder"]

_TRIES = 4  # a change may by chance leave alone what matters


def check_builder(
    builder: Builder,
    tables: Mapping[str, pd.DataFrame] | None = None,
    *,
    n_books: int = 5,
    engines: Sequence[EngineName] = ("duckdb",),
    random_state: int = 0,
    tolerance: float = 1e-9,
) -> int:
    """Check that a builder of features sees nothing but the past, whatever the order of rows.

    Books are changed in ways that no time-safe feature may notice: rows dated or known at ``as_of`` or later are added,
    deleted and changed; second times and values that are final later are changed; rows are shuffled; an account is
    copied; times are written in another zone; tables are split over files and snapshots over parts; a snapshot is
    computed alone. Features before and after must agree.

    Parameters
    ----------
    builder : Builder
        What to check.
    tables : Mapping of str to pandas.DataFrame, optional
        Small tables to use; default: random books with every table (see `random_tables`).
    n_books : int, default 5
        Number of changed books.
    engines : sequence of str, default ("duckdb",)
        Engines to compute with, as `on_engine` names them; features must agree over engines, too.
    random_state : int, default 0
        Seed.
    tolerance : float, default 1e-9
        Relative and absolute tolerance of numbers, for sums taken in another order.

    Returns
    -------
    int
        Number of snapshots compared.

    Raises
    ------
    FeatureError
        If a feature changed; names the columns, and the change that each noticed. Also if the run can show nothing: if
        in no book the builder could see rows of a table that it reads.

    Examples
    --------
    >>> from csrisk.features import Advocacy
    >>> from csrisk.testing import check_builder
    >>> check_builder(Advocacy(), n_books=1) > 0
    True
    """
    compared, asked, shown = 0, set[str](), set[str]()
    for book in range(n_books):
        seed = random_state + book
        rng = np.random.default_rng(seed)
        original = dict(tables) if tables is not None else random_tables(seed)
        case = _Case(builder, original, _as_of(original, rng), tolerance)
        compared += case.check(engines, seed)
        asked |= case.asked
        shown |= {name for name, frame in original.items() if _shows(name, frame, case.as_of)}
    if blind := sorted(asked - shown):
        raise FeatureError(
            f"builder {type(builder).__name__}: the check shows nothing of {blind}, which the builder reads: no book "
            "has rows of it before as_of, which may be seen; hand over tables= that do"
        )
    return compared


def _shows(name: str, frame: pd.DataFrame, as_of: pd.Timestamp) -> bool:
    """Whether a table has rows that may be seen; rows that may not are added by the check."""
    table = CONTRACT[name]
    if not table.event or table.time is None:
        return bool(len(frame))
    late = _late(frame[table.time], as_of)
    if "known_at" in frame:
        late = late | _late(frame["known_at"], as_of)
    return bool((~late).any())


def _late(times: pd.Series[Any], as_of: pd.Timestamp) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return (pd.to_datetime(times, utc=True) >= as_of.tz_localize("UTC")).to_numpy(dtype=bool)


class _Watched(CustomerData):
    """Tables that remember which of them were asked for."""

    def __init__(self, tables: Mapping[str, Any], asked: set[str], **given: Any) -> None:
        self.asked: set[str] = set()
        super().__init__(tables, **given)
        # only now: what loading itself looks at was not asked by the builder
        self.asked = asked

    def lazy(self, table: str) -> nw.LazyFrame[Any]:
        self.asked.add(table)
        return super().lazy(table)

    def has(self, table: str, *columns: str) -> bool:
        self.asked.add(table)
        return super().has(table, *columns)


class _Case:
    """One book, one date, and what the builder says of it."""

    def __init__(self, builder: Builder, tables: Tables, as_of: pd.Timestamp, tolerance: float) -> None:
        self.builder = builder
        self.tables = tables
        self.as_of = as_of
        self.tolerance = tolerance
        self.asked: set[str] = set()
        frames = (frame["account_id"] for frame in tables.values() if "account_id" in frame)
        ids = sorted({str(value) for column in frames for value in column})
        self.pairs = pd.MultiIndex.from_product([ids, self._cuts()], names=["account_id", "as_of"])

    def check(self, engines: Sequence[EngineName], seed: int) -> int:
        """Compare with every engine, and return the number of snapshots compared."""
        before = self._features(self.tables, engines[0], self.pairs)
        self._leave_out_unread(before, engines[0])
        for engine in engines:
            if engine != engines[0]:
                self._refuse(before, self._features(self.tables, engine, self.pairs), f"engine {engine}")
            after = self._changed(apply_all, engine, seed, split=seed)
            if self._differences(before, after):
                self._blame(before, engine, seed)
        alone = self.pairs[np.random.default_rng(seed).integers(len(self.pairs), size=1)]
        self._refuse(before.loc[alone], self._features(self.tables, engines[-1], alone), "snapshot computed alone")
        # each engine against its changed book, all but the first against the first one; and the one alone
        return len(before) * (2 * len(engines) - 1) + 1

    def _leave_out_unread(self, before: pd.DataFrame, engine: EngineName) -> None:
        """Go on without the tables that were never asked for, if no feature misses them: loading costs most."""
        # dates come from these tables, also where the builder reads none of them
        dated = min(set(_TIMES) & set(self.tables), key=lambda name: (name not in self.asked, name))
        kept = self.asked | {"accounts", dated}
        read = {name: frame for name, frame in self.tables.items() if name in kept}
        if len(read) < len(self.tables) and not self._differences(before, self._features(read, engine, self.pairs)):
            self.tables = read

    def _cuts(self) -> list[pd.Timestamp]:
        earlier = [self.as_of - pd.Timedelta(days=days) for days in (1, 7, 30, 100)]
        # before the first event there is nothing to compute from
        first = min(_times(self.tables))
        return [cut for cut in sorted({self.as_of, *earlier}) if cut > first]

    def _features(
        self, tables: Tables, engine: EngineName, pairs: pd.MultiIndex, split: int | None = None
    ) -> pd.DataFrame:
        # behind every time that a change may add
        end = max(self.as_of, max(_times(self.tables))) + pd.Timedelta(days=1000)
        with tempfile.TemporaryDirectory() as folder:
            given = on_engine(tables, engine) if split is None else split_tables(tables, engine, Path(folder), split)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DataWarning)  # the books are odd on purpose
                data = _Watched(given, self.asked, end=end.normalize(), threads=1)
            with data:
                chunk = len(pairs) if split is None else len(pairs) // 2 + 1
                return build_features(data, Snapshots.of(data, pairs), [self.builder], chunk=chunk)

    def _changed(
        self, change: Change | Callable[..., Tables], engine: EngineName, seed: int, split: int | None = None
    ) -> pd.DataFrame:
        changed = change(self.tables, self.as_of, np.random.default_rng(seed))
        return self._features(changed, engine, self.pairs, split)

    def _blame(self, before: pd.DataFrame, engine: EngineName, seed: int) -> None:
        """Find the changes that matter one by one, and say so."""
        found = {}
        for words, change in CHANGES.items():
            tries = (self._differences(before, self._changed(change, engine, seed + extra)) for extra in range(_TRIES))
            columns = next(filter(None, tries), [])
            if columns:
                found[words] = columns
        columns = self._differences(before, self._features(self.tables, engine, self.pairs, seed))
        if columns:
            found["tables split over files and snapshots over parts"] = columns
        # some changes matter only together
        found = found or {
            "all changes together": self._differences(before, self._changed(apply_all, engine, seed, seed))
        }
        raise FeatureError(self._message(found, engine))

    def _refuse(self, before: pd.DataFrame, after: pd.DataFrame, words: str) -> None:
        columns = self._differences(before, after)
        if columns:
            raise FeatureError(self._message({words: columns}, "any"))

    def _message(self, found: Mapping[str, list[str]], engine: str) -> str:
        lines = [f"  {words}: {columns}" for words, columns in found.items()]
        return "\n".join(
            [
                f"builder {type(self.builder).__name__}: features at as_of={self.as_of:%Y-%m-%d} or before changed "
                f"(engine {engine}); a feature may use only what is dated and known strictly before as_of, see "
                "csrisk._snapshots.visible:",
                *lines,
            ]
        )

    def _differences(self, before: pd.DataFrame, after: pd.DataFrame) -> list[str]:
        return [str(name) for name in before if not self._same(before[name], after[name])]

    def _same(self, before: pd.Series[Any], after: pd.Series[Any]) -> bool:
        if before.dtype == "category" or before.dtype == object:
            # as objects: engines may give categories in another order
            left, right = before.astype(object), after.astype(object)
            return bool(((left == right) | (left.isna() & right.isna())).all())
        old, new = before.to_numpy(np.float64), after.to_numpy(np.float64)
        return np.allclose(old, new, rtol=self.tolerance, atol=self.tolerance, equal_nan=True)


def _as_of(tables: Tables, rng: np.random.Generator) -> pd.Timestamp:
    """Choose a day in the middle of the book, one with events."""
    times = sorted(_times(tables))
    # a past to compute from, and a future to change
    between = times[len(times) * 3 // 10 : len(times) * 9 // 10 + 1]
    return between[int(rng.integers(len(between)))].normalize().tz_localize(None)


_TIMES = {"usage": "at", "contacts": "opened_at", "surveys": "sent_at", "advocacy": "at", "finance": "at"}


def _times(tables: Tables) -> list[pd.Timestamp]:
    return [time for name, column in _TIMES.items() if name in tables for time in tables[name][column].dropna()]
