"""A simulated book of B2B software accounts whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk.data._simulator_contacts import contacts
from csrisk.data._simulator_contract import Book, live
from csrisk.data._simulator_latent import draw_states
from csrisk.data._simulator_money import accounts, finance, subscriptions, treatments
from csrisk.data._simulator_truth import SaasTruth, tell
from csrisk.data._simulator_usage import catalogue, usage
from csrisk.data._simulator_voice import advocacy, expectations, surveys

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from csrisk.data import CustomerData

__all__ = ["SaasBook", "SaasTruth", "make_saas"]


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
    """

    tables: dict[str, pd.DataFrame] = field(repr=False)
    truth: SaasTruth = field(repr=False)
    end: pd.Timestamp

    def data(self) -> CustomerData:
        """Give the tables as `CustomerData`."""
        from csrisk.data import CustomerData

        return CustomerData(self.tables, end=self.end)


def make_saas(
    n_accounts: int = 500,
    months: int = 24,
    seed: int = 0,
    *,
    end: str | pd.Timestamp = "2026-01-01",
    monthly_churn: float = 0.02,
    treatment_effect: float = 0.0,
) -> SaasBook:
    """Simulate a book of business software accounts from a stated latent process."""
    last = np.datetime64(pd.Timestamp(end), "M")
    calendar = np.arange(last - months, last + 1).astype("datetime64[D]")
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(9)]
    book = _signed(n_accounts, calendar, streams[0], streams[1])
    live(book, monthly_churn, treatment_effect, streams[2])
    ids = np.array([f"acct-{i:04d}" for i in range(n_accounts)], dtype=object)
    tables = {
        "accounts": accounts(book, ids, streams[3]),
        "subscriptions": subscriptions(book, ids),
        "usage": usage(book, ids, streams[4]),
        "features": catalogue(),
        "contacts": contacts(book, ids, streams[5]),
    }
    tables["surveys"] = surveys(book, tables["contacts"], ids, streams[6])
    tables["advocacy"] = advocacy(book, ids, streams[7])
    tables["expectations"] = expectations(book, ids, streams[7])
    tables["finance"] = finance(book, ids, streams[8])
    tables["treatments"] = treatments(book, ids)
    return SaasBook(tables, tell(book, ids), pd.Timestamp(calendar[-1]).as_unit("us"))


def _signed(
    n: int, calendar: NDArray[np.datetime64], chance: np.random.Generator, states: np.random.Generator
) -> Book:
    months = len(calendar) - 1
    before = chance.random(n) < 0.6
    age = np.floor(np.exp(chance.uniform(0, np.log(60), n))).astype(np.int64)
    joined = 1 + np.floor(chance.random(n) * max(1, months - 1)).astype(np.int64)
    first_month = np.where(before, -age, np.minimum(joined, months - 1))
    day = chance.integers(0, 28, n)
    start = (calendar[0].astype("datetime64[M]") + first_month).astype("datetime64[D]") + day
    segment = np.searchsorted([0.45, 0.83], chance.random(n))
    share = np.array([[0.55, 0.25, 0.20], [0.25, 0.2, 0.55], [0.05, 0.15, 0.8]])[segment]
    term = np.array([1, 3, 12])[(chance.random(n)[:, None] > share.cumsum(axis=1)[:, :2]).sum(axis=1)]
    discount = chance.choice([0.0, 0.0, 0.05, 0.1, 0.2], n)
    latent = draw_states(n, months, first_month, states)
    return Book(calendar, latent, segment, term, discount, first_month, start)
