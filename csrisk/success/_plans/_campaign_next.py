"""The next campaign: by uplift where a lot decided before, by the save rate that a hold-out showed, else a pilot."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold

from csrisk._days import Duration, as_midnights, whole_days
from csrisk._labelling import label_churn
from csrisk._snapshots import Snapshots
from csrisk._text import number, percent, signed
from csrisk.exceptions import CsriskError, NotEnoughDataError
from csrisk.features import build_features
from csrisk.success._plans._campaign_effect import evaluate_campaign
from csrisk.success._plans._campaign_ledger import as_treatments, check_ledger
from csrisk.success._plans._campaign_power import plan_pilot
from csrisk.success._plans._priorities import Campaign, priorities
from csrisk.success._plans._uplift import UpliftModel, treated_snapshots
from csrisk.success._plans._uplift_quality import evaluate_uplift

if TYPE_CHECKING:
    from collections.abc import Callable

    from csrisk.data import CustomerData

__all__ = ["MEASURED_NOTE", "EarlierPlays", "plan_campaign"]

MEASURED_NOTE = "risk ranking, save rate measured on a hold-out"
_FOLDS = 3
_GRACE = 30  # days in which a renewal may come late


# eq=False: frames have no truth value, so that == of two of these would fail
@dataclass(frozen=True, eq=False)
class EarlierPlays:
    """What was done before, and how it is learned from.

    Parameters
    ----------
    play : str, default "call"
        The play, as the table of treatments names it.
    horizon : int or str, default "90D"
        How long after the play leaving counts.
    ledger : pandas.DataFrame, optional
        Earlier campaigns of this play.
    features : callable, optional
        Builds features of snapshots, with the columns of those that are planned; default is `csrisk.build_features`.
    random_state : int, default 0
        Seed.

    Raises
    ------
    CsriskError
        If the horizon is no duration.

    Examples
    --------
    >>> from csrisk.success import EarlierPlays
    >>> EarlierPlays("success_call").horizon
    '90D'
    """

    play: str = "call"
    horizon: Duration = "90D"
    ledger: pd.DataFrame | None = None
    features: Callable[[Snapshots], pd.DataFrame] | None = None
    random_state: int = 0

    def __post_init__(self) -> None:
        self.days  # noqa: B018  # refuses what is no duration

    @property
    def days(self) -> int:
        """The horizon in days."""
        return whole_days(self.horizon, "horizon", minimum=1)


def plan_campaign(
    data: CustomerData,
    X: pd.DataFrame,
    risk: pd.Series,
    value: pd.Series,
    *,
    campaign: Campaign,
    save_rate: float,
    power: float = 0.8,
    earlier: EarlierPlays | None = None,
) -> pd.DataFrame:
    r"""Plan a campaign from what earlier ones have shown.

    Where a lot decided who got the play, in the tables or in a ledger, and outcomes are enough to learn from, accounts
    are ordered by uplift. Where they are too few for that, but the hold-out shows an effect, the order is by risk and
    the save rate is the measured one. Where nothing is known, or nothing is shown yet, the plan is a pilot by lot of
    the size that can show an effect.

    Parameters
    ----------
    data : CustomerData
        Tables; what came after ``as_of`` is not looked at.
    X : pandas.DataFrame
        Features of the accounts to be planned, of one ``as_of``.
    risk, value : pandas.Series
        On the index of X, as for `priorities`.
    campaign : Campaign
        As for `priorities`.
    save_rate : float
        What is believed as long as nothing was measured, as for `plan_pilot`.
    power : float, default 0.8
        For a pilot.
    earlier : EarlierPlays, optional
        The play, earlier campaigns of it, and how they are learned from; default is a "call" without a ledger.

    Returns
    -------
    pandas.DataFrame
        As `priorities` or `plan_pilot`. ``attrs["why"]`` says in a sentence what it rests on. With uplift,
        ``attrs["uplift"]`` is the table of `evaluate_uplift` for the order by uplift of models that had not seen the
        account; with a ledger whose horizon is over, ``attrs["effect"]`` is that of `evaluate_campaign`.

    Raises
    ------
    ConfigError
        If an argument makes no sense.
    NotEnoughDataError
        If not even a pilot is possible.

    Examples
    --------
    >>> import pandas as pd
    >>> import csrisk as cr
    >>> from csrisk.success import Campaign, plan_campaign
    >>> ids = [f"a{i:02d}" for i in range(40)]
    >>> contracts = pd.DataFrame({"account_id": ids, "start_at": "2025-01-01", "end_at": None, "mrr": 100.0})
    >>> data = cr.CustomerData({"subscriptions": contracts}, end="2025-12-01")
    >>> now = cr.Snapshots.at(data, "2025-12-01")
    >>> X, risk = pd.DataFrame({"seats": 5.0}, index=now.index), pd.Series(0.2, now.index)
    >>> winter = Campaign(capacity=20, cost=50, name="winter")
    >>> plan = plan_campaign(data, X, risk, 6000 * risk, campaign=winter, save_rate=0.5)
    >>> plan.attrs["why"]
    'no play was drawn by lot: a pilot of 20 contacts and 20 held out, power 14\xa0%, 10 of them together reach 80\xa0%'
    """
    as_of = as_midnights(X.index.get_level_values("as_of")[0], "as_of")[0]
    earlier = earlier or EarlierPlays()
    why = "no play was drawn by lot"
    drawn = _drawn(data, earlier, as_of)
    if drawn is not None:
        try:
            learned = _learned(data, X, drawn, earlier)
        except NotEnoughDataError as error:
            why = f"plays drawn by lot are too few to learn from ({error})"
        else:
            return _by_uplift(priorities(risk, value, campaign=campaign, uplift=learned[0]), *learned[1:])
    effect = None if earlier.ledger is None else _effect(earlier.ledger, data, earlier.days, as_of)
    if effect is not None:
        kept = effect.loc["kept"].astype(float).to_dict()
        # the estimate for each contact may exceed all who leave
        rate = min(float(effect["estimate"].astype(float)["save_rate"]), 1.0)
        # only where the whole interval says so: else chance would set the rate by which a contact pays
        if kept["low"] > 0 and not np.isnan(rate):
            plan = priorities(risk, value, campaign=campaign, save_rate=rate)
            words = f"{why}; the hold-out shows that a contact keeps {percent(rate, 0)} of those who would leave"
            return _said(plan.assign(basis=MEASURED_NOTE), words, effect=effect)
        points = [signed(100 * kept[name]) for name in ("low", "high")]
        why += f"; the hold-out does not show an effect yet ({points[0]} to {points[1]} points)"
    plan = plan_pilot(risk, value, campaign=campaign, save_rate=save_rate, power=power)
    facts = plan.attrs["pilot"]
    words = f"{why}: a pilot of {facts['n_contact']} contacts and {facts['n_holdout']} held out, "
    words += f"power {percent(facts['power'], 0)}"
    if facts["campaigns"] > 1:
        words += f", {facts['campaigns']} of them together reach {percent(power, 0)}"
    return _said(plan, words, **({} if effect is None else {"effect": effect}))


def _drawn(data: CustomerData, earlier: EarlierPlays, as_of: pd.Timestamp) -> tuple[Snapshots, pd.Series] | None:
    """Take the days on which a lot decided and whose horizon is over, from the tables and the ledger."""
    play, horizon = earlier.play, earlier.days
    sides = []
    with contextlib.suppress(CsriskError):  # no such play, or people chose: nothing to learn from
        sides.append(treated_snapshots(data, play, horizon=horizon)[1])
    if earlier.ledger is not None:
        rows = as_treatments(earlier.ledger, play)
        keys = pd.Series(data.accounts, data.accounts.astype(str))
        rows = rows.assign(account_id=rows["account_id"].map(keys)).dropna(subset="account_id")
        index = pd.MultiIndex.from_frame(rows[["account_id", "at"]].set_axis(["account_id", "as_of"], axis=1))
        sides.append(pd.Series((rows["play"] == play).to_numpy(), index=index))
    side = pd.concat(sides) if sides else pd.Series(dtype=bool)
    if side.empty:
        return None
    day = pd.DatetimeIndex(side.index.get_level_values("as_of"))
    # an account drawn in the table and in the ledger counts once
    side = side[(day >= data.start) & (day + pd.Timedelta(days=horizon) <= as_of) & ~side.index.duplicated()]
    if side.empty:
        return None
    snapshots = Snapshots.of(data, pd.MultiIndex.from_tuples(list(side.index), names=side.index.names), horizon=horizon)
    return snapshots.until(as_of), side.reindex(snapshots.until(as_of).index).astype(bool)


def _learned(
    data: CustomerData, X: pd.DataFrame, drawn: tuple[Snapshots, pd.Series], earlier: EarlierPlays
) -> tuple[pd.Series, pd.DataFrame, int]:
    """Uplift of the accounts to be planned, how good its order is, and of how many accounts it was learned."""
    snapshots, treated = drawn
    churn = label_churn(data, snapshots, cause="any").dropna()
    features = build_features(data, snapshots) if earlier.features is None else earlier.features(snapshots)
    Z, treated = features.reindex(columns=X.columns).loc[churn.index], treated.loc[churn.index]
    model = UpliftModel(random_state=earlier.random_state).fit(Z, churn, treated)
    # a ranking judged on the rows that it learned from would always look good
    unseen = _cross_fitted(Z, churn, treated, earlier.random_state)
    quality = evaluate_uplift(unseen, churn.astype(bool), treated, random_state=earlier.random_state)
    return model.predict(X), quality, len(churn)


def _by_uplift(plan: pd.DataFrame, quality: pd.DataFrame, n: int) -> pd.DataFrame:
    row = (100 * quality.loc["saved_at_capacity"]).to_dict()
    words = f"{n} accounts drawn by lot: calling the first fifth by uplift keeps {number(row['estimate'], 1)} of 100 "
    words += f"accounts ({signed(row['low'])} to {signed(row['high'])}), told by models that had not seen them"
    return _said(plan, words, uplift=quality)


def _cross_fitted(Z: pd.DataFrame, churn: pd.Series, treated: pd.Series, random_state: int) -> pd.Series:
    """Predict each row by a model that has not seen its account."""
    out = np.full(len(Z), np.nan)
    accounts = Z.index.get_level_values("account_id")
    for rest, part in GroupKFold(_FOLDS, shuffle=True, random_state=random_state).split(Z, groups=accounts):
        model = UpliftModel(random_state=random_state).fit(Z.iloc[rest], churn.iloc[rest], treated.iloc[rest])
        out[part] = model.predict(Z.iloc[part]).to_numpy()
    return pd.Series(out, index=Z.index)


def _effect(ledger: pd.DataFrame, data: CustomerData, horizon: int, as_of: pd.Timestamp) -> pd.DataFrame | None:
    """Give the effect of the campaigns whose horizon is over on the day of the plan, or None."""
    rows = check_ledger(ledger)
    # what is not over by the day of the plan must not speak in it
    over = rows[rows["planned_at"] + pd.Timedelta(days=horizon + _GRACE) <= as_of]
    try:
        return evaluate_campaign(over, data, horizon=horizon)
    except NotEnoughDataError:
        return None


def _said(plan: pd.DataFrame, why: str, **more: pd.DataFrame) -> pd.DataFrame:
    plan.attrs |= {"why": why, **more}
    return plan
