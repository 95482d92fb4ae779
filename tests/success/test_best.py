from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import false_discovery_control
from sklearn.metrics import roc_auc_score

from csrisk.exceptions import NotEnoughDataError
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
