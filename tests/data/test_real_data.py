"""Public data sets are read with column maps, and what is wrong with them is said."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import duckdb
import narwhals.stable.v2 as nw
import pytest

from csrisk import CustomerData
from csrisk.exceptions import DataContractError, DataWarning

FOLDER = (Path(__file__).parents[2] / "../shared/data").resolve()
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="the public data sets are not beside the checkout"),
]


def read(folder: str, tables: dict[str, str], columns: dict[str, dict[str, str]], **more: Any) -> CustomerData:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return CustomerData({name: FOLDER / folder / file for name, file in tables.items()}, columns=columns, **more)


def codes(data: CustomerData) -> dict[tuple[str, str, str], int]:
    return {(breach.code, breach.table, breach.column): breach.count for breach in data.breaches if not breach.quiet}


def test_courses_have_two_and_a_half_million_uses() -> None:
    data = read(
        "oulad_2013",
        {"accounts": "accounts.parquet", "subscriptions": "subscriptions.parquet", "usage": "usage.parquet"},
        {"usage": {"at": "ts"}, "subscriptions": {"start_at": "start_date", "end_at": "end_date"}},
    )
    counted = data.engine.collect(data.lazy("usage").select(nw.col("quantity").sum()))
    expected = duckdb.sql(f"SELECT count(*), sum(quantity) FROM '{FOLDER}/oulad_2013/usage.parquet'").fetchall()[0]
    assert expected[0] == 2_481_555
    assert int(counted["quantity"][0]) == expected[1]
    assert data.tables == ("accounts", "subscriptions", "usage")
    ends = data.frame("subscriptions")["end_at"]
    aside = int((data.rejected["table"] == "subscriptions").sum())
    # every dated withdrawal is there, or was set aside because it lies before the assumed start of the course
    assert ends.notna().sum() + aside == 3_723
    assert codes(data)["CSD204", "subscriptions", "end_at, start_at"] == aside
    assert set(data.rejected["code"]) == {"CSD204"}
    attributes = data.lazy("accounts").collect_schema()
    assert str(attributes["final_result"]) == "String"
    assert str(attributes["studied_credits"]) == "Float64"


def test_shop_has_lines_with_money() -> None:
    data = read(
        "online_retail_y1",
        {"usage": "usage_events.parquet", "contacts": "contacts_returns.parquet"},
        {"usage": {"at": "ts", "feature": "product"}, "contacts": {"opened_at": "ts"}},
    )
    path = FOLDER / "online_retail_y1" / "usage_events.parquet"
    lines, money = duckdb.sql(f"SELECT count(*), sum(value) FROM '{path}'").fetchall()[0]
    counted = data.engine.collect(data.lazy("usage").select(nw.col("value").sum()))
    assert counted["value"][0] == pytest.approx(money, rel=1e-12)
    assert len(data.frame("usage")) == lines
    assert data.rejected.empty
    assert data.has("usage", "value", "feature", "product")
    assert (data.start.year, data.end.year) == (2009, 2010)
    assert not data.frame("contacts")["kind"].isna().any()


RAVEN = {
    "accounts": "ravenstack_accounts.csv",
    "subscriptions": "ravenstack_subscriptions.csv",
    "contacts": "ravenstack_support_tickets.csv",
}
RAVEN_COLUMNS = {
    "accounts": {"name": "account_name", "started_at": "signup_date", "plan": "plan_tier", "region": "country"},
    "subscriptions": {"start_at": "start_date", "end_at": "end_date", "mrr": "mrr_amount", "plan": "plan_tier"},
    "contacts": {
        "opened_at": "submitted_at",
        "resolved_at": "closed_at",
        "contact_id": "ticket_id",
        "reopened": "escalation_flag",
    },
}


def test_a_set_that_contradicts_itself_is_read_and_complained_about() -> None:
    data = read("ravenstack_dirty", RAVEN, RAVEN_COLUMNS)
    assert len(data.accounts) == 500
    found = codes(data)
    overlaps = found["CSD310", "subscriptions", "start_at, end_at"]
    assert overlaps > 3_000  # ten subscriptions an account, most of them at the same time
    schema = data.lazy("accounts").collect_schema()
    kinds = {name: str(schema[name]) for name in ("seats", "is_trial", "churn_flag", "referral_source")}
    assert kinds == {"seats": "Float64", "is_trial": "Boolean", "churn_flag": "Boolean", "referral_source": "String"}


def test_usage_keyed_by_something_else_is_refused() -> None:
    """Its usage has the key of the subscription, not of the account."""
    tables = {**RAVEN, "usage": "ravenstack_feature_usage.csv"}
    columns = {**RAVEN_COLUMNS, "usage": {"at": "usage_date", "feature": "feature_name", "quantity": "usage_count"}}
    with pytest.raises(DataContractError, match="CSD004 table=usage column=account_id"):
        read("ravenstack_dirty", tables, columns)
    columns["usage"]["account_id"] = "subscription_id"
    with pytest.raises(DataContractError, match=r"CSD104 table=usage .* none of the table is in accounts"):
        read("ravenstack_dirty", tables, columns)
