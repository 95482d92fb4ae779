"""Checks of the rows that a model learns from and is judged on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._text import number, percent
from csrisk.checks._association import account_codes
from csrisk.checks._check import Check, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from csrisk._snapshots import Snapshots
    from csrisk.features import Feature

__all__ = ["check_duplicates", "check_events", "check_evidence", "check_label_window"]

DUPLICATES = Rule(
    "CSR005",
    "Duplicates across folds",
    "Barz and Denzler 2020 found 3 to 10 percent of test images in the training sets of two public benchmarks",
    "keep equal rows on one side: pass groups, or drop the repeats before splitting",
    leakage=True,
)
WINDOW = Rule(
    "CSR006",
    "Label window past the end of the data",
    "a window that was not observed to its end has no label",
    "take labels from csrisk's label functions, or set them to missing where snapshots.censored",
    leakage=True,
)
EVENTS = Rule(
    "CSR008",
    "Too few events",
    "with 20 events the standard error of an AUC of .7 is .066 to .070 (Hanley and McNeil 1982)",
    "take more history, a longer horizon or more accounts; until then read intervals, not figures",
)
EVIDENCE = Rule(
    "CSR012",
    "Goals without evidence",
    "the four goals of customer success",
    "bring the tables that speak about these goals; the risk says nothing about them",
)


def check_duplicates(train: pd.DataFrame, test: pd.DataFrame, *, limit: float = 0.01) -> Check:
    r"""Look for test rows that are in the training set under another account.

    Rows of fewer than five values are not compared: they may be equal by chance.

    Parameters
    ----------
    train, test : pandas.DataFrame
        Features of both sides.
    limit : float
        Largest share of test rows.

    Returns
    -------
    Check

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from csrisk.checks import check_duplicates
    >>> rows = pd.DataFrame(np.arange(50).reshape(10, 5))
    >>> check_duplicates(rows.head(8), rows.tail(2)).measure
    '0 of 2 test rows (0.0\xa0%) are also training rows'
    """
    shared = [name for name in test.columns if name in train.columns]
    wide = {"train": train[shared], "test": test[shared]}
    hashed = {}
    for side, X in wide.items():
        enough = (X.notna().sum(axis=1) >= 5).to_numpy()
        # categories are compared by what they say, not by their codes
        plain = X.astype({name: object for name in shared if isinstance(X[name].dtype, pd.CategoricalDtype)})
        # without the index: the same values under another account are what is looked for
        hashed[side] = pd.DataFrame(
            {"row": pd.util.hash_pandas_object(plain, index=False).to_numpy(), "account": _accounts(X)}, index=X.index
        )[enough]
    if hashed["test"].empty or hashed["train"].empty:
        return DUPLICATES.not_applicable("fewer than five values in every row")
    # an account that repeats itself would meet a test row once for each of its rows
    once = hashed["train"].drop_duplicates()
    met = hashed["test"].reset_index(drop=True).reset_index().merge(once, on="row", suffixes=("", "_train"))
    # the same account may look the same from date to date
    count = met.loc[met["account"] != met["account_train"], "index"].nunique()
    share = count / len(test)
    measure = f"{number(count, 0)} of {number(len(test), 0)} test rows ({percent(share)}) are also training rows"
    return DUPLICATES.judge(share > limit, measure, percent(limit, 0))


def check_label_window(y: pd.Series, snapshots: Snapshots) -> Check:
    """Look for labels whose window runs past the end of the data.

    Parameters
    ----------
    y : pandas.Series
        Labels on the index of the snapshots, or some of it.
    snapshots : Snapshots
        The snapshots.

    Returns
    -------
    Check

    Examples
    --------
    >>> import csrisk as cr
    >>> data = cr.load_demo()
    >>> from csrisk.checks import check_label_window
    >>> past = cr.Snapshots.at(data, "2025-04-01", horizon="90D")
    >>> check_label_window(cr.label_churn(data, past), past).status
    'passed'
    """
    if snapshots.horizon is None:
        return WINDOW.not_applicable("snapshots without horizon", "make the snapshots with horizon='90D'")
    censored = snapshots.censored.reindex(y.index)
    if censored.isna().any():
        raise ValueError(f"y: {int(censored.isna().sum())} of {len(y)} rows are not among the snapshots")
    count = int((y.notna() & censored.astype(bool)).sum())
    return WINDOW.judge(count > 0, f"{count} of {int(y.notna().sum())} labels have a window that was not observed", "0")


def check_events(y: pd.Series, *, minimum: int = 20) -> Check:
    """Count accounts of the rarer outcome.

    Parameters
    ----------
    y : pandas.Series
        Outcomes; missing ones are left out.
    minimum : int
        Accounts needed.

    Returns
    -------
    Check

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.checks import check_events
    >>> check_events(pd.Series([0, 1] * 50)).status, check_events(pd.Series([0] * 99 + [1])).status
    ('passed', 'failed')
    """
    known = y[y.notna()].astype(bool)
    account = account_codes(known.to_frame())
    # accounts and not rows: 19 accounts with three events each are 19 pieces of evidence, not 57
    events = len(np.unique(account[known.to_numpy()]))
    others = len(np.unique(account[~known.to_numpy()]))
    measure = f"{events} accounts with the outcome, {others} without, in {len(known)} snapshots"
    return EVENTS.judge(min(events, others) < minimum, measure, f"at least {minimum} of both")


def check_evidence(X: pd.DataFrame, *, declarations: Iterable[Feature] | None = None) -> Check:
    """Look for goals about which no feature has a value.

    Parameters
    ----------
    X : pandas.DataFrame
        Features.
    declarations : iterable of Feature, optional
        What the columns are about; by default those of csrisk's builders, and what travels with X.

    Returns
    -------
    Check

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.checks import check_evidence
    >>> check_evidence(pd.DataFrame({"active_days_30d": [1.0, 2.0, None]})).status
    'failed'
    """
    from csrisk.features import attached, built

    if declarations is None:
        declarations = (*built(X.columns).values(), *attached(X))
    goals: dict[str, bool] = dict.fromkeys(("churn", "footprint", "advocacy", "feedback"), False)
    for feature in declarations:
        if str(feature.goal) in goals and feature.name in X and X[feature.name].notna().any():
            goals[str(feature.goal)] = True
    silent = [goal for goal, there in goals.items() if not there]
    measure = f"{len(silent)} of {len(goals)} goals without evidence" + (f": {', '.join(silent)}" if silent else "")
    return EVIDENCE.judge(bool(silent), measure, "0", silent)


def _accounts(X: pd.DataFrame) -> pd.Series:
    if "account_id" in X.index.names:
        return pd.Series(X.index.get_level_values("account_id").astype(str), index=X.index)
    return pd.Series(X.index.astype(str), index=X.index)
