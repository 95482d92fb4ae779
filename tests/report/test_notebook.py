"""What a notebook shows: small, readable, and text where customers wrote something else."""

from __future__ import annotations

import re
from dataclasses import replace

import _books
import pandas as pd
import pytest
from _page import read

import csrisk as cr

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def hostile_ids(why):
    accounts = [HOSTILE, *why.index.get_level_values("account_id")[1:]]
    index = pd.MultiIndex.from_arrays([accounts, why.index.get_level_values("as_of")], names=why.index.names)
    return replace(why, index=index, prediction=why.prediction * 0 + [99.0, *why.prediction[1:]])


def shown(thing) -> tuple[str, list[list[str]]]:
    text = thing._repr_html_()
    rows = [[cell.text() for cell in row.all() if cell.tag in ("th", "td")] for row in read(text).all("tr")]
    return text, rows


def test_explanation_shows_the_highest_with_parts_that_add_up(why):
    text, rows = shown(why)
    assert rows[0] == ["account_id", "as_of", "reference", *map(str, why.goals_present), "prediction"]
    assert len(rows) == 6
    first = why.goals().sort_values("prediction", ascending=False).iloc[0]
    assert rows[1][-1] == f"{first['prediction']:.1f}"
    assert "The 5 highest of 60" in text


@pytest.mark.parametrize("what", ["explanation", "segment", "data"])
def test_names_are_text(what, hostile_ids):
    if what == "explanation":
        text = hostile_ids._repr_html_()
        assert "&lt;script&gt;alert(1)" in text
    elif what == "segment":
        text = replace(hostile_ids, reference_words=f"3 snapshots of {HOSTILE}")._repr_html_()
    else:
        usage = pd.DataFrame({"account_id": [HOSTILE], "at": ["2025-09-01"]})
        text = cr.CustomerData({"usage": usage}, end="2025-10-01")._repr_html_()
        assert HOSTILE not in text
    assert "<script" not in text
    assert "<img" not in text


def test_long_names_are_cut(why):
    accounts = ["x" * 5000, *why.index.get_level_values("account_id")[1:]]
    index = pd.MultiIndex.from_arrays([accounts, why.index.get_level_values("as_of")], names=why.index.names)
    assert len(replace(why, index=index)._repr_html_()) < 3000


def test_customer_data_counts_rows_and_names_what_is_missing():
    data = _books.customers(60, without=("surveys",))
    text, rows = shown(data)
    assert ["accounts", "60"] in rows
    assert "No evidence: " in text
    assert "surveys" in text.split("No evidence: ")[1]


def test_snapshots_say_windows_and_censoring(small_book):
    past = cr.Snapshots.every(small_book, "MS", lead="14D", horizon="90D")
    _, rows = shown(past)
    facts = {row[0]: row[1] for row in rows}
    assert (facts["lead"], facts["horizon"]) == ("14 days", "90 days")
    assert facts["window past the end of the data"] == f"{int(past.censored.sum()):,} snapshots"
    _, rows = shown(cr.Snapshots.at(small_book, small_book.end))
    assert ["horizon", "none: for scoring"] in rows


def test_backtest_shows_each_score_by_date():
    _, rows = shown(_books.backtest())
    assert rows[0] == ["score", "trained at", "AUC (95 %)", "events"]
    assert rows[1][:2] == ["model", "1 January 2025"]
    # all ranked right, but on few events: the interval has a lower end
    assert re.fullmatch(r"1\.000 \(0\.[5-9]\d\d to 1\.000\)", rows[1][2])


def test_tables_of_evaluation_are_frames_and_escape_names():
    table = _books.evaluation()["Model"].rename(index={"auc": HOSTILE})
    assert "<script" not in table._repr_html_()
