"""The truth behind a simulated book: states, hazards, and what drives each of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk.data._simulator_contract import OUTCOMES, contract_term
from csrisk.data._simulator_latent import GOALS, INTERACTION, STATES, log_odds_parts
from csrisk.data._simulator_money import costs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from csrisk.data._simulator_contract import Book

__all__ = ["SaasTruth", "tell"]


@dataclass(frozen=True)
class SaasTruth:
    """What is true of a simulated book, by account and by account and month.

    Attributes
    ----------
    months : pandas.DataFrame
        Index (account_id, month), running months only. Columns: the states ``value, effort, advocacy, loop``;
        ``happiness`` in [0, 1]; ``profit`` expected in the month; ``months_to_renewal`` (0 in a renewal month, NaN for
        monthly terms); for each outcome in churn, contraction, expansion ``{outcome}_log_odds`` (monthly),
        ``{outcome}_book`` (mean of the book in that month), the centred contributions ``{outcome}_{goal}`` of the four
        goals, ``{outcome}_contract`` and ``{outcome}_treatment``, which add up with ``{outcome}_book`` to the log-odds,
        and ``{outcome}`` itself (did it happen); ``driver``, the goal with the largest contribution to churn; the shocks
        of the month; ``persuadable``, the drop of the log-odds of churn per unit of treatment effect.
    accounts : pandas.DataFrame
        Index account_id: mean of each state over the running months, ``driver`` of the last running month,
        ``months``, ``left``.
    """

    months: pd.DataFrame = field(repr=False)
    accounts: pd.DataFrame = field(repr=False)


def tell(book: Book, ids: NDArray[np.object_]) -> SaasTruth:
    """Write the truth of a book that has lived."""
    account, month = np.nonzero(book.active)
    index = pd.MultiIndex.from_arrays(
        [ids[account], book.months[month].astype("datetime64[us]")], names=["account_id", "month"]
    )
    states = book.latent.states[account, month]
    columns: dict[str, object] = dict(zip(STATES, states.T, strict=True))
    columns["happiness"] = _happiness(states)
    columns["profit"] = (book.mrr - costs(book))[account, month]
    columns["months_to_renewal"] = _to_renewal(book)[account, month]
    for outcome in OUTCOMES:
        columns |= _contributions(book, outcome, account, month)
    columns["persuadable"] = book.uplift[account, month]
    columns |= {name: hit[account, month] for name, hit in book.latent.shocks.items()}
    months = pd.DataFrame(columns, index=index)
    drive = months[[f"churn_{goal}" for goal in GOALS]].to_numpy()
    months["driver"] = np.array(GOALS, dtype=object)[drive.argmax(axis=1)]
    by_account = months.groupby(level="account_id", sort=False)
    accounts = by_account[list(STATES)].mean()
    accounts["driver"] = by_account["driver"].last()
    accounts["months"] = by_account.size()
    accounts["left"] = by_account["churn"].any()
    return SaasTruth(months, accounts.reindex(ids).rename_axis("account_id"))


def _happiness(states: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logistic of mostly advocacy, then effort, value and loop: what the customer feels, not what it does."""
    felt = states @ np.array([0.35, -0.45, 1.0, 0.25])
    return np.asarray(1 / (1 + np.exp(-1.2 * felt)))


def _to_renewal(book: Book) -> NDArray[np.float64]:
    age = np.arange(book.shape[1]) - book.first_month[:, None]
    left = np.where(age > 0, -age % book.term[:, None], book.term[:, None])
    return np.where(book.term[:, None] > 1, left, np.nan)


def _contributions(
    book: Book, outcome: str, account: NDArray[np.int64], month: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    """Exact Shapley values against the book of the month: linear terms centred, the product of two states shared."""
    states = book.latent.states[account, month]
    linear, interaction = log_odds_parts(states, outcome)
    total = book.log_odds[outcome][account, month]
    contract = contract_term(book, outcome)[account, month]
    treatment = total - book.base[outcome] - linear.sum(axis=1) - interaction - contract
    mean = _book_mean(month, book.shape[1])
    parts = linear - mean(linear)
    x, y, weight = -states[:, 0], states[:, 1], INTERACTION[outcome]
    cross = mean(x * y)
    parts[:, 0] += weight * 0.5 * (x * mean(y) - cross + x * y - mean(x) * y)
    parts[:, 1] += weight * 0.5 * (mean(x) * y - cross + x * y - x * mean(y))
    out = {f"{outcome}_log_odds": total, f"{outcome}_book": mean(total)}
    out |= {f"{outcome}_{goal}": parts[:, j] for j, goal in enumerate(GOALS)}
    out[f"{outcome}_contract"] = contract - mean(contract)
    out[f"{outcome}_treatment"] = treatment - mean(treatment)
    out[outcome] = book.happened[outcome][account, month]
    return out


def _book_mean(month: NDArray[np.int64], n_months: int):  # type: ignore[no-untyped-def]  # for now
    count = np.maximum(1, np.bincount(month, minlength=n_months))

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        if values.ndim == 2:
            return np.stack([mean(column) for column in values.T], axis=1)
        return np.asarray((np.bincount(month, values, minlength=n_months) / count)[month])

    return mean
