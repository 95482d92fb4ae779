"""What to do next for an account, read off its tables: open cases, open loops, promises, traps, unused features."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from csrisk._goals import Goal
from csrisk._snapshots import Snapshots, seen
from csrisk._text import day, number, percent
from csrisk.report._accounts._quadrant_steps import quadrant_steps
from csrisk.report._book import book_features
from csrisk.report._content import Step
from csrisk.report._names import clean
from csrisk.report._success._growth import offer_words
from csrisk.success import TRAPS, hard_cases, unused_features

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from csrisk.data import CustomerData
    from csrisk.report._accounts._standing import Standing
    from csrisk.report._book import Book

__all__ = ["make_next_steps"]

_MOST = 4
_MOST_BY_GOAL = 2
_AMONG = 2000
_RENEWAL_DAYS = 90
_YEAR = 365
_OFTEN, _BUSY = 3, 2.0
# of 10: up to here an answer to the NPS question is a detractor's
_DETRACTOR = 6
# lower bound: most similar accounts use it, beyond chance
_SURE = 0.5
_STALE_DAYS = 7
_AFTER_FIRE = 180
_TRAPS_AFTER = 2  # open cases and repeats come before the traps
_GOAL_OF_TRAP = {"one_user": Goal.FOOTPRINT, "champion_lost": Goal.FOOTPRINT, "asked_on": Goal.FEEDBACK}
# what the other steps say with counts of their own
_SAID_ELSEWHERE = frozenset({"never_acted"})
# in simulated worlds those inside have their goal raised no more often than others: `benchmarks/truth.py`
_POINT_NOWHERE = frozenset({"reactive", "too_many_handlers", "one_user", "empty_meetings", "asked_after_handover"})
_SEVERAL = 2  # one promise that is overdue, or one open case, says nothing; two do
_KNOWN = 10  # accounts from which one can speak of what is usual

# what measures a goal of which nothing was recorded for an account
_MEASURE = {
    Goal.CHURN: ("Call them", "neither a contract nor a contact of theirs was recorded"),
    Goal.FOOTPRINT: ("Check whether their use is logged, and call", "no use of theirs was ever recorded"),
    Goal.ADVOCACY: ("Ask what they think of us", "nothing recorded in a year tells it"),
    Goal.FEEDBACK: ("Ask for feedback, and act on it", "no survey and no feedback of theirs was recorded in a year"),
}

Found = tuple[int, Step]


@dataclass(frozen=True, slots=True)
class _Seen:
    """The first accounts of a book as snapshots, and where each stands in the book."""

    data: CustomerData
    snapshots: Snapshots
    place: np.ndarray[Any, Any]
    today: int
    all: Snapshots
    wider: Snapshots

    @property
    def place_of_all(self) -> pd.Series:
        """Place in the book of each snapshot of all; missing of those that are not among the first."""
        first = dict(zip(self.snapshots.index, self.place.tolist(), strict=True))
        return pd.Series([first.get(key) for key in self.all.index], dtype="float64")

    def rows(self, table: str, columns: list[str], window: int | None = None) -> pd.DataFrame:
        """Rows that the snapshots may see, with the place of their account in the book."""
        found = seen(self.data, self.snapshots, table, columns, window=window)
        return found.assign(place=self.place[found["snapshot"].to_numpy(np.int64)])


def make_next_steps(
    book: Book,
    data: CustomerData | None,
    count: int,
    standing: Standing | None = None,
    harmful: frozenset[str] = frozenset(),
    worth: pd.Series | None = None,
    *,
    fires_help: bool = False,
) -> tuple[tuple[Step, ...], ...]:
    """List for the first accounts of a book what their tables ask for.

    Every step rests on rows of the tables as they were known at the date; none of them was tested for its effect, but a
    relationship trap asks for a step only where those inside it left more often in the history of these tables. The
    goals that raise the risk of the account come first, and a goal gives two steps at most.
    """
    found: list[list[Step]] = [[] for _ in range(count)]
    for place, step in itertools.chain(_renewals(book, count), _unmeasured(book, count)):
        found[place].append(step)
    look = _look(book, data, count)
    if look is not None:
        sources = [source(look) for source in _SOURCES]
        if standing is not None:
            sources.insert(_TRAPS_AFTER, _traps(look, standing, harmful))
        for place, step in itertools.chain(*sources, _unused(book, look, worth)):
            found[place].append(step)
        if standing is not None:
            asked = _references(look, standing) if fires_help else ()
            for place, step in itertools.chain(_by_quadrant(look, standing, count), _growth(standing, count), asked):
                # first within their goal: the order of sources decides there
                found[place].insert(0, step)
    return tuple(_chosen(steps, book.points.iloc[place]) for place, steps in enumerate(found))


def _look(book: Book, data: CustomerData | None, count: int) -> _Seen | None:
    snapshots = None if data is None else _snapshots(book, data, count)
    if data is None or snapshots is None:
        return None
    place = {key: at for at, key in enumerate(book.keys[:count])}
    accounts = snapshots.index.get_level_values("account_id")
    places = np.array([place[key] for key in accounts], dtype=np.int64)
    everyone = book.snapshots(data) or snapshots
    # similar accounts are sought among more than those that get steps
    wider = _snapshots(book, data, max(count, _AMONG)) or snapshots
    return _Seen(data, snapshots, places, (book.as_of - pd.Timestamp(0)).days, everyone, wider)


def _snapshots(book: Book, data: CustomerData, count: int) -> Snapshots | None:
    known = [key for key in book.keys[:count] if key in data.accounts]
    return Snapshots.of(data, pd.DataFrame({"account_id": known, "as_of": book.as_of})) if known else None


def _chosen(steps: list[Step], points: pd.Series) -> tuple[Step, ...]:
    """Order steps by how much their goal raises the risk, the same order of sources within a goal."""
    # a goal that the model has no features for raises nothing
    ordered = sorted(steps, key=lambda step: -float(points.get(step.goal, 0.0)))
    counted: Counter[str] = Counter()
    kept = []
    for step in ordered:
        counted[step.goal] += 1
        if counted[step.goal] <= _MOST_BY_GOAL:
            kept.append(step)
    return tuple(kept[:_MOST])


def _renewals(book: Book, count: int) -> Iterator[Found]:
    features = book_features(book.why)
    if "days_to_renewal" not in features:
        return
    left = features["days_to_renewal"].to_numpy(np.float64)[book.rows[:count]]
    # a renewal that is over is negative, an unknown one NaN: neither is due
    for place in np.flatnonzero((left >= 0) & (left <= _RENEWAL_DAYS)):
        due = int(left[place])
        yield int(place), Step("churn", "Talk about the renewal now", f"it is due in {due} {_days(due)}")


def _unmeasured(book: Book, count: int) -> Iterator[Found]:
    """Measure what is known of others and not of this account; what is known of nobody is said of the whole book."""
    for goal, (action, evidence) in _MEASURE.items():
        if goal in book.present and book.evidence[goal].any():
            for place in np.flatnonzero(~book.evidence[goal].to_numpy(bool)[:count]).tolist():
                yield place, Step(str(goal), action, evidence)


def _open_cases(look: _Seen) -> Iterator[Found]:
    if not look.data.has("contacts", "resolved_at"):
        return
    rows = look.rows("contacts", ["resolved_at_day"])
    for place, ages in _by_place(rows[rows["resolved_at_day"].isna()], "age"):
        n, oldest = len(ages), int(ages.max())
        if n >= _SEVERAL and oldest >= _STALE_DAYS:
            yield (
                place,
                Step("churn", f"Close the {n} open cases", f"the oldest was opened {oldest} {_days(oldest)} ago"),
            )


def _repeats(look: _Seen) -> Iterator[Found]:
    """Cases that came back, and accounts that call far more often than others."""
    rows = look.rows("contacts", ["case_id", "initiated_by", "stage"], 90)
    rows = rows[rows["initiated_by"] != "vendor"]
    cases = rows.dropna(subset="case_id").groupby(["place", "case_id"]).size()
    for place, most in _counted(cases.groupby("place").max()):
        if most >= _OFTEN:
            text = f"{most} contacts about the same case in 90 days"
            yield place, Step("churn", "Give the case that keeps coming back one owner", text)
    counts = rows.groupby("place").size()
    rate, usual, unit = _rates(look, counts)
    for place, n in _counted(counts[(counts >= _OFTEN) & (rate >= _BUSY * usual)]):
        stages = rows.loc[rows["place"] == place, "stage"].dropna().value_counts()
        where = f", {int(stages.iloc[0])} of them in {clean(stages.index[0])}" if len(stages) else ""
        own = f"{number(rate.loc[place])} a person, " if unit else ""
        text = (
            f"{n} contacts not begun by us in 90 days{where}; {own}{number(usual)} {'is' if unit else 'are'} usual here"
        )
        yield place, Step("churn", "Find out why they call so often", text)


def _rates(look: _Seen, counts: pd.Series) -> tuple[pd.Series, float, bool]:
    """Contacts of 90 days by person, the median over the book, and whether persons are known; else by account."""
    rows = seen(look.data, look.all, "contacts", ["initiated_by"], window=90)
    rows = rows[rows["initiated_by"] != "vendor"]
    # with those who never called: they are part of what is usual
    everyone = rows.groupby("snapshot").size().reindex(range(len(look.all)), fill_value=0)
    if not look.data.has("usage", "user_id"):
        return counts, float(everyone.median()), False
    people = seen(look.data, look.all, "usage", ["user_id"], window=90).groupby("snapshot")["user_id"].nunique()
    # whoever calls is somebody, also where no use was seen
    people = people.reindex(everyone.index, fill_value=0).clip(lower=1)
    place = look.place_of_all.reindex(everyone.index)
    own = people.groupby(place).first().reindex(counts.index)
    return counts / own, float((everyone / people).median()), True


def _loops(look: _Seen) -> Iterator[Found]:
    if not (look.data.has("surveys", "acted_at") or look.data.has("surveys", "declined_at")):
        return
    answers = _answers(look)
    waiting, answered = answers[answers["closed_at_day"].isna()], answers.groupby("place").size()
    usual = _usual_waiting(look)
    for place, days in _by_place(waiting, "answered_at_day"):
        n, oldest = len(days), look.today - int(days.min())
        if n <= usual * answered.loc[place]:
            continue  # no more than elsewhere: it would be asked of everybody
        what = "answer" if n == 1 else f"{n} answers"
        waits = f"{'it' if n == 1 else 'the oldest'} waits for {oldest} {_days(oldest)}"
        text = f"of {int(answered.loc[place])} in a year; {waits}"
        yield place, Step("feedback", f"Act on the {what} that nobody acted upon, and say so", text)


def _usual_waiting(look: _Seen) -> float:
    """Share of the answers of a year that nobody acted upon, the median over accounts; -1 where few answered."""
    rows = seen(look.data, look.all, "surveys", ["answered_at_day", "closed_at_day"])
    rows = rows[rows["answered_at_day"].astype("float64") >= look.today - _YEAR]
    shares = rows["closed_at_day"].isna().groupby(rows["snapshot"]).mean()
    return float(shares.median()) if len(shares) >= _KNOWN else -1.0


def _detractors(look: _Seen) -> Iterator[Found]:
    answers = _answers(look, "kind", "score", "answered_at_second")
    nps = answers[answers["kind"].eq("nps") & answers["score"].notna()].astype({"score": "float64"})
    last = nps[nps["answered_at_second"] == nps.groupby("place")["answered_at_second"].transform("max")]
    # answers of one second have no order: their mean is the last, as in the features
    low = last.groupby("place").agg(score=("score", "mean"), answered=("answered_at_day", "max"))
    for place, score, answered in low[low["score"] <= _DETRACTOR].itertuples():
        ago = look.today - int(answered)
        text = f"the last NPS answer was {number(score)} of 10, {ago} {_days(ago)} ago"
        yield int(place), Step("advocacy", "Ask the detractor what would have to change", text)


def _promises(look: _Seen) -> Iterator[Found]:
    if not look.data.has("expectations", "due_at"):
        return
    for place, days in _by_place(_overdue(look), "due_at_day"):
        n, last = len(days), look.today - int(days.max())
        if n >= _SEVERAL:
            text = f"the latest was due {last} {_days(last)} ago"
            yield place, Step("advocacy", f"Keep or renegotiate the {n} promises that are overdue", text)


def _overdue(look: _Seen) -> pd.DataFrame:
    """Promises past their due date, neither met nor ended."""
    rows = look.rows("expectations", ["due_at_day", "met_at_day", "closed_at_day"])
    # a due date may lie ahead, so a masked one is simply not due yet
    return rows[rows["met_at_day"].isna() & rows["closed_at_day"].isna() & (rows["due_at_day"] < look.today)]


def _traps(look: _Seen, standing: Standing, harmful: frozenset[str]) -> Iterator[Found]:
    """Find a way out of the traps that did harm."""
    sprung = standing.traps.fillna(value=False).astype(bool)
    waiting = dict(_counted(_waiting(look).groupby("place").size()))
    for trap in TRAPS:
        if trap.name in _SAID_ELSEWHERE | _POINT_NOWHERE or trap.name not in harmful:
            continue
        from_on = percent(trap.threshold, 0) if trap.measure.startswith("share") else number(trap.threshold)
        step = Step(
            str(_GOAL_OF_TRAP.get(trap.name, Goal.CHURN)),
            trap.next_step[:1].upper() + trap.next_step[1:],
            f"{trap.measure}: {from_on} or more",
        )
        inside = sprung[trap.name].to_numpy()[sorted(look.place)]
        for place in np.array(sorted(look.place))[inside].tolist():
            yield place, _pause(step, waiting.get(place, 0)) if trap.name == "asked_on" else step


def _pause(step: Step, waiting: int) -> Step:
    """Say how many answers wait while surveys go on."""
    answers = "the next answer is" if waiting == 0 else "the answer is" if waiting == 1 else f"{waiting} answers are"
    return replace(step, action=f"Pause surveys until {answers} acted on")


def _waiting(look: _Seen) -> pd.DataFrame:
    """Answers of a year that nobody acted upon and nobody declined with a reason."""
    answers = _answers(look)
    return answers[answers["closed_at_day"].isna()]


def _answers(look: _Seen, *more: str) -> pd.DataFrame:
    """Answers given within a year, however long ago was asked."""
    rows = look.rows("surveys", ["answered_at_day", "closed_at_day", *more])
    # as floats: the day of an answer not given is missing, and not within any year
    return rows[rows["answered_at_day"].astype("float64") >= look.today - _YEAR]


def _by_quadrant(look: _Seen, standing: Standing, count: int) -> Iterator[Found]:
    contacts = look.rows("contacts", ["stage"], 180)
    overdue = _overdue(look).groupby("place").size()
    return quadrant_steps(standing, contacts, overdue, count)


def _growth(standing: Standing, count: int) -> Iterator[Found]:
    """Offer what there is room for, to the safe and happy alone."""
    growth = standing.growth.iloc[:count]
    for place in np.flatnonzero(growth["offer"].notna().to_numpy()).tolist():
        yield place, Step("footprint", offer_words(growth["offer"].iloc[place]), clean(growth["reason"].iloc[place]))


def _references(look: _Seen, standing: Standing) -> Iterator[Found]:
    """Ask for a reference after a hard case that went well, of those who may be asked at all."""
    cases = hard_cases(look.data, look.snapshots, window=_AFTER_FIRE)
    last = cases.groupby(level=[0, 1]).tail(1)
    well = last[last["handled_well"].fillna(value=False).to_numpy(bool)]
    place = dict(zip(look.snapshots.index, look.place.tolist(), strict=True))
    for key in well.index.intersection(standing.ask.index):
        closed = well.loc[[key], "closed_at"].iloc[0]
        case = f"the hard case closed on {day(closed)} went well"
        yield place[key], Step("advocacy", "Ask for a reference", f"{case}, and such customers speak for us more often")


def _unused(book: Book, look: _Seen, worth: pd.Series | None) -> Iterator[Found]:
    """Features within reach that most similar accounts use; similar ones are sought among the first of the book."""
    if not look.data.has("usage", "feature"):
        return
    table = unused_features(look.data, look.wider, worth=worth)
    likely = table[table["low"] >= _SURE].reset_index().drop_duplicates("account_id")
    place = {book.keys[at]: int(at) for at in look.place}
    for key, feature, share, similar in likely[["account_id", "feature", "share", "similar"]].itertuples(index=False):
        if key in place:
            users = f"{round(share * similar)} of {int(similar)} similar accounts use it, this one has it and does not"
            yield place[key], Step("footprint", f"Show them {clean(feature).replace('_', ' ')}", users)


def _by_place(rows: pd.DataFrame, column: str) -> Iterator[tuple[int, pd.Series]]:
    for place, values in rows.groupby("place")[column]:
        yield int(cast("int", place)), values


def _counted(counts: pd.Series) -> list[tuple[int, int]]:
    """Give place and count of each row of a series by place."""
    return [(int(place), int(n)) for place, n in zip(counts.index.to_numpy(), counts.to_numpy(), strict=True)]


def _days(count: int) -> str:
    return "day" if count == 1 else "days"


_SOURCES: tuple[Callable[[_Seen], Iterator[Found]], ...] = (
    _open_cases,
    _repeats,
    _loops,
    _detractors,
    _promises,
)
