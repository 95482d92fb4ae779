"""The happiness continuum: where a customer stands between walkaway angry and gushing promoter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._days import Duration, whole_days
from csrisk.exceptions import ConfigError
from csrisk.success._seen import at_data_end, seen

if TYPE_CHECKING:
    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData

__all__ = ["HAPPINESS_STAGES", "happiness"]

HAPPINESS_STAGES = ("walkaway angry", "unhappy", "neutral", "happy", "gushing promoter")
_SCALES = {"nps": (0.0, 10.0), "csat": (1.0, 5.0), "ces": (1.0, 7.0)}
_WEIGHTS = {"scores": 1.0, "comments": 0.5, "acts": 1.0, "escalations": 1.0, "trend": 0.5}
_SPREAD = 0.2  # standard deviation of one piece of evidence, where a book is too small to tell
_ENOUGH = 20  # snapshots with evidence from which the book tells its own spread


def happiness(
    data: CustomerData,
    snapshots: Snapshots | None = None,
    *,
    window: Duration = "365D",
    half_life: Duration = "120D",
    at_least: float = 1.0,
) -> pd.DataFrame:
    """Place each snapshot on the happiness continuum, with an interval and the evidence it rests on.

    Each piece of evidence has a position from 0 to 1 and a weight that halves every `half_life`: survey answers (NPS
    over 0-10, CSAT over 1-5, CES over 1-7; weight 1), polarity of comments where TextBlob is installed (weight 0.5),
    acts of advocacy (position 1, weight 1), closed cases, all together (position: share of those that were neither
    handed on twice nor reopened, weight 1), and the trend of use, 30 days against the 30 before (weight 0.5).

    The weighted mean of an account is drawn towards the mean of the book by as much as its evidence is noisy: the
    empirical Bayes estimate of Morris (1983), which also gives the interval. Spread within and between accounts is
    estimated from the snapshots handed in, so score the whole book, not a part of it.

    Parameters
    ----------
    data : CustomerData
        The tables.
    snapshots : Snapshots, optional
        Who is seen when; by default the accounts that run at ``data.end``.
    window : str or int, default "365D"
        How far to look back.
    half_life : str or int, default "120D"
        Age at which evidence counts half.
    at_least : float, default 1.0
        Evidence (sum of weights without the trend of use) below which the position is unknown, not neutral.

    Returns
    -------
    pandas.DataFrame
        On ``snapshots.index``: ``position`` (0 walkaway angry to 1 gushing promoter), ``low`` and ``high`` (95 %),
        ``stage`` (fifths of the continuum), ``evidence`` (sum of weights), and the counts ``scores, comments, acts,
        escalations``.

    Raises
    ------
    ConfigError
        If `at_least` is not positive.

    References
    ----------
    Morris, C. N. (1983). Parametric empirical Bayes inference: theory and applications. Journal of the American
    Statistical Association 78, 47-55.

    Examples
    --------
    >>> from csrisk.data import make_saas
    >>> from csrisk.success import happiness
    >>> table = happiness(make_saas(60, 12, seed=1).data())
    >>> bool(table["position"].dropna().between(0, 1).all())
    True
    """
    if at_least <= 0:
        raise ConfigError(f"at_least={at_least!r} must be positive; without evidence a position is unknown")
    snapshots = at_data_end(data, snapshots)
    days, half = whole_days(window, "window", minimum=1), whole_days(half_life, "half_life", minimum=1)
    pieces = [
        _answers(data, snapshots, days),
        _comments(data, snapshots, days),
        _acts(data, snapshots, days),
        _escalations(data, snapshots, days),
    ]
    pieces.append(_trend(data, snapshots))
    evidence = pd.concat(pieces, ignore_index=True)
    evidence["weight"] = evidence["what"].map(dict(_WEIGHTS)).astype(float) * np.exp2(-evidence["age"] / half)
    moments = _moments(evidence, len(snapshots))
    told = moments["weight"] - moments["trend"] >= at_least
    table = _shrunk(moments.mask(~told)).assign(evidence=moments["weight"])
    counts = evidence.pivot_table(index="snapshot", columns="what", values="count", aggfunc="sum", fill_value=0)
    counts = counts.reindex(index=table.index, columns=list(_WEIGHTS)[:4], fill_value=0)
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
    n_pieces = weight**2 / sums["ww"]
    spread = (sums["xx"] / weight - mean**2).clip(lower=0) * n_pieces
    return pd.DataFrame(
        {"weight": sums["weight"], "trend": sums["trend"], "mean": mean, "pieces": n_pieces, "spread": spread}
    )


def _shrunk(moments: pd.DataFrame) -> pd.DataFrame:
    told = moments.dropna(subset="mean")
    freedom = (told["pieces"] - 1).clip(lower=0).sum()
    within = told["spread"].sum() / freedom if len(told) >= _ENOUGH and freedom > 0 else _SPREAD**2
    noise = max(within, 1e-4) / moments["pieces"]
    between = np.inf
    if len(told) >= _ENOUGH:
        between = max(float(told["mean"].var() - noise.reindex(told.index).mean()), 1e-6)
    pull = noise / (noise + between) if np.isfinite(between) else 0.0 * noise
    position = (1 - pull) * moments["mean"] + pull * told["mean"].mean()
    half = 1.96 * np.sqrt((1 - pull) * noise)
    top = len(HAPPINESS_STAGES) - 1
    code = np.floor(position.fillna(-1.0).to_numpy() * (top + 1)).clip(-1, top).astype(np.int64)
    stage = pd.Series(
        pd.Categorical.from_codes(code, dtype=pd.CategoricalDtype(list(HAPPINESS_STAGES), ordered=True)),
        index=position.index,
    )
    return pd.DataFrame(
        {
            "position": position,
            "low": (position - half).clip(0, 1),
            "high": (position + half).clip(0, 1),
            "stage": stage,
        }
    )


def _piece(rows: pd.DataFrame, what: str, position: pd.Series | float, count: pd.Series | int = 1) -> pd.DataFrame:
    piece = pd.DataFrame({"snapshot": rows["snapshot"], "age": rows["age"], "position": position, "count": count})
    return piece.astype({"snapshot": "int64", "age": float, "position": float, "count": "int64"}).assign(what=what)


def _answers(data: CustomerData, snapshots: Snapshots, days: int) -> pd.DataFrame:
    rows = seen(data, snapshots, "surveys", ["kind", "score", "answered_at_day"], window=days)
    kind = rows["kind"].astype("str").str.lower()
    rows = rows[rows["answered_at_day"].notna() & rows["score"].notna() & kind.isin(list(_SCALES))]
    kind = kind.reindex(rows.index)
    low = kind.map({name: scale[0] for name, scale in _SCALES.items()}).astype(float)
    high = kind.map({name: scale[1] for name, scale in _SCALES.items()}).astype(float)
    position = ((rows["score"].astype(float) - low) / (high - low)).clip(0, 1)
    return _piece(rows, "scores", position)


def _comments(data: CustomerData, snapshots: Snapshots, days: int) -> pd.DataFrame:
    if not data.has("surveys", "comment"):
        return _piece(seen(data, snapshots, "none", []), "comments", 0.0)
    try:
        from csrisk.features import english_polarity

        rows = seen(data, snapshots, "surveys", ["comment", "answered_at_day"], window=days)
        rows = rows[rows["answered_at_day"].notna() & rows["comment"].notna()]
        texts = sorted(set(rows["comment"]))
        polarity = pd.Series(english_polarity(texts), index=texts, dtype="float64")
    except ImportError:
        return _piece(seen(data, snapshots, "none", []), "comments", 0.0)
    told = rows.assign(position=(rows["comment"].map(polarity) + 1) / 2).dropna(subset="position")
    return _piece(told, "comments", told["position"])


def _acts(data: CustomerData, snapshots: Snapshots, days: int) -> pd.DataFrame:
    return _piece(seen(data, snapshots, "advocacy", [], window=days), "acts", 1.0)


def _escalations(data: CustomerData, snapshots: Snapshots, days: int) -> pd.DataFrame:
    """One piece of evidence per snapshot, as large customers have more cases and are not less happy for it."""
    rows = seen(data, snapshots, "contacts", ["transfers", "reopened", "resolved_at_day"], window=days)
    rows = rows[rows["resolved_at_day"].notna() & (rows["transfers"].notna() | rows["reopened"].notna())]
    # What is final only when a case closes counts from then on.
    escalated = (rows["transfers"] >= 2) | rows["reopened"].astype("boolean").fillna(False).astype(bool)
    found = rows.assign(escalated=escalated).groupby("snapshot", as_index=False)
    cases = found.agg(age=("age", "mean"), share=("escalated", "mean"), count=("escalated", "sum"))
    return _piece(cases, "escalations", 1 - cases["share"], cases["count"])


def _trend(data: CustomerData, snapshots: Snapshots) -> pd.DataFrame:
    rows = seen(data, snapshots, "usage", [], window=60)
    trend = rows.assign(recent=rows["age"] <= 30).groupby("snapshot", as_index=False).agg(recent=("recent", "mean"))
    return _piece(trend.assign(age=0.0), "trend", trend["recent"], 0)
