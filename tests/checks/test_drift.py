"""Drift checks: false alarms stay rare in small books, and drift that is planted is named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from csrisk.checks import check_base_rate, check_calibration, check_drift, check_drift_classifier


def frame(n: int, seed: int, shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 6)), columns=list("abcdef"))
    X["a"] += shift
    X["count"] = rng.poisson(2, n).astype(float)
    X["gaps"] = np.where(rng.random(n) < 0.4, np.nan, rng.normal(size=n))
    X["plan"] = pd.Categorical(rng.choice(["free", "team", "firm"], n, p=[0.5, 0.3, 0.2]))
    return X


def ageing(n_accounts: int = 150, n_dates: int = 13, seed: int = 0) -> pd.DataFrame:
    """A book whose tenure grows every month, and nothing else changes."""
    rng = np.random.default_rng(seed)
    dates = pd.date_range("2025-01-01", periods=n_dates, freq="MS")
    names = [f"a{n}" for n in range(n_accounts)]
    index = pd.MultiIndex.from_product([names, dates], names=["account_id", "as_of"])
    tenure = np.repeat(rng.uniform(0, 400, n_accounts), n_dates) + np.tile(30.0 * np.arange(n_dates), n_accounts)
    return pd.DataFrame({"tenure_days": tenure, "logins": rng.normal(size=len(index))}, index=index)


def test_false_alarms_stay_rare_in_small_books() -> None:
    # a plain PSI above .1 fires in most of these
    failed = sum(
        check_drift(frame(100, seed), frame(100, 1000 + seed), n_permutations=100).failed for seed in range(60)
    )
    assert failed <= 3


def test_drift_of_one_feature_is_named() -> None:
    check = check_drift(frame(300, 0), frame(300, 1, shift=1.0))
    assert check.failed
    assert check.found == ("a",)
    assert "furthest is a with PSI" in check.measure


@pytest.mark.parametrize("change", ["missing", "category"])
def test_other_kinds_of_drift(change: str) -> None:
    new = frame(300, 1)
    if change == "missing":
        new["b"] = np.nan
        expected = "b"
    else:
        new["plan"] = "firm"
        expected = "plan"
    assert check_drift(frame(300, 0), new).found == (expected,)


def test_a_book_that_ages_is_no_alarm_but_a_jump_is() -> None:
    X = ageing()
    dates = X.index.get_level_values("as_of")
    train, new = X[dates <= "2025-09-01"], X[dates == "2026-01-01"]
    assert not check_drift(train, new).failed
    assert not check_drift_classifier(train, new).failed
    moved = new.assign(logins=new["logins"] + 1.5)
    assert check_drift(train, moved).found == ("logins",)


def test_a_book_that_ages_for_longer_than_it_was_learned_from_is_no_alarm_but_a_jump_is() -> None:
    X = ageing()
    dates = X.index.get_level_values("as_of")
    train, new = X[dates <= "2025-06-01"], X[dates == "2026-01-01"]
    check = check_drift(train, new)
    assert not check.failed, str(check)
    assert check_drift(train, new.assign(logins=new["logins"] + 1.5)).found == ("logins",)
    # once is not steady: what moved between two of the training dates alone is not expected to move on
    once = train["logins"].where(train.index.get_level_values("as_of") > "2025-01-01", train["logins"] + 1.0)
    assert check_drift(train.assign(logins=once), new.assign(logins=new["logins"] + 2.0)).found == ("logins",)


def test_drift_of_what_goes_together_is_seen_by_the_classifier() -> None:
    rng = np.random.default_rng(0)
    old, new = (pd.DataFrame({"a": rng.normal(size=600)}) for _ in range(2))
    old["b"] = old["a"] + 0.3 * rng.normal(size=600)
    new["b"] = -new["a"] + 0.3 * rng.normal(size=600)
    assert not check_drift(old, new).failed
    assert check_drift_classifier(old, new).failed
    assert not check_drift_classifier(frame(300, 0), frame(300, 1)).failed


def test_columns_without_any_value_are_no_drift() -> None:
    old, new = (frame(100, seed).assign(nothing=np.nan) for seed in (0, 1))
    assert not check_drift(old, new).failed
    assert not check_drift_classifier(old, new).failed


def test_small_sides_are_not_judged() -> None:
    for check in (check_drift(frame(300, 0), frame(49, 1)), check_drift_classifier(frame(300, 0), frame(49, 1))):
        assert check.status == "not applicable"
        assert "300 and 49 accounts; 50 on both sides are needed" in check.measure


def outcomes(n: int, rate: float, seed: int) -> pd.Series:
    return pd.Series(np.random.default_rng(seed).random(n) < rate)


def test_base_rate() -> None:
    assert check_base_rate(outcomes(4000, 0.1, 0), outcomes(2000, 0.1, 1)).status == "passed"
    check = check_base_rate(outcomes(4000, 0.1, 0), outcomes(2000, 0.2, 1))
    assert check.failed
    assert "10." in check.measure
    # a large ratio from few events is chance
    assert check_base_rate(outcomes(300, 0.1, 0), outcomes(100, 0.16, 1)).status == "passed"
    assert check_base_rate(outcomes(300, 0.1, 0), outcomes(50, 0.1, 1)).status == "not applicable"


def test_base_rate_counts_accounts_not_rows() -> None:
    def often(y: pd.Series, name: str) -> pd.Series:
        index = pd.MultiIndex.from_product([[f"{name}{n}" for n in y.index], range(20)], names=["account_id", "as_of"])
        return pd.Series(np.repeat(y.to_numpy(), 20), index=index)

    old, new = outcomes(150, 0.15, 0), outcomes(150, 0.25, 3)
    assert check_base_rate(old, new).status == "passed"
    assert check_base_rate(often(old, "a"), often(new, "b")).status == "passed"


def predicted(n: int, seed: int) -> tuple[np.ndarray, pd.Series]:
    rng = np.random.default_rng(seed)
    risk = 1 / (1 + np.exp(2 - 1.2 * rng.normal(size=n)))
    return risk, pd.Series(rng.random(n) < risk)


def test_calibration() -> None:
    risk, y = predicted(3000, 0)
    good = check_calibration(y, risk)
    assert good.status == "passed"
    assert good.measure.startswith("slope 1.0") or good.measure.startswith("slope 0.9")
    odds = np.log(risk / (1 - risk))
    assert check_calibration(y, 1 / (1 + np.exp(-2 * odds))).failed, "twice too sure"
    assert check_calibration(y, 1 / (1 + np.exp(-odds - 0.8))).failed, "too high throughout"
    assert check_calibration(y[:60], risk[:60]).status == "not applicable"
    with pytest.raises(ValueError, match="risk: 2999 values for 3000 outcomes"):
        check_calibration(y, risk[1:])
    with pytest.raises(ValueError, match="risk: 1 of 3000 rows with an outcome have none"):
        check_calibration(y, np.where(np.arange(3000) == 7, np.nan, risk))


def test_calibration_of_true_risks_seldom_fails() -> None:
    failed = sum(check_calibration(*reversed(predicted(400, seed))).failed for seed in range(100))
    assert failed <= 4
