"""Contracts of the simulated book: terms, renewals, seats, plans, products, and who leaves when."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from csrisk.datasets._saas._latent import CONTRACT, Latent, log_odds_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from csrisk.datasets._saas._mechanisms._push import Push

__all__ = ["OUTCOMES", "PLANS", "PRODUCTS", "SEGMENTS", "Book", "called_lately", "contract_term", "live"]

OUTCOMES = ("churn", "contraction", "expansion")
PLANS = ("starter", "growth", "enterprise")
PRODUCTS = ("core", "analytics", "automation")
SEGMENTS = ("small business", "mid-market", "enterprise")
_PRICE = np.array([24.0, 46.0, 84.0])  # per seat and month, by plan
_ADD_ON_PRICE = np.array([0.0, 11.0, 15.0])  # per seat and month, by product
_TERMS = np.array([1, 3, 12])
_MAY_CONTRACT_FROM = 4  # seats; smaller accounts do not shrink
_TREATMENT_MONTHS = 4


@dataclass(slots=True)
class Book:
    """Everything that the tables are written from; months are columns."""

    months: NDArray[np.datetime64]  # first day of each, and the first day that is not observed
    latent: Latent
    segment: NDArray[np.int64]
    term: NDArray[np.int64]
    discount: NDArray[np.float64]
    first_month: NDArray[np.int64]
    start_day: NDArray[np.datetime64]
    base: dict[str, float] = field(init=False)
    active: NDArray[np.bool_] = field(init=False)
    seats: NDArray[np.int64] = field(init=False)
    plan: NDArray[np.int64] = field(init=False)
    holds: NDArray[np.bool_] = field(init=False)
    mrr: NDArray[np.float64] = field(init=False)
    renews: NDArray[np.bool_] = field(init=False)
    treated: NDArray[np.bool_] = field(init=False)
    uplift: NDArray[np.float64] = field(init=False)
    log_odds: dict[str, NDArray[np.float64]] = field(init=False)
    happened: dict[str, NDArray[np.bool_]] = field(init=False)
    end_day: NDArray[np.datetime64] = field(init=False)
    changes: list[dict[str, NDArray[Any]]] = field(init=False, default_factory=list)
    campaigns: list[dict[str, NDArray[Any]]] = field(init=False, default_factory=list)
    pushes: dict[str, Push] = field(init=False, default_factory=dict)  # mechanisms at work, by name
    # log-odds of a world of another process, by outcome
    scores: dict[str, NDArray[np.float64]] = field(init=False, default_factory=dict)
    # share of those called, by account and month; None: half of them, by lot
    aim: NDArray[np.float64] | None = field(init=False, default=None)
    pace: NDArray[np.float64] | None = field(init=False, default=None)  # how much is used, by account
    size: NDArray[np.int64] | None = field(init=False, default=None)  # seats at the start, by account

    @property
    def shape(self) -> tuple[int, int]:
        """Number of accounts and of months."""
        n_accounts, n_months, _ = self.latent.states.shape
        return n_accounts, n_months

    @property
    def until(self) -> NDArray[np.datetime64]:
        """First day on which each account does not run any more, or is not observed."""
        return np.where(np.isnat(self.end_day), self.months[-1], self.end_day)

    def direct(self, outcome: str) -> NDArray[np.float64]:
        """Log-odds that mechanisms add beside the states."""
        out = np.zeros(self.shape)
        for push in self.pushes.values():
            # in a world with log-odds of its own states move nobody, so what is pushed there is added here
            out += push.effect(self, outcome) if outcome in self.scores else push.direct(outcome)
        return out


def live(book: Book, monthly_churn: float, treatment_effect: float, rng: np.random.Generator) -> Book:
    """Let the book live month by month: renewals, churn, contraction, expansion, treatments."""
    _prepare(book)
    book.base = {
        "churn": _base(book, "churn", monthly_churn),
        "contraction": _base(book, "contraction", 0.014),
        "expansion": _base(book, "expansion", 0.032),
    }
    driven = {name: _driven(book, name) for name in OUTCOMES}
    holding = _at_start(book, rng)
    left = np.zeros(book.shape[0], dtype=bool)
    for month in range(book.shape[1]):
        active = (book.first_month <= month) & ~left
        book.active[:, month] = active
        # before the log-odds: a call works from its own month on
        _campaign(book, month, active, rng)
        for name in OUTCOMES:
            book.log_odds[name][:, month] = _log_odds(book, name, month, driven[name], treatment_effect)
        leaves, shrinks, grows = _draw(book, month, active, holding.seats, rng)
        day = _event_day(book, month, rng)
        book.end_day[leaves] = day[leaves]
        left |= leaves
        holding.change(shrinks, grows, rng)
        _relieve(book, month, grows)
        starts = active & ((book.first_month == month) | (month == 0))
        moved = (starts | shrinks | grows | (book.renews[:, month] & active)) & ~leaves
        _record(book, month, moved, _term_start(book) if month == 0 else day, holding)
        book.seats[:, month], book.plan[:, month], book.holds[:, month] = holding.seats, holding.plan, holding.holds
        book.mrr[:, month] = holding.price(book.discount).sum(axis=1)
    return book


@dataclass(slots=True)
class _Holding:
    """What each account pays for at the moment."""

    seats: NDArray[np.int64]
    plan: NDArray[np.int64]
    holds: NDArray[np.bool_]

    def price(self, discount: NDArray[np.float64]) -> NDArray[np.float64]:
        """Monthly price by product."""
        per_seat = np.where([True, False, False], _PRICE[self.plan][:, None], _ADD_ON_PRICE)
        return np.asarray(np.round(self.seats[:, None] * per_seat * self.holds * (1 - discount)[:, None], 2))

    def change(self, shrinks: NDArray[np.bool_], grows: NDArray[np.bool_], rng: np.random.Generator) -> None:
        """Take or give an add-on, a plan or seats."""
        rows = np.arange(len(self.seats))
        how, size = rng.random(len(rows)), rng.uniform(0.1, 0.4, len(rows))
        add_on = rng.integers(1, 3, len(rows))
        drops = shrinks & (how < 0.2) & self.holds[rows, add_on]
        lower = shrinks & (how > 0.85) & (self.plan > 0)
        buys = grows & (how < 0.25) & ~self.holds[rows, add_on]
        upper = grows & (how > 0.82) & (self.plan < 2)
        self.holds[rows, add_on] = (self.holds[rows, add_on] & ~drops) | buys
        self.plan += upper.astype(np.int64) - lower
        less = np.maximum(2, np.minimum(self.seats - 1, np.floor(self.seats * (1 - size)))).astype(np.int64)
        more = np.maximum(self.seats + 1, np.ceil(self.seats * (1 + size))).astype(np.int64)
        self.seats = np.select([shrinks & ~drops & ~lower, grows & ~buys & ~upper], [less, more], self.seats)


def _draw(
    book: Book, month: int, active: NDArray[np.bool_], seats: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    # for everybody, whoever has left: who left before does not shift the chances of the others
    chance = rng.random((3, len(active)))
    can = active & (book.first_month < month) & (month > 0)
    hit = {
        name: can & (row < _sigmoid(book.log_odds[name][:, month])) for name, row in zip(OUTCOMES, chance, strict=True)
    }
    leaves = hit["churn"]
    shrinks = hit["contraction"] & ~leaves & (seats >= _MAY_CONTRACT_FROM)
    grows = hit["expansion"] & ~leaves & ~shrinks
    for name, who in zip(OUTCOMES, (leaves, shrinks, grows), strict=True):
        book.happened[name][:, month] = who
    return leaves, shrinks, grows


def _prepare(book: Book) -> None:
    size = n_accounts, n_months = book.shape
    book.active, book.treated = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
    book.seats, book.plan = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    book.holds, book.mrr = np.zeros((*size, 3), dtype=bool), np.zeros(size)
    age = np.arange(n_months) - book.first_month[:, None]
    book.renews = (age > 0) & (age % book.term[:, None] == 0) & (book.term[:, None] > 1)
    book.log_odds = {name: np.zeros(size) for name in OUTCOMES}
    book.happened = {name: np.zeros(size, dtype=bool) for name in OUTCOMES}
    book.end_day = np.full(n_accounts, np.datetime64("NaT", "D"), dtype="datetime64[D]")
    # A success call helps who has trouble in spite of value, and reminds who gets no value that there is a bill.
    value, effort = book.latent.states[..., 0], book.latent.states[..., 1]
    book.uplift = np.clip(0.8 * effort + 0.8 * value + 0.2, -1.5, 1.5)


def contract_term(book: Book, outcome: str) -> NDArray[np.float64]:
    """Give the log-odds that come from the contract, per account and month."""
    table = np.array([CONTRACT[outcome][int(term)] for term in _TERMS])
    code = np.searchsorted(_TERMS, book.term)
    hazard: NDArray[np.float64] = np.where(book.renews, table[code, 1][:, None], table[code, 0][:, None])
    return hazard


def called_lately(book: Book, month: int) -> NDArray[np.bool_]:
    """Say whom a success call of the last months still moves."""
    return np.asarray(book.treated[:, max(0, month - _TREATMENT_MONTHS + 1) : month + 1].any(axis=1))


def _relieve(book: Book, month: int, grows: NDArray[np.bool_]) -> None:
    """Who grew has seats enough again."""
    if "overuse" in book.pushes:
        # over-use lasts seven months at most
        book.pushes["overuse"].levels["over_seats"][grows, month + 1 : month + 8] = 0.0


def _base(book: Book, outcome: str, rate: float) -> float:
    """Find the base of the log-odds that gives the wanted rate among those who have not left yet."""
    driven, interaction = _driven(book, outcome)
    score = driven + interaction + contract_term(book, outcome) + book.direct(outcome)
    # the months in which something may happen, see _draw
    running = np.arange(book.shape[1]) > np.maximum(book.first_month, 0)[:, None]
    low, high = -15.0, 5.0
    # 20 halved 40 times is below 1e-10
    for _ in range(40):
        middle = (low + high) / 2
        chance = np.where(running, _sigmoid(score + middle), 0.0)
        # share that has not left before the month; nobody leaves twice
        still = np.roll(np.cumprod(1 - chance, axis=1), 1, axis=1) if outcome == "churn" else np.ones_like(chance)
        still[:, 0] = 1.0
        weight = running * still
        low, high = (middle, high) if (chance * weight).sum() < rate * weight.sum() else (low, middle)
    return middle


def _log_odds(
    book: Book, outcome: str, month: int, driven: tuple[NDArray[np.float64], ...], treatment_effect: float
) -> NDArray[np.float64]:
    linear, interaction = (part[:, month] for part in driven)
    out = book.base[outcome] + linear + interaction + contract_term(book, outcome)[:, month]
    out = out + book.direct(outcome)[:, month]
    if outcome == "churn" and treatment_effect:
        out = out - treatment_effect * book.uplift[:, month] * called_lately(book, month)
    return np.asarray(out)


def _driven(book: Book, outcome: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log-odds that the states bring, or the world's own: what adds up, and the interaction."""
    if outcome in book.scores:
        return book.scores[outcome], np.zeros(book.shape)
    linear, interaction = log_odds_parts(book.latent.states, outcome)
    return linear.sum(axis=-1), interaction


