"""The score table: one schema in code, file and documentation; the interval is that of the forward test."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet
from scipy.special import expit, logit

from csrisk._pipeline._learning._band import RiskBand
from csrisk.exceptions import ConfigError, ModelFileError
from csrisk.pipeline import (
    EXPANSION_COLUMNS,
    LONGEVITY_COLUMNS,
    SCORE_COLUMNS,
    SCORES_SCHEMA,
    read_scores,
    write_scores,
)

if TYPE_CHECKING:
    import csrisk as cr
    from csrisk.data import CustomerData

DOCS = Path(__file__).resolve().parents[2] / "docs" / "guides" / "scores.md"


@pytest.fixture(scope="module")
def scores(quick: cr.RiskPipeline, small_book: CustomerData) -> pd.DataFrame:
    return quick.score(small_book)


def test_documentation_lists_every_column() -> None:
    declared = (*SCORE_COLUMNS, *EXPANSION_COLUMNS, *LONGEVITY_COLUMNS)
    rows = [f"| `{c.name}` | {c.kind} | {c.meaning} | {c.null} |" for c in declared]
    text = DOCS.read_text(encoding="utf-8")
    assert [row for row in text.splitlines() if row.startswith("| `")] == rows
    assert f"This is version {SCORES_SCHEMA} of its schema" in text


def test_frame_and_file_follow_the_schema(scores: pd.DataFrame, tmp_path: Path) -> None:
    names = [column.name for column in (*SCORE_COLUMNS, *EXPANSION_COLUMNS)]
    assert [*scores.index.names, *scores.columns] == names
    schema = parquet.read_schema(write_scores(tmp_path / "s.parquet", scores))
    assert schema.names == names
    kinds = {"key": "string", "date": "timestamp[us]", "whole": "int64", "number": "double", "text": "string"}
    for column in (*SCORE_COLUMNS, *EXPANSION_COLUMNS):
        field = schema.field(column.name)
        assert (str(field.type), field.nullable) == (kinds[column.kind], bool(column.null))
        assert field.metadata[b"meaning"].decode() == column.meaning
    assert schema.metadata[b"csrisk scores"] == str(SCORES_SCHEMA).encode()
    checks = json.loads(schema.metadata[b"csrisk checks"])
    assert checks == scores.attrs["checks"]
    codes = [check["code"] for check in checks]
    assert codes == [f"CSM{n:03}" for n in (1, 6, 7, 8, 9, 10, 11, 12, 13)]
    back = pd.read_parquet(tmp_path / "s.parquet")
    for column in (*SCORE_COLUMNS, *EXPANSION_COLUMNS):
        if not column.null:
            assert back[column.name].notna().all(), column.name


def test_types_do_not_depend_on_what_is_missing(scores: pd.DataFrame, tmp_path: Path) -> None:
    bare = scores.assign(quadrant=None, reason_1=None, expected_mrr_change=np.nan)
    one, other = (parquet.read_schema(write_scores(tmp_path / f"{n}.parquet", s)) for n, s in enumerate((scores, bare)))
    assert one == other


def test_same_input_same_bytes(quick: cr.RiskPipeline, small_book: CustomerData, tmp_path: Path) -> None:
    digests = set()
    for name in ("one", "two"):
        path = write_scores(tmp_path / f"{name}.parquet", quick.score(small_book, small_book.end))
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_what_is_expected_of_revenue(quick: cr.RiskPipeline, scores: pd.DataFrame) -> None:
    """Growth less shrinkage less what churn takes, where revenue is known; no account loses more than all."""
    assert quick.amounts_ is not None
    known = scores["mrr"].notna()
    assert known.any()
    assert (scores.loc[known, "expected_mrr_change"] >= -scores.loc[known, "mrr"] - 1e-9).all()
    lost = -scores.loc[known, "expected_mrr_change"] - scores.loc[known, "mrr_at_risk"]
    assert np.isfinite(lost).all()


def test_predict_gives_what_score_gives(quick: cr.RiskPipeline, scores: pd.DataFrame, small_book: CustomerData) -> None:
    why = quick.explain(small_book)
    told = quick.predict(why.background.values)
    for name in ("churn_low", "churn_high", "expansion_probability", "expected_mrr_change"):
        np.testing.assert_allclose(told[name].loc[scores.index], scores[name], rtol=0, atol=1e-12)
    np.testing.assert_allclose(told["churn_probability"].loc[scores.index], scores["churn_probability"], atol=1e-12)


def test_the_quadrant_is_named_or_unknown(scores: pd.DataFrame) -> None:
    from csrisk.success import QUADRANTS

    assert set(scores["quadrant"].dropna()) <= set(QUADRANTS)


def one_date(n: int) -> pd.MultiIndex:
    return pd.MultiIndex.from_product([range(n), [pd.Timestamp("2025-01-01")]], names=["account_id", "as_of"])


def test_the_band_holds_what_comes_of_the_next_book() -> None:
    """Log-odds off by an error of sd .4, of which a quarter lasts: the band holds the next share 19 times of 20."""
    chance, held, told = np.random.default_rng(0), 0, np.array([0.1, 0.3])
    for _ in range(200):
        margin, index = chance.normal(-1.5, 1, 400), one_date(400)
        tested = chance.normal(0, 0.4)
        later = 0.25 * tested + chance.normal(0, 0.4 * np.sqrt(0.9375))
        came = pd.Series((chance.random(400) < expit(margin + tested)).astype(float), index)
        band = RiskBand.fit(came, pd.Series(expit(margin), index))
        assert band is not None
        low, high = band.bounds(told)
        share = expit(logit(told) + later)
        held += int(((low <= share) & (share <= high)).sum())
    assert 0.92 <= held / 400 <= 0.99


@given(st.floats(-2, 2), st.floats(0.2, 3), st.floats(0, 1), st.floats(0, 1), st.floats(0.0001, 0.9999))
def test_the_told_risk_lies_in_its_band(shift: float, slope: float, spread: float, tilt: float, risk: float) -> None:
    low, high = RiskBand(shift, slope, 0.0, spread, 0.0, tilt).bounds(np.array([risk]))
    assert low[0] < risk < high[0]


def test_a_quarter_of_what_was_surely_found_is_carried() -> None:
    """The test says for sure that odds are 16-fold: twofold are carried, within .968 of the offset."""
    low, high = RiskBand(np.log(16), 1.0, 0.0, 0.0, 0.0, 0.0).bounds(np.array([0.1]))
    half = 1.959963984540054 * np.log(16) * np.sqrt(0.9375)
    assert logit([low[0], high[0]]) == pytest.approx([np.log(2 / 9) - half, np.log(2 / 9) + half])


def test_too_few_events_give_no_band() -> None:
    index = one_date(50)
    assert RiskBand.fit(pd.Series([1.0] * 9 + [0.0] * 41, index), pd.Series(np.linspace(0.1, 0.5, 50), index)) is None


@pytest.mark.parametrize("values", [{"slope": 1}, {"intercept": "x"}, {**dict.fromkeys("ab", 1.0)}])
def test_a_band_that_breaks_its_rules_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ModelFileError, match="band"):
        RiskBand.from_dict(values)


def test_history_keeps_the_scores_of_one_model(scores: pd.DataFrame, tmp_path: Path) -> None:
    other = scores.assign(model_id="another")
    earlier = scores.rename(index={scores.index[0][1]: pd.Timestamp("2025-06-01")}, level="as_of")
    for name, table in {"1": earlier, "2": other, "3": scores}.items():
        write_scores(tmp_path / f"{name}.parquet", table)
    own = read_scores(tmp_path, scores["model_id"].iloc[0])
    assert len(own) == 2 * len(scores)
    assert len(read_scores(tmp_path)) == 2 * len(scores)
    assert own["churn_probability"].loc[scores.index].tolist() == scores["churn_probability"].tolist()
    assert len(read_scores(tmp_path, "nobody")) == 0
    with pytest.raises(ConfigError, match=r"columns \['model_id'\] are missing"):
        read_scores(scores.drop(columns="model_id"))
    with pytest.raises(ConfigError, match="neither a score file nor a folder"):
        read_scores(tmp_path / "absent")
