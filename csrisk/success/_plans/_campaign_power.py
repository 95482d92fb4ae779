"""How large a campaign must be to show an effect, and a first one drawn by lot that is large enough."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import norm

from csrisk.exceptions import ConfigError, NotEnoughDataError
from csrisk.success._plans._priorities import Campaign, accounts_of, check_plan, drawn

__all__ = ["PILOT_NOTE", "campaign_power", "detectable_effect", "plan_pilot"]

PILOT_NOTE = "randomised pilot"
_LEVEL = 0.05  # two-sided, as the intervals of 95 % are
_SMALLEST = 20  # accounts of a pilot


def campaign_power(n_contact: Any, n_holdout: Any, *, churn: Any, effect: Any) -> Any:
    """Tell how probable it is that a campaign shows an effect: that its 95 % interval leaves out 0.

    Parameters
    ----------
    n_contact, n_holdout : int or array-like
        Accounts to be contacted, and held out.
    churn : float or array-like
        Share of the held out that will leave, in (0, 1).
    effect : float or array-like
        How much smaller that share is among the contacted, in (-1, 1).

    Returns
    -------
    float or ndarray
        In [0, 1]: normal approximation for two proportions with their own variances [1]_. It is good for ten or more
        leavers on either side.

    References
    ----------
    .. [1] Fleiss, J. L., Levin, B. and Paik, M. C. (2003). Statistical Methods for Rates and Proportions, chapter 4.
       Wiley.

    Examples
    --------
    >>> from csrisk.success import campaign_power
    >>> round(float(campaign_power(291, 291, churn=0.3, effect=0.1)), 2)  # 30 against 20 %
    0.8
    """
    churn, effect = np.asarray(churn, dtype=float), np.asarray(effect, dtype=float)
    treated = np.clip(churn - effect, 0, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(treated * (1 - treated) / n_contact + churn * (1 - churn) / n_holdout)
        # only the side that the effect points to: an interval on the wrong side shows no effect
        found = norm.sf(norm.isf(_LEVEL / 2) - np.abs(churn - treated) / spread)
    power = np.where(np.isfinite(spread) & (spread > 0), found, 0.0)
    return float(power) if power.ndim == 0 else power


def detectable_effect(n_contact: int, n_holdout: int, *, churn: float, power: float = 0.8) -> float:
    """Tell the smallest drop of churn that a campaign of this size shows with the power asked for.

    Parameters
    ----------
    n_contact, n_holdout : int
        Accounts to be contacted, and held out.
    churn : float
        Share of the held out that will leave, in (0, 1).
    power : float, default 0.8
        Probability that the effect is shown, in (0.05, 1).

    Returns
    -------
    float
        Drop of the share that leaves; NaN where even a campaign that kept everybody would not be enough.

    Raises
    ------
    ConfigError
        If a share is out of range.

    Examples
    --------
    >>> from csrisk.success import detectable_effect
    >>> round(detectable_effect(360, 40, churn=0.1), 3)  # a hold-out of 40 cannot show even that nobody leaves
    nan
    >>> round(detectable_effect(200, 200, churn=0.1), 3)
    0.069
    """
    _check_shares(churn, power)
    if campaign_power(n_contact, n_holdout, churn=churn, effect=churn) < power:
        return float("nan")
    missing = lambda effect: campaign_power(n_contact, n_holdout, churn=churn, effect=effect) - power  # noqa: E731
    # power rises with the effect, which can be no larger than the churn itself
    return float(brentq(missing, 1e-9, churn))


def plan_pilot(
    risk: pd.Series,
    value: pd.Series,
    *,
    campaign: Campaign,
    save_rate: float,
    power: float = 0.8,
) -> pd.DataFrame:
    """Plan a first campaign by lot, where nobody knows yet what a contact does.

    The accounts with the highest risk show an effect soonest. As many of them take part as are needed for the power
    asked for, not one more; a lot decides which half (or as many as can be contacted) is contacted, and the others are
    held out. Where no number is enough, those take part that give the highest power, and the plan says how high it is.

    Parameters
    ----------
    risk, value, campaign
        As for `priorities`; accounts without a value or risk take no part. The cost decides nothing in a pilot, but
        stands in the column ``gain``.
    save_rate : float
        Share of those who would leave that a contact is believed to keep, in (0, 1]: the effect that the pilot must be
        able to show is this share of the mean risk.
    power : float, default 0.8
        Probability with which it shall be shown, in (0.05, 1).

    Returns
    -------
    pandas.DataFrame
        As `priorities`, ordered by risk, with the plans "contact", "hold-out", "not in the pilot" and "unknown value",
        ``holdout`` the share held out, and ``basis`` "randomised pilot". ``attrs["pilot"]``: ``n_contact``,
        ``n_holdout``, ``churn`` (mean risk of those who take part), ``effect``, ``power`` as planned, ``detectable``
        (the smallest drop that is shown with the power asked for; NaN: none) and ``campaigns``, how many of this size
        together reach it.

    Raises
    ------
    ConfigError
        If an argument makes no sense.
    NotEnoughDataError
        If fewer than 20 accounts have risk and value, or fewer than ten can be contacted.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from csrisk.success import Campaign, plan_pilot
    >>> index = pd.Index([f"a{i}" for i in range(400)], name="account_id")
    >>> risk = pd.Series(np.linspace(0.01, 0.6, 400), index)
    >>> plan = plan_pilot(risk, risk * 0 + 1000, campaign=Campaign(capacity=200, cost=50), save_rate=0.5)
    >>> plan["plan"].value_counts().to_dict()
    {'not in the pilot': 299, 'hold-out': 51, 'contact': 50}
    >>> round(plan.attrs["pilot"]["power"], 2)
    0.8
    """
    check_plan(risk, value, save_rate)
    out = pd.DataFrame({"risk": risk.astype(float), "value": value.astype(float)})
    out["at_stake"] = out["risk"] * out["value"]
    out["gain"] = save_rate * out["at_stake"] - campaign.cost
    known = out["gain"].notna()
    # the id decides between equal risks, so that the order of rows does not
    out = out.iloc[np.lexsort((accounts_of(out.index), -out["risk"].where(known, -1.0).to_numpy()))]
    out["rank"] = np.arange(1, len(out) + 1)
    facts = _size(out["risk"].to_numpy()[: int(known.sum())], campaign.capacity, save_rate, power)
    n = facts["n_contact"] + facts["n_holdout"]
    lot = np.argsort(drawn(accounts_of(out.index[:n]), campaign.name), kind="stable")
    side = np.where(out["gain"].isna(), "unknown value", "not in the pilot").astype(object)
    side[lot], side[lot[: facts["n_contact"]]] = "hold-out", "contact"
    out = out.assign(plan=side, holdout=facts["n_holdout"] / n, campaign=campaign.name, basis=PILOT_NOTE)
    out.attrs["pilot"] = facts
    return out


def _size(risk: np.ndarray, capacity: int, save_rate: float, power: float) -> dict[str, Any]:
    """Take the fewest accounts, highest risk first, that reach the power; else those that give the highest."""
    _check_shares(0.5, power)
    n = np.arange(_SMALLEST, len(risk) + 1)
    if not len(n) or capacity < _SMALLEST // 2:
        message = f"{len(risk)} accounts with risk and value, capacity={capacity}: a pilot needs at least {_SMALLEST}"
        raise NotEnoughDataError(f"{message} accounts and {_SMALLEST // 2} contacts; widen the portfolio")
    # inside (0, 1), as a share of churn has to be, also where all risks are 0 or 1
    churn = np.clip(np.cumsum(risk)[n - 1] / n, 1e-9, 1 - 1e-9)
    contacts = np.minimum(n // 2, capacity)
    found = campaign_power(contacts, n - contacts, churn=churn, effect=save_rate * churn)
    enough = np.flatnonzero(found >= power)
    at = int(enough[0]) if len(enough) else int(found.argmax())
    sizes = int(contacts[at]), int(n[at] - contacts[at])
    return {
        "n_contact": sizes[0],
        "n_holdout": sizes[1],
        "churn": float(churn[at]),
        "effect": float(save_rate * churn[at]),
        "power": float(found[at]),
        "detectable": detectable_effect(*sizes, churn=float(churn[at]), power=power),
        "campaigns": _repeats(sizes, float(churn[at]), save_rate, power),
    }


def _repeats(sizes: tuple[int, int], churn: float, save_rate: float, power: float) -> int:
    """Tell how many campaigns of a size reach a power together: the variance falls with their number."""
    one = campaign_power(*sizes, churn=churn, effect=save_rate * churn)
    # effect over its standard error, read back from the power
    distance = norm.isf(_LEVEL / 2) - norm.isf(one)
    return max(1, int(np.ceil(((norm.isf(_LEVEL / 2) + norm.isf(1 - power)) / distance) ** 2 - 1e-9)))


def _check_shares(churn: float, power: float) -> None:
    if not 0 < churn < 1:
        raise ConfigError(f"churn={churn!r} must lie in (0, 1): the share that leaves where nobody is contacted")
    if not _LEVEL < power < 1:
        raise ConfigError(f"power={power!r} must lie in ({_LEVEL:g}, 1); .8 is usual")
