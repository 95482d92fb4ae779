"""Scores of earlier dates: what `write_scores` wrote, in one file or in a folder of any depth."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pandas as pd

from csrisk._days import as_midnights
from csrisk._text import csv_bare
from csrisk.exceptions import ConfigError, DataWarning
from csrisk.models._rows import as_features

__all__ = ["of_accounts", "read_scores"]

_COLUMNS = ["account_id", "as_of", "churn_probability", "model_id"]
_SUFFIXES = (".parquet", ".csv")
_MOST_NAMED = 5


def read_scores(source: Any, model_id: str | None = None) -> pd.DataFrame:
    """Read scores of several dates.

    Parameters
    ----------
    source : pandas.DataFrame or path
        What `score_table` gave for several dates, a Parquet or CSV file of it, or a folder of such files and folders;
        folders named ``as_of=2025-07-01`` or ``model_id=...`` say what their files leave out.
    model_id : str, optional
        Keep the scores of this model alone.

    Returns
    -------
    pandas.DataFrame
        Index (account_id, as_of); where a snapshot was scored twice, the last one in the order of the file names. How
        many scores were of other models stands in ``attrs["other_models"]``.

    Raises
    ------
    ConfigError
        If there is no such file, or it is no score table.

    Notes
    -----
    Files of a folder that are neither Parquet nor CSV are left out with a `DataWarning` that names them; hidden files
    and those that start with an underscore are left out in silence. Ids from CSV are text; an apostrophe that the
    writer put before what a spreadsheet would run is taken off.

    Examples
    --------
    >>> from csrisk.pipeline import read_scores
    >>> read_scores("scores/nowhere.parquet")
    Traceback (most recent call last):
        ...
    csrisk.exceptions.ConfigError: ...
    """
    if not isinstance(source, str | Path):
        flat = _typed(_flat(source), "the frame")
    else:
        files = _files(Path(source))
        nothing = pd.DataFrame({name: pd.Series(dtype=object) for name in _COLUMNS})
        flat = pd.concat([_read_file(file, Path(source)) for file in files]) if files else nothing
    kept = flat if model_id is None else flat[flat["model_id"] == model_id]
    # outcomes are joined on this index, so no row may come twice; the file that is read last counts
    table = kept.drop_duplicates(["account_id", "as_of"], keep="last").set_index(["account_id", "as_of"]).sort_index()
    # monitoring logs how many scores of other models it left out
    table.attrs["other_models"] = len(flat) - len(kept)
    return table


def of_accounts(told: pd.DataFrame, accounts: pd.Index[Any]) -> pd.DataFrame:
    """Give the ids of read scores the kind that the tables have; CSV and databases write numbers as text."""
    ids = told.index.get_level_values("account_id")
    if not len(ids) or ids.isin(accounts).any():  # one id that is known tells that the kinds agree
        return told
    by_text = {str(account): account for account in accounts}
    own = [by_text.get(str(account), account) for account in ids]
    index = pd.MultiIndex.from_arrays([own, told.index.get_level_values("as_of")], names=told.index.names)
    return told.set_axis(index)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ConfigError(f"history: {path.name!r} is neither a score file nor a folder of them")
    every = [one for one in sorted(path.rglob("*")) if one.is_file() and not _hidden(one.relative_to(path))]
    files = [one for one in every if one.suffix.lower() in _SUFFIXES]
    others = [one.relative_to(path).as_posix() for one in every if one.suffix.lower() not in _SUFFIXES]
    if others:
        more = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
        warnings.warn(
            f"history: {len(others)} of {len(every)} files are left out, as they are neither .parquet nor .csv: "
            f"{', '.join(others[:_MOST_NAMED])}{more}",
            DataWarning,
            stacklevel=3,
        )
    return files


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)  # as Spark and Hive mark what is no data: _SUCCESS


def _read_file(path: Path, root: Path) -> pd.DataFrame:
    frame = _read_csv(path) if path.suffix.lower() == ".csv" else _read_parquet(path)
    for part in path.parent.parts[len(root.parts) :]:
        name, sign, value = part.partition("=")
        # folders such as as_of=2025-01-01, whose writers put signs that a path cannot hold as %3A
        if sign and name in _COLUMNS and name not in frame:
            frame[name] = unquote(value)
    return _typed(frame, repr(path.name))


def _flat(source: Any) -> pd.DataFrame:
    """Give a frame of any library as one of pandas whose keys are columns."""
    frame = as_features(source)
    if not isinstance(frame, pd.DataFrame):
        raise ConfigError(
            f"history: {type(source).__name__} is neither a frame of scores nor the path of a file or folder"
        )
    return frame.reset_index() if "as_of" in frame.index.names else frame


def _typed(frame: pd.DataFrame, where: str) -> pd.DataFrame:
    absent = [name for name in _COLUMNS if name not in frame.columns]
    if absent:
        raise ConfigError(f"history: columns {absent} are missing in {where}; it takes what `csrisk score --out` wrote")
    frame = frame[_COLUMNS].copy()
    try:
        frame["as_of"] = as_midnights(frame["as_of"], "as_of")
        frame["churn_probability"] = frame["churn_probability"].astype("float64")
    except (ValueError, TypeError) as error:
        raise ConfigError(f"history: {where} has an as_of that is no date, or a risk that is no number") from error
    beyond = int((~frame["churn_probability"].between(0, 1)).sum())  # NaN is between nothing
    if beyond:
        raise ConfigError(f"history: {beyond} of {len(frame)} risks of {where} are missing or not between 0 and 1")
    return frame


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        # one file, not a data set: names of its folders are read above
        with path.open("rb") as stream:
            frame: pd.DataFrame = parquet.ParquetFile(stream).read().to_pandas()
    except (pa.ArrowException, OSError) as error:
        raise ConfigError(f"history: {path.name!r} is not a readable Parquet file") from error
    return frame


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        # all as text: ids such as 007 and NA stay what they are
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except (ValueError, OSError) as error:
        raise ConfigError(f"history: {path.name!r} is not a readable CSV file") from error
    if "account_id" in frame:
        frame["account_id"] = [csv_bare(text) for text in frame["account_id"]]
    return frame
