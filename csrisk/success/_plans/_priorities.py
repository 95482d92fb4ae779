"""Whom to contact: expected value at stake under a contact capacity, with a randomised hold-out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk._deprecated import grouped, require_none_left
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["RANKING_NOTE", "UPLIFT_NOTE", "Campaign", "accounts_of", "check_plan", "drawn", "in_holdout", "priorities"]

RANKING_NOTE = "risk ranking, not uplift"
UPLIFT_NOTE = "uplift, from plays drawn by lot"
_MORE_OFTEN_THAN_NOT = 0.5


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """A campaign: how many contacts, what each costs, and who is held out.

    Parameters
    ----------
    capacity : int
        How many contacts can be made.
    cost : float
        Money that one contact costs. Your own figure: there is no honest default.
    name : str, default "default"
        Name of the campaign; another name holds out others.
    holdout : float, default 0.1
        Share held out, in [0, 1); which accounts depends on account and name only. A pilot holds out as many as it
        needs, whatever stands here.

    Raises
    ------
    ConfigError
        If a figure makes no sense.

    Examples
    --------
    >>> from csrisk.success import Campaign
    >>> Campaign(capacity=40, cost=150, name="autumn").holdout
    0.1
    """

    capacity: int
    cost: float
    name: str = "default"
    holdout: float = 0.1

    def __post_init__(self) -> None:
        if self.capacity < 0 or int(self.capacity) != self.capacity:
            raise ConfigError(f"capacity={self.capacity!r} must be a whole number, 0 or more")
        if not self.cost >= 0:
            raise ConfigError(f"cost={self.cost!r} must be 0 or more")
        if not 0 <= self.holdout < 1:
            raise ConfigError(f"holdout={self.holdout!r} must lie in [0, 1)")


def priorities(
    risk: pd.Series,
    value: pd.Series,
    *,
    campaign: Campaign | str | None = None,
    save_rate: float | None = None,
    uplift: pd.Series | None = None,
    harm: pd.Series | None = None,
    **others: Any,
) -> pd.DataFrame:
    """Order accounts by what a contact is expected to save, and plan who is contacted.

    With `uplift`, which takes plays that were drawn by lot, the expected gain of a contact is ``uplift * value`` less
    its cost. Without, it is ``save_rate * risk * value`` less its cost: one save rate for all, so that the order says
    where much is at stake, not who can be persuaded; where contacts annoy some, that order may be worse than none. A
    share of the accounts that would have been contacted is held out at random, so that the effect of the campaign can
    be measured afterwards.

    Parameters
    ----------
    risk : pandas.Series
        Probability of churn, on the snapshot index or on account ids.
    value : pandas.Series
        Money that is lost with the account, on the same index; missing values are never contacted.
    campaign : Campaign
        Contacts, their cost, and who is held out. It must be given; a name alone is deprecated.
    save_rate : float, optional
        Share of those who would leave that a contact keeps, in (0, 1]. Your own figure, best from an earlier hold-out;
        to be left out where `uplift` is given.
    uplift : pandas.Series, optional
        How much a contact lowers the probability of churn of each account, as ``UpliftModel.predict`` gives it.
    harm : pandas.Series, optional
        Probability that a contact drives the account away, from wherever you know it; above one half the plan says "do
        not contact". `UpliftModel` gives none: an uplift below 0 alone is right too seldom.
    **others
        ``capacity``, ``cost`` and ``holdout`` by their own name, as earlier releases took them; deprecated.

    Returns
    -------
    pandas.DataFrame
        By falling expected gain: ``risk, value, at_stake`` (risk x value), ``gain`` (money), ``rank``, ``plan``
        ("contact", "hold-out", "beyond capacity", "do not contact", "costs more than it saves", "unknown value"),
        ``holdout`` (the share stated), ``campaign`` and ``basis``: "risk ranking, not uplift" or "uplift, from plays
        drawn by lot"; with them also ``uplift`` and ``harm``.

    Raises
    ------
    ConfigError
        If an argument makes no sense or the index does not match.
    TypeError
        If there is no campaign.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.success import Campaign, priorities
    >>> index = pd.Index(["a", "b", "c"], name="account_id")
    >>> risk, value = pd.Series([0.5, 0.1, 0.2], index), pd.Series([1000.0, 9000.0, 100.0], index)
    >>> plan = priorities(risk, value, campaign=Campaign(capacity=1, cost=50, holdout=0), save_rate=0.25)
    >>> plan[["gain", "plan"]].values.tolist()  # .25 x .1 x 9000 - 50 = 175 comes first
    [[175.0, 'contact'], [75.0, 'beyond capacity'], [-45.0, 'costs more than it saves']]
    """
    if isinstance(campaign, str):
        others["campaign"], campaign = campaign, None
    campaign = grouped("priorities", "campaign", Campaign, campaign, others, renamed={"campaign": "name"})
    require_none_left("priorities", others)
    if campaign is None:
        raise TypeError("priorities() needs campaign=Campaign(capacity=..., cost=...): the figures are your own")
    check_plan(risk, value, save_rate)
    told = _learned(risk, uplift, harm, save_rate)
    out = pd.DataFrame({"risk": risk.astype(float), "value": value.astype(float), **told})
    out["at_stake"] = out["risk"] * out["value"]
    kept = out["at_stake"] * save_rate if save_rate is not None else out["uplift"] * out["value"]
    out["gain"] = kept - campaign.cost
    # the id decides between equal gains; an unknown gain comes last
    out = out.iloc[np.lexsort((accounts_of(out.index), -out["gain"].fillna(-np.inf).to_numpy()))]
    out["rank"] = np.arange(1, len(out) + 1)
    # drawn for all, whatever their rank: a rank that moves changes nobody's lot
    held = in_holdout(accounts_of(out.index), campaign.name, campaign.holdout)
    annoys = (out["harm"] > _MORE_OFTEN_THAN_NOT).to_numpy() if harm is not None else np.zeros(len(out), dtype=bool)
    pays = (out["gain"] > 0).to_numpy() & ~annoys
    # Those held out take no place: the campaign still makes as many contacts as it can.
    places_before = np.cumsum(pays & ~held) - (pays & ~held)
    within = places_before < campaign.capacity
    out["plan"] = np.select(
        [out["gain"].isna(), annoys, ~pays, within & held, within],
        ["unknown value", "do not contact", "costs more than it saves", "hold-out", "contact"],
        "beyond capacity",
    )
    basis = RANKING_NOTE if uplift is None else UPLIFT_NOTE
    return out.assign(holdout=campaign.holdout, campaign=campaign.name, basis=basis)


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
    # below the share: a larger one holds out the same accounts and more
    return np.asarray(drawn(accounts, campaign) < share)


def drawn(accounts: Iterable[str], campaign: str) -> np.ndarray:
    """Draw a number in [0, 1) for each account: the lot of a campaign, the same everywhere and always."""
    # a hash and no generator: the lot depends on no order of rows, seed or release of NumPy
    digests = [hashlib.sha256(f"{campaign}\x1f{account}".encode()).digest()[:8] for account in accounts]
    return np.array([int.from_bytes(digest, "big") / 2**64 for digest in digests], dtype=float)


def accounts_of(index: pd.Index) -> np.ndarray:
    """Give the account ids of an index as text."""
    # as text, so that an id is drawn alike whether it was read as a number or as text
    found = index.get_level_values("account_id") if "account_id" in index.names else index
    return found.astype(str).to_numpy(dtype=object)


def _learned(
    risk: pd.Series, uplift: pd.Series | None, harm: pd.Series | None, save_rate: float | None
) -> dict[str, pd.Series]:
    """Check what was learned of plays: on the same index, and instead of a save rate."""
    if (uplift is None) == (save_rate is None):
        raise ConfigError("state either save_rate, or uplift where plays were drawn by lot")
    told = {name: part.astype(float) for name, part in (("uplift", uplift), ("harm", harm)) if part is not None}
    for name, part in told.items():
        if not part.index.equals(risk.index):
            raise ConfigError(f"risk and {name} must share their index; use {name}.reindex(risk.index)")
        if not part.dropna().between(-1 if name == "uplift" else 0, 1).all():
            raise ConfigError(f"{name} must lie in [{-1 if name == 'uplift' else 0}, 1]")
    return told


def check_plan(risk: pd.Series, value: pd.Series, save_rate: float | None) -> None:
    """Refuse what makes no plan."""
    if not risk.index.equals(value.index):
        raise ConfigError("risk and value must share their index; use value.reindex(risk.index)")
    if not risk.dropna().between(0, 1).all():
        raise ConfigError("risk must be probabilities in [0, 1]; use predict_proba(X)[:, 1]")
    if save_rate is not None and not 0 < save_rate <= 1:
        raise ConfigError(f"save_rate={save_rate!r} must lie in (0, 1]")
