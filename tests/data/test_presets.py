"""Presets: each makes of its small export the table that stands beside it, and says what an export lacks."""

from __future__ import annotations

import re
import warnings
from io import StringIO
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from csrisk import CustomerData
from csrisk.data import CONTRACT, matching_presets, preset, presets
from csrisk.data._presets import read_preset
from csrisk.exceptions import ConfigError, DataContractError
from csrisk.pipeline import RiskPipeline, RiskSpec
from csrisk.testing import on_engine

if TYPE_CHECKING:
    from pathlib import Path

NAMES = tuple(presets().index)


def made(name: str, brought: object, **own: object) -> CustomerData:
    table = read_preset(name).table
    # accounts alone are no book
    usage = {"usage": pd.DataFrame({"account_id": ["71", "72", "001A", "001B"], "at": "2025-03-01"})}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return CustomerData(
            (usage if table == "accounts" else {}) | {table: brought},
            columns={table: preset(name, **own)},
            end="2025-06-01",
        )


def example(name: str) -> pd.DataFrame:
    return pd.read_csv(StringIO(read_preset(name).example), dtype="str")


def text(frame: pd.DataFrame) -> pd.DataFrame:
    """Write times, numbers and missing values alike."""
    said = {}
    for column in frame:
        values = frame[column]
        if CONTRACT_KINDS.get(str(column)) == "time":
            values = pd.to_datetime(values, format="ISO8601").dt.strftime("%Y-%m-%d %H:%M:%S")
        if CONTRACT_KINDS.get(str(column)) == "number":
            values = pd.to_numeric(values).map("{:g}".format).replace("nan", None)
        said[column] = values.astype(object).where(values.notna(), None)
    return pd.DataFrame(said).reset_index(drop=True)


CONTRACT_KINDS = {column.name: column.kind for table in CONTRACT.values() for column in table.columns}


@pytest.mark.parametrize("name", NAMES)
def test_the_example_becomes_the_table(name: str, tmp_path: Path) -> None:
    one = read_preset(name)
    path = tmp_path / "export.csv"
    path.write_text(one.example.strip() + "\n", encoding="utf-8")
    data = made(name, path, **one.asks)
    wanted = pd.read_csv(StringIO(one.gives), dtype="str")
    frame = data.frame(one.table).dropna(subset=list(wanted.columns[1:2])).reset_index(drop=True)
    pd.testing.assert_frame_equal(text(frame[wanted.columns]), text(wanted), check_dtype=False)
    # nothing else is read, but for the further columns of accounts
    rest = [column for column in CONTRACT[one.table].names if column not in wanted and not frame[column].isna().all()]
    assert [column for column in rest if CONTRACT[one.table][column].default is None] == []
    assert not {"CSD343", "CSD202", "CSD305", "CSD306"} & {breach.code for breach in data.breaches}
    assert all(re.match(r"https://|[\w-]+/[\w-]+: \S+$", source) for source in one.source)
    assert set(one.columns) | set(one.asks) <= set(CONTRACT[one.table].names)


@pytest.mark.parametrize("engine", ["polars", "ibis-duckdb"])
def test_presets_with_cures_are_read_alike_on_every_engine(engine: str) -> None:
    for name in ("chargebee.subscriptions", "freshdesk.tickets", "delighted.responses"):
        one = read_preset(name)
        typed = pd.read_csv(StringIO(one.example))
        for column in typed.columns.intersection(["created_at", "due_by"]):
            if typed[column].dtype != "int64":
                typed[column] = pd.to_datetime(typed[column]).dt.tz_localize(None).astype("datetime64[us]")
        tables = on_engine({one.table: typed}, engine)  # type: ignore[arg-type]
        wanted = pd.read_csv(StringIO(one.gives), dtype="str")
        frame = made(name, tables[one.table], **one.asks).frame(one.table)[wanted.columns]
        key = [column for column in ("contact_id", "event_id", "account_id") if column in wanted][:1]
        said = text(frame.sort_values(key))
        pd.testing.assert_frame_equal(said, text(wanted.sort_values(key)), check_dtype=False)


