"""The book at training, against the book it was taken from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from csrisk._pipeline._learning._baseline import Baseline
from csrisk.exceptions import ModelFileError
from csrisk.monitoring import drift_table
from csrisk.monitoring._judging._tables import TableProfile

if TYPE_CHECKING:
    import csrisk as cr
    from csrisk.models import ChurnModel


NOTHING = TableProfile.empty()


def book(model: ChurnModel, date: str, n: int, shift: float = 0.0) -> pd.DataFrame:
    """A scored book of so many accounts in which one feature has moved."""
    chance = np.random.default_rng(n)
    columns: dict[str, object] = {}
    for column in model.columns_:
        if column.kind == "category":
            columns[column.name] = pd.Categorical([column.categories[0]] * n, categories=list(column.categories))
        else:
            columns[column.name] = np.nan if column.kind == "empty" else chance.normal(size=n)
    moved = "tenure_days"
    columns[moved] = np.asarray(columns[moved]) + shift
    index = pd.MultiIndex.from_product(
        [[f"a{i:05d}" for i in range(n)], [pd.Timestamp(date)]], names=["account_id", "as_of"]
    )
    return pd.DataFrame(columns, index=index).assign(churn_probability=chance.random(n), churn_points=0.0)


def test_the_usual_distance_is_that_of_the_two_books(quick: cr.RiskPipeline) -> None:
    model = quick.model_
    now, before = book(model, "2025-06-01", 200, 1.0), book(model, "2025-03-01", 210)
    made = Baseline.of(model, now, before, NOTHING)
    goals = {"tenure_days": "context", "mrr": "context"}
    expected = drift_table(before, now, goals)["distance"]
    pd.testing.assert_series_equal(made.usual[expected.index], expected)
    assert made.usual["tenure_days"] > 0.25
    assert (made.as_of, made.accounts) == ("2025-06-01", 200)
    assert len(Baseline.of(model, now, None, NOTHING).usual) == 0


def test_each_column_is_sorted_by_itself_and_a_large_book_is_a_sample(quick: cr.RiskPipeline) -> None:
    model, now = quick.model_, book(quick.model_, "2025-06-01", 1000)
    made = Baseline.of(model, now, None, NOTHING)
    for name in ("tenure_days", "mrr", "churn_probability"):
        np.testing.assert_array_equal(made.values[name], np.sort(now[name]))  # noqa: PD011  # the field of a dataclass
    large = Baseline.of(model, book(model, "2025-06-01", 1001), None, NOTHING)
    assert (len(large.values), large.accounts) == (1000, 1001)


def test_it_comes_back_and_more_rows_than_it_may_have_are_refused(quick: cr.RiskPipeline) -> None:
    from csrisk._pipeline._archive import array_from_bytes, array_to_bytes

    model = quick.model_
    made = Baseline.of(model, book(model, "2025-06-01", 1000), None, NOTHING)
    members = made.members(model)
    again = Baseline.from_members(members, model)
    pd.testing.assert_frame_equal(again.values, made.values)
    assert (again.as_of, again.accounts) == (made.as_of, made.accounts)
    rows = array_from_bytes(members["arrays/baseline.npy"], "baseline")
    longer = {**members, "arrays/baseline.npy": array_to_bytes(np.vstack([rows, rows[:1]]))}
    with pytest.raises(ModelFileError, match="more rows than it may"):
        Baseline.from_members(longer, model)
    wider = {**members, "arrays/baseline.npy": array_to_bytes(rows[:, :-1])}
    with pytest.raises(ModelFileError, match="another shape than the model"):
        Baseline.from_members(wider, model)


def test_a_sample_of_a_large_book_has_no_row_twice_and_a_file_without_risk_is_refused(quick: cr.RiskPipeline) -> None:
    model = quick.model_
    made = Baseline.of(model, book(model, "2025-06-01", 3000), None, NOTHING)
    assert made.values["tenure_days"].is_unique  # noqa: PD011  # the field of a dataclass
    members = made.members(model)
    told = json.loads(members["baseline.json"])
    told["scores"] = ["others" if name == "churn_probability" else name for name in told["scores"]]
    with pytest.raises(ModelFileError, match="more rows than it may, or no risk"):
        Baseline.from_members({**members, "baseline.json": json.dumps(told).encode()}, model)


@pytest.mark.parametrize(("rows", "accounts"), [(1001, 1001), (1001, 5000), (1000, 999)])
def test_rows_and_accounts_fit_together(quick: cr.RiskPipeline, rows: int, accounts: int) -> None:
    from csrisk._pipeline._archive import array_from_bytes, array_to_bytes

    members = Baseline.of(quick.model_, book(quick.model_, "2025-06-01", 1000), None, NOTHING).members(quick.model_)
    array = array_from_bytes(members["arrays/baseline.npy"], "baseline")
    told = {**json.loads(members["baseline.json"]), "accounts": accounts}
    changed = {
        "baseline.json": json.dumps(told).encode(),
        "arrays/baseline.npy": array_to_bytes(array[np.minimum(np.arange(rows), 999)]),
    }
    with pytest.raises(ModelFileError, match="more rows than it may"):
        Baseline.from_members({**members, **changed}, quick.model_)
