"""Changes of a book that no time-safe feature may notice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from csrisk.data import CONTRACT
from csrisk.data._declared import planned_times
from csrisk.testing._engines import on_engine

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CHANGES", "Change", "Tables", "apply_all", "split_tables"]

Tables: TypeAlias = dict[str, pd.DataFrame]
Rng: TypeAlias = np.random.Generator
Change: TypeAlias = Callable[[Tables, pd.Timestamp, Rng], Tables]

# what is final only when the second time has come: nobody may read it before
FINAL: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "contacts": {"resolved_at": ("transfers", "reopened", "information_requests", "handler", "cause")},
    "surveys": {"answered_at": ("score", "comment")},
    "expectations": {"met_at": ("outcome",)},
    "invoices": {"paid_at": ("disputed",)},
}
_DAY = pd.Timedelta(days=1)


def delete_future(tables: Tables, as_of: pd.Timestamp, rng: Rng) -> Tables:
    """Delete rows that happened, or became known, at ``as_of`` or later."""
    return _each(tables, lambda name, frame: frame[~(_unknown(name, frame, as_of) & (rng.random(len(frame)) < 0.7))])


def change_future(tables: Tables, as_of: pd.Timestamp, rng: Rng) -> Tables:
    """Give rows of the future the values, and the accounts, of other rows."""

    def change(name: str, frame: pd.DataFrame) -> pd.DataFrame:
        rows = np.flatnonzero(_unknown(name, frame, as_of))
        keys = ["account_id"] if name == "accounts" else []
        values = [column for column in frame.columns if column not in (*CONTRACT[name].times, *keys)]
        return _scramble(frame, rows, values, rng)

    return _each(tables, change)


def add_future(tables: Tables, as_of: pd.Timestamp, rng: Rng) -> Tables:
    """Add copies of rows, dated ``as_of`` or later, or dated before and known later."""

    def add(name: str, frame: pd.DataFrame) -> pd.DataFrame:
        time = CONTRACT[name].time
        if time is None or frame.empty:
            return frame
        extra = frame.iloc[rng.integers(0, len(frame), 6)].copy()
        jump = pd.to_timedelta(rng.integers(0, 40, len(extra)), unit="D")
        late = rng.random(len(extra)) < 0.5
        if "known_at" in frame:
            extra["known_at"] = extra["known_at"].where(~late, as_of + jump)
        # whole days: what stood on midnight stands there again
        shift = (as_of - extra[time]).dt.ceil("D")
        shift = shift.where(shift > pd.Timedelta(0), pd.Timedelta(0)) + jump
        # a contract is seen from its beginning, however late it was entered
        hides = "known_at" in frame and CONTRACT[name].begins is None
        # these stay before as_of, so that known_at alone hides them
        shift = shift.where(~late | (not hides), pd.Timedelta(0))
        for column in CONTRACT[name].times:
            if column in extra and column != "known_at":
                extra[column] = extra[column] + shift
        return pd.concat([frame, extra], ignore_index=True)

    return _each(tables, add)


def change_second_times(tables: Tables, as_of: pd.Timestamp, rng: Rng) -> Tables:
    """Put off or forget second times of ``as_of`` or later."""

    def change(name: str, frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.copy()
        for column in CONTRACT[name].second_times:
            # plans are known beforehand, so features may notice when they change
            if column in frame and column not in planned_times() and name != "accounts":
                later = frame[column] >= as_of
                if CONTRACT[name].begins and "known_at" in frame:
                    later |= frame["known_at"] >= as_of
                forgotten = later & (rng.random(len(frame)) < 0.5)
                shifted = frame[column] + int(rng.integers(0, 50)) * _DAY
                frame[column] = frame[column].where(~later, shifted).mask(forgotten)
        return frame

    return _ordered(_each(tables, change))


def change_unfinished(tables: Tables, as_of: pd.Timestamp, rng: Rng) -> Tables:
    """Change counts and answers of rows that are not closed before ``as_of``."""

    def change(name: str, frame: pd.DataFrame) -> pd.DataFrame:
        for time, columns in FINAL.get(name, {}).items():
            if time in frame:
                waiting = frame[time].notna() & (frame[time] >= as_of)
                if name in ("contacts", "invoices"):
                    waiting |= frame[time].isna()
                present = [column for column in columns if column in frame]
                frame = _scramble(frame, np.flatnonzero(waiting), present, rng, alone=True)
        return frame

    return _each(tables, change)


def shuffle_rows(tables: Tables, _as_of: pd.Timestamp, rng: Rng) -> Tables:
    """Put the rows of each table into another order."""
    return _each(tables, lambda _name, frame: frame.iloc[rng.permutation(len(frame))].reset_index(drop=True))


def copy_accounts(tables: Tables, _as_of: pd.Timestamp, rng: Rng) -> Tables:
    """Add a copy of an account under another name, sorted before all."""
    ids = sorted(set().union(*(frame["account_id"] for frame in tables.values() if "account_id" in frame)))
    if not ids:
        return tables
    model = ids[int(rng.integers(len(ids)))]

    def copy(_name: str, frame: pd.DataFrame) -> pd.DataFrame:
        if "account_id" not in frame:
            return frame
        twin: pd.DataFrame = frame[frame["account_id"] == model].assign(account_id=" twin")
        return pd.concat([frame, twin], ignore_index=True)

    return _each(tables, copy)


def move_time_zone(tables: Tables, _as_of: pd.Timestamp, rng: Rng) -> Tables:
    """Write the same moments in another time zone."""
    zone = str(rng.choice(["UTC", "Asia/Kolkata", "America/New_York", "Pacific/Auckland"]))

    def move(name: str, frame: pd.DataFrame) -> pd.DataFrame:
        times = [column for column in CONTRACT[name].times if column in frame]
        # times without zone are UTC
        return frame.assign(**{column: frame[column].dt.tz_localize("UTC").dt.tz_convert(zone) for column in times})

    return _each(tables, move)


CHANGES: Mapping[str, Change] = {
    "rows of the future deleted": delete_future,
    "rows of the future changed": change_future,
    "rows of the future added": add_future,
    "second times of the future changed": change_second_times,
    "values of unfinished rows changed": change_unfinished,
    "rows shuffled": shuffle_rows,
    "another account added": copy_accounts,
    # last: the others compare times without zone with as_of
    "time zone of the input changed": move_time_zone,
}


def apply_all(tables: Tables, as_of: pd.Timestamp, rng: Rng) -> Tables:
    """Apply every change, one after the other."""
    for change in CHANGES.values():
        tables = change(tables, as_of, rng)
    return tables


def split_tables(tables: Tables, engine: str, folder: Path, seed: int) -> dict[str, Any]:
    """Hand tables over in pieces: as folders of Parquet files, or as Polars frames put together from several."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if engine not in ("duckdb", "polars"):
        return on_engine(tables, engine)  # type: ignore[arg-type]  # a name that was checked before
    rng = np.random.default_rng(seed)
    given: dict[str, Any] = {}
    for name, frame in tables.items():
        table = pa.Table.from_pandas(frame, preserve_index=False)
        # cuts may coincide: pieces without rows are pieces, too
        cuts = [0, *sorted(rng.integers(0, len(frame) + 1, 2).tolist()), len(frame)]
        pieces = [table.slice(low, high - low) for low, high in pairwise(cuts)]
        if engine == "polars":
            import polars as pl

            # rechunk would join the pieces again
            given[name] = pl.concat([pl.DataFrame(piece) for piece in pieces], rechunk=False)
            continue
        (folder / name).mkdir()
        for place, piece in enumerate(pieces):
            pq.write_table(piece, folder / name / f"part-{place}.parquet")
        given[name] = folder / name
    return given


