"""What the best accounts have: chance and correction by hand, and too few are refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import false_discovery_control
from sklearn.metrics import roc_auc_score

from csrisk import Reference
from csrisk.exceptions import ExplanationError, NotEnoughDataError
from csrisk.success import best_customers, gap_to_best, what_sets_apart


@pytest.fixture(scope="module")
def frame() -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(0)
    best = pd.Series(np.arange(200) < 60)
    X = pd.DataFrame(rng.standard_normal((200, 20)), columns=[f"noise_{i}" for i in range(20)])
    X["more"] = rng.standard_normal(200) + 1.5 * best
    X["constant"] = 1.0
    X["rare"] = np.where(np.arange(200) < 5, 1.0, np.nan)
    X["plan"] = "starter"
    return X, best


def test_best_is_success_and_stays() -> None:
    quadrant = pd.Series(["success", "success", "let go or recover", None])
    risk = pd.Series([0.1, 0.3, 0.1, 0.1])
    assert best_customers(quadrant, risk, risk_below=0.2).tolist() == [True, False, False, False]
    assert best_customers(quadrant, pd.Series([0.1, 0.3, 0.2, 0.4])).tolist() == [True, False, False, False]


def test_chance_is_the_area_under_the_curve(frame: tuple[pd.DataFrame, pd.Series]) -> None:
    X, best = frame
    table = what_sets_apart(X, best)
    assert table.index[0] == "more"
    assert table.loc["more", "chance"] == pytest.approx(roc_auc_score(best, X["more"]))
    assert table.loc["more", "low"] > 0.5
    assert not {"constant", "rare", "plan"} & set(table.index)


def test_many_comparisons_are_corrected(frame: tuple[pd.DataFrame, pd.Series]) -> None:
    from scipy.stats import mannwhitneyu

    X, best = frame
    table = what_sets_apart(X, best)
    raw = pd.Series({name: mannwhitneyu(X.loc[best, name], X.loc[~best, name]).pvalue for name in table.index})
    np.testing.assert_allclose(table["p_value"], false_discovery_control(raw), rtol=1e-9)
    assert table["stands_out"].sum() == 1


def test_too_few_best_are_refused(frame: tuple[pd.DataFrame, pd.Series]) -> None:
    X, _ = frame
    few = pd.Series(np.arange(200) < 4)
    with pytest.raises(NotEnoughDataError, match=r"best=4 of 200: both sides need at least 10"):
        what_sets_apart(X, few)
    with pytest.raises(NotEnoughDataError, match=r"best=4 of 200: a reference needs at least 10"):
        gap_to_best(None, X, few)


@pytest.mark.parametrize("dtype", ["object", "float64", "boolean"])
def test_who_is_not_known_to_be_best_is_not(frame: tuple[pd.DataFrame, pd.Series], dtype: str) -> None:
    X, best = frame
    unknown = best.astype("boolean").mask(np.arange(200) >= 150)
    mask = unknown.astype(dtype) if dtype != "object" else unknown.astype(object).where(unknown.notna(), np.nan)
    assert len(Reference.best(X, mask).frame) == 60
    pd.testing.assert_frame_equal(what_sets_apart(X, mask), what_sets_apart(X, best))
    pd.testing.assert_frame_equal(what_sets_apart(X, mask.sample(frac=1, random_state=0)), what_sets_apart(X, best))
    with pytest.raises(ValueError, match="best and X have different indexes"):
        what_sets_apart(X, best.set_axis(best.index + 1))
    with pytest.raises(ValueError, match="best: 200 of 200 values are neither true nor false"):
        what_sets_apart(X, best * 1.0 + 0.5)
    with pytest.raises(ExplanationError, match="mask: 1 of 200 values are neither true nor false"):
        Reference.best(X, best.astype(float).where(np.arange(200) > 0, 7.0))


def test_best_knows_quadrant_and_risk_by_their_index() -> None:
    quadrant = pd.Series(["success", "success", "success"], index=list("abc"))
    risk = pd.Series([0.1, 0.9, np.nan], index=list("abc"))
    assert best_customers(quadrant, risk[::-1], risk_below=0.5).to_dict() == {"a": True, "b": False, "c": False}
