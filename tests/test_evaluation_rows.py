"""One reader of rows: neither the order of rows and levels nor ties decide a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csrisk.evaluation import (
    Offer,
    calibration_curve,
    capacity_curve,
    compare,
    cost_curve,
    evaluate_scores,
    evaluate_survival,
    expected_loss,
    expected_maximum_profit,
    profit_curve,
)
from csrisk.exceptions import DataWarning
from csrisk.success import evaluate_uplift, health_quality, qini_curve

if TYPE_CHECKING:
    from collections.abc import Callable

FEW: dict[str, Any] = {"n_bootstrap": 8}
EMPC: dict[str, Any] = {"offer": Offer(value=200.0, incentive=10.0, contact_cost=1.0, save_rate=(6.0, 14.0))}
MEASURES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "evaluate_scores": lambda f: evaluate_scores(f["y"], f["risk"], probability=True, **FEW),
    "compare": lambda f: compare(f["y"], f["risk"], f["value"], **FEW),
    "calibration_curve": lambda f: calibration_curve(f["y"], f["risk"], n_bins=4, **FEW),
    "capacity_curve": lambda f: capacity_curve(f["y"], f["risk"], **FEW),
    "expected_loss": lambda f: expected_loss(f["y"], f["risk"], f["value"], **FEW),
    "profit_curve": lambda f: profit_curve(f["y"], f["risk"], value=f["value"], cost=1, save_rate=0.3, **FEW),
    "expected_maximum_profit": lambda f: expected_maximum_profit(f["y"], f["risk"], **EMPC, **FEW),
    "cost_curve": lambda f: cost_curve(f["y"], f["risk"], miss_cost=3, contact_cost=1, **FEW),
    "evaluate_survival": lambda f: evaluate_survival(
        pd.DataFrame({"duration": f["value"], "event": f["y"]}).dropna(), survival(f), **FEW
    ),
    "evaluate_uplift": lambda f: evaluate_uplift(f["risk"], f["y"], f["treated"], **FEW),
    "qini_curve": lambda f: qini_curve(f["risk"], f["y"], f["treated"]),
    "health_quality": lambda f: health_quality(100 * f["risk"], f["y"], **FEW),
}


def survival(frame: pd.DataFrame) -> pd.DataFrame:
    return (1 - frame.loc[frame["y"].notna(), ["risk"]]).set_axis([3.0], axis=1)


def book(seed: int, *, levels: int, accounts: bool) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = 48
    frame = pd.DataFrame(
        {
            "risk": rng.integers(0, levels, n) / 10,
            "y": np.r_[0.0, 1.0, np.nan, rng.integers(0, 2, n - 3)],
            "treated": rng.random(n) < 0.5,
            "value": rng.integers(1, 8, n) * 1.0,
        }
    )
    frame.loc[:3, "treated"] = [True, False, True, False]
    frame.loc[[0, 1], "value"] = 7.0
    if accounts:
        dates = pd.date_range("2025-01-01", periods=4, freq="MS")
        frame.index = pd.MultiIndex.from_product(
            [[f"a{i:02}" for i in range(12)], dates], names=["account_id", "as_of"]
        )
    return frame


@settings(deadline=None, max_examples=6)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 3, 10]), st.booleans())
def test_the_order_of_rows_changes_no_figure(seed, levels, accounts):
    frame = book(seed, levels=levels, accounts=accounts)
    order = np.random.default_rng(seed).permutation(len(frame))
    sorted_by_outcome = np.argsort(frame["y"].to_numpy(), kind="stable")
    for name, measure in MEASURES.items():
        want = measure(frame)
        for rows in (order, sorted_by_outcome, sorted_by_outcome[::-1]):
            pd.testing.assert_frame_equal(measure(frame.iloc[rows]), want, obj=name, rtol=1e-9, atol=1e-12)


PAIRS: dict[str, Callable[..., pd.DataFrame]] = {
    "scores": lambda f, s: evaluate_scores(f["y"], s, probability=True, **FEW),
    "first": lambda f, s: compare(f["y"], s, f["value"], **FEW),
    "second": lambda f, s: compare(f["y"], f["value"], s, **FEW),
    "risk": lambda f, s: calibration_curve(f["y"], s, n_bins=3, **FEW),
    "scores of the curve": lambda f, s: capacity_curve(f["y"], s, **FEW),
    "risk at a loss": lambda f, s: expected_loss(f["y"], s, f["value"], **FEW),
    "value": lambda f, s: expected_loss(f["y"], f["risk"], s, **FEW),
    "cost": lambda f, s: profit_curve(f["y"], f["risk"], value=f["value"], cost=s, save_rate=0.3, **FEW),
    "scores of profit": lambda f, s: expected_maximum_profit(f["y"], s, **EMPC, **FEW),
    "score": lambda f, s: evaluate_uplift(s, f["y"], f["treated"], **FEW),
    "survival": lambda f, s: evaluate_survival(
        pd.DataFrame({"duration": f["value"], "event": f["y"]}), s.to_frame(3.0), **FEW
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_what_has_an_index_is_put_together_by_it_whatever_the_order_of_rows_and_levels(name):
    frame, measure = book(0, levels=10, accounts=True), PAIRS[name]
    score = frame["risk"]
    want = measure(frame, score)
    for other in (score.sample(frac=1, random_state=1), score.swaplevel(), score.swaplevel().sort_index()):
        pd.testing.assert_frame_equal(measure(frame, other), want)
    pd.testing.assert_frame_equal(measure(frame, score.set_axis(frame.index)), want)
    later = score.set_axis(pd.MultiIndex.from_arrays([score.index.get_level_values(0), np.arange(48)]))
    for wrong in (score[1:], score.reset_index(drop=True), later):
        with pytest.raises(ValueError, match="have different indexes"):
            measure(frame, wrong)


def test_what_has_no_index_stands_in_the_order_of_the_rows():
    frame = book(0, levels=10, accounts=True)
    want = evaluate_scores(frame["y"], frame["risk"], **FEW)
    owner = frame.index.get_level_values("account_id")
    for y, risk, groups in (
        (frame["y"].to_numpy(), frame["risk"], None),
        (frame["y"], frame["risk"].to_numpy(), owner),
        (pl.Series(frame["y"].tolist()).fill_nan(None), frame["risk"].tolist(), owner.to_numpy()),
        (frame[["y"]], pl.Series(frame["risk"].tolist()), pd.Series(owner, index=frame.index).sample(frac=1)),
    ):
        pd.testing.assert_frame_equal(evaluate_scores(y, risk, groups, **FEW), want)
    with pytest.raises(ValueError, match=r"scores has shape \(47,\), y has 48 values"):
        evaluate_scores(frame["y"], frame["risk"].to_numpy()[1:])
    with pytest.raises(ValueError, match=r"scores has shape \(48, 2\), y has 48 values"):
        evaluate_scores(frame["y"], frame[["risk", "value"]].to_numpy())


def test_groups_are_the_accounts_that_were_given():
    given = [1, "1", 2, 2]
    told = evaluate_scores([0, 1, 0, 1], [0.1, 0.4, 0.3, 0.2], given, **FEW)
    assert told.loc["n_accounts", "estimate"] == 3
    for wrong in (dict.fromkeys(range(4), "a"), {"a", "b", "c", "d"}, np.zeros((4, 2))):
        with pytest.raises(ValueError, match=r"groups: .* of shape .*; give one account for each row"):
            evaluate_scores([0, 1, 0, 1], [0.1, 0.4, 0.3, 0.2], wrong, **FEW)


def test_rows_that_cannot_be_told_apart_are_refused_in_another_order_only():
    y = pd.Series([0, 1, 1], index=["a", "a", "b"])
    assert evaluate_scores(y, pd.Series([1, 2, 3], index=y.index), **FEW).loc["auc", "estimate"] == 1
    with pytest.raises(ValueError, match="scores and y have different indexes"):
        evaluate_scores(y, pd.Series([3, 2, 1], index=["b", "a", "a"]))


def test_accounts_are_found_by_the_name_of_their_level():
    frame = book(1, levels=10, accounts=True)
    want = evaluate_uplift(frame["risk"], frame["y"], frame["treated"], n_bootstrap=40)
    swapped = frame.swaplevel()
    found = evaluate_uplift(swapped["risk"], swapped["y"], swapped["treated"], n_bootstrap=40)
    pd.testing.assert_frame_equal(found, want)
    renamed = frame.rename_axis(["customer", "month"])
    with pytest.warns(DataWarning, match="none is called 'account_id', so each row counts as an account of its own"):
        evaluate_scores(renamed["y"], renamed["risk"], **FEW)


@pytest.mark.parametrize("order", ["as drawn", "by outcome", "by side"])
def test_a_score_that_tells_nothing_has_no_qini_and_lifts_nothing(order):
    frame = book(2, levels=1, accounts=False).dropna()
    keys = {"as drawn": np.arange(len(frame)), "by outcome": frame["y"], "by side": frame["treated"]}
    frame = frame.iloc[np.argsort(keys[order], kind="stable")]
    uplift = evaluate_uplift(frame["risk"], frame["y"], frame["treated"], capacity=0.3, **FEW)["estimate"]
    assert uplift["qini"] == pytest.approx(0, abs=1e-12)
    assert uplift["saved_at_capacity"] == pytest.approx(0.3 * uplift["effect"])
    curve = qini_curve(frame["risk"], frame["y"], frame["treated"])
    np.testing.assert_allclose(curve["saved"], curve["random"], atol=1e-12)
    table = evaluate_scores(frame["y"], frame["risk"], **FEW)["estimate"]
    assert table[["auc", "lift_at_10", "capture_at_10"]].tolist() == pytest.approx([0.5, 1.0, 0.1])
    capture = capacity_curve(frame["y"], frame["risk"], **FEW)
    np.testing.assert_allclose(capture["lift"], 1.0)


def test_a_tie_at_the_capacity_shares_what_is_left_of_it():
    """Room for 1.5 of 3: one of score 2, and half a row of the two of score 1, one treated and one not."""
    score, y = pd.Series([2.0, 1.0, 1.0]), pd.Series([1, 0, 1])
    treated = pd.Series([False, True, False])
    table = evaluate_uplift(score, y, treated, capacity=0.5, n_bootstrap=0)["estimate"]
    # others: 1 + 1/4 rows, 1 + 1/4 churned; treated: 1/4 row, none churned
    assert table["saved_at_capacity"] == pytest.approx(0.5 * (1.25 / 1.25 - 0))
    alone = evaluate_uplift(score, y, treated, capacity=0.2, n_bootstrap=0)["estimate"]
    assert np.isnan(alone["saved_at_capacity"])  # nobody treated among the first


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: evaluate_scores(["no", "yes"], [1, 2]), r"y: 2 values are neither 0 nor 1 \('no', 'yes'\)"),
        (lambda: evaluate_scores([1, 2, 1], [1, 2, 3]), r"y: 1 values are neither 0 nor 1 \(2\)"),
        (lambda: evaluate_scores(["nan", 1], [1, 2]), r"y: 1 values are neither 0 nor 1 \('nan'\)"),
        (
            lambda: evaluate_uplift(pd.Series([1, 2]), pd.Series([0, 1]), pd.Series([True, None])),
            r"treated: 1 of 2 values are missing or neither true nor false",
        ),
        (
            lambda: evaluate_uplift(pd.Series([1, 2]), pd.Series([0, 1]), pd.Series(["call", "control"])),
            r"treated: 2 of 2 values .*'call', 'control'",
        ),
        (lambda: evaluate_uplift(pd.Series([1, np.nan]), [0, 1], [True, False]), "score: 1 of 2 are missing"),
    ],
)
def test_labels_and_sides_that_say_something_else_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_duration_is_no_number():
    spans = pd.Series(pd.to_timedelta([1, 2], unit="D"))
    with pytest.raises(ValueError, match=r"scores: holds values of dtype timedelta64.*times as days"):
        evaluate_scores([0, 1], spans)
    with pytest.raises(ValueError, match=r"value: holds values of dtype timedelta64"):
        expected_loss([0, 1], [0.1, 0.2], spans.to_numpy())


@pytest.mark.parametrize("n_bootstrap", [100_000_000, -1, 2.5, True, "many", None])
def test_resamples_are_bounded_everywhere(n_bootstrap):
    frame = book(0, levels=3, accounts=False)
    for measure in MEASURES.values():
        names = measure.__code__.co_names
        if "FEW" not in names:
            continue
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(FEW, "n_bootstrap", n_bootstrap)
            with pytest.raises(
                ValueError, match=r"n_bootstrap=.* must be a whole number, at least 0 and at most 100000"
            ):
                measure(frame)


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "x", True])
def test_seeds_are_checked(seed):
    with pytest.raises(ValueError, match=r"random_state=.* must be a seed, a whole number from 0 to"):
        evaluate_scores([0, 1], [1, 2], random_state=seed)


@pytest.mark.parametrize("capacity", [0, -0.1, 1.1, np.nan, "all", True])
def test_capacities_are_checked(capacity):
    for measure in (evaluate_scores, compare):
        with pytest.raises(ValueError, match=r"capacity=.*: must lie in \(0, 1\]"):
            measure([0, 1], [1, 2], *([[1, 2]] if measure is compare else []), capacity=capacity)
