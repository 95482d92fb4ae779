"""The permutation null: a whole procedure that is given nothing must find nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from csrisk._params import check_seed, check_whole
from csrisk._text import number
from csrisk.checks._association import MIN_EVENTS, Array
from csrisk.checks._check import Check, Rule

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["check_permutation_null"]

# with the one that is judged 1,000, so that p goes in steps of .001
_DEALS = 999
_MOST_SHUFFLES = 1_000  # each trains anew
NULL = Rule(
    "CSR004",
    "Permutation null",
    "permutation test at 1 percent, shared over the shuffles (Ojala and Garriga 2010)",
    "look for rows that are in train and test, and for steps fitted before the split",
    leakage=True,
)


def check_permutation_null(
    fit_predict: Callable[[pd.DataFrame, pd.Series, pd.DataFrame], Any],
    X: pd.DataFrame,
    y: pd.Series,
    *,
    train: pd.Series,
    test: pd.Series,
    n_shuffles: int = 2,
    random_state: int = 0,
) -> Check:
    """Shuffle outcomes within dates, run everything again, and expect an AUC of one half.

    Parameters
    ----------
    fit_predict : callable
        From (X of train, y of train, X of test) to scores of the test rows.
    X : pandas.DataFrame
        Features.
    y : pandas.Series
        Outcomes on the same index.
    train, test : pandas.Series of bool
        Split, as `ForwardSplit.at` gives it.
    n_shuffles : int
        How often the procedure is run.
    random_state : int
        Seed.

    Returns
    -------
    Check

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from csrisk.checks import check_permutation_null
    >>> dates = pd.to_datetime(["2025-01-01", "2025-04-01"])
    >>> index = pd.MultiIndex.from_product([range(200), dates], names=["account_id", "as_of"])
    >>> X = pd.DataFrame({"logins": np.random.default_rng(0).poisson(9, 400)}, index=index)
    >>> early = pd.Series(index.get_level_values("as_of") == dates[0], index=index)
    >>> use = lambda X, y, X_test: -X_test["logins"]
    >>> check_permutation_null(use, X, X["logins"] < 8, train=early, test=~early).status
    'passed'
    """
    check_whole("n_shuffles", n_shuffles, 1, _MOST_SHUFFLES)
    check_seed(random_state)
    known = y.notna()
    learned, tested = train & known, test & known
    rng = np.random.default_rng(random_state)
    dates = _dates(y.index)
    areas, values = [], []
    for _ in range(n_shuffles):
        shuffled = _shuffled(y, dates, rng)
        event = shuffled[tested].to_numpy(dtype=bool)
        if min(event.sum(), (~event).sum()) < MIN_EVENTS:
            return NULL.not_applicable(f"fewer than {MIN_EVENTS} events or others among {len(event)} test snapshots")
        score = np.asarray(fit_predict(X[learned], shuffled[learned], X[tested]), dtype=np.float64)
        area, value = _auc_by_chance(score, event, dates[tested.to_numpy(dtype=bool)], rng)
        areas.append(number(area, 3))
        values.append(value)
    # Bonferroni: more shuffles must not raise the chance of a false alarm
    smallest = min(1.0, min(values) * n_shuffles)
    measure = f"AUC on shuffled outcomes {', '.join(areas)}; p = {number(smallest, 3)}"
    return NULL.judge(smallest < 0.01, measure, "p >= 0.01")


def _auc_by_chance(score: Array, event: Array, dates: Array, rng: np.random.Generator) -> tuple[float, float]:
    """Area, and how often dealing the outcomes of the test rows anew leads as far from one half."""
    ranks, n_event = rankdata(score), int(event.sum())

    def area(events: Array) -> float:
        return float((ranks[events].sum() - n_event * (n_event + 1) / 2) / (n_event * (len(ranks) - n_event)))

    found = area(event)
    dealt = [area(event[_dealt(dates, rng)]) for _ in range(_DEALS)]
    # scores may differ between dates, so that chance is not centred on one half
    middle = float(np.mean(dealt))
    further = sum(abs(each - middle) >= abs(found - middle) for each in dealt)
    # the area that is judged is one of the deals, so p is never 0
    return found, (1 + further) / (1 + _DEALS)


def _dates(index: pd.Index) -> Array:
    if "as_of" not in index.names:
        return np.zeros(len(index), dtype=np.int64)
    return np.asarray(pd.factorize(index.get_level_values("as_of"))[0])


def _dealt(dates: Array, rng: np.random.Generator) -> Array:
    """Positions shuffled within dates."""
    order = np.argsort(dates, kind="stable")
    # the last key leads: chance decides within a date alone
    mixed = np.lexsort((rng.random(len(dates)), dates))
    places = np.empty_like(order)
    places[order] = mixed
    return places


def _shuffled(y: pd.Series, dates: Array, rng: np.random.Generator) -> pd.Series:
    """Outcomes dealt anew among the snapshots of each date; missing ones stay where they are."""
    # what all snapshots of a date share, such as its share of events, stays as it is
    known = np.flatnonzero(y.notna().to_numpy())
    mixed = y.copy()
    mixed.iloc[known] = y.iloc[known[_dealt(dates[known], rng)]].array
    return mixed
