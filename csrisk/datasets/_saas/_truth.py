"""The truth behind a simulated book: states, hazards, and what drives each of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from csrisk._days import as_midnights
from csrisk.datasets._saas._contracts import OUTCOMES, called_lately, contract_term
from csrisk.datasets._saas._latent import CONTRACT, GOALS, INTERACTION, STATES, log_odds_parts
from csrisk.datasets._saas._money import costs
from csrisk.datasets._saas._reasons import last_drivers
from csrisk.exceptions import ConfigError, SnapshotError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from csrisk.datasets._saas._contracts import Book

__all__ = ["SaasTruth", "ever", "renewals", "tell", "window"]

_DAYS_IN_MONTH = 365.25 / 12


@dataclass(frozen=True)
class SaasTruth:
    """What is true of a simulated book, by account and by account and month.

    Attributes
    ----------
    months : pandas.DataFrame
        Index (account_id, month), running months only. The states ``value, effort, advocacy, loop``; ``happiness`` in
        [0, 1]; ``profit``, expected in the month; ``term`` in months and ``next_renewal`` (missing for monthly terms).
        For each outcome in churn, contraction, expansion: ``{outcome}_log_odds`` of the month, ``{outcome}_book`` (mean
        of the book in that month), the contributions ``{outcome}_{goal}`` of the four goals, ``{outcome}_contract`` and
        ``{outcome}_treatment``, which add up with ``{outcome}_book`` to the log-odds, and ``{outcome}``: did it happen.
        ``driver`` is the goal with the largest contribution to churn, ``persuadable`` the drop of the log-odds of churn
        per unit of treatment effect, ``called`` says whether a success call of the last four months still works, and
        each kind of shock has a column that says whether it struck. Each part of a mechanism has a column with its
        level (0 where it does not work), and ``{outcome}_{mechanism}`` is the log-odds less what they would be without
        it, which the contributions of the goals hold already.
    accounts : pandas.DataFrame
        Index account_id: mean of each state over the running months, ``driver`` of the last running month, ``months``
        and ``left``.
    treatment_effect : float
        As the book was made with.
    mechanisms : mapping of str to float
        Mechanisms of the book and their strength.

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> truth = make_saas(60, 12, seed=1).truth
    >>> goals = truth.goals("2025-10-01")
    >>> bool(goals[["footprint", "churn", "advocacy", "feedback"]].mean().abs().max() < 1e-9)
    True
    """

    months: pd.DataFrame = field(repr=False)
    accounts: pd.DataFrame = field(repr=False)
    treatment_effect: float = 0.0
    mechanisms: Mapping[str, float] = field(default_factory=dict)

    def goals(self, as_of: str | pd.Timestamp, *, lead: int = 14, horizon: int = 90) -> pd.DataFrame:
        """Say what truly drives the churn of each account within a label window.

        The hazard of a window is proportional to exp(states) x sum of exp(contract term) over its months, with the
        states of the month before `as_of`. Its logarithm is split exactly: each goal gets the Shapley value of its
        state against the book, and the contract counts as churn, the goal that tenure and renewal belong to.

        Parameters
        ----------
        as_of : date-like
            First day of a month.
        lead, horizon : int
            The label window ``[as_of + lead, as_of + lead + horizon)`` in days.

        Returns
        -------
        pandas.DataFrame
            Index account_id, accounts that run at `as_of`: the four goals in log-hazard (their mean over the book is
            0), ``risk`` (their sum), ``probability`` of churn in the window, ``driver``, and ``margin`` of the driver
            over the second goal.

        Raises
        ------
        SnapshotError
            If `as_of` is not the first day of a month inside of the book.
        """
        day = as_midnights(as_of, "as_of")[0]
        now = self._before(day)
        plain, at_renewal, months, renewals = window(now, day, lead, horizon)
        contract = np.log(months * np.exp(plain) + renewals * np.exp(at_renewal))
        out = self._contributions(now)
        out = out.assign(churn=out["churn"] + contract)
        out = out - out.mean()
        goals = out[list(GOALS)].to_numpy()
        highest = np.sort(goals, axis=1)
        # the contract of that month is taken off: a window has plain and renewal months of its own
        base = now["churn_log_odds"] - now["churn_contract_term"]
        return out.assign(
            risk=np.sort(out.to_numpy(), axis=1).sum(axis=1),
            probability=ever(base.to_numpy(), plain, at_renewal, months, renewals),
            driver=np.array(GOALS, dtype=object)[goals.argmax(axis=1)],
            margin=highest[:, -1] - highest[:, -2],
        )

    def call_effect(self, as_of: str | pd.Timestamp, *, horizon: int = 120) -> pd.Series:
        """Say what a success call would truly do: the drop of the probability of churn in the days that follow.

        Parameters
        ----------
        as_of : date-like
            First day of a month; the call is made on it, and the states stay as they were in the month before.
        horizon : int, default 120
            Days ahead; a call works for about four months.

        Returns
        -------
        pandas.Series
            Index account_id, accounts that run at `as_of`; negative where a call drives the customer away, 0
            everywhere in a book whose `treatment_effect` is 0.

        Raises
        ------
        SnapshotError
            If `as_of` is not the first day of a month inside of the book.

        Examples
        --------
        >>> from csrisk.datasets import make_saas
        >>> saved = make_saas(60, 12, seed=1, treatment_effect=1.0).truth.call_effect("2025-10-01")
        >>> bool(saved.max() > 0 > saved.min())
        True
        """
        day = as_midnights(as_of, "as_of")[0]
        now = self._before(day)
        span = window(now, day, 0, horizon)
        shift = self.treatment_effect * now["persuadable"].to_numpy()
        # calls of before are taken off, so that one call is held against none
        alone = (now["churn_log_odds"] - now["churn_contract_term"]).to_numpy() + shift * now["called"].to_numpy()
        saved = ever(alone, *span) - ever(alone - shift, *span)
        return pd.Series(saved, index=now.index, name="call_effect")

    def mechanism_effect(
        self, name: str, as_of: str | pd.Timestamp, *, outcome: str = "churn", lead: int = 14, horizon: int = 90
    ) -> pd.Series:
        """Say what a mechanism truly does to each account: its probability less the one without the mechanism.

        Parameters
        ----------
        name : str
            A mechanism of this book.
        as_of : date-like
            First day of a month; levels stay as they were in the month before.
        outcome : {"churn", "contraction", "expansion"}
            What happens at least once in the window.
        lead, horizon : int
            The window ``[as_of + lead, as_of + lead + horizon)`` in days.

        Returns
        -------
        pandas.Series
            Index account_id, accounts that run at `as_of`; 0 where the mechanism does not work.

        Raises
        ------
        ConfigError
            If the book was made without the mechanism.
        SnapshotError
            If `as_of` is not the first day of a month inside of the book.

        Examples
        --------
        >>> from csrisk.datasets import make_saas
        >>> truth = make_saas(60, 12, seed=1, mechanisms="invoices").truth
        >>> bool(truth.mechanism_effect("invoices", "2025-10-01").max() > 0)
        True
        """
        if name not in self.mechanisms:
            raise ConfigError(f"name={name!r} is no mechanism of this book; there are {list(self.mechanisms)}")
        day = as_midnights(as_of, "as_of")[0]
        now = self._before(day)
        span = window(now, day, lead, horizon, outcome)
        score = (now[f"{outcome}_log_odds"] - now[f"{outcome}_contract_term"]).to_numpy()
        change = ever(score, *span) - ever(score - now[f"{outcome}_{name}"].to_numpy(), *span)
        return pd.Series(change, index=now.index, name=f"{name}_effect")

    def _contributions(self, now: pd.DataFrame) -> pd.DataFrame:
        """Give what each goal adds to the log-odds of churn, the contract apart."""
        return now[[f"churn_{goal}" for goal in GOALS]].set_axis(list(GOALS), axis=1)

    def _before(self, day: pd.Timestamp) -> pd.DataFrame:
        """Give the truth of the month before `day` for the accounts that still run."""
        month = day - pd.DateOffset(months=1)
        known = self.months.index.get_level_values("month")
        if month not in known:
            first, last = known.min() + pd.DateOffset(months=1), known.max() + pd.DateOffset(months=1)
            message = f"as_of={day.date()} must be the first day of a month from {first.date()} to {last.date()}"
            raise SnapshotError(message)
        now = cast("pd.DataFrame", self.months.xs(month, level="month"))
        # who left in that month does not run on the day
        return now[~now["churn"]]


def window(
    now: pd.DataFrame, day: pd.Timestamp, lead: int, horizon: int, outcome: str = "churn"
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Give the contract term of plain and renewal months, and how many of either the window holds."""
    term = now["term"].to_numpy()
    table = {t: CONTRACT[outcome][t] for t in (1, 3, 12)}
    plain = np.array([table[t][0] for t in term])
    at_renewal = np.array([table[t][1] for t in term])
    start, stop = day + pd.Timedelta(days=lead), day + pd.Timedelta(days=lead + horizon)
    renewals = np.zeros(len(now))
    # the shortest term that renews has some 90 days
    for turn in range(horizon // 80 + 3):
        due = now["next_renewal"].to_numpy().astype("datetime64[M]") + (turn * term).astype("timedelta64[M]")
        date = due.astype("datetime64[D]") + now["renewal_day"].to_numpy().astype("timedelta64[D]")
        renewals += (date >= np.datetime64(start)) & (date < np.datetime64(stop)) & (term > 1)
    return plain, at_renewal, np.maximum(horizon / _DAYS_IN_MONTH - renewals, 0.0), renewals


def ever(
    score: NDArray[np.float64],
    plain: NDArray[np.float64],
    at_renewal: NDArray[np.float64],
    months: NDArray[np.float64],
    renewals: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Give the probability that it happens at least once in a window of plain and renewal months."""
    never = (1 - _sigmoid(score + plain)) ** months * (1 - _sigmoid(score + at_renewal)) ** renewals
    return np.asarray(1 - never)


def tell(book: Book, ids: NDArray[np.object_], treatment_effect: float) -> SaasTruth:
    """Write the truth of a book that has lived."""
    account, month = np.nonzero(book.active)
    at = book.months[month].astype("datetime64[us]")
    index = pd.MultiIndex.from_arrays([ids[account], at], names=["account_id", "month"])
    states = book.latent.states[account, month]
    columns: dict[str, object] = dict(zip(STATES, states.T, strict=True))
    columns["happiness"] = _happiness(states)
    columns["profit"] = (book.mrr - costs(book))[account, month]
    columns |= renewals(book, account, month)
    for outcome in OUTCOMES:
        columns |= _contributions(book, outcome, account, month)
    columns["persuadable"] = book.uplift[account, month]
    columns["called"] = np.stack([called_lately(book, at) for at in range(book.shape[1])], axis=1)[account, month]
    columns |= {name: hit[account, month] for name, hit in book.latent.shocks.items()}
    for name, push in book.pushes.items():
        columns |= {part: level[account, month] for part, level in push.levels.items()}
        columns |= {f"{outcome}_{name}": push.effect(book, outcome)[account, month] for outcome in OUTCOMES}
    months = pd.DataFrame(columns, index=index)
    drive = months[[f"churn_{goal}" for goal in GOALS]].to_numpy()
    months["driver"] = np.array(GOALS, dtype=object)[drive.argmax(axis=1)]
    by_account = months.groupby(level="account_id", sort=False)
    accounts = by_account[list(STATES)].mean()
    accounts["driver"] = last_drivers(months)
    accounts["months"] = by_account.size()
    accounts["left"] = by_account["churn"].any()
    strength = {name: push.strength for name, push in book.pushes.items()}
    return SaasTruth(months, accounts.reindex(ids).rename_axis("account_id"), treatment_effect, strength)


def _happiness(states: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logistic of mostly advocacy, then effort, value and loop: what the customer feels, not what it does."""
    return _sigmoid(1.2 * (states @ np.array([0.35, -0.45, 1.0, 0.25])))


def renewals(book: Book, account: NDArray[np.int64], month: NDArray[np.int64]) -> dict[str, NDArray[np.generic]]:
    age = np.arange(book.shape[1]) - book.first_month[:, None]
    # the start of a contract is no renewal
    wait = np.where(age > 0, -age % book.term[:, None], book.term[:, None])[account, month]
    day = book.start_day - book.start_day.astype("datetime64[M]")
    due = (book.months[month].astype("datetime64[M]") + wait.astype("timedelta64[M]")).astype("datetime64[D]") + day[
        account
    ]
    due = np.where(book.term[account] > 1, due, np.datetime64("NaT", "D"))
    return {
        "term": book.term[account],
        "next_renewal": due.astype("datetime64[us]"),
        "renewal_day": day[account].astype(int),
    }


def _contributions(
    book: Book, outcome: str, account: NDArray[np.int64], month: NDArray[np.int64]
) -> dict[str, NDArray[np.generic]]:
    """Exact Shapley values against the book of the month: linear terms centred, the product of two states shared."""
    states = book.latent.states[account, month]
    linear, interaction = log_odds_parts(states, outcome)
    total = book.log_odds[outcome][account, month]
    contract = contract_term(book, outcome)[account, month]
    # what is left when all else is taken off is what calls did
    treatment = total - book.base[outcome] - linear.sum(axis=1) - interaction - contract
    treatment -= book.direct(outcome)[account, month]

    def centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return values - _book_mean(values, month, book.shape[1])

    x, y, half = -states[:, 0], states[:, 1], INTERACTION[outcome] / 2
    of_x = x * _book_mean(y, month, book.shape[1])
    of_y = y * _book_mean(x, month, book.shape[1])
    parts = np.stack([centred(column) for column in linear.T])
    # mean over the two orders: v(x) - v(none) and v(both) - v(y)
    parts[0] += half * (centred(x * y) + of_x - of_y)
    parts[1] += half * (centred(x * y) + of_y - of_x)
    for push in book.pushes.values():
        if push.mechanism.goal:
            direct = np.broadcast_to(push.direct(outcome), book.shape)[account, month]
            parts[GOALS.index(push.mechanism.goal)] += centred(direct)
    out: dict[str, NDArray[np.generic]] = {
        f"{outcome}_log_odds": total,
        f"{outcome}_book": _book_mean(total, month, book.shape[1]),
    }
    out |= {f"{outcome}_{goal}": part for goal, part in zip(GOALS, parts, strict=True)}
    out[f"{outcome}_contract"] = centred(contract)
    out[f"{outcome}_contract_term"] = contract
    out[f"{outcome}_treatment"] = centred(treatment)
    out[outcome] = book.happened[outcome][account, month]
    return out


def _book_mean(values: NDArray[np.float64], month: NDArray[np.int64], n_months: int) -> NDArray[np.float64]:
    count = np.maximum(1, np.bincount(month, minlength=n_months))
    return np.asarray((np.bincount(month, values, minlength=n_months) / count)[month])


def _sigmoid(x: NDArray[np.float64] | pd.Series) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.asarray(x))))
