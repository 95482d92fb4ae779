"""Labels: what happened to each snapshot afterwards; censored is never a zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from csrisk._days import Duration, as_days, whole_days
from csrisk._departures import Cause, involuntary, reason_words, stated_reasons
from csrisk._outcomes import (
    Change,
    Contracts,
    Floats,
    Ints,
    Outcome,
    Window,
    evidence_of,
    flow_change,
    last_use,
    silence,
)
from csrisk.exceptions import LabelError

if TYPE_CHECKING:
    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData

__all__ = ["label_change", "label_churn", "label_contraction", "label_expansion", "label_time_to_churn"]

Kind: TypeAlias = Literal["auto", "contract", "inactivity"]
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
    chosen = _kind(data, kind)
    window = _window(data, snapshots, evidence_of(data, chosen))
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
        other[of_contract.index.to_numpy()] = of_contract.to_numpy()
    other = other if cause == "voluntary" else ~other
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
    difference = np.where(change.churned, 0.0, change.after) - change.before
    values = pd.arrays.FloatingArray(np.where(change.there, difference, 0.0), mask=~change.there)
    return pd.Series(values, index=snapshots.index, name="change")


def label_time_to_churn(
    data: CustomerData,
    snapshots: Snapshots,
    *,
    kind: Kind = "auto",
    grace: Duration = "30D",
    look_back: Duration = "180D",
    silent: Duration | None = None,
    only_known: bool = False,
) -> pd.DataFrame:
    """Give the time from ``as_of`` to churn, or to the last day on which the account is known to have stayed.

    Days are counted from ``as_of`` (whatever the lead) to the end of the day of churn. So with a lead of 0 contract
    churn within a horizon is the same as ``event & (duration <= horizon)``.

    Parameters
    ----------
    data : CustomerData
    snapshots : Snapshots
        A horizon is not needed.
    kind, grace, look_back
        As for `label_churn`. A contract that ended less than the grace before the end of the data is censored there.
    silent : int or str, optional
        Inactivity: so many days without use are churn, on the first of them. Default: the horizon of the snapshots.
    only_known : bool, default False
        Leave out the snapshots that are missing, so that plain int64 and bool go to a library for survival; take the
        rows of X with ``X.loc[y.index]``.

    Returns
    -------
    pandas.DataFrame
        duration (Int64, at least 1) and event (boolean), index of the snapshots. Missing where the account was not at
        risk at ``as_of``, or nothing was observed after it; with `only_known` int64 and bool of the others.

    Raises
    ------
    LabelError
        If the data hold no evidence for the label.

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
    >>> cr.label_time_to_churn(data, past).droplevel("as_of").T.to_dict()
    {'left': {'duration': 20, 'event': True}, 'less': {'duration': 92, 'event': False}}
    """
    account, cut = _positions(data, snapshots)
    chosen = _kind(data, kind)
    table = evidence_of(data, chosen)
    until = np.full(len(cut), _end(data, snapshots, table))
    for opens, closes in reversed(data.holes.get(table, ())):
        # silence in a hole is no churn: each account is followed to the next one
        until[cut < closes] = np.minimum(until[cut < closes], opens)
    duration, event, missing = np.zeros_like(cut), np.zeros(len(cut), dtype=bool), np.ones(len(cut), dtype=bool)
    for stop in np.unique(until):
        some = until == stop
        if chosen == "contract":
            known = Contracts.read(data, int(stop), whole_days(grace, "grace"))
            found = known.last_day(account[some], cut[some], int(stop))
        else:
            quiet = Window(account[some], cut[some], 0, _quiet(snapshots, silent), int(stop))
            found = last_use(data, quiet, whole_days(look_back, "look_back", minimum=1))
        duration[some], event[some] = found.day - cut[some] + found.event, found.event
        missing[some] = ~found.at_risk
    missing |= duration < 1
    if only_known:
        known_rows = {"duration": duration[~missing], "event": event[~missing]}
        return pd.DataFrame(known_rows, index=snapshots.index[~missing])
    columns = {
        "duration": pd.arrays.IntegerArray(duration, mask=missing),
        "event": pd.arrays.BooleanArray(event, mask=missing.copy()),
    }
    return pd.DataFrame(columns, index=snapshots.index)


def _labels(outcome: Outcome, snapshots: Snapshots, name: str) -> pd.Series:
    values = pd.arrays.BooleanArray(outcome.value & outcome.there, mask=~outcome.there)
    return pd.Series(values, index=snapshots.index, name=name)


def _kind(data: CustomerData, kind: str) -> Literal["contract", "inactivity"]:
    evidence = {
        "contract": data.has("subscriptions", "end_at") or data.has("accounts", "ended_at"),
        "inactivity": data.has("usage", "at"),
    }
    if kind not in get_args(Kind):
        raise LabelError(f"kind={kind!r} must be one of {list(get_args(Kind))}")
    possible = [name for name, there in evidence.items() if there]
    if (kind == "auto" and not possible) or (kind != "auto" and kind not in possible):
        needed = "an end of subscriptions or accounts for 'contract', usage for 'inactivity'"
        raise LabelError(
            f"kind={kind!r}: the data hold no evidence for it; needed: {needed}; possible here: {possible}"
        )
    chosen = possible[0] if kind == "auto" else kind
    return "contract" if chosen == "contract" else "inactivity"


def _end(data: CustomerData, snapshots: Snapshots, table: str) -> int:
    """Day from which on a label may use nothing of a table: of the snapshots, or where its observation ends before."""
    if snapshots.end > data.end:
        message = f"snapshots.end={snapshots.end:%Y-%m-%d} lies after data.end={data.end:%Y-%m-%d}"
        raise LabelError(message + "; label snapshots with the data they came from, or with later data")
    return int(as_days(pd.DatetimeIndex([min(snapshots.end, data.ends.get(table, data.end))]))[0])


def _positions(data: CustomerData, snapshots: Snapshots) -> tuple[Ints, Ints]:
    """Account code and day of each snapshot."""
    codes = data.accounts.get_indexer(snapshots.accounts).astype(np.int64)
    if (codes < 0).any():
        raise LabelError(f"account_id: {int((codes < 0).sum())} accounts of the snapshots are not in this data")
    account, date = (np.asarray(code) for code in snapshots.index.codes)
    return codes[account], as_days(pd.DatetimeIndex(snapshots.index.levels[1]))[date]


def _window(data: CustomerData, snapshots: Snapshots, table: str) -> Window:
    if snapshots.horizon is None:
        raise LabelError("snapshots.horizon=None: a label needs a window; make the snapshots with horizon='90D'")
    account, cut = _positions(data, snapshots)
    end, holes = _end(data, snapshots, table), data.holes.get(table, ())
    return Window(account, cut, snapshots.lead, snapshots.horizon, end, holes)


def _quiet(snapshots: Snapshots, silent: Duration | None) -> int:
    length = snapshots.horizon if silent is None else silent
    if length is None:
        raise LabelError(
            "silent=None: say how many days without use are churn, silent='90D', or give snapshots a horizon"
        )
    return whole_days(length, "silent", minimum=1)


def _share(change: Change, at_least: float) -> Floats:
    """Relative change; 0 where it cannot be told."""
    if not isinstance(at_least, int | float | np.number) or not 0 < at_least < np.inf:
        raise LabelError(f"at_least={at_least!r} must be above 0; 0.05 means five percent")
    share = np.zeros(len(change.there))
    np.divide(change.after - change.before, change.before, out=share, where=change.there)
    return share


def _change(data: CustomerData, snapshots: Snapshots, measure: str, grace: Duration) -> Change:
    days = whole_days(grace, "grace")
    if measure not in list(_COLUMNS):
        raise LabelError(f"measure={measure!r} must be one of {list(_COLUMNS)}")
    table, column = _COLUMNS[measure]
    window = _window(data, snapshots, table)
    if not data.has(table, *([] if measure == "usage" else [column])):
        raise LabelError(f"measure={measure!r}: {table}.{column} has no value; take a measure that the data hold")
    # who churned is read from a table of its own, which may end elsewhere
    kind = "contract" if table == "subscriptions" else _kind(data, "auto")
    lived = _window(data, snapshots, evidence_of(data, kind))
    if kind == "contract":
        churn = Contracts.read(data, lived.end, days).churn(lived)
    else:
        churn = silence(data, snapshots, lived, lived.horizon)
    if table == "subscriptions":
        return Contracts.read(data, window.end, days, table=table).change(window, column, churn)
    return flow_change(data, snapshots, window, column, churn)
