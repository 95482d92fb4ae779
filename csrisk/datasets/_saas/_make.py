"""A simulated book of B2B software accounts whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk.datasets._saas._contacts import contacts
from csrisk.datasets._saas._contracts import Book, live
from csrisk.datasets._saas._latent import draw_states
from csrisk.datasets._saas._mechanisms import chosen, draw, write
from csrisk.datasets._saas._money import accounts, finance, subscriptions, treatments
from csrisk.datasets._saas._reasons import reasons
from csrisk.datasets._saas._truth import SaasTruth, tell
from csrisk.datasets._saas._usage import catalogue, usage
from csrisk.datasets._saas._voice import advocacy, expectations, surveys
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from csrisk.data import CustomerData

__all__ = ["SaasBook", "SaasTruth", "account_ids", "calendar", "check_sizes", "make_saas", "signed", "written"]


@dataclass(frozen=True)
class SaasBook:
    """A simulated book: its tables, and the truth behind them.

    Attributes
    ----------
    tables : dict of str to pandas.DataFrame
        Every table of the contract.
    truth : SaasTruth
        Latent states, true hazards, true contributions.
    end : pandas.Timestamp
        First day that is not observed.

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> make_saas(60, 12, seed=1)
    SaasBook(end=Timestamp('2026-01-01 00:00:00'))
    """

    tables: dict[str, pd.DataFrame] = field(repr=False)
    truth: SaasTruth = field(repr=False)
    end: pd.Timestamp

    def data(self) -> CustomerData:
        """Give the tables as `CustomerData`, those without a row left out."""
        from csrisk.data import CustomerData

        return CustomerData({name: table for name, table in self.tables.items() if len(table)}, end=self.end)


def make_saas(
    n_accounts: int = 500,
    months: int = 24,
    seed: int = 0,
    *,
    end: str | pd.Timestamp = "2026-01-01",
    monthly_churn: float = 0.02,
    treatment_effect: float = 0.0,
    mechanisms: str | Iterable[str] | Mapping[str, float] = (),
) -> SaasBook:
    r"""Simulate a book of business software accounts from a stated latent process.

    Parameters
    ----------
    n_accounts : int, default 500
        Accounts that ever were customers; 60 % of them were there before the first month.
    months : int, default 24
        Months observed, at least 3.
    seed : int, default 0
        The same arguments give the same book.
    end : date-like, default "2026-01-01"
        First day that is not observed; taken to the first day of its month.
    monthly_churn : float, default 0.02
        Expected share of running accounts that leave in a month.
    treatment_effect : float, default 0.0
        Size :math:`\tau` of the effect of a success call, see below; 0 means that treatments do nothing.
    mechanisms : str, iterable of str, or mapping of str to float, optional
        What else moves customers, by names of `csrisk.datasets.MECHANISMS`, or ``"all"``; a mapping states how strongly
        (1 as declared, 0 for signs without any effect). None by default; the tables are then those without mechanisms.

    Returns
    -------
    SaasBook
        ``.tables``, ``.truth``, ``.end`` and ``.data()``.

    Raises
    ------
    ConfigError
        If an argument makes no sense.

    Notes
    -----
    **States.** Each account a has four latent states in month t: value v, effort e, advocacy w and loop
    health l,

    .. math:: s_{a,t} = \sqrt{.5}\,m_a + x_{a,t} + d_{a,t} + o_t, \quad
              x_{a,t} = .9\,x_{a,t-1} + \sqrt{1-.9^2}\,\sqrt{.5}\,\epsilon_{a,t}, \quad
              d_{a,t} = .88\,d_{a,t-1} + j_{a,t},

    where m and :math:`\epsilon` are normal with unit variance and correlation .25 in good direction (high value goes
    with low effort), and j are rare jumps: champion lost (v), swamped by cases (e), promise broken (w), account manager
    changed (l), bad onboarding (e, v) in 18 % of the starts. o is an outage that hits the effort of the whole book.

    **Outcomes.** The monthly log-odds of churn are

    .. math:: b - .80 v + .80 e - .75 w - .85 l + .12 (-v) e + c(\text{term}, \text{renewal}) - \tau u_{a,t} r_{a,t}

    with c = 0 for monthly terms, -1.2 (renewal month: +.7) for quarterly and -2.4 (+1.5) for annual ones;
    r says whether the account was called in the last four months and
    :math:`u = \operatorname{clip}(.8 e + .8 v + .2, -1.5, 1.5)`: a call helps those who have trouble in spite of value
    and reminds those without value of the bill. Contraction and expansion (seats, plan, add-on products) have log-odds
    of the same form. b is set so that the expected rate is met. Accounts leave on renewal or billing day, else any day.

    **Tables.** Value makes adoption, use and breadth (by weekday, season, holiday, plan and product); effort makes
    contacts, repeats, transfers, handlers, questions asked again and slow answers, and costs the vendor too; advocacy
    makes scores, comments, acts of advocacy and expectations met; loop health makes response, acknowledgement and
    action. Some rows of usage, contacts and surveys and all of finance are known only later (``known_at``). Goals of a
    success plan that were missed have no outcome, so that the row tells nothing before ``due_at``.

    **Mechanisms** happen to some accounts at some times: they push the states or the log-odds, leave their signs in the
    tables (also in `people`, `invoices` and `measures`), and are told by the truth: the level of each part by month,
    and in ``{outcome}_{mechanism}`` the log-odds less what they would be without it. Each has streams of its own.

    **Satisfaction is not loyalty.** Scores show advocacy, one state of four, with noise: in the bundled book the
    correlation of an account's mean NPS with its true log-hazard is about -.5.

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> book = make_saas(60, 12, seed=1)
    >>> len(book.tables), len(book.tables["accounts"])
    (10, 60)
    >>> book.truth.months[["value", "effort", "advocacy", "loop"]].shape[1]
    4
    """
    check_sizes(n_accounts, months, monthly_churn)
    # tables have streams of their own: more draws for one leave the others of a seed as they are
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(9)]
    book = signed(n_accounts, calendar(months, end), streams[0], streams[1])
    # before the book lives: the base of the log-odds is set with them, so that the rate stays as asked
    draw(book, chosen(mechanisms), seed)
    live(book, monthly_churn, treatment_effect, streams[2])
    ids = account_ids(n_accounts)
    tables = written(book, ids, streams[3:])
    # into finished tables: without mechanisms those of a seed stay the same to the byte
    write(book, ids, tables, seed)
    truth = tell(book, ids, treatment_effect)
    tables["accounts"]["ended_reason"] = reasons(tables["accounts"], truth, seed)
    return SaasBook(tables, truth, pd.Timestamp(book.months[-1]).as_unit("us"))


def account_ids(n: int) -> NDArray[np.object_]:
    """Ids of accounts by position."""
    return np.array([f"acct-{i:04d}" for i in range(n)], dtype=object)


def calendar(months: int, end: str | pd.Timestamp) -> NDArray[np.datetime64]:
    """First days of the months, and the first day that is not observed any more."""
    after = np.datetime64(pd.Timestamp(end), "M").astype(np.int64)
    return np.arange(after - months, after + 1).astype("datetime64[M]").astype("datetime64[D]")


def written(book: Book, ids: NDArray[np.object_], streams: list[np.random.Generator]) -> dict[str, pd.DataFrame]:
    """Write the tables of a book that has lived; six streams of chance."""
    tables = {
        "accounts": accounts(book, ids, streams[0]),
        "subscriptions": subscriptions(book, ids),
        "usage": usage(book, ids, streams[1]),
        "features": catalogue(),
        "contacts": contacts(book, ids, streams[2]),
    }
    tables["surveys"] = surveys(book, tables["contacts"], ids, streams[3])
    tables["advocacy"] = advocacy(book, ids, streams[4])
    tables["expectations"] = expectations(book, ids, streams[4])
    tables["finance"] = finance(book, ids, streams[5])
    tables["treatments"] = treatments(book, ids)
    return tables


def check_sizes(n_accounts: int, months: int, monthly_churn: float) -> None:
    for name, value, low in (("n_accounts", n_accounts, 1), ("months", months, 3)):
        if int(value) != value or value < low:
            raise ConfigError(f"{name}={value!r} must be a whole number of at least {low}")
    if not 0 < monthly_churn < 0.5:
        raise ConfigError(f"monthly_churn={monthly_churn!r} must lie between 0 and 0.5")


def signed(n: int, days: NDArray[np.datetime64], chance: np.random.Generator, states: np.random.Generator) -> Book:
    """Draw accounts with their starts, segments and terms, and their states."""
    months = len(days) - 1
    before = chance.random(n) < 0.6
    age = np.floor(np.exp(chance.uniform(0, np.log(60), n))).astype(np.int64)
    joined = 1 + np.floor(chance.random(n) * max(1, months - 1)).astype(np.int64)
    first_month = np.where(before, -age, np.minimum(joined, months - 1))
    # a day that every month has: renewals fall on it
    day = chance.integers(0, 28, n)
    month = days[0].astype("datetime64[M]") + first_month.astype("timedelta64[M]")
    start = month.astype("datetime64[D]") + day.astype("timedelta64[D]")
    segment = np.searchsorted([0.45, 0.83], chance.random(n))
    share = np.array([[0.55, 0.25, 0.20], [0.25, 0.2, 0.55], [0.05, 0.15, 0.8]])[segment]
    term = np.array([1, 3, 12])[(chance.random(n)[:, None] > share.cumsum(axis=1)[:, :2]).sum(axis=1)]
    discount = chance.choice([0.0, 0.0, 0.05, 0.1, 0.2], n)
    latent = draw_states(n, months, first_month, states)
    return Book(days, latent, segment, term, discount, first_month, start)
