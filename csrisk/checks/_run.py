"""run_checks: every check that the evidence allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from csrisk.checks._drift import (
    CALIBRATION,
    CLASSIFIER,
    DRIFT,
    RATE,
    check_base_rate,
    check_calibration,
    check_drift,
    check_drift_classifier,
)
from csrisk.checks._leakage import FUTURE, check_future_use, check_single_feature, check_telling_values
from csrisk.checks._null import NULL, check_permutation_null
from csrisk.checks._panel import (
    DUPLICATES,
    WINDOW,
    check_duplicates,
    check_events,
    check_evidence,
    check_label_window,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from csrisk._snapshots import Snapshots
    from csrisk.checks._check import Check
    from csrisk.data import CustomerData

__all__ = ["run_checks"]


def run_checks(
    X: pd.DataFrame,
    y: pd.Series,
    *,
    data: CustomerData | None = None,
    snapshots: Snapshots | None = None,
    split: tuple[pd.Series, pd.Series] | None = None,
    risk: pd.Series | None = None,
    book: pd.DataFrame | None = None,
    fit_predict: Callable[[pd.DataFrame, pd.Series, pd.DataFrame], Any] | None = None,
) -> tuple[Check, ...]:
    """Run every check; those without their evidence say so.

    Parameters
    ----------
    X : pandas.DataFrame
        Features of labelled snapshots.
    y : pandas.Series
        Outcomes on the same index.
    data : CustomerData, optional
        The tables behind X.
    snapshots : Snapshots, optional
        The snapshots behind X.
    split : tuple of pandas.Series, optional
        Train and test, as `ForwardSplit.at` gives them.
    risk : pandas.Series, optional
        Probabilities of the test snapshots, by a model of the training snapshots.
    book : pandas.DataFrame, optional
        Features of the snapshots to be scored.
    fit_predict : callable, optional
        From (X of train, y of train, X of test) to scores: runs the permutation null, which takes two more fits.

    Returns
    -------
    tuple of Check
        In the order of their codes.

    Warns
    -----
    LeakageWarning
        Where a leakage check fails.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from csrisk.checks import run_checks
    >>> chance = np.random.default_rng(0)
    >>> X = pd.DataFrame(chance.normal(size=(400, 3)), columns=["one", "two", "three"])
    >>> y = pd.Series(X["one"] + chance.normal(size=400) > 1)
    >>> [check.code for check in run_checks(X, y) if check.status == "passed"]
    ['CSR001', 'CSR002', 'CSR008']
    """
    checks = [check_single_feature(X, y), check_telling_values(X, y)]
    if data is None or snapshots is None:
        checks.append(FUTURE.not_applicable("no tables or snapshots were handed over", "pass data= and snapshots="))
    else:
        checks.append(check_future_use(X, data, snapshots))
    if snapshots is None:
        checks.append(WINDOW.not_applicable("no snapshots were handed over", "pass snapshots="))
    else:
        checks.append(check_label_window(y, snapshots))
    checks += [check_events(y), check_evidence(X)]
    checks += _forward(X, y, split, risk, fit_predict)
    checks += _book(X, split, book)
    return tuple(sorted(checks, key=lambda check: check.code))


def _forward(
    X: pd.DataFrame,
    y: pd.Series,
    split: tuple[pd.Series, pd.Series] | None,
    risk: pd.Series | None,
    fit_predict: Callable[[pd.DataFrame, pd.Series, pd.DataFrame], Any] | None,
) -> list[Check]:
    if split is None:
        reason = ("no split into train and test was handed over", "pass split=ForwardSplit.at(snapshots, date)")
        return [rule.not_applicable(*reason) for rule in (NULL, DUPLICATES, RATE, CALIBRATION)]
    train, test = (side.reindex(X.index, fill_value=False).astype(bool) for side in split)
    checks = [check_duplicates(X[train], X[test]), check_base_rate(y[train], y[test])]
    if fit_predict is None:
        checks.append(NULL.not_applicable("not asked for: it fits the model twice more", "pass fit_predict="))
    else:
        checks.append(check_permutation_null(fit_predict, X, y, train=train, test=test))
    if risk is None:
        checks.append(CALIBRATION.not_applicable("no risks of the test snapshots were handed over", "pass risk="))
    else:
        checks.append(check_calibration(y.loc[risk.index], risk))
    return checks


def _book(X: pd.DataFrame, split: tuple[pd.Series, pd.Series] | None, book: pd.DataFrame | None) -> list[Check]:
    if book is None:
        reason = ("no book to be scored was handed over", "pass book=")
        return [rule.not_applicable(*reason) for rule in (DRIFT, CLASSIFIER)]
    learned = X if split is None else X[split[0].reindex(X.index, fill_value=False).astype(bool)]
    return [check_drift(learned, book), check_drift_classifier(learned, book)]
