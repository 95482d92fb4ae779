"""The members of a model: boosted trees, each stopped early on accounts that it has not seen."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import Parallel, delayed

from csrisk.models._boosting._lightgbm import dataset, raw_score, train

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from csrisk.models._boosting._lightgbm import Booster, Dataset
    from csrisk.models._rows._canonical import Sample

__all__ = ["all_params", "assign_folds", "direct_member", "fold_members", "raw_margin", "train_member"]

# Seen good over eleven public sets, never chosen on a set that is reported: see docs/models.
RECIPE: dict[str, Any] = {
    "objective": "binary",
    "metric": "binary_logloss",
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "feature_fraction_bynode": 0.7,
    "path_smooth": 10.0,
    "max_cat_to_onehot": 64,
    "cat_smooth": 30.0,
    "verbosity": -1,
    # one thread for each member: the sums of a histogram then never depend on how rows were shared out
    "num_threads": 1,
    "deterministic": True,
    # else LightGBM times both layouts at the start and takes the faster, which may be another one next time
    "force_row_wise": True,
}
_MONOTONE = {"path_smooth": 0.0, "lambda_l2": 10.0}
MAX_ROUNDS = 2000
PATIENCE = 50
# no account is held out there that could say when to stop
DIRECT_ROUNDS = 50
_MIN_ROWS_OF_LEAF = 10
_logger = logging.getLogger("csrisk.models")


def assign_folds(sample: Sample, n_folds: int, seed: int) -> np.ndarray:
    """Deal accounts to folds, so that each fold gets its share of events and of rows."""
    n_rows = np.bincount(sample.group)
    n_events = np.bincount(sample.group, weights=sample.target)
    shuffle = np.random.default_rng(seed).permutation(len(n_rows))
    # accounts with most events first, then with most rows; chance decides between accounts alike
    dealt = np.lexsort((shuffle, n_rows, n_events))[::-1]
    turn = np.arange(len(dealt))
    forward = turn % n_folds
    # there and back: else the first fold would get the largest account of every turn
    snake = np.where((turn // n_folds) % 2 == 0, forward, n_folds - 1 - forward)
    fold = np.empty(len(dealt), dtype=np.int64)
    fold[dealt] = snake
    return np.asarray(fold[sample.group])


def fold_members(
    sample: Sample, fold: np.ndarray, kinds: Sequence[Mapping[str, Any]], categorical: list[int], n_jobs: int | None
) -> list[tuple[list[Booster], np.ndarray]]:
    """Train one member of each kind for each fold on the other folds, stopped early on its own."""
    folds = np.unique(fold)
    n_train = len(sample) * (len(folds) - 1) // len(folds)
    # rows of a member and not of the sample: the size of leaves follows what a member sees
    every = [all_params(params, n_train) for params in kinds]
    # binned once for all kinds: what bins depend on is the same for each of them
    full = dataset(sample.matrix, sample.target, sample.weight, categorical, every[0])
    # threads share the binned rows, and LightGBM trains outside of Python's lock
    trained = Parallel(n_jobs=n_jobs, prefer="threads")(
        delayed(train_member)(full, fold != one, fold == one, params) for params in every for one in folds
    )
    found = []
    for number in range(len(kinds)):
        members, margin = trained[number * len(folds) : (number + 1) * len(folds)], np.empty(len(sample))
        for one, member in zip(folds, members, strict=True):
            margin[fold == one] = raw_score(member, sample.matrix[fold == one])
        found.append((members, margin))
    return found


def train_member(full: Dataset, inside: np.ndarray, outside: np.ndarray, params: Mapping[str, Any]) -> Booster:
    """Train one member on some rows of a data set, stopped early on others."""
    # LightGBM takes arrays here although it declares lists, which would cost 60 bytes a row
    seen = full.subset(np.flatnonzero(inside))  # type: ignore[arg-type]
    held_out = full.subset(np.flatnonzero(outside))  # type: ignore[arg-type]
    member = train(params, seen, MAX_ROUNDS, held_out, PATIENCE)
    _logger.info("member trained on %d rows: %d rounds", int(inside.sum()), member.current_iteration())
    return member


def direct_member(sample: Sample, params: Mapping[str, Any], categorical: list[int]) -> Booster:
    """Train one member on all rows, where there are too few accounts to hold any out."""
    every = all_params(params, len(sample))
    return train(every, dataset(sample.matrix, sample.target, sample.weight, categorical, every), DIRECT_ROUNDS)


def all_params(params: Mapping[str, Any], n_rows: int) -> dict[str, Any]:
    """Fill the recipe in below the parameters given."""
    # a leaf of 10 rows is right for hundreds of rows; twenty rows could never be split with it
    leaf = max(1, min(_MIN_ROWS_OF_LEAF, n_rows // 20))
    # no filter of features by the size of leaves: kinds with smaller leaves train on the same bins
    every = {**RECIPE, "min_data_in_leaf": leaf, "min_data_in_bin": min(3, leaf), "feature_pre_filter": False, **params}
    # smoothing moves a leaf towards its parent after the bounds were set, and so breaks the directions (LightGBM 4.7)
    return {**every, **_MONOTONE} if params.get("monotone_constraints") else every


def raw_margin(members: tuple[Booster, ...], matrix: np.ndarray, n_jobs: int | None) -> np.ndarray:
    """Average the margins of the members."""
    total = np.zeros(len(matrix))
    for member in members:
        total += raw_score(member, matrix, n_jobs)
    return np.asarray(total / len(members))
