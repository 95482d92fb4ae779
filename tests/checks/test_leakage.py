"""Leakage checks: what knows too much is found, by figures worked out by hand, and honest features pass."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from csrisk import CustomerData, Snapshots
from csrisk.checks import check_future_use, check_permutation_null, check_single_feature, check_telling_values
from csrisk.checks._association import clustered_auc, single_auc
from csrisk.exceptions import LeakageWarning


def panel(n_accounts: int = 200, n_dates: int = 5, seed: int = 0) -> tuple[pd.DataFrame, pd.Series]:
    """Honest features and an outcome that two of them tell a little about."""
    rng = np.random.default_rng(seed)
    dates = pd.date_range("2025-01-01", periods=n_dates, freq="MS")
    names = [f"a{n:03d}" for n in range(n_accounts)]
    index = pd.MultiIndex.from_product([names, dates], names=["account_id", "as_of"])
    account = np.repeat(np.arange(n_accounts), n_dates)
    X = pd.DataFrame(
        {
            "active_days_30d": rng.normal(size=n_accounts)[account] + 0.5 * rng.normal(size=len(index)),
            "events_30d": rng.normal(size=len(index)),
            "size": rng.normal(size=n_accounts)[account],
            "plan": pd.Categorical(rng.choice(["free", "team", "firm"], n_accounts)[account]),
        },
        index=index,
    )
    risk = 1 / (1 + np.exp(2 + 0.8 * X["active_days_30d"]))
    return X, (rng.random(len(index)) < risk).astype("boolean")


def test_auc_and_its_error_by_hand() -> None:
    # events 3, 1 against others 2, 0: 3 beats both, 1 beats one of two; area 3 / 4
    auc = clustered_auc(np.array([3.0, 1.0, 2.0, 0.0]), np.array([True, True, False, False]), np.arange(4), 4)
    assert auc.value == 0.75
    # each row beats 1, .5 of the others and .5, 1 of the events: deviations of .25 over two rows, times 4 / 3
    assert auc.error == pytest.approx(np.sqrt(4 * 0.125**2 * 4 / 3))


def test_error_counts_accounts_not_rows() -> None:
    X, y = panel(60, 1)
    event = y.to_numpy(dtype=bool)
    score = X["active_days_30d"].to_numpy()
    once = clustered_auc(score, event, np.arange(60), 60)
    often = clustered_auc(np.tile(score, 5), np.tile(event, 5), np.tile(np.arange(60), 5), 60)
    assert often.value == pytest.approx(once.value)
    assert often.error == pytest.approx(once.error)


def test_error_is_about_the_spread_of_repeated_draws() -> None:
    aucs = []
    for seed in range(60):
        X, y = panel(150, 4, seed)
        account = np.repeat(np.arange(150), 4)
        auc = single_auc(X["active_days_30d"], y.to_numpy(dtype=bool), account, 150)
        assert auc is not None
        aucs.append(auc)
    spread = np.std([auc.value for auc in aucs])
    assert np.mean([auc.error for auc in aucs]) == pytest.approx(spread, rel=0.3)


def test_categories_cannot_learn_from_their_own_account() -> None:
    X, y = panel()
    own = pd.Series(pd.Categorical(X.index.get_level_values(0)), index=X.index)
    auc = single_auc(own, y.to_numpy(dtype=bool), np.repeat(np.arange(200), 5), 200)
    assert auc is not None
    assert auc.value == pytest.approx(0.5, abs=0.02)


def test_honest_features_pass() -> None:
    X, y = panel()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checks = [check_single_feature(X, y), check_telling_values(X, y)]
    assert [check.status for check in checks] == ["passed", "passed"]
    assert "best single AUC" in checks[0].measure
    assert "active_days_30d" in checks[0].measure


def test_too_good_a_feature_fails_with_a_warning() -> None:
    X, y = panel()
    rng = np.random.default_rng(1)
    X["flag"] = (y.to_numpy(dtype=bool) ^ (rng.random(len(X)) < 0.02)).astype(float)
    with pytest.warns(LeakageWarning, match=r"CSR001 .* failed .*flag.*leave the column out"):
        check = check_single_feature(X, y)
    assert check.found == ("flag",)
    assert check.failed


def test_a_feature_far_ahead_of_the_computed_ones_fails() -> None:
    X, y = panel(400)
    rng = np.random.default_rng(1)
    X["own"] = 1.6 * y.to_numpy(dtype=float) + rng.normal(size=len(X))
    with pytest.warns(LeakageWarning, match="CSR001"):
        check = check_single_feature(X, y)
    assert check.found == ("own",)
    assert check_single_feature(X, y, trusted=list(X.columns)).status == "passed"
    assert check_single_feature(X, y, gap=0.3).status == "passed"


def test_an_attribute_written_after_the_outcome_fails() -> None:
    X, y = panel(400)
    # within a row the status tells little of a window to come; over all rows it tells who ever left
    left = y.groupby("account_id").transform("any").astype(bool)
    X["status"] = pd.Categorical(np.where(left, "former", "current"))
    with pytest.warns(LeakageWarning, match="status"):
        assert check_single_feature(X, y).found == ("status",)
    with pytest.warns(LeakageWarning, match=r"CSR002 .* status"):
        assert check_telling_values(X, y).found == ("status",)


def test_a_renewal_date_may_tell_much() -> None:
    X, y = panel(400)
    rng = np.random.default_rng(2)
    X["days_to_renewal"] = np.where(y.to_numpy(dtype=bool), rng.uniform(0, 30, len(X)), rng.uniform(0, 365, len(X)))
    assert check_single_feature(X, y).status == "passed"


def test_values_that_only_churned_accounts_have() -> None:
    X, y = panel(400)
    churned = y.to_numpy(dtype=bool)
    X["days_to_end"] = np.where(churned, 5.0, np.nan)
    with pytest.warns(LeakageWarning, match=r"CSR002 .*1 of 5 features .* days_to_end"):
        check = check_telling_values(X, y)
    assert check.found == ("days_to_end",)
    only_missing_when_churned = X.assign(days_to_end=np.where(churned, np.nan, 5.0))
    with pytest.warns(LeakageWarning, match="days_to_end"):
        assert check_telling_values(only_missing_when_churned, y).failed


def test_missing_outcomes_are_left_out() -> None:
    X, y = panel()
    some = y.mask(np.arange(len(y)) % 3 == 0)
    known = some.notna()
    assert check_single_feature(X, some) == check_single_feature(X[known], some[known])
    assert check_telling_values(X, some) == check_telling_values(X[known], some[known])


def test_too_few_events_are_not_judged() -> None:
    X, _ = panel(20)
    y = pd.Series(np.arange(len(X)) < 8, index=X.index)
    assert check_single_feature(X, y).status == "not applicable"
    assert check_telling_values(X, y).status == "not applicable"


def test_index_must_fit() -> None:
    X, y = panel(20)
    with pytest.raises(ValueError, match=r"y: its index is not that of X \(99 and 100 rows\)"):
        check_single_feature(X, y.iloc[1:])


@pytest.fixture(scope="module")
def used() -> tuple[CustomerData, Snapshots]:
    """Accounts with their own rate of use, that stop at some time."""
    rng = np.random.default_rng(0)
    rows = []
    for n in range(150):
        stop = int(rng.integers(60, 360))
        days = np.flatnonzero(rng.random(stop) < rng.uniform(0.1, 0.8))
        rows += [(f"a{n:03d}", pd.Timestamp("2025-01-01") + pd.Timedelta(days=int(day))) for day in days]
    usage = pd.DataFrame(rows, columns=["account_id", "at"])
    data = CustomerData({"usage": usage}, end="2026-01-01")
    return data, Snapshots.every(data, "MS", horizon=30, eligible="active", look_back=30)


def test_totals_of_the_whole_life_know_the_use_to_come(used: tuple[CustomerData, Snapshots]) -> None:
    data, snapshots = used
    account = snapshots.index.get_level_values(0)
    usage = data.frame("usage")
    rng = np.random.default_rng(1)
    per_account = pd.Series(rng.normal(size=len(data.accounts)), index=data.accounts)
    honest = pd.DataFrame({"size": per_account.reindex(account).to_numpy()}, index=snapshots.index)
    honest["tier"] = pd.Categorical(np.where(honest["size"] > 0, "high", "low"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_future_use(honest, data, snapshots).status == "passed"
    leaky = honest.assign(total=usage.groupby("account_id").size().reindex(account).to_numpy(dtype=float))
    last = usage.groupby("account_id")["at"].max().reindex(account).to_numpy()
    leaky["last_seen"] = (last - np.datetime64("2025-01-01")) / np.timedelta64(1, "D")
    with pytest.warns(LeakageWarning, match=r"CSR003 .* failed"):
        assert set(check_future_use(leaky, data, snapshots).found) == {"total", "last_seen"}


def test_use_up_to_the_snapshot_is_no_leak(used: tuple[CustomerData, Snapshots]) -> None:
    data, snapshots = used
    usage = data.frame("usage")
    days = {name: np.sort(group.to_numpy()) for name, group in usage.groupby("account_id")["at"]}
    past = [np.searchsorted(days[name], np.datetime64(date)) for name, date in snapshots.index]
    X = pd.DataFrame({"so_far": np.array(past, dtype=float)}, index=snapshots.index)
    assert check_future_use(X, data, snapshots).status == "passed"


def test_computed_features_are_not_held_against_use(used: tuple[CustomerData, Snapshots]) -> None:
    data, snapshots = used
    X = pd.DataFrame({"events_30d": 1.0}, index=snapshots.index)
    assert check_future_use(X, data, snapshots).status == "not applicable"


def halves(X: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    late = pd.Series(X.index.get_level_values("as_of") >= "2025-04-01", index=X.index)
    return ~late, late


def test_permutation_null() -> None:
    X, y = panel(200)
    train, test = halves(X)

    def honest(X: pd.DataFrame, y: pd.Series, new: pd.DataFrame) -> np.ndarray:
        slope = np.cov(X["active_days_30d"], y.astype(float))[0, 1]
        return slope * new["active_days_30d"].to_numpy()

    check = check_permutation_null(honest, X, y, train=train, test=test)
    assert check.status == "passed"
    assert check.measure.count("0.") >= 2

    seen: dict[str, pd.Series] = {}

    def cheat(X: pd.DataFrame, y: pd.Series, new: pd.DataFrame) -> np.ndarray:
        # what an encoding fitted before the split would do: look up the outcome of the rows that are tested
        return seen["y"].loc[new.index].to_numpy(dtype=float)

    from csrisk.checks import _null

    original = _null._shuffled

    def remember(*arguments: object) -> pd.Series:
        seen["y"] = original(*arguments)  # type: ignore[arg-type]
        return seen["y"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_null, "_shuffled", remember)
        with pytest.warns(LeakageWarning, match="CSR004"):
            assert check_permutation_null(cheat, X, y, train=train, test=test).failed
    few = check_permutation_null(honest, X, y.mask(y & (np.arange(len(y)) % 12 > 0)), train=train, test=test)
    assert few.status == "not applicable"


def test_shuffling_keeps_dates_and_gaps() -> None:
    from csrisk.checks._null import _dates, _shuffled

    _, y = panel(50)
    y = y.mask(np.arange(len(y)) % 7 == 0)
    mixed = _shuffled(y, _dates(y.index), np.random.default_rng(0))
    assert mixed.isna().equals(y.isna())
    assert mixed.groupby("as_of").sum().equals(y.groupby("as_of").sum())
    assert not mixed.equals(y)
