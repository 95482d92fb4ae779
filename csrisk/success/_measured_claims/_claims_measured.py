"""What the portfolio itself says to each claim of the articles, measured on its own past."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._snapshots import Snapshots, seen
from csrisk.exceptions import CsriskError, NotEnoughDataError
from csrisk.features import FeatureBreadth
from csrisk.success._advocacy._continuum import happiness
from csrisk.success._effort._journey import hard_contacts
from csrisk.success._effort._quiet import voice_and_use
from csrisk.success._longevity._history import grown, past_outcomes
from csrisk.success._measured_claims._evidence import collect_evidence
from csrisk.success._measured_claims._shares import (
    Array,
    Estimate,
    auc_lead,
    difference_of,
    mean_of,
    ratio_of,
    share_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from csrisk.data import CustomerData
    from csrisk.success._longevity._history import History

__all__ = ["MEASURED", "Past"]

_YEAR, _GRACE, _CONTACT_DAYS, _BOUND_DAYS = 365, 30, 30, 180
_HAPPY, _UNHAPPY = 0.6, 0.5
_PROMOTER, _DETRACTOR = 9, 6


def _seen(history: History | None) -> History:
    if history is None:
        raise NotEnoughDataError("no outcome of earlier snapshots is known; give tables that reach further back")
    return history


class Past:
    """Past snapshots of a portfolio, and what came of them within a label window and within a year."""

    def __init__(self, data: CustomerData, until: pd.Timestamp, quarter: History | None) -> None:
        self.data, self.until, self.quarter = data, until, quarter

    @cached_property
    def year(self) -> History | None:
        """What came of accounts within a year; one date or two."""
        # the grace must be over too before it is known who left
        until = self.until - pd.Timedelta(days=_GRACE)
        try:
            return past_outcomes(self.data, horizon=_YEAR, lead=0, dates=2, until=until)
        except CsriskError:
            return None

    @cached_property
    def now(self) -> Snapshots:
        """Every account at the last day."""
        pairs = pd.MultiIndex.from_product([self.data.accounts, [self.until]], names=["account_id", "as_of"])
        return Snapshots.of(self.data, pairs)

    @cached_property
    def mood_of_year(self) -> Array:
        """Happiness of the snapshots of `year`."""
        return happiness(self.data, _seen(self.year).snapshots)["position"].to_numpy(np.float64)

    @cached_property
    def voice(self) -> pd.DataFrame:
        """Voice and use of the snapshots of `quarter`."""
        return voice_and_use(self.data, _seen(self.quarter).snapshots)

    @cached_property
    def signs(self) -> frozenset[int]:
        """Whether acts of advocacy for (1) and against (-1) the vendor are recorded at all."""
        return frozenset(seen(self.data, self.now, "advocacy", ["sign"])["sign"].astype("int64"))

    @cached_property
    def mood(self) -> Array:
        """Happiness of the snapshots of `quarter`."""
        return happiness(self.data, _seen(self.quarter).snapshots)["position"].to_numpy(np.float64)

    @cached_property
    def grew(self) -> Array | None:
        """Whether the snapshots of `quarter` grew, 1 or 0, missing where unknown; None without evidence."""
        return grown(self.data, _seen(self.quarter).snapshots)


def accounts_of(snapshots: Snapshots) -> Array:
    """Account of each snapshot as a number."""
    return np.asarray(pd.factorize(snapshots.index.get_level_values("account_id"))[0])


def _satisfied_left(past: Past) -> Estimate | None:
    return _left_within_a_year(past, lambda mood: mood >= _HAPPY)


def _dissatisfied_stayed(past: Past) -> Estimate | None:
    return _left_within_a_year(past, lambda mood: mood < _UNHAPPY, stayed=True)


def _left_within_a_year(past: Past, who: Callable[[Array], Array], *, stayed: bool = False) -> Estimate | None:
    if past.year is None:
        return None
    snapshots, left = past.year
    mood = past.mood_of_year
    inside, known = who(mood), ~np.isnan(mood)
    account, event = accounts_of(snapshots), left != stayed
    others = share_of(event[known & ~inside], account[known & ~inside]).value
    return share_of(event[inside], account[inside])._replace(beside=others)


def _answers_after_contacts(past: Past) -> pd.DataFrame | None:
    """Answers of the same kind in a row that differ: whether the score fell, and a contact came shortly before."""
    data = past.data
    if not data.has("surveys", "score") or not data.has("contacts"):
        return None
    rows = seen(data, past.now, "surveys", ["kind", "score", "answered_at_day"]).dropna(
        subset=["kind", "score", "answered_at_day"]
    )
    rows = rows.astype({"snapshot": "int64", "answered_at_day": "int64", "score": "float64"})
    rows = rows.sort_values(["snapshot", "kind", "answered_at_day"], kind="stable")
    before = rows.groupby(["snapshot", "kind"])[["score", "answered_at_day"]].shift()
    pairs = rows.assign(change=rows["score"] - before["score"], earlier=before["answered_at_day"])
    # two answers of one day have no order
    pairs = pairs[(pairs["change"] != 0) & (pairs["earlier"] < pairs["answered_at_day"])].sort_values("answered_at_day")
    contacts = seen(data, past.now, "contacts", ["initiated_by", "opened_at_day"])
    begun = contacts[contacts["initiated_by"].fillna("customer") == "customer"]
    last = begun.astype({"snapshot": "int64", "opened_at_day": "int64"}).sort_values("opened_at_day")
    joined = pd.merge_asof(
        pairs,
        last[["snapshot", "opened_at_day"]],
        left_on="answered_at_day",
        right_on="opened_at_day",
        by="snapshot",
        # a contact on the day of the answer may have come after it
        allow_exact_matches=False,
    )
    called = joined["answered_at_day"] - joined["opened_at_day"] <= _CONTACT_DAYS
    # a contact before the earlier answer is in that score already
    called &= joined["opened_at_day"] > joined["earlier"]
    return pd.DataFrame({"account": joined["snapshot"], "fell": joined["change"] < 0, "called": called})


def _fell_after_contact(past: Past) -> Estimate | None:
    pairs = _answers_after_contacts(past)
    if pairs is None:
        return None
    fell, called = pairs["fell"].to_numpy(bool), pairs["called"].to_numpy(bool)
    without = ratio_of(fell & ~called, ~fell & ~called, pairs["account"].to_numpy()).value
    return ratio_of(fell & called, ~fell & called, pairs["account"].to_numpy())._replace(beside=without)


def _contact_against_none(past: Past) -> Estimate | None:
    pairs = _answers_after_contacts(past)
    if pairs is None:
        return None
    fell, called = pairs["fell"].to_numpy(bool), pairs["called"].to_numpy(bool)
    account = pairs["account"].to_numpy()
    return ratio_of(fell & called, ~fell & called, account, (fell & ~called, ~fell & ~called))


def _spoke(past: Past, *, for_us: bool) -> tuple[Array, Array] | None:
    """Whether promoters (detractors) spoke for (against) us within a year of the snapshot, and whose they are."""
    sign = 1 if for_us else -1
    # where nothing against is ever written down, nobody can tell that nobody spoke against
    if past.year is None or not past.data.has("surveys", "score") or sign not in past.signs:
        return None
    snapshots = past.year.snapshots
    rows = seen(past.data, snapshots, "surveys", ["kind", "score", "answered_at_day"], window=_YEAR)
    # a missing kind compares as missing, not as false
    rows = rows[rows["kind"].eq("nps").fillna(value=False)].dropna(subset=["score", "answered_at_day"])
    last = rows.sort_values("answered_at_day", kind="stable").groupby("snapshot")["score"].last().astype("float64")
    chosen = last.index[last >= _PROMOTER if for_us else last <= _DETRACTOR].to_numpy(np.int64)
    later = snapshots.index.to_frame(index=False).assign(as_of=lambda pairs: pairs["as_of"] + pd.Timedelta(days=_YEAR))
    acts = seen(past.data, Snapshots.of(past.data, later), "advocacy", ["sign"], window=_YEAR)
    # both sets of snapshots are in the order of accounts and dates
    spoke = np.zeros(len(snapshots), dtype=bool)
    spoke[acts.loc[acts["sign"] == sign, "snapshot"].to_numpy(np.int64)] = True
    return spoke[chosen], accounts_of(snapshots)[chosen]


def _promoters_spoke(past: Past) -> Estimate | None:
    found = _spoke(past, for_us=True)
    return None if found is None else share_of(*found)


def _detractors_spoke(past: Past) -> Estimate | None:
    found = _spoke(past, for_us=False)
    return None if found is None else share_of(*found)


def _bad_news_travels(past: Past) -> Estimate | None:
    bad, good = _spoke(past, for_us=False), _spoke(past, for_us=True)
    if bad is None or good is None:
        return None
    spoke, account = (np.concatenate(parts) for parts in zip(bad, good, strict=True))
    return difference_of(spoke, np.arange(len(spoke)) < len(bad[0]), account)


def _effort_over_delight(past: Past) -> Estimate | None:
    """Place each snapshot among those of its date by effort and by delight, and see which tells leaving better."""
    if past.quarter is None:
        return None
    snapshots, left = past.quarter
    told = collect_evidence(past.data, snapshots, _YEAR, 60)
    told = told[told["what"] == "scores"]
    mood = told.pivot_table(index="snapshot", columns="kind", values="position", aggfunc="mean")
    mood = mood.reindex(index=range(len(snapshots)), columns=["ces", "nps", "csat"])
    contacts = hard_contacts(past.data, snapshots, 180)
    effort = pd.concat([1 - mood["ces"], contacts.groupby("snapshot")["hard"].mean().reindex(mood.index)], axis=1)
    dates = snapshots.index.get_level_values("as_of").to_numpy()
    # by rank, as shares of hard contacts and answers have no common scale; by date, so that a season tells nothing
    score = effort.groupby(dates).rank(pct=True).mean(axis=1)
    annoyed = (1 - mood[["nps", "csat"]]).groupby(dates).rank(pct=True).mean(axis=1)
    # the same rows for both, or the easier ones would decide
    both = (score.notna() & annoyed.notna()).to_numpy()
    pair = score.to_numpy(float)[both], annoyed.to_numpy(float)[both]
    return auc_lead(*pair, left[both], accounts_of(snapshots)[both])


def _happy_buy_more(past: Past) -> Estimate | None:
    if past.quarter is None or past.grew is None:
        return None
    known = ~np.isnan(past.grew) & ~np.isnan(past.mood)
    account = accounts_of(past.quarter.snapshots)[known]
    return difference_of(past.grew[known] == 1, past.mood[known] >= _HAPPY, account)


def _captives_buy_less(past: Past) -> Estimate | None:
    """Unhappy accounts that are bound for half a year, against the happy."""
    if past.quarter is None or past.grew is None or not past.data.has("subscriptions", "planned_end"):
        return None
    snapshots = past.quarter.snapshots
    rows = seen(past.data, snapshots, "subscriptions", ["planned_end_day", "end_at_day"])
    ends = rows[rows["end_at_day"].isna()].groupby("snapshot")["planned_end_day"].min().reindex(range(len(snapshots)))
    today = snapshots.index.get_level_values("as_of").to_numpy().astype("datetime64[D]").astype(np.int64)
    # the contract that ends first is the first way out
    bound = ends.to_numpy(np.float64, na_value=np.nan) - today >= _BOUND_DAYS
    captive = bound & (past.mood < _UNHAPPY)
    # neither captive nor happy is on no side
    known = ~np.isnan(past.grew) & (captive | (past.mood >= _HAPPY))
    return difference_of(past.grew[known] == 1, captive[known], accounts_of(snapshots)[known])


def _features_used(past: Past) -> Estimate | None:
    """Look at the last date alone, as what is open to an account changes little."""
    if past.quarter is None or not past.data.has("usage", "feature"):
        return None
    index = past.quarter.snapshots.index
    last = Snapshots.of(past.data, index[index.get_level_values("as_of") == index.get_level_values("as_of").max()])
    share = FeatureBreadth(windows=(90,)).build(past.data, last)["feature_share_90d"].to_numpy(np.float64)
    known = share > 0  # those who use nothing are gone or not there yet
    return mean_of(share[known], accounts_of(last)[known])


def _tried_themselves(past: Past) -> Estimate | None:
    if not past.data.has("contacts", "self_service_first"):
        return None
    rows = seen(past.data, past.now, "contacts", ["initiated_by", "self_service_first"], window=_YEAR)
    begun = rows["initiated_by"].fillna("customer") == "customer"
    rows = rows[begun & rows["self_service_first"].notna()]
    return share_of(rows["self_service_first"].to_numpy(bool), rows["snapshot"].to_numpy())


def _quiet_leave(past: Past) -> Estimate | None:
    return _voice_against_normal(past, lambda table: table["voice"] == "quiet")


def _noisy_stay(past: Past) -> Estimate | None:
    return _voice_against_normal(past, lambda table: (table["voice"] == "noisy") & table["use"].isin(["flat", "grows"]))


def _voice_against_normal(past: Past, who: Callable[[pd.DataFrame], pd.Series]) -> Estimate | None:
    if past.quarter is None:
        return None
    snapshots, left = past.quarter
    inside, normal = who(past.voice).to_numpy(bool), (past.voice["voice"] == "normal").to_numpy(bool)
    # only the two groups that the claim compares
    among = inside | normal
    return difference_of(left[among], inside[among], accounts_of(snapshots)[among]) if among.any() else None


MEASURED: Mapping[str, Callable[[Past], Estimate | None]] = {
    "satisfied_left": _satisfied_left,
    "dissatisfied_stayed": _dissatisfied_stayed,
    "fell_after_contact": _fell_after_contact,
    "contact_against_none": _contact_against_none,
    "promoters_spoke": _promoters_spoke,
    "detractors_spoke": _detractors_spoke,
    "bad_news_travels": _bad_news_travels,
    "effort_over_delight": _effort_over_delight,
    "happy_buy_more": _happy_buy_more,
    "captives_buy_less": _captives_buy_less,
    "features_used": _features_used,
    "tried_themselves": _tried_themselves,
    "quiet_leave": _quiet_leave,
    "noisy_stay": _noisy_stay,
}
