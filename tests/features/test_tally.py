"""The compiled merge sees what `visible` sees, and sums by slice of age what a plain loop sums."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csrisk import CustomerData, Snapshots, build_features
from csrisk._snapshots import Rows, merge
from csrisk.features import FeatureBreadth, UsageDepth
from csrisk.features._panel._past import Past
from csrisk.testing import random_tables

EDGES = [0, 2, 5, 9]


def rows_of(table):
    table = table.sort_values(["account", "day", "known"], kind="stable")
    columns = [table[name].to_numpy(np.int64) for name in ("account", "day", "known", "entity")]
    return Rows(*columns, table[["n"]].to_numpy(np.float64).T.copy())


def merged(account, cut, table, weights=None):
    weights = np.ones((1, EDGES[-1] + 1)) if weights is None else weights
    return merge(np.array(account), np.array(cut), rows_of(table), EDGES, [0], weights)


def test_a_row_is_seen_when_dated_and_known_strictly_before_and_not_older_than_the_last_edge():
    table = pd.DataFrame(
        {
            "account": [0, 0, 0, 0, 0, 1],
            "day": [0, 1, 6, 8, 10, 9],
            "known": [0, 1, 10, 8, 10, 9],
            "entity": [0, 0, 0, 1, 0, 0],
            "n": [1, 2, 4, 8, 16, 32],
        }
    )
    found = merged([0, 1], [10, 10], table)
    # account 0 on day 10: day 0 is 10 days old, day 6 is known too late, day 10 has not happened
    assert found.snapshot.tolist() == [0, 0, 1]
    assert found.sums[0].T.tolist() == [[0, 0, 2], [8, 0, 0], [32, 0, 0]]
    assert found.newest.T.tolist() == found.oldest.T.tolist() == [[0, 0, 9], [2, 0, 0], [1, 0, 0]]


def test_weights_go_by_age():
    table = pd.DataFrame({"account": [0, 0], "day": [7, 9], "known": [7, 9], "entity": 0, "n": [10, 100]})
    weights = np.arange(EDGES[-1] + 1, dtype=float).reshape(1, -1)
    # ages 3 and 1: 3 * 10 in the second slice, 1 * 100 in the first
    assert merged([0], [10], table, weights).sums[0, :, 0].tolist() == [100, 30, 0]


@settings(deadline=None, max_examples=60)
@given(
    rows=st.lists(
        st.tuples(*[st.integers(0, 3), st.integers(0, 20), st.integers(0, 4), st.integers(0, 2)]), max_size=40
    ),
    pairs=st.sets(st.tuples(st.integers(0, 4), st.integers(0, 25)), min_size=1, max_size=15),
)
def test_merge_is_the_plain_loop(rows, pairs):
    table = pd.DataFrame(rows, columns=["account", "day", "late", "entity"], dtype="int64")
    table["known"], table["n"] = table["day"] + table["late"], range(1, len(table) + 1)
    account, cut = np.array(sorted(pairs)).T
    found = merged(account, cut, table)
    expected = []
    for snapshot, (one, day) in enumerate(sorted(pairs)):
        age = day - table["day"]
        seen = table[(table["account"] == one) & (age >= 1) & (age <= EDGES[-1]) & (table["known"] < day)]
        for entity, mine in seen.assign(age=age).groupby("entity"):
            part = np.searchsorted(EDGES, mine["age"]) - 1
            sums = np.bincount(part, mine["n"], minlength=3).tolist()
            ages = [mine["age"][part == i] for i in range(3)]
            newest, oldest = ([int(of(a)) if len(a) else 0 for a in ages] for of in (min, max))
            expected.append((snapshot, sums, newest, oldest, entity))
    groups = zip(found.snapshot, found.sums[0].T, found.newest.T, found.oldest.T, strict=True)
    got = [(int(s), x.tolist(), n.tolist(), o.tolist()) for s, x, n, o in groups]
    assert sorted(got) == sorted(row[:4] for row in expected)


@pytest.mark.filterwarnings("ignore::csrisk.exceptions.DataWarning")
def test_merged_features_are_those_of_the_expressions(monkeypatch):
    with CustomerData(random_tables(11, n_accounts=20), end="2026-01-01", threads=1) as data:
        past = Snapshots.every(data, "MS", horizon="30D", eligible="account")
        builders = [UsageDepth(windows=(7, 30, 120)), FeatureBreadth(windows=(30, 60))]
        compiled = build_features(data, past, builders)
        monkeypatch.setattr(Past, "embedded", property(lambda _: False))
        expressed = build_features(data, past, builders)
    pd.testing.assert_frame_equal(compiled, expressed, rtol=1e-9, atol=1e-9)
    assert compiled.notna().any().sum() > 40
