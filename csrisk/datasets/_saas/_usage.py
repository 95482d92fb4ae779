"""Usage of the simulated book: who used what on which day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk.datasets._saas._contracts import PLANS, PRODUCTS
from csrisk.datasets._saas._words import FEATURES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from csrisk.datasets._saas._contracts import Book

__all__ = ["catalogue", "rows_of_use", "times", "usage", "users"]

_WEEKDAY = np.array([1.0, 1.08, 1.1, 1.05, 0.85, 0.14, 0.10])  # Monday to Sunday
_HOLIDAYS = ("01-01", "05-01", "12-24", "12-25", "12-26", "12-31")
_DAILY = 0.085  # chance that a typical user comes on a typical working day
_LATE = 0.03  # share of rows that come from offline clients and are known days later


def catalogue() -> pd.DataFrame:
    """Write the features table: one row per feature and plan that has it."""
    rows = [(name, product, plan) for name, product, cheapest, _ in FEATURES for plan in PLANS[PLANS.index(cheapest) :]]
    return pd.DataFrame(rows, columns=["feature", "product", "plan"])


def users(book: Book) -> NDArray[np.int64]:
    """Count the people with a login per account and month."""
    value = book.latent.states[..., 0]
    adoption = 1 / (1 + np.exp(-(0.7 + 0.7 * value)))
    age = np.arange(book.shape[1]) - book.first_month[:, None]
    ramp = np.clip((age + 1) / 3, 0.3, 1.0)
    people = np.round(book.seats * adoption * ramp)
    if "overuse" in book.pushes:  # everybody has a seat, and others come as well
        people = np.where(book.pushes["overuse"].levels["over_seats"] > 0, np.ceil(1.8 * book.seats), people)
    return np.asarray(np.maximum(1, people).astype(np.int64))


def usage(book: Book, ids: NDArray[np.object_], rng: np.random.Generator) -> pd.DataFrame:
    """Write the usage table."""
    account, month, day = _visits(book, rng)
    return rows_of_use(book, ids, (account, month, day, _who(book, account, month, rng)), rng)


def rows_of_use(
    book: Book, ids: NDArray[np.object_], visits: tuple[NDArray[Any], ...], rng: np.random.Generator
) -> pd.DataFrame:
    """Write what was used in visits: account, month, day and code of the user (slot x 100 + who sat there)."""
    account, month, day, user = visits
    n = len(account)
    feature = _what(book, account, month, rng)
    names = np.array([name for name, *_ in FEATURES], dtype=object)
    product = np.array([name for _, name, *_ in FEATURES], dtype=object)
    late = rng.random(n) < _LATE
    known = np.where(late, day + rng.integers(1, 12, n).astype("timedelta64[D]"), np.datetime64("NaT", "D"))
    frame = pd.DataFrame(
        {
            "account_id": ids[account],
            "at": times(day, rng),
            "user_id": _user_ids(account, user),
            "feature": names[feature],
            "quantity": rng.geometric(0.35, n).astype(float),
            "product": product[feature],
            "known_at": known.astype("datetime64[us]"),
        }
    )
    frame = frame.iloc[np.lexsort((frame["at"].to_numpy(), account))]
    return frame.drop_duplicates(["account_id", "at", "user_id", "feature"], ignore_index=True)


def times(day: NDArray[np.datetime64], rng: np.random.Generator) -> NDArray[np.datetime64]:
    """Give each day a minute in working hours."""
    minute = np.clip(rng.normal(13 * 60, 150, len(day)), 360, 1320).astype("timedelta64[m]")
    return np.asarray((day.astype("datetime64[m]") + minute).astype("datetime64[us]"))


def _visits(
    book: Book, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.datetime64]]:
    days = np.arange(book.months[0], book.months[-1], np.timedelta64(1, "D"))
    month_of = np.searchsorted(book.months, days, side="right") - 1
    # + 3: day 0 of datetime64, 1 January 1970, was a Thursday
    weekday = (days.astype(int) + 3) % 7
    of_year = (days - days.astype("datetime64[Y]")).astype(int)
    # less around day 215, early August, and day 362, between the years
    season = 1 - 0.12 * np.exp(-(((of_year - 215) / 25.0) ** 2)) - 0.25 * np.exp(-(((of_year - 362) / 8.0) ** 2))
    closed = np.isin([str(d)[5:] for d in days], _HOLIDAYS)
    rhythm = _WEEKDAY[weekday] * season * np.where(closed, 0.08, 1.0)

    value = book.latent.states[..., 0]
    rate = users(book) * _DAILY * np.exp(np.clip(0.5 * value, -2.0, 1.0))
    if book.pace is not None:
        rate = rate * book.pace[:, None]
    level = np.where(book.active, rate, 0.0)[:, month_of] * rhythm
    # mean 1: days of an account differ by more than counts of a constant rate would
    level *= rng.gamma(4.0, 0.25, level.shape)
    level[days < book.start_day[:, None]] = 0.0
    level[days >= book.until[:, None]] = 0.0
    count = rng.poisson(level)
    account, position = np.nonzero(count)
    times_seen = count[account, position]
    account, position = np.repeat(account, times_seen), np.repeat(position, times_seen)
    return account, month_of[position], days[position]


def _who(
    book: Book, account: NDArray[np.int64], month: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Code of the person: slot x 100 + how many sat there before."""
    n_accounts = book.shape[0]
    skew = rng.uniform(1.0, 2.2, n_accounts)
    # a power above 1 draws low slots more often, and slot 0, the champion, most
    slot = np.floor(users(book)[account, month] * rng.random(len(account)) ** skew[account]).astype(np.int64)
    slots = int(slot.max(initial=0)) + 1
    stay = rng.uniform(8, 60, (n_accounts, slots))
    phase = rng.uniform(0, 1, (n_accounts, slots)) * stay
    stay[:, 0] = np.inf  # the champion leaves by a shock alone
    before = np.floor((month + phase[account, slot]) / stay[account, slot]).astype(np.int64)
    champions = book.latent.shocks["champion_lost"].cumsum(axis=1)[account, month]
    before = np.where(slot == 0, champions, before)
    return np.asarray(slot * 100 + before)


