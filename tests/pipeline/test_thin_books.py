"""Books that lack something: no growth, no contracts, no use, a feed that stood still, months that nobody saw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk._pipeline._learning._band import RiskBand
from csrisk._pipeline._learning._lifetimes import fit_longevity
from csrisk._pipeline._learning._panel import outcomes, panel
from csrisk._pipeline._settings._spec import RiskSpec
from csrisk.checks import check_feeds
from csrisk.data import CustomerData
from csrisk.datasets import make_saas
from csrisk.exceptions import DataWarning, NotEnoughDataError, SnapshotError
from csrisk.monitoring import feed_ages

if TYPE_CHECKING:
    from pathlib import Path

Tables = dict[str, pd.DataFrame]
SPEC: dict[str, Any] = {
    "snapshots": {"horizon": "90D", "lead": 0},
    "model": {"n_members": 2, "min_events": 2, "blend": False, "num_leaves": 4},
    "test": {"n_bootstrap": 20},
    "reference": {"rows": 10},
    "label": {"expansion": "none"},
}


@pytest.fixture(scope="module")
def tables() -> Tables:
    made = make_saas(60, 15, seed=1).tables
    return {name: made[name] for name in ("accounts", "subscriptions", "usage")}


@pytest.fixture(scope="module")
def flat_prices(tables: Tables) -> CustomerData:
    """One contract each, all at one price: nobody ever grew."""
    first = tables["subscriptions"].sort_values("start_at").drop_duplicates("account_id")
    first = first.assign(mrr=100.0).drop(columns="seats", errors="ignore")
    return CustomerData({"accounts": tables["accounts"], "subscriptions": first})


def test_growth_that_is_asked_for_and_never_came_is_named(flat_prices: CustomerData) -> None:
    with pytest.raises(NotEnoughDataError, match=r"label\.expansion='mrr': y holds one class in \d+ labelled rows"):
        cr.RiskPipeline({**SPEC, "label": {"expansion": "mrr"}}).fit(flat_prices)


@pytest.fixture(scope="module")
def tested(flat_prices: CustomerData) -> cr.RiskPipeline:
    spec = {**SPEC, "label": {"expansion": "auto"}, "test": {"n_bootstrap": 20, "start": "2025-06-01"}}
    with pytest.warns(DataWarning, match="no expansion model: y holds one class in"):
        return cr.RiskPipeline(spec).fit(flat_prices)


def test_nobody_grew_so_there_is_no_model_of_growth(tested: cr.RiskPipeline, flat_prices: CustomerData) -> None:
    assert tested.expansion_model_ is None
    assert tested.score(flat_prices)["expansion_probability"].isna().all()


def test_without_use_recency_is_no_rival(tested: cr.RiskPipeline) -> None:
    assert list(tested.record_.evaluation()) == ["model"]


def test_a_model_of_a_book_whose_feed_stood_still_is_saved_and_loaded(tables: Tables, tmp_path: Path) -> None:
    use = tables["usage"]
    kept = use[(use["at"] < "2025-03-10") | (use["at"] >= "2025-04-21")]
    data = CustomerData({**tables, "usage": kept})
    fitted = cr.RiskPipeline(SPEC).fit(data)
    assert fitted.record_.facts["stood still"] == "usage (42 days)"
    fitted.save(tmp_path / "m.csrisk")
    loaded = cr.RiskPipeline.load(tmp_path / "m.csrisk")
    assert loaded.model_id_ == fitted.model_id_
    assert loaded.record_.facts == fitted.record_.facts
    pd.testing.assert_frame_equal(loaded.score(data), fitted.score(data))


def test_days_since_start_need_contracts(tables: Tables) -> None:
    spec = {**SPEC, "snapshots": {"lead": 0, "days_since_start": [30]}, "label": {"kind": "inactivity"}}
    with pytest.raises(SnapshotError, match="days_since_start: there is no subscriptions table with start_at"):
        cr.RiskPipeline(spec).fit(CustomerData({"usage": tables["usage"]}))


def test_too_few_left_for_a_model_of_longevity(tables: Tables) -> None:
    data = CustomerData(tables)
    past = panel(RiskSpec.from_dict(SPEC), data)
    spec = RiskSpec.from_dict({**SPEC, "longevity": {"months": 6}, "model": {**SPEC["model"], "min_events": 10_000}})
    with pytest.warns(DataWarning, match="no model of longevity: .*10000"):
        assert fit_longevity(spec, data, past, None) is None


def test_nothing_came_of_accounts_that_nobody_knows(tables: Tables) -> None:
    data = CustomerData(tables)
    index = pd.MultiIndex.from_tuples([("nobody", pd.Timestamp("2025-01-01"))], names=["account_id", "as_of"])
    assert outcomes(RiskSpec.from_dict(SPEC), data, index, data.end).empty


def test_a_table_without_a_row_yet_is_told_in_words(tables: Tables) -> None:
    data = CustomerData(tables)
    first = tables["usage"]["at"].min().normalize()
    found = check_feeds(feed_ages(data, first))
    assert "the oldest is usage, which has no row yet" in found.measure
    assert "nan" not in found.threshold
    assert "inf" not in found.measure


def judged(risk: Any, churned: Any) -> tuple[pd.Series, pd.Series]:
    names = [f"a{place}" for place in range(len(churned))]
    index = pd.MultiIndex.from_product([names, [pd.Timestamp("2025-01-01")]], names=["account_id", "as_of"])
    return pd.Series(churned, index, dtype=float), pd.Series(risk, index, dtype=float)


@pytest.mark.parametrize(
    "risk",
    [
        np.full(40, 0.3),  # all alike
        np.linspace(0.01, 0.99, 40),  # parted without error
        0.3 + 1e-7 * np.arange(40),  # alike but for the last digits
        0.3 + 2e-6 * np.arange(40),  # so nearly alike that the line would be steep beyond belief
    ],
)
def test_no_interval_where_the_test_tells_none(risk: Any) -> None:
    assert RiskBand.fit(*judged(risk, np.arange(40) >= 20)) is None


def test_ten_accounts_of_each_kind_are_needed() -> None:
    risk = np.tile([0.2, 0.6], 10)
    assert RiskBand.fit(*judged(risk, np.arange(20) < 9)) is None
    assert RiskBand.fit(*judged(risk, np.arange(20) < 10)) is not None


def test_a_fitted_pipeline_shows_its_training_and_its_test(tested: cr.RiskPipeline) -> None:
    auc = tested.record_.evaluation()["model"].loc["auc"]
    words = f"AUC {auc['estimate']:.2f} ({auc['low']:.2f} to {auc['high']:.2f}) on later data"
    said, html = repr(tested), tested._repr_html_()
    assert f"learned from {tested.record_.facts['learned from']}, trained at" in said
    assert all(words in shown and tested.model_id_ in shown for shown in (said, html))
    assert "accounts, subscriptions<" in html


def test_a_pipeline_without_a_test_shows_none(flat_prices: CustomerData) -> None:
    with pytest.warns(DataWarning, match="no forward test"):
        fitted = cr.RiskPipeline(SPEC).fit(flat_prices)
    assert "AUC" not in repr(fitted)
    assert "forward test" not in fitted._repr_html_()


def test_options_that_a_report_has_not(tested: cr.RiskPipeline, flat_prices: CustomerData, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"RiskPipeline.report\(\) got an unexpected keyword argument 'colour'"):
        tested.report(tmp_path / "r.html", flat_prices, colour="red")
