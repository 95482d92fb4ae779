"""What speaks of the happiness of a customer: dated pieces of evidence, each with a position from 0 to 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._snapshots import seen

if TYPE_CHECKING:
    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData

__all__ = ["SCALES", "SURVEYS", "WHAT", "collect_evidence"]

WHAT = ("scores", "comments", "acts", "escalations", "promises", "trend")
SURVEYS = ("nps", "csat", "ces")
SCALES = {"nps": (0.0, 10.0), "csat": (1.0, 5.0), "ces": (1.0, 7.0)}
_WEIGHTS = {"scores": 1.0, "comments": 0.5, "acts": 1.0, "escalations": 1.0, "promises": 0.5, "trend": 0.5}


def collect_evidence(data: CustomerData, snapshots: Snapshots, window: int, half_life: int) -> pd.DataFrame:
    """Collect every piece of evidence that each snapshot may see."""
    pieces = [
        _answers(data, snapshots, window),
        _comments(data, snapshots, window),
        _acts(data, snapshots, window),
        _escalations(data, snapshots, window),
        _promises(data, snapshots, window),
        _trend(data, snapshots),
    ]
    out = pd.concat(pieces, ignore_index=True)
    out["fade"] = np.exp2(-out["age"] / half_life)
    out["weight"] = out["what"].map(dict(_WEIGHTS)).astype(float) * out["fade"] * out["share"]
    return out.drop(columns=["age", "share"])


def _piece(
    rows: pd.DataFrame,
    what: str,
    position: pd.Series | float,
    *,
    kind: pd.Series | None = None,
    count: pd.Series | int = 1,
    share: pd.Series | float = 1.0,
) -> pd.DataFrame:
    columns = {"snapshot": rows["snapshot"], "age": rows["age"], "position": position, "count": count, "share": share}
    piece = pd.DataFrame(columns).astype(
        {"snapshot": "int64", "age": float, "position": float, "count": "int64", "share": float}
    )
    return piece.assign(what=what, kind=what if kind is None else kind)


def _answers(data: CustomerData, snapshots: Snapshots, days: int) -> pd.DataFrame:
    rows = seen(data, snapshots, "surveys", ["kind", "score", "answered_at_day"], window=days)
    kind = rows["kind"].astype("str").str.lower()
    rows = rows[rows["answered_at_day"].notna() & rows["score"].notna() & kind.isin(list(SCALES))]
    kind = kind.reindex(rows.index)
    low = kind.map({name: scale[0] for name, scale in SCALES.items()}).astype(float)
    high = kind.map({name: scale[1] for name, scale in SCALES.items()}).astype(float)
    position = ((rows["score"].astype(float) - low) / (high - low)).clip(0, 1)
    return _piece(rows, "scores", position, kind=kind)


def _comments(data: CustomerData, snapshots: Snapshots, days: int) -> pd.DataFrame:
    if not data.has("surveys", "comment"):
        return _piece(seen(data, snapshots, "none", []), "comments", 0.0)
    try:
        from csrisk.features import english_polarity

        rows = seen(data, snapshots, "surveys", ["comment", "answered_at_day"], window=days)
        rows = rows[rows["answered_at_day"].notna() & rows["comment"].notna()]
        # each different text is scored once
        texts = sorted(set(rows["comment"]))
        polarity = pd.Series(english_polarity(texts), index=texts, dtype="float64")
    # TextBlob is an extra; without it comments are no evidence
    except ImportError:
        return _piece(seen(data, snapshots, "none", []), "comments", 0.0)
    # mapped text stays text where no comment lies in the window
    told = rows.assign(position=(rows["comment"].map(polarity).astype(np.float64) + 1) / 2).dropna(subset="position")
    return _piece(told, "comments", told["position"])


def _acts(data: CustomerData, snapshots: Snapshots, days: int) -> pd.DataFrame:
    rows = seen(data, snapshots, "advocacy", ["sign"], window=days)
    rows = rows[rows["sign"] != 0]
    return _piece(rows, "acts", (rows["sign"] > 0).astype(float))


def _escalations(data: CustomerData, snapshots: Snapshots, days: int) -> pd.DataFrame:
    """All cases of a snapshot weigh as one piece, as large customers have more cases and are not less happy for it."""
    rows = seen(data, snapshots, "contacts", ["transfers", "reopened", "resolved_at_day"], window=days)
    rows = rows[rows["resolved_at_day"].notna() & (rows["transfers"].notna() | rows["reopened"].notna())]
    # What is final only when a case closes counts from then on.
    escalated = (rows["transfers"] >= 2) | rows["reopened"].astype("boolean").fillna(False).astype(bool)
    share = 1 / rows.groupby("snapshot")["age"].transform("size")
    return _piece(rows, "escalations", 1.0 - escalated, count=escalated.astype("int64"), share=share)


def _promises(data: CustomerData, snapshots: Snapshots, days: int) -> pd.DataFrame:
    """Take promises that were met, missed or fell due; one not due yet, or taken back, says nothing."""
    rows = seen(data, snapshots, "expectations", ["due_at_day", "met_at_day", "closed_at_day", "outcome"], window=days)
    # what was taken back is neither kept nor broken; what was missed is closed and counts
    rows = rows[rows["closed_at_day"].isna() | rows["outcome"].eq("missed").fillna(value=False)]
    day = snapshots.index.get_level_values("as_of").to_numpy().astype("datetime64[D]").astype(np.int64)
    overdue = day[rows["snapshot"].to_numpy(dtype=np.int64)] - rows["due_at_day"].to_numpy(dtype=float, na_value=np.nan)
    met = rows["met_at_day"].notna()
    settled = met | (overdue > 0)
    # a promise speaks from its due day on; without one, or met before it, it is fresh
    found = rows.assign(age=np.clip(np.nan_to_num(overdue), 0, None))[settled]
    return _piece(found, "promises", met[settled].astype(float))


def _trend(data: CustomerData, snapshots: Snapshots) -> pd.DataFrame:
    rows = seen(data, snapshots, "usage", [], window=60)
    trend = rows.assign(recent=rows["age"] <= 30).groupby("snapshot", as_index=False).agg(recent=("recent", "mean"))
    return _piece(trend.assign(age=0.0), "trend", trend["recent"], count=0)
