"""The table of features in the documentation is the one that the declarations and the tests give."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from csrisk.features import all_builders, feature_table

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = ["name", "family", "goal", "unit", "direction", "window", "sentence", "tests"]


@pytest.fixture(scope="module")
def pages():
    spec = importlib.util.spec_from_file_location("feature_page", ROOT / "docs" / "_ext" / "feature_page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_is_not_stale(pages):
    written = pages.PAGE.read_text(encoding="utf-8")
    assert written == pages.page(), "docs/features.md is stale: python docs/_ext/feature_page.py"


def test_page_has_a_row_for_each_feature_with_all_columns(pages):
    lines = pages.PAGE.read_text(encoding="utf-8").splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| `")]
    names = [feature.name for builder in all_builders() for feature in builder.features]
    assert [row[0].strip("`") for row in rows] == names
    # the family is the heading
    heads = {line for line in lines if line.startswith("| name")}
    assert heads == {"| " + " | ".join(name for name in COLUMNS if name != "family") + " |"}
    assert all(len(row) == len(COLUMNS) - 1 and all(row) for row in rows)


def test_every_feature_is_computed_by_hand_in_a_test(pages):
    tests = pages.by_feature()
    table = feature_table(tests=tests)
    assert list(table) == COLUMNS
    assert table.loc[table["tests"] == "", "name"].tolist() == []
    for name, (first, *_) in tests.items():
        file, function = first.split("::")
        text = (ROOT / "tests" / "features" / file).read_text(encoding="utf-8")
        assert f"def {function}(" in text, name


def test_tests_are_left_out_where_none_are_given():
    assert "tests" not in feature_table()
