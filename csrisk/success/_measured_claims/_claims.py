"""Claims on your own data: what the articles on customer success say, beside what the portfolio itself says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._days import Duration, as_midnight
from csrisk._wilson import share_interval
from csrisk.exceptions import ConfigError, LabelError
from csrisk.success._advocacy._continuum import happiness
from csrisk.success._longevity._history import past_outcomes
from csrisk.success._measured_claims._claims_measured import MEASURED, Past
from csrisk.success._measured_claims._claims_model import effort_in_model
from csrisk.success._measured_claims._shares import Estimate

if TYPE_CHECKING:
    from typing import Any

    from csrisk.data import CustomerData
    from csrisk.success._longevity._history import History

__all__ = ["CLAIMS", "Claim", "claims", "growth_by_stage"]

_ACCOUNTS, _EVENTS = 20, 10  # below these nothing is said
_WIDE_SHARE, _WIDE_RATIO = 0.25, 4.0


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim, and where a figure has to lie for it to hold.

    Parameters
    ----------
    name : str
        Short name, also the index of the table.
    says : str
        The claim.
    measured : str
        What is measured for it, in words.
    unit : {"share", "difference", "ratio"}
        What the figure is; differences are of shares.
    low, high : float
        The figure of the claim, or the ends between which it lies; a claim on the direction has one open end.

    Examples
    --------
    >>> from csrisk.success import CLAIMS
    >>> CLAIMS[0].says
    'One in five of the satisfied means to leave'
    """

    name: str
    says: str
    measured: str
    unit: str
    low: float
    high: float

    @property
    def directed(self) -> bool:
        """Whether the claim says more or less, and not how much."""
        return not (np.isfinite(self.low) and np.isfinite(self.high))

    def verdict(self, found: Estimate) -> str:
        """Hold a figure with its interval against the claim.

        Parameters
        ----------
        found : Estimate
            The figure of the portfolio.

        Returns
        -------
        str
            "agree", "differ", or "too little": below 20 accounts, below 10 with the outcome where two groups are
            compared, or an interval too wide to tell.
        """
        # a share of few events may be a small share; a comparison of few events is none
        compared = self.unit != "share"
        if found.accounts < _ACCOUNTS or (compared and found.events < _EVENTS) or np.isnan(found.low):
            return "too little"
        if found.high < self.low or found.low > self.high:
            return "differ"
        if self.directed:
            # a claim of a direction holds only where the whole interval lies on its side
            return "agree" if self.low < found.low and found.high < self.high else "too little"
        # an interval that holds nearly everything agrees with every claim
        wide = found.high / found.low > _WIDE_RATIO if self.unit == "ratio" else found.high - found.low > _WIDE_SHARE
        return "too little" if wide else "agree"


CLAIMS = (
    Claim(
        "satisfied_left",
        "One in five of the satisfied means to leave",
        "of accounts with happiness from 0.6 on, those that left within a year",
        *("share", 0.20, 0.20),
    ),
    Claim(
        "dissatisfied_stayed",
        "More than a quarter of the dissatisfied mean to stay",
        "of accounts with happiness below 0.5, those that were there after a year",
        *("share", 0.28, 0.28),
    ),
    Claim(
        "fell_after_contact",
        "After a service contact four turn disloyal for each that turns loyal",
        "scores that fell for one that rose, where the customer made contact in the 30 days before",
        *("ratio", 4.0, 4.0),
    ),
    Claim(
        "contact_against_none",
        "A service contact costs more loyalty than it wins",
        "scores fallen to risen with a contact in the 30 days before, over the same without one",
        *("ratio", 1.0, np.inf),
    ),
    Claim(
        "promoters_spoke",
        "A quarter of those with a good experience tell others",
        "of accounts whose last NPS answer was 9 or 10, those known to have spoken for the vendor within a year",
        *("share", 0.25, 0.25),
    ),
    Claim(
        "detractors_spoke",
        "Two thirds of those with a bad experience tell others",
        "of accounts whose last NPS answer was 6 or less, those known to have spoken against the vendor within a year",
        *("share", 0.65, 0.65),
    ),
    Claim(
        "bad_news_travels",
        "Bad experiences are told more often than good ones",
        "share of detractors that spoke against less the share of promoters that spoke for the vendor",
        *("difference", 0.0, np.inf),
    ),
    Claim(
        "effort_over_delight",
        "Effort tells loyalty better than delight",
        "area under the curve for leaving by effort (hard contacts, CES) less that by delight (NPS, CSAT), same rows",
        *("difference", 0.0, np.inf),
    ),
    Claim(
        "effort_in_model",
        "Effort tells loyalty better than delight, in the model",
        "area that the model loses when its effort features are shuffled less that of NPS and CSAT",
        *("difference", 0.0, np.inf),
    ),
    Claim(
        "happy_buy_more",
        "Happy customers buy more",
        "share that grew, with happiness from 0.6 on less all others",
        *("difference", 0.0, np.inf),
    ),
    Claim(
        "captives_buy_less",
        "Captives do not buy more",
        "share that grew, unhappy and bound for half a year less the happy",
        *("difference", -np.inf, 0.0),
    ),
    Claim(
        "features_used",
        "Most use a tenth to a seventh of what they have",
        "share of the features open to an account that it used in 90 days, among those with use",
        *("share", 0.10, 0.15),
    ),
    Claim(
        "tried_themselves",
        "Four in five tried to help themselves before they called",
        "of contacts of a year begun by customers, those after self-service",
        *("share", 0.81, 0.81),
    ),
    Claim(
        "quiet_leave",
        "Quiet is not safe: the quiet leave at least as often as others",
        "share that left, not heard in 90 days less those of a usual voice",
        *("difference", 0.0, np.inf),
    ),
    Claim(
        "noisy_stay",
        "Noisy is not at risk: those whose use holds leave no more often than others",
        "share that left, noisy with use that holds or grows less those of a usual voice",
        *("difference", -np.inf, 0.0),
    ),
)


