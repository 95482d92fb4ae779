"""Overlap: could the treated have been left alone, and the others treated? Without that no effect can be told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from csrisk._params import check_seed, check_share, check_whole
from csrisk.evaluation import evaluate_scores
from csrisk.evaluation._measuring import codes_of, labelled_rows
from csrisk.exceptions import NotEnoughDataError
from csrisk.models._rows import as_features, encode_frame, first_index, index_accounts, learn_columns

__all__ = ["covariate_balance", "overlap", "propensity"]

_AT_LEAST = 20
_MOST_FOLDS = 100


def propensity(X: pd.DataFrame, treated: pd.Series, *, n_folds: int = 5, random_state: int = 0) -> pd.Series:
    """Estimate how likely each snapshot was to be treated, from features known before, on folds of accounts.

    Parameters
    ----------
    X : pandas.DataFrame
        Features on the snapshot index.
    treated : pandas.Series
        Boolean, on the index of X.
    n_folds : int, default 5
        Folds of accounts; each row is predicted by a logistic regression that has not seen its account.
    random_state : int, default 0
        Seed of the folds.

    Returns
    -------
    pandas.Series
        Named ``propensity``, in (0, 1).

    Raises
    ------
    NotEnoughDataError
        If fewer than 20 rows are treated, or fewer than 20 are not.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from csrisk.success import propensity
    >>> size = pd.Series(np.arange(200.0), name="size")
    >>> found = propensity(size.to_frame(), size >= 100)  # the large ones were called
    >>> bool(found[size >= 150].min() > found[size < 50].max())
    True
    """
    check_whole("n_folds", n_folds, 2, _MOST_FOLDS)
    check_seed(random_state)
    X = as_features(X)
    columns = learn_columns(X)
    _, side, _, codes = read_sides(X, treated, treated)
    categories = [place for place, column in enumerate(columns) if column.kind == "category"]
    found = fit_propensity(encode_frame(columns, X), side, codes, categories, n_folds, random_state)
    return pd.Series(found, index=X.index, name="propensity")


def read_sides(X: Any, y: Any, treated: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Bring churn and sides to the rows of features, by index."""
    index = first_index(X)
    target, known = labelled_rows(y, X, [0, 1], 1)
    side, told = labelled_rows(treated, X, [0, 1], 1)
    if not told.all():
        raise ValueError(
            f"treated: {int((~told).sum())} of {len(told)} values are missing; say of each row what it got"
        )
    owners = index_accounts(index)
    codes = np.arange(len(known)) if owners is None else codes_of(owners, len(known))
    return target, side[known], np.flatnonzero(known), codes[known]


def fit_propensity(
    matrix: np.ndarray, side: np.ndarray, codes: np.ndarray, categories: list[int], n_folds: int, seed: int
) -> np.ndarray:
    """Predict the side of each row by a logistic regression that has not seen its account."""
    n_treated = int(side.sum())
    if min(n_treated, len(side) - n_treated) < _AT_LEAST:
        message = f"{n_treated} of {len(side)} rows are treated; at least {_AT_LEAST} of either side are needed"
        raise NotEnoughDataError(message + " to tell who gets treated")
    folds = GroupKFold(min(n_folds, len(np.unique(codes))), shuffle=True, random_state=seed)
    numbers = [place for place in range(matrix.shape[1]) if place not in set(categories)]
    read = ColumnTransformer(
        [
            # that a value is missing may be what people chose by, so it is a column of its own
            ("number", SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), numbers),
            # a category may be in one fold alone
            ("category", OneHotEncoder(handle_unknown="ignore", sparse_output=False), categories),
        ]
    )
    model = make_pipeline(read, StandardScaler(), LogisticRegression(C=0.05, max_iter=1000))
    return np.asarray(cross_val_predict(model, matrix, side > 0, groups=codes, cv=folds, method="predict_proba")[:, 1])


