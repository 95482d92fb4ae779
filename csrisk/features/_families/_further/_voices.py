"""Voices: what users say, and what those say who decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals.stable.v2 as nw

from csrisk._goals import Goal
from csrisk._snapshots import feedback, uses
from csrisk.data._engines import exact, one, whole
from csrisk.features._families._further._people import roles
from csrisk.features._families._sentiment import answer_day
from csrisk.features._family import Family, Measure, check_windows, per
from csrisk.features._panel._past import Facts, Past, nothing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from csrisk.features._panel._rollups import Rollups

__all__ = ["Voices"]

Lazy = nw.LazyFrame[Any]
_DECIDE = ("sponsor", "decider")


@dataclass(frozen=True)
class Voices(Family):
    """How many people answer, and what users and those who decide say of us.

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
    Reads ``respondent`` of the surveys and the table `people`. Who is or was sponsor or decider decides; who used the
    product (``user_id``) or has any other known role is a user. A score of a person of neither kind counts for neither.

    Examples
    --------
    >>> from csrisk.features import Voices
    >>> [feature.name for feature in Voices().features][:2]
    ['respondents_365d', 'nps_users_365d']
    """

    window: int = 365
    goal: ClassVar[Goal] = Goal.ADVOCACY
    reads: ClassVar[tuple[str, ...]] = ("people.role", "surveys.respondent")
    reads_all: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_windows("Voices", window=self.window)

    def _measures(self) -> Iterator[Measure]:
        make, w = self._measure, self.window
        said = f"{{value}} people answered in {w} days"
        yield make(f"respondents_{w}d", "count", said, "respondents", -1, window=w, goal=Goal.FEEDBACK)
        users, deciders = per("nps_users", "n_users"), per("nps_deciders", "n_deciders")
        yield make(f"nps_users_{w}d", "score", f"Users give {{value}} (NPS) in {w} days", users, -1, window=w)
        those = f"Those who decide give {{value}} (NPS) in {w} days"
        yield make(f"nps_deciders_{w}d", "score", those, deciders, -1, window=w)
        gap = f"Those who decide give {{value}} more than users (NPS) in {w} days"
        yield make(f"nps_decider_gap_{w}d", "score", gap, lambda f: deciders(f) - users(f), -1, window=w)

    def _facts(self, past: Past) -> Facts:
        facts = nothing(past)
        if "people" not in past.data.tables or "surveys" not in past.data.tables:
            return facts
        seen = past.seen(past.rollups.get("voices", _answers), self.window)
        people = seen.select("snapshot", "respondent").unique().group_by("snapshot")
        counted = people.agg(whole(nw.col("snapshot") * 0 + 1).alias("respondents"))
        facts.update(past.counts(counted, "surveys", "respondent"))
        role, who = nw.col("role"), ["snapshot", "respondent"]
        # roles as they were known at the snapshot, those that ended too
        named = past.seen(past.rollups.get("people", roles)).filter(~nw.col("person_id").is_null(), ~role.is_null())
        decide = one(role.is_in(list(_DECIDE))).max().alias("decides")
        held = named.group_by("snapshot", "person_id").agg(decide).rename({"person_id": "respondent"})
        rows = seen.filter(nw.col("kind") == "nps", ~nw.col("score").is_null()).join(held, on=who, how="left")
        decides, uses_it = nw.col("decides") == 1, nw.col("decides") == 0
        if past.data.has("usage", "user_id"):
            used = past.seen(past.rollups.get("voices_users", _users)).select(*who, nw.lit(1).alias("used"))
            rows = rows.join(used, on=who, how="left")
            # a role says more than use: a sponsor who logs in stays one who decides
            uses_it = uses_it | (nw.col("decides").is_null() & (nw.col("used") == 1))
        sums = [
            expression
            for name, which in (("deciders", decides), ("users", uses_it))
            for expression in (
                exact(nw.when(which).then(nw.col("score"))).alias(f"nps_{name}"),
                whole(one(which)).alias(f"n_{name}"),
            )
        ]
        facts.update(past.home(rows.group_by("snapshot").agg(*sums)))
        return facts


def _answers(rollups: Rollups) -> Lazy:
    """Answers that name who gave them, by the day from which they count."""
    rows = feedback(rollups.data).with_columns(answer_day(rollups).alias("answer"))
    return rows.filter(~nw.col("answer").is_null(), ~nw.col("respondent").is_null()).select(
        "account",
        nw.col("answer").alias("day"),
        nw.max_horizontal("answer", "known").alias("known"),
        "kind",
        "score",
        "respondent",
    )


def _users(rollups: Rollups) -> Lazy:
    """First known use of each person who ever answered."""
    asked = rollups.get("voices", _answers).select("account", "respondent").unique()
    rows = uses(rollups.data).select("account", nw.col("user_id").alias("respondent"), "day", "known")
    first = nw.max_horizontal("day", "known").min()
    # people who never answered are of no use here
    theirs = rows.join(asked, on=["account", "respondent"], how="inner").group_by("account", "respondent")
    return theirs.agg(first.alias("day")).with_columns(nw.col("day").alias("known"))
