"""Rows written, dated back, overwritten or deleted when accounts had left are found; honest books are left in peace."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest

from csrisk import CustomerData
from csrisk.checks import check_rows
from csrisk.datasets import make_agents, make_regimes, make_saas
from csrisk.exceptions import DataWarning

pytestmark = pytest.mark.promise("Planted leaks are found, honest books are left in peace")

BACK = pd.Timedelta(days=40)


@cache
def book():
    """Tables of a simulated book, who left, and when."""
    world = make_saas(160, 18, seed=7, mechanisms=["captivity", "pulse", "sponsor", "invoices"])
    ends = world.tables["accounts"].set_index("account_id")["ended_at"].dropna()
    return world, ends[ends < world.end]


def of_leavers(name):
    """A copy of a table, and which of its rows belong to accounts that left."""
    world, ends = book()
    table = world.tables[name].copy()
    return table, table["account_id"].isin(ends.index)


def dated_back(name, time, **values):
    """Rows of those who left, dated 40 days before their end though written after it."""
    _, ends = book()
    table, _ = of_leavers(name)
    rows = pd.DataFrame({"account_id": ends.index, time: ends.to_numpy() - BACK, **values})
    return {name: pd.concat([table, rows], ignore_index=True)}


def overwritten(name, **values):
    table, left = of_leavers(name)
    for column, value in values.items():
        table[column] = table[column].astype(object) if isinstance(value, str) else table[column]
        table.loc[left, column] = value
    return {name: table}


def comments():
    table, left = of_leavers("surveys")
    told = left & table["comment"].notna()
    table.loc[told, "comment"] = table.loc[told, "comment"] + " Sorry to see you go, contract terminated."
    return {"surveys": table}


def noisy_scores():
    table, left = of_leavers("surveys")
    noise = np.random.default_rng(0).normal(0, 1.0, len(table))
    table["score"] = table["score"].where(~left, (table["score"] * 0.1 + noise).clip(0, 10).round())
    return {"surveys": table.assign(kind="NPS", score=table["score"].clip(0, 10))}


def erased(name):
    table, left = of_leavers(name)
    return {name: table[~left]}


PLANTED = {
    "comments written after the end": (comments, "surveys.comment"),
    "scores overwritten with the last, with noise": (noisy_scores, "surveys.score"),
    "off-boarding contacts dated back": (
        lambda: dated_back("contacts", "opened_at", stage="offboarding"),
        "contacts.stage",
    ),
    "a call of the win-back team dated back": (
        lambda: dated_back("contacts", "opened_at", team="win-back"),
        "contacts.team",
    ),
    "an export of the data dated back": (
        lambda: dated_back("contacts", "opened_at", kind="data export"),
        "contacts.kind",
    ),
    "exit surveys dated back": (lambda: dated_back("surveys", "sent_at", kind="exit"), "surveys.kind"),
    "a complaint found afterwards": (lambda: dated_back("advocacy", "at", kind="lawsuit"), "advocacy.kind"),
    "goals entered at the end": (
        lambda: dated_back("expectations", "agreed_at", kind="off-boarding"),
        "expectations.kind",
    ),
    "a play of retention booked afterwards": (
        lambda: dated_back("treatments", "at", play="last offer"),
        "treatments.play",
    ),
    "a role of those who left": (lambda: dated_back("people", "from_at", role="former"), "people.role"),
    "use of a page that only leavers see": (
        lambda: dated_back("usage", "at", feature="close account"),
        "usage.feature",
    ),
    "plan renamed at the end": (lambda: overwritten("subscriptions", plan="closed"), "subscriptions.plan"),
    "product renamed at the end": (lambda: overwritten("subscriptions", product="none"), "subscriptions.product"),
    "seats set to 0 at the end": (lambda: overwritten("subscriptions", seats=0.0), "subscriptions.seats"),
    "amounts set to 0 at the end": (lambda: overwritten("subscriptions", mrr=0.0), "subscriptions.mrr"),
    "invoices credited at the end": (lambda: overwritten("invoices", amount=0.0), "invoices.amount"),
    "the last judgement in all rows": (lambda: overwritten("measures", value=0.0), "measures.value"),
    "history deleted with the account": (lambda: erased("usage"), "usage"),
    "contacts deleted with the account": (lambda: erased("contacts"), "contacts"),
}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=() if at < 2 else pytest.mark.slow) for at, kind in enumerate(PLANTED)]
)
def test_planted_rows_are_found_with_their_column(kind):
    world, _ = book()
    plant, column = PLANTED[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        check = check_rows(CustomerData(world.tables | plant(), end=world.end))
    assert check.failed
    assert column in check.found


def test_the_honest_book_passes():
    world, _ = book()
    check = check_rows(world.data())
    assert check.status == "passed"
    assert check.code == "CSR024"


def test_who_left_is_read_from_both_tables_that_tell():
    """Contracts of all but three run on, and only the table of accounts says who left."""
    world, ends = book()
    contracts = world.tables["subscriptions"].copy()
    contracts.loc[~contracts["account_id"].isin(ends.index[:3]), "end_at"] = pd.NaT
    tables = world.tables | dated_back("contacts", "opened_at", kind="data export") | {"subscriptions": contracts}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        check = check_rows(CustomerData(tables, end=world.end))
    assert f"{len(ends)} of" in check.measure
    assert "contacts.kind" in check.found


def test_rows_of_the_last_days_may_speak_of_the_end():
    world, ends = book()
    rows = pd.DataFrame({"account_id": ends.index, "opened_at": ends.to_numpy() - pd.Timedelta(days=10), "kind": "bye"})
    tables = world.tables | {"contacts": pd.concat([world.tables["contacts"], rows], ignore_index=True)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        assert check_rows(CustomerData(tables, end=world.end)).status == "passed"


def test_without_leavers_nothing_is_said():
    data = CustomerData({"usage": pd.DataFrame({"account_id": list("abc"), "at": pd.Timestamp("2025-01-01")})})
    assert check_rows(data).status == "not applicable"


def test_use_stamped_at_the_start_of_its_month_is_said():
    world, _ = book()
    usage = world.tables["usage"]
    month = usage["at"].dt.to_period("M").dt.start_time
    sums = usage.assign(at=month).groupby(["account_id", "at"], as_index=False)["quantity"].sum()
    with pytest.warns(DataWarning, match="CSD221"):
        CustomerData(world.tables | {"usage": sums}, end=world.end)


@pytest.mark.slow
@pytest.mark.parametrize("make", [make_regimes, make_agents])
def test_no_alarm_in_honest_books_of_other_worlds(make):
    alarms = [check_rows(make(60, 14, seed=seed).data()).found for seed in range(4)]
    assert alarms == [()] * 4
