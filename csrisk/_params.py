"""Rules of parameters that models, learners and measures share, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

__all__ = ["check_params", "check_resamples", "check_seed", "check_share", "check_whole"]

# a model file numbers its members, and its grammar bounds their leaves
_MOST_MEMBERS, _MOST_LEAVES = 100, 4_096
_MOST_JOBS = 1_024  # far more threads than that end a process
_MOST_RESAMPLES = 100_000  # an end of a 95 % interval then has an error of .5 % of its rank; more only costs time
# as much as a RandomState of NumPy takes
_SEEDS = 2**32 - 1


def check_params(params: dict[str, Any]) -> None:
    """Refuse parameters out of range; what is not given is not checked."""
    for name, low, high in (
        ("n_members", 1, _MOST_MEMBERS),
        ("num_leaves", 2, _MOST_LEAVES),
        ("n_folds", 2, _MOST_MEMBERS),
        ("min_events", 0, None),
        ("n_jobs", -_MOST_JOBS, _MOST_JOBS),
    ):
        if name in params and not (params[name] is None and name in ("min_events", "n_jobs")):
            check_whole(name, params[name], low, high)
    rate = params.get("learning_rate", 1.0)
    if isinstance(rate, bool) or not isinstance(rate, Real) or not (0 < float(rate) <= 1):
        raise ValueError(f"learning_rate={rate!r} must lie above 0 and be at most 1; 0.05 is usual")
    power = params.get("power", 1.1)
    if isinstance(power, bool) or not isinstance(power, Real) or not 1 < float(power) < 2:
        raise ValueError(f"power={power!r}: must lie between 1 and 2; 1.1 is usual")
    blend = params.get("blend", "auto")
    if not (isinstance(blend, bool) or (isinstance(blend, str) and blend == "auto")):
        raise ValueError(f"blend={blend!r} must be True, False or 'auto'")
    check_seed(params.get("random_state"), or_state=True)
    _check_monotone(params.get("monotone"))


def _check_monotone(monotone: Any) -> None:
    if monotone is None:
        return
    if not isinstance(monotone, Mapping):
        raise ValueError(f"monotone={monotone!r} must give a direction by column, as in {{'days_since_use': 1}}")
    wrong = {name: way for name, way in monotone.items() if isinstance(way, bool) or way not in (-1, 0, 1)}
    if wrong:
        raise ValueError(f"monotone={wrong}: directions must be -1, 0 or 1")


def check_whole(name: str, value: Any, low: int | None, high: int | None = None) -> None:
    """Require a whole number within bounds."""
    # true is a whole number to Python, and would pass for 1
    if not isinstance(value, bool) and isinstance(value, Integral):
        number = int(value)
        if (low is None or number >= low) and (high is None or number <= high):
            return
    limits = [f"at least {low}"] if low is not None else []
    limits += [f"at most {high}"] if high is not None else []
    raise ValueError(f"{name}={value!r} must be a whole number{', ' if limits else ''}{' and '.join(limits)}")


def check_seed(value: Any, *, or_state: bool = False) -> None:
    """Require a seed."""
    if or_state and (value is None or isinstance(value, np.random.RandomState)):
        return
    if isinstance(value, bool) or not isinstance(value, Integral) or not 0 <= int(value) <= _SEEDS:
        others = ", a numpy.random.RandomState or None" if or_state else ""
        raise ValueError(f"random_state={value!r} must be a seed, a whole number from 0 to {_SEEDS}{others}")


def check_share(name: str, value: Any, of: str) -> None:
    """Require a share above 0 and at most 1."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < float(value) <= 1:
        raise ValueError(f"{name}={value!r}: must lie in (0, 1], the share of {of}")


def check_resamples(n_bootstrap: Any, random_state: Any) -> None:
    """Require a count of resamples that ends, and their seed."""
    check_whole("n_bootstrap", n_bootstrap, 0, _MOST_RESAMPLES)
    check_seed(random_state)
