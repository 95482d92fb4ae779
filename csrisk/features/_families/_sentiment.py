"""SurveySentiment: what customers say when asked, and what happens with their answers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals.stable.v2 as nw
import numpy as np

from csrisk._goals import Goal
from csrisk._snapshots import feedback
from csrisk.data._engines import exact, one, whole
from csrisk.features._families._polarity import Polarity, score_comments
from csrisk.features._family import Family, Measure, check_windows, per
from csrisk.features._panel._past import Facts, Past, latest, nothing, ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from csrisk.features._panel._rollups import Rollups

__all__ = ["SurveySentiment", "answer_day"]

Lazy = nw.LazyFrame[Any]
# direction: a high score of effort made easy (CES 1 to 7) is as good as a high NPS or CSAT
_KINDS = {"nps": "NPS", "csat": "CSAT", "ces": "CES"}


@dataclass(frozen=True)
class SurveySentiment(Family):
    """What customers say when asked, and what happens with their answers.

    Parameters
    ----------
    window : int, default 365
        Days looked back for scores and comments.
    loop_windows : tuple of int, default (90, 180, 365)
        Days looked back for what was asked, answered, acknowledged and acted on.
    patience : int, default 14
        Days after which a survey without an answer counts as not answered.
    polarity : callable, optional
        Takes texts and gives a number from -1 (unkind) to 1 (kind) for each, NaN where it cannot tell. None takes the
        English lexicon of TextBlob where it is installed (the extra ``text``), else comments are not scored.

    Raises
    ------
    FeatureError
        If a window is no positive whole number of days, or polarity breaks its promise.

    Notes
    -----
    A score counts from the day of the answer; where the table has no ``answered_at``, from ``known_at``. A score with
    neither counts as no answer, as nobody can tell when it was given. Scores on one second are averaged. Without an
    answer, scores are NaN; without a survey sent, rates are NaN, and so are the surveys without an answer in a row.
    Without the column ``answered_at`` both are NaN, not 0. A score without ``kind`` is not used, as nobody can
    tell its scale. Promoters answer 9 or 10, detractors 0 to 6 (Reichheld, "The One Number You Need to Grow", Harvard
    Business Review, December 2003). Loops are asked, answered, acknowledged, acted on.

    Examples
    --------
    >>> from csrisk.features import SurveySentiment
    >>> [feature.name for feature in SurveySentiment().features][:3]
    ['nps_last', 'nps_mean_365d', 'nps_change_365d']
    """

    window: int = 365
    loop_windows: tuple[int, ...] = (90, 180, 365)
    patience: int = 14
    polarity: Polarity | None = None
    goal: ClassVar[Goal] = Goal.ADVOCACY
    table: ClassVar[str] = "surveys"

    def __post_init__(self) -> None:
        check_windows("SurveySentiment", window=self.window, loop_windows=self.loop_windows, patience=self.patience)

    def _measures(self) -> Iterator[Measure]:
        yield from self._scores()
        yield from self._loops()

    def _scores(self) -> Iterator[Measure]:
        make, w = self._measure, self.window
        for kind, words in _KINDS.items():
            yield make(f"{kind}_last", "score", f"Last {words} answer {{value}}", f"{kind}_last", -1)
            yield make(
                f"{kind}_mean_{w}d", "score", f"Mean {words} of {w} days {{value}}", f"{kind}_mean", -1, window=w
            )
            yield make(
                f"{kind}_change_{w}d",
                "score",
                f"Last {words} answer against the earlier ones of {w} days: {{value}}",
                f"{kind}_change",
                -1,
                window=w,
            )
        yield make(
            f"promoter_share_{w}d",
            "share",
            f"{{value}} promoters among NPS answers of {w} days",
            per("promoters", "nps_n"),
            -1,
            window=w,
        )
        yield make(
            f"detractor_share_{w}d",
            "share",
            f"{{value}} detractors among NPS answers of {w} days",
            per("detractors", "nps_n"),
            1,
            window=w,
        )
        yield make(
            "comment_polarity_last", "score", "Last comment {value} on a scale from \u22121 to 1", "polarity_last", -1
        )
        yield make(
            f"comment_polarity_{w}d",
            "score",
            f"Comments of {w} days {{value}} on a scale from \u22121 to 1",
            "polarity_mean",
            -1,
            window=w,
        )
        yield make("days_since_survey", "days", "Last answered a survey {value} ago", "recency", 1)

    def _loops(self) -> Iterator[Measure]:
        for w in self.loop_windows:
            yield from self._loops_of(w)
        make, loop = self._measure, Goal.FEEDBACK
        yield make(
            "unanswered_in_a_row", "count", "{value} surveys without an answer in a row", "unanswered", 1, goal=loop
        )
        w = max(self.loop_windows)
        yield make(
            "oldest_open_loop_days",
            "days",
            f"An answer of {w} days waits for action for {{value}}",
            "open_loop",
            1,
            window=w,
            goal=loop,
        )

    def _loops_of(self, w: int) -> Iterator[Measure]:
        make = partial(self._measure, window=w, goal=Goal.FEEDBACK)
        yield make(
            f"survey_response_rate_{w}d",
            "share",
            f"Answered {{value}} of the surveys of {w} days, without those of the last {self.patience} days that wait",
            per(f"answered_{w}", f"asked_{w}"),
            -1,
        )
        yield make(f"surveys_sent_{w}d", "count", f"Asked {{value}} times in {w} days", f"sent_{w}")
        yield make(
            f"hours_to_acknowledge_{w}d",
            "hours",
            f"{{value}} from answer to acknowledgement in {w} days",
            per(f"acknowledge_hours_{w}", f"acknowledged_timed_{w}"),
            1,
        )
        yield make(
            f"days_to_act_{w}d",
            "days",
            f"{{value}} from answer to action in {w} days",
            per(f"act_days_{w}", f"acted_timed_{w}"),
            1,
        )
        yield make(
            f"loops_acknowledged_share_{w}d",
            "share",
            f"{{value}} of the answers of {w} days acknowledged",
            per(f"acknowledged_{w}", f"acknowledgeable_{w}"),
            -1,
        )
        yield make(
            f"loops_closed_share_{w}d",
            "share",
            f"{{value}} of the answers of {w} days acted on, or declined with a reason",
            per(f"closed_{w}", f"closable_{w}"),
            -1,
        )

    def _facts(self, past: Past) -> Facts:
        facts = nothing(past)
        if "surveys" in past.data.tables:
            facts.update(self._score_facts(past))
            facts.update(self._comment_facts(past))
            facts.update(self._loop_facts(past))
            facts.update(self._asked_facts(past))
        return facts

    def _score_facts(self, past: Past) -> Facts:
        answers = past.rollups.get("answers", _answers)
        facts: Facts = {}
        score, age = nw.col("score"), nw.col("age")
        for kind in _KINDS:
            seen = past.seen(answers.filter(nw.col("kind") == kind, ~score.is_null()))
            sums = [exact(score).alias("total"), whole(age * 0 + 1).alias("n")]
            last = past.home(latest(seen, "moment", *sums, age.max()))
            inside = seen.filter(age <= self.window).group_by("snapshot")
            if kind == "nps":
                sums += [
                    whole(one(score >= 9)).alias("promoters"),
                    whole(one(score <= 6)).alias("detractors"),
                ]
            window = past.home(inside.agg(*sums))
            facts[f"{kind}_last"] = ratio(last["total"], last["n"])
            facts[f"{kind}_n"] = np.nan_to_num(window["n"])
            facts[f"{kind}_mean"] = ratio(window["total"], window["n"])
            # the earlier ones are the window without the last answer, which must lie in it
            others = window["n"] - last["n"]
            earlier = ratio(window["total"] - last["total"], others)
            facts[f"{kind}_change"] = np.where(last["age"] <= self.window, facts[f"{kind}_last"] - earlier, np.nan)
            facts |= {name: window[name] for name in ("promoters", "detractors") if name in window}
        recency = past.seen(answers).group_by("snapshot").agg(age.min().alias("recency"))
        return facts | past.home(recency)

    def _comment_facts(self, past: Past) -> Facts:
        polarity, age = nw.col("polarity"), nw.col("age")
        # two builders with other polarities share the roll-ups, and must not share the scores
        comments = past.rollups.get(f"comments_{id(self.polarity)}", _comments(self.polarity))
        seen = past.seen(comments)
        sums = [exact(polarity).alias("total"), whole(one(~polarity.is_null())).alias("n")]
        last = past.home(latest(seen, "moment", *sums))
        inside = past.home(seen.filter(age <= self.window).group_by("snapshot").agg(*sums))
        return {
            "polarity_last": ratio(last["total"], last["n"]),
            "polarity_mean": ratio(inside["total"], inside["n"]),
        }

    def _loop_facts(self, past: Past) -> Facts:
        seen, age = past.seen(past.rollups.get("answers", _answers)), nw.col("age")
        acknowledged, acted = (~nw.col(f"{name}_at_day").is_null() for name in ("acknowledged", "acted"))
        moment, hour = nw.col("moment"), 3600
        waits = (nw.col("acknowledged_at_second") - moment).cast(nw.Float64) / hour
        # cast before dividing: seconds are whole numbers, which some engines divide without rest
        acts = (nw.col("acted_at_second") - moment).cast(nw.Float64) / (24 * hour)
        timed = nw.col("timed")
        closed = ~nw.col("closed_at_day").is_null()
        sums: list[nw.Expr] = [nw.when(~closed, age <= max(self.loop_windows)).then(age).max().alias("open_loop")]
        for w in self.loop_windows:
            inside = age <= w
            sums += [
                whole(one(inside)).alias(f"answers_{w}"),
                whole(one(inside & acknowledged)).alias(f"acknowledged_{w}"),
                whole(one(inside & closed)).alias(f"closed_{w}"),
                whole(one(inside & acknowledged & timed)).alias(f"acknowledged_timed_{w}"),
                whole(one(inside & acted & timed)).alias(f"acted_timed_{w}"),
                exact(nw.when(inside & acknowledged & timed).then(waits)).alias(f"acknowledge_hours_{w}"),
                exact(nw.when(inside & acted & timed).then(acts)).alias(f"act_days_{w}"),
            ]
        facts = past.home(seen.group_by("snapshot").agg(*sums))
        # a loop ends by an action or a reasoned no: without either column none was ever closed
        ends = past.evidence("surveys", "acted_at") | past.evidence("surveys", "declined_at")
        for name, given in (("acknowledgeable", past.evidence("surveys", "acknowledged_at")), ("closable", ends)):
            facts |= {f"{name}_{w}": np.where(given, facts[f"answers_{w}"], np.nan) for w in self.loop_windows}
        facts["open_loop"] = np.where(ends, facts["open_loop"], np.nan)
        return facts

    def _asked_facts(self, past: Past) -> Facts:
        rolled = past.rollups.get("surveys", _surveys)
        seen, age = past.seen(rolled), nw.col("age")
        answered = ~nw.col("answered_day").is_null()
        # who was asked a few days ago may still answer, and is not counted among those who did not
        ripe = answered | (age > self.patience)
        sums = []
        for w in self.loop_windows:
            inside = age <= w
            sums += [
                whole(one(inside)).alias(f"sent_{w}"),
                whole(one(inside & ripe)).alias(f"asked_{w}"),
                whole(one(inside & answered)).alias(f"answered_{w}"),
            ]
        sums.append(whole(age * 0 + 1).alias("ever"))
        facts = past.counts(seen.group_by("snapshot").agg(*sums), "surveys")
        # in a row: those asked after the last one that was answered
        last = seen.filter(answered).group_by("snapshot").agg(nw.col("moment").max().alias("last"))
        later = seen.filter(~answered, age > self.patience).join(last, on="snapshot", how="left")
        later = later.filter(nw.col("last").is_null() | (nw.col("moment") > nw.col("last")))
        row = later.group_by("snapshot").agg(whole(age * 0 + 1).alias("unanswered"))
        facts |= past.counts(row, "surveys")
        # who answers is unknown without the time of answers, and of who was never asked
        told = past.data.given("surveys", "answered_at")
        for name in (*(f"answered_{w}" for w in self.loop_windows), "unanswered"):
            facts[name] = np.where(told & (facts["ever"] > 0), facts[name], np.nan)
        return facts


def _surveys(rollups: Rollups) -> Lazy:
    """Surveys by the day on which they were sent, with the day on which the answer counts."""
    return (
        feedback(rollups.data)
        .filter(nw.col("asked") == 1)
        .select(
            "account",
            "day",
            "known",
            nw.col("sent_at_second").alias("moment"),
            answer_day(rollups).alias("answered_day"),
        )
    )


def _answers(rollups: Rollups) -> Lazy:
    """Answers by the day from which they count."""
    # without the moment of the answer hours until an acknowledgement cannot be told
    timed = ~nw.col("answered_at_second").is_null()
    moment = nw.when(timed).then(nw.col("answered_at_second")).otherwise(nw.col("sent_at_second"))
    rows = feedback(rollups.data).with_columns(
        answer_day(rollups).alias("answer"),
        moment.alias("moment"),
        timed.alias("timed"),
    )
    return rows.filter(~nw.col("answer").is_null()).select(
        "account",
        nw.col("answer").alias("day"),
        nw.max_horizontal("answer", "known").alias("known"),
        "kind",
        "score",
        "comment",
        "moment",
        "timed",
        "acknowledged_at_day",
        "acknowledged_at_second",
        "acted_at_day",
        "acted_at_second",
        "closed_at_day",
    )


def _comments(polarity: Polarity | None) -> Callable[[Rollups], Lazy]:
    """Comments with their polarity; each different text is scored once, outside of the engine."""

    def make(rollups: Rollups) -> Lazy:
        engine, rows = rollups.data.engine, rollups.get("answers", _answers)
        rows = rows.filter(~nw.col("comment").is_null())
        texts = engine.collect(rows.select("comment").unique())["comment"]
        # without a single comment the column has no type of its own
        # sorted, as engines give distinct texts in any order
        scored = engine.from_pandas(score_comments(sorted(texts), polarity)).with_columns(
            nw.col("comment").cast(nw.String)
        )
        return rows.join(scored, on="comment", how="inner").select("account", "day", "known", "moment", "polarity")

    return make


def answer_day(rollups: Rollups) -> nw.Expr:
    """Day from which an answer counts; null without one."""
    if rollups.data.given("surveys", "answered_at"):
        return nw.col("answered_at_day")
    # without the time of the answer a score counts from the day on which it became known, if that is told
    stated = ~nw.col("score").is_null() & ~nw.col("known_at_day").is_null()
    return nw.when(stated).then(nw.col("known"))