def _campaign(book: Book, month: int, active: NDArray[np.bool_], rng: np.random.Generator) -> None:
    chosen = (rng.random(len(active)) < 0.4) & active & (book.first_month < month)
    treated = chosen & (rng.random(len(active)) < (0.5 if book.aim is None else book.aim[:, month]))
    day = rng.integers(0, 5, len(active))
    if month % 3 == 2:
        book.treated[:, month] = treated
        rows = np.flatnonzero(chosen)
        book.campaigns.append(
            {"account": rows, "at": book.months[month] + day[rows].astype("timedelta64[D]"), "treated": treated[rows]}
        )


def _at_start(book: Book, rng: np.random.Generator) -> _Holding:
    n = len(book.segment)
    seats = np.exp(np.log([5.0, 12.0, 34.0])[book.segment] + 0.5 * rng.standard_normal(n))
    share = np.array([[0.7, 0.27, 0.03], [0.25, 0.6, 0.15], [0.05, 0.45, 0.5]])[book.segment]
    plan = (rng.random(n)[:, None] > share.cumsum(axis=1)[:, :2]).sum(axis=1)
    holds = rng.random((n, 3)) < np.array([1.0, 0.35, 0.25]) + np.array([0.0, 0.1, 0.1]) * plan[:, None]
    if book.size is not None:
        seats = book.size.astype(float)
    return _Holding(np.maximum(2, seats.round()).astype(np.int64), plan.astype(np.int64), holds)


