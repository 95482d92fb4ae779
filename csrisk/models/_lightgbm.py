"""The one door to LightGBM: every number of threads is stated, and a forked process waits for no thread of its parent.

No other module imports LightGBM; a rule of the linter and a test see to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from csrisk.models._threads import predict_threads, restrain

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

    restrain()
    return lightgbm


def dataset(
    data: Any, target: np.ndarray, weight: np.ndarray, categorical: list[int], params: Mapping[str, Any]
) -> Dataset:
    """Bin rows for training; `params` states the number of threads, as everywhere here, and it is 1 without.

    Parameters
    ----------
    data : ndarray or list of sequences
        Encoded features.
    target, weight : ndarray
        Outcomes and weights.
    categorical : list of int
        Positions of categorical columns.
    params : mapping
        LightGBM parameters.

    Returns
    -------
    lightgbm.Dataset
        Constructed.
    """
    made = _library().Dataset(
        data, target, weight=weight, categorical_feature=categorical, params=_stated(params), free_raw_data=True
    )
    return made.construct()  # type: ignore[no-any-return]


def train(
    params: Mapping[str, Any], data: Dataset, n_rounds: int, held_out: Dataset | None = None, patience: int = 0
) -> Booster:
    """Train a booster, stopped early where rows are held out, and cut at its best round.

    Parameters
    ----------
    params : mapping
        LightGBM parameters.
    data : lightgbm.Dataset
        Rows to learn from.
    n_rounds : int
        Most rounds.
    held_out : lightgbm.Dataset, optional
        Rows that say when to stop.
    patience : int
        Rounds without a gain there before training stops.

    Returns
    -------
    lightgbm.Booster
    """
    library = _library()
    if held_out is None:
        return library.train(_stated(params), data, num_boost_round=n_rounds)  # type: ignore[no-any-return]
    stop = [library.early_stopping(patience, verbose=False)]
    booster = library.train(_stated(params), data, num_boost_round=n_rounds, valid_sets=[held_out], callbacks=stop)
    return from_text(as_text(booster, max(booster.best_iteration, 1)))


def raw_score(booster: Booster, matrix: np.ndarray, n_jobs: int | None = None) -> np.ndarray:
    """Predict the raw score of each row; the result does not depend on the threads.

    Parameters
    ----------
    booster : lightgbm.Booster
        Booster.
    matrix : ndarray
        Encoded features; may have no rows, which LightGBM itself refuses.
    n_jobs : int, optional
        Threads; None is 1.

    Returns
    -------
    ndarray of float64
    """
    if not len(matrix):
        return np.empty(0)
    _library()
    return np.asarray(booster.predict(matrix, raw_score=True, num_threads=predict_threads(n_jobs)), dtype=np.float64)


def predicted(model: Any, frame: Any) -> np.ndarray:
    """Predict with a booster or an estimator of LightGBM itself: the second class, or the number.

    Parameters
    ----------
    model : lightgbm.Booster or estimator
        Model.
    frame : pandas.DataFrame
        Features as the model wants them.

    Returns
    -------
    ndarray of float64
    """
    _library()
    predict = getattr(model, "predict_proba", model.predict)
    found = np.asarray(predict(frame, num_threads=1), dtype=np.float64)
    return found[:, -1] if found.ndim == 2 else found


def as_text(booster: Booster, n_rounds: int | None = None) -> str:
    """Write a booster as text, up to its best round or a given one.

    Parameters
    ----------
    booster : lightgbm.Booster
        Booster.
    n_rounds : int, optional
        Rounds to write.

    Returns
    -------
    str
    """
    _library()
    return booster.model_to_string(num_iteration=n_rounds, importance_type="split")


def from_text(text: str) -> Booster:
    """Read a booster from its text.

    Parameters
    ----------
    text : str
        What `as_text` gave; text of others goes through the grammar of trees first.

    Returns
    -------
    lightgbm.Booster
    """
    return _library().Booster(model_str=text)  # type: ignore[no-any-return]


def described(booster: Booster, n_rounds: int | None = None) -> dict[str, Any]:
    """Describe a booster as LightGBM's nested dict.

    Parameters
    ----------
    booster : lightgbm.Booster
        Booster.
    n_rounds : int, optional
        Rounds to tell of.

    Returns
    -------
    dict
    """
    _library()
    return booster.dump_model(num_iteration=n_rounds)


def rescaled(booster: Booster, scale: float, shift: float) -> Booster:
    """Scale and shift the margin of a booster by changing its leaves.

    Parameters
    ----------
    booster : lightgbm.Booster
        Booster with at least one tree.
    scale, shift : float
        New margin = scale * margin + shift.

    Returns
    -------
    lightgbm.Booster
    """
    changed = from_text(as_text(booster))
    for number, tree in enumerate(described(changed)["tree_info"]):
        added = shift if number == 0 else 0.0
        for leaf in range(tree["num_leaves"]):
            changed.set_leaf_output(number, leaf, scale * changed.get_leaf_output(number, leaf) + added)
    return from_text(as_text(changed))


def classifier(**params: Any) -> Any:
    """Make a quiet, single-threaded scikit-learn classifier of LightGBM."""
    return _library().LGBMClassifier(**{**params, **_QUIET})


def regressor(**params: Any) -> Any:
    """Make a quiet, single-threaded scikit-learn regressor of LightGBM."""
    return _library().LGBMRegressor(**{**params, **_QUIET})


def rows_in_batches(length: int, size: int, take: Any) -> Any:
    """Make a sequence from which LightGBM bins rows that are never all in memory.

    Parameters
    ----------
    length, size : int
        Number of rows, and how many are asked for at once.
    take : callable
        From an array of positions to the rows.

    Returns
    -------
    lightgbm.Sequence
    """

    class Rows(_library().Sequence):  # type: ignore[misc]  # only known when LightGBM is loaded
        """Rows by position."""

        batch_size = size

        def __len__(self) -> int:
            return length

        def __getitem__(self, wanted: Any) -> np.ndarray:
            if isinstance(wanted, slice):
                return np.asarray(take(np.arange(*wanted.indices(length))))
            taken = np.asarray(take(np.atleast_1d(np.asarray(wanted))))
            return taken[0] if np.isscalar(wanted) else taken

    return Rows()


def _stated(params: Mapping[str, Any]) -> dict[str, Any]:
    return {"num_threads": 1, **params}
