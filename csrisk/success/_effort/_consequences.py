"""What followed on a relationship trap: later churn of those inside and outside, from the tables' own history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from csrisk.success._effort._traps import relationship_traps
from csrisk.success._longevity._history import compare_shares, past_outcomes

if TYPE_CHECKING:
    from csrisk.data import CustomerData
    from csrisk.success._longevity._history import History

__all__ = ["trap_consequences"]


def trap_consequences(data: CustomerData, history: History | None = None) -> pd.DataFrame:
    """Compare later churn of accounts that were in a trap with that of accounts that were not.

    This is what followed, not what was caused: accounts in a trap may differ in other ways.

    Parameters
    ----------
    data : CustomerData
        The tables.
    history : History, optional
        As `past_outcomes` gives it, which is the default.

    Returns
    -------
    pandas.DataFrame
        One row per trap, in the order of `TRAPS`: snapshots inside and outside with enough evidence (``n_in, n_out``),
        how many of each churned (``churned_in, churned_out``), the shares with 95 % intervals (``churn_in,
        churn_in_low, churn_in_high`` and the same for out), their ``difference`` with ``low`` and ``high``, and
        ``harmful``: the interval of the difference lies above 0.

    Raises
    ------
    ConfigError, LabelError
        As `past_outcomes`.

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import trap_consequences
    >>> found = trap_consequences(make_saas(80, 18, seed=1).data())
    >>> bool((found["churned_in"] <= found["n_in"]).all())
    True
    """
    snapshots, left = past_outcomes(data) if history is None else history
    traps = relationship_traps(data, snapshots)
    rows = {}
    for name in traps:
        # snapshots without enough evidence stand on neither side
        told, inside = traps[name].notna().to_numpy(), traps[name].fillna(value=False).to_numpy(dtype=bool)
        rows[name] = [(told & side).sum() for side in (inside, ~inside)]
        rows[name] += [(told & side & left).sum() for side in (inside, ~inside)]
    counts = pd.DataFrame.from_dict(rows, orient="index", columns=["n_in", "n_out", "churned_in", "churned_out"])
    found = compare_shares(counts.rename_axis("trap"))
    return found.assign(harmful=found["low"] > 0)
