"""What followed: past snapshots whose outcome is known by now, for tables that hold a state against later churn."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from csrisk._days import Duration, as_midnight, whole_days
from csrisk._labelling import label_churn, label_expansion
from csrisk._snapshots import Snapshots
from csrisk._wilson import share_interval
from csrisk.exceptions import ConfigError, CsriskError

if TYPE_CHECKING:
    from csrisk._labelling import Kind
    from csrisk.data import CustomerData

__all__ = ["History", "compare_shares", "grown", "past_outcomes"]

_AMONG = 2000


class History(NamedTuple):
    """Past snapshots, and whether each churned in its label window; all are known.

    Parameters
    ----------
    snapshots : Snapshots
        Who was seen when.
    churned : ndarray of bool
        In the order of ``snapshots.index``.

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import History, past_outcomes
    >>> history = past_outcomes(make_saas(80, 18, seed=1).data(), dates=2)
    >>> isinstance(history, History), set(history.churned.tolist()) <= {True, False}
    (True, True)
    """

    snapshots: Snapshots
    churned: np.ndarray


def grown(data: CustomerData, snapshots: Snapshots) -> np.ndarray | None:
    """Tell whether snapshots grew, 1 or 0, missing where unknown; None where the tables cannot tell."""
    try:
        label = label_expansion(data, snapshots)
    except CsriskError:
        return None
    return np.asarray(label.astype("Float64").to_numpy(np.float64, na_value=np.nan))


def past_outcomes(
    data: CustomerData,
    *,
    horizon: Duration = "90D",
    lead: Duration = "14D",
    kind: Kind = "auto",
    grace: Duration = "30D",
    look_back: Duration = "180D",
    dates: int = 6,
    until: object = None,
) -> History:
    """Take past snapshots whose label window is observed, and what came of them.

    Looks at the last `dates` dates, a horizon apart, so that no day of the future counts twice; of more than 2,000
    accounts every so many are taken.

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
    History

    Raises
    ------
    ConfigError
        If `dates` is below 1, or no label window is observed.
    LabelError
        If the data hold no evidence for the label.

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import past_outcomes
    >>> history = past_outcomes(make_saas(80, 18, seed=1).data(), dates=3)
    >>> len(history.snapshots) == len(history.churned)
    True
    """
    if dates < 1:
        raise ConfigError(f"dates={dates} must be at least 1")
    days, wait = whole_days(horizon, "horizon", minimum=1), whole_days(lead, "lead")
    end = data.end if until is None else min(as_midnight(until, "until"), data.end)
    # the grace after a contract may leave the last date without a label; the others speak then
    last = end - pd.Timedelta(days=days + wait)
    wanted = [date for date in (last - pd.Timedelta(days=back * days) for back in range(dates)) if date > data.start]
    if not wanted:
        raise ConfigError(
            f"horizon={days}, lead={wait} days: no label window is observed between {data.start:%Y-%m-%d} and "
            f"{end:%Y-%m-%d}; take a shorter horizon"
        )
    # rounded up, so that never more than that many are taken
    every = max(1, -(-len(data.accounts) // _AMONG))
    pairs = pd.MultiIndex.from_product([data.accounts[::every], wanted], names=["account_id", "as_of"])
    snapshots = Snapshots.of(data, pairs, lead=wait, horizon=days)
    churn = label_churn(data, snapshots, kind=kind, grace=grace, look_back=look_back)
    known = churn[churn.notna()]
    # made anew: those whose outcome is not known are gone from every table that follows
    seen = Snapshots.of(data, known.index.to_frame(index=False), lead=wait, horizon=days)
    return History(seen, known.to_numpy(dtype=bool))


def compare_shares(counts: pd.DataFrame) -> pd.DataFrame:
    """Add to ``n_in, n_out, churned_in, churned_out`` the shares, and their difference, with 95 % intervals.

    .. [1] Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions: comparison of
       eleven methods. Statistics in Medicine 17, 873-890.
    """
    out = counts.astype("int64")
    for side in ("in", "out"):
        hits, n = out[f"churned_{side}"].to_numpy(), out[f"n_{side}"].to_numpy()
        low, high = share_interval(hits, n)
        out[f"churn_{side}"] = np.where(n > 0, hits / np.maximum(n, 1), np.nan)
        out[f"churn_{side}_low"], out[f"churn_{side}_high"] = low, high
    out["difference"] = out["churn_in"] - out["churn_out"]
    # towards below: the lower half of one interval with the upper half of the other
    below = np.hypot(out["churn_in"] - out["churn_in_low"], out["churn_out_high"] - out["churn_out"])
    above = np.hypot(out["churn_in_high"] - out["churn_in"], out["churn_out"] - out["churn_out_low"])
    return out.assign(low=out["difference"] - below, high=out["difference"] + above)
