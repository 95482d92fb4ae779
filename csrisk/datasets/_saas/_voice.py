"""What customers of the simulated book say: surveys, advocacy acts, and whether expectations were met."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk.datasets._saas._contacts import days_in_month, lives
from csrisk.datasets._saas._usage import times, users
from csrisk.datasets._saas._words import comments

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from csrisk.datasets._saas._contracts import Book

__all__ = ["advocacy", "expectations", "surveys"]

_ACTS = np.array(["review", "referral", "reference", "case_study", "event_speaker"], dtype=object)
_LATE = 0.08
_NOTHING = np.array(None, dtype=object)


def surveys(book: Book, contacts: pd.DataFrame, ids: NDArray[np.object_], rng: np.random.Generator) -> pd.DataFrame:
    """Write the surveys table: quarterly NPS to several people, CSAT and CES after closed cases."""
    sent = pd.concat([_quarterly(book, rng), _after_cases(book, contacts, ids, rng)], ignore_index=True)
    sent = (
        sent[lives(book, sent["account"].to_numpy(), sent["sent_at"].to_numpy())]
        .sort_values(["sent_at", "account"], kind="stable")
        .reset_index(drop=True)
    )
    account, month = sent["account"].to_numpy(), _month(book, sent["sent_at"].to_numpy())
    effort, happy, loop = (book.latent.states[account, month, j] for j in (1, 2, 3))
    n = len(sent)
    end = book.months[-1].astype("datetime64[us]")
    mood = 0.85 * happy - 0.15 * effort + 0.4 * rng.standard_normal(n)
    answers = rng.random(n) < _logistic(-0.1 + 1.3 * loop)
    answered = _later(sent["sent_at"].to_numpy(), rng.exponential(3.0, n) + 0.05, answers, end)
    days = np.exp(0.6 - 0.5 * loop + 0.6 * rng.standard_normal(n))
    acknowledged = _later(answered, days, _wants(0.5, loop, rng), end)
    days = np.exp(2.4 - 0.4 * loop + 0.5 * rng.standard_normal(n))
    acted = _later(acknowledged, days, _wants(0.0, loop, rng), end)
    said = ~np.isnat(answered)
    kind = sent["kind"].to_numpy()
    text = np.where(said & (rng.random(n) < 0.45), comments(np.clip(0.7 * mood, -2, 2), rng), _NOTHING)
    late = rng.random(n) < _LATE
    known = sent["sent_at"].to_numpy() + rng.integers(2, 22, n).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "account_id": ids[account],
            "sent_at": sent["sent_at"],
            "answered_at": answered,
            "kind": kind,
            "score": np.where(said, _scores(kind, mood, effort, rng), np.nan),
            "comment": text,
            "acknowledged_at": acknowledged,
            "acted_at": acted,
            "respondent": sent["respondent"],
            "known_at": np.where(late, known, np.datetime64("NaT", "us")).astype("datetime64[us]"),
        }
    )


def _quarterly(book: Book, rng: np.random.Generator) -> pd.DataFrame:
    n_accounts, n_months = book.shape
    turn = rng.integers(0, 3, n_accounts)
    asked = np.clip(users(book) // 3 + 1, 2, 7)
    due = (np.arange(n_months) % 3 == turn[:, None]) & book.active
    account, month = np.nonzero(due)
    people = asked[account, month]
    account, month = np.repeat(account, people), np.repeat(month, people)
    person = np.concatenate([np.arange(k) for k in people]) if len(people) else np.array([], dtype=int)
    day = times(days_in_month(book, account, month, rng), rng)
    who = [f"user-{a:04d}-{p:03d}" for a, p in zip(account, person, strict=True)]
    return pd.DataFrame({"account": account, "sent_at": day, "kind": "NPS", "respondent": who})


def _after_cases(
    book: Book, contacts: pd.DataFrame, ids: NDArray[np.object_], rng: np.random.Generator
) -> pd.DataFrame:
    closed = contacts[contacts["resolved_at"].notna() & contacts["kind"].isin(["support", "onboarding"])]
    closed = closed[rng.random(len(closed)) < 0.7]
    account = pd.Index(ids).get_indexer(pd.Index(closed["account_id"]))
    sent = closed["resolved_at"].to_numpy() + rng.integers(30, 2000, len(closed)).astype("timedelta64[m]")
    kind = np.where(rng.random(len(closed)) < 0.75, "CSAT", "CES")
    person = np.floor(users(book)[account, _month(book, sent)] * rng.random(len(closed)) ** 1.5).astype(int)
    who = [f"user-{a:04d}-{p:03d}" for a, p in zip(account, person, strict=True)]
    return pd.DataFrame({"account": account, "sent_at": sent.astype("datetime64[us]"), "kind": kind, "respondent": who})


def _scores(
    kind: NDArray[np.object_], mood: NDArray[np.float64], effort: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    noise = rng.standard_normal(len(mood))
    nps = np.clip(np.round(7.6 + 1.7 * mood + 0.7 * noise), 0, 10)
    csat = np.clip(np.round(3.9 + 0.75 * mood - 0.2 * effort + 0.4 * noise), 1, 5)
    ces = np.clip(np.round(5.2 - 1.0 * effort + 0.25 * mood + 0.6 * noise), 1, 7)
    return np.asarray(np.select([kind == "NPS", kind == "CSAT"], [nps, csat], ces))


def _later(
    at: NDArray[np.datetime64], days: NDArray[np.float64], happens: NDArray[np.bool_], end: np.datetime64
) -> NDArray[np.datetime64]:
    out = at + (days * 86400).astype("timedelta64[s]")
    return np.asarray(np.where(happens & (out < end), out, np.datetime64("NaT", "us")).astype("datetime64[us]"))


def _wants(level: float, loop: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.bool_]:
    return np.asarray(rng.random(len(loop)) < _logistic(level + 2.0 * loop))


def _month(book: Book, at: NDArray[np.datetime64]) -> NDArray[np.int64]:
    found = np.searchsorted(book.months.astype("datetime64[us]"), at, side="right") - 1
    return np.asarray(np.clip(found, 0, book.shape[1] - 1))


def _logistic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-x)))


def advocacy(book: Book, ids: NDArray[np.object_], rng: np.random.Generator) -> pd.DataFrame:
    """Write the advocacy table: references, referrals, reviews, case studies."""
    rate = 0.06 * np.exp(np.clip(1.0 * book.latent.states[..., 2], -3, 2)) * book.active
    account, month = np.nonzero(rng.poisson(rate))
    day = days_in_month(book, account, month, rng)
    kind = _ACTS[np.searchsorted([0.4, 0.65, 0.85, 0.94], rng.random(len(account)))]
    frame = pd.DataFrame({"account": account, "sent_at": times(day, rng), "kind": kind})
    frame = frame[lives(book, account, day)].sort_values(["sent_at", "account"], kind="stable").reset_index(drop=True)
    return pd.DataFrame({"account_id": ids[frame["account"]], "at": frame["sent_at"], "kind": frame["kind"]})


def expectations(book: Book, ids: NDArray[np.object_], rng: np.random.Generator) -> pd.DataFrame:
    """Write the expectations table: success-plan goals, when due, when met.

    A goal that was missed has neither `met_at` nor `outcome`, so that nothing in the row tells it before `due_at`.
    """
    n_accounts, n_months = book.shape
    turn = rng.integers(0, 4, n_accounts)
    age = np.arange(n_months) - book.first_month[:, None]
    account, month = np.nonzero(book.active & ((age == 0) | ((np.arange(n_months) - turn[:, None]) % 4 == 0)))
    agreed = times(days_in_month(book, account, month, rng), rng)
    alive = lives(book, account, agreed)
    account, agreed = account[alive], agreed[alive]
    n = len(agreed)
    promised = rng.choice([30, 45, 60, 90], n)
    # by the states of the time when it is due, not of the day of the promise
    later = _month(book, agreed + promised.astype("timedelta64[D]"))
    happy = 0.75 * book.latent.states[account, later, 2] + 0.35 * book.latent.states[account, later, 0]
    speed = promised * np.exp(-0.1 - 0.15 * happy + 0.3 * rng.standard_normal(n))
    end = book.until[account].astype("datetime64[us]")
    met = agreed + (speed * 86400).astype("timedelta64[s]")
    happens = (rng.random(n) < _logistic(0.9 + 1.1 * happy)) & (met < end)
    exceeded = rng.random(n) < _logistic(-1.2 + 1.0 * happy)
    out = pd.DataFrame(
        {
            "account_id": ids[account],
            "agreed_at": agreed,
            "due_at": (agreed.astype("datetime64[D]") + promised.astype("timedelta64[D]")).astype("datetime64[us]"),
            "met_at": np.where(happens, met, np.datetime64("NaT", "us")).astype("datetime64[us]"),
            "outcome": np.where(happens, np.where(exceeded, "exceeded", "met").astype(object), _NOTHING),
        }
    )
    return out.sort_values(["agreed_at", "account_id"], kind="stable").reset_index(drop=True)
