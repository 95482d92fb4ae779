"""Rules of the parameters that the models share, checked when a model is fitted."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

__all__ = ["check_params"]

# a model file numbers its members, and its grammar bounds their leaves
_MOST_MEMBERS, _MOST_LEAVES = 100, 4_096
_MOST_JOBS = 1_024  # far more threads than that end a process


def check_params(params: dict[str, Any]) -> None:
    """Refuse parameters out of range; what is not given is not checked.

    Parameters
    ----------
    params : dict
        Parameters by name, as ``get_params`` gives them.

    Raises
    ------
    ValueError
        If a parameter breaks its rule; the message names it, its value and the rule.
    """
    _whole(params, "n_members", 1, _MOST_MEMBERS)
    _whole(params, "num_leaves", 2, _MOST_LEAVES)
    _whole(params, "min_events", 0, None)
    _whole(params, "n_jobs", -_MOST_JOBS, _MOST_JOBS)
    rate = params.get("learning_rate", 1.0)
    if isinstance(rate, bool) or not isinstance(rate, Real) or not (0 < float(rate) <= 1):
        raise ValueError(f"learning_rate={rate!r} must lie above 0 and be at most 1; 0.05 is usual")
    blend = params.get("blend", "auto")
    if not (isinstance(blend, bool) or blend == "auto"):
        raise ValueError(f"blend={blend!r} must be True, False or 'auto'")


def _whole(params: dict[str, Any], name: str, low: int | None, high: int | None) -> None:
    value = params.get(name)
    if value is None and (name not in params or name in ("min_events", "n_jobs")):
        return
    if not isinstance(value, bool) and isinstance(value, Integral):
        number = int(value)
        if (low is None or number >= low) and (high is None or number <= high):
            return
    limits = [f"at least {low}"] if low is not None else []
    limits += [f"at most {high}"] if high is not None else []
    raise ValueError(f"{name}={value!r} must be a whole number{', ' if limits else ''}{' and '.join(limits)}")
