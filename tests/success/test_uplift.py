"""Uplift: qini by hand, known effects found, and choice is no effect."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk.exceptions import ConfigError, DataWarning, NotEnoughDataError
from csrisk.success import UpliftModel, evaluate_uplift, qini_curve, treated_snapshots


def _trial(n: int = 3000, seed: int = 0) -> tuple[pd.DataFrame, pd.Series, pd.Series, pd.Series]:
    """Churn .3; the play keeps .2 x a for a in (-1, 1)."""
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_arrays(
        [
            [f"a{i % (n // 2)}" for i in range(n)],
            pd.to_datetime("2025-01-01") + pd.to_timedelta(np.arange(n) // (n // 2), "D"),
        ],
        names=["account_id", "as_of"],
    )
    a = pd.Series(rng.uniform(-1, 1, n), index)
    treated = pd.Series(rng.random(n) < 0.5, index)
    y = pd.Series(rng.random(n) < 0.3 - 0.2 * a * treated, index)
    X = pd.DataFrame({"a": a, "noise": rng.standard_normal(n), "plan": rng.choice(["x", "y"], n)}, index=index)
    return X, y.astype("boolean"), treated, 0.2 * a


def test_qini_by_hand() -> None:
    """Ranked: treated stays, other leaves, treated leaves, other leaves. Saved among the first k, per account of 4:
    k=1: no other, 0; k=2: 1/1 x 1 - 0 = 1; k=3: 1/1 x 2 - 1 = 1; k=4: 2/2 x 2 - 1 = 1."""
    score, y = pd.Series([4.0, 3.0, 2.0, 1.0]), pd.Series([0, 1, 1, 1])
    treated = pd.Series([True, False, True, False])
    curve = qini_curve(score, y, treated)
    assert curve["saved"].tolist() == [0, 0, 1 / 4, 1 / 4, 1 / 4]
    assert curve["random"].tolist() == [0, 1 / 16, 2 / 16, 3 / 16, 4 / 16]
    table = evaluate_uplift(score, y, treated, n_bootstrap=5)
    assert table.loc["auuc", "estimate"] == pytest.approx(3 / 4 / 5)
    assert table.loc["qini", "estimate"] == pytest.approx(3 / 4 / 5 - 1 / 8)
    assert table.loc["effect", "estimate"] == pytest.approx(1 - 1 / 2)
    assert table.loc[["n_treated", "n_other", "n_events"], "estimate"].tolist() == [2, 2, 3]


@pytest.mark.parametrize("method", ["x", "t", "dr"])
def test_learners_find_a_known_effect(method: str) -> None:
    X, y, treated, effect = _trial()
    half = np.arange(len(X)) % 2 == 0
    model = UpliftModel(method).fit(X[half], y[half], treated[half])  # type: ignore[arg-type]
    found = model.predict(X[~half])
    assert np.corrcoef(found, effect[~half])[0, 1] > 0.6
    assert found[effect[~half] > 0.1].mean() > 0 > found[effect[~half] < -0.1].mean()
    table = evaluate_uplift(found, y[~half], treated[~half], n_bootstrap=100)
    assert table.loc["qini", "low"] > 0


def test_the_true_effect_ranks_better_than_chance_and_risk_does_not_help() -> None:
    X, y, treated, effect = _trial(6000)
    assert evaluate_uplift(effect, y, treated, n_bootstrap=50).loc["qini", "low"] > 0
    noise = evaluate_uplift(X["noise"], y, treated, n_bootstrap=50).loc["qini"]
    assert noise["low"] < 0 < noise["high"]


def test_same_seed_same_model() -> None:
    X, y, treated, _ = _trial(1000)
    first, second = (UpliftModel().fit(X, y, treated).predict(X) for _ in range(2))
    pd.testing.assert_series_equal(first, second)


def test_what_cannot_be_learned_is_refused() -> None:
    X, y, treated, _ = _trial(400)
    with pytest.raises(ConfigError, match=r"method='s' must be 'dr', 't' or 'x'"):
        UpliftModel("s").fit(X, y, treated)  # type: ignore[arg-type]
    with pytest.raises(NotEnoughDataError, match=r"events=0 among the treated and \d+ among the others: at least 20"):
        UpliftModel().fit(X, y & ~treated, treated)
    with pytest.raises(NotEnoughDataError, match=r"0 of 400 rows are treated; both sides are needed"):
        evaluate_uplift(X["a"], y, treated & False)


def _treatments(**change: object) -> cr.CustomerData:
    rows = pd.DataFrame(
        {
            "account_id": ["a", "b", "a"],
            "at": pd.to_datetime(["2025-02-01", "2025-02-01", "2025-05-01"]),
            "play": ["call", "control", "call"],
            "assigned_at_random": [True, True, True],
        }
    ).assign(**change)
    usage = pd.DataFrame({"account_id": ["a", "b"], "at": pd.to_datetime(["2025-01-01", "2025-06-02"])})
    return cr.CustomerData({"usage": usage, "treatments": rows}, end="2025-07-01")


def test_snapshots_of_a_campaign() -> None:
    snapshots, treated = treated_snapshots(_treatments(), "call", horizon="30D")
    assert snapshots.index.get_level_values("account_id").tolist() == ["a", "a", "b"]
    assert treated.tolist() == [True, True, False]


def test_treatment_by_choice_tells_no_effect(small_book: cr.CustomerData) -> None:
    with pytest.raises(NotEnoughDataError, match=r"play='call': 1 of 3 rows were not assigned at random.*randomised"):
        treated_snapshots(_treatments(assigned_at_random=[True, True, False]), "call", horizon=30)
    with pytest.warns(DataWarning, match=r"1 of 3 rows were not assigned at random.*look at overlap\(\) before"):
        _, treated = treated_snapshots(
            _treatments(assigned_at_random=[True, True, False]), "call", horizon=30, by_choice="warn"
        )
    assert treated.tolist() == [True, True, False]
    with pytest.raises(ConfigError, match=r"by_choice='maybe' must be 'refuse' or 'warn'"):
        treated_snapshots(_treatments(), "call", horizon=30, by_choice="maybe")  # type: ignore[arg-type]
    with pytest.raises(NotEnoughDataError, match=r"play='call': 3 treated and 0 'control' rows; both are needed"):
        treated_snapshots(_treatments(play="call"), "call", horizon=30)
    usage = pd.DataFrame({"account_id": ["a", "b"], "at": pd.to_datetime(["2025-01-01", "2025-06-02"])})
    with pytest.raises(NotEnoughDataError, match=r"no treatments with a play"):
        treated_snapshots(cr.CustomerData({"usage": usage}, end="2025-07-01"), "call", horizon=30)


@pytest.mark.slow
def test_uplift_saves_more_than_risk_at_equal_capacity(capsys: pytest.CaptureFixture[str]) -> None:
    """A fifth of the book can be called. By true effects, calling by uplift keeps more revenue than calling by risk."""
    book = cr.datasets.make_saas(1500, 30, seed=1, monthly_churn=0.03, treatment_effect=1.5)
    data, today = book.data(), pd.Timestamp("2025-12-01")
    drawn, treated = treated_snapshots(data, "success_call", horizon="120D")
    X, y = cr.build_features(data, drawn), cr.label_churn(data, drawn)
    past = X.index.get_level_values("as_of") + pd.Timedelta(days=120) <= today
    uplift = UpliftModel().fit(X[past], y[past], treated[past])
    calm = past & ~treated.to_numpy()
    risk = cr.ChurnModel(random_state=0).fit(X[calm], y[calm])
    now = cr.build_features(data, cr.Snapshots.at(data, today))
    mrr = now["mrr"].fillna(0).to_numpy()
    effect = book.truth.call_effect(today).reindex(now.index.get_level_values("account_id"))
    gain = effect.fillna(0).to_numpy() * mrr
    k = len(now) // 5

    def saved(score: np.ndarray) -> float:
        return float(gain[np.argsort(-score)[:k]].sum())

    by_uplift = saved(uplift.predict(now).to_numpy() * mrr)
    by_risk = saved(risk.predict_proba(now)[:, 1] * mrr)
    with capsys.disabled():
        print(f"\nsaved revenue per month: uplift {by_uplift:,.0f}, risk {by_risk:,.0f}, random {gain.mean() * k:,.0f}")
    assert by_uplift > max(by_risk, gain.mean() * k, 0)


def test_a_resample_without_anybody_treated_is_left_out_in_silence() -> None:
    """One of eight is treated: a resample misses it in (7 / 8)^8 = 34 of 100 draws, where nothing is divided by it."""
    index = pd.RangeIndex(8)
    score, treated = pd.Series(range(8), index), pd.Series(index == 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        table = evaluate_uplift(score, pd.Series(index % 2), treated, n_bootstrap=40)
    assert table.loc["qini_per_treated", "estimate"] == pytest.approx(8 * table.loc["qini", "estimate"])
