"""What is seldom said to a pipeline: it is understood, or refused in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk._pipeline._learning._flat_table import read_flat_table, train_flat_table
from csrisk._pipeline._learning._forward import _run as run_forward
from csrisk._pipeline._learning._panel import panel
from csrisk._pipeline._output._past import Past, look_back
from csrisk._pipeline._sources._databases import _names as named_tables
from csrisk.exceptions import ConfigError, NotEnoughDataError


def test_a_specification_is_an_object_a_mapping_text_or_a_file(tmp_path: Any) -> None:
    text = "[snapshots]\nlead = 30\n"
    (tmp_path / "spec.toml").write_text(text)
    given = (text, tmp_path / "spec.toml", {"snapshots": {"lead": 30}}, cr.RiskSpec.from_toml(text))
    assert {cr.RiskPipeline(spec).spec.snapshots.lead for spec in given} == {30}


def test_a_table_that_is_stated_and_not_there(tmp_path: Any) -> None:
    pd.DataFrame({"account_id": ["a"], "at": ["2025-01-01"]}).to_csv(tmp_path / "usage.csv", index=False)
    spec = cr.RiskSpec.from_toml("[tables.surveys.columns]\nscore = 'points'\n")
    with pytest.raises(ConfigError, match=r"tables\.surveys: no surveys\.parquet, surveys\.csv or folder of parts"):
        cr.pipeline.open_source(tmp_path, spec)


def test_tables_of_a_database_that_differ_in_case_alone() -> None:
    spec = cr.RiskSpec.from_toml("[tables.usage]\nfile = 'USAGE'\n")
    assert named_tables(spec, ["usage", "Usage", "USAGE"], "the database") == {"usage": "USAGE"}
    with pytest.raises(ConfigError, match=r"tables\.usage: 2 tables of the database are called so; say which"):
        named_tables(spec, ["usage", "Usage"], "the database")


def test_a_flat_table_says_what_it_lacks(tmp_path: Any) -> None:
    path = tmp_path / "flat.csv"
    path.write_text("use,churn\n")
    with pytest.raises(ConfigError, match=r"flat\.csv: holds no row"):
        read_flat_table(path, "churn")
    path.write_text("use,churn\n" + "1,0\n2,1\n" * 20)
    with pytest.raises(ConfigError, match=r"revenue='price': no such column among \['use'\]"):
        train_flat_table(read_flat_table(path, "churn"), revenue="price")


def test_a_test_of_one_kind_of_account_is_refused(small_book: cr.CustomerData, quick_spec: dict[str, Any]) -> None:
    few = {**quick_spec, "model": {**quick_spec["model"], "min_events": 1}}
    spec = cr.RiskSpec.from_dict(few)
    past = panel(spec, small_book)
    month = past.snapshots.as_of.max()
    late = np.asarray(past.snapshots.as_of == month)
    same = replace(past, churn=past.churn.mask(late, other=False))
    tested = replace(spec, test=replace(spec.test, start=str(month.date())))
    with pytest.raises(
        NotEnoughDataError, match=rf"test\.start={month:%Y-%m-%d}: all \d+ snapshots tested end the same"
    ):
        run_forward(tested, same)


def test_before_the_data_begin_there_is_no_earlier_portfolio(
    quick: cr.RiskPipeline, small_book: cr.CustomerData
) -> None:
    first = pd.MultiIndex.from_tuples([("a", small_book.start)], names=["account_id", "as_of"])
    facts = {"index": first, "reference_words": "", "declarations": (), "__len__": lambda _: 1}
    why: Any = type("Why", (), facts)()
    assert look_back(quick, small_book, why, pd.Index(["a"]), Past(months=0)).previous is None
