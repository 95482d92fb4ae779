"""The best customers: who they are, what sets them apart, and what the others lack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import mannwhitneyu

from csrisk._explain import explain
from csrisk._params import check_share
from csrisk._wilson import Z_95
from csrisk.exceptions import NotEnoughDataError
from csrisk.models._rows import align, chosen

if TYPE_CHECKING:
    from csrisk._explain import Explanation

__all__ = ["best_customers", "gap_to_best", "what_sets_apart"]

_AT_LEAST = 10


def best_customers(quadrant: pd.Series, risk: pd.Series, *, risk_below: float | None = None) -> pd.Series:
    """Say who the best customers are: in the success quadrant, and likely to stay.

    Parameters
    ----------
    quadrant : pandas.Series
        As `success_quadrant` gives it.
    risk : pandas.Series
        Probability of churn, on the same index.
    risk_below : float, optional
        Probability below which an account stays; by default the median of the book.

    Returns
    -------
    pandas.Series
        Boolean, named ``best``; False where either side is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.success import best_customers
    >>> best_customers(pd.Series(["success", "success", None]), pd.Series([0.01, 0.2, 0.01]), risk_below=0.1).tolist()
    [True, False, False]
    """
    risk = align(risk, quadrant.index, "risk", "quadrant")
    limit = float(risk.median()) if risk_below is None else risk_below
    return ((quadrant == "success") & (risk < limit)).fillna(False).astype(bool).rename("best")


def what_sets_apart(X: pd.DataFrame, best: pd.Series, *, false_discovery: float = 0.05) -> pd.DataFrame:
    """Find the features in which the best customers differ from the others.

    For each numeric feature the chance that a best customer has more of it than another (Mann-Whitney), with an
    interval, and a p-value that is corrected for the many features (Benjamini and Hochberg).

    Parameters
    ----------
    X : pandas.DataFrame
        Features of the snapshots of one date.
    best : pandas.Series
        Boolean, brought to the rows of X by its index; where it is not known, an account is not best.
    false_discovery : float, default 0.05
        Share of false findings that is tolerated.

    Returns
    -------
    pandas.DataFrame
        One row per feature with evidence on both sides, clearest first: ``chance`` (0.5: no difference) with ``low``
        and ``high`` (95 %, Hanley and McNeil), ``best_median``, ``other_median``, ``n_best``, ``n_other``, ``p_value``
        (corrected) and ``stands_out``.

    Raises
    ------
    NotEnoughDataError
        If fewer than 10 accounts are best, or fewer than 10 are not.

    References
    ----------
    Benjamini, Y. and Hochberg, Y. (1995). Controlling the false discovery rate. Journal of the Royal Statistical
    Society B 57, 289-300.

    Hanley, J. A. and McNeil, B. J. (1982). The meaning and use of the area under a receiver operating characteristic
    curve. Radiology 143, 29-36.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.success import what_sets_apart
    >>> X = pd.DataFrame({"logins": range(40), "noise": [0, 1] * 20})
    >>> best = pd.Series([False] * 20 + [True] * 20)
    >>> found = what_sets_apart(X, best).loc["logins"]
    >>> float(found["chance"]), bool(found["stands_out"])
    (1.0, True)
    """
    check_share("false_discovery", false_discovery, "false findings that is tolerated")
    best = pd.Series(chosen(best, X.index, "best", "X"), index=X.index)
    if min(best.sum(), (~best).sum()) < _AT_LEAST:
        message = f"best={int(best.sum())} of {len(best)}: both sides need at least {_AT_LEAST} accounts to be compared"
        raise NotEnoughDataError(message + "; choose a milder limit of risk or happiness")
    numeric = X.select_dtypes("number")
    ours, others = numeric[best], numeric[~best]
    rows = {name: _compare(ours[name].dropna(), others[name].dropna()) for name in numeric.columns}
    out = pd.DataFrame({name: row for name, row in rows.items() if row}).T.rename_axis("feature")
    out["p_value"] = _corrected(out["p_value"].to_numpy())
    out["stands_out"] = out["p_value"] <= false_discovery
    out = out.astype({"n_best": "int64", "n_other": "int64"})
    clear = (out["chance"] - 0.5).abs()
    return out.iloc[np.argsort(-clear.to_numpy(), kind="stable")]


def _compare(a: pd.Series, b: pd.Series) -> dict[str, float] | None:
    # a feature with one value for all cannot set anybody apart
    if min(len(a), len(b)) < _AT_LEAST or pd.concat([a, b]).nunique() < 2:
        return None
    test = mannwhitneyu(a, b)
    # U over the number of pairs: the area under the curve, ties counted half
    chance = test.statistic / (len(a) * len(b))
    # variance of the area by Hanley and McNeil
    q1, q2 = chance / (2 - chance), 2 * chance**2 / (1 + chance)
    spread = chance * (1 - chance) + (len(a) - 1) * (q1 - chance**2) + (len(b) - 1) * (q2 - chance**2)
    half = Z_95 * np.sqrt(max(spread, 0.0) / (len(a) * len(b)))
    return {
        "chance": chance,
        "low": max(0.0, chance - half),
        "high": min(1.0, chance + half),
        "best_median": a.median(),
        "other_median": b.median(),
        "n_best": len(a),
        "n_other": len(b),
        "p_value": test.pvalue,
    }


def _corrected(p: np.ndarray) -> np.ndarray:
    order = np.argsort(p)
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    out = np.empty(len(p))
    # from the largest down, so that a smaller p never gets a larger value
    out[order] = np.minimum(1, np.minimum.accumulate(scaled[::-1])[::-1])
    return out


def gap_to_best(model: Any, X: pd.DataFrame, best: pd.Series, **options: Any) -> Explanation:
    """Explain each account against the best customers, to see what would close the gap.

    Parameters
    ----------
    model : ChurnModel
        A fitted model.
    X : pandas.DataFrame
        Features of the snapshots.
    best : pandas.Series
        Boolean, brought to the rows of X by its index; these are the reference. Where it is not known, an account is
        not best.
    **options
        Passed to `explain`.

    Returns
    -------
    Explanation
        ``.goals()`` gives the gap by goal in percentage points; positive: it lies behind the best.

    Raises
    ------
    NotEnoughDataError
        If fewer than 10 accounts are best.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> import csrisk as cr
    >>> from csrisk.success import gap_to_best
    >>> logins = np.random.default_rng(0).poisson(6, 300)
    >>> X = pd.DataFrame({"logins": logins})
    >>> model = cr.ChurnModel(n_members=2, blend=False, random_state=0).fit(X, pd.Series(logins < 5))
    >>> gap = gap_to_best(model, X, pd.Series(logins > 9), declarations={"logins": "footprint"})
    >>> bool(gap.goals().loc[logins < 3, "footprint"].min() > 0)  # few logins are what lies behind the best
    True
    """
    rows = chosen(best, X.index, "best", "X")
    if rows.sum() < _AT_LEAST:
        message = f"best={int(rows.sum())} of {len(rows)}: a reference needs at least {_AT_LEAST} accounts"
        raise NotEnoughDataError(message + "; choose a milder limit of risk or happiness")
    return explain(model, X, reference=X.loc[rows], **options)
