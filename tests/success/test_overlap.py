"""Overlap of treated and untreated: propensity and balance by hand, and choice is seen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from csrisk.exceptions import ConfigError, NotEnoughDataError
from csrisk.success import UpliftModel, covariate_balance, overlap, propensity


def _chosen(n: int = 4000, seed: int = 0, strength: float = 1.5) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Who is in trouble is called more often; a call keeps .1 of everybody, trouble loses .3."""
    rng = np.random.default_rng(seed)
    trouble = rng.standard_normal(n)
    treated = rng.random(n) < 1 / (1 + np.exp(-strength * trouble))
    y = rng.random(n) < np.clip(0.4 + 0.15 * trouble - 0.1 * treated, 0.02, 0.98)
    X = pd.DataFrame({"trouble": trouble, "noise": rng.standard_normal(n), "plan": rng.choice(["x", "y"], n)})
    return X, pd.Series(y).astype("boolean"), pd.Series(treated)


def test_chance_shows_full_overlap_and_choice_does_not() -> None:
    X, _, chosen = _chosen()
    drawn = pd.Series(np.random.default_rng(1).random(len(X)) < 0.5)
    by_chance, by_choice = (overlap(X, side, n_bootstrap=50)["estimate"] for side in (drawn, chosen))
    auc = overlap(X, drawn, n_bootstrap=50).loc["propensity_auc"]
    assert auc["low"] - 0.02 < 0.5 < auc["high"] + 0.02
    assert by_chance["outside"] == 0
    assert by_chance["unbalanced"] == 0
    assert by_choice["propensity_auc"] > 0.75
    assert by_choice["outside"] > 0.1
    assert by_choice["unbalanced"] == 1
    assert by_choice["effective_treated"] < 0.9 * by_choice["n_treated"]
    assert by_chance["effective_treated"] == pytest.approx(by_chance["n_treated"], rel=0.01)


def test_propensity_is_right() -> None:
    X, _, chosen = _chosen()
    found = propensity(X, chosen)
    truth = 1 / (1 + np.exp(-1.5 * X["trouble"]))
    assert np.abs(found - truth).mean() < 0.03


def test_balance_by_hand() -> None:
    """Means 6 and 2, variances 2 and 2, so 4 / sqrt(2); a constant has no difference to speak of."""
    X = pd.DataFrame({"seats": [1.0, 3.0, 5.0, 7.0], "same": 1.0})
    table = covariate_balance(X, pd.Series([False, False, True, True]))
    assert table.index.tolist() == ["seats"]
    assert table.loc["seats", "difference"] == pytest.approx(4 / np.sqrt(2))
    assert table.loc["seats", ["n_treated", "n_other"]].tolist() == [2, 2]


def test_estimated_propensity_takes_the_choice_out_of_the_effect() -> None:
    """The called leave more often although each call keeps .1: the plain difference has the wrong sign."""
    X, y, chosen = _chosen()
    plain = y[chosen].astype(float).mean() - y[~chosen].astype(float).mean()
    assert plain > 0
    corrected = UpliftModel("dr", propensity="estimated").fit(X, y, chosen).predict(X).mean()
    assert corrected == pytest.approx(0.1, abs=0.05)


def test_what_makes_no_sense_is_refused() -> None:
    X, y, chosen = _chosen(200)
    with pytest.raises(ConfigError, match=r"propensity='x' must be 'known' or 'estimated'"):
        UpliftModel(propensity="x").fit(X, y, chosen)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"the latter with method='dr'"):
        UpliftModel("t", propensity="estimated").fit(X, y, chosen)
    with pytest.raises(NotEnoughDataError, match=r"10 of 200 rows are treated; at least 20 of either side"):
        overlap(X, pd.Series(np.arange(200) < 10))
