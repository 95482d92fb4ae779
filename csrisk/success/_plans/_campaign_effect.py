"""What came of a campaign: by plan against the hold-out drawn by lot, with intervals; what nobody saw is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import t as student

from csrisk._days import Duration, whole_days
from csrisk._labelling import label_churn
from csrisk._snapshots import Snapshots
from csrisk._wilson import Z_95, share_interval
from csrisk.exceptions import NotEnoughDataError
from csrisk.success._plans._campaign_ledger import ARMS, check_ledger

if TYPE_CHECKING:
    from csrisk._labelling import Cause, Kind
    from csrisk.data import CustomerData

__all__ = ["evaluate_campaign"]

_AT_LEAST = 5  # accounts of either arm whose outcome is known
_UNSEEN = ("not_in_data", "not_observed", "not_at_risk")


def evaluate_campaign(
    ledger: pd.DataFrame,
    data: CustomerData,
    *,
    horizon: Duration,
    campaign: str | None = None,
    kind: Kind = "auto",
    grace: Duration = "30D",
    cause: Cause = "any",
) -> pd.DataFrame:
    """Say what a campaign was worth: intention to treat, from the accounts that a lot held out.

    All who were planned to be contacted are compared with all who were held out, whoever was reached: whom one reaches
    is no lot. Several campaigns are put together by the number of their contacts, each compared within itself.

    Parameters
    ----------
    ledger : pandas.DataFrame
        As `campaign_ledger`, `record_contacts` or `read_ledger` gives it.
    data : CustomerData
        Tables that know what came after.
    horizon : int or str
        How long after the plan leaving counts.
    campaign : str, optional
        One of them; default is all of the ledger.
    kind, grace
        What leaving means, as for `csrisk.label_churn`.
    cause : {"any", "voluntary", "involuntary"}, default "any"
        Which ends count. Leaving out those who left for a reason that came to be known after the plan would take
        accounts out of both arms by what happened to them.

    Returns
    -------
    pandas.DataFrame
        Index metric; ``estimate``, ``low``, ``high`` (95 %). ``kept``: share that left among the held out, less that of
        those planned (Newcombe's interval from Wilson's [1]_); ``value_kept``: value lost per account among the held
        out, less that of those planned, each loss less the one expected (risk x value of the plan), which takes out
        what the lot gave unevenly and is nought on average (Student, pooled variance). Both also ``_per_contact``:
        divided by how much more of the planned were contacted than of the held out (missing where no contact was
        written down), and ``_in_total``: times the accounts planned whose outcome is known. ``save_rate``: ``kept`` per
        contact, of the share that left among the held out. And counts: ``n_contact``, ``n_holdout`` with a known
        outcome, ``n_contacted`` and ``n_holdout_contacted`` of them, ``left_contact``, ``left_holdout``, and those
        without outcome, ``not_in_data``, ``not_observed`` (the horizon is not over) and ``not_at_risk`` (no contract,
        or notice given, on the day of the plan), with ``_contact`` and ``_holdout``.

    Raises
    ------
    NotEnoughDataError
        If nobody was held out, the horizon is not over, or fewer than 5 accounts of an arm have a known outcome.

    References
    ----------
    .. [1] Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions. Statistics
       in Medicine 17, 873-890.

    Examples
    --------
    >>> import pandas as pd
    >>> import csrisk as cr
    >>> from csrisk.success import Campaign, campaign_ledger, evaluate_campaign, plan_pilot
    >>> ids = [f"a{i:02d}" for i in range(40)]
    >>> risk = pd.Series(0.5, pd.Index(ids, name="account_id"))
    >>> plan = plan_pilot(risk, 0 * risk + 100, campaign=Campaign(capacity=20, cost=1), save_rate=0.2)
    >>> ledger = campaign_ledger(plan, planned_at="2025-04-01")
    >>> held = ledger["plan"] == "hold-out"  # ten of the twenty held out leave, and nobody else
    >>> ends = ledger[held]["account_id"].head(10)
    >>> contracts = pd.DataFrame({"account_id": ids, "start_at": "2025-01-01", "end_at": None, "mrr": 100.0})
    >>> contracts.loc[contracts["account_id"].isin(ends), "end_at"] = "2025-05-01"
    >>> data = cr.CustomerData({"subscriptions": contracts}, end="2025-12-01")
    >>> evaluate_campaign(ledger, data, horizon="90D").loc["kept"].round(2).tolist()
    [0.5, 0.24, 0.7]
    """
    rows = check_ledger(ledger)
    rows = rows[rows["plan"].isin(ARMS)]
    if campaign is not None:
        rows = rows[rows["campaign"] == campaign]
    _refuse_one_arm(rows)
    known = _with_outcomes(rows, data, whole_days(horizon, "horizon", minimum=1), kind, grace, cause)
    _refuse_unknown(known, whole_days(horizon, "horizon"), whole_days(grace, "grace"))
    parts = [_compared(part) for _, part in known[known["seen"] == "known"].groupby("campaign", sort=True)]
    weights = np.array([part.n_contact for part in parts], dtype=float)
    weights /= weights.sum()
    kept = _together([part.kept for part in parts], weights)
    return _table(known, kept, _together([part.value for part in parts], weights))


class _Compared(NamedTuple):
    """Effects of one campaign, as estimate, low and high, and how many contacts it planned."""

    kept: np.ndarray
    value: np.ndarray
    n_contact: int


def _with_outcomes(
    rows: pd.DataFrame, data: CustomerData, horizon: int, kind: Kind, grace: Duration, cause: Cause
) -> pd.DataFrame:
    """Join what came of each account, and why it is not known where it is not."""
    # ledgers keep ids as text, tables as they are
    keys = pd.Series(data.accounts, data.accounts.astype(str))
    out = rows.assign(key=rows["account_id"].map(keys), left=np.nan, seen="not_in_data")
    day = out["planned_at"]
    inside = out["key"].notna() & (day >= data.start) & (day <= data.end)
    out.loc[out["key"].notna() & (day > data.end), "seen"] = "not_observed"
    if inside.any():
        pairs = pd.DataFrame({"account_id": out.loc[inside, "key"], "as_of": day[inside]})
        # two campaigns may plan one account on one day
        snapshots = Snapshots.of(data, pairs.drop_duplicates(), horizon=horizon)
        churn = label_churn(data, snapshots, kind=kind, grace=grace, cause=cause)
        found = churn.astype("Float64").astype(float).reindex(pd.MultiIndex.from_frame(pairs)).to_numpy()
        # a label is missing because the account could not leave, or because time has not passed: two reasons
        over = (day[inside] + pd.Timedelta(days=horizon) <= data.end).to_numpy()
        out.loc[inside, "left"] = found
        out.loc[inside, "seen"] = np.select([~np.isnan(found), over], ["known", "not_at_risk"], "not_observed")
    return out


def _refuse_one_arm(rows: pd.DataFrame) -> None:
    counts = rows["plan"].value_counts().reindex(list(ARMS), fill_value=0)
    if not counts.all():
        message = f"{counts['contact']} accounts planned and {counts['hold-out']} held out: both are needed"
        raise NotEnoughDataError(message + "; plan with a hold-out, without one nobody can tell what it was worth")


def _refuse_unknown(rows: pd.DataFrame, horizon: int, grace: int) -> None:
    for name, part in rows[rows["seen"] == "known"].groupby("campaign"):
        arms = part["plan"].value_counts().reindex(list(ARMS), fill_value=0)
        if arms.min() < _AT_LEAST:
            message = f"campaign {name!r}: outcome known of {arms['contact']} planned and {arms['hold-out']} held out"
            raise NotEnoughDataError(f"{message}; at least {_AT_LEAST} of each are needed")
    if not (rows["seen"] == "known").any():
        over = rows["planned_at"].max() + pd.Timedelta(days=horizon + grace)
        reasons = ", ".join(f"{n} {why}" for why, n in rows["seen"].value_counts().items()).replace("_", " ")
        message = f"no outcome of {len(rows)} accounts is known ({reasons})"
        raise NotEnoughDataError(
            f"{message}; contracts are known from {over.date()} on, {grace} days of grace included"
        )


def _compared(rows: pd.DataFrame) -> _Compared:
    planned = (rows["plan"] == "contact").to_numpy()
    left = rows["left"].to_numpy(float)
    value = rows["value"].to_numpy(float)
    n, hits = np.array([planned.sum(), (~planned).sum()]), np.array([left[planned].sum(), left[~planned].sum()])
    share = hits / n
    low, high = share_interval(hits, n, Z_95)
    gap = share[1] - share[0]
    # Newcombe's method: each bound from the halves of the two intervals that face it
    below, above = np.hypot(share[1] - low[1], high[0] - share[0]), np.hypot(high[1] - share[1], share[0] - low[0])
    # what was expected takes out the part of the losses that the lot gave unevenly, whether risks are right or not
    lost = value * (left - np.nan_to_num(rows["risk"].to_numpy(float)))
    means = lost[planned].mean(), lost[~planned].mean()
    spread = ((lost - np.where(planned, *means)) ** 2).sum() / (len(lost) - 2)
    # by the degrees of freedom of the smaller arm, which is the cautious choice
    half = student.ppf(0.975, n.min() - 1) * np.sqrt(spread * (1 / n).sum())
    kept = means[1] - means[0]
    return _Compared(np.array([gap, gap - below, gap + above]), np.array([kept, kept - half, kept + half]), int(n[0]))


def _together(parts: list[np.ndarray], weights: np.ndarray) -> np.ndarray:
    """Put effects together with their intervals: distances to the bounds add up as squares (MOVER)."""
    middle, low, high = np.array(parts).T
    estimate = weights @ middle
    distances = [np.sqrt((weights**2) @ (bound - middle) ** 2) for bound in (low, high)]
    return np.array([estimate, estimate - distances[0], estimate + distances[1]])


def _table(rows: pd.DataFrame, kept: np.ndarray, value: np.ndarray) -> pd.DataFrame:
    known = rows[rows["seen"] == "known"]
    arms = {name.replace("-", ""): known[known["plan"] == name] for name in ARMS}
    n = {arm: len(part) for arm, part in arms.items()}
    reached = {arm: int(part["contacted_at"].notna().sum()) for arm, part in arms.items()}
    share = reached["contact"] / n["contact"] - reached["holdout"] / n["holdout"]
    # who was called though held out takes from the difference, so the shares reached are subtracted
    per_contact = 1 / share if share > 0 else np.nan
    out: dict[str, np.ndarray] = {}
    for name, effect in (("kept", kept), ("value_kept", value)):
        out |= {name: effect, f"{name}_per_contact": effect * per_contact, f"{name}_in_total": effect * n["contact"]}
    left = {arm: int(part["left"].sum()) for arm, part in arms.items()}
    rate = kept * per_contact * n["holdout"] / left["holdout"] if left["holdout"] else np.full(3, np.nan)
    counts = {f"n_{arm}": size for arm, size in n.items()}
    counts |= {"n_contacted": reached["contact"], "n_holdout_contacted": reached["holdout"]}
    counts |= {f"left_{arm}": size for arm, size in left.items()}
    for why in _UNSEEN:
        unseen = rows[rows["seen"] == why]["plan"]
        counts |= {f"{why}_{name.replace('-', '')}": int((unseen == name).sum()) for name in ARMS}
    effects = pd.DataFrame(out | {"save_rate": rate}, index=["estimate", "low", "high"]).T
    numbers = pd.DataFrame({"estimate": pd.Series(counts, dtype=float)})
    return pd.concat([effects, numbers]).rename_axis("metric")