def _event_day(book: Book, month: int, rng: np.random.Generator) -> NDArray[np.datetime64]:
    first = book.months[month]
    length = int((book.months[month + 1] - first).astype(int))
    chance = rng.integers(1, length, len(book.term))
    anniversary = (book.start_day - book.start_day.astype("datetime64[M]")).astype(int)
    fixed = book.renews[:, month] | (book.term == 1) | (book.first_month == month)
    return np.asarray(first + np.where(fixed, anniversary, chance).astype("timedelta64[D]"))


def _term_start(book: Book) -> NDArray[np.datetime64]:
    age = np.maximum(0, -book.first_month)
    # a term that ran when the book opens began before it
    begun = np.where(book.term > 1, age // book.term * book.term, 0)
    day = book.start_day - book.start_day.astype("datetime64[M]")
    month = book.start_day.astype("datetime64[M]") + begun.astype("timedelta64[M]")
    return np.asarray(month.astype("datetime64[D]") + day)


def _record(book: Book, month: int, moved: NDArray[np.bool_], day: NDArray[np.datetime64], holding: _Holding) -> None:
    rows = np.flatnonzero(moved)
    term = book.term[rows]
    to_go = np.where(term > 1, term - (month - book.first_month[rows]) % term, 0)
    anniversary = book.start_day[rows] - book.start_day[rows].astype("datetime64[M]")
    planned = (book.months[month].astype("datetime64[M]") + to_go.astype("timedelta64[M]")).astype(
        "datetime64[D]"
    ) + anniversary
    # monthly contracts go on until they are ended
    planned[term == 1] = np.datetime64("NaT", "D")
    change = {"account": rows, "start_at": day[rows], "planned_end": planned}
    change |= {name: getattr(holding, name)[rows] for name in ("seats", "plan", "holds")}
    book.changes.append({**change, "mrr": holding.price(book.discount)[rows]})


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-x)))
