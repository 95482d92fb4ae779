"""What a mechanism is, what it does to the hazard, and how its signs reach the tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk.datasets._saas._contacts import days_in_month, lives
from csrisk.datasets._saas._latent import EFFECTS, GOALS, log_odds_parts
from csrisk.datasets._saas._usage import times

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from csrisk.datasets._saas._contracts import Book

    Levels = dict[str, NDArray[np.float64]]
    Struck = dict[str, NDArray[Any]]

__all__ = ["NEVER", "NOTHING", "Mechanism", "Part", "Push", "World", "ages", "delayed", "fading", "lasting"]

NEVER, NOTHING = np.datetime64("NaT", "us"), np.array(None, dtype=object)


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that happens to accounts, and what it does per unit of its level."""

    name: str
    meaning: str  # when it works
    states: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)  # added to (value, effort, advocacy, loop)
    log_odds: Mapping[str, float] = field(default_factory=dict)  # added beside the states


@dataclass(frozen=True, slots=True)
class Mechanism:
    """A mechanism: its name, the goal of what it does beside the states, its parts and its signs."""

    name: str
    goal: str  # of the direct effect; what goes through a state counts to the goal of the state
    signs: str
    parts: tuple[Part, ...]  # none for a sign without an effect
    # levels of the parts, and what else the rows are written from
    draw: Callable[[Book, np.random.Generator], tuple[Levels, Struck]] = field(repr=False)
    write: Callable[[World, Push, np.random.Generator], None] = field(repr=False)
    # fills its columns in all rows when every mechanism has written
    dress: Callable[[World, np.random.Generator], None] | None = field(default=None, repr=False)


@dataclass(slots=True)
class Push:
    """What one mechanism did in a book: the level of each part by account and month."""

    mechanism: Mechanism
    strength: float
    levels: Levels
    struck: Struck

    def shift(self) -> NDArray[np.float64] | None:
        """Give what is added to the states."""
        moved = [self.levels[part.name][..., None] * np.array(part.states) for part in self.mechanism.parts]
        moved = [one for one, part in zip(moved, self.mechanism.parts, strict=True) if any(part.states)]
        return self.strength * np.sum(moved, axis=0) if moved else None

    def direct(self, outcome: str) -> NDArray[np.float64] | float:
        """Give what is added to the log-odds beside the states."""
        parts = [part for part in self.mechanism.parts if outcome in part.log_odds]
        return self.strength * sum((self.levels[part.name] * part.log_odds[outcome] for part in parts), 0.0)

    def by_goal(self, outcome: str) -> dict[str, NDArray[np.float64] | float]:
        """Give what is added to the log-odds of a world with a score of its own: states count in a straight line."""
        shift = self.shift()
        out: dict[str, NDArray[np.float64] | float] = dict.fromkeys(GOALS, 0.0)
        if shift is not None:
            out = {goal: EFFECTS[outcome][place] * shift[..., place] for place, goal in enumerate(GOALS)}
        if self.mechanism.goal:
            out[self.mechanism.goal] = out[self.mechanism.goal] + self.direct(outcome)
        return out

    def effect(self, book: Book, outcome: str) -> NDArray[np.float64]:
        """Give the log-odds of an outcome less what they would be without the mechanism."""
        if outcome in book.scores:
            return np.zeros(book.shape) + sum(self.by_goal(outcome).values())
        out = np.zeros(book.shape) + self.direct(outcome)
        shift = self.shift()
        if shift is not None:
            with_it, together = log_odds_parts(book.latent.states, outcome)
            # the states hold the shift already
            without, apart = log_odds_parts(book.latent.states - shift, outcome)
            out += (with_it - without).sum(axis=-1) + together - apart
        return out


