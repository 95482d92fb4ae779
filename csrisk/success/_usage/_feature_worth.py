"""What a feature of the product is worth: later churn and growth of those that use it, among equally active ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, norm

from csrisk._snapshots import seen
from csrisk._wilson import Z_95
from csrisk.exceptions import ConfigError
from csrisk.success._longevity._history import grown, past_outcomes
from csrisk.success._measured_claims._shares import Array, variance_of
from csrisk.success._usage._footprint import used_and_available

if TYPE_CHECKING:
    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData
    from csrisk.success._longevity._history import History

__all__ = ["feature_worth"]

_FIFTHS = 5
_WINDOW = 90
_LEAST = 20  # accounts on either side
_EVENTS = 10  # accounts with the outcome
_COLUMNS = ("difference", "low", "high", "p", "q")


def feature_worth(data: CustomerData, history: History | None = None, *, at_least: int = _LEAST) -> pd.DataFrame:
    """Compare later churn and growth of accounts that use a feature with those that have it and do not.

    Accounts that use more use more of everything, so that users and others are compared within fifths of depth (active
    days in 90) of the same date, and the fifths put together with the weights of Mantel and Haenszel [1]_. Intervals
    are those of accounts, probabilities are corrected for the number of features [2]_. What users do was seen, not
    caused by the feature.

    Parameters
    ----------
    data : CustomerData
        The tables.
    history : History, optional
        As `past_outcomes` gives it, which is the default.
    at_least : int, default 20
        Accounts that must use the feature, and have it and not use it, for a figure.

    Returns
    -------
    pandas.DataFrame
        One row per feature: ``users`` and ``others`` (accounts), then for ``churn`` and ``growth`` the difference of
        shares, users less others (``churn_difference``), with ``_low`` and ``_high`` (95 %), ``_p`` and ``_q`` (false
        discovery rate), and ``worth``: percentage points fewer that left among users where ``churn_q`` is at most .05,
        else 0. By falling worth. Figures are missing where fewer than 10 accounts have the outcome.

    Raises
    ------
    ConfigError
        If `at_least` is below 1, or as `past_outcomes`.
    LabelError
        As `past_outcomes`.

    References
    ----------
    .. [1] Greenland, S. and Robins, J. M. (1985). Estimation of a common effect parameter from sparse follow-up data.
       Biometrics 41, 55-68.
    .. [2] Benjamini, Y. and Hochberg, Y. (1995). Controlling the false discovery rate. Journal of the Royal Statistical
       Society B 57, 289-300.

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import feature_worth
    >>> table = feature_worth(make_saas(80, 18, seed=1).data())
    >>> bool((table["worth"] >= 0).all())
    True
    """
    if at_least < 1:
        raise ConfigError(f"at_least={at_least!r} must be 1 or more")
    history = past_outcomes(data) if history is None else history
    snapshots = history.snapshots
    used, have, names = used_and_available(data, snapshots, _WINDOW)
    strata, account = _fifths(data, snapshots), pd.factorize(snapshots.index.get_level_values("account_id"))[0]
    grew = grown(data, snapshots)
    outcomes = {
        "churn": history.churned.astype(float),
        "growth": np.full(len(snapshots), np.nan) if grew is None else grew,
    }
    rows = []
    for code, name in enumerate(names):
        there = have[:, code] & (strata >= 0)
        uses = used[there, code]
        counts = [len(np.unique(account[there][side])) for side in (uses, ~uses)]
        row: dict[str, object] = {"feature": name, "users": counts[0], "others": counts[1]}
        for what, outcome in outcomes.items():
            found = [np.nan] * 4
            # accounts and not snapshots: several dates of one account say much the same
            if min(counts) >= at_least:
                found = _stratified(outcome[there], uses, strata[there], account[there])
            row |= {f"{what}_{column}": value for column, value in zip(_COLUMNS, found, strict=False)}
        rows.append(row)
    columns = ["users", "others", *(f"{what}_{name}" for what in outcomes for name in _COLUMNS[:4])]
    table = pd.DataFrame(rows, columns=["feature", *columns]).set_index("feature")
    for what in outcomes:
        table[f"{what}_q"] = _corrected(table[f"{what}_p"])
    shown = (table["churn_q"] <= 0.05) & (table["churn_difference"] < 0)  # the level said above
    table["worth"] = np.where(shown, -100 * table["churn_difference"], 0.0)
    return table.sort_values(["worth", "churn_difference"], ascending=[False, True], kind="stable")


def _fifths(data: CustomerData, snapshots: Snapshots) -> Array:
    """Give the fifth of depth on its date to each snapshot, as a number; -1 without use."""
    uses = seen(data, snapshots, "usage", [], window=_WINDOW)
    days = uses.groupby("snapshot")["age"].nunique().reindex(range(len(snapshots)))
    dates = pd.factorize(snapshots.index.get_level_values("as_of"))[0]
    # by rank within a date, so that a season does not move the fifths
    place = days.groupby(dates).rank(pct=True)
    fifth = np.ceil(place.to_numpy(np.float64) * _FIFTHS) - 1
    return np.where(np.isnan(fifth), -1, dates * _FIFTHS + np.nan_to_num(fifth)).astype(np.int64)


def _stratified(outcome: Array, uses: Array, strata: Array, account: Array) -> list[float]:
    """Difference of shares over strata with its interval and probability; missing with too few outcomes."""
    known = ~np.isnan(outcome)
    y, u, k, who = outcome[known], uses[known], pd.factorize(strata[known])[0], account[known]
    events = len(np.unique(who[y == 1]))
    if not len(y) or min(events, len(np.unique(who[y == 0]))) < _EVENTS:
        return [np.nan] * 4
    n = [np.bincount(k, weights=side.astype(float), minlength=k.max() + 1) for side in (u, ~u)]
    sums = [np.bincount(k, weights=y * side, minlength=k.max() + 1) for side in (u, ~u)]
    # Mantel and Haenszel: a fifth with one side alone has weight 0
    weight = n[0] * n[1] / (n[0] + n[1])
    if not weight.sum():
        return [np.nan] * 4
    weight /= weight.sum()
    share = [total / np.maximum(size, 1) for total, size in zip(sums, n, strict=True)]
    difference = float((weight * (share[0] - share[1])).sum())
    own = np.where(u, share[0][k], share[1][k])
    # what a row adds to the difference: users with plus, others with minus
    size = np.where(u, n[0][k], -n[1][k])
    error = float(np.sqrt(variance_of(weight[k] * (y - own) / size, who)))
    p = 2 * norm.sf(abs(difference) / error) if error > 0 else np.nan
    return [difference, difference - Z_95 * error, difference + Z_95 * error, float(p)]


def _corrected(p: pd.Series) -> pd.Series:
    known = p.notna()
    out = p.copy()
    if known.any():
        # features that were not compared are no tests, and must not make the others dearer
        out[known] = false_discovery_control(p[known].to_numpy())
    return out