def claims(
    data: CustomerData,
    *,
    until: object = None,
    horizon: Duration = "90D",
    lead: Duration = "14D",
    history: History | None = None,
    model: Any = None,
    X: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Hold the claims of the articles against the portfolio's own past.

    Every figure is taken from past snapshots and what came of them by `until`. Rows of one account say much the same,
    so intervals are those of accounts. What agrees or differs here was seen, not caused: groups differ in other ways.

    Parameters
    ----------
    data : CustomerData
        The tables.
    until : date-like, optional
        Nothing from that date on counts; default ``data.end``.
    horizon, lead : str or int, default "90D", "14D"
        The label window of claims that do not speak of a year.
    history : History, optional
        As `past_outcomes` gives it for the same window, to save the work.
    model : fitted classifier, optional
        With ``predict_proba``; adds the row `effort_in_model`.
    X : pandas.DataFrame, optional
        Features of snapshots **after the training of the model**, on (account_id, as_of).

    Returns
    -------
    pandas.DataFrame
        One row per claim of `CLAIMS`: ``says``, ``measured``, ``unit``, the ``claimed_low`` and ``claimed_high`` of the
        claim, the portfolio's own ``value`` with ``low`` and ``high`` (95 %), what it stands ``beside`` (the other
        group of a comparison), ``n`` rows of ``accounts`` (the smaller group of a comparison), ``events`` (accounts
        with the outcome), and the ``verdict``: "agree", "differ" or "too little".

    Raises
    ------
    ConfigError
        If only one of `model` and `X` is given, a date or length is none, or no label window is observed.

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import claims
    >>> table = claims(make_saas(80, 18, seed=1).data())
    >>> set(table["verdict"]) <= {"agree", "differ", "too little"}
    True
    """
    if (model is None) != (X is None):
        raise ConfigError("model and X go together; pass the features of snapshots after the training of the model")
    last = data.end if until is None else min(as_midnight(until, "until"), data.end)
    if history is None:
        try:
            history = past_outcomes(data, horizon=horizon, lead=lead, until=last)
        except LabelError:
            history = None
    past = Past(data, last, history)
    # what cannot be measured is an estimate of nothing, and so a verdict of too little
    found = {name: measure(past) or Estimate() for name, measure in MEASURED.items()}
    if X is not None:
        found["effort_in_model"] = effort_in_model(data, model, X, horizon, lead)
    rows = [_row(claim, found[claim.name]) for claim in CLAIMS if claim.name in found]
    return pd.DataFrame(rows).set_index("claim")


def _row(claim: Claim, found: Estimate) -> dict[str, object]:
    said: dict[str, object] = {"claim": claim.name, "says": claim.says, "measured": claim.measured, "unit": claim.unit}
    bounds = {"claimed_low": claim.low, "claimed_high": claim.high}
    return said | bounds | found._asdict() | {"verdict": claim.verdict(found)}


def growth_by_stage(data: CustomerData, history: History | None = None) -> pd.DataFrame:
    """Count by happiness what became of accounts: those that grew, and those that left.

    Parameters
    ----------
    data : CustomerData
        The tables.
    history : History, optional
        As `past_outcomes` gives it, which is the default.

    Returns
    -------
    pandas.DataFrame
        One row per stage of `HAPPINESS_STAGES`: ``n`` snapshots, how many ``left``, ``left_share`` with ``left_low``
        and ``left_high``; of the ``n_growth`` whose growth is known, how many ``grew``, ``grew_share`` with
        ``grew_low`` and ``grew_high`` (95 %, Wilson; missing where nobody was).

    Raises
    ------
    ConfigError, LabelError
        As `past_outcomes`.

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import growth_by_stage
    >>> len(growth_by_stage(make_saas(80, 18, seed=1).data()))
    5
    """
    history = past_outcomes(data) if history is None else history
    past = Past(data, data.end, history)
    grew = np.full(len(history.churned), np.nan) if past.grew is None else past.grew
    stage = happiness(data, history.snapshots)["stage"].reset_index(drop=True)
    told = pd.DataFrame({"stage": stage, "left": history.churned.astype(int), "grew": grew})
    grouped = told.groupby("stage", observed=False)
    out = pd.DataFrame({"n": grouped["left"].size(), "left": grouped["left"].sum()})
    out["n_growth"], out["grew"] = grouped["grew"].count(), grouped["grew"].sum().astype("int64")
    for name, n in (("left", "n"), ("grew", "n_growth")):
        hits, of = out[name].to_numpy(), out[n].to_numpy()
        out[f"{name}_share"] = np.where(of > 0, hits / np.maximum(of, 1), np.nan)
        out[f"{name}_low"], out[f"{name}_high"] = share_interval(hits, of)
    return out
