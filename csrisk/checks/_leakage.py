"""Checks for features that know the future."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from csrisk._snapshots import ahead, observed, uses, visible
from csrisk._text import number, percent
from csrisk._wilson import share_interval
from csrisk.checks._association import (
    MIN_EVENTS,
    Array,
    Auc,
    account_codes,
    account_level,
    constant_columns,
    is_number,
    single_auc,
)
from csrisk.checks._check import Check, Rule

if TYPE_CHECKING:
    from collections.abc import Collection

    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData

__all__ = ["built_columns", "check_future_use", "check_single_feature", "check_telling_values", "named", "telling"]

Z = 2.326  # one-sided 99 percent: dozens of features are looked at
_LEAK = "find out when the value is written; leave the column out, or bring a history of it with known_at"

SINGLE = Rule(
    "CSR001",
    "A single feature too good to be true",
    "measured: the best honest single feature on OULAD .65, final_result .96; clustered error: Obuchowski 1997",
    _LEAK,
    leakage=True,
)
VALUES = Rule(
    "CSR002",
    "Values that exist only for churned accounts",
    "Wilson (1927) lower bound at 99 percent, accounts counted once; nine in ten is a convention",
    _LEAK,
    leakage=True,
)
FUTURE = Rule(
    "CSR003",
    "Features that know the use to come",
    "measured: whole-course totals on OULAD .5 and more, honest attributes below .1",
    "compute the column from rows before as_of only; a total over the whole life grows after the outcome",
    leakage=True,
)
_FAR = 10**6  # days: beyond the end of any data


def check_single_feature(
    X: pd.DataFrame,
    y: pd.Series,
    *,
    trusted: Collection[str] | None = None,
    limit: float = 0.90,
    limit_trusted: float = 0.97,
    gap: float = 0.1,
) -> Check:
    """Look for a feature that tells the outcome too well alone.

    A feature fails if the lower bound of its AUC lies above `limit` (`limit_trusted` for features that csrisk computed,
    which are time-safe by construction: a renewal date may tell much), or if a feature of other origin beats the best
    trusted one by more than `gap`. An attribute that never changes is also held against whether the account churned at
    any time, where those that are written afterwards stand out.

    Parameters
    ----------
    X : pandas.DataFrame
        Features.
    y : pandas.Series
        Outcomes on the same index; missing ones are left out.
    trusted : collection of str, optional
        Columns that are time-safe by construction. Default: those of the default builders, save attributes of accounts.
    limit, limit_trusted : float
        Largest AUC of a single feature.
    gap : float
        Largest lead over the best trusted feature.

    Returns
    -------
    Check

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from csrisk.checks import check_single_feature
    >>> y = pd.Series(np.arange(200) % 4 == 0)
    >>> check_single_feature(pd.DataFrame({"calm": np.arange(200) % 7}), y).status
    'passed'
    """
    X, event = _labelled(X, y)
    account = account_codes(X)
    n_accounts = int(account.max(initial=-1)) + 1
    aucs = {name: auc for name in X.columns if (auc := single_auc(X[name], event, account, n_accounts))}
    if not aucs:
        return SINGLE.not_applicable(f"fewer than {MIN_EVENTS} accounts with and without the outcome have any value")
    trusted = built_columns(X) if trusted is None else set(trusted)
    suspects = {name for name, auc in aucs.items() if auc.low(Z) > (limit_trusted if name in trusted else limit)}
    suspects |= _ahead_of(aucs, trusted, gap)
    fixed = constant_columns(X[[name for name in X.columns if name not in trusted]], account)
    # within one window such a value tells little; over all rows it tells who ever left
    suspects |= _told_by_account(X[fixed], event, account, limit)
    best = max(aucs, key=lambda name: aucs[name].value)
    # by name where equal: the order of columns changes no message
    shown = sorted(suspects, key=lambda name: (-aucs[name].value if name in aucs else 0, name))
    measure = (
        f"best single AUC {number(aucs[best].value, 3)} ({best}); {len(suspects)} of {X.shape[1]} features suspicious"
    )
    threshold = (
        f"AUC {number(limit)} (computed by csrisk: {number(limit_trusted)}), lead over the best computed feature "
        f"{number(gap)}"
    )
    return SINGLE.judge(bool(suspects), named(measure, shown), threshold, shown)


def check_telling_values(X: pd.DataFrame, y: pd.Series, *, share: float = 0.9, capture: float = 0.05) -> Check:
    """Look for values, or the presence of any value, that hardly an account has that did not churn.

    Parameters
    ----------
    X : pandas.DataFrame
        Features.
    y : pandas.Series
        Outcomes on the same index; missing ones are left out.
    share : float
        A value fails if so many of the accounts with it churned, even at the lower bound,
    capture : float
        and it covers so many of the accounts that churned.

    Returns
    -------
    Check

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.checks import check_telling_values
    >>> left = pd.Series([False] * 100 + [True] * 100)
    >>> X = pd.DataFrame({"exit_survey": left.map({True: "done", False: None}), "seats": [1, 2] * 100})
    >>> check = check_telling_values(X, left)
    >>> check.status, check.found
    ('failed', ('exit_survey',))
    """
    X, event = _labelled(X, y)
    account = account_codes(X)
    if min(len(np.unique(account[event])), len(np.unique(account[~event]))) < MIN_EVENTS:
        return VALUES.not_applicable(f"fewer than {MIN_EVENTS} accounts with and without the outcome")
    found = {}
    first, ever = account_level(X, event, account)
    constant = set(constant_columns(X, account))
    for name in X.columns:
        tables = [(X[name], event, account)]
        if name in constant:
            # what never changes may have been written in another window than the one in which the account left
            tables.append((first[name], ever, np.arange(len(ever))))
        best = max(telling(*table, capture) for table in tables)
        if best > share:
            found[name] = best
    shown = sorted(found, key=lambda name: (-found[name], name))
    measure = f"{len(found)} of {X.shape[1]} features have a value that tells the outcome"
    return VALUES.judge(bool(found), named(measure, shown), f"{percent(share, 0)} of its accounts churned", shown)


def check_future_use(
    X: pd.DataFrame,
    data: CustomerData,
    snapshots: Snapshots,
    *,
    trusted: Collection[str] | None = None,
    limit: float = 0.3,
) -> Check:
    """Look for features that go with later use more than anything known at ``as_of`` explains.

    Among features of other origin than csrisk's builders. Measured is the rank correlation of the feature with the days
    of use from ``as_of`` on, after taking out what use before it explains, within each ``as_of``.

    Parameters
    ----------
    X : pandas.DataFrame
        Features on the index of the snapshots, or some of it.
    data : CustomerData
        With usage.
    snapshots : Snapshots
        The snapshots of X.
    trusted : collection of str, optional
        As for `check_single_feature`.
    limit : float
        Largest partial correlation.

    Returns
    -------
    Check

    Examples
    --------
    >>> import csrisk as cr
    >>> from csrisk.checks import check_future_use
    >>> data = cr.datasets.make_saas(80, 18, seed=1).data()
    >>> past = cr.Snapshots.every(data, "MS", horizon="90D")
    >>> check_future_use(cr.build_features(data, past), data, past).status  # csrisk's own builders are trusted
    'not applicable'
    """
    trusted = built_columns(X) if trusted is None else set(trusted)
    names = [name for name in X.columns if name not in trusted and is_number(X[name])]
    if not names or not data.has("usage", "at"):
        return FUTURE.not_applicable("no numbers of other origin than csrisk's builders, or no usage")
    table = _use(data, snapshots[snapshots.index.isin(X.index)])
    # rows in the order of the snapshots, whatever the order of X
    X = X.loc[table.index]
    found = {name: _partial(X[name], table) for name in names}
    found = {name: value for name, value in found.items() if np.isfinite(value)}
    suspects = sorted((name for name, value in found.items() if abs(value) > limit), key=lambda name: -abs(found[name]))
    strongest = max((abs(value) for value in found.values()), default=0.0)
    measure = f"largest partial rank correlation with later use {number(strongest, 2)}; {len(suspects)} of {len(found)}"
    return FUTURE.judge(bool(suspects), named(measure, suspects), number(limit), suspects)


def _labelled(X: pd.DataFrame, y: pd.Series) -> tuple[pd.DataFrame, Array]:
    if len(X) != len(y) or not X.index.equals(y.index):
        raise ValueError(f"y: its index is not that of X ({len(y)} and {len(X)} rows); use y.loc[X.index]")
    known = y.notna().to_numpy()
    return X[known], y[known].to_numpy(dtype=bool)


def built_columns(X: pd.DataFrame) -> set[str]:
    """Those of the columns that families of csrisk compute from dated rows, whatever their windows."""
    from csrisk.features import AccountContext, all_builders, attached, built

    families = {type(builder).__name__ for builder in all_builders()}
    chosen = {feature.name for feature in attached(X) if feature.family in families}
    # attributes of accounts may stand as the export says them today, without a date on which they were written
    return (set(built(X.columns)) | chosen) - {feature.name for feature in AccountContext().features}


def _ahead_of(aucs: dict[str, Auc], trusted: Collection[str], gap: float) -> set[str]:
    """Features that lead the best trusted one by more than the gap, and not by chance."""
    known = [auc for name, auc in aucs.items() if name in trusted]
    if not known:
        return set()
    best = max(known, key=lambda auc: auc.value)
    # paired on the same accounts, so that a small lead is not hidden by the error that both share
    leads = {name: auc.lead(best, Z) for name, auc in aucs.items() if name not in trusted}
    return {name for name, (lead, low) in leads.items() if lead > gap and low > 0}


def _told_by_account(X: pd.DataFrame, event: Array, account: Array, limit: float) -> set[str]:
    """Constant attributes that tell which accounts ever churned."""
    first, ever = account_level(X, event, account)
    codes = np.arange(len(ever))
    aucs = {name: single_auc(first[name], ever, codes, len(codes)) for name in X.columns}
    return {name for name, auc in aucs.items() if auc is not None and auc.low(Z) > limit}


def telling(column: pd.Series, event: Array, account: Array, capture: float) -> float:
    """Largest lower bound, over the values that cover enough churned accounts, of the share that churned."""
    churned = len(np.unique(account[event]))
    there = column.notna().to_numpy()
    # whether there is a value may tell as much as the value: who left was asked why, or never filled it in
    groups = [there] if there.any() and not there.all() else []
    groups += [~there] if groups else []
    if not is_number(column):
        # values of numbers are ranked, by check_single_feature
        groups += [(column == value).to_numpy(dtype=bool, na_value=False) for value in column.dropna().unique()]
    best = 0.0
    for inside in groups:
        hit = len(np.unique(account[inside & event]))
        # an account with snapshots of both kinds counts on both sides
        count = hit + len(np.unique(account[inside & ~event]))
        if hit >= max(MIN_EVENTS, capture * churned):
            best = max(best, float(share_interval(hit, count, Z)[0]))
    return best


def _use(data: CustomerData, snapshots: Snapshots) -> pd.DataFrame:
    """Days of use before and from ``as_of`` on, in all and in 30 days, for each snapshot."""
    end = (snapshots.end - pd.Timestamp("1970-01-01")).days
    days = observed(uses(data).select("account", "day", "known").unique(), end)
    lazy = snapshots.lazy(data)
    parts = {
        "past": visible(lazy, days),
        "past_30": visible(lazy, days, window=30),
        "future": ahead(lazy, days, 0, _FAR),
    }
    table = pd.DataFrame(index=snapshots.index)
    for name, rows in parts.items():
        # a day may have rows known at several times
        unique = rows.select("snapshot", "day").unique().group_by("snapshot").agg(nw.len().alias("days"))
        counted = data.engine.collect(unique).set_index("snapshot")["days"]
        table[name] = counted.reindex(range(len(table)), fill_value=0).to_numpy()
    return table


def _partial(column: pd.Series, table: pd.DataFrame) -> float:
    """Rank correlation with later use, given earlier use, within dates."""
    there = column.notna().to_numpy()
    if there.sum() < 50 or column[there].nunique() < 2:
        return float("nan")
    frame = table[there].assign(feature=column[there])
    # centred, so that the squares below are a bend and not the line once more
    ranked = frame.groupby("as_of").rank(pct=True) - 0.5
    known = np.column_stack([ranked["past"], ranked["past_30"], ranked["past"] ** 2, ranked["past_30"] ** 2])
    known = np.column_stack([known, np.ones(len(known))])
    left = ranked[["feature", "future"]].to_numpy()
    left = left - known @ np.linalg.lstsq(known, left, rcond=None)[0]
    spread = left.std(axis=0)
    # earlier use explains all of it: what is left is rounding, and its correlation is none
    if (spread < 1e-9).any():
        return float("nan")
    return float((left[:, 0] * left[:, 1]).mean() / spread.prod())


def named(measure: str, names: list[str], most: int = 5) -> str:
    if not names:
        return measure
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{measure}: {', '.join(names[:most])}{more}"
