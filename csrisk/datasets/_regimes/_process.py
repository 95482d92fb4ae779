"""Regimes of the four goals, and what they do: nothing until they are broken, and then only after a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from csrisk.datasets._saas._contracts import SEGMENTS
from csrisk.datasets._saas._latent import GOALS, Latent

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DELAY", "FELT", "OF_SEGMENT", "TOGETHER", "felt", "log_odds", "regimes", "states_of", "used_by"]

_PERSISTENCE = 0.85
_STRAINED, _BROKEN, _MENDED = -0.6, -1.3, -0.2  # a regime that broke holds until it is well above where it broke
# months that a goal must have been broken before it moves anybody, and what it then adds to the log-odds of churn
DELAY = dict(zip(GOALS, (2, 0, 3, 1), strict=True))
FELT = dict(zip(GOALS, (1.6, 1.3, 1.3, 1.1), strict=True))
TOGETHER = 0.8  # two broken goals or more: the customer looks around
# small businesses leave more often, and use more per seat: the segment moves both
OF_SEGMENT = dict(zip(SEGMENTS, (0.9, 0.0, -1.1), strict=True))
_PACE = np.array([2.2, 1.0, 0.4])
_LEVEL = np.array([0.45, -0.5, -1.7])  # state of a goal that is good, strained, broken, as the tables show it


def regimes(shape: tuple[int, int], correlation: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Regime of each goal by account and month: 0 good, 1 strained, 2 broken; a common cause moves all of them."""
    n_accounts, n_months = shape
    # every goal keeps variance 1, and any two of them this correlation
    shared, own = np.sqrt(correlation), np.sqrt(1 - correlation)
    noise = shared * rng.standard_normal((n_months, n_accounts, 1))
    noise = noise + own * rng.standard_normal((n_months, n_accounts, 4))
    at, broken = noise[0], np.zeros((n_accounts, 4), dtype=bool)
    out = np.empty((n_accounts, n_months, 4), dtype=np.int64)
    for month in range(n_months):
        if month:
            # the variance stays 1 from month to month, and with it the share of broken goals
            at = _PERSISTENCE * at + np.sqrt(1 - _PERSISTENCE**2) * noise[month]
        broken = (at < _BROKEN) | (broken & (at < _MENDED))
        out[:, month] = np.select([broken, at < _STRAINED], [2, 1], 0)
    return out


def felt(regime: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a goal has been broken for longer than its delay."""
    broken, since = regime == 2, np.zeros(regime.shape, dtype=np.int64)
    for month in range(regime.shape[1]):
        before = since[:, month - 1] if month else 0
        since[:, month] = np.where(broken[:, month], before + 1, 0)
    return np.asarray(since > np.array([DELAY[goal] for goal in GOALS]))


def log_odds(players: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-odds of churn of the four goals as felt (0 or 1) and of the segment (its own log-odds), in the last axis."""
    goals = players[..., :4]
    alone = goals @ np.array([FELT[goal] for goal in GOALS])
    return np.asarray(alone + TOGETHER * (goals.sum(axis=-1) >= 2) + players[..., 4])


def states_of(regime: NDArray[np.int64], first_month: NDArray[np.int64], rng: np.random.Generator) -> Latent:
    """States from which tables are written; half of the champions are lost where use breaks."""
    # levels are in good direction, and effort is bad where it is high
    sign = np.array([1.0, -1.0, 1.0, 1.0])
    states = sign * (_LEVEL[regime] + 0.25 * rng.standard_normal(regime.shape))
    # roll brings the last month before the first one, which the next line leaves out
    breaks = (regime[..., 0] == 2) & (np.roll(regime[..., 0], 1, axis=1) < 2)
    breaks &= np.arange(regime.shape[1]) > np.maximum(first_month, 0)[:, None]
    return Latent(states, {"champion_lost": breaks & (rng.random(breaks.shape) < 0.5)})


def used_by(segment: NDArray[np.int64]) -> NDArray[np.float64]:
    """How much the users of a segment use."""
    return np.asarray(_PACE[segment])
