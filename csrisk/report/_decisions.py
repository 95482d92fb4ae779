"""What asks a person for a decision, said in whole sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from csrisk._text import money, number, percent, signed
from csrisk.report._content import Decision, Forecast, GoalSpread, Interval, Moves, Success, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from csrisk.report._book import Book
    from csrisk.report._figures._forecast import Bias

__all__ = ["about_totals", "concentrated", "decisions", "headline"]


_SEVERITIES = ("act", "look", "know")


def concentrated(book: Book) -> int:
    """Smallest number of accounts that carry half of what is at risk (revenue, or expected churners)."""
    weight = book.stake
    total = float(weight.sum())
    if total <= 0:
        return 0
    # the book comes in order of what is at stake, so the first are the fewest that carry half
    return int(np.searchsorted(np.cumsum(weight), total / 2) + 1)


def headline(
    accounts: int, churn: Forecast, few: int, when: str, *, priced: bool, corrected: Forecast | None = None
) -> str:
    """Give two or three sentences that could stand alone in a mail."""
    if accounts == 1:
        # of one account no whole number of churners says anything, and all of the risk lies with it
        return f"The one account of the book has a risk of {percent(churn.expected)} to leave {when}."
    # what the forward test makes of it is the number to plan with
    told, what = corrected or churn, "monthly revenue at risk" if priced else "expected churn"
    off = ""
    # said only where the printed numbers differ
    if corrected is not None and round(corrected.expected) != round(churn.expected):
        less = "few" if corrected.expected > churn.expected else "many"
        off = f" The model alone says {number(churn.expected, 0)}, too {less} by the forward test."
    return (
        f"About {number(told.expected, 0)} of {number(accounts, 0)} {_plural(accounts, 'account')} "
        f"({number(told.low, 0)} to {number(told.high, 0)}) {'is' if round(told.expected) == 1 else 'are'} "
        f"expected to leave {when}.{off} {number(few, 0)} {_plural(few, 'account')} "
        f"{'carries' if few == 1 else 'carry'} half of the {what}."
    )


def decisions(
    book: Book,
    few: int,
    goals: tuple[GoalSpread, ...],
    checks: Table | None,
    currency: str,
    moves: Moves | None = None,
    quality: Table | None = None,
    missing: tuple[str, ...] = (),
    success: Success | None = None,
    bias: Bias | None = None,
) -> tuple[Decision, ...]:
    """List what needs a decision: where to act, what to look into, what to know."""
    found = (
        *_act(book, few, currency, bias),
        *_moved(moves),
        *_failed(checks),
        *_trust(quality, later=book.dated),
        *_know(goals),
        *_missing(missing, success, checks),
    )
    # the first three are shown and the others folded: nothing to act on may be among those
    return tuple(sorted(found, key=lambda one: _SEVERITIES.index(one.severity)))


def _missing(missing: tuple[str, ...], success: Success | None, checks: Table | None) -> Iterator[Decision]:
    """Say what is not known, beside the goals without evidence."""
    said = [" ".join(missing)] if missing else []
    if success is not None and success.known < success.accounts:
        unknown = success.accounts - success.known
        said.append(f"The happiness of {number(unknown, 0)} {_plural(unknown, 'account')} is unknown.")
    if said:
        yield Decision(" ".join(said), "goals" if missing else "success", "know")
    rows = () if checks is None else checks.rows
    undone = [row for row in rows if row[2] == "not applicable"]
    if undone:
        text = f"{len(undone)} of {len(rows)} checks could not be made with what was handed over."
        yield Decision(text, "checks", "know")


def _moved(moves: Moves | None) -> Iterator[Decision]:
    if moves is None:
        return
    text = f"Since {moves.since} the mean risk changed by {signed(moves.change)} points"
    if moves.up:
        first = moves.up[0]
        text += f"; it rose most for {first.name}, from {percent(first.before / 100)} to {percent(first.now / 100)}"
    yield Decision(f"{text}.", "moves", "look")


def _trust(quality: Table | None, *, later: bool) -> Iterator[Decision]:
    """Say how well churn was ranked on rows held out, beside the best baseline; untested is said too."""
    # the last column says what a measure means
    rows = {} if quality is None else {row[0]: row[1:-1] for row in quality.rows}
    auc = [cell for cell in rows.get("AUC", ()) if isinstance(cell, Interval)]
    if quality is None or not auc:
        yield Decision("How good the model is was not handed over: take the order with care.", "model", "look")
        return
    tested_on = "Snapshots" if later else "Rows"
    cells = (rows.get(name, (None,))[0] for name in (tested_on, "Churn events"))
    counts = [cell for cell in cells if isinstance(cell, int)]
    tested = (
        f" ({number(counts[0], 0)} {tested_on.lower()}, {number(counts[1], 0)} churned)" if len(counts) == 2 else ""
    )
    seen = "later data" if later else "rows that it had not seen"
    text = f"On {seen}{tested} the model ranked a churner above a stayer in {_range(auc[0])} of pairs"
    others = [(cell.estimate, column.label) for cell, column in zip(rows["AUC"], quality.columns[1:-1], strict=True)
              if isinstance(cell, Interval)][1:]  # fmt: skip
    if others:
        # of baselines the strongest is the one to beat
        best = max(others)
        text += f"; the {best[1].lower()} in {percent(best[0], 0)}"
    risk, rate = (rows.get(name, (None,))[0] for name in ("Mean risk", "Event rate"))
    if isinstance(risk, Interval) and isinstance(rate, Interval):
        text += f". It forecast {percent(risk.estimate)} churn on average, and {percent(rate.estimate)} left"
        text += _off(rows.get("Calibration intercept", (None,))[0])
    yield Decision(f"{text}.", "model", "know")


def _off(intercept: object) -> str:
    """Say in which direction forecasts are off, where that is more than chance."""
    if not isinstance(intercept, Interval) or intercept.low is None or intercept.high is None:
        return ""
    # within chance no direction is known
    if intercept.low <= 0 <= intercept.high:
        return ""
    return f": totals are rather too {'low' if intercept.low > 0 else 'high'}, and those above are moved a little"


def about_totals(quality: Table | None, bias: Bias | None) -> str:
    """Say why totals can be off while the order holds, and what is done about it; nothing without a forward test."""
    if bias is None:
        return ""
    rows = {} if quality is None else {row[0]: row[1] for row in quality.rows}
    risk, rate = rows.get("Mean risk"), rows.get("Event rate")
    told = ""
    if isinstance(risk, Interval) and isinstance(rate, Interval):
        told = f" In the forward test it forecast {percent(risk.estimate)} and {percent(rate.estimate)} left."
    shift = f"{signed(bias.shift, 2)} ({signed(bias.low, 2)} to {signed(bias.high, 2)})"
    found = "within" if bias.low <= 0 <= bias.high else "beyond"
    return (
        "Why totals can be off while the order holds: a model carries the share of churn of the time that it learned "
        "from, and the time after may have another, by change or by luck; the order of the accounts needs no level."
        f"{told} The test puts the difference at {shift} in log-odds, {found} the chance of those months. At most a "
        "quarter of such a difference is to be expected again: corrected totals move every risk by "
        f"{signed(bias.carried[0], 2)}. The risk on a card is the model's own, because the test does not tell which "
        "accounts the difference comes from."
    )


def _range(cell: Interval) -> str:
    text = percent(cell.estimate, 0)
    if cell.low is None or cell.high is None:
        return text
    return f"{text} ({percent(cell.low, 0)} to {percent(cell.high, 0)})"


def _act(book: Book, few: int, currency: str, bias: Bias | None) -> Iterator[Decision]:
    if few:
        share = percent(few / len(book.keys), 0)
        first = "account" if few == 1 else f"{number(few, 0)} accounts"
        text = f"Decide on the first {first} ({share} of the book)"
        if book.at_risk is not None:
            lost = float(np.nansum(book.at_risk[:few]))
            if bias is not None and book.mrr is not None:
                lost = bias.total(book.probability[:few], book.mrr[:few]).expected
            text += (
                f": {money(lost, currency)} of monthly revenue is expected to leave with {'it' if few == 1 else 'them'}"
            )
            # left out of the sum, and said
            unknown = int(np.isnan(book.at_risk[:few]).sum())
            text += f", without {number(unknown, 0)} of them whose revenue is unknown" if unknown else ""
        yield Decision(f"{text}.", "accounts", "act")
    doubled = int((book.prediction >= 2 * book.reference).sum())
    if doubled:
        have = "has" if doubled == 1 else "have"
        text = f"{number(doubled, 0)} {_plural(doubled, 'account')} {have} at least twice the risk of the reference."
        yield Decision(text, "accounts", "look")


def _failed(checks: Table | None) -> Iterator[Decision]:
    if checks is None:
        yield Decision("No checks were handed over: leakage, drift and calibration are unexamined.", "checks", "look")
        return
    failed = [row for row in checks.rows if row[2] == "failed"]
    if failed:
        codes = ", ".join(str(row[0]) for row in failed)
        yield Decision(f"{len(failed)} {_plural(len(failed), 'check')} failed ({codes}).", "checks", "act")


def _know(goals: tuple[GoalSpread, ...]) -> Iterator[Decision]:
    blind = [goal.heading for goal in goals if not goal.evidence]
    if blind:
        yield Decision(f"No evidence for {' and '.join(blind)}: these goals are unseen, not healthy.", "goals", "know")


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"
