"""Attributes of accounts may be called anything, also what an engine or a sentence would read as something else."""

from __future__ import annotations

import ibis
import pandas as pd
import polars as pl
import pytest

import csrisk as cr
from csrisk.features import AccountContext

NAMES = ["*", "{x}", "{", "%s", "a b", 'q"q', "semi;colon", "na'me", "[z]", "select", "$1", "t.x", "\\d", "x\ny", "é"]
ENGINES = {
    "pandas": lambda frame: frame,
    "Polars": pl.from_pandas,
    "Ibis": lambda frame: ibis.memtable(frame),
}


def book(names: list[str]) -> dict[str, pd.DataFrame]:
    accounts = pd.DataFrame({"account_id": ["a", "b"], "started_at": pd.Timestamp("2024-01-01")})
    usage = pd.DataFrame({"account_id": ["a", "b"] * 3, "at": pd.date_range("2025-01-01", periods=6, freq="10D")})
    return {"accounts": accounts.assign(**{name: ["u", "v"] for name in names}), "usage": usage}


@pytest.mark.parametrize("engine", ENGINES)
def test_attributes_may_be_called_anything(engine):
    data = cr.CustomerData({name: ENGINES[engine](table) for name, table in book(NAMES).items()})
    X = cr.build_features(data, cr.Snapshots.at(data, "2025-02-01"))
    for name in NAMES:
        assert X[f"account_{name}"].tolist() == ["u", "v"]
    assert AccountContext(("{x}",)).features[0].describe("u", "v") == "{x}: u; typical is v."
