"""From one flat table with a column that says who left to a model, its test, goals and a report."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
from pandas.api import types

from csrisk._explain import explain, propose_goals
from csrisk._labelling import SPEAKS_OF_LEAVING
from csrisk._machine import require_regular
from csrisk.checks import check_single_feature, check_telling_values, checks_frame
from csrisk.data._reading import read_one_table
from csrisk.evaluation import evaluate_folds
from csrisk.exceptions import ConfigError, DataContractError, DataWarning
from csrisk.models import ChurnModel
from csrisk.models._rows import event_of
from csrisk.report import FurtherParts, ModelFacts, write_report

if TYPE_CHECKING:
    from pathlib import Path

    from csrisk._explain import Explanation

__all__ = ["FlatResult", "FlatTable", "read_flat_table", "train_flat_table"]

_SUFFIXES = (".csv", ".csv.gz", ".parquet")
_MOSTLY = 0.95
_FEW = 20  # rows; among fewer any column of text may differ in each by chance


@dataclass(frozen=True)
class FlatTable:
    """Features and outcome of a table without dates."""

    X: pd.DataFrame
    y: pd.Series


@dataclass(frozen=True)
class FlatResult:
    """What was learned from a flat table."""

    model: ChurnModel
    evaluation: pd.DataFrame
    checks: pd.DataFrame
    why: Explanation


def read_flat_table(
    path: Path, target: str, *, event: str | None = None, key: str | None = None, exclude: tuple[str, ...] = ()
) -> FlatTable:
    """Read a table and take its outcome and key apart."""
    frame = _read(path)
    named = [name for name in (target, key, *exclude) if name is not None]
    missing = [name for name in named if name not in frame.columns]
    if missing:
        raise ConfigError(f"{path.name}: no columns {missing} among its {frame.shape[1]}: {list(frame.columns)[:30]}")
    if key is not None:
        n_bad = int(frame[key].isna().sum() + frame[key].duplicated().sum())
        if n_bad:
            raise ConfigError(f"{path.name}: key {key!r} is missing or repeated in {n_bad} of {len(frame)} rows")
        frame = frame.set_index(key)
    labels = frame[target]
    # what nobody knows is not the same as that nothing happened
    frame, labels = frame[labels.notna()], labels.dropna()
    X = frame.drop(columns=[target, *exclude])
    _refuse_ids(X, path.name)
    _say_outcomes(X)
    return FlatTable(X, _event(labels, event))


def train_flat_table(
    table: FlatTable, report: Path | None = None, *, n_folds: int = 5, random_state: int = 0, revenue: str | None = None
) -> FlatResult:
    """Test a model on folds, fit it to all rows, explain them by goal, and write a report."""
    X, y = table.X, table.y
    if revenue is not None and revenue not in X.columns:
        raise ConfigError(f"revenue={revenue!r}: no such column among {list(X.columns)[:30]}")
    model = ChurnModel(random_state=random_state)
    evaluation = evaluate_folds(model, X, y, n_folds=n_folds, random_state=random_state)
    checks = checks_frame([check_single_feature(X, y, trusted=()), check_telling_values(X, y)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # said by the test, which fitted the same columns
        model.fit(X, y)
    why = explain(model, X, declarations=propose_goals(X))
    if report is not None:
        money = None if revenue is None else pd.to_numeric(X[revenue], errors="coerce")
        facts = ModelFacts(evaluation=evaluation, checks=checks)
        write_report(report, why, facts=facts, further=FurtherParts(mrr=money))
    return FlatResult(model, evaluation, checks, why)


def _read(path: Path) -> pd.DataFrame:
    require_regular(path)
    if not path.name.lower().endswith(_SUFFIXES):
        raise ConfigError(f"{path.name}: a table of one file ends in one of {', '.join(_SUFFIXES)}")
    try:
        frame = read_one_table(path)
    except DataContractError as error:
        raise ConfigError(f"{path.name}: cannot be read as a table: {error}") from error
    if frame.empty:
        raise ConfigError(f"{path.name}: holds no row")
    frame.columns = frame.columns.astype(str).str.strip()
    return frame


def _event(labels: pd.Series, event: str | None) -> pd.Series:
    """Tell who left; of two words nobody can know which it is, so it is asked for."""
    values = sorted(labels.unique(), key=str)  # labels of two types do not compare
    counts = ", ".join(f"{str(value)[:30]!r} ({int((labels == value).sum())})" for value in values[:5])
    if len(values) != 2:
        raise ConfigError(f"target {labels.name!r} holds {len(values)} labels: {counts}; two are needed")
    if event is not None:
        found = [value for value in values if str(value) == event]
        if not found:
            raise ConfigError(f"event={event!r} is none of the labels of {labels.name!r}: {counts}")
        return labels.eq(found[0])
    known = event_of(values)
    if known is None:
        raise ConfigError(f"target {labels.name!r} holds {counts}; name the event: --event {str(values[-1])[:30]}")
    return labels.eq(known)


def _refuse_ids(X: pd.DataFrame, name: str) -> None:
    """Refuse columns of text that tell rows apart: a model would learn the rows by heart."""
    ids = [column for column in X if _tells_apart(X[column])]
    if ids:
        raise ConfigError(
            f"{name}: {len(ids)} columns hold another text in nearly every row: {ids}; name the key of the accounts "
            "(--key) and leave the others out (--exclude)"
        )


def _tells_apart(values: pd.Series) -> bool:
    if types.is_numeric_dtype(values) or types.is_bool_dtype(values) or len(values) <= _FEW:
        return False
    # amounts that are written as text differ in nearly each row too, and tell of accounts, not them apart
    is_number = pd.to_numeric(values.dropna().astype(str).str.strip(), errors="coerce").notna()
    return float(is_number.mean()) < _MOSTLY and values.nunique() > _MOSTLY * values.notna().sum()


def _say_outcomes(X: pd.DataFrame) -> None:
    """Warn of columns that by their name were written after the outcome."""
    # the pattern knows words with blanks between them
    named = [str(name) for name in X if SPEAKS_OF_LEAVING.search(str(name).replace("_", " "))]
    if named:
        warnings.warn(
            f"{len(named)} columns have names that speak of the outcome: {named}; leave out (--exclude) what was "
            "written when, or after, the accounts left",
            DataWarning,
            stacklevel=3,
        )
