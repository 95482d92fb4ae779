"""Training on a Parquet file of features that does not fit into memory, row group by row group."""

from __future__ import annotations

import logging
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
from sklearn.utils.validation import validate_data

from csrisk._params import check_params
from csrisk.exceptions import NotEnoughDataError
from csrisk.models._boosting._calibration import calibrate_ensemble, probed_rows, spread_of_members
from csrisk.models._boosting._lightgbm import dataset, raw_score, rescaled, rows_in_batches
from csrisk.models._boosting._members import all_params, assign_folds, train_member
from csrisk.models._rows._canonical import Sample
from csrisk.models._rows._encoder import ColumnEncoder, encode_frame, learn_columns
from csrisk.models._rows._event import require_event
from csrisk.models._rows._sample import read_target

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping

    from csrisk.models._boosting._lightgbm import Booster, Dataset
    from csrisk.models._classifier import RiskClassifier

__all__ = ["fit_parquet"]

_KEYS = ("account_id", "as_of")
_logger = logging.getLogger("csrisk.models")
AnyModel = TypeVar("AnyModel", bound="RiskClassifier")


def fit_parquet(model: AnyModel, path: str | os.PathLike[str], y: pd.Series) -> AnyModel:
    """Fit a model to features in a Parquet file, reading one row group at a time.

    LightGBM keeps one byte for each value, where a frame takes eight and its encoded copies as much again. What is kept
    in memory beside it is one row group, the labels and the keys.

    Parameters
    ----------
    model : ChurnModel or ExpansionModel
        Not fitted; with ``blend`` "auto" or False, as the kinds of trees agree closely on many rows.
    path : path
        What ``build_features(..., out=path)`` wrote.
    y : pandas.Series
        Labels on the index (account_id, as_of), in the order of the file; missing ones are left out.

    Returns
    -------
    ChurnModel or ExpansionModel
        The model, fitted.

    Raises
    ------
    ValueError
        If the keys of labels and file differ, ``blend=True``, or what ``fit`` refuses.
    NotEnoughDataError
        If fewer accounts than ``min_events`` have an event, or are without one.

    Notes
    -----
    Rows keep the order of the file, where ``fit`` puts them into an order of their content: the trees of both differ as
    those of two seeds do. The same file and labels give the same model, bit for bit.

    Examples
    --------
    >>> import tempfile
    >>> import csrisk as cr
    >>> from csrisk.features import Relationship
    >>> from csrisk.scale import fit_parquet
    >>> data = cr.load_demo()
    >>> past = cr.Snapshots.every(data, "QS", horizon="90D")
    >>> path = cr.build_features(data, past, [Relationship()], out=tempfile.mkdtemp() + "/features.parquet")
    >>> fit_parquet(cr.ChurnModel(n_members=2), path, cr.label_churn(data, past)).n_features_in_
    11
    """
    check_params(model.get_params(deep=False))
    if model.blend is True:
        raise ValueError("blend=True: kinds of trees are chosen in memory; use blend='auto' or False, or model.fit")
    labels, labelled = read_target(y, None)
    source = _Rows(path, labelled, y.index)
    model.classes_, target = np.unique(labels, return_inverse=True)
    if len(model.classes_) < 2:
        raise NotEnoughDataError(f"y holds one class in {len(labels)} labelled rows; a classifier needs two classes")
    require_event(model.classes_, source.frame(0))
    model.columns_ = source.columns
    # feature names and counts as scikit-learn sets them
    validate_data(model, source.frame(0).iloc[:1], skip_check_array=True)
    n = len(target)
    # folds and calibration need no features, which stay in the file
    sample = Sample(np.empty((n, 0)), target.astype(np.float64), np.ones(n), source.groups)
    model._require_events(sample, is_book=True)
    model.n_events_, model.n_unlabelled_ = sample.n_accounts_with(1), int((~labelled).sum())
    model.linear_ = None
    folds = min(model.n_members, sample.n_accounts_with(1), sample.n_accounts_with(0))
    if folds < 2:
        raise ValueError(f"n_members={model.n_members}: two folds of accounts with both outcomes are needed")
    model.boosters_, model.calibration_ = _train(source, sample, folds, model._member_params())
    model.shares_ = {"plain": 1.0}
    return model


