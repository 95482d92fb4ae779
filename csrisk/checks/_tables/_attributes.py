"""Attributes of accounts held against who has left by now, also where no labelled window saw it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._labelling import Contracts
from csrisk._text import number, percent
from csrisk.checks._association import MIN_EVENTS, single_auc
from csrisk.checks._check import Rule
from csrisk.checks._leakage import Z, built_columns, named, telling

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from csrisk.checks._check import Check
    from csrisk.data import CustomerData

__all__ = ["ATTRIBUTES", "check_attributes", "ended_accounts"]

ATTRIBUTES = Rule(
    "CSR023",
    "Attributes that tell who has left",
    "Wilson (1927) lower bound and interval of the AUC at 99 percent, accounts counted once; limits by convention",
    "find out when the value is written; leave the column out, or bring a history of it with known_at",
    leakage=True,
)


def ended_accounts(data: CustomerData) -> pd.Series:
    """Tell which accounts have left by the end of the data.

    Parameters
    ----------
    data : CustomerData
        Tables with subscriptions or with ``accounts.ended_at``.

    Returns
    -------
    pandas.Series of bool
        By account id: no contract runs at the end, or the account was ended before it. Empty where nothing tells.

    Examples
    --------
    >>> import csrisk as cr
    >>> from csrisk.checks import ended_accounts
    >>> int(ended_accounts(cr.datasets.make_saas(60, 12, seed=1).data()).sum()) > 0
    True
    """
    end = (data.end - pd.Timestamp("1970-01-01")).days
    found = []
    for table, column in (("accounts", "ended_at"), ("subscriptions", "end_at")):
        if data.has(table, column):
            contracts = Contracts.read(data, end, 0, table=table)
            found.append(~pd.Series(contracts.end >= end).groupby(contracts.account).any())
    if not found:
        return pd.Series(dtype=bool, index=pd.Index([], name="account_id"))
    left = pd.concat(found, axis=1).fillna(value=False).astype(bool).any(axis=1)
    return left.set_axis(pd.Index(data.accounts[left.index.to_numpy()], name="account_id"))


def check_attributes(
    X: pd.DataFrame, data: CustomerData, *, limit: float = 0.85, limit_missing: float = 0.65, share: float = 0.8
) -> Check:
    """Look for attributes that tell which accounts have left by the end of the data.

    Labelled windows miss many who left: before the first date, after the last, between lead and horizon. What was
    written when an account left is there all the same. Only columns that csrisk did not compute and that never change
    within an account are looked at: one fails if a value of it, or its presence, belongs to hardly anybody who is
    still there, if it ranks those who left above the others, or if whether it is filled does.

    Parameters
    ----------
    X : pandas.DataFrame
        Features.
    data : CustomerData
        The tables behind them.
    limit : float
        Largest AUC of the values against who left, at the lower bound.
    limit_missing : float
        Largest AUC of whether there is a value, at the lower bound. An attribute may well be missing for old accounts;
        .65 is what 40 against 10 percent missing give.
    share : float
        Largest share of those who left among the accounts with a value, at the lower bound.

    Returns
    -------
    Check

    Examples
    --------
    >>> import csrisk as cr
    >>> from csrisk.checks import check_attributes
    >>> data = cr.datasets.make_saas(120, 18, seed=1).data()
    >>> X = cr.build_features(data, cr.Snapshots.every(data, "MS", horizon="90D"))
    >>> check_attributes(X, data).status
    'passed'
    """
    left = ended_accounts(data)
    built = built_columns(X)
    foreign = [name for name in X.columns if name not in built]
    if "account_id" not in X.index.names or not foreign or left.empty:
        return ATTRIBUTES.not_applicable("no attributes of accounts, or no table tells who has left")
    account = X.index.get_level_values("account_id")
    distinct = X[foreign].groupby(account, observed=True).nunique()
    fixed = [name for name in foreign if distinct[name].max() <= 1]
    # nunique leaves gaps out, so a value may come in on the way: the last row has it
    known = X.loc[~account.duplicated(keep="last"), fixed].droplevel("as_of")
    # of whom no table tells an end is there
    gone = left.reindex(known.index).fillna(value=False).to_numpy(dtype=bool)
    if min(gone.sum(), (~gone).sum()) < MIN_EVENTS or not fixed:
        return ATTRIBUTES.not_applicable(
            f"fewer than {MIN_EVENTS} accounts that left and that stayed, or no attributes"
        )
    codes = np.arange(len(known))
    found = {}
    for name in fixed:
        worst = _excess(known[name], gone, codes, (limit, limit_missing, share))
        if worst:
            found[name] = worst
    shown = sorted(found, key=lambda name: (-found[name], str(name)))
    measure = f"{len(found)} of {len(fixed)} attributes tell which {int(gone.sum())} of {len(known)} accounts left"
    threshold = (
        f"AUC {number(limit)}, of being filled {number(limit_missing)}, {percent(share, 0)} of a value's accounts left"
    )
    return ATTRIBUTES.judge(bool(found), named(measure, shown), threshold, shown)


def _excess(
    column: pd.Series, gone: NDArray[np.bool_], codes: NDArray[np.int64], limits: tuple[float, float, float]
) -> float:
    """Give by how much a column passes its limits; 0 where it does not."""
    most, most_missing, share = limits
    # an attribute is found by the worst of the three
    over = [telling(column, gone, codes, 0.05) - share]
    for values, bound in ((column, most), (column.notna().astype(float), most_missing)):
        auc = single_auc(values, gone, codes, len(codes))
        over.append(0.0 if auc is None else auc.low(Z) - bound)
    return max(0.0, *over)