def _each(tables: Tables, change: Callable[[str, pd.DataFrame], pd.DataFrame]) -> Tables:
    return {name: change(name, frame) for name, frame in tables.items()}


def _unknown(name: str, frame: pd.DataFrame, as_of: pd.Timestamp) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Rows dated or known at ``as_of`` or later; an account without a start was always there."""
    time = CONTRACT[name].time or "started_at"
    unknown = np.zeros(len(frame), dtype=bool)
    if name == "accounts":
        return unknown  # which accounts there are is no event
    # a contract is known from its beginning, whatever was entered later
    for column in (time,) if CONTRACT[name].begins else (time, "known_at"):
        if column in frame:
            unknown |= (frame[column] >= as_of).to_numpy(dtype=bool)
    return unknown


def _scramble(
    frame: pd.DataFrame, rows: np.ndarray[Any, Any], columns: list[str], rng: Rng, *, alone: bool = False
) -> pd.DataFrame:
    """Give rows the values of random other rows, column by column or together."""
    frame = frame.copy()
    if not len(rows):
        return frame
    donors = rng.integers(0, len(frame), len(rows))
    for column in columns:
        if alone:
            donors = rng.integers(0, len(frame), len(rows))
        values = frame[column].to_numpy(copy=True)
        values[rows] = frame[column].to_numpy()[donors]
        frame[column] = pd.Series(values, index=frame.index).astype(frame[column].dtype)
    return frame


def _ordered(tables: Tables) -> Tables:
    """Second times that a change put into an impossible order are put right."""
    frame = tables.get("surveys")
    if frame is not None and "answered_at" in frame:
        for column in ("acknowledged_at", "acted_at"):
            if column in frame:
                early = frame[column] < frame["answered_at"]
                frame[column] = frame[column].where(~early, frame["answered_at"])
    return tables
