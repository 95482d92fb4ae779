"""Net revenue retention: churn, contraction and expansion of the same snapshots in one sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from csrisk._params import check_share
from csrisk.models._rows._align import align, floats

__all__ = ["RevenueOutlook", "revenue_outlook"]


@dataclass(frozen=True)
class RevenueOutlook:
    """What the book is expected to be worth at the end of the horizon.

    Parameters
    ----------
    accounts : DataFrame
        One row for each snapshot: level, churn_loss, contraction, expansion, change, expected_level, net_retention.
    book : DataFrame
        Index ``metric``, columns ``estimate``, ``low``, ``high``: level, churn_loss, contraction, expansion, change,
        expected_level, net_retention, gross_retention. Both retentions are of the span from now to the end of the label
        window (104 days for a lead of 14 and a horizon of 90), not of the twelve months that are usual beside the name.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.models import revenue_outlook
    >>> level = pd.Series([100.0, 200.0], index=["a", "b"])
    >>> outlook = revenue_outlook(level, churn=[0.1, 0.2], expansion=[0.0, 0.0], expansion_amount=[0.0, 0.0])
    >>> outlook.accounts["churn_loss"].abs().tolist()  # 100 x .1 and 200 x .2
    [10.0, 40.0]
    """

    accounts: pd.DataFrame
    book: pd.DataFrame


def revenue_outlook(
    level: pd.Series,
    *,
    churn: Any,
    expansion: Any,
    expansion_amount: Any,
    contraction: Any = 0.0,
    contraction_amount: Any = 0.0,
    coverage: float = 0.95,
) -> RevenueOutlook:
    """Sum up the expected revenue by account and for the book.

    Churn, contraction and expansion exclude each other, as the labels do. Where the three probabilities of a snapshot
    sum to more than 1, contraction and expansion share what churn leaves.

    Parameters
    ----------
    level : Series
        Revenue now, by snapshot.
    churn, expansion, contraction : array-like
        Probabilities, as ``predict_proba(X)[:, 1]`` of the three models gives them.
    expansion_amount, contraction_amount : array-like
        Expected amounts, as ``AmountModel.predict`` gives them: the mean over all outcomes, not of those that grow.
    coverage : float, default 0.95
        Coverage of the intervals.

    Returns
    -------
    RevenueOutlook

    Raises
    ------
    ValueError
        If a probability lies outside of [0, 1], a level or amount is missing or negative, or an index has other rows.

    Notes
    -----
    The interval of a sum is that of independent accounts, each with one of four outcomes whose sizes are the expected
    ones: normal, with the variance of that sum. It does not hold what hits all accounts at once (a price rise, a
    crisis), nor the error of the models; a backtest shows that.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.models import revenue_outlook
    >>> level = pd.Series([100.0, 200.0], index=["a", "b"])
    >>> outlook = revenue_outlook(level, churn=[0.1, 0.2], expansion=[0.3, 0.1], expansion_amount=[6.0, 4.0])
    >>> outlook.book["estimate"].round(3).to_dict()["net_retention"]
    0.867
    """
    check_share("coverage", coverage, "outcomes that an interval holds")
    told = {"churn": churn, "expansion": expansion, "contraction": contraction}
    chance = {name: _values(values, level, name, highest=1.0) for name, values in told.items()}
    amounts = {"expansion": expansion_amount, "contraction": contraction_amount}
    amount = {name: _values(values, level, f"{name}_amount") for name, values in amounts.items()}
    now = _values(level, level, "level")
    # an account cannot shrink by more than it pays, in the mean as in the variance
    amount["contraction"] = np.minimum(amount["contraction"], now)
    both = chance["expansion"] + chance["contraction"]
    room = np.minimum(1.0, np.divide(1 - chance["churn"], both, where=both > 0, out=np.ones_like(both)))
    lost = chance["churn"] * now
    gained, shrunk = room * amount["expansion"], room * amount["contraction"]
    # amounts are means over all outcomes: size = amount / chance, and chance * size**2 = amount**2 / chance
    squares = chance["churn"] * now**2 + sum(
        np.divide(room * amount[name] ** 2, chance[name], where=chance[name] > 0, out=np.zeros_like(now))
        for name in ("expansion", "contraction")
    )
    change = gained - shrunk - lost
    accounts = pd.DataFrame(
        {"level": now, "churn_loss": lost, "contraction": shrunk, "expansion": gained, "change": change}
        | {"expected_level": now + change, "net_retention": _ratio(now + change, now)},
        index=level.index,
    )
    # rounding may leave a variance just below 0 where the outcome is certain
    return RevenueOutlook(accounts, _book(accounts, np.maximum(squares - change**2, 0.0), coverage))


def _book(accounts: pd.DataFrame, variance: np.ndarray, coverage: float) -> pd.DataFrame:
    total = accounts.drop(columns="net_retention").sum()
    total["net_retention"] = _ratio(total["expected_level"], total["level"])
    total["gross_retention"] = 1 - _ratio(total["churn_loss"] + total["contraction"], total["level"])
    half = norm.ppf(0.5 + coverage / 2) * np.sqrt(variance.sum())
    widths = pd.Series({"change": half, "expected_level": half, "net_retention": _ratio(half, total["level"])})
    # no interval for the parts: the variance is that of their sum
    width = widths.reindex(total.index)
    return pd.DataFrame({"estimate": total, "low": total - width, "high": total + width}).rename_axis("metric")


def _ratio(part: Any, whole: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        # [()] makes a number of an array without dimensions
        return np.where(np.asarray(whole) > 0, np.divide(part, whole), np.nan)[()]


def _values(values: Any, level: pd.Series, name: str, highest: float = np.inf) -> np.ndarray:
    found = floats(align(values, level.index, name, "level"), name)
    if found.ndim and found.shape != (len(level),):
        raise ValueError(f"{name} has shape {found.shape}, level has {len(level)} values; give one for each row or all")
    # a copy, as what is broadcast cannot be written to
    numbers = np.broadcast_to(found, (len(level),)).copy()
    wrong = int((~np.isfinite(numbers) | (numbers < 0) | (numbers > highest)).sum())
    if wrong:
        rule = "in [0, 1]" if highest == 1.0 else ">= 0"
        raise ValueError(f"{name}: {wrong} of {len(numbers)} are missing or not {rule}")
    return numbers
