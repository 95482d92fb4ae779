"""Mechanisms of the simulated portfolio: each moves its hazard, shows in the tables, and is told by the truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from csrisk.datasets import MECHANISMS, SaasBook, make_saas
from csrisk.exceptions import ConfigError

GOALS = ["footprint", "churn", "advocacy", "feedback"]
ALONE = [name for name, mechanism in MECHANISMS.items() if mechanism.parts]


@pytest.fixture(scope="module")
def everything() -> SaasBook:
    return make_saas(250, 24, seed=3, mechanisms="all")


@pytest.fixture(scope="module", params=ALONE)
def alone(request: pytest.FixtureRequest) -> tuple[str, SaasBook]:
    return request.param, make_saas(700, 24, seed=5, monthly_churn=0.03, mechanisms=[request.param])


def test_without_mechanisms_the_tables_are_what_they_were() -> None:
    plain, none = make_saas(40, 8, seed=3), make_saas(40, 8, seed=3, mechanisms=())
    assert list(plain.tables) == list(none.tables)
    for name, table in plain.tables.items():
        pd.testing.assert_frame_equal(table, none.tables[name])
    assert not set(MECHANISMS) & {name.partition("_")[2] for name in plain.truth.months}
    # sums of the tables of seed 1, written down before there were mechanisms
    made = make_saas(80, 18, seed=1).tables
    assert {name: len(table) for name, table in made.items()} == {
        "accounts": 80,
        "subscriptions": 369,
        "usage": 16437,
        "features": 46,
        "contacts": 2577,
        "surveys": 2664,
        "advocacy": 64,
        "expectations": 276,
        "finance": 1053,
        "treatments": 141,
    }


def test_the_same_seed_gives_the_same_book() -> None:
    first, second = (make_saas(50, 12, seed=2, mechanisms="all") for _ in range(2))
    for name, table in first.tables.items():
        pd.testing.assert_frame_equal(table, second.tables[name])
    pd.testing.assert_frame_equal(first.truth.months, second.truth.months)
    assert not make_saas(50, 12, seed=4, mechanisms="all").tables["invoices"].equals(first.tables["invoices"])


def test_a_mechanism_has_streams_of_its_own() -> None:
    """What happens to whom does not depend on which other mechanisms there are."""
    one = make_saas(60, 12, seed=2, mechanisms=["handover"]).truth.months["handover"]
    two = make_saas(60, 12, seed=2, mechanisms=["handover", "invoices"]).truth.months["handover"]
    both = one.index.intersection(two.index)  # others leave
    assert len(both) > 300
    pd.testing.assert_series_equal(one[both], two[both])


@pytest.mark.parametrize("outcome", ["churn", "contraction", "expansion"])
def test_contributions_add_up_to_the_log_odds(everything: SaasBook, outcome: str) -> None:
    months = everything.truth.months
    parts = [f"{outcome}_{part}" for part in ("book", *GOALS, "contract", "treatment")]
    np.testing.assert_allclose(months[parts].sum(axis=1), months[f"{outcome}_log_odds"], atol=1e-9)
    np.testing.assert_allclose(months[f"{outcome}_treatment"], 0, atol=1e-9)


def test_the_hazard_follows_the_stated_equation(everything: SaasBook) -> None:
    """States with what mechanisms added to them, and their direct effects per unit of level, as declared."""
    m = everything.truth.months
    score = -0.80 * m["value"] + 0.80 * m["effort"] - 0.75 * m["advocacy"] - 0.85 * m["loop"]
    score += -0.12 * m["value"] * m["effort"] + m["churn_contract_term"]
    for mechanism in MECHANISMS.values():
        for part in mechanism.parts:
            score += m[part.name] * part.log_odds.get("churn", 0.0)
    base = m["churn_log_odds"] - score
    assert base.std() < 1e-9


def test_the_effect_is_the_difference_to_a_world_without(alone: tuple[str, SaasBook]) -> None:
    """By hand: a shift of effort by d adds .80 d - .12 v d, one of advocacy takes .75 d off."""
    name, book = alone
    m = book.truth.months
    expected = pd.Series(0.0, index=m.index)
    for part in MECHANISMS[name].parts:
        _, effort, advocacy, _ = part.states
        direct = part.log_odds.get("churn", 0.0)
        expected += m[part.name] * (effort * (0.80 - 0.12 * m["value"]) - 0.75 * advocacy + direct)
    np.testing.assert_allclose(m[f"churn_{name}"], expected, atol=1e-9)


@pytest.mark.parametrize("name", ALONE)
def test_affected_accounts_leave_or_grow_more(name: str) -> None:
    """Events among account-months with the mechanism at work, against those that the truth expects without it."""
    book = make_saas(1500, 24, seed=8, monthly_churn=0.03, mechanisms=[name])
    m = book.truth.months
    outcome = "expansion" if name == "overuse" else "churn"
    first = m.index.get_level_values("month").min()
    begun = m.groupby(level="account_id").cumcount() > 0
    can = begun & (m.index.get_level_values("month") > first)
    if outcome == "expansion":
        can &= ~m["churn"] & ~m["contraction"]
    m = m[can]
    for sign in (1, -1):
        affected = m[sign * m[f"{outcome}_{name}"] > 0.25]
        if affected.empty:
            continue
        without = 1 / (1 + np.exp(-(affected[f"{outcome}_log_odds"] - affected[f"{outcome}_{name}"])))
        happened, expected = affected[outcome].sum(), without.sum()
        spread = np.sqrt((without * (1 - without)).sum())
        assert sign * (happened - expected) > norm.isf(0.02) * spread, (sign, happened, expected)


def test_strength_zero_leaves_signs_without_effect() -> None:
    loud = make_saas(80, 12, seed=2, mechanisms={"stance": 0.0})
    plain = make_saas(80, 12, seed=2)
    assert (loud.truth.months["churn_stance"] == 0).all()
    assert (loud.tables["advocacy"]["stance"] == "against").sum() > 5
    pd.testing.assert_frame_equal(loud.tables["usage"], plain.tables["usage"])
    assert loud.truth.mechanisms == {"stance": 0.0}


def test_effect_in_points_is_the_difference_of_two_probabilities(alone: tuple[str, SaasBook]) -> None:
    name, book = alone
    outcome = "expansion" if name == "overuse" else "churn"
    effect = book.truth.mechanism_effect(name, "2025-07-01", outcome=outcome)
    now = book.truth.months.xs(pd.Timestamp("2025-06-01"), level="month").reindex(effect.index)
    moved = now[f"{outcome}_{name}"]
    assert (np.sign(effect[moved.abs() > 1e-6]) == np.sign(moved[moved.abs() > 1e-6])).all()
    assert (effect[moved == 0].abs() < 1e-12).all()
    if outcome == "churn":  # monthly terms: 1 - (1 - p)^months, by hand
        monthly = now["term"] == 1
        count = 90 / (365.25 / 12)
        p, q = (1 / (1 + np.exp(-(now["churn_log_odds"] - cut))) for cut in (0.0, moved))
        by_hand = (1 - (1 - p) ** count) - (1 - (1 - q) ** count)
        pd.testing.assert_series_equal(effect[monthly], by_hand[monthly], check_names=False)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("handovers", r"mechanisms='handovers' is none of these: handover, .*key_person, or 'all'"),
        (["sponsor", "x"], r"mechanisms='x' is none of these"),
        ({"sponsor": -1.0}, r"mechanisms\['sponsor'\]=-1.0 must be a strength from 0 \(signs only\) to 3"),
        ({"sponsor": True}, r"mechanisms\['sponsor'\]=True must be a strength"),
    ],
)
def test_what_is_no_mechanism_is_refused(given: object, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        make_saas(10, 6, mechanisms=given)  # type: ignore[arg-type]


def test_the_effect_of_what_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"name='sponsor' is no mechanism of this book; there are \['pulse'\]"):
        make_saas(20, 6, mechanisms="pulse").truth.mechanism_effect("sponsor", "2025-12-01")


def test_nothing_is_dated_outside_of_the_life_of_its_account(everything: SaasBook) -> None:
    accounts = everything.tables["accounts"].set_index("account_id")
    dated = [("contacts", "opened_at"), ("surveys", "sent_at"), ("surveys", "answered_at"), ("advocacy", "at")]
    dated += [("expectations", name) for name in ("agreed_at", "met_at", "closed_at")] + [("measures", "at")]
    dated += [("invoices", name) for name in ("issued_at", "paid_at", "disputed_at")]
    dated += [("people", name) for name in ("from_at", "to_at")]
    for table, column in dated:
        rows = everything.tables[table].dropna(subset=[column])
        life = accounts.reindex(rows["account_id"])
        at = rows[column].dt.floor("D").to_numpy()
        late = (at >= life["ended_at"].to_numpy()) & (table != "surveys" or column != "answered_at")
        assert not late.any(), (table, column)
        assert (at >= life["started_at"].to_numpy()).all(), (table, column)
        assert (at < everything.end).all(), (table, column)


def test_signs_of_handovers(everything: SaasBook) -> None:
    """Within a case of the first steps the team changes, and the later team asks again."""
    contacts = everything.tables["contacts"]
    cases = contacts[contacts["case_id"].str.startswith("case-handover")].sort_values("opened_at")
    teams = cases.groupby("case_id").agg(first=("team", "first"), last=("team", "last"), n=("team", "size"))
    whole = teams[teams["n"] == 3]
    assert len(whole) > 50
    assert (whole["first"] != whole["last"]).all()
    later = cases[cases["team"] == "onboarding"]["information_requests"]
    others = contacts[contacts["kind"].eq("onboarding") & ~contacts["case_id"].isin(cases["case_id"])]
    assert later.mean() > 2 > others["information_requests"].mean() + 1.5
    assert contacts["team"].notna().all()


def test_signs_of_over_use() -> None:
    book = make_saas(300, 18, seed=5, mechanisms="overuse")
    month = pd.Timestamp("2025-06-01")
    usage = book.tables["usage"]
    people = (
        usage[usage["at"].between(month, month + pd.DateOffset(months=1))].groupby("account_id")["user_id"].nunique()
    )
    contracts = book.tables["subscriptions"]
    runs = (contracts["start_at"] <= month) & ~(contracts["end_at"] <= month)
    share = people / contracts[runs].groupby("account_id")["seats"].max()
    over = book.truth.months.xs(month, level="month")["over_seats"].reindex(share.index) > 0
    assert share[over].median() > 1 > share[~over].quantile(0.95)


def test_who_left_is_never_seen_again(everything: SaasBook) -> None:
    """Seats of our people are filled one after the other: the first holder ends before the second begins."""
    contacts = everything.tables["contacts"]
    seat = contacts["handler"].str.rsplit("-", n=1, expand=True)
    spans = contacts.groupby([seat[0].rename("seat"), seat[1].astype(int).rename("turn")])["opened_at"].agg(
        ["min", "max"]
    )
    before = spans["max"].groupby(level="seat").shift(1)
    assert (before.dropna() < spans.loc[before.notna(), "min"]).all()
    assert before.notna().sum() > 10


def test_signs_of_the_others(everything: SaasBook) -> None:
    tables, months = everything.tables, everything.truth.months
    invoices = tables["invoices"]
    late = (invoices["paid_at"] - invoices["due_at"]).dt.days > 30
    assert 0.01 < late.mean() < 0.1
    fires = tables["contacts"][tables["contacts"]["severity"] == 1]
    assert (fires["transfers"] >= 2).all()
    assert fires["reopened"].all()
    sponsors = tables["people"][tables["people"]["role"] == "sponsor"]
    assert sponsors["person_id"].is_unique
    assert sponsors["to_at"].notna().sum() > 10
    assert set(tables["people"]["role"]) == {"sponsor", "champion", "decider", "admin"}
    assert set(tables["expectations"]["kind"]) == {"goal", "sales_promise", "action_item", "milestone"}
    pulse = tables["measures"].assign(month=tables["measures"]["at"].dt.to_period("M").dt.to_timestamp())
    true = months["churn_log_odds"] - months["churn_contract_term"]
    said = pulse.merge(true.rename("true").reset_index(), on=["account_id", "month"])
    assert -0.85 < said["value"].corr(said["true"]) < -0.5  # it tells something, and not all


def test_every_table_is_within_the_contract(everything: SaasBook) -> None:
    data = everything.data()
    assert {breach.code for breach in data.breaches} <= {"CSD206", "CSD308"}
    assert data.rejected.empty


def test_the_page_states_what_is_declared() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "worlds.md").read_text(encoding="utf-8")
    states = ("value", "effort", "advocacy", "loop")
    for mechanism in MECHANISMS.values():
        assert f"| `{mechanism.name}` | {mechanism.signs} |" in page
        for part in mechanism.parts:
            adds = [f"{state} {size:+g}" for state, size in zip(states, part.states, strict=True) if size]
            adds += [f"log-odds of {outcome} {size:+g}" for outcome, size in part.log_odds.items()]
            assert f"`{part.name}`: {part.meaning} | {', '.join(adds)} |" in page
