"""How good a model is on a table without dates: every row judged by a model that has not seen it."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import StratifiedGroupKFold

from csrisk.evaluation._evaluate import evaluate_scores
from csrisk.evaluation._measuring._rows import codes_of
from csrisk.exceptions import DataWarning
from csrisk.models._rows import align, event_of, index_accounts

__all__ = ["evaluate_folds"]


def evaluate_folds(
    model: Any,
    X: pd.DataFrame,
    y: Any,
    *,
    groups: Any = None,
    n_folds: int = 5,
    capacity: float = 0.1,
    n_bootstrap: int = 200,
    random_state: int = 0,
) -> pd.DataFrame:
    """Measure a classifier on a table without dates, by folds drawn at random.

    Each fold is predicted by a copy of the model that was fitted to the others. Rows that repeat another one stay in
    its fold, as do rows of one account: across folds they would tell their own outcome. Where rows have dates, use
    :func:`csrisk.backtest`: a test at random says less of next month than a test on later data.

    Parameters
    ----------
    model : object
        Classifier; it is cloned, so that it may be fitted or not.
    X : DataFrame
        Features.
    y : array-like
        Labels, of which True, or 1 beside 0 or -1, is the event; rows without one are left out.
    groups : array-like, optional
        Account of each row; default is the index level ``account_id``, else each row is its own.
    n_folds : int, default 5
        Folds, at least 2.
    capacity, n_bootstrap, random_state
        As in :func:`csrisk.evaluate`; the seed draws the folds too.

    Returns
    -------
    DataFrame
        As :func:`csrisk.evaluate`.

    Raises
    ------
    ValueError
        If the labels do not say which is the event, or fewer rows than folds hold one of them.

    Warns
    -----
    DataWarning
        Counts the rows that repeat another one.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> from csrisk.evaluation import evaluate_folds
    >>> X = pd.DataFrame({"transfers": range(40)})
    >>> evaluate_folds(LogisticRegression(), X, X["transfers"] > 19).loc["n_events", "estimate"]
    np.float64(20.0)
    """
    labels = pd.Series(np.asarray(align(y, X.index, "y", "X")), index=X.index)
    known = labels.notna().to_numpy()
    X, labels = X[known], labels[known].infer_objects()
    event = event_of(sorted(labels.unique()))
    if event is None:
        raise ValueError(f"y has labels of which none says that it is the event; use y == {str(labels.iloc[0])!r}, say")
    happened = (labels == event).to_numpy()
    # each fold needs both labels, in what is learned and in what is tested
    fewest = int(min(happened.sum(), (~happened).sum()))
    if isinstance(n_folds, bool) or not isinstance(n_folds, int) or not 2 <= n_folds <= fewest:
        raise ValueError(f"n_folds={n_folds!r} must be a whole number from 2 to {fewest}, the rows of the rarer label")
    accounts = index_accounts(X.index) if groups is None else align(groups, X.index, "groups", "X")
    # without accounts rows that repeat each other count as one: across folds they would tell their own outcome
    together = _repeats(X, happened) if accounts is None else codes_of(accounts, len(X))
    risk = np.empty(len(X))
    for train, test in StratifiedGroupKFold(n_folds, shuffle=True, random_state=random_state).split(
        X, happened, together
    ):
        # booleans, so that column 1 is the event whatever the labels were
        fitted = clone(model).fit(X.iloc[train], happened[train])
        risk[test] = fitted.predict_proba(X.iloc[test])[:, 1]
    return evaluate_scores(
        happened,
        risk,
        together,
        probability=True,
        capacity=capacity,
        n_bootstrap=n_bootstrap,
        random_state=random_state,
    )


def _repeats(X: pd.DataFrame, happened: np.ndarray) -> np.ndarray:
    """Give rows that are equal in all columns and the label one number."""
    # with the outcome: rows that differ in it alone do not tell each other's
    whole = X.assign(**{"": happened})
    # dropna=False: rows with a gap repeat each other too
    codes = np.asarray(whole.groupby(list(whole.columns), dropna=False, observed=True, sort=False).ngroup())
    n_repeats = len(codes) - len(np.unique(codes))
    if n_repeats:
        warnings.warn(
            f"{n_repeats} of {len(codes)} rows repeat another one in every column; they stay in its fold, but a table "
            "of accounts should hold each once: look where they come from",
            DataWarning,
            # at the line that called evaluate_folds
            stacklevel=3,
        )
    return codes
