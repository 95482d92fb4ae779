"""What a person must say, since names and values do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csrisk._text import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from csrisk._proposal._accounts import Keys
    from csrisk._proposal._matching._match import Match

__all__ = ["LEAVE_OUT", "Question", "questions_of"]

LEAVE_OUT = ""


@dataclass(frozen=True)
class Question:
    """A question, and its answers."""

    about: str
    text: str
    options: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.text} [{' | '.join(option or 'leave it out' for option in self.options)}]"


def questions_of(matches: Sequence[Match], keys: Keys) -> tuple[Question, ...]:
    """Ask for everything that is not sure, and for what churn means."""
    found = list(_label(matches))
    for match in matches:
        if not match.sure:
            found.append(_table(match))
        found += _columns(match, keys)
    return tuple(found)


def _label(matches: Sequence[Match]) -> Iterator[Question]:
    there = {match.table: {pair.column for pair in match.pairs} for match in matches}
    ends = there.get("subscriptions", set()) & {"end_at", "planned_end"} or "ended_at" in there.get("accounts", set())
    kinds = (["contract"] if ends else []) + (["inactivity"] if "usage" in there else [])
    if len(kinds) == 2:  # of one nothing has to be asked
        text = "What is churn here: a contract that ends and is not renewed, or no use for a while?"
        yield Question("label", text, (*kinds, "auto"))


def _table(match: Match) -> Question:
    file = shown(match.brought.name, "the file")
    others = f"; it could also be {' or '.join(match.others)}" if match.others else ""
    lacking = f"; {', '.join(match.lacking)} was not found" if match.lacking else ""
    if match.join is not None:
        way = match.join
        lacking += f"; its account is {way.account} of {way.table}, by {way.column}"
    return Question(match.table, f"Is {file} the table {match.table}{others}{lacking}?", ("yes", LEAVE_OUT))


def _columns(match: Match, keys: Keys) -> Iterator[Question]:
    file = shown(match.brought.name, "the file")
    if match.key is not None and not keys.sure(match.brought.name):
        names = tuple(name for name, _ in keys.columns[match.brought.name][:4])
        yield Question(f"{match.table}.account_id", f"Which column of {file} names the customer?", names)
    if match.price is not None:
        way = match.price
        text = f"Is the monthly price of a contract {way.account!r} of {way.table}, by {way.column}?"
        yield Question(f"{match.table}.mrr", text, (way.account, LEAVE_OUT))
    for pair in match.pairs:
        if not pair.sure and not pair.unread:  # no answer would make readable what cannot be read
            why = f" ({pair.note})" if pair.note else ""
            text = (
                f"Which kind of survey is {file}{why}?"
                if pair.constant
                else f"Is {pair.theirs!r} of {file} {match.table}.{pair.column}{why}?"
            )
            yield Question(f"{match.table}.{pair.column}", text, (pair.theirs, *pair.others, LEAVE_OUT))
