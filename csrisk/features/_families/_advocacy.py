"""Advocacy: what customers say and do about the vendor in public, for and against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals.stable.v2 as nw

from csrisk._goals import Goal
from csrisk._snapshots import acts
from csrisk.data._engines import one, whole
from csrisk.features._family import Family, Measure, check_windows
from csrisk.features._panel._past import Facts, Past, nothing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from csrisk.features._panel._rollups import Rollups

__all__ = ["Advocacy"]

_KINDS = {"reference": "references", "referral": "referrals", "review": "reviews", "case_study": "case_studies"}


@dataclass(frozen=True)
class Advocacy(Family):
    """What customers do for the vendor in public, references, referrals, reviews, case studies, and what against.

    Parameters
    ----------
    window : int, default 365
        Days looked back.

    Raises
    ------
    FeatureError
        If the window is no positive whole number of days.

    Notes
    -----
    Without an advocacy table, or before its first row was known, every feature is NaN; an account without an act of
    advocacy counts 0, and its days since the last one are NaN. A stance says whether an act is for or against, without
    one a rating (1 and 2 stars against, 4 and 5 for), without that the kind; all else counts for neither.

    Examples
    --------
    >>> from csrisk.features import Advocacy
    >>> [feature.name for feature in Advocacy().features][:2]
    ['advocacy_acts_365d', 'references_365d']
    """

    window: int = 365
    goal: ClassVar[Goal] = Goal.ADVOCACY
    table: ClassVar[str] = "advocacy"

    def __post_init__(self) -> None:
        check_windows("Advocacy", window=self.window)

    def _measures(self) -> Iterator[Measure]:
        make, w = self._measure, self.window
        yield make(f"advocacy_acts_{w}d", "count", f"Spoke up for us {{value}} times in {w} days", "acts", -1, window=w)
        for kind, words in _KINDS.items():
            sentence = f"{{value}} {words.replace('_', ' ')} in {w} days"
            yield make(f"{words}_{w}d", "count", sentence, kind, -1, window=w)
        sentence = f"Spoke against us {{value}} times in {w} days"
        yield make(f"public_against_{w}d", "count", sentence, "against", 1, window=w)
        yield make("days_since_advocacy", "days", "Last spoke up for us {value} ago", "recency", 1)

    def _facts(self, past: Past) -> Facts:
        facts = nothing(past)
        if "advocacy" not in past.data.tables:
            return facts
        seen, age = past.seen(past.rollups.get("acts", _acts)), nw.col("age")
        inside, pro = age <= self.window, nw.col("sign") == 1
        sums = [whole(one(inside & pro)).alias("acts"), whole(one(inside & (nw.col("sign") == -1))).alias("against")]
        sums += [whole(one(inside & pro & (nw.col("kind") == kind))).alias(kind) for kind in _KINDS]
        by_snapshot = seen.group_by("snapshot")
        facts.update(past.counts(by_snapshot.agg(*sums), "advocacy"))
        facts.update(past.home(by_snapshot.agg(nw.when(pro).then(age).min().alias("recency"))))
        return facts


def _acts(rollups: Rollups) -> nw.LazyFrame[Any]:
    return acts(rollups.data).select("account", "day", "known", "kind", "sign")
