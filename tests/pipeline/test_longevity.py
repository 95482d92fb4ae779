"""Longevity in the pipeline: off by default to the byte, stored and proved, and ranges that hold what came."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet

import csrisk as cr
from csrisk._pipeline._archive import read_archive, write_archive
from csrisk._pipeline._learning._lifetimes import _censored, lifetimes, months_left
from csrisk._pipeline._model_files._stored import scoring_members
from csrisk.exceptions import ConfigError, ModelFileError
from csrisk.models import LongevityModel
from csrisk.pipeline import LONGEVITY_COLUMNS, write_scores

if TYPE_CHECKING:
    from pathlib import Path

    from csrisk.data import CustomerData

NAMES = [column.name for column in LONGEVITY_COLUMNS]


@pytest.fixture(scope="module")
def long(quick_spec: dict[str, Any], small_book: CustomerData) -> cr.RiskPipeline:
    return cr.RiskPipeline(quick_spec | {"longevity": {"months": 12}}).fit(small_book)


@pytest.fixture(scope="module")
def scores(long: cr.RiskPipeline, small_book: CustomerData) -> pd.DataFrame:
    return long.score(small_book)


def test_without_it_nothing_of_it_is_written(quick: cr.RiskPipeline, long: cr.RiskPipeline) -> None:
    """What is not asked for leaves specification, members, columns and id as they were."""
    assert "longevity" not in quick.spec_.to_dict()
    ours, others = scoring_members(quick), scoring_members(long)
    more = {name for name in others if name not in ours}
    assert {"longevity.json", "arrays/longevity_margins.npy"} < more
    assert all(name.startswith("trees/4") for name in more if name.startswith("trees"))
    # all else is equal to the byte but for the specification
    assert {name for name in ours if ours[name] != others[name]} == {"spec.json"}


def test_scores_have_its_columns_last(scores: pd.DataFrame, quick: cr.RiskPipeline, small_book: CustomerData) -> None:
    assert scores.columns.tolist()[-6:] == NAMES
    plain = quick.score(small_book)
    assert not set(NAMES) & set(plain)
    pd.testing.assert_frame_equal(
        scores.drop(columns=[*NAMES, "model_id"]), plain.drop(columns="model_id"), check_flags=False
    )


def test_figures_are_in_order(scores: pd.DataFrame) -> None:
    months = scores[["months_low", "expected_months", "months_high"]]
    assert (months >= 0).all(axis=None)
    assert (months <= 12.01).all(axis=None)
    assert (months["months_low"] <= months["months_high"]).all()
    money = scores.dropna(subset="expected_margin")
    assert len(money)
    assert (money["margin_low"] <= money["margin_high"]).all()


def test_the_file_follows_the_schema(scores: pd.DataFrame, tmp_path: Path) -> None:
    schema = parquet.read_schema(write_scores(tmp_path / "s.parquet", scores))
    assert schema.names[-6:] == NAMES
    assert schema.field("months_low").metadata[b"meaning"].decode() == LONGEVITY_COLUMNS[1].meaning


def test_saved_and_loaded_it_says_the_same(
    long: cr.RiskPipeline, scores: pd.DataFrame, small_book: CustomerData, tmp_path: Path
) -> None:
    sha256 = long.save(tmp_path / "m.csrisk")
    back = cr.RiskPipeline.load(tmp_path / "m.csrisk", expected_sha256=sha256)
    assert back.model_id_ == long.model_id_
    pd.testing.assert_frame_equal(back.score(small_book), scores)
    assert back.save(tmp_path / "n.csrisk") == sha256


def _changed(path: Path, name: str, **told: Any) -> Path:
    members = dict(read_archive(path))
    values = json.loads(members[name])
    values.update(told)
    members[name] = json.dumps(values, indent=1).encode()
    write_archive(path.with_name("x.csrisk"), members)
    return path.with_name("x.csrisk")


def test_a_file_that_lost_or_bent_it_is_refused(long: cr.RiskPipeline, quick: cr.RiskPipeline, tmp_path: Path) -> None:
    path = tmp_path / "m.csrisk"
    long.save(path)
    members = dict(read_archive(path))
    del members["longevity.json"]
    write_archive(tmp_path / "x.csrisk", members)
    with pytest.raises(ModelFileError, match=r"longevity\.json"):
        cr.RiskPipeline.load(tmp_path / "x.csrisk")
    for told in ({"counts": {"n_events_": 5, "n_periods_": 99}}, {"class": "ChurnModel"}):
        with pytest.raises(ModelFileError, match=r"longevity\.json breaks its rules"):
            cr.RiskPipeline.load(_changed(path, "longevity.json", **told))
    with pytest.raises(ModelFileError, match="longevity"):
        cr.RiskPipeline.load(_changed(path, "spec.json", longevity={"months": 24}))
    quick.save(path)
    with pytest.raises(ModelFileError, match=r"longevity\.json"):
        cr.RiskPipeline.load(_changed(path, "spec.json", longevity={"months": 12}))


def test_the_report_says_it_on_cards_and_over_all(
    long: cr.RiskPipeline, scores: pd.DataFrame, small_book: CustomerData, tmp_path: Path
) -> None:
    why = long.explain(small_book)
    report = json.loads(long.report(tmp_path / "a.json", small_book, why=why, scores=scores).read_text())
    first = scores.iloc[0]
    stay = report["cards"][0]["stay"]
    assert stay["months"] == {
        "estimate": pytest.approx(first["expected_months"]),
        "low": pytest.approx(first["months_low"]),
        "high": pytest.approx(first["months_high"]),
    }
    table = next(t for t in report["extra"] if t["caption"] == "How long accounts are expected to stay")
    assert table["rows"][-1][1] == len(scores)
    assert table["rows"][-1][3] == pytest.approx(scores["expected_margin"].sum())
    text = long.report(tmp_path / "a.html", small_book, why=why, scores=scores).read_text("utf-8")
    assert f"Expected to stay {first['expected_months']:.1f} months" in text


def test_the_specification_is_checked() -> None:
    for months in (0, -1, 121, 1.5, "a year"):
        with pytest.raises(ConfigError, match="longevity: months"):
            cr.RiskSpec.from_dict({"longevity": {"months": months}})
    spec = cr.RiskSpec.from_toml("[longevity]\nmonths = 24")
    assert cr.RiskSpec.from_toml(spec.to_toml()) == spec
    assert cr.RiskSpec.from_toml("[longevity]") == cr.RiskSpec()


def test_margin_takes_both_ranges_at_their_ends() -> None:
    """8 months (2 to 12) at 10 (5 to 15) a month; at a loss the longest stay costs most."""
    months = pd.DataFrame({"expected_months": [8.0] * 4, "months_low": [2.0] * 4, "months_high": [12.0] * 4})
    nan = np.nan
    company = pd.DataFrame({"value": [10, -10, 10, nan], "low": [5, -15, nan, nan], "high": [15, -5, nan, nan]})
    found = lifetimes(months, company)
    assert found["expected_margin"].tolist()[:3] == [80, -80, 80]
    assert found["margin_low"].tolist()[:3] == [10, -180, 20]
    assert found["margin_high"].tolist()[:3] == [180, -10, 120]
    assert found.iloc[3, 3:].isna().all()


def test_what_was_not_final_by_the_date_is_censored(small_book: CustomerData) -> None:
    """Seen on 1 January and cut on 1 June, 151 days later, with 30 days of grace."""
    spec = cr.RiskSpec.from_dict({"label": {"kind": "contract", "grace": "30D"}})
    when = pd.Timestamp("2025-01-01")
    index = pd.MultiIndex.from_arrays([list("abcdef"), [when] * 5 + [pd.Timestamp("2025-06-01")]])
    index.names = ["account_id", "as_of"]
    y = pd.DataFrame(
        {
            # the end of b on day 121 is final on 31 May, that of c a day later is not
            "duration": pd.array([50, 121, 122, 400, 100, 20], dtype="Int64"),
            "event": pd.array([True, True, True, True, False, True], dtype="boolean"),
        },
        index=index,
    )
    found = _censored(y, small_book, spec, "2025-06-01")
    assert found["duration"].tolist()[:5] == [50, 121, 121, 151, 100]
    assert found["event"].tolist()[:5] == [True, True, False, False, False]
    assert found.iloc[5].isna().all()
    assert _censored(y, small_book, spec, None) is y


def test_ranges_of_a_constant_hazard_by_hand() -> None:
    """A hazard of .01 a day: a tenth has left after ln(.9) / ln(.99) days, nine tenths after ln(.1) / ln(.99)."""

    class Known(LongevityModel):
        def _hazards(self, X: Any) -> np.ndarray:  # noqa: ARG002  # known without looking
            daily = np.array([0.01, 0.001, 0.0])[:, None]
            return 1 - (1 - daily) ** np.diff([0, 30, 90, 360])

    model = Known((30, 90, 360))
    found = model.days_range(pd.DataFrame({"x": [0, 1, 2]}))
    assert found["low"].tolist() == pytest.approx([np.log(0.9) / np.log(0.99), np.log(0.9) / np.log(0.999), 360])
    assert found["high"].tolist() == pytest.approx([np.log(0.1) / np.log(0.99), 360, 360])
    assert months_left(model, pd.DataFrame({"x": [0, 1, 2]}))["months_low"].iloc[2] == pytest.approx(360 * 12 / 365.25)
    with pytest.raises(ValueError, match=r"level=1.0: must lie between 0 and 1"):
        model.days_range(pd.DataFrame({"x": [0]}), 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 4])
def test_ranges_hold_what_came(seed: int) -> None:
    """Learned before a date, four of five accounts leave, or are still there, within the range told then."""
    data = cr.datasets.make_saas(800, 36, seed=seed).data()
    cut = data.end - pd.Timedelta(days=395)
    spec = {"model": {"n_members": 3, "blend": False}, "longevity": {"months": 12}, "test": {"n_bootstrap": 20}}
    pipeline = cr.RiskPipeline(spec).fit(data, until=cut)
    then = cr.Snapshots.at(data, cut, horizon="90D")
    found = months_left(pipeline.longevity_model_, cr.build_features(data, then)) * 365.25 / 12
    came = cr.label_time_to_churn(data, then)
    known = came["duration"].notna().to_numpy()
    days = np.minimum(came["duration"].to_numpy(np.float64, na_value=np.nan), 365)
    inside = (days >= found["months_low"] - 1) & (days <= found["months_high"] + 1)
    share = inside[known].mean()
    assert known.sum() > 200
    assert 0.75 <= share <= 0.97
    # the mean told is the mean that came
    assert found["expected_months"][known].mean() == pytest.approx(days[known].mean(), rel=0.06)
    order = found["expected_months"][known].rank()
    assert pd.Series(days[known], index=order.index).corr(order, method="spearman") > 0.15
