"""Latent states of the simulated book: how they move, and what they do to hazards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CONTRACT", "EFFECTS", "GOALS", "INTERACTION", "STATES", "Latent", "draw_states", "log_odds_parts"]

STATES = ("value", "effort", "advocacy", "loop")
GOALS = ("footprint", "churn", "advocacy", "feedback")  # the goal of each state, in the same order

# In good direction (effort with its sign turned): what is well in one respect tends to be well in the others.
_CORRELATION = 0.25
_PERSISTENCE = 0.9  # AR(1) coefficient from month to month
_ACCOUNT_SHARE = 0.5  # share of the variance that never changes within an account
_SHOCK_DECAY = 0.88  # half of a jump is left after five to six months
_OUTAGE_DECAY = 0.4

# Monthly probability of a shock and the jump of (value, effort, advocacy, loop) that it brings.
_SHOCKS = {
    "champion_lost": (0.012, (-2.2, 0.0, -0.2, -0.2)),
    "case_swamp": (0.014, (0.0, 2.2, -0.2, 0.0)),
    "promise_broken": (0.014, (0.0, 0.1, -2.3, 0.0)),
    "owner_changed": (0.016, (0.0, 0.1, 0.0, -2.6)),
}
_BAD_ONBOARDING = (0.18, (-0.6, 1.7, -0.3, 0.0))
_OUTAGE = (0.08, (0.0, 0.9, -0.1, 0.0))

# Effect of one unit of each state on the monthly log-odds of each outcome.
EFFECTS = {
    "churn": (-0.80, 0.80, -0.75, -0.85),
    "contraction": (-0.50, 0.25, -0.10, -0.10),
    "expansion": (0.55, -0.20, 0.35, 0.20),
}
# Effect of (-value) x effort: trouble hurts more where there is little to lose.
INTERACTION = {"churn": 0.12, "contraction": 0.0, "expansion": 0.0}
# Log-odds by term in months: (months without renewal, renewal month).
CONTRACT = {
    "churn": {1: (0.0, 0.0), 3: (-1.2, 0.7), 12: (-2.4, 1.5)},
    "contraction": {1: (0.0, 0.0), 3: (-0.7, 0.6), 12: (-0.9, 1.3)},
    "expansion": {1: (0.0, 0.0), 3: (-0.1, 0.3), 12: (-0.1, 0.7)},
}


@dataclass(frozen=True, slots=True)
class Latent:
    """States and shocks of every account in every month."""

    states: NDArray[np.float64]  # shape (accounts, months, 4), in the order of STATES
    shocks: dict[str, NDArray[np.bool_]]  # true in the month in which a shock hits; shape (accounts, months)


def draw_states(n_accounts: int, n_months: int, first_month: NDArray[np.int64], rng: np.random.Generator) -> Latent:
    """Draw the latent states: account level + AR(1) + decaying shocks."""
    sign = np.array([1.0, -1.0, 1.0, 1.0])
    covariance = np.where(np.eye(4, dtype=bool), 1.0, _CORRELATION) * np.outer(sign, sign)
    factor = np.linalg.cholesky(covariance)
    level = rng.standard_normal((n_accounts, 4)) @ factor.T * np.sqrt(_ACCOUNT_SHARE)
    noise = rng.standard_normal((n_months, n_accounts, 4)) @ factor.T * np.sqrt(1 - _ACCOUNT_SHARE)
    jumps, shocks = _draw_shocks(n_accounts, n_months, first_month, rng)
    outage = (rng.random(n_months) < _OUTAGE[0])[:, None, None] * np.array(_OUTAGE[1])

    states = np.empty((n_accounts, n_months, 4))
    # the first month is drawn as every later one is distributed, so that nothing has to settle
    moving, shaken, out = noise[0], jumps[:, 0], np.zeros((1, 4))
    for month in range(n_months):
        if month:
            # the factor of the noise keeps the variance the same in all months
            moving = _PERSISTENCE * moving + np.sqrt(1 - _PERSISTENCE**2) * noise[month]
            shaken = _SHOCK_DECAY * shaken + jumps[:, month]
        out = _OUTAGE_DECAY * out + outage[month]
        states[:, month] = level + moving + shaken + out
    # told by the effort (1), which is what an outage moves
    shocks["outage"] = np.broadcast_to(outage[:, 0, 1] > 0, (n_accounts, n_months))
    return Latent(states, shocks)


def _draw_shocks(
    n_accounts: int, n_months: int, first_month: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], dict[str, NDArray[np.bool_]]]:
    months = np.arange(n_months)
    jumps = np.zeros((n_accounts, n_months, 4))
    shocks = {}
    for name, (rate, jump) in _SHOCKS.items():
        hit = (rng.random((n_accounts, n_months)) < rate) & (months > first_month[:, None])
        jumps += hit[:, :, None] * np.array(jump) * rng.uniform(0.6, 1.4, (n_accounts, n_months, 1))
        shocks[name] = hit
    bad = rng.random(n_accounts) < _BAD_ONBOARDING[0]
    shocks["bad_onboarding"] = (months == first_month[:, None]) & bad[:, None]
    jumps += shocks["bad_onboarding"][:, :, None] * np.array(_BAD_ONBOARDING[1])
    return jumps, shocks


def log_odds_parts(states: NDArray[np.float64], outcome: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the four linear terms of the log-odds and the interaction term."""
    linear = states * np.array(EFFECTS[outcome])
    return linear, INTERACTION[outcome] * -states[..., 0] * states[..., 1]
