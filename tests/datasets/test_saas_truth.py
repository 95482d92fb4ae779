"""The truth behind the simulated book adds up, and what happened follows it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from csrisk.datasets import SaasBook, make_saas
from csrisk.exceptions import SnapshotError

GOALS = ["footprint", "churn", "advocacy", "feedback"]
FALSE_ALARM = 1e-4  # chance that a bound would fail for another seed, if the statement holds


@pytest.fixture(scope="module")
def book() -> SaasBook:
    return make_saas(800, 30, seed=9)


@pytest.mark.parametrize("outcome", ["churn", "contraction", "expansion"])
def test_contributions_add_up_to_the_log_odds(book: SaasBook, outcome: str) -> None:
    months = book.truth.months
    parts = [f"{outcome}_{part}" for part in ("book", *GOALS, "contract", "treatment")]
    np.testing.assert_allclose(months[parts].sum(axis=1), months[f"{outcome}_log_odds"], atol=1e-9)
    of_goals = months[[f"{outcome}_{goal}" for goal in GOALS]].groupby(level="month").mean()
    np.testing.assert_allclose(of_goals, 0, atol=1e-9)


def test_contributions_follow_the_stated_equation(book: SaasBook) -> None:
    """Differences between two accounts of the same month and contract situation, by hand."""
    month = book.truth.months.xs(pd.Timestamp("2025-03-01"), level="month")
    month = month[month["term"] == 1]
    a, b = month.iloc[0], month.iloc[1]
    score = [
        -0.80 * m["value"]
        + 0.80 * m["effort"]
        - 0.75 * m["advocacy"]
        - 0.85 * m["loop"]
        - 0.12 * m["value"] * m["effort"]
        for m in (a, b)
    ]
    assert a["churn_log_odds"] - b["churn_log_odds"] == pytest.approx(score[0] - score[1], abs=1e-9)
    assert a["churn_advocacy"] - b["churn_advocacy"] == pytest.approx(-0.75 * (a["advocacy"] - b["advocacy"]), abs=1e-9)


def test_interaction_is_the_shapley_value_by_enumeration(book: SaasBook) -> None:
    """The game v(S) = mean over the book of f(x_S, z_notS) with f = -.80 v + .80 e - .12 v e, by its coalitions."""
    month = book.truth.months.xs(pd.Timestamp("2025-03-01"), level="month")
    v, e = month["value"].to_numpy(), month["effort"].to_numpy()
    x, y = v[0], e[0]

    def worth(value: object, effort: object) -> float:
        return float(np.mean(-0.80 * value + 0.80 * effort - 0.12 * value * effort))  # type: ignore[operator]

    nobody, only_value, only_effort, both = worth(v, e), worth(x, e), worth(v, y), worth(x, y)
    footprint = ((only_value - nobody) + (both - only_effort)) / 2
    churn = ((only_effort - nobody) + (both - only_value)) / 2
    assert month["churn_footprint"].iloc[0] == pytest.approx(footprint, abs=1e-9)
    assert month["churn_churn"].iloc[0] == pytest.approx(churn, abs=1e-9)


@pytest.mark.parametrize("outcome", ["churn", "contraction", "expansion"])
def test_outcomes_happen_as_often_as_their_hazard_says(book: SaasBook, outcome: str) -> None:
    months = book.truth.months
    first = months.index.get_level_values("month").min()
    started = book.tables["accounts"].set_index("account_id")["started_at"].dt.to_period("M").dt.to_timestamp()
    begun = months.index.get_level_values("account_id").map(started).to_numpy()
    month = months.index.get_level_values("month")
    can = (month > first) & (month > begun)
    if outcome == "contraction":  # needs four seats, and neither may come with churn
        seats = book.tables["subscriptions"].groupby("account_id")["seats"].min()
        can &= np.asarray(months.index.get_level_values("account_id").map(seats) >= 4)
    if outcome != "churn":
        can &= ~months["churn"].to_numpy() & ~(months["contraction"].to_numpy() & (outcome == "expansion"))
    chance = 1 / (1 + np.exp(-months.loc[can, f"{outcome}_log_odds"]))
    happened = months.loc[can, outcome]
    group = pd.qcut(chance, 5, labels=False)
    for _, rows in chance.groupby(group):
        bound = norm.isf(FALSE_ALARM / 2) * np.sqrt((rows * (1 - rows)).sum())
        assert abs(happened.loc[rows.index].sum() - rows.sum()) < bound + 1
    assert happened.groupby(group).mean().is_monotonic_increasing


def test_rate_of_churn_is_as_asked() -> None:
    for rate in (0.012, 0.03):
        months = make_saas(800, 24, seed=2, monthly_churn=rate).truth.months
        bound = norm.isf(FALSE_ALARM / 2) * np.sqrt(rate / len(months))
        assert abs(months["churn"].mean() - rate) < bound + 0.1 * rate  # the first months are without risk


def test_churn_is_mostly_at_renewal(book: SaasBook) -> None:
    months = book.truth.months
    annual = months[(months["term"] == 12) & months["churn"]]
    due = annual["next_renewal"].dt.to_period("M").dt.to_timestamp() == annual.index.get_level_values("month")
    # One month of twelve; more than half of the leaving happens there.
    assert due.mean() > 0.5 + norm.isf(0.05) * np.sqrt(0.25 / len(annual))


def test_goals_of_a_window(book: SaasBook) -> None:
    goals = book.truth.goals("2025-06-01")
    np.testing.assert_allclose(goals[GOALS].sum(axis=1), goals["risk"], atol=1e-9)
    np.testing.assert_allclose(goals[GOALS].mean(), 0, atol=1e-9)
    assert (goals[GOALS].idxmax(axis=1) == goals["driver"]).all()
    assert goals["probability"].between(0, 1).all()
    ended = book.tables["accounts"].set_index("account_id")["ended_at"].reindex(goals.index)
    assert not (ended < "2025-06-01").any()


def test_goals_know_the_renewals_in_the_window(book: SaasBook) -> None:
    """Within annual terms, the accounts to be renewed in the window carry log((e^1.5 + n e^-2.4) / (m e^-2.4)) more."""
    near = book.truth.goals("2025-06-01", lead=0, horizon=90)
    never = book.truth.goals("2025-06-01", lead=0, horizon=1)
    months = book.truth.months.xs(pd.Timestamp("2025-05-01"), level="month").reindex(near.index)
    annual = months["term"] == 12
    due = months["next_renewal"].between("2025-06-02", "2025-08-29") & annual
    gain = near["churn"] - never["churn"]
    span = 90 / (365.25 / 12)
    expected = np.log(np.exp(1.5) + (span - 1) * np.exp(-2.4)) - np.log(span * np.exp(-2.4))
    later = annual & (months["next_renewal"] > "2025-08-30")
    assert gain[due].mean() - gain[later].mean() == pytest.approx(expected, abs=0.15)


def test_probability_of_a_window_orders_what_happens(book: SaasBook) -> None:
    ended = book.tables["accounts"].set_index("account_id")["ended_at"]
    rows = []
    for as_of in pd.date_range("2024-01-01", "2025-09-01", freq="3MS"):
        goals = book.truth.goals(as_of)
        end = ended.reindex(goals.index)
        at_risk = ~(end < as_of + pd.Timedelta(days=14))
        leaves = end < as_of + pd.Timedelta(days=104)
        rows.append(pd.DataFrame({"p": goals["probability"], "y": leaves})[at_risk])
    rows = pd.concat(rows)
    rate = rows["y"].groupby(pd.qcut(rows["p"], 4, labels=False)).mean()
    assert rate.is_monotonic_increasing
    assert rate[3] > 5 * rate[1]


@pytest.mark.parametrize("as_of", ["2025-06-02", "2019-01-01", "2026-02-01"])
def test_goals_are_told_on_first_days_of_months_only(book: SaasBook, as_of: str) -> None:
    with pytest.raises(
        SnapshotError, match=rf"as_of={as_of} must be the first day of a month from 2023-08-01 to 2026-01-01"
    ):
        book.truth.goals(as_of)


def test_the_worse_the_loop_the_fewer_answers(book: SaasBook) -> None:
    surveys = book.tables["surveys"]
    sent = surveys[surveys["sent_at"] < book.end - pd.Timedelta(days=30)]
    month = sent["sent_at"].dt.to_period("M").dt.to_timestamp().astype("datetime64[us]")
    loop = book.truth.months["loop"].reindex(pd.MultiIndex.from_arrays([sent["account_id"], month]))
    group = pd.qcut(loop.to_numpy(), 5, labels=False)
    answered = sent["answered_at"].notna().groupby(group).mean()
    acknowledged = (sent["acknowledged_at"].notna() & sent["answered_at"].notna()).groupby(group).sum()
    assert answered.is_monotonic_increasing
    assert answered[4] - answered[0] > 0.3
    assert (acknowledged / sent["answered_at"].notna().groupby(group).sum()).is_monotonic_increasing


@pytest.mark.parametrize(
    ("state", "table", "column", "sign"),
    [("effort", "contacts", "transfers", 1), ("effort", "contacts", "information_requests", 1)],
)
def test_states_show_in_the_tables(book: SaasBook, state: str, table: str, column: str, sign: int) -> None:
    rows = book.tables[table].query("kind in ('support', 'billing')")
    month = rows["opened_at"].dt.to_period("M").dt.to_timestamp().astype("datetime64[us]")
    hidden = book.truth.months[state].reindex(pd.MultiIndex.from_arrays([rows["account_id"], month])).to_numpy()
    mean = rows[column].groupby(pd.qcut(hidden, 4, labels=False)).mean()
    assert (sign * mean.diff().dropna() > 0).all()


def test_satisfaction_is_not_loyalty(book: SaasBook) -> None:
    """About 20 % of the satisfied are at risk, about 28 % of the dissatisfied are not.

    Satisfied: mean NPS of half a year at least 9; dissatisfied: at most 6; at risk: true probability of leaving within
    a year above 5 %.
    """
    surveys = book.tables["surveys"].query("kind == 'NPS'")
    rows = []
    for as_of in pd.date_range("2024-01-01", "2026-01-01", freq="3MS"):
        goals = book.truth.goals(as_of, lead=0, horizon=365)
        seen = surveys[surveys["answered_at"].between(as_of - pd.Timedelta(days=180), as_of, inclusive="left")]
        goals["nps"] = seen.groupby("account_id")["score"].mean()
        rows.append(goals)
    rows = pd.concat(rows).dropna(subset="nps")
    risky = rows["probability"] > 0.05
    satisfied, dissatisfied = rows["nps"] >= 9, rows["nps"] <= 6
    assert risky[satisfied].mean() == pytest.approx(0.20, abs=0.06)
    assert (~risky[dissatisfied]).mean() == pytest.approx(0.28, abs=0.06)
    assert -0.65 < np.corrcoef(rows["nps"], rows["risk"])[0, 1] < -0.35


def test_treatments_are_random_and_without_effect_by_default(book: SaasBook) -> None:
    treatments = book.tables["treatments"]
    share = (treatments["play"] == "success_call").mean()
    assert abs(share - 0.5) < norm.isf(FALSE_ALARM / 2) * np.sqrt(0.25 / len(treatments))
    assert (book.truth.months["churn_treatment"].abs() < 1e-9).all()


def test_treatments_change_the_hazard_as_stated() -> None:
    book = make_saas(300, 18, seed=4, treatment_effect=0.7)
    months = book.truth.months
    moved = months["churn_treatment"] - months.groupby(level="month")["churn_treatment"].transform("max")
    called = book.tables["treatments"].query("play == 'success_call'")
    first = called.iloc[0]
    month = first["at"].to_period("M").to_timestamp()
    now = months.xs(month, level="month")
    rest = now["churn_treatment"] + 0.7 * now["persuadable"]
    treated = set(called.loc[called["at"].dt.to_period("M").dt.to_timestamp() == month, "account_id"])
    of_treated = rest[rest.index.isin(treated)]
    untouched = now.loc[~now.index.isin(treated), "churn_treatment"]
    assert np.ptp(of_treated) < 1e-9
    assert of_treated.iloc[0] == pytest.approx(untouched.iloc[0], abs=1e-9)
    assert moved.min() < 0


def test_effect_of_a_call_follows_from_the_hazard() -> None:
    """For a monthly term without a call the chance of staying is (1 - hazard) to the number of months."""
    book = make_saas(300, 18, seed=4, treatment_effect=0.7)
    truth = book.truth
    found = truth.call_effect("2025-09-01")
    now = truth.months.xs(pd.Timestamp("2025-08-01"), level="month").reindex(found.index)
    lately = book.tables["treatments"].query("play == 'success_call'")
    lately = lately[lately["at"].between("2025-05-01", "2025-08-31")]["account_id"]
    assert now["called"].sum() == now.index.isin(lately).sum() > 0
    plain = now[(now["term"] == 1) & ~now["called"]]
    assert len(plain) > 10
    months = 120 / (365.25 / 12)
    odds = (np.exp(plain["churn_log_odds"] - 0.7 * call * plain["persuadable"]) for call in (0, 1))
    alone, called = (1 - (1 / (1 + odd)) ** months for odd in odds)
    np.testing.assert_allclose(found[plain.index], alone - called, rtol=1e-9)
    assert (make_saas(60, 12, seed=1).truth.call_effect("2025-09-01") == 0).all()
