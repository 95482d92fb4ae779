"""Scores of earlier dates: CSV and Parquet, folders of any depth, ids of the tables, what is left out named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from csrisk._pipeline import read_scores, write_table
from csrisk._pipeline._output._history import of_accounts
from csrisk.exceptions import ConfigError, DataWarning

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IDS = ["0012", "=1+1", "'quoted", "NA", 'Müller, "A"']


def scores(date: str, ids: list[Any] = IDS, model: str = "m") -> pd.DataFrame:
    risk = [round(0.1 + 0.1 * place, 3) for place in range(len(ids))]
    flat = {"account_id": ids, "as_of": pd.Timestamp(date), "churn_probability": risk, "model_id": model}
    return pd.DataFrame(flat)


@pytest.mark.parametrize("name", ["s.csv", "s.parquet", "S.CSV"])
def test_what_is_written_is_read(name: str, tmp_path: Path) -> None:
    found = read_scores(write_table(tmp_path / name, scores("2025-07-01")), "m")
    assert sorted(found.index.get_level_values("account_id")) == sorted(IDS)
    assert found.loc[("=1+1", pd.Timestamp("2025-07-01")), "churn_probability"] == 0.2


def test_folders_of_any_depth_and_names_that_say_the_date(tmp_path: Path) -> None:
    for place, date in (("2025", "2025-07-01"), ("2024/deep", "2024-07-01"), (".", "2023-07-01")):
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        write_table(tmp_path / place / f"{date}.csv", scores(date))
    hive = tmp_path / "as_of=2022-07-01" / "model_id=m"
    hive.mkdir(parents=True)
    scores("2022-07-01").drop(columns=["as_of", "model_id"]).to_parquet(hive / "part-0.parquet", index=False)
    (hive / "_SUCCESS").touch()
    write_table(tmp_path / "other.parquet", scores("2025-07-01", model="another"))
    found = read_scores(tmp_path, "m")
    assert sorted(found.index.get_level_values("as_of").year.unique()) == [2022, 2023, 2024, 2025]
    assert len(found) == 4 * len(IDS)
    assert found.attrs["other_models"] == len(IDS)


def test_files_that_are_left_out_are_named(tmp_path: Path) -> None:
    write_table(tmp_path / "s.csv", scores("2025-07-01"))
    (tmp_path / "notes.xlsx").touch()
    with pytest.warns(DataWarning, match=r"history: 1 of 2 files are left out, .*: notes.xlsx"):
        assert len(read_scores(tmp_path)) == len(IDS)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("s.csv", "a,b\n1,2\n", r"columns \['account_id', 'as_of', 'churn_probability', 'model_id'\] are missing"),
        ("s.csv", "account_id,as_of,churn_probability,model_id\n1,soon,0.5,m\n", "an as_of that is no date"),
        ("s.csv", "account_id,as_of,churn_probability,model_id\n1,2025-01-01,x,m\n", "a risk that is no number"),
        ("s.csv", "", "not a readable CSV file"),
        ("s.parquet", "no", "not a readable Parquet file"),
    ],
)
def test_what_is_no_score_table_is_refused(name: str, text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=words):
        read_scores(tmp_path)


def test_ids_get_the_kind_of_the_tables(tmp_path: Path) -> None:
    told = read_scores(write_table(tmp_path / "s.csv", scores("2025-07-01", [1, 22, 3])))
    found = of_accounts(told, pd.Index([1, 3, 22]))
    assert sorted(found.index.get_level_values("account_id")) == [1, 3, 22]
    assert found.loc[(22, pd.Timestamp("2025-07-01")), "churn_probability"] == 0.2
    same = of_accounts(told, pd.Index(["1", "3"]))
    assert same.index.equals(told.index)


WAYS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "as it is": lambda flat: flat,
    "indexed": lambda flat: flat.set_index(["account_id", "as_of"]),
    "dates as text": lambda flat: flat.assign(as_of=flat["as_of"].dt.strftime("%Y-%m-%d")),
    "risks as text": lambda flat: flat.assign(churn_probability=flat["churn_probability"].astype(str)),
    "Polars": pl.from_pandas,
    "lazy Polars": lambda flat: pl.from_pandas(flat).lazy(),
    "Arrow": pa.Table.from_pandas,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_frame_is_read_as_a_file_of_it(way: str, tmp_path: Path) -> None:
    given = scores("2025-07-01")
    expected = read_scores(write_table(tmp_path / "s.parquet", given))
    pd.testing.assert_frame_equal(read_scores(WAYS[way](given)), expected, check_dtype=False, check_index_type=False)
    assert read_scores(WAYS[way](given)).index.dtypes["as_of"].kind == "M"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"as_of": "soon"}, "the frame has an as_of that is no date"),
        ({"as_of": pd.Timestamp("2025-07-01", tz="UTC")}, "the frame has an as_of that is no date"),
        ({"churn_probability": "x"}, "a risk that is no number"),
        ({"churn_probability": [0.5, None, 1.5, -0.1, 1.0]}, "3 of 5 risks of the frame are missing or not between"),
    ],
)
def test_a_frame_that_is_no_score_table_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read_scores(scores("2025-07-01").assign(**change))


@pytest.mark.parametrize("source", [5, [1.0, 2.0], None])
def test_what_is_no_frame_and_no_path_is_refused(source: Any) -> None:
    with pytest.raises(
        ConfigError, match=f"history: {type(source).__name__} is neither a frame of scores nor the path"
    ):
        read_scores(source)
