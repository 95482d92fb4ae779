"""Users of each account: they warm to it or tire of it, infect each other, go, and are replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Users", "log_odds", "players", "simulate", "size_of"]

_MOST = 40  # users of an account
_GIVES_UP = -1.0  # engagement below which a user goes
_RETURNS = 0.08  # monthly chance that an empty seat is filled


@dataclass(frozen=True, slots=True)
class Users:
    """Every user slot of every account by month; the champion has slot 0."""

    engaged: NDArray[np.float64]  # how much a user likes to use it; shape (accounts, months, slots)
    annoyed: NDArray[np.float64]  # how much effort it was of late
    present: NDArray[np.bool_]  # whether somebody sits there
    turn: NDArray[np.int64]  # how many sat there before
    decider: NDArray[np.float64]  # what those think who pay; shape (accounts, months)
    loop: NDArray[np.float64]  # how well their feedback is heard

    @property
    def gone(self) -> NDArray[np.float64]:
        """Share of the seats that nobody uses."""
        # seats that were ever taken: there are slots for the largest account
        seats = self.present.any(axis=1).sum(axis=1)[:, None]
        return np.asarray(1 - self.present.sum(axis=2) / np.maximum(seats, 1))

    def mean(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean over the users who are there, 0 where nobody is."""
        return np.asarray((values * self.present).sum(axis=2) / np.maximum(self.present.sum(axis=2), 1))


def size_of(segment: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Users by account at the start."""
    size = np.exp(np.log([5.0, 11.0, 24.0])[segment] + 0.35 * rng.standard_normal(len(segment)))
    return np.asarray(np.clip(size.round(), 3, _MOST).astype(np.int64))


def simulate(size: NDArray[np.int64], n_months: int, spread: float, rng: np.random.Generator) -> Users:
    """Let the users live: incidents annoy them, annoyance and enthusiasm spread, the champion counts for many."""
    n, slots = len(size), int(size.max())
    seat = np.arange(slots) < size[:, None]
    engaged, annoyed = 0.4 + 0.5 * rng.standard_normal((n, slots)), np.zeros((n, slots))
    present, turn = seat.copy(), np.zeros((n, slots), dtype=np.int64)
    climate = 0.16 * rng.standard_normal((n, 1))  # of the account, for good
    decider, loop = 0.5 * rng.standard_normal(n), 0.6 * rng.standard_normal(n)
    history: list[tuple[NDArray[np.generic], ...]] = []
    for _ in range(n_months):
        count = np.maximum(present.sum(axis=1, keepdims=True), 1)
        mood, strain = ((x * present).sum(axis=1, keepdims=True) / count for x in (engaged, annoyed))
        hit = 1.2 * (rng.random((n, slots)) < 0.06) + 0.9 * (rng.random((n, 1)) < 0.025)
        annoyed = 0.65 * annoyed + spread * strain + hit
        # without a champion the others cool down, as with one who tires of it
        champion = np.where(present[:, :1], engaged[:, :1], -0.6)
        engaged = 0.75 * engaged + 0.6 * spread * mood + 0.15 * champion + 0.1 + climate - 0.3 * annoyed
        engaged = engaged + 0.3 * rng.standard_normal((n, slots))
        goes = present & (engaged < _GIVES_UP)
        comes = seat & ~present & (rng.random((n, slots)) < _RETURNS)
        engaged, annoyed = np.where(comes, 0.4, engaged), np.where(comes, 0.0, annoyed)
        present, turn = (present & ~goes) | comes, turn + comes
        broken = 1.6 * (rng.random(n) < 0.02)
        decider = 0.85 * decider + 0.15 * mood[:, 0] - 0.2 * strain[:, 0] - broken + 0.25 * rng.standard_normal(n)
        loop = 0.9 * loop - 1.4 * (rng.random(n) < 0.02) + 0.25 * rng.standard_normal(n)
        history.append((engaged, annoyed, present, turn, decider, loop))
    return Users(*(np.stack(values, axis=1) for values in zip(*history, strict=True)))


def players(users: Users, size: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give what plays by account and month: empty seats beyond a third, annoyance, the decider, the loop, the size."""
    felt = [
        3.0 * np.clip(users.gone - 1 / 3, 0, 0.6),
        np.clip(users.mean(users.annoyed), 0, 1.6),
        np.clip(-users.decider - 0.3, 0, 2.2),
        np.clip(-users.loop - 0.4, 0, 2.2),
    ]
    large = np.broadcast_to((-0.4 * np.log(size / 10.0))[:, None], felt[0].shape)
    return np.stack([*felt, large], axis=2)


def log_odds(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-odds of churn of what plays, in the last axis; effort costs most where seats are empty."""
    footprint, effort, advocacy, loop, large = np.moveaxis(rows, -1, 0)
    return np.asarray(1.4 * footprint + 1.1 * effort + 1.1 * advocacy + footprint * effort + 0.9 * loop + large)
