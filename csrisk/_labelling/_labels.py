"""Labels: what happened to each snapshot afterwards; censored is never a zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from csrisk._days import Duration, whole_days
from csrisk._labelling._departures import Cause, involuntary, reason_words, stated_reasons
from csrisk._labelling._outcomes import (
    Change,
    Contracts,
    Floats,
    Outcome,
    evidence_of,
    flow_change,
    silence,
)
from csrisk._labelling._windows import Kind, kind_of, window_of
from csrisk.exceptions import LabelError

if TYPE_CHECKING:
    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData

__all__ = ["label_change", "label_churn", "label_contraction", "label_expansion"]

Measure: TypeAlias = Literal["mrr", "seats", "products", "value", "usage"]
_COLUMNS = {
    "mrr": ("subscriptions", "mrr"),
    "seats": ("subscriptions", "seats"),
    "products": ("subscriptions", "product"),
    "value": ("usage", "value"),
    "usage": ("usage", "quantity"),
}
_TIE = 1e-9  # 105 / 100 - 1 is a little above 0.05, 95 / 100 - 1 a little below -0.05


def label_churn(
    data: CustomerData,
    snapshots: Snapshots,
    *,
    kind: Kind = "auto",
    grace: Duration = "30D",
    look_back: Duration = "180D",
    cause: Cause = "voluntary",
) -> pd.Series:
    """Tell which snapshots churn in their label window ``[as_of + lead, as_of + lead + horizon)``.

    Contract churn: the last running contract ends in the window and no other one runs, or starts at most `grace` days
    after the end. A contract without an end runs on, also past its planned end. Inactivity churn: no use in the window.

    Parameters
    ----------
    data : CustomerData
    snapshots : Snapshots
        With a horizon.
    kind : {"auto", "contract", "inactivity"}
        ``"auto"`` takes contracts where any end is recorded (of subscriptions, else of accounts), else inactivity.
    grace : int or str, default "30D"
        Days in which a renewal may come late; for contracts only.
    look_back : int or str, default "180D"
        Only accounts with use in so many days before ``as_of`` are at risk of inactivity.
    cause : {"voluntary", "involuntary", "any"}, default "voluntary"
        Which ends count where ``ended_reason`` of subscriptions or accounts tells why an account left: by choice, or
        because it could not pay or is no more. An account that left for the other cause has no label there, as nobody
        knows whether it would have stayed. Reasons are read by their words, those of the contract that ended before
        those of its account; an end without a reason counts as voluntary.

    Returns
    -------
    pandas.Series
        Name churn, dtype boolean, index of the snapshots. Missing where the window (and the grace after it) runs
        past the end of the table that the label is read from (`CustomerData.ends`), or over a hole in it
        (`CustomerData.holes`), and where the account was not at risk at its start: no contract at ``as_of``, or a
        trial only, notice given for every one before (``subscriptions.notice_given_at``: the end is told, so that
        foreseeing it is no success), gone during the lead, no use in the look-back.

    Raises
    ------
    LabelError
        If the snapshots have no horizon, or the data hold no evidence for the label.

    Examples
    --------
    >>> import pandas as pd
    >>> import csrisk as cr
    >>> subscriptions = pd.DataFrame({
    ...     "account_id": ["a", "b", "b"],
    ...     "start_at": ["2025-01-01", "2025-01-01", "2025-03-20"],
    ...     "end_at": ["2025-03-10", "2025-03-10", None],
    ... })
    >>> data = cr.CustomerData({"subscriptions": subscriptions}, end="2025-06-01")
    >>> past = cr.Snapshots.at(data, ["2025-03-01", "2025-05-01"], horizon="30D")
    >>> cr.label_churn(data, past).tolist()
    [True, False, <NA>]
    """
    chosen = kind_of(data, kind)
    window = window_of(data, snapshots, evidence_of(data, chosen))
    stated: pd.Series | None = None
    if chosen == "contract":
        contracts = Contracts.read(data, window.end, whole_days(grace, "grace"))
        outcome, stated = contracts.churn(window), contracts.reasons(window.account, window.cut)
    else:
        outcome = silence(data, snapshots, window, whole_days(look_back, "look_back", minimum=1))
    return _of_cause(_labels(outcome, snapshots, "churn"), data, cause, stated)


def _of_cause(churn: pd.Series, data: CustomerData, cause: Cause, stated: pd.Series | None) -> pd.Series:
    """Leave out those who left for another cause: as the contract states it, else as its account does."""
    if cause not in get_args(Cause):
        raise LabelError(f"cause={cause!r} must be one of {list(get_args(Cause))}")
    reasons = stated_reasons(data)
    if cause == "any" or (reasons.empty and cause == "voluntary"):
        return churn
    if reasons.empty:
        raise LabelError(
            "cause='involuntary': no account states why it left; map accounts.ended_reason or that of subscriptions"
        )
    forced = involuntary(reasons)
    other = churn.index.get_level_values("account_id").isin(forced.index[forced])
    if stated is not None and len(stated):
        # of several contracts that end on one day a single choice makes the end one of choice
        of_contract = involuntary(reason_words(stated)).groupby(level=0).all()
        # what the contract states goes before what its account states
        other[of_contract.index.to_numpy()] = of_contract.to_numpy()
    other = other if cause == "voluntary" else ~other
    # who stayed keeps its label: only an end for the other cause hides what would have been
    return churn.mask(churn.fillna(value=False).to_numpy(dtype=bool) & other)


def label_expansion(
    data: CustomerData,
    snapshots: Snapshots,
    *,
    measure: Measure = "mrr",
    at_least: float = 0.05,
    grace: Duration = "30D",
) -> pd.Series:
    """Tell which snapshots grow: their level rises by at least a given share.

    The level just before ``as_of`` is compared with the level just before the end of the label window. A churned
    account has not expanded. So churn, contraction and expansion exclude each other.

    Parameters
    ----------
    data : CustomerData
    snapshots : Snapshots
        With a horizon.
    measure : {"mrr", "seats", "products", "value", "usage"}
        Sum over running subscriptions (mrr, seats), number of products under contract, or what was bought
        (value) or used (usage, the quantity) in the label window against as many days just before ``as_of``.
    at_least : float, default 0.05
        Relative change that counts, above 0.
    grace : int or str, default "30D"
        As for `label_churn`: a renewal within it is no interruption, and the level is that of the renewal.

    Returns
    -------
    pandas.Series
        Name expansion, dtype boolean, index of the snapshots. Missing as for `label_churn`, and where the level
        before is unknown or 0, or (value, usage) the account was first seen less than a horizon before ``as_of``.

    Raises
    ------
    LabelError
        If the snapshots have no horizon, the data hold no evidence for the measure, or `at_least` is not above 0.

    Examples
    --------
    >>> import pandas as pd
    >>> import csrisk as cr
    >>> subscriptions = pd.DataFrame({
    ...     "account_id": ["a", "b", "b"],
    ...     "start_at": ["2025-01-01", "2025-01-01", "2025-03-10"],
    ...     "end_at": [None, "2025-03-10", None],
    ...     "mrr": [100, 100, 120],
    ... })
    >>> data = cr.CustomerData({"subscriptions": subscriptions}, end="2025-06-01")
    >>> past = cr.Snapshots.at(data, "2025-03-01", horizon="30D")
    >>> cr.label_expansion(data, past).tolist()
    [False, True]
    """
    change = _change(data, snapshots, measure, grace)
    grown = (_share(change, at_least) >= at_least - _TIE) & ~change.churned
    return _labels(Outcome(grown, change.there), snapshots, "expansion")


def label_contraction(
    data: CustomerData,
    snapshots: Snapshots,
    *,
    measure: Measure = "mrr",
    at_least: float = 0.05,
    grace: Duration = "30D",
) -> pd.Series:
    """Tell which snapshots shrink without leaving: their level falls by at least a given share.

    A churned account is not a contraction: churn is its own outcome, and the label is False.

    Parameters
    ----------
    data, snapshots, measure, at_least, grace
        As for `label_expansion`.

    Returns
    -------
    pandas.Series
        Name contraction, dtype boolean, index of the snapshots; missing as for `label_expansion`.

    Raises
    ------
    LabelError
        As for `label_expansion`.

    Examples
    --------
    >>> import pandas as pd
    >>> import csrisk as cr
    >>> subscriptions = pd.DataFrame({
    ...     "account_id": ["less", "less", "left"],
    ...     "start_at": ["2025-01-01", "2025-03-10", "2025-01-01"],
    ...     "end_at": ["2025-03-10", None, "2025-03-20"],
    ...     "mrr": [100, 80, 100],
    ... })
    >>> data = cr.CustomerData({"subscriptions": subscriptions}, end="2025-06-01")
    >>> past = cr.Snapshots.at(data, "2025-03-01", horizon="30D")
    >>> cr.label_contraction(data, past).droplevel("as_of").to_dict()
    {'left': False, 'less': True}
    """
    change = _change(data, snapshots, measure, grace)
    shrunk = (_share(change, at_least) <= -at_least + _TIE) & ~change.churned
    return _labels(Outcome(shrunk, change.there), snapshots, "contraction")


def label_change(
    data: CustomerData,
    snapshots: Snapshots,
    *,
    measure: Measure = "mrr",
    grace: Duration = "30D",
) -> pd.Series:
    """Give the change of the level in its own unit, from just before ``as_of`` to the end of the label window.

    A churned account loses its whole level, so that the sum over a book is its net change.

    Parameters
    ----------
    data, snapshots, measure, grace
        As for `label_expansion`.

    Returns
    -------
    pandas.Series
        Name change, dtype Float64, index of the snapshots; missing as for `label_expansion`.

    Raises
    ------
    LabelError
        As for `label_expansion`.

    Examples
    --------
    >>> import pandas as pd
    >>> import csrisk as cr
    >>> subscriptions = pd.DataFrame({
    ...     "account_id": ["less", "less", "left"],
    ...     "start_at": ["2025-01-01", "2025-03-10", "2025-01-01"],
    ...     "end_at": ["2025-03-10", None, "2025-03-20"],
    ...     "mrr": [100, 80, 100],
    ... })
    >>> data = cr.CustomerData({"subscriptions": subscriptions}, end="2025-06-01")
    >>> past = cr.Snapshots.at(data, "2025-03-01", horizon="30D")
    >>> cr.label_change(data, past).droplevel("as_of").to_dict()
    {'left': -100.0, 'less': -20.0}
    """
    change = _change(data, snapshots, measure, grace)
    # after churn no contract runs, and its level is missing, not 0
    difference = np.where(change.churned, 0.0, change.after) - change.before
    values = pd.arrays.FloatingArray(np.where(change.there, difference, 0.0), mask=~change.there)
    return pd.Series(values, index=snapshots.index, name="change")


def _labels(outcome: Outcome, snapshots: Snapshots, name: str) -> pd.Series:
    values = pd.arrays.BooleanArray(outcome.value & outcome.there, mask=~outcome.there)
    return pd.Series(values, index=snapshots.index, name=name)


def _share(change: Change, at_least: float) -> Floats:
    """Relative change; 0 where it cannot be told."""
    # True is a number for Python, and would ask for a rise of a hundred percent
    is_number = isinstance(at_least, int | float | np.number) and not isinstance(at_least, bool)
    if not is_number or not 0 < at_least < np.inf:
        raise LabelError(f"at_least={at_least!r} must be above 0; 0.05 means five percent")
    share = np.zeros(len(change.there))
    # the level before is above 0 wherever it is there
    np.divide(change.after - change.before, change.before, out=share, where=change.there)
    return share


def _change(data: CustomerData, snapshots: Snapshots, measure: str, grace: Duration) -> Change:
    days = whole_days(grace, "grace")
    if measure not in list(_COLUMNS):
        raise LabelError(f"measure={measure!r} must be one of {list(_COLUMNS)}")
    table, column = _COLUMNS[measure]
    window = window_of(data, snapshots, table)
    # use without a quantity counts 1 a row
    if not data.has(table, *([] if measure == "usage" else [column])):
        raise LabelError(f"measure={measure!r}: {table}.{column} has no value; take a measure that the data hold")
    # who churned is read from a table of its own, which may end elsewhere
    kind = "contract" if table == "subscriptions" else kind_of(data, "auto")
    lived = window_of(data, snapshots, evidence_of(data, kind))
    if kind == "contract":
        churn = Contracts.read(data, lived.end, days).churn(lived)
    else:
        churn = silence(data, snapshots, lived, lived.horizon)
    if table == "subscriptions":
        return Contracts.read(data, window.end, days, table=table).change(window, column, churn)
    return flow_change(data, snapshots, window, column, churn)
