"""The score table: one schema in code, file and documentation; the interval is that of the forward test."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet
from scipy.special import expit

from csrisk._pipeline._band import RiskBand
from csrisk.exceptions import ConfigError, ModelFileError
from csrisk.pipeline import LONGEVITY_COLUMNS, SCORE_COLUMNS, SCORES_SCHEMA, read_scores, write_scores

if TYPE_CHECKING:
    import csrisk as cr
    from csrisk.data import CustomerData

DOCS = Path(__file__).resolve().parents[2] / "docs" / "guides" / "scores.md"


@pytest.fixture(scope="module")
def scores(quick: cr.RiskPipeline, small_book: CustomerData) -> pd.DataFrame:
    return quick.score(small_book)


def test_documentation_lists_every_column() -> None:
    rows = [f"| `{c.name}` | {c.kind} | {c.meaning} | {c.null} |" for c in (*SCORE_COLUMNS, *LONGEVITY_COLUMNS)]
    text = DOCS.read_text(encoding="utf-8")
    assert [row for row in text.splitlines() if row.startswith("| `")] == rows
    assert f"This is version {SCORES_SCHEMA} of its schema" in text


def test_frame_and_file_follow_the_schema(scores: pd.DataFrame, tmp_path: Path) -> None:
    assert [*scores.index.names, *scores.columns] == [column.name for column in SCORE_COLUMNS]
    schema = parquet.read_schema(write_scores(tmp_path / "s.parquet", scores))
    assert schema.names == [column.name for column in SCORE_COLUMNS]
    kinds = {"key": "string", "date": "timestamp[us]", "whole": "int64", "number": "double", "text": "string"}
    for column in SCORE_COLUMNS:
        field = schema.field(column.name)
        assert (str(field.type), field.nullable) == (kinds[column.kind], bool(column.null))
        assert field.metadata[b"meaning"].decode() == column.meaning
    assert schema.metadata[b"csrisk scores"] == str(SCORES_SCHEMA).encode()
    checks = json.loads(schema.metadata[b"csrisk checks"])
    assert checks == scores.attrs["checks"]
    codes = [check["code"] for check in checks]
    assert codes == [f"CSM{n:03}" for n in (1, 6, 7, 8, 9, 10, 11, 12, 13)]
    back = pd.read_parquet(tmp_path / "s.parquet")
    for column in SCORE_COLUMNS:
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


def test_the_band_holds_what_came() -> None:
    """Risks told right: the band of a told risk holds the true share in about 95 of 100 forward tests."""
    chance, held, told = np.random.default_rng(0), 0, np.array([0.1, 0.3])
    for _ in range(100):
        risk = expit(chance.normal(-1.5, 1, 400))
        index = pd.MultiIndex.from_arrays(
            [range(400), [pd.Timestamp("2025-01-01")] * 400], names=["account_id", "as_of"]
        )
        came = pd.Series((chance.random(400) < risk).astype(float), index)
        band = RiskBand.fit(came, pd.Series(risk, index))
        assert band is not None
        low, high = band.bounds(told)
        held += bool(((low <= told) & (told <= high)).all())
    assert held >= 88


def test_the_band_of_risks_told_wrong_is_not_stretched_to_hold_them() -> None:
    """Twice the share that was told came: the band is about what came, and leaves the told risk out."""
    chance = np.random.default_rng(1)
    risk = np.full(2000, 0.1) * np.exp(chance.normal(0, 0.3, 2000))
    index = one_date(2000)
    band = RiskBand.fit(pd.Series((chance.random(2000) < 2 * risk).astype(float), index), pd.Series(risk, index))
    assert band is not None
    low, high = band.bounds(np.array([0.1]))
    assert 0.1 < low[0] < high[0] < 0.25
    assert high[0] > 0.2


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