def overlap(
    X: pd.DataFrame,
    treated: pd.Series,
    *,
    trim: float = 0.1,
    n_bootstrap: int = 200,
    random_state: int = 0,
) -> pd.DataFrame:
    """Say how far treated and others can be compared.

    Parameters
    ----------
    X : pandas.DataFrame
        Features on the snapshot index, known before the treatment.
    treated : pandas.Series
        Boolean, on the index of X.
    trim : float, default 0.1
        Propensities below it or above 1 - it count as outside of the overlap, the rule of thumb of [1]_.
    n_bootstrap : int, default 200
        Draws of whole accounts for the interval of the AUC.
    random_state : int, default 0
        Seed.

    Returns
    -------
    pandas.DataFrame
        Index metric, columns ``estimate, low, high``: ``propensity_auc`` (.5: nobody could tell who gets treated, as
        by chance; near 1: the two sides are different accounts), ``outside`` (share of rows outside of the overlap),
        ``effective_treated`` and ``effective_others`` (rows left after weighting by inverse propensity, Kish),
        ``unbalanced`` (features with a standardised difference of means above .1), and ``n_treated, n_other,
        n_features``.

    Raises
    ------
    NotEnoughDataError
        As in `propensity`.

    References
    ----------
    .. [1] Crump, R. K., Hotz, V. J., Imbens, G. W. and Mitnik, O. A. (2009). Dealing with limited overlap in estimation
       of average treatment effects. Biometrika 96, 187-199.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from csrisk.success import overlap
    >>> size = pd.Series(np.arange(200.0), name="size")
    >>> table = overlap(size.to_frame(), size >= 100, n_bootstrap=0)  # the large ones were called, and only they
    >>> bool(table.loc["propensity_auc", "estimate"] > 0.95)
    True
    """
    check_share("trim", 2 * trim, "the range of propensities, twice")
    found = propensity(X, treated, random_state=random_state)
    X = as_features(X)
    side = read_sides(X, treated, treated)[1] > 0
    score = found.to_numpy()
    sides = pd.Series(side.astype(float), index=X.index)
    auc = evaluate_scores(sides, found, n_bootstrap=n_bootstrap, random_state=random_state)
    balance = covariate_balance(X, treated)["difference"].abs()
    numbers = {
        "outside": float(((score < trim) | (score > 1 - trim)).mean()),
        # as many rows of equal weight as the inverse propensities leave (Kish)
        "effective_treated": _effective(1 / score[side]),
        "effective_others": _effective(1 / (1 - score[~side])),
        "unbalanced": float((balance > 0.1).sum()),
        "n_treated": float(side.sum()),
        "n_other": float((~side).sum()),
        "n_features": float(len(balance)),
    }
    first = auc.loc[["auc"]].rename(index={"auc": "propensity_auc"})
    return pd.concat([first, pd.DataFrame({"estimate": pd.Series(numbers)})]).rename_axis("metric")


def _effective(weights: np.ndarray) -> float:
    return float(weights.sum() ** 2 / (weights**2).sum())


def covariate_balance(X: pd.DataFrame, treated: pd.Series) -> pd.DataFrame:
    """Compare the features of the treated with those of the others.

    Parameters
    ----------
    X : pandas.DataFrame
        Features on the snapshot index, known before the treatment.
    treated : pandas.Series
        Boolean, on the index of X.

    Returns
    -------
    pandas.DataFrame
        One row per numeric feature with evidence on both sides, most different first: ``treated`` and ``others``
        (means), ``difference`` in pooled standard deviations, ``n_treated`` and ``n_other`` (rows with a value).

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.success import covariate_balance
    >>> X = pd.DataFrame({"seats": [1.0, 3.0, 5.0, 7.0]})
    >>> covariate_balance(X, pd.Series([False, False, True, True]))["difference"].round(2).tolist()  # 4 / sqrt(2)
    [2.83]
    """
    X = as_features(X)
    side = read_sides(X, treated, treated)[1] > 0
    columns = learn_columns(X)
    matrix = pd.DataFrame(encode_frame(columns, X), index=X.index, columns=X.columns)
    numbers = matrix.loc[:, [column.kind == "number" for column in columns]]
    ours, others = numbers[side], numbers[~side]
    # the standardised difference does not grow with the number of rows, as a test would
    spread = np.sqrt((ours.var() + others.var()) / 2)
    out = pd.DataFrame(
        {
            "treated": ours.mean(),
            "others": others.mean(),
            "difference": (ours.mean() - others.mean()) / spread.where(spread > 0),
            "n_treated": ours.count(),
            "n_other": others.count(),
        }
    ).rename_axis("feature")
    out = out.dropna(subset="difference")
    return out.iloc[np.argsort(-out["difference"].abs().to_numpy(), kind="stable")]
