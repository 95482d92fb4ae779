"""Checks of change between the rows that a model learned from and those that it meets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import chi2

from csrisk._machine import product, solve_two
from csrisk._params import check_seed, check_whole
from csrisk._text import number, percent
from csrisk.checks._association import MIN_EVENTS, Array, Auc, account_codes, clustered_auc, is_number
from csrisk.checks._check import Check, Rule
from csrisk.models._boosting import classifier

__all__ = ["check_base_rate", "check_calibration", "check_drift", "check_drift_classifier"]

Z = 2.576  # two-sided 99 percent
_BINS = 10
_MIN_ROWS = 50
_MOST_PERMUTATIONS = 100_000
_MARGIN = 1.5

RATE = Rule(
    "CSR007",
    "Shift of the base rate",
    "interval clustered by account (99 percent); a quarter more or less is a convention",
    "train on later snapshots, or recalibrate; probabilities follow the old rate until then",
)
DRIFT = Rule(
    "CSR009",
    "Drift of features",
    "0.1 is the convention for PSI; chance by permutation of accounts, largest feature (Westfall and Young 1993)",
    "look at the features named: a changed source, or a changed book; retrain if the change is real",
)
CLASSIFIER = Rule(
    "CSR010",
    "Drift seen by a classifier",
    "classifier two-sample test (Lopez-Paz and Oquab 2017), out of fold; .7 is a convention",
    "look at the features that tell the periods apart; retrain if the change is real",
)
CALIBRATION = Rule(
    "CSR011",
    "Calibration out of time",
    "Van Calster et al. 2019: slope 1 and mean risk equal to the rate; joint Wald test at 1 percent, clustered",
    "retrain or recalibrate on later snapshots; until then trust the order of accounts, not the percentages",
)


def check_drift(
    train: pd.DataFrame,
    new: pd.DataFrame,
    *,
    limit: float = 0.1,
    n_permutations: int = 100,
    random_state: int = 0,
) -> Check:
    """Compare the distribution of each feature by the population stability index (PSI).

    The latest training date is compared with the new snapshots, one of each account. A feature fails if its PSI lies
    above `limit`, above what chance makes of the largest PSI of all features when accounts are shuffled between the
    sides, and above one and a half times what is usual: a book that ages is no alarm.

    Usual is what a feature drifted at most between three pairs of training dates as far apart as the two sides are, or
    half of the training period at most. Where the sides are further apart than that, and the feature drifted in each of
    these pairs by more than chance, it is expected to go on: the PSI of a steady shift grows with the square of the
    time.

    Parameters
    ----------
    train, new : pandas.DataFrame
        Features that the model learned from, and those that it meets.
    limit : float
        Smallest PSI that counts.
    n_permutations : int
        Shuffles; 100 give a threshold at 1 percent.
    random_state : int
        Seed.

    Returns
    -------
    Check

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from csrisk.checks import check_drift
    >>> chance = np.random.default_rng(0)
    >>> calm, moved = (pd.DataFrame({"logins": chance.normal(shift, size=300)}) for shift in (0, 1))
    >>> check_drift(calm, moved).status
    'failed'
    """
    check_whole("n_permutations", n_permutations, 1, _MOST_PERMUTATIONS)
    check_seed(random_state)
    rng = np.random.default_rng(random_state)
    names = [name for name in new.columns if name in train.columns]
    ((old, fresh), *ordinary), stretch = _pairs(_sorted(train[names]), _sorted(new[names]), rng)
    sizes = (len(old), len(fresh))
    if min(sizes) < _MIN_ROWS or not names:
        return DRIFT.not_applicable(f"{sizes[0]} and {sizes[1]} accounts; {_MIN_ROWS} on both sides are needed")
    # one row of each account on a side: to shuffle rows is to shuffle accounts
    cells, side = _all_cells(old, fresh)
    index = _psi(cells, side)
    chance = np.array([_psi(cells, rng.permutation(side)) for _ in range(n_permutations)])
    # of the largest of all features, so that many raise no more alarms; chance passes the highest of 100 once in 101
    floor = max(limit, float(np.quantile(chance.max(axis=1), 0.99, method="higher")))
    usual = _usual([_psi(*_all_cells(*pair)) for pair in ordinary], np.quantile(chance, 0.99, axis=0), stretch)
    excess = index - np.maximum(floor, _MARGIN * usual)
    drifted = [names[place] for place in np.argsort(-index, kind="stable") if excess[place] > 0]
    worst = int(excess.argmax())
    measure = (
        f"{len(drifted)} of {len(names)} features drift; the furthest is {names[worst]} with PSI "
        f"{number(index[worst], 2)}, "
        f"where {len(ordinary)} pairs of training dates let expect {number(usual[worst], 2)} at most"
    )
    return DRIFT.judge(bool(drifted), measure, f"{number(floor, 2)} and {number(_MARGIN)} times the usual", drifted)


def check_drift_classifier(
    train: pd.DataFrame, new: pd.DataFrame, *, limit: float = 0.7, random_state: int = 0
) -> Check:
    """Let a classifier tell old rows from new ones, out of fold.

    Sees drift in how features go together, which PSI cannot. The sides are those of `check_drift`, and so is the
    comparison with training dates as far apart.

    Parameters
    ----------
    train, new : pandas.DataFrame
        Features that the model learned from, and those that it meets.
    limit : float
        Fails if the lower bound of the AUC lies above it and above what training dates reach among themselves.
    random_state : int
        Seed.

    Returns
    -------
    Check

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.checks import check_drift_classifier
    >>> before, now = pd.DataFrame({"logins": range(200)}), pd.DataFrame({"logins": range(400, 600)})
    >>> check_drift_classifier(before, now).status
    'failed'
    """
    check_seed(random_state)
    rng = np.random.default_rng(random_state)
    names = [name for name in new.columns if name in train.columns]
    ((old, fresh), *ordinary), _ = _pairs(_sorted(train[names]), _sorted(new[names]), rng)
    sizes = (len(old), len(fresh))
    if min(sizes) < _MIN_ROWS or not names:
        return CLASSIFIER.not_applicable(f"{sizes[0]} and {sizes[1]} accounts; {_MIN_ROWS} on both sides are needed")
    auc = _told_apart(old, fresh, random_state)
    usual = max((_told_apart(*pair, random_state).value for pair in ordinary), default=0.5)
    measure = (
        f"AUC {number(auc.value, 2)}, at least {number(auc.low(Z), 2)}, of telling old rows from new ones; "
        f"at most {number(usual, 2)} between {len(ordinary)} pairs of training dates"
    )
    return CLASSIFIER.judge(auc.low(Z) > max(limit, usual), measure, f"{number(limit)} and the usual")


def check_base_rate(train: pd.Series, test: pd.Series, *, limit: float = 1.25) -> Check:
    """Compare the share of events in two periods.

    Parameters
    ----------
    train, test : pandas.Series
        Outcomes; missing ones are left out.
    limit : float
        Fails if the ratio of the rates lies above it or below its inverse, and its interval does not hold 1.

    Returns
    -------
    Check

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.checks import check_base_rate
    >>> check_base_rate(pd.Series([0, 1] * 50), pd.Series([0, 0, 0, 1] * 25)).status
    'failed'
    """
    sides = [_rate(y) for y in (train, test)]
    if min(events for _, _, events in sides) < MIN_EVENTS:
        return RATE.not_applicable(f"fewer than {MIN_EVENTS} accounts with the outcome on one side")
    (old, old_error, _), (new, new_error, _) = sides
    ratio = new / old
    # relative errors of both rates make the error of the logarithm of their ratio
    error = float(np.hypot(old_error / old, new_error / new))
    failed = abs(np.log(ratio)) > max(np.log(limit), Z * error)
    measure = f"{percent(old)} then, {percent(new)} later, ratio {number(ratio, 2)}"
    return RATE.judge(bool(failed), measure, f"between {number(1 / limit, 2)} and {number(limit)}, or within chance")


def check_calibration(y: pd.Series, risk: Any, *, limit: float = 1.25) -> Check:
    """Compare predicted risks with later outcomes.

    Fails if slope and level together are further from 1 and 0 than chance explains, and the slope or the ratio of
    rate to mean risk lies above `limit` or below its inverse.

    Parameters
    ----------
    y : pandas.Series
        Outcomes of snapshots later than those learned from; missing ones are left out.
    risk : array-like
        Probabilities for the same rows.
    limit : float
        Largest slope and largest ratio.

    Returns
    -------
    Check

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.checks import check_calibration
    >>> check_calibration(pd.Series([0, 1] * 50), [0.5] * 100).status
    'passed'
    """
    known = y.notna().to_numpy()
    values = np.asarray(risk, dtype=np.float64)
    if values.shape != known.shape:
        raise ValueError(f"risk: {len(values)} values for {len(known)} outcomes; one for each row is needed")
    if np.isnan(values[known]).any():
        missing = int(np.isnan(values[known]).sum())
        raise ValueError(f"risk: {missing} of {int(known.sum())} rows with an outcome have none; predict them first")
    event, inside = y[known].to_numpy(dtype=bool), np.clip(values[known], 1e-6, 1 - 1e-6)
    account = account_codes(y[known].to_frame())
    if min(len(np.unique(account[event])), len(np.unique(account[~event]))) < 2 * MIN_EVENTS:
        return CALIBRATION.not_applicable(f"fewer than {2 * MIN_EVENTS} accounts with and without the outcome")
    margin = logit(inside)
    slope, p_value = _calibration_line(margin, event, account)
    ratio = float(event.mean() / inside.mean())
    # a slope of 0 or less has no logarithm, and is off in any case
    off = max(abs(np.log(max(slope, 1e-3))), abs(np.log(ratio))) > np.log(limit)
    measure = f"slope {number(slope, 2)}, rate over mean risk {number(ratio, 2)}, p = {number(p_value, 3)}"
    return CALIBRATION.judge(
        bool(off and p_value < 0.01), measure, f"between {number(1 / limit, 2)} and {number(limit)}, or p >= 0.01"
    )


def _calibration_line(margin: Array, event: Array, account: Array) -> tuple[float, float]:
    """Slope of the outcome on the margin, and the p-value of slope 1 and intercept 0 together."""
    design = np.column_stack([np.ones(len(margin)), margin])
    weights = np.array([0.0, 1.0])
    for _ in range(50):
        p = expit(product(design, weights))
        # one risk for all leaves the slope free: the tiny ridge keeps the two equations solvable
        hessian = product(design.T, design * (p * (1 - p))[:, None]) + 1e-9 * np.eye(2)
        step = solve_two(hessian, product(design.T, event - p))
        weights = weights + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-9:
            break
    # under the null the scores at (0, 1) have mean 0: their clustered spread is the yardstick
    residual = event - expit(margin)
    scores = np.column_stack([np.bincount(account, weights=residual * column) for column in design.T])
    total = scores.sum(axis=0)
    # pinv: with one risk for all the scores have one direction alone
    statistic = float(product(total, product(np.linalg.pinv(product(scores.T, scores)), total)))
    return float(weights[1]), float(chi2.sf(statistic, 2))


def _rate(y: pd.Series) -> tuple[float, float, int]:
    """Share of events, its error clustered by account, and accounts with an event."""
    known = y[y.notna()].astype(float)
    account = account_codes(known.to_frame())
    value = float(known.mean())
    # deviations of an account are summed before they are squared: its snapshots go together
    sums = np.bincount(account, weights=known.to_numpy() - value)
    return value, float(np.sqrt((sums**2).sum()) / max(len(known), 1)), len(np.unique(account[known.to_numpy() > 0]))


def _usual(ordinary: list[Array], by_chance: Array, stretch: float) -> Array:
    """PSI that training dates let expect of two sides `stretch` times as far apart."""
    if not ordinary:
        return np.zeros(len(by_chance))
    least = np.min(ordinary, axis=0)
    # what drifted in each pair beyond chance goes on: the PSI of a steady shift grows with the square of the time
    steady = np.where(least > by_chance, least, 0.0)
    return np.asarray(np.maximum(np.max(ordinary, axis=0), stretch**2 * steady))


def _pairs(
    train: pd.DataFrame, new: pd.DataFrame, rng: np.random.Generator
) -> tuple[list[tuple[pd.DataFrame, pd.DataFrame]], float]:
    """Give the latest training date and the new rows, training dates about as far apart, and how much further it is."""
    fresh = _one_each(new, rng)
    if "as_of" not in train.index.names or "as_of" not in new.index.names:
        return [(_one_each(train, rng), fresh)], 1.0
    dates = train.index.get_level_values("as_of")
    known = np.sort(dates.unique())
    # new rows may be of several dates: the middle one stands for them
    whole = np.sort(fresh.index.get_level_values("as_of"))[len(fresh) // 2] - known[-1]
    # where the training period is shorter than the gap, its longest distances have to do
    gap = min(whole, known[-1] - known[len(known) // 2])
    starts = [date for date in known if date + gap <= known[-1] and len(known) > 1 and gap > np.timedelta64(0, "D")]
    # a set, as first, middle and last are the same where dates are few
    chosen = [starts[place] for place in sorted({0, len(starts) // 2, len(starts) - 1})] if starts else []
    # of one date, and so one row of each account
    found = [(train[dates == known[-1]], fresh)]
    for date in chosen:
        later = known[known >= date + gap][0]
        pair = train[dates == date], train[dates == later]
        if min(len(side) for side in pair) >= _MIN_ROWS:
            found.append(pair)
    return found, max(1.0, whole / gap) if starts else 1.0


def _sorted(X: pd.DataFrame) -> pd.DataFrame:
    # draws pick rows by place: the order in which they come must not change them
    return X.sort_index() if isinstance(X.index, pd.MultiIndex) else X


def _told_apart(old: pd.DataFrame, fresh: pd.DataFrame, seed: int) -> Auc:
    """Area under the curve of a classifier that tells the sides apart, out of fold by account."""
    from sklearn.model_selection import GroupKFold, cross_val_predict

    both = pd.concat([old, fresh])
    columns = (both[name] if is_number(both[name]) else pd.Series(pd.factorize(both[name])[0]) for name in both.columns)
    matrix = np.column_stack([column.to_numpy(dtype=np.float64, na_value=np.nan) for column in columns])
    side = np.repeat([False, True], [len(old), len(fresh)])
    account = account_codes(both)
    # small and shallow: it has to see a difference, not to win by it
    model = classifier(n_estimators=50, num_leaves=8, min_child_samples=20, random_state=seed)
    folds = list(GroupKFold(5).split(matrix, side, account))
    score = cross_val_predict(model, matrix, side, cv=folds, method="predict_proba")[:, 1]
    return clustered_auc(score, side, account, int(account.max()) + 1)


def _one_each(X: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """One row of each account, by chance."""
    account = pd.Series(account_codes(X))
    order = rng.permutation(len(X))
    return X.iloc[np.sort(account.iloc[order].drop_duplicates().index.to_numpy())]


def _all_cells(old: pd.DataFrame, fresh: pd.DataFrame) -> tuple[Array, Array]:
    """Bins of all features, and the side of each row."""
    both = pd.concat([old, fresh], ignore_index=True)
    return np.column_stack([_cells(both[name]) for name in both.columns]), np.repeat(
        [False, True], [len(old), len(fresh)]
    )


def _cells(column: pd.Series) -> Array:
    """Bin of each row: tenths of the pooled values, categories as they are, missing in a bin of its own."""
    if not is_number(column):
        codes = pd.factorize(column)[0]
        # rare ones share a bin: shares of few rows are chance
        common = np.argsort(-np.bincount(codes[codes >= 0], minlength=1), kind="stable")[: _BINS - 1]
        # one place more than codes: the -1 of missing values reads the last, and gets its bin below
        place = np.full(codes.max(initial=0) + 2, _BINS - 1)
        place[common] = np.arange(len(common))
        return np.where(codes < 0, _BINS, place[codes])
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    there = ~np.isnan(values)
    if not there.any():
        return np.full(len(values), _BINS)
    # of both sides together: the bins know nothing of the sides, so they hold for every shuffle
    edges = np.unique(np.quantile(values[there], np.arange(1, _BINS) / _BINS))
    return np.where(there, np.searchsorted(edges, values, side="left"), _BINS)


def _psi(cells: Array, side: Array) -> Array:
    """PSI of each column, half a row added to each bin that any row has."""
    n_columns = cells.shape[1]
    # bins of all features in a row: one count for all of them, which is asked for at each shuffle
    flat = cells + np.arange(n_columns) * (_BINS + 1)
    counts = [np.bincount(flat[part].ravel(), minlength=n_columns * (_BINS + 1)) for part in (~side, side)]
    old, new = (count.reshape(n_columns, _BINS + 1).astype(np.float64) for count in counts)
    used = (old + new) > 0
    shares = [(part + 0.5 * used) / (part + 0.5 * used).sum(axis=1, keepdims=True) for part in (old, new)]
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = (shares[1] - shares[0]) * np.log(shares[1] / shares[0])
    return np.asarray(np.where(used, terms, 0.0).sum(axis=1))
