"""The one door to LightGBM: every number of threads is stated, and a forked process waits for no thread of its parent.

No other module imports LightGBM; a rule of the linter and a test see to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from csrisk.models._boosting._threads import predict_threads, restrain

if TYPE_CHECKING:
    from collections.abc import Mapping

    import lightgbm

    Booster = lightgbm.Booster
    Dataset = lightgbm.Dataset

__all__ = [
    "as_text",
    "classifier",
    "dataset",
    "described",
    "from_text",
    "predicted",
    "raw_score",
    "regressor",
    "rescaled",
    "rows_in_batches",
    "train",
]

_QUIET: dict[str, Any] = {"n_jobs": 1, "deterministic": True, "verbose": -1}


def _library() -> Any:
    import lightgbm

    # LightGBM may be loaded after a fork, whose hook in `_threads` then found nothing to hold back
    restrain()
    return lightgbm


def dataset(
    data: Any, target: np.ndarray, weight: np.ndarray, categorical: list[int], params: Mapping[str, Any]
) -> Dataset:
    """Bin rows for training; `params` states the number of threads, as everywhere here, and it is 1 without."""
    made = _library().Dataset(
        data, target, weight=weight, categorical_feature=categorical, params=_stated(params), free_raw_data=True
    )
    # LightGBM would bin lazily otherwise, in whichever thread of the members asks first
    return made.construct()  # type: ignore[no-any-return]


def train(
    params: Mapping[str, Any], data: Dataset, n_rounds: int, held_out: Dataset | None = None, patience: int = 0
) -> Booster:
    """Train a booster, stopped early where rows are held out, and cut at its best round."""
    library = _library()
    if held_out is None:
        return library.train(_stated(params), data, num_boost_round=n_rounds)  # type: ignore[no-any-return]
    stop = [library.early_stopping(patience, verbose=False)]
    booster = library.train(_stated(params), data, num_boost_round=n_rounds, valid_sets=[held_out], callbacks=stop)
    # cut for good, as explanations walk through all trees; 0 rounds would mean all of them
    return from_text(as_text(booster, max(booster.best_iteration, 1)))


def raw_score(booster: Booster, matrix: np.ndarray, n_jobs: int | None = None) -> np.ndarray:
    """Predict the raw score of each row; the result does not depend on the threads."""
    # LightGBM refuses a matrix without rows
    if not len(matrix):
        return np.empty(0)
    _library()
    return np.asarray(booster.predict(matrix, raw_score=True, num_threads=predict_threads(n_jobs)), dtype=np.float64)


def predicted(model: Any, frame: Any) -> np.ndarray:
    """Predict with a booster or an estimator of LightGBM itself: the second class, or the number."""
    _library()
    # a booster has no predict_proba; the predict of a classifier would give labels
    predict = getattr(model, "predict_proba", model.predict)
    found = np.asarray(predict(frame, num_threads=1), dtype=np.float64)
    return found[:, -1] if found.ndim == 2 else found


def as_text(booster: Booster, n_rounds: int | None = None) -> str:
    """Write a booster as text, up to its best round or a given one."""
    _library()
    return booster.model_to_string(num_iteration=n_rounds, importance_type="split")


def from_text(text: str) -> Booster:
    """Read a booster from its text."""
    return _library().Booster(model_str=text)  # type: ignore[no-any-return]


def described(booster: Booster, n_rounds: int | None = None) -> dict[str, Any]:
    """Describe a booster as LightGBM's nested dict."""
    _library()
    return booster.dump_model(num_iteration=n_rounds)


def rescaled(booster: Booster, scale: float, shift: float) -> Booster:
    """Scale and shift the margin of a booster by changing its leaves."""
    # a copy: whoever holds the booster keeps its leaves
    changed = from_text(as_text(booster))
    for number, tree in enumerate(described(changed)["tree_info"]):
        # a margin is the sum over the trees, so one of them carries the shift
        added = shift if number == 0 else 0.0
        for leaf in range(tree["num_leaves"]):
            changed.set_leaf_output(number, leaf, scale * changed.get_leaf_output(number, leaf) + added)
    return from_text(as_text(changed))


def classifier(**params: Any) -> Any:
    """Make a quiet, single-threaded scikit-learn classifier of LightGBM."""
    # the quiet settings come last, so that no caller can ask for more threads
    return _library().LGBMClassifier(**{**params, **_QUIET})


def regressor(**params: Any) -> Any:
    """Make a quiet, single-threaded scikit-learn regressor of LightGBM."""
    return _library().LGBMRegressor(**{**params, **_QUIET})


def rows_in_batches(length: int, size: int, take: Any) -> Any:
    """Make a sequence from which LightGBM bins rows that are never all in memory."""

    class Rows(_library().Sequence):  # type: ignore[misc]  # only known when LightGBM is loaded
        """Rows by position."""

        batch_size = size

        def __len__(self) -> int:
            return length

        # LightGBM samples single rows or lists of them to find its bins, and then reads slices
        def __getitem__(self, wanted: Any) -> np.ndarray:
            if isinstance(wanted, slice):
                return np.asarray(take(np.arange(*wanted.indices(length))))
            taken = np.asarray(take(np.atleast_1d(np.asarray(wanted))))
            return taken[0] if np.isscalar(wanted) else taken

    return Rows()


def _stated(params: Mapping[str, Any]) -> dict[str, Any]:
    # LightGBM takes every core where it is told nothing
    return {"num_threads": 1, **params}
