"""Distances and their chances by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact

from csrisk.monitoring._distance import _chance, distance_table


def test_the_smallest_chance_of_the_categories_counts_as_often_as_there_are_categories() -> None:
    """a, b, c: 10, 10, 20 of 40 accounts before, 10, 25, 5 of 40 now; c moved most, and three tests were made."""
    old = pd.DataFrame({"plan": ["a"] * 10 + ["b"] * 10 + ["c"] * 20})
    new = pd.DataFrame({"plan": ["a"] * 10 + ["b"] * 25 + ["c"] * 5})
    row = distance_table(old, new, ["plan"]).loc["plan"]
    assert row["distance"] == pytest.approx(15 / 40)
    chances = [fisher_exact([[a, b], [40 - a, 40 - b]]).pvalue for a, b in ((10, 10), (10, 25), (20, 5))]
    assert row["p_value"] == pytest.approx(3 * min(chances))
    assert row["p_value"] == row["adjusted"] < 0.01


def test_two_categories_are_one_test() -> None:
    old, new = pd.DataFrame({"p": ["a"] * 9 + ["b"]}), pd.DataFrame({"p": ["a"] * 4 + ["b"] * 6})
    row = distance_table(old, new, ["p"]).loc["p"]
    assert row["p_value"] == pytest.approx(fisher_exact([[9, 4], [1, 6]]).pvalue)


def test_chance_is_that_of_the_harmonic_size() -> None:
    """Two against two accounts tell as much as one: a distance of a half is certain to be reached by chance."""
    assert _chance(np.array([0.5]), 2, 2)[0] == pytest.approx(1.0)
    # one sample of two: both of U below 1/2 or both above, or apart from the diagonal by a half
    assert _chance(np.array([0.75]), 4, 4)[0] == pytest.approx(2 * 0.25**2)
    assert _chance(np.array([1.0, 0.0]), 1, 1).tolist() == [0.0, 1.0]


def test_missing_values_count_as_the_lowest() -> None:
    old, new = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0]}), pd.DataFrame({"x": [np.nan, np.nan, 3.0, 4.0]})
    assert distance_table(old, new, ["x"]).loc["x", "distance"] == 0.5
