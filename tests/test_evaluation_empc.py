"""Expected maximum profit: by hand, by integral, and equal to a public implementation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from csrisk.evaluation import Offer, cost_curve, expected_maximum_profit, plot_cost

Y = [int(mark) for mark in "001100000001010100001100000000001000000000000010100101010011"]
S = [
    -0.44, -1.17, 2.74, 0.5, 0.33, -0.26, 1.58, 1.32, 0.63, -2.2, 0.05, 1.68, 1.0, 0.38, 1.82,
    -0.32, -0.66, 0.94, 0.05, 2.0, 1.19, 0.37, -0.38, -1.09, -1.28, 0.63, 0.58, 1.29, -0.75, 1.69,
    -0.29, 1.57, 0.57, -0.74, 0.25, 1.03, 0.16, -0.59, -1.34, -1.4, 0.5, 0.99, -0.16, -1.07, 0.87,
    -1.28, 0.29, 0.62, -1.25, 0.39, -0.58, 1.11, -0.08, 1.2, 0.69, 0.24, 1.42, 0.73, 1.84, 2.16,
]  # fmt: skip


def _empc(
    y: object, scores: object, value: float, incentive: float, contact: float, save: tuple[float, float]
) -> float:
    offer = Offer(value=value, incentive=incentive, contact_cost=contact, save_rate=save)
    return expected_maximum_profit(y, scores, offer=offer, n_bootstrap=0).loc["empc", "estimate"]


@pytest.mark.parametrize(
    ("save", "value", "incentive", "contact", "expected", "contacted"),
    [
        ((6, 14), 200, 10, 1, 7.973938815773502, 0.5987169870954301),
        ((2, 5), 1000, 100, 20, 18.326164655542552, 0.26209373389347707),
        ((3, 3), 50, 1, 5, 2.1794148403460367, 0.44711488469354943),
        ((1, 1), 300, 60, 0, 9.34375, 0.29270833333333335),
    ],
)
def test_agrees_with_a_public_implementation(
    save: tuple[float, float], value: float, incentive: float, contact: float, expected: float, contacted: float
) -> None:
    """Reference values: ``empc_score`` and ``empc_score.optimal_rate`` of empulse 0.13.1 (PyPI) on Y and S."""
    offer = Offer(value=value, incentive=incentive, contact_cost=contact, save_rate=save)
    table = expected_maximum_profit(Y, S, offer=offer, n_bootstrap=0)
    assert table.loc["empc", "estimate"] == pytest.approx(expected, rel=1e-9)
    assert table.loc["contacted", "estimate"] == pytest.approx(contacted, rel=1e-9)


def test_agrees_with_the_integral_over_the_save_rate() -> None:
    """Brute force: for each save rate on a fine grid the best of all cuts; mean over the Beta distribution."""
    rng = np.random.default_rng(3)
    y = (rng.random(300) < 0.2).astype(int)
    score = np.round(rng.standard_normal(300) + y, 1)  # many ties
    value, incentive, contact, save = 100.0, 8.0, 2.0, (4.0, 9.0)
    cuts = [-np.inf, *np.unique(score), np.inf]
    churners = np.array([(score >= cut) @ y for cut in cuts])
    others = np.array([(score >= cut) @ (1 - y) for cut in cuts])
    gamma = (np.arange(100_000) + 0.5) / 100_000
    profit = churners[:, None] * (gamma * (value - incentive) - contact) - others[:, None] * (incentive + contact)
    expected = (profit.max(axis=0) * beta.pdf(gamma, *save)).mean() / 300
    assert _empc(y, score, value, incentive, contact, save) == pytest.approx(expected, rel=1e-6)


def test_perfect_ranking_by_hand() -> None:
    """Half churn and all of them are contacted whatever works: half x (.3 x (200 - 10) - 1) = 28. A save rate below
    1 / 190 would make it not worth while; Beta(6, 14) is never that low."""
    offer = Offer(value=200, incentive=10, contact_cost=1, save_rate=(6, 14))
    table = expected_maximum_profit([1, 0, 1, 0], [9, 1, 8, 2], ["a", "b", "c", "d"], offer=offer)
    assert table.loc["empc", "estimate"] == pytest.approx(0.5 * (0.3 * 190 - 1), abs=1e-6)
    assert table.loc["empc", "estimate"] == table.loc["empc_perfect", "estimate"]
    assert table.loc["contacted", "estimate"] == pytest.approx(0.5)
    assert table.loc[["n_snapshots", "n_accounts", "n_events"], "estimate"].tolist() == [4, 4, 2]


def test_constant_scores_earn_what_nothing_earns_and_ranking_only_counts() -> None:
    rng = np.random.default_rng(5)
    y = (rng.random(400) < 0.3).astype(int)
    score = rng.random(400) + 0.4 * y
    offer = Offer(value=300.0, incentive=20.0, contact_cost=3.0, save_rate=(3.0, 5.0))
    flat = expected_maximum_profit(y, np.ones(400), offer=offer, n_bootstrap=50)
    assert flat.loc["empc", "estimate"] == pytest.approx(flat.loc["empc_constant", "estimate"])
    one = expected_maximum_profit(y, score, offer=offer, n_bootstrap=50)
    other = expected_maximum_profit(y, np.exp(3 * score), offer=offer, n_bootstrap=50)
    assert one["estimate"].tolist() == other["estimate"].tolist()
    assert flat.loc["empc", "estimate"] <= one.loc["empc", "low"] <= one.loc["empc", "high"]
    assert one.loc["empc", "estimate"] < one.loc["empc_perfect", "estimate"]


def test_cost_curve_is_the_best_cut_everywhere() -> None:
    """Brute force over all cuts; nothing is dearer than looking after all or nobody."""
    rng = np.random.default_rng(8)
    y = (rng.random(200) < 0.25).astype(int)
    score = np.round(rng.standard_normal(200) + y, 1)
    table = cost_curve(y, score, miss_cost=900, contact_cost=100, n_bootstrap=20)
    x = table.index.to_numpy()[:, None]
    cuts = np.array([-np.inf, *np.unique(score), np.inf])
    missed = np.array([((score < cut) & (y == 1)).sum() / y.sum() for cut in cuts])
    disturbed = np.array([((score >= cut) & (y == 0)).sum() / (1 - y).sum() for cut in cuts])
    np.testing.assert_allclose(table["cost"], (x * missed + (1 - x) * disturbed).min(axis=1), atol=1e-12)
    assert (table["cost"] <= table["trivial"] + 1e-12).all()
    share = y.mean() * 900 / (y.mean() * 900 + (1 - y.mean()) * 100)
    assert table.index[table["is_yours"]].tolist() == pytest.approx([share])


def test_picture_draws_the_table() -> None:
    table = cost_curve([1, 0, 1, 0], [4, 3, 2, 1], miss_cost=5, contact_cost=1, n_bootstrap=5)
    ax = plot_cost(table)
    np.testing.assert_array_equal(ax.lines[1].get_xydata(), table[["cost"]].reset_index())
    assert plot_cost(table, ax=ax) is ax


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": 0}, "value=0: must be above 0"),
        ({"incentive": 100}, "incentive=100: must be 0 or more and less than value=100"),
        ({"contact_cost": -1}, "contact_cost=-1: must be 0 or more"),
        ({"incentive": 0, "contact_cost": 0}, "above 0 where the incentive costs nothing"),
        ({"save_rate": (0, 1)}, r"save_rate=\(0, 1\): must be the two parameters of a Beta distribution"),
    ],
)
def test_amounts_that_make_no_sense_are_refused(change: dict[str, object], message: str) -> None:
    options = {"value": 100, "incentive": 5, "contact_cost": 1, "save_rate": (6, 14)} | change
    with pytest.raises(ValueError, match=message):
        Offer(**options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="miss_cost=0: must be above 0, your own figure"):
        cost_curve([1, 0], [2, 1], miss_cost=0, contact_cost=1)


def test_costs_have_no_defaults() -> None:
    with pytest.raises(TypeError, match="value"):
        Offer(incentive=10, contact_cost=1, save_rate=(6, 14))  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"needs offer=Offer\(value=..., ...\): the costs are your own"):
        expected_maximum_profit([1, 0], [2, 1])
    with pytest.raises(TypeError, match="miss_cost"):
        cost_curve([1, 0], [2, 1])  # type: ignore[call-arg]