def _train(
    source: _Rows, sample: Sample, n_folds: int, params: Mapping[str, Any]
) -> tuple[tuple[Booster, ...], tuple[float, float]]:
    fold = assign_folds(sample, n_folds, int(params["seed"]))
    every = all_params(params, len(sample) * (n_folds - 1) // n_folds)
    full = _dataset(source, sample, every)
    members = [train_member(full, fold != one, fold == one, every) for one in range(n_folds)]
    margin, probed = np.empty(len(sample)), probed_rows(len(sample))
    apart = np.empty((len(probed), n_folds))
    start = 0
    # one pass for all members, so that each row group is read and encoded once
    for matrix in source.matrices():
        rows = slice(start, start + len(matrix))
        here = slice(*np.searchsorted(probed, [rows.start, rows.stop]))
        for one, member in enumerate(members):
            # a slice is a view, so this writes into the margins themselves
            margin[rows][fold[rows] == one] = raw_score(member, matrix[fold[rows] == one])
            apart[here, one] = raw_score(member, matrix[probed[here] - start])
        start += len(matrix)
    noise = spread_of_members(apart, fold[probed], sample.weight[probed])
    slope, intercept = calibrate_ensemble(margin[np.newaxis], n_folds, sample, noise)
    return tuple(rescaled(member, slope, intercept) for member in members), (slope, intercept)


def _dataset(source: _Rows, sample: Sample, params: dict[str, Any]) -> Dataset:
    categorical = [place for place, column in enumerate(source.columns) if column.kind == "category"]
    return dataset(source.sequences(), sample.target, sample.weight, categorical, params)


class _Rows:
    """Labelled rows of a Parquet file, one row group at a time."""

    def __init__(self, path: str | os.PathLike[str], labelled: np.ndarray, index: pd.Index) -> None:
        import pyarrow.parquet as pq

        self._file = pq.ParquetFile(Path(path))
        names = self._file.schema_arrow.names
        missing = [key for key in _KEYS if key not in names]
        if missing:
            raise ValueError(f"{Path(path).name}: columns {missing} are missing; write it with build_features(out=...)")
        self._names = [name for name in names if name not in _KEYS]
        sizes = [self._file.metadata.row_group(i).num_rows for i in range(self._file.num_row_groups)]
        self._starts = np.concatenate([[0], np.cumsum(sizes)])
        if len(labelled) != self._starts[-1]:
            raise ValueError(f"y has {len(labelled)} rows, {Path(path).name} has {self._starts[-1]}; give one for each")
        self._labelled = labelled
        self.groups = self._read_groups(index)[labelled]

    @property
    def n_groups(self) -> int:
        """Number of row groups."""
        return len(self._starts) - 1

    @cached_property
    def columns(self) -> tuple[ColumnEncoder, ...]:
        """How each column is encoded, learned from all row groups."""
        # a category may occur in one row group alone, and its code must be the same in each
        parts = [learn_columns(self.frame(i)) for i in range(self.n_groups)]
        return tuple(_merged(each) for each in zip(*parts, strict=True))

    def frame(self, group: int) -> pd.DataFrame:
        """Labelled rows of one row group."""
        frame = self._file.read_row_group(group, columns=self._names).to_pandas(ignore_metadata=True)
        rows: pd.DataFrame = frame.loc[self._labelled[self._starts[group] : self._starts[group + 1]], self._names]
        return rows

    def matrix(self, group: int) -> np.ndarray:
        """Encode the labelled rows of one row group."""
        return encode_frame(self.columns, self.frame(group))

    def matrices(self) -> Iterator[np.ndarray]:
        """Encode row group after row group."""
        return (self.matrix(group) for group in range(self.n_groups))

    def sequences(self) -> list[Any]:
        """One sequence for LightGBM over all row groups."""
        # LightGBM counts labelled rows alone, so the ends are not those of the row groups
        ends = np.cumsum([int(self._labelled[a:b].sum()) for a, b in zip(self._starts, self._starts[1:], strict=False)])
        kept: dict[int, np.ndarray] = {}

        def take(wanted: np.ndarray) -> np.ndarray:
            found = np.empty((len(wanted), len(self.columns)))
            # row number ends[i] is the first one of the next group
            where = np.searchsorted(ends, wanted, side="right")
            for group in np.unique(where).tolist():
                # LightGBM asks for rows in order, so the row group read last is enough
                if group not in kept:
                    kept.clear()
                    kept[group] = self.matrix(group)
                first = 0 if group == 0 else ends[group - 1]
                found[where == group] = kept[group][wanted[where == group] - first]
            return found

        return [rows_in_batches(int(ends[-1]), max(1, int(np.diff(ends, prepend=0).max())), take)]

    def _read_groups(self, index: pd.Index) -> np.ndarray:
        """Codes of the accounts, after the keys of file and labels were compared."""
        if list(index.names) != list(_KEYS):
            raise ValueError("y: its index must have the levels account_id and as_of")
        ids, dates = (index.get_level_values(key) for key in _KEYS)
        for group in range(self.n_groups):
            rows = slice(self._starts[group], self._starts[group + 1])
            # the metadata of pandas would make an index of the keys again
            keys = self._file.read_row_group(group, columns=list(_KEYS)).to_pandas(ignore_metadata=True)
            same = (keys["account_id"].to_numpy() == ids[rows].to_numpy()).all()
            same &= (pd.to_datetime(keys["as_of"]).to_numpy() == dates[rows].to_numpy()).all()
            if not same:
                raise ValueError("y: its index is not that of the file, row by row; align it with the snapshots")
        return np.asarray(pd.factorize(ids, sort=True)[0])


def _merged(parts: tuple[ColumnEncoder, ...]) -> ColumnEncoder:
    """One encoder for a column that was learned part by part."""
    # a row group without a value says nothing of the kind
    kinds = {part.kind for part in parts} - {"empty"}
    name = parts[0].name
    if len(kinds) > 1:
        raise ValueError(f"column {name!r}: holds numbers in some row groups and categories in others")
    if not kinds:
        return ColumnEncoder(name, "empty")
    values = {value for part in parts for value in part.categories}
    # by type first: 1 and 'a' cannot be compared
    ordered = sorted(values, key=lambda value: (type(value).__name__, value))
    return ColumnEncoder(name, kinds.pop(), tuple(ordered))