def test_names_are_found_however_the_export_spells_them() -> None:
    spelt = example("stripe.subscriptions").rename(columns={"customer_id": "Customer ID", "start_date": "StartDate"})
    assert made("stripe.subscriptions", spelt).frame("subscriptions")["account_id"].tolist() == ["a", "b"]


def test_missing_columns_are_named_and_ones_own_go_first() -> None:
    tickets = example("zendesk.tickets")
    data = made("zendesk.tickets", tickets.drop(columns=["via_channel", "due_at"]))
    said = next(breach for breach in data.breaches if breach.code == "CSD343")
    assert "2 columns of the preset are not there" in str(said)
    assert "'via_channel', 'due_at' of preset 'zendesk.tickets'" in str(said)
    assert not data.has("contacts", "channel")
    other = tickets.rename(columns={"organization_id": "org", "created_at": "made"})
    with pytest.raises(
        DataContractError, match=r"(?s)CSD344.*2 columns.*'organization_id', 'created_at' as account_id"
    ):
        made("zendesk.tickets", other)
    data = made("zendesk.tickets", other, account_id="org", opened_at="made", kind={"constant": "billing"})
    assert data.frame("contacts")["kind"].tolist() == ["billing", "billing"]
    # what the user names and is not there is the user's mistake
    with pytest.raises(DataContractError, match="CSD003"):
        made("zendesk.tickets", tickets, account_id="nowhere")


def test_what_only_the_user_knows_is_asked() -> None:
    with pytest.raises(DataContractError, match=r"cannot know score, kind: say columns = \{ score = \.\.\., kind = "):
        made("qualtrics.responses", example("qualtrics.responses"), account_id="company")
    with pytest.raises(DataContractError, match=r"cannot know account_id: say columns = \{ account_id = "):
        made("posthog.events", example("posthog.events"))
    # a column that is called so already needs no word
    named = example("posthog.events").rename(columns={"company_id": "account_id"})
    assert len(made("posthog.events", named).accounts) == 2


def test_a_preset_is_one_for_its_table() -> None:
    with pytest.raises(DataContractError, match=r"preset 'zendesk\.tickets' is one for the table contacts"):
        CustomerData({"usage": example("zendesk.tickets")}, columns={"usage": preset("zendesk.tickets")})
    with pytest.raises(ConfigError, match=r"preset = 'zendesk\.ticket' is none; did you mean 'zendesk\.tickets'\?"):
        preset("zendesk.ticket")
    with pytest.raises(ConfigError, match=r"preset = 'pigeon' is none; presets: amplitude\.events, "):
        RiskSpec.from_dict({"tables": {"contacts": {"preset": "pigeon"}}})


def test_exports_are_recognised_by_their_columns() -> None:
    for name in NAMES:
        assert name in matching_presets(example(name).columns)
        assert matching_presets(example(name).columns[:2]) == ()
    assert matching_presets(["account_id", "at", "feature"]) == ()


def test_a_configuration_names_it_and_keeps_what_it_stands_for(tmp_path: Path) -> None:
    path = tmp_path / "subs.csv"
    path.write_text(read_preset("stripe.subscriptions").example.strip() + "\n", encoding="utf-8")
    told = {"file": "subs.csv", "preset": "stripe.subscriptions", "columns": {"mrr": "amount"}}
    spec = RiskSpec.from_dict({"tables": {"subscriptions": told}})
    columns = spec.tables["subscriptions"].columns
    assert columns["end_at"] == {"name": "ended_at", "preset": "stripe.subscriptions"}
    assert columns["mrr"] == "amount"
    again = RiskSpec.from_dict({"tables": {"subscriptions": {**told, "columns": columns}}})
    assert again == spec
    assert RiskPipeline(spec) is not None
