"""People, invoices, measures and further columns of contacts: what is not known is said, counted, and never guessed."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from csrisk import CustomerData, Snapshots
from csrisk._snapshots import visible
from csrisk.data import CONTRACT
from csrisk.testing import on_engine

if TYPE_CHECKING:
    from csrisk.testing import EngineName

WRONG = [
    ("contacts", "team", "Field crew", "CSD305", "known are sales, onboarding, success, support, billing"),
    ("contacts", "cause", "weather", "CSD305", "known are defect, question, request, outage, billing"),
    ("contacts", "severity", 9, "CSD303", "it is 1 to 4"),
    ("contacts", "severity", "high", "CSD301", "it is 1 to 4"),
    ("people", "role", "boss", "CSD305", "known are sponsor, champion, decider, admin, user"),
    ("advocacy", "stance", "perhaps", "CSD305", "known are for, against, declined"),
]


@pytest.mark.parametrize("engine", ["duckdb", "polars", "ibis-sqlite"])
@pytest.mark.parametrize(("table", "column", "value", "code", "known"), WRONG, ids=[row[1] for row in WRONG])
def test_an_unknown_value_is_counted_and_the_known_ones_are_named(
    table: str, column: str, value: object, code: str, known: str, engine: EngineName
) -> None:
    right = {"team": "Sales", "cause": "defect", "severity": 1, "role": "SPONSOR", "stance": "for"}[column]
    if engine == "ibis-sqlite" and code == "CSD301":
        pytest.skip("columns of a database state whether they hold numbers")
    values = [right, value, right, right]
    if isinstance(value, str):
        values = list(map(str, values))
    rows = pd.DataFrame({"account_id": list("abcd"), CONTRACT[table].time: pd.Timestamp("2025-01-05"), column: values})
    usage = pd.DataFrame({"account_id": list("abcd"), "at": pd.Timestamp("2025-02-01")})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = CustomerData(on_engine({table: rows, "usage": usage}, engine))
    (breach,) = [one for one in data.breaches if one.code == code]
    assert (breach.table, breach.column, breach.count) == (table, column, 1)
    assert known in str(breach)


def test_people_are_known_from_their_beginning_and_their_leaving_when_it_was_told() -> None:
    people = pd.DataFrame(
        {
            "account_id": ["a"],
            "role": ["sponsor"],
            "from_at": ["2025-01-01"],
            "to_at": ["2025-03-01"],
            "known_at": ["2025-03-20"],
        }
    )
    usage = pd.DataFrame({"account_id": "a", "at": pd.date_range("2025-01-01", "2025-06-30")})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = CustomerData({"people": people, "usage": usage})
        for as_of, told in (("2025-01-02", False), ("2025-03-15", False), ("2025-03-21", True)):
            snapshots = Snapshots.at(data, as_of)
            seen = data.engine.collect(visible(snapshots.lazy(data), data.lazy("people")))
            assert seen["to_at_day"].notna().tolist() == [told]


def test_invoices_in_another_currency_are_refused_together_with_the_contracts() -> None:
    invoices = pd.DataFrame({"account_id": list("ab"), "issued_at": "2025-01-01", "amount": 9.0, "currency": "USD"})
    contracts = pd.DataFrame({"account_id": list("ab"), "start_at": "2025-01-01", "mrr": 9.0, "currency": "EUR"})
    usage = pd.DataFrame({"account_id": list("ab"), "at": "2025-02-01"})
    with pytest.raises(ValueError, match=r"CSD324 .*column=currency"):
        CustomerData({"invoices": invoices, "subscriptions": contracts, "usage": usage})
