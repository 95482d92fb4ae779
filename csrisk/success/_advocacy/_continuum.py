"""The happiness continuum: where a customer stands between walkaway angry and gushing promoter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._days import Duration, whole_days
from csrisk._snapshots import at_data_end
from csrisk._wilson import Z_95
from csrisk.exceptions import ConfigError
from csrisk.success._advocacy._one_factor import fit_one_factor
from csrisk.success._measured_claims._evidence import SURVEYS, WHAT, collect_evidence

if TYPE_CHECKING:
    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData

__all__ = ["HAPPINESS_STAGES", "happiness"]

HAPPINESS_STAGES = ("walkaway angry", "unhappy", "neutral", "happy", "gushing promoter")
_SPREAD = 0.2  # standard deviation of one piece of evidence, where a book is too small to tell
_ENOUGH = 20  # snapshots with evidence from which the book tells its own spread
# Evidence is of the months before, and people change: of what it tells of then, so much holds now. Measured on the
# simulated books make_saas with seeds 100 to 105; a book with faster changes keeps less.
_KEPT = 0.84
_LARGE = 100  # and from which it tells what each kind of evidence is worth


def happiness(
    data: CustomerData,
    snapshots: Snapshots | None = None,
    *,
    window: Duration = "365D",
    half_life: Duration = "60D",
    at_least: float = 0.5,
) -> pd.DataFrame:
    """Place each snapshot on the happiness continuum, with an interval and the evidence it rests on.

    Each piece of evidence has a position from 0 to 1 and a weight that halves every `half_life`: survey answers (NPS
    over 0-10, CSAT over 1-5, CES over 1-7; weight 1), polarity of comments where TextBlob is installed (weight 0.5),
    acts of advocacy (position 1 for us, 0 against us, weight 1), closed cases, all together (position: share of those
    that were neither handed on twice nor reopened, weight 1), promises of the success plan, kept or overdue (weight
    0.5), and the trend of use, 30 days against the 30 before (weight 0.5).

    In a book of 100 or more snapshots with evidence, the book itself says what each kind is worth: one common factor
    behind the kinds [1]_, estimated from how they move together, so that a kind that goes its own way (a trend of use
    that follows the season) hardly counts and twenty answers of one kind cannot outvote all others. Not to have acted
    for us counts as weak evidence then. In a smaller book the weighted mean is drawn towards the mean of the book by
    as much as its evidence is noisy [2]_. Both estimates are relative to the snapshots handed in, so score the whole
    book, not a part of it.

    Parameters
    ----------
    data : CustomerData
        The tables.
    snapshots : Snapshots, optional
        Who is seen when; by default the accounts that run at ``data.end``.
    window : str or int, default "365D"
        How far to look back.
    half_life : str or int, default "60D"
        Age at which evidence counts half. Chosen among 40, 60, 90 and 120 days on simulated books.
    at_least : float, default 0.5
        Evidence (sum of weights without the trend of use) below which the position is unknown, not neutral: one answer
        of two months ago.

    Returns
    -------
    pandas.DataFrame
        On ``snapshots.index``: ``position`` (0 walkaway angry to 1 gushing promoter), ``low`` and ``high`` (95 %: of
        where the account stands at that day, by noise of the evidence and, in a book of 100 or more, its age),
        ``stage`` (fifths of the continuum), ``evidence`` (sum of weights), ``reliability`` (share of the variance
        between accounts that the evidence explains, 0 to 1; missing in books too small to tell), and the counts
        ``scores, comments, acts, escalations, promises``.

    Raises
    ------
    ConfigError
        If `at_least` is not positive.

    References
    ----------
    .. [1] Joreskog, K. G. (1971). Statistical analysis of sets of congeneric tests. Psychometrika 36, 109-133.
    .. [2] Morris, C. N. (1983). Parametric empirical Bayes inference: theory and applications. Journal of the American
       Statistical Association 78, 47-55.

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import happiness
    >>> table = happiness(make_saas(60, 12, seed=1).data())
    >>> bool(table["position"].dropna().between(0, 1).all())
    True
    """
    if at_least <= 0:
        raise ConfigError(f"at_least={at_least!r} must be positive; without evidence a position is unknown")
    snapshots = at_data_end(data, snapshots)
    days, half = whole_days(window, "window", minimum=1), whole_days(half_life, "half_life", minimum=1)
    evidence = collect_evidence(data, snapshots, days, half)
    moments = _moments(evidence, len(snapshots))
    # use alone places nobody: a trend is no word of the customer
    told = moments["weight"] - moments["trend"] >= at_least
    placed = _by_factor(evidence, moments, told) if told.sum() >= _LARGE else None
    # masked before, so that those with hardly any evidence do not set the mean and spread of the book
    table = _shrunk(moments.mask(~told)) if placed is None else placed
    table = _staged(table.where(told)).assign(evidence=moments["weight"], reliability=table["reliability"].where(told))
    # the trend is no piece that could be counted
    counts = evidence.pivot_table(index="snapshot", columns="what", values="count", aggfunc="sum", fill_value=0)
    counts = counts.reindex(index=table.index, columns=list(WHAT)[:-1], fill_value=0)
    return table.join(counts.astype("int64")).set_index(snapshots.index)


def _moments(evidence: pd.DataFrame, n: int) -> pd.DataFrame:
    """Weight, weighted mean, effective number of pieces and spread of the evidence of each snapshot."""
    w, x = evidence["weight"], evidence["position"]
    parts = pd.DataFrame(
        {"weight": w, "x": w * x, "xx": w * x**2, "ww": w**2, "trend": w * (evidence["what"] == "trend")}
    )
    sums = parts.groupby(evidence["snapshot"]).sum().reindex(range(n), fill_value=0.0)
    weight = sums["weight"].where(sums["weight"] > 0)
    mean = sums["x"] / weight
    # effective number of pieces (Kish): as many pieces of one weight would be as certain
    n_pieces = weight**2 / sums["ww"]
    # mean of squares less square of the mean may be a hair below 0
    spread = (sums["xx"] / weight - mean**2).clip(lower=0) * n_pieces
    return pd.DataFrame(
        {"weight": sums["weight"], "trend": sums["trend"], "mean": mean, "pieces": n_pieces, "spread": spread}
    )


def _shrunk(moments: pd.DataFrame) -> pd.DataFrame:
    told = moments.dropna(subset="mean")
    freedom = (told["pieces"] - 1).clip(lower=0).sum()
    # pooled over the book: single snapshots have too few pieces to tell their own spread
    within = told["spread"].sum() / freedom if len(told) >= _ENOUGH and freedom > 0 else _SPREAD**2
    # pieces that all agree by chance must not look free of noise
    noise = max(within, 1e-4) / moments["pieces"]
    between = np.inf
    if len(told) >= _ENOUGH:
        # the variance of the means holds the noise of the means too, which is taken off
        between = max(float(told["mean"].var() - noise.reindex(told.index).mean()), 1e-6)
    pull = noise / (noise + between) if np.isfinite(between) else 0.0 * noise
    position = (1 - pull) * moments["mean"] + pull * told["mean"].mean()
    half = Z_95 * np.sqrt((1 - pull) * noise)
    columns = {"position": position, "low": position - half, "high": position + half}
    return pd.DataFrame(columns | {"reliability": 1 - pull if np.isfinite(between) else np.nan})


def _staged(table: pd.DataFrame) -> pd.DataFrame:
    top = len(HAPPINESS_STAGES) - 1
    # shrunk positions and their intervals are not bound to the scale
    inside = table[["position", "low", "high"]].clip(0, 1)
    # -1 is the code of no category; position 1 belongs to the last stage, not to one beyond it
    code = np.floor(inside["position"].fillna(-1.0).to_numpy() * (top + 1)).clip(-1, top).astype(np.int64)
    stages = pd.Categorical.from_codes(code, dtype=pd.CategoricalDtype(list(HAPPINESS_STAGES), ordered=True))
    return inside.assign(stage=stages)


def _by_factor(evidence: pd.DataFrame, moments: pd.DataFrame, told: pd.Series) -> pd.DataFrame | None:
    """Place the snapshots by the common factor, in the unit of the surveys; None where there is no common factor."""
    pieces = evidence[evidence["what"] != "acts"]
    keys = [pieces["snapshot"], pieces["kind"]]
    weight = pieces["fade"].groupby(keys).sum()
    mean = (pieces["fade"] * pieces["position"]).groupby(keys).sum() / weight
    apart = (pieces["position"] - mean.reindex(pd.MultiIndex.from_arrays(keys)).to_numpy()) ** 2
    # pieces less snapshots of a kind: each snapshot has a mean of its own
    freedom = (pieces.groupby("kind").size() - weight.groupby(level="kind").size()).clip(lower=1)
    within = apart.groupby(pieces["kind"]).sum() / freedom
    means, weights = (_wide(table, told.index) for table in (mean, weight))
    acts = evidence[evidence["what"] == "acts"]
    if len(acts):
        # What speaks against us counts down. The square root evens out the spread of counts; none is evidence too.
        signed = (acts["fade"] * (2 * acts["position"] - 1)).groupby(acts["snapshot"]).sum()
        balance = signed.reindex(told.index, fill_value=0.0)
        means["acts"] = np.sign(balance) * np.sqrt(balance.abs())
        # one number for each snapshot, whose noise cannot be told from its own part
        weights["acts"], within["acts"] = 1.0, 0.0
    factor = fit_one_factor(means[told], weights[told], within.reindex(means.columns).fillna(0.0))
    if factor is None:
        return None
    # the factor has no unit; surveys have one that people know
    named = [name for name in SURVEYS if factor.loading.get(name, 0.0) > 0]
    unit = float((factor.loading[named] if named else factor.loading[factor.loading > 0]).mean())
    middle = float(moments.loc[told, "mean"].mean())
    # the interval is about today, the evidence about the months before
    reliability = _KEPT * (1 - factor.variance)
    position, half = middle + unit * factor.score, Z_95 * unit * np.sqrt(1 - reliability)
    columns = {"position": position, "low": position - half, "high": position + half}
    table = pd.DataFrame(columns | {"reliability": reliability}, index=told.index[told])
    return table.reindex(told.index)


def _wide(by_kind: pd.Series, snapshots: pd.Index) -> pd.DataFrame:
    flat = by_kind.rename("number").reset_index()
    return flat.pivot_table(index="snapshot", columns="kind", values="number").reindex(snapshots)
