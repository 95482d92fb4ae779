"""People: who stands for us at the customer, who left, and who has gone silent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals.stable.v2 as nw
import numpy as np

from csrisk._goals import Goal
from csrisk._snapshots import uses
from csrisk.data._engines import one, whole
from csrisk.features._family import Family, Measure, check_windows
from csrisk.features._panel._past import Array, Facts, Past, nothing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from csrisk.features._panel._rollups import Rollups

__all__ = ["People", "roles"]

Lazy = nw.LazyFrame[Any]
_COVERED = ("sponsor", "champion", "decider", "admin")


@dataclass(frozen=True)
class People(Family):
    """Who stands for us at the customer: sponsor, champion, decider and admin, changes among them and silence.

    Parameters
    ----------
    window : int, default 180
        Days looked back for champions who left.

    Raises
    ------
    FeatureError
        If the window is no positive whole number of days.

    Notes
    -----
    Reads the table `people`; without it, or before its first role was known, every feature is NaN. A role is known from
    its beginning, its end from ``to_at`` and ``known_at``. A sponsor is silent since the last contact that names the
    person (a meeting missed is none) or use by that person, and at most since taking the role; NaN without either.

    Examples
    --------
    >>> from csrisk.features import People
    >>> [feature.name for feature in People().features][:2]
    ['sponsor_known', 'days_since_sponsor_change']
    """

    window: int = 180
    goal: ClassVar[Goal] = Goal.CHURN
    reads: ClassVar[tuple[str, ...]] = ("people.role",)

    def __post_init__(self) -> None:
        check_windows("People", window=self.window)

    def _measures(self) -> Iterator[Measure]:
        make, w = self._measure, self.window
        yield make("sponsor_known", "count", "{value} people known who sponsor us", "sponsors", -1)
        change = "The sponsor changed {value} ago"
        yield make("days_since_sponsor_change", "days", change, "since_change", -1)
        silent = "No contact with the sponsor and no use by them for {value}"
        yield make("sponsor_silent_days", "days", silent, "silent", 1)
        covered = "{value} of sponsor, champion, decider and admin known"
        yield make("roles_covered", "count", covered, "covered", -1)
        left = f"{{value}} people stopped being our champion in {w} days"
        yield make(f"champion_left_{w}d", "count", left, "champions_left", 1, window=w)

    def _facts(self, past: Past) -> Facts:
        facts = nothing(past)
        if "people" not in past.data.tables:
            return facts
        seen = past.seen(past.rollups.get("people", roles))
        role, day, left, cut = (nw.col(name) for name in ("role", "day", "to_at_day", "cut"))
        now, sponsor = left.is_null(), role == "sponsor"
        gone = (role == "champion") & (left >= cut - self.window)
        sums = [whole(one(now & sponsor)).alias("sponsors"), whole(one(gone)).alias("champions_left")]
        sums += [nw.when(now & (role == name)).then(nw.lit(1)).max().alias(f"has_{name}") for name in _COVERED]
        facts.update(past.counts(seen.group_by("snapshot").agg(*sums), "people", "role"))
        facts["covered"] = np.sum([facts[f"has_{name}"] for name in _COVERED], axis=0)
        of_sponsors = seen.filter(sponsor).group_by("snapshot")
        ages = [day.min().alias("first"), day.max().alias("latest"), left.max().alias("left")]
        # NaN where no sponsor ever changed
        facts["since_change"] = past.cut - _changed(past.home(of_sponsors.agg(*ages)))
        facts["silent"] = _silent(past, seen.filter(now & sponsor))
        return facts


def roles(rollups: Rollups) -> Lazy:
    """Roles of people by the day on which they were taken."""
    columns = ("account", "day", "known", "told", "to_at_day", "role", "person_id")
    return rollups.data.lazy("people").select(*columns)


def _changed(found: Facts) -> Array:
    """Day on which a sponsor left, or another one came after the first."""
    # the first sponsor is no change
    came = np.where(found["latest"] > found["first"], found["latest"], np.nan)
    # fmax: where nobody left or nobody came the other day counts
    return np.fmax(came, found["left"])


def _silent(past: Past, sponsors: Lazy) -> Array:
    """Days since the sponsor who was heard last took part in a contact, used the product, or took the role."""
    signs = past.rollups.get("sponsor_signs", _signs) if _tells(past.rollups) else None
    if signs is None:
        return np.full(len(past.index), np.nan)
    heard = past.seen(signs).group_by("snapshot", "person_id").agg(nw.col("age").min().alias("heard"))
    named = sponsors.filter(~nw.col("person_id").is_null()).select("snapshot", "person_id", nw.col("age").alias("held"))
    both = named.join(heard, on=["snapshot", "person_id"], how="left")
    # the least of two is null on SQLite where either is
    later = nw.when(nw.col("heard") < nw.col("held")).then(nw.col("heard")).otherwise(nw.col("held"))
    found = past.home(both.group_by("snapshot").agg(later.min().alias("silent")))
    told = past.evidence("contacts", "person_id") | past.evidence("usage", "user_id")
    return np.where(told, found["silent"], np.nan)


def _tells(rollups: Rollups) -> bool:
    return rollups.data.has("contacts", "person_id") or rollups.data.has("usage", "user_id")


def _signs(rollups: Rollups) -> Lazy:
    """Days with a contact or use of people who sponsor us at some time."""
    data, parts = rollups.data, []
    if data.has("contacts", "person_id"):
        # a contact that does not state whether they came took place
        came = data.lazy("contacts").filter(nw.col("attended").fill_null(value=True))
        parts.append(came.select("account", "day", "known", "person_id"))
    if data.has("usage", "user_id"):
        parts.append(uses(data).select("account", "day", "known", nw.col("user_id").alias("person_id")))
    sponsors = rollups.get("people", roles).filter(nw.col("role") == "sponsor", ~nw.col("person_id").is_null())
    rows = nw.concat(parts) if len(parts) > 1 else parts[0]
    # sponsors alone: all people of the book by day would be a far larger table
    theirs = rows.join(sponsors.select("account", "person_id").unique(), on=["account", "person_id"], how="inner")
    return theirs.group_by("account", "person_id", "day").agg(nw.col("known").min())
