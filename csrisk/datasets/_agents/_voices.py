"""What single users leave in the tables: their use, their contacts, their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk.datasets._saas._contacts import days_in_month, lives
from csrisk.datasets._saas._mechanisms._people import roles
from csrisk.datasets._saas._usage import rows_of_use

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from csrisk.datasets._agents._people import Users
    from csrisk.datasets._saas._contracts import Book

__all__ = ["heard", "use", "who_calls"]

_VISITS = 1.5  # of a typical user in a month


def use(book: Book, people: Users, ids: NDArray[np.object_], rng: np.random.Generator) -> pd.DataFrame:
    """Each user comes as often as engaged."""
    rate = _VISITS * np.exp(np.clip(0.8 * people.engaged, -2.0, 1.2)) * people.present * book.active[..., None]
    account, month, slot = np.nonzero(count := rng.poisson(rate))
    often = count[account, month, slot]
    account, month, slot = (np.repeat(values, often) for values in (account, month, slot))
    day = days_in_month(book, account, month, rng)
    there = lives(book, account, day)
    account, month, slot, day = account[there], month[there], slot[there], day[there]
    # the code of the user is that of make_saas: slot x 100 + how many sat there before
    return rows_of_use(book, ids, (account, month, day, slot * 100 + people.turn[account, month, slot]), rng)


def who_calls(
    book: Book, people: Users, ids: NDArray[np.object_], contacts: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Name the user of each contact: the more annoyed, the likelier."""
    account, month = _where(book, ids, contacts, "opened_at")
    slot = _one_of(people, account, month, 1.5 * people.annoyed[account, month], rng)
    return contacts.assign(person_id=_names(people, account, month, slot))


def heard(
    book: Book, people: Users, ids: NDArray[np.object_], surveys: pd.DataFrame, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Answers of single users and, one in five of NPS, of the decider, each with a mood of its own; and the people."""
    account, month = _where(book, ids, surveys, "sent_at")
    slot = _one_of(people, account, month, np.zeros(people.engaged[account, month].shape), rng)
    user, n = _names(people, account, month, slot), len(surveys)
    nps = (surveys["kind"] == "NPS").to_numpy()
    decides = nps & (rng.random(n) < 0.2)
    like, strain = people.engaged[account, month, slot], people.annoyed[account, month, slot]
    of_user = 7.0 + 1.6 * like - 1.1 * strain
    mood = np.where(decides, 7.2 + 2.0 * people.decider[account, month], of_user) + 0.8 * rng.standard_normal(n)
    score = np.where(nps, np.clip(np.round(mood), 0, 10), surveys["score"])
    decider = np.array([f"person-{a:04d}-decider" for a in account], dtype=object)
    told = surveys.assign(
        score=np.where(surveys["answered_at"].notna(), score, np.nan), respondent=np.where(decides, decider, user)
    )
    return told, _roles(book, people, ids)


def _roles(book: Book, people: Users, ids: NDArray[np.object_]) -> pd.DataFrame:
    """Deciders, and champions from when to when."""
    start = book.start_day.astype("datetime64[us]")
    decider = pd.DataFrame({"account": np.arange(len(ids)), "turn": 0, "role": "decider", "from_at": start})
    turn, first = people.turn[..., 0], book.months[:-1].astype("datetime64[us]")
    changes = np.diff(turn, axis=1, prepend=turn[:, :1] - 1) > 0  # the first holder counts as one
    account, month = np.nonzero(changes)
    began = np.where(month == 0, start[account], first[month])
    champion = pd.DataFrame({"account": account, "turn": turn[account, month], "role": "champion", "from_at": began})
    champion["from_at"] = np.maximum(champion["from_at"].to_numpy(), start[account])
    # changes before the start of the account all fall on its first day; the last of them is there then
    champion = champion.drop_duplicates(["account", "from_at"], keep="last")
    champion["to_at"] = champion.groupby("account")["from_at"].shift(-1)
    rows = pd.concat([decider, champion], ignore_index=True)
    users = [f"user-{a:04d}-000-{t:02d}" for a, t in zip(rows["account"], rows["turn"], strict=True)]
    decides = [f"person-{a:04d}-decider" for a in rows["account"]]
    person = np.where(rows["role"] == "decider", decides, users).astype(object)
    return roles(book, ids, rows.assign(person_id=person))


def _where(
    book: Book, ids: NDArray[np.object_], rows: pd.DataFrame, time: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    account = pd.Index(ids).get_indexer(pd.Index(rows["account_id"]))
    month = np.searchsorted(book.months.astype("datetime64[us]"), rows[time].to_numpy(), side="right") - 1
    return np.asarray(account), np.asarray(np.clip(month, 0, book.shape[1] - 1))


def _one_of(
    people: Users,
    account: NDArray[np.int64],
    month: NDArray[np.int64],
    weight: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Draw one of the users who are there, by log-weights; the champion where nobody is."""
    # the largest of log-weights with Gumbel noise is a draw by the weights
    wish = np.where(people.present[account, month], weight + rng.gumbel(size=weight.shape), -np.inf)
    return np.asarray(wish.argmax(axis=1))


def _names(
    people: Users, account: NDArray[np.int64], month: NDArray[np.int64], slot: NDArray[np.int64]
) -> NDArray[np.object_]:
    turn = people.turn[account, month, slot]
    return np.array(
        [f"user-{a:04d}-{s:03d}-{t:02d}" for a, s, t in zip(account, slot, turn, strict=True)], dtype=object
    )
