"""What asks a person for a decision, said in whole sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from csrisk._numbers import money, number, percent, signed
from csrisk.report._content import Decision, Forecast, GoalSpread, Interval, Moves, Success, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from csrisk.report._book import Book
    from csrisk.report._forecast import Bias

__all__ = ["concentrated", "decisions", "headline"]


def concentrated(book: Book) -> int:
    """Smallest number of accounts that carry half of what is at risk (revenue, or expected churners)."""
    weight = book.stake
    total = float(weight.sum())
    if total <= 0:
        return 0
    return int(np.searchsorted(np.cumsum(weight), total / 2) + 1)


def headline(
    accounts: int, churn: Forecast, few: int, when: str, *, priced: bool, corrected: Forecast | None = None
) -> str:
    """Give two or three sentences that could stand alone in a mail.

    Parameters
    ----------
    accounts : int
        Accounts in the book.
    churn : Forecast
        Forecast number of churners.
    few : int
        Accounts that carry half of the risk.
    when : str
        When, in words.
    priced : bool
        Whether revenue is known.
    corrected : Forecast, optional
        What a forward test makes of it, where it found totals off beyond chance: that is the number to plan with.

    Returns
    -------
    str
    """
    told, what = corrected or churn, "monthly revenue at risk" if priced else "expected churn"
    off = ""
    if corrected is not None:
        less = "few" if corrected.expected > churn.expected else "many"
        off = f" The model alone says {number(churn.expected, 0)}, which proved too {less} on later data."
    return (
        f"About {number(told.expected, 0)} of {accounts:,} {_plural(accounts, 'account')} "
        f"({number(told.low, 0)} to {number(told.high, 0)}) {'is' if round(told.expected) == 1 else 'are'} "
        f"expected to leave {when}.{off} {few:,} {_plural(few, 'account')} "
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
    """List what needs a decision: where to act, what to look into, what to know.

    Parameters
    ----------
    book : Book
        The book in order of priority.
    few : int
        Accounts that carry half of the risk.
    goals : tuple of GoalSpread
        Goals over the book.
    checks : Table or None
        Checks as printed.
    currency : str
        Written before money.
    moves : Moves, optional
        What moved since an earlier book.
    quality : Table, optional
        Metrics as printed, the model first.
    missing : tuple of str
        Tables that are not there, in words.
    success : Success, optional
        Where happiness is known.
    bias : Bias, optional
        What a forward test found of totals.

    Returns
    -------
    tuple of Decision
    """
    return (
        *_act(book, few, currency, bias),
        *_moved(moves),
        *_failed(checks),
        *_trust(quality, later=book.dated),
        *_know(goals),
        *_missing(missing, success, checks),
    )


def _missing(missing: tuple[str, ...], success: Success | None, checks: Table | None) -> Iterator[Decision]:
    """Say what is not known, beside the goals without evidence."""
    said = [" ".join(missing)] if missing else []
    if success is not None and success.known < success.accounts:
        unknown = success.accounts - success.known
        said.append(f"The happiness of {unknown:,} {_plural(unknown, 'account')} is unknown.")
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
    rows = {} if quality is None else {row[0]: row[1:-1] for row in quality.rows}
    auc = [cell for cell in rows.get("AUC", ()) if isinstance(cell, Interval)]
    if quality is None or not auc:
        yield Decision("How good the model is was not handed over: take the order with care.", "model", "look")
        return
    tested_on = "Snapshots" if later else "Rows"
    cells = (rows.get(name, (None,))[0] for name in (tested_on, "Churn events"))
    counts = [cell for cell in cells if isinstance(cell, int)]
    tested = f" ({counts[0]:,} {tested_on.lower()}, {counts[1]:,} churned)" if len(counts) == 2 else ""
    seen = "later data" if later else "rows that it had not seen"
    text = f"On {seen}{tested} the model ranked a churner above a stayer in {_range(auc[0])} of pairs"
    others = [(cell.estimate, column.label) for cell, column in zip(rows["AUC"], quality.columns[1:-1], strict=True)
              if isinstance(cell, Interval)][1:]  # fmt: skip
    if others:
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
    if intercept.low > 0:
        return ": totals are rather too low"
    return ": totals are rather too high" if intercept.high < 0 else ""


def _range(cell: Interval) -> str:
    text = percent(cell.estimate, 0)
    if cell.low is None or cell.high is None:
        return text
    return f"{text} ({percent(cell.low, 0)} to {percent(cell.high, 0)})"


def _act(book: Book, few: int, currency: str, bias: Bias | None) -> Iterator[Decision]:
    if few:
        share = percent(few / len(book.keys), 0)
        text = f"Decide on the first {few:,} {_plural(few, 'account')} ({share} of the book)"
        if book.at_risk is not None:
            lost = float(np.nansum(book.at_risk[:few]))
            if bias is not None and book.mrr is not None:
                lost = bias.total(book.probability[:few], book.mrr[:few]).expected
            text += f": {money(lost, currency)} of monthly revenue is expected to leave with them"
            unknown = int(np.isnan(book.at_risk[:few]).sum())
            text += f", without {unknown:,} of them whose revenue is unknown" if unknown else ""
        yield Decision(f"{text}.", "accounts", "act")
    doubled = int((book.prediction >= 2 * book.reference).sum())
    if doubled:
        have = "has" if doubled == 1 else "have"
        text = f"{doubled:,} {_plural(doubled, 'account')} {have} at least twice the risk of the reference."
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