def _what(
    book: Book, account: NDArray[np.int64], month: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    n_accounts = book.shape[0]
    popular = np.array([popularity for *_, popularity in FEATURES])
    in_plan = np.array([PLANS.index(plan) for _, _, plan, _ in FEATURES])
    in_product = np.array([PRODUCTS.index(product) for _, product, _, _ in FEATURES])
    taste = rng.normal(0, 0.8, (n_accounts, len(PRODUCTS)))[:, in_product]
    wish = popular + taste + rng.gumbel(0, 0.5, (n_accounts, len(FEATURES)))
    can = (book.plan[:, :, None] >= in_plan) & book.holds[:, :, in_product]
    # 99: what the plan does not hold comes behind every wish
    order = np.argsort(np.where(can, -wish[:, None, :], 99.0), axis=2)
    value = book.latent.states[..., 0]
    share = 1 / (1 + np.exp(-(0.1 + 0.8 * value)))
    adopted = 1 + np.floor((can.sum(axis=2) - 1) * share + 0.5).astype(np.int64)
    pick = np.floor(adopted[account, month] * rng.random(len(account)) ** 1.4).astype(np.int64)
    return np.asarray(order[account, month, pick])


def _user_ids(account: NDArray[np.int64], user: NDArray[np.int64]) -> NDArray[np.object_]:
    # a name is written once for each user, not for each visit
    code, unique = pd.factorize(account * 1_000_000 + user)
    names = [f"user-{c // 1_000_000:04d}-{c % 1_000_000 // 100:03d}-{c % 100:02d}" for c in unique]
    return np.asarray(np.array(names, dtype=object)[code])
