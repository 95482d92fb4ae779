"""Whom to contact: expected value at stake under a contact capacity, with a randomised hold-out."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["RANKING_NOTE", "in_holdout", "priorities"]

RANKING_NOTE = "risk ranking, not uplift"


def priorities(
    risk: pd.Series,
    value: pd.Series,
    *,
    capacity: int,
    cost: float,
    save_rate: float,
    holdout: float = 0.1,
    campaign: str = "default",
) -> pd.DataFrame:
    """Order accounts by what a contact is expected to save, and plan who is contacted.

    The expected gain of a contact is ``save_rate * risk * value - cost``: one save rate for all, so that the order says
    where much is at stake, not who can be persuaded. A share of the accounts that would have been contacted is held out
    at random, so that the effect of the campaign can be measured afterwards.

    Parameters
    ----------
    risk : pandas.Series
        Probability of churn, on the snapshot index or on account ids.
    value : pandas.Series
        Money that is lost with the account, on the same index; missing values are never contacted.
    capacity : int
        How many contacts can be made.
    cost : float
        Money that one contact costs. Your own figure: there is no honest default.
    save_rate : float
        Share of those who would leave that a contact keeps, in (0, 1]. Your own figure, best from an earlier hold-out.
    holdout : float, default 0.1
        Share held out, in [0, 1); which accounts depends on account and campaign only.
    campaign : str, default "default"
        Name of the campaign; another name holds out others.

    Returns
    -------
    pandas.DataFrame
        By falling expected gain: ``risk, value, at_stake`` (risk x value), ``gain`` (money), ``rank``, ``plan``
        ("contact", "hold-out", "beyond capacity", "costs more than it saves", "unknown value"), ``holdout`` (the share
        stated) and ``basis``: "risk ranking, not uplift".

    Raises
    ------
    ConfigError
        If an argument makes no sense or the index does not match.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.success import priorities
    >>> index = pd.Index(["a", "b", "c"], name="account_id")
    >>> risk, value = pd.Series([0.5, 0.1, 0.2], index), pd.Series([1000.0, 9000.0, 100.0], index)
    >>> plan = priorities(risk, value, capacity=1, cost=50, save_rate=0.25, holdout=0)
    >>> plan[["gain", "plan"]].values.tolist()  # .25 x .1 x 9000 - 50 = 175 comes first
    [[175.0, 'contact'], [75.0, 'beyond capacity'], [-45.0, 'costs more than it saves']]
    """
    _check(risk, value, capacity, cost, save_rate, holdout)
    out = pd.DataFrame({"risk": risk.astype(float), "value": value.astype(float)})
    out["at_stake"] = out["risk"] * out["value"]
    out["gain"] = save_rate * out["at_stake"] - cost
    out = out.iloc[np.lexsort((_accounts(out.index), -out["gain"].fillna(-np.inf).to_numpy()))]
    out["rank"] = np.arange(1, len(out) + 1)
    held = in_holdout(_accounts(out.index), campaign, holdout)
    pays = (out["gain"] > 0).to_numpy()
    # Those held out take no place: the campaign still makes as many contacts as it can.
    places_before = np.cumsum(pays & ~held) - (pays & ~held)
    within = places_before < capacity
    out["plan"] = np.select(
        [out["gain"].isna(), ~pays, within & held, within],
        ["unknown value", "costs more than it saves", "hold-out", "contact"],
        "beyond capacity",
    )
    return out.assign(holdout=holdout, basis=RANKING_NOTE)


def in_holdout(accounts: Iterable[str], campaign: str, share: float) -> np.ndarray:
    """Say which accounts are held out: the same for the same account and campaign, everywhere and always.

    Parameters
    ----------
    accounts : iterable of str
        Account ids.
    campaign : str
        Name of the campaign.
    share : float
        Share held out.

    Returns
    -------
    ndarray of bool

    Examples
    --------
    >>> from csrisk.success import in_holdout
    >>> bool((in_holdout(["a", "b"], "spring", 0.5) == in_holdout(["a", "b"], "spring", 0.5)).all())
    True
    """
    digests = [hashlib.sha256(f"{campaign}\x1f{account}".encode()).digest()[:8] for account in accounts]
    return np.array([int.from_bytes(digest, "big") / 2**64 < share for digest in digests], dtype=bool)


def _accounts(index: pd.Index) -> np.ndarray:
    found = index.get_level_values("account_id") if "account_id" in index.names else index
    return found.astype(str).to_numpy(dtype=object)


def _check(risk: pd.Series, value: pd.Series, capacity: int, cost: float, save_rate: float, holdout: float) -> None:
    if not risk.index.equals(value.index):
        raise ConfigError("risk and value must share their index; use value.reindex(risk.index)")
    if not risk.dropna().between(0, 1).all():
        raise ConfigError("risk must be probabilities in [0, 1]; use predict_proba(X)[:, 1]")
    if capacity < 0 or int(capacity) != capacity:
        raise ConfigError(f"capacity={capacity!r} must be a whole number, 0 or more")
    if not cost >= 0:
        raise ConfigError(f"cost={cost!r} must be 0 or more")
    if not 0 < save_rate <= 1:
        raise ConfigError(f"save_rate={save_rate!r} must lie in (0, 1]")
    if not 0 <= holdout < 1:
        raise ConfigError(f"holdout={holdout!r} must lie in [0, 1)")