@dataclass(frozen=True, slots=True)
class World:
    """What signs are written into."""

    book: Book
    ids: NDArray[np.object_]
    tables: dict[str, pd.DataFrame]

    def when(self, count: NDArray[Any], rng: np.random.Generator) -> pd.DataFrame:
        """Draw a moment within the month for each thing that happened, as far as the account ran then."""
        account, month = np.nonzero(count)
        often = np.asarray(count, dtype=np.int64)[account, month]
        account, month = np.repeat(account, often), np.repeat(month, often)
        day = days_in_month(self.book, account, month, rng)
        frame = pd.DataFrame({"account": account, "month": month, "at": times(day, rng)})
        return frame[lives(self.book, account, day)].reset_index(drop=True)

    def running(self, account: NDArray[np.int64], at: NDArray[np.datetime64]) -> NDArray[np.bool_]:
        """Whether accounts run at some moments."""
        return lives(self.book, account, at)

    def until_end(self, account: NDArray[np.int64], at: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
        """Moments, missing where the account did not run any more."""
        return np.where(self.running(account, at), at, NEVER).astype("datetime64[us]")

    def month_of(self, at: NDArray[np.datetime64]) -> NDArray[np.int64]:
        """Position of the month of some moments."""
        found = np.searchsorted(self.book.months.astype("datetime64[us]"), at, side="right") - 1
        return np.asarray(np.clip(found, 0, self.book.shape[1] - 1))

    def fill(self, table: str, **columns: Any) -> None:
        """Fill columns of a table where they have no value yet."""
        frame = self.tables[table]
        for name, values in columns.items():
            new = pd.Series(values, index=frame.index)
            frame = frame.assign(**{name: frame[name].where(frame[name].notna(), new) if name in frame else new})
        self.tables[table] = frame

    def add(self, table: str, rows: pd.DataFrame, prefix: str = "") -> None:
        """Add rows (with positions of accounts) to a table; those of accounts that do not run are left out."""
        old = self.tables.get(table)
        first = next(
            name for name in ("opened_at", "sent_at", "at", "agreed_at", "from_at", "issued_at") if name in rows
        )
        rows = rows[self.running(rows["account"].to_numpy(), rows[first].to_numpy())].reset_index(drop=True)
        rows.insert(0, "account_id", self.ids[rows.pop("account").to_numpy()])
        if table == "contacts":
            number = np.arange(len(rows))
            rows["contact_id"] = [f"contact-{prefix}-{i:05d}" for i in number]
            rows["case_id"] = [f"case-{prefix}-{i:05d}" for i in rows.get("case_id", pd.Series(number))]
        if old is not None:
            for name in rows.columns.difference(old.columns):
                old = old.assign(**{name: _nothing(rows[name], len(old))})
            # types of the old rows: concat would make objects of booleans where a column is missing
            kinds = old.dtypes.to_dict()
            filled = {n: rows[n].astype(k) if n in rows else _nothing(old[n], len(rows)) for n, k in kinds.items()}
            rows = pd.concat([old, pd.DataFrame(filled)], ignore_index=True)
        self.tables[table] = rows.sort_values([first, "account_id"], kind="stable").reset_index(drop=True)


def _nothing(like: pd.Series, n: int) -> pd.Series:
    # a plain bool cannot be missing
    return pd.Series([None] * n, dtype="boolean" if like.dtype == bool else like.dtype)


def fading(struck: NDArray[Any], decay: float) -> NDArray[np.float64]:
    """Level that is 1 in the month of a stroke and fades."""
    level = struck.astype(float)
    for month in range(1, struck.shape[1]):
        level[:, month] = np.minimum(decay * level[:, month - 1] + struck[:, month], 1.5)
    return level


def lasting(struck: NDArray[np.bool_], length: NDArray[np.int64] | int) -> NDArray[np.bool_]:
    """Months from a stroke on, `length` of them for each account."""
    out, size = np.zeros(struck.shape, dtype=bool), np.broadcast_to(length, len(struck))
    for account, month in zip(*np.nonzero(struck), strict=True):
        out[account, month : month + size[account]] = True
    return out


def delayed(months: NDArray[np.bool_], by: int) -> NDArray[np.float64]:
    """Level that is 1 some months later."""
    level = np.zeros(months.shape)
    level[:, by:] = months[:, : months.shape[1] - by]
    return level


def ages(book: Book) -> NDArray[np.int64]:
    """Months since the start, by account and month."""
    return np.asarray(np.arange(book.shape[1]) - book.first_month[:, None])
