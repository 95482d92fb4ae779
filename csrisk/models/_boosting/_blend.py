"""Kinds of trees, and the share of each that rows not seen in training ask for."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from csrisk._machine import product
from csrisk.models._boosting._calibration import (
    calibrate_ensemble,
    fit_sigmoid,
    probed_rows,
    sigmoid_loss,
    spread_of_members,
)
from csrisk.models._boosting._lightgbm import raw_score, rescaled
from csrisk.models._boosting._members import assign_folds, fold_members

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from csrisk.models._boosting._lightgbm import Booster
    from csrisk.models._rows._canonical import Sample

__all__ = ["BLEND_ROWS", "Ensemble", "kinds_of_trees", "train_ensemble"]

# Above this many rows the kinds agree closely, and one of them costs a quarter of the time.
BLEND_ROWS = 20_000
# shares in quarters: 35 mixtures of four kinds, each of which needs a sigmoid of its own
_STEPS = 4


@dataclass(frozen=True)
class Ensemble:
    """Members with calibration and shares in their leaves."""

    boosters: tuple[Booster, ...]
    calibration: tuple[float, float]
    shares: dict[str, float]


def kinds_of_trees(params: Mapping[str, Any], *, several: bool) -> dict[str, dict[str, Any]]:
    """LightGBM parameters of each kind of trees."""
    plain = dict(params)
    if not several:
        return {"plain": plain}
    # small leaves catch sharp rules; cuts drawn at random vary less; trees of depth 2 are nearly additive
    small_leaves = {**plain, "min_data_in_leaf": 3, "path_smooth": 1.0}
    return {
        "plain": plain,
        "fine": small_leaves,
        "random_cuts": {**small_leaves, "extra_trees": True},
        # depth 2 has 4 leaves; fewer that were asked for stay fewer
        "shallow": {**plain, "num_leaves": min(4, int(plain["num_leaves"])), "max_depth": 2},
    }


def train_ensemble(
    sample: Sample, n_folds: int, kinds: Mapping[str, Mapping[str, Any]], categorical: list[int], n_jobs: int | None
) -> Ensemble:
    """Train the members of each kind, choose shares, train the chosen kinds over other folds too, and calibrate."""
    seed = int(next(iter(kinds.values()))["seed"])
    fold = assign_folds(sample, n_folds, seed)
    first = fold_members(sample, fold, list(kinds.values()), categorical, n_jobs)
    shares = choose_shares(np.column_stack([margin for _, margin in first]), sample)
    # a kind without a share is not trained a second time
    used = np.flatnonzero(shares)
    rounds = [[first[kind] for kind in used]]
    if len(kinds) > 1:
        # the same folds again would train the same accounts together, so others are dealt
        others = assign_folds(sample, n_folds, seed + 1)
        again = [{**list(kinds.values())[kind], "seed": seed + 1} for kind in used]
        rounds.append(fold_members(sample, others, again, categorical, n_jobs))
    margins = np.array(
        [sum(shares[kind] * margin for kind, (_, margin) in zip(used, one, strict=True)) for one in rounds]
    )
    if len(rounds) > 1:
        # two rounds are two draws: half of their squared difference is the variance of one
        noise = float(np.average((margins[0] - margins[1]) ** 2, weights=sample.weight)) / 2
    else:
        noise = _spread_of_members(first[0][0], fold, sample)
    slope, intercept = calibrate_ensemble(margins, n_folds * len(rounds), sample, noise)
    # the ensemble is the plain mean of its boosters, so the share of a kind goes into its leaves, times their number
    weight = slope * shares[used] * len(used)
    boosters = tuple(
        rescaled(member, weight[number], intercept)
        for one in rounds
        for number, (members, _) in enumerate(one)
        for member in members
    )
    return Ensemble(boosters, (slope, intercept), dict(zip(kinds, shares.tolist(), strict=True)))


def _spread_of_members(members: Sequence[Booster], fold: np.ndarray, sample: Sample) -> float:
    rows = probed_rows(len(sample))
    margins = np.column_stack([raw_score(member, sample.matrix[rows]) for member in members])
    return spread_of_members(margins, fold[rows], sample.weight[rows])


def choose_shares(margins: np.ndarray, sample: Sample) -> np.ndarray:
    """Choose the shares, in quarters, that give the smallest log-loss of the calibrated out-of-fold margins."""
    n_kinds = margins.shape[1]
    quarters = [steps for steps in itertools.product(range(_STEPS + 1), repeat=n_kinds) if sum(steps) == _STEPS]
    # the plain kind alone comes first, and so wins ties below
    candidates = np.asarray(sorted(quarters, reverse=True), dtype=np.float64) / _STEPS
    if len(candidates) == 1:
        return np.asarray(candidates[0])
    losses = []
    for shares in candidates:
        # no BLAS: its last bits depend on the processor, and a near tie would then choose other shares
        margin = product(margins, shares)
        losses.append(sigmoid_loss(fit_sigmoid(margin, sample.target, sample.weight), margin, sample))
    return np.asarray(candidates[int(np.argmin(losses))])
