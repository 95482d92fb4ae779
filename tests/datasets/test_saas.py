"""The simulated book: deterministic, within the contract, and as its documentation says."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from csrisk.data import CONTRACT, CustomerData
from csrisk.datasets import SaasBook, make_saas
from csrisk.exceptions import ConfigError

QUIET = {"CSD206", "CSD308"}  # naive times are taken as UTC; all treatments are random


@pytest.fixture(scope="module")
def book() -> SaasBook:
    return make_saas(400, 30, seed=5)


def test_same_arguments_give_the_same_book() -> None:
    first, second = make_saas(40, 8, seed=3), make_saas(40, 8, seed=3)
    for name, table in first.tables.items():
        pd.testing.assert_frame_equal(table, second.tables[name])
    pd.testing.assert_frame_equal(first.truth.months, second.truth.months)
    pd.testing.assert_frame_equal(first.truth.accounts, second.truth.accounts)


def test_another_seed_gives_another_book() -> None:
    first, second = make_saas(40, 8, seed=3), make_saas(40, 8, seed=4)
    assert not first.tables["usage"].equals(second.tables["usage"])


def test_the_tables_of_the_contract_are_there(book: SaasBook) -> None:
    assert set(book.tables) == set(CONTRACT) - {"people", "invoices", "measures", "attributes"}
    for name, table in book.tables.items():
        assert set(table.columns) <= set(CONTRACT[name].names), name
        assert len(table), name


@pytest.mark.parametrize(("n_accounts", "months", "seed"), [(80, 18, 1), (40, 4, 0), (60, 9, 2)])
def test_no_row_breaks_the_contract(n_accounts: int, months: int, seed: int) -> None:
    data = make_saas(n_accounts, months, seed=seed).data()
    assert {breach.code for breach in data.breaches} <= QUIET
    assert data.rejected.empty


def test_shared_fixture_is_within_the_contract(small_saas: SaasBook, small_book: CustomerData) -> None:
    assert small_book.missing == ("people", "invoices", "measures", "attributes")
    assert list(small_book.accounts) == sorted(small_saas.tables["accounts"]["account_id"])


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"n_accounts": 0}, r"n_accounts=0 must be a whole number of at least 1"),
        ({"months": 2}, r"months=2 must be a whole number of at least 3"),
        ({"n_accounts": 2.5}, r"n_accounts=2.5 must be a whole number"),
        ({"monthly_churn": 0.0}, r"monthly_churn=0.0 must lie between 0 and 0.5"),
    ],
)
def test_arguments_without_sense_are_refused(arguments: dict[str, float], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        make_saas(**arguments)


def test_times_of_a_row_are_in_order(book: SaasBook) -> None:
    def ordered(table: str, *columns: str) -> bool:
        times = book.tables[table][list(columns)]
        return all((times[b].isna() | (times[b] >= times[a])).all() for a, b in pairwise(columns))

    assert ordered("surveys", "sent_at", "answered_at", "acknowledged_at", "acted_at")
    assert ordered("contacts", "opened_at", "resolved_at")
    assert ordered("expectations", "agreed_at", "due_at")
    assert ordered("subscriptions", "start_at", "end_at")
    assert ordered("subscriptions", "start_at", "planned_end")


@pytest.mark.parametrize(
    ("table", "column"),
    [("usage", "at"), ("contacts", "opened_at"), ("surveys", "sent_at"), ("advocacy", "at"), ("treatments", "at")],
)
def test_nothing_happens_before_the_start_or_after_the_end(book: SaasBook, table: str, column: str) -> None:
    accounts = book.tables["accounts"].set_index("account_id")
    rows = book.tables[table]
    assert (rows[column] >= rows["account_id"].map(accounts["started_at"])).all()
    assert (rows[column] < rows["account_id"].map(accounts["ended_at"]).fillna(book.end)).all()


def test_subscriptions_of_a_product_follow_each_other(book: SaasBook) -> None:
    rows = book.tables["subscriptions"].sort_values(["account_id", "product", "start_at"])
    same = rows.groupby(["account_id", "product"])
    following = same["start_at"].shift(-1)
    assert (rows["end_at"].isna() | (rows["end_at"] > rows["start_at"])).all()
    assert (following.isna() | (rows["end_at"] <= following)).all()
    core = rows[rows["product"] == "core"].groupby("account_id")["end_at"].agg(lambda ends: ends.iloc[-1])
    ended = book.tables["accounts"].set_index("account_id")["ended_at"]
    pd.testing.assert_series_equal(core.astype(ended.dtype), ended.reindex(core.index), check_names=False)


def test_features_used_are_in_the_plan_and_product_held(book: SaasBook) -> None:
    usage, offered = book.tables["usage"], book.tables["features"]
    month = usage.assign(day=usage["at"].dt.normalize())
    month = month[(month["day"].dt.day == 28)]
    held = month.merge(book.tables["subscriptions"][["account_id", "start_at", "end_at", "plan", "product"]])
    runs = (held["start_at"] <= held["day"]) & ~(held["end_at"] <= held["day"])
    held = held[runs].merge(offered, on=["feature", "product", "plan"], how="left", indicator=True)
    # A change within the month counts from its first day on, which is why the last days are looked at.
    assert (held["_merge"] == "both").mean() > 0.99


def test_some_rows_are_known_late(book: SaasBook) -> None:
    for table, column, low in (("usage", "at", 0.02), ("contacts", "opened_at", 0.08), ("surveys", "sent_at", 0.05)):
        rows = book.tables[table]
        late = rows["known_at"].notna()
        assert low < late.mean() < 0.2
        assert (rows.loc[late, "known_at"].dt.normalize() > rows.loc[late, column].dt.normalize()).all()
    finance = book.tables["finance"]
    assert (finance["known_at"] - finance["at"]).dt.days.between(3, 15).all()


def test_weekends_and_holidays_are_quiet(book: SaasBook) -> None:
    daily = book.tables["usage"].groupby(book.tables["usage"]["at"].dt.normalize()).size()
    weekday = daily.groupby(daily.index.day_of_week).mean()
    assert weekday[[5, 6]].max() < 0.3 * weekday[[0, 1, 2, 3, 4]].min()
    assert daily.get(pd.Timestamp("2024-12-25"), 0) < 0.3 * daily[pd.Timestamp("2024-11-27")]


def test_missed_goals_tell_nothing(book: SaasBook) -> None:
    goals = book.tables["expectations"]
    assert (goals["outcome"].isna() == goals["met_at"].isna()).all()
    assert set(goals["outcome"].dropna()) == {"met", "exceeded"}


def test_champion_lost_is_seen_in_the_user_ids(book: SaasBook) -> None:
    """User ids are user-<account>-<seat>-<how many sat there before>: seat 0 changes only with that shock."""
    months = book.truth.months
    hit = months.index[months["champion_lost"]]
    usage = book.tables["usage"]
    top = usage[usage["user_id"].str[10:13] == "000"]
    changed = 0
    for account, month in hit[:20]:
        of_account = top[top["account_id"] == account]
        before = of_account.loc[of_account["at"] < month, "user_id"].unique()
        after = of_account.loc[of_account["at"] >= month, "user_id"].unique()
        assert not set(before) & set(after)
        changed += 1
    assert changed


def test_names_are_different(book: SaasBook) -> None:
    assert book.tables["accounts"]["name"].is_unique
    assert not book.tables["accounts"]["name"].str.contains(r"\d").any()


def test_comments_fit_the_score(book: SaasBook) -> None:
    nps = book.tables["surveys"].query("kind == 'NPS' and comment.notna()")
    angry = nps["comment"].str.contains("frustrated|waste|disappointment", case=False)
    happy = nps["comment"].str.contains("love|delighted|best tool", case=False)
    assert nps.loc[happy, "score"].mean() - nps.loc[angry, "score"].mean() > 2
    assert nps["comment"].str[0].str.isupper().all()
    assert np.all(nps["comment"].str.endswith("."))
