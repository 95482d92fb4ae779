"""How good is an uplift ranking: Qini, AUUC and the value of a policy, with intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from csrisk.exceptions import NotEnoughDataError

__all__ = ["evaluate_uplift", "qini_curve"]


def qini_curve(score: pd.Series, y: pd.Series, treated: pd.Series) -> pd.DataFrame:
    """Draw the Qini curve: how many more stay by treating the first k of a ranking.

    Parameters
    ----------
    score : pandas.Series
        Ranking, highest first.
    y : pandas.Series
        Churn.
    treated : pandas.Series
        Boolean: who got the play, by chance.

    Returns
    -------
    pandas.DataFrame
        ``share`` of the accounts ranked first; ``saved`` per account of the book: churn of the others, scaled to the
        number of treated, less churn of the treated (Radcliffe 2007); ``random``: the straight line to the same end.

    References
    ----------
    Radcliffe, N. J. (2007). Using control groups to target on predicted lift: building and assessing uplift models.
    Direct Marketing Analytics Journal 1, 14-21.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.success import qini_curve
    >>> curve = qini_curve(pd.Series([4, 3, 2, 1]), pd.Series([0, 1, 1, 1]), pd.Series([True, False, True, False]))
    >>> curve["saved"].tolist()  # of the first two, the treated one stays and the other leaves
    [0.0, 0.0, 0.25, 0.25, 0.25]
    """
    order = np.argsort(-score.to_numpy(dtype=float), kind="stable")
    saved = _saved(y.to_numpy(dtype=float)[order], treated.to_numpy(dtype=bool)[order])
    share = np.linspace(0, 1, len(saved))
    return pd.DataFrame({"share": share, "saved": saved, "random": share * saved[-1]})


def _saved(y: np.ndarray, treated: np.ndarray) -> np.ndarray:
    n_treated, n_other = np.cumsum(treated), np.cumsum(~treated)
    left, left_other = np.cumsum(y * treated), np.cumsum(y * ~treated)
    scaled = np.where(n_other > 0, left_other * n_treated / np.maximum(n_other, 1), left)
    return np.concatenate([[0.0], (scaled - left) / len(y)])


def evaluate_uplift(
    score: pd.Series,
    y: pd.Series,
    treated: pd.Series,
    *,
    capacity: float = 0.2,
    n_bootstrap: int = 200,
    random_state: int = 0,
) -> pd.DataFrame:
    """Measure an uplift ranking on rows that chance has treated or not.

    Parameters
    ----------
    score : pandas.Series
        Ranking, highest first: predicted uplift, or risk to compare with.
    y : pandas.Series
        Churn, on the same index; rows without a label are left out.
    treated : pandas.Series
        Boolean, on the same index.
    capacity : float, default 0.2
        Share of accounts that can be treated, for `saved_at_capacity`.
    n_bootstrap : int, default 200
        Draws of whole accounts for the intervals.
    random_state : int, default 0
        Seed.

    Returns
    -------
    pandas.DataFrame
        Index metric; ``estimate``, ``low``, ``high`` (95 %). ``qini``: area between the Qini curve and the straight
        line, in accounts saved per account; ``auuc``: area under the curve; ``saved_at_capacity``: churn of the others
        less churn of the treated among the first `capacity`, per account of the book; ``effect``: the same over all
        rows; and the counts ``n_treated``, ``n_other``, ``n_events``.

    Raises
    ------
    NotEnoughDataError
        If one side is empty.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.success import evaluate_uplift
    >>> score, churn = pd.Series([4, 3, 2, 1]), pd.Series([0, 1, 1, 1])
    >>> table = evaluate_uplift(score, churn, pd.Series([True, False, True, False]), capacity=0.5, n_bootstrap=10)
    >>> float(table.loc["saved_at_capacity", "estimate"])  # half of the book, difference 1
    0.5
    """
    known = y.notna().to_numpy()
    frame = pd.DataFrame(
        {
            "score": score.to_numpy(dtype=float)[known],
            "y": y[known].to_numpy(dtype=float),
            "treated": treated.to_numpy(dtype=bool)[known],
        }
    )
    if not frame["treated"].any() or frame["treated"].all():
        message = f"{int(frame['treated'].sum())} of {len(frame)} rows are treated; both sides are needed"
        raise NotEnoughDataError(message)
    index = y.index[known]
    account = pd.factorize(index.get_level_values(0))[0] if isinstance(index, pd.MultiIndex) else np.arange(len(frame))
    point = _metrics(frame.to_numpy(dtype=float), capacity)
    rng = np.random.default_rng(random_state)
    rows_of = [np.flatnonzero(account == code) for code in range(account.max() + 1)]
    drawn = []
    for _ in range(n_bootstrap):
        rows = np.concatenate([rows_of[code] for code in rng.integers(0, len(rows_of), len(rows_of))])
        if 0 < frame["treated"].to_numpy()[rows].sum() < len(rows):
            drawn.append(_metrics(frame.to_numpy(dtype=float)[rows], capacity))
    spread = pd.DataFrame(drawn)
    out = pd.DataFrame({"estimate": point, "low": spread.quantile(0.025), "high": spread.quantile(0.975)})
    counts = {
        "n_treated": frame["treated"].sum(),
        "n_other": (~frame["treated"]).sum(),
        "n_events": int(frame["y"].sum()),
    }
    out = pd.concat([out, pd.DataFrame({"estimate": pd.Series(counts, dtype=float)})])
    return out.rename_axis("metric")


def _metrics(rows: np.ndarray, capacity: float) -> pd.Series:
    rows = rows[np.argsort(-rows[:, 0], kind="stable")]
    y, treated = rows[:, 1], rows[:, 2] > 0
    saved = _saved(y, treated)
    first = slice(0, max(1, round(capacity * len(y))))
    return pd.Series(
        {
            "qini": np.mean(saved) - saved[-1] / 2,
            "auuc": np.mean(saved),
            "saved_at_capacity": _effect(y[first], treated[first]) * len(y[first]) / len(y),
            "effect": _effect(y, treated),
        }
    )


def _effect(y: np.ndarray, treated: np.ndarray) -> float:
    if not treated.any() or treated.all():
        return 0.0
    return float(y[~treated].mean() - y[treated].mean())
