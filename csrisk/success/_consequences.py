"""What followed on a relationship trap: later churn of those inside and outside, from the tables' own history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._days import Duration, whole_days
from csrisk._labels import label_churn
from csrisk._snapshots import Snapshots
from csrisk.exceptions import ConfigError
from csrisk.success._seen import share_interval
from csrisk.success._traps import relationship_traps

if TYPE_CHECKING:
    from csrisk._labels import Kind
    from csrisk.data import CustomerData

__all__ = ["trap_consequences"]

_AMONG = 2000


def trap_consequences(
    data: CustomerData,
    *,
    horizon: Duration = "90D",
    lead: Duration = "14D",
    kind: Kind = "auto",
    grace: Duration = "30D",
    look_back: Duration = "180D",
    dates: int = 6,
    until: object = None,
) -> pd.DataFrame:
    """Compare later churn of accounts that were in a trap with that of accounts that were not.

    Looks at the last `dates` dates whose label window is observed, a horizon apart, so that no day of the future counts
    twice; of more than 2,000 accounts every so many are taken. This is what followed, not what was caused: accounts in
    a trap may differ in other ways.

    Parameters
    ----------
    data : CustomerData
        The tables.
    horizon, lead : str or int, default "90D", "14D"
        The label window.
    kind, grace, look_back
        As for `csrisk.label_churn`.
    dates : int, default 6
        Most dates.
    until : date-like, optional
        Label windows end before this date; default ``data.end``.

    Returns
    -------
    pandas.DataFrame
        One row per trap, in the order of `TRAPS`: snapshots inside and outside with enough evidence (``n_in, n_out``),
        how many of each churned (``churned_in, churned_out``), the shares with 95 % intervals (Wilson; ``churn_in,
        churn_in_low, churn_in_high`` and the same for out), their ``difference`` with ``low`` and ``high`` (95 %,
        Newcombe's tenth method [1]_; an account churns once, so the windows of an account are uncorrelated), and
        ``harmful``: the interval of the difference lies above 0.

    Raises
    ------
    ConfigError
        If `dates` is below 1, or no label window is observed.
    LabelError
        If the data hold no evidence for the label.

    References
    ----------
    .. [1] Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions: comparison of
       eleven methods. Statistics in Medicine 17, 873-890.

    Examples
    --------
    >>> from csrisk.data import make_saas
    >>> from csrisk.success import trap_consequences
    >>> found = trap_consequences(make_saas(80, 18, seed=1).data(), dates=3)
    >>> bool((found["churned_in"] <= found["n_in"]).all())
    True
    """
    end = data.end if until is None else min(pd.Timestamp(until), data.end)  # type: ignore[arg-type]
    snapshots = _past(data, whole_days(horizon, "horizon", minimum=1), whole_days(lead, "lead"), dates, end)
    churn = label_churn(data, snapshots, kind=kind, grace=grace, look_back=look_back)
    known = churn.notna().to_numpy()
    traps = relationship_traps(data, snapshots)[known]
    left = churn[known].to_numpy(dtype=bool)
    rows = {}
    for name in traps:
        told, inside = traps[name].notna().to_numpy(), traps[name].fillna(value=False).to_numpy(dtype=bool)
        rows[name] = [(told & side).sum() for side in (inside, ~inside)]
        rows[name] += [(told & side & left).sum() for side in (inside, ~inside)]
    counts = pd.DataFrame.from_dict(rows, orient="index", columns=["n_in", "n_out", "churned_in", "churned_out"])
    return _compared(counts.rename_axis("trap"))


def _past(data: CustomerData, horizon: int, lead: int, dates: int, end: pd.Timestamp) -> Snapshots:
    if dates < 1:
        raise ConfigError(f"dates={dates} must be at least 1")
    # the grace after a contract may leave the last date without a label; the others speak then. What a trap needs to be
    # seen in is asked for by its least evidence, not by a date
    last = end - pd.Timedelta(days=horizon + lead)
    wanted = [last - pd.Timedelta(days=back * horizon) for back in range(dates)]
    wanted = [date for date in wanted if date > data.start]
    if not wanted:
        raise ConfigError(
            f"horizon={horizon}, lead={lead} days: no label window is observed between {data.start:%Y-%m-%d} and "
            f"{end:%Y-%m-%d}; take a shorter horizon"
        )
    # attributes of the accounts are of no matter here, so that whoever has begun may be looked at
    every = max(1, -(-len(data.accounts) // _AMONG))
    pairs = pd.MultiIndex.from_product([data.accounts[::every], wanted], names=["account_id", "as_of"])
    return Snapshots.of(data, pairs, lead=lead, horizon=horizon)


def _compared(counts: pd.DataFrame) -> pd.DataFrame:
    out = counts.astype("int64")
    for side in ("in", "out"):
        hits, n = out[f"churned_{side}"].to_numpy(), out[f"n_{side}"].to_numpy()
        low, high = share_interval(hits, n)
        out[f"churn_{side}"] = np.where(n > 0, hits / np.maximum(n, 1), np.nan)
        out[f"churn_{side}_low"], out[f"churn_{side}_high"] = low, high
    out["difference"] = out["churn_in"] - out["churn_out"]
    below = np.hypot(out["churn_in"] - out["churn_in_low"], out["churn_out_high"] - out["churn_out"])
    above = np.hypot(out["churn_in_high"] - out["churn_in"], out["churn_out"] - out["churn_out_low"])
    out["low"], out["high"] = out["difference"] - below, out["difference"] + above
    out["harmful"] = out["low"] > 0
    return out
