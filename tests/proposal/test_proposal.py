"""What is proposed for files under names of their own, and the configuration that comes of it."""

from __future__ import annotations

import gzip
import importlib.util
import re
import sqlite3
import sys
import tomllib
import warnings
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import csrisk as cr
from csrisk._pipeline._load import open_source
from csrisk._proposal._matching._words import ACCOUNT_WORDS, COLUMNS, MARKS, TABLES, VALUES
from csrisk.cli import main
from csrisk.data import CONTRACT
from csrisk.data._presets import read_preset
from csrisk.exceptions import ConfigError, DataContractError, DataWarning

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared" / "data" / "ravenstack_dirty"


def exports(rows: int = 300) -> dict[str, pd.DataFrame]:
    """Draw three tables under names of their own."""
    rng = np.random.default_rng(5)
    ids = np.array([f"org-{7 * i:04d}" for i in range(40)])
    opened = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 500, rows), unit="D")
    solved = (opened + pd.to_timedelta(rng.integers(1, 9, rows), unit="D")).where(rng.random(rows) < 0.8)
    begun = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 860, 40), unit="D")
    ended = begun + pd.to_timedelta(rng.integers(60, 500, 40), unit="D")
    ended = ended.where(ended < "2025-05-01")
    return {
        "support_tickets": pd.DataFrame(
            {
                "ticket_id": range(9000, 9000 + rows),
                "organisation_id": rng.choice(ids, rows),
                "submitted": opened,
                "solved_at": solved,
                "via": rng.choice(["email", "phone"], rows),
                "internal_flag": rng.choice(["x", "y"], rows),
            }
        ),
        "organisations": pd.DataFrame(
            {"id": ids, "company_name": [f"Firm {i}" for i in range(40)], "signup_date": begun}
        ),
        "contracts": pd.DataFrame(
            {"org_id": ids, "contract_start": begun, "cancelled_on": ended, "monthly_fee": rng.uniform(9, 99, 40)}
        ),
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    source = tmp_path / "exports"
    source.mkdir()
    for name, table in exports().items():
        table.to_csv(source / f"{name}.csv", index=False)
    return source


def pairs(proposal: object) -> dict[str, str]:
    frame = proposal.table
    return dict(zip(frame["table"] + "." + frame["column"], frame["theirs"], strict=True))


WANTED = {
    "contacts.account_id": "organisation_id",
    "contacts.contact_id": "ticket_id",
    "contacts.opened_at": "submitted",
    "contacts.resolved_at": "solved_at",
    "contacts.channel": "via",
    "accounts.account_id": "id",
    "accounts.name": "company_name",
    "accounts.started_at": "signup_date",
    "subscriptions.account_id": "org_id",
    "subscriptions.start_at": "contract_start",
    "subscriptions.end_at": "cancelled_on",
    "subscriptions.mrr": "monthly_fee",
}


def test_every_column_of_the_contract_has_words() -> None:
    every = {f"{table.name}.{name}" for table in CONTRACT.values() for name in table.names if name != "account_id"}
    assert every <= set(COLUMNS)
    assert set(CONTRACT) <= set(TABLES) == set(MARKS)
    assert set(VALUES) <= set(COLUMNS)
    assert "account" in ACCOUNT_WORDS


def test_tables_and_columns_are_found(folder: Path) -> None:
    proposal = cr.propose(folder)
    assert pairs(proposal) == WANTED
    assert "columns not used: internal_flag" in proposal.to_toml()


@pytest.mark.parametrize("kind", ["parquet", "csv.gz", "duckdb", "sqlite"])
def test_the_same_is_found_whatever_holds_the_tables(tmp_path: Path, kind: str) -> None:
    source = tmp_path / f"book.{kind}" if kind in ("duckdb", "sqlite") else tmp_path
    for name, table in exports().items():
        if kind == "parquet":
            table.to_parquet(tmp_path / f"{name}.parquet")
        elif kind == "csv.gz":
            (tmp_path / f"{name}.csv.gz").write_bytes(gzip.compress(table.to_csv(index=False).encode()))
        elif kind == "duckdb":
            with duckdb.connect(str(source)) as connection:
                connection.register("drawn", table)
                connection.execute(f"CREATE TABLE {name} AS SELECT * FROM drawn")
        else:
            connection = sqlite3.connect(source)
            times = table.select_dtypes("datetime").columns
            told = table.assign(**{name: table[name].dt.strftime("%Y-%m-%d") for name in times})
            told.to_sql(name, connection, index=False)
            connection.close()
    proposal = cr.propose(source)
    assert pairs(proposal) == WANTED
    assert opened(source, proposal).rows == {"accounts": 40, "subscriptions": 40, "contacts": 300}


def test_what_is_written_loads_as_it_is(folder: Path, tmp_path: Path) -> None:
    config = tmp_path / "own.toml"
    done = CliRunner().invoke(main, ["init", str(folder), "--out", str(config), "--yes"])
    assert done.exit_code == 0, done.output
    told = tomllib.loads(config.read_text(encoding="utf-8"))
    assert told["tables"]["contacts"]["columns"]["opened_at"] == "submitted"
    done = CliRunner().invoke(main, ["check", str(folder), "--config", str(config), "--dry-run"])
    assert done.exit_code == 0, done.output


def test_questions_are_asked_on_a_terminal_alone(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    table = exports()["support_tickets"].rename(columns={"solved_at": "closed_at"})
    table.assign(solved_on=table["closed_at"]).to_csv(folder / "support_tickets.csv", index=False)
    piped = CliRunner().invoke(main, ["init", str(folder), "--out", str(tmp_path / "piped.toml")], input="2\n")
    assert "Answer" not in piped.output
    assert "; open in it: 1 (or --yes)" in piped.output
    monkeypatch.setattr("csrisk.cli._propose._on_a_terminal", lambda: True)
    asked = CliRunner().invoke(main, ["init", str(folder), "--out", str(tmp_path / "own.toml")], input="2\n")
    assert asked.exit_code == 0, asked.output
    options = [question.options for question in cr.propose(folder).questions]
    told = tomllib.loads((tmp_path / "own.toml").read_text(encoding="utf-8"))
    assert told["tables"]["contacts"]["columns"]["resolved_at"] == options[0][1]


def test_nothing_is_overwritten(folder: Path, tmp_path: Path) -> None:
    config = tmp_path / "own.toml"
    config.write_text("# mine\n")
    done = CliRunner().invoke(main, ["init", str(folder), "--out", str(config), "--yes"])
    assert done.exit_code == 1
    assert "own.toml: is there already, and is never overwritten" in done.output
    with pytest.raises(ConfigError, match="is there already"):
        cr.propose(folder).save(config)
    assert config.read_text() == "# mine\n"


def test_a_guess_is_a_comment_until_it_is_taken(tmp_path: Path) -> None:
    table = exports()["support_tickets"].rename(columns={"solved_at": "closed_at"})
    both = table.assign(solved_on=table["closed_at"])
    both.to_csv(tmp_path / "support_tickets.csv", index=False)
    proposal = cr.propose(tmp_path)
    asked = {question.about: question for question in proposal.questions}
    assert set(asked["contacts.resolved_at"].options) == {"closed_at", "solved_on", ""}
    assert "resolved_at" not in proposal.spec().tables["contacts"].columns
    taken = proposal.answer("contacts.resolved_at", "solved_on")
    assert taken.spec().tables["contacts"].columns["resolved_at"] == "solved_on"
    left = proposal.answer("contacts.resolved_at", "").with_guesses()
    assert "resolved_at" not in left.spec().tables["contacts"].columns
    with pytest.raises(ConfigError, match="must be one of"):
        proposal.answer("contacts.resolved_at", "submitted")
    with pytest.raises(ConfigError, match="no such question"):
        proposal.answer("contacts.opened_at", "submitted")


def test_amounts_of_a_year_and_in_cents_get_their_factor(folder: Path) -> None:
    contracts = exports()["contracts"]
    for name, amount, factor in (("ARR", 12.0, "1/12"), ("monthly_price_cents", 100.0, "1/100")):
        told = contracts.drop(columns="monthly_fee").assign(**{name: amount * contracts["monthly_fee"]})
        told.to_csv(folder / "contracts.csv", index=False)
        proposal = cr.propose(folder).with_guesses()
        assert proposal.spec().tables["subscriptions"].columns["mrr"] == {"name": name, "factor": factor}
        mrr = opened(folder, proposal).frame("subscriptions")["mrr"]
        np.testing.assert_allclose(np.sort(mrr), np.sort(contracts["monthly_fee"]))


@pytest.mark.parametrize(
    ("name", "high", "kind", "sure"),
    [("nps", 10, "NPS", True), ("score", 10, "NPS", False), ("score", 5, "CSAT", False)],
)
def test_the_kind_of_a_survey_is_a_constant(folder: Path, name: str, high: int, kind: str, sure: bool) -> None:
    ids = np.tile(exports()["organisations"]["id"], 5)
    surveys = {"org_id": ids, "sent_at": "2024-04-01", "answered_at": "2024-04-02", name: 1 + np.arange(200) % high}
    pd.DataFrame(surveys).to_csv(folder / "survey_responses.csv", index=False)
    proposal = cr.propose(folder)
    assert ("surveys.kind" in [question.about for question in proposal.open]) is not sure
    assert opened(folder, proposal).frame("surveys")["kind"].unique().tolist() == [kind]


def test_of_two_times_the_one_that_comes_in_order_is_taken(folder: Path) -> None:
    table = exports()["support_tickets"].rename(columns={"submitted": "created_at"})
    table["opened"] = table["created_at"] + pd.Timedelta(days=30)  # after most of the solutions
    table.to_csv(folder / "support_tickets.csv", index=False)
    frame = cr.propose(folder).table.set_index(["table", "column"])
    assert frame.loc[("contacts", "opened_at"), ["theirs", "grade"]].tolist() == ["created_at", "guessed"]


def test_a_flat_table_is_sent_to_its_own_command(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    flat = {"customerID": range(50), "tenure": rng.integers(1, 70, 50), "Churn": rng.choice(["Yes", "No"], 50)}
    pd.DataFrame(flat).to_csv(tmp_path / "telco.csv", index=False)
    with pytest.raises(DataContractError, match="csrisk train FILE --target Churn --report"):
        cr.propose(tmp_path)


def test_ends_that_come_before_beginnings_are_not_sure(folder: Path) -> None:
    table = exports()["support_tickets"]
    table["solved_at"] = table["submitted"] - pd.Timedelta(days=3)
    table.to_csv(folder / "support_tickets.csv", index=False)
    frame = cr.propose(folder).table.set_index(["table", "column"])
    assert frame.loc[("contacts", "resolved_at"), "grade"] == "guessed"


def opened(folder: Path, proposal: object) -> cr.CustomerData:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return cr.pipeline.open_source(folder, proposal.with_guesses().spec())


def rewritten(table: pd.DataFrame, written: str) -> pd.DataFrame:
    times = table["solved_at"]
    seconds = times.map(lambda at: "" if pd.isna(at) else str(int(at.timestamp())))
    return table.assign(solved_at=seconds if written == "epoch" else times.dt.strftime(written))


@pytest.mark.parametrize("written", ["%d.%m.%Y", "%m/%d/%Y", "epoch"])
def test_times_that_are_written_otherwise_get_their_cure(folder: Path, written: str) -> None:
    plain = opened(folder, cr.propose(folder)).frame("contacts")
    rewritten(exports()["support_tickets"], written).to_csv(folder / "support_tickets.csv", index=False)
    proposal = cr.propose(folder)
    assert pairs(proposal) == WANTED
    pd.testing.assert_frame_equal(opened(folder, proposal).frame("contacts"), plain)


def test_times_that_nobody_can_tell_are_never_taken(folder: Path) -> None:
    table = exports()["support_tickets"]
    table = table.assign(solved_at=table["submitted"].dt.strftime("%m/%m/%Y"))  # no day above 12
    table.to_csv(folder / "support_tickets.csv", index=False)
    text = cr.propose(folder).with_guesses().to_toml()
    assert "resolved_at" not in tomllib.loads(text)["tables"]["contacts"]["columns"]
    assert 'resolved_at = "solved_at"  # not in use: nobody can tell' in text
    rewritten(exports()["support_tickets"], "%b %d, %Y").to_csv(folder / "support_tickets.csv", index=False)
    assert 'resolved_at = "solved_at"  # not in use: its times are written' in cr.propose(folder).to_toml()


def test_words_of_a_priority_become_a_severity(folder: Path) -> None:
    words = np.array(["Urgent", "High", "Normal", "Low"])
    table = exports()["support_tickets"].assign(priority=words[np.arange(300) % 4])
    table.to_csv(folder / "support_tickets.csv", index=False)
    proposal = cr.propose(folder)
    assert proposal.spec().tables["contacts"].columns["severity"]["words"] == dict(zip(words, range(1, 5), strict=True))
    assert opened(folder, proposal).frame("contacts")["severity"].value_counts().to_dict() == dict.fromkeys(
        range(1, 5), 75
    )
    table.assign(priority=np.array(["Gold", "Iron"])[np.arange(300) % 2]).to_csv(
        folder / "support_tickets.csv", index=False
    )
    assert "contacts.severity" not in pairs(cr.propose(folder))


@pytest.mark.parametrize("database", [False, True])
def test_a_file_that_does_not_name_the_account_is_joined(folder: Path, tmp_path: Path, database: bool) -> None:
    rng = np.random.default_rng(1)
    contracts = exports()["contracts"].assign(contract_id=[f"S-{i:03x}" for i in range(40)])
    contracts.to_csv(folder / "contracts.csv", index=False)
    chosen = rng.integers(0, 40, 500)
    usage = {"contract_id": contracts["contract_id"].iloc[chosen], "usage_date": "2024-05-05", "feature": "it's"}
    pd.DataFrame(usage).to_csv(folder / "feature_usage.csv", index=False)
    source = tmp_path / "book.duckdb" if database else folder
    if database:
        with duckdb.connect(str(source)) as connection:
            for path in folder.glob("*.csv"):
                connection.execute(f"CREATE TABLE {path.stem} AS FROM read_csv('{path}')")
    proposal = cr.propose(source)
    assert "usage" not in proposal.spec().tables
    assert any("its account is org_id of contracts" in str(question) for question in proposal.open)
    data = opened(source, proposal)
    assert data.rows["usage"] == 500
    found = data.frame("usage")["account_id"].value_counts().to_dict()
    assert found == contracts["org_id"].iloc[chosen].value_counts().to_dict()


def test_a_price_in_a_second_file_is_asked_for_and_joined(folder: Path) -> None:
    plans = np.array(["basic", "pro"])
    contracts = exports()["contracts"].drop(columns="monthly_fee").assign(plan_id=plans[np.arange(40) % 2])
    contracts.to_csv(folder / "contracts.csv", index=False)
    pd.DataFrame({"id": plans, "price_cents": [900, 4900]}).to_csv(folder / "plans.csv", index=False)
    proposal = cr.propose(folder)
    assert proposal.spec().tables["subscriptions"].file == "contracts.csv"
    assert "Is the monthly price of a contract 'price_cents' of plans.csv, by plan_id?" in str(proposal)
    mrr = opened(folder, proposal).frame("subscriptions")["mrr"]
    assert mrr.value_counts().to_dict() == {9.0: 20, 49.0: 20}
    left = proposal.answer("subscriptions.mrr", "")
    assert not opened(folder, left).has("subscriptions", "mrr")


def test_nothing_usable_says_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    (tmp_path / "book.ods").write_bytes(b"PK\x03\x04")
    with pytest.raises(DataContractError, match="holds 1 tables that can be read and none that is a table") as error:
        cr.propose(tmp_path)
    assert ".ods is not read from a folder" in str(error.value)
    assert "Looked for files .csv" in str(error.value)
    with pytest.raises(DataContractError, match="is no folder"):
        cr.propose(tmp_path / "nowhere")
    with pytest.raises(DataContractError, match="is no folder"):
        cr.propose("")


def test_a_file_called_like_one_table_and_named_for_another_is_read_once(folder: Path) -> None:
    ids = exports()["organisations"]["id"]
    people = {"contact_id": range(500, 540), "organisation_id": ids, "email": [f"p{i}@x.example" for i in range(40)]}
    people |= {"buying_role": "Champion", "first_name": "A", "last_name": "B", "start_date": "2024-02-01"}
    pd.DataFrame(people).to_csv(folder / "contacts.csv", index=False)
    proposal = cr.propose(folder)
    assert dict(proposal.table[["file", "table"]].drop_duplicates().to_numpy())["contacts.csv"] == "people"
    assert opened(folder, proposal).rows["people"] == 40
    (folder / "support_tickets.csv").unlink()
    assert opened(folder, cr.propose(folder)).rows == {"accounts": 40, "subscriptions": 40, "people": 40}


def test_a_list_of_ends_or_prices_is_no_table(folder: Path) -> None:
    ids = exports()["organisations"]["id"]
    ends = {"churn_event_id": range(40), "org_id": ids, "churn_date": "2024-03-01", "reason_code": "price"}
    pd.DataFrame(ends).to_csv(folder / "churn_events.csv", index=False)
    proposal = cr.propose(folder)
    assert pairs(proposal) == WANTED
    assert proposal.unused["churn_events.csv"].startswith("looks like a list of ends")


def test_what_is_missing_is_told_with_the_features_that_it_costs(folder: Path) -> None:
    text = cr.propose(folder).to_toml()
    assert re.search(r"^#   usage: \d\d features of footprint \(depth and breadth of use\)$", text, re.MULTILINE)
    assert "#   contacts:" not in text


def test_parts_are_one_table(folder: Path) -> None:
    table = exports()["support_tickets"]
    (folder / "support_tickets.csv").unlink()
    for part in (0, 1):
        table.iloc[part::2].to_csv(folder / f"support_tickets_2024-0{part + 1}.csv", index=False)
    assert opened(folder, cr.propose(folder)).rows["contacts"] == 300


def test_two_commands_from_exports_to_one_sentence(tmp_path: Path) -> None:
    if not REAL.exists():
        pytest.skip("the public data sets are not beside the checkout")
    config = tmp_path / "own.toml"
    done = CliRunner().invoke(main, ["init", str(REAL), "--out", str(config), "--yes"])
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(
        main, ["train", str(REAL), "--config", str(config), "--model", str(tmp_path / "m.csrisk")]
    )
    sentence = done.output.strip().splitlines()[-1]
    assert done.exit_code == 0 or "accounts with churn in" in sentence, done.output


@pytest.mark.slow
@pytest.mark.parametrize("name", ["developing", "unseen"])
def test_nothing_is_wrong_and_sure(name: str) -> None:
    """The layouts of the benchmark: most is found, and nothing that is marked as sure is wrong."""
    spec = importlib.util.spec_from_file_location("proposals", ROOT / "benchmarks" / "proposals.py")
    benchmark = importlib.util.module_from_spec(spec)
    sys.modules["proposals"] = benchmark
    spec.loader.exec_module(benchmark)
    counts = [benchmark.judge(path, wrong=False) for path in sorted((benchmark.HERE / name).glob("*.txt"))]
    total = pd.DataFrame(counts).sum()
    assert len(counts) >= 6
    assert total["sure_wrong"] == 0
    assert total["tables_found"] >= 0.9 * total["tables"]
    assert total["columns_found"] >= 0.85 * total["columns"]


@pytest.mark.parametrize("name", ["events.jsonl", "events.ndjson", "all events.json"])
def test_lines_of_json_are_left_with_the_line_that_makes_a_table_of_them(name, folder, monkeypatch):
    (folder / name).write_text('{"org_id": "007", "at": "2024-01-01"}\n{"org_id": "008", "at": "2024-01-02"}\n')
    told = cr.propose(folder).unused[name]
    assert f"{Path(name).suffix} is not read from a folder" in told
    monkeypatch.chdir(folder)
    exec(re.search(r'python -c "(.*)" makes', told)[1], {})
    made = pd.read_parquet(folder / f"{Path(name).stem}.parquet")
    assert made["org_id"].tolist() == ["007", "008"]


def test_a_file_with_all_columns_of_a_preset_is_offered_it_and_the_preset_reads_it(tmp_path):
    rng, n = np.random.default_rng(2), 200
    ids = np.array([f"{4000 + i}" for i in range(30)])
    at = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 500, n), unit="D")
    reads = read_preset("zendesk.tickets").reads
    tickets = pd.DataFrame({name: rng.choice(["email", "web"], n) for name in reads.values()})
    tickets[reads["account_id"]] = rng.choice(ids, n)
    tickets[reads["opened_at"]] = at
    tickets[reads["due_at"]] = at + pd.Timedelta(days=2)
    tickets[reads["contact_id"]] = range(70_000, 70_000 + n)
    tickets.to_csv(tmp_path / "tickets.csv", index=False)
    pd.DataFrame({"organization_id": ids, "name": [f"Firm {i}" for i in range(30)]}).to_csv(
        tmp_path / "organizations.csv", index=False
    )
    lines = cr.propose(tmp_path).with_guesses().to_toml().splitlines()
    offered = [line for line in lines if line.startswith('# preset = "zendesk.tickets"')]
    assert len(offered) == 1
    toml = f'[tables.contacts]\nfile = "tickets.csv"\n{offered[0].removeprefix("# ")}\n'
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        data = open_source(tmp_path, cr.RiskSpec.from_toml(toml), end="2026-01-01")
    assert set(data.frame("contacts")["account_id"]) == set(tickets[reads["account_id"]])
