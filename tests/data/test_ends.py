"""When observation ends, table by table, and what labels may know of it."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import csrisk
from csrisk import CustomerData, Snapshots, label_change, label_churn, label_expansion, label_time_to_churn
from csrisk._pipeline._learning._panel import resolved
from csrisk._pipeline._load import open_source
from csrisk.data._findings._rhythm import Rhythm
from csrisk.datasets import make_saas
from csrisk.exceptions import ConfigError, DataContractError, DataWarning
from csrisk.monitoring import feed_ages
from csrisk.pipeline import Past
from csrisk.report._figures._observed import limits_of_time
from csrisk.testing import on_engine

pytestmark = pytest.mark.filterwarnings("ignore::csrisk.exceptions.DataWarning")

IDS = [f"a{i:02d}" for i in range(40)]
ENGINES = [
    "duckdb",
    "polars",
    "ibis-duckdb",
    "ibis-sqlite",
    pytest.param("pyspark", marks=pytest.mark.slow),
]


def day_in_day_out(
    first: str = "2025-01-01", last: str = "2025-06-30", column: str = "at", **dates: Any
) -> pd.DataFrame:
    """Every account on every day."""
    days = pd.date_range(first, last, **dates)
    return pd.DataFrame({"account_id": np.tile(IDS, len(days)), column: np.repeat(days, len(IDS))})


def rows(n: int, first: str, every: int, column: str = "at") -> pd.DataFrame:
    """One row of another account each so many days."""
    days = [pd.Timestamp(first) + pd.Timedelta(days=every * i) for i in range(n)]
    return pd.DataFrame({"account_id": [IDS[i % len(IDS)] for i in range(n)], column: days})


def together(*frames: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=True)


def opened(tables: dict[str, pd.DataFrame], engine: str = "duckdb", **given: Any) -> CustomerData:
    if engine != "duckdb" and engine != "polars":
        pytest.importorskip("ibis" if engine.startswith("ibis") else engine)
    return CustomerData(on_engine(tables, engine), **given)  # type: ignore[arg-type]  # names of the list above


def ends(data: CustomerData) -> dict[str, str]:
    return {table: f"{end:%Y-%m-%d}" for table, end in data.ends.items()}


def codes(data: CustomerData) -> set[tuple[str, str, int]]:
    return {
        (b.code, b.table, b.count)
        for b in data.breaches
        if b.code in ("CSD208", "CSD211", "CSD212", "CSD213", "CSD214")
    }


STRAYS = {
    "one clock, 82 days ahead": rows(1, "2025-09-20", 1),
    "one clock, a year ahead": rows(1, "2026-06-20", 1),
    "five accounts, weeks ahead": rows(5, "2025-07-12", 9),
    "five accounts, days ahead": rows(5, "2025-07-03", 2),
    "two devices that run ahead": together(
        *(rows(1, f"{day:%Y-%m-%d}", 1) for day in pd.date_range("2025-07-04", periods=60))
    ),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("what", STRAYS)
def test_rows_with_a_wrong_clock_move_no_end(what: str, engine: str) -> None:
    strays = STRAYS[what]
    data = opened({"usage": together(day_in_day_out(), strays)}, engine)
    assert f"{data.end:%Y-%m-%d}" == "2025-07-01"
    assert codes(data) == {("CSD208", "usage", len(strays))}
    assert len(data.frame("usage")) == 40 * 181 + len(strays)  # said, and not dropped
    churn = label_churn(data, Snapshots.every(data, "MS", horizon="30D"), kind="inactivity")
    assert churn.groupby("as_of").count().tolist() == [40, 40, 40, 40, 40, 0]
    assert churn.sum() == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_strays_in_two_tables(engine: str) -> None:
    usage = together(day_in_day_out(), rows(1, "2025-09-20", 1))
    contacts = together(rows(61, "2025-01-01", 3, "opened_at"), rows(1, "2025-09-25", 1, "opened_at"))
    data = opened({"usage": usage, "contacts": contacts}, engine)
    assert ends(data) == {"usage": "2025-07-01", "contacts": "2025-07-01"}
    assert codes(data) == {("CSD208", "usage", 1), ("CSD208", "contacts", 1)}


@pytest.mark.parametrize("n", [1, 3, 12])
def test_a_table_too_small_for_a_rhythm_is_judged_by_all(n: int) -> None:
    contacts = together(rows(n, "2025-01-05", 14, "opened_at"), rows(1, "2025-12-25", 1, "opened_at"))
    data = opened({"usage": day_in_day_out(), "contacts": contacts})
    assert f"{data.end:%Y-%m-%d}" == "2025-07-01"
    assert ("CSD208", "contacts", 1) in codes(data)


@pytest.mark.parametrize("engine", ENGINES)
def test_use_that_stops_is_no_churn(engine: str) -> None:
    contacts = rows(98, "2025-01-01", 3, "opened_at")  # to 19 October
    data = opened({"usage": day_in_day_out(last="2025-03-31"), "contacts": contacts}, engine)
    assert ends(data) == {"usage": "2025-04-01", "contacts": "2025-10-20"}
    assert codes(data) == {("CSD211", "usage", 203)}
    assert "usage 3,600 until 2025-03-31" in repr(data)
    past = Snapshots.every(data, "MS", horizon="30D", eligible="active")
    churn = label_churn(data, past, kind="inactivity")
    assert churn.groupby("as_of").count()[lambda n: n > 0].index.strftime("%m").tolist() == ["02", "03"]
    assert churn.sum() == 0
    time = label_time_to_churn(data, past, kind="inactivity")
    assert not time["event"].fillna(False).any()
    assert (past.as_of + pd.to_timedelta(time["duration"], unit="D")).max() == pd.Timestamp("2025-04-01")
    assert label_change(data, past, measure="usage").groupby("as_of").count()["2025-04-01":].eq(0).all()
    assert feed_ages(data)["late"].to_dict() == {"usage": True, "contacts": False}


def without(frame: pd.DataFrame, first: str, back: str) -> pd.DataFrame:
    """Drop what was not loaded."""
    column = frame.columns[1]
    return frame[(frame[column] < first) | (frame[column] >= back)].reset_index(drop=True)


HOLES = {
    "six weeks": (without(day_in_day_out(), "2025-03-01", "2025-04-12"), 42),
    "six weeks of working days": (without(day_in_day_out(freq="B"), "2025-03-01", "2025-04-12"), 44),
    "two": (without(without(day_in_day_out(), "2025-02-01", "2025-03-01"), "2025-04-01", "2025-05-01"), 58),
    "a trickle of another source": (
        together(without(day_in_day_out(), "2025-03-01", "2025-04-12"), rows(20, "2025-03-01", 2)),
        42,
    ),
    "back for three days": (without(day_in_day_out(), "2025-05-10", "2025-06-28"), 49),
    "a fifth of the rows dated a year ahead": (
        rows(40, "2025-01-01", 4).assign(at=lambda f: f["at"] + pd.to_timedelta(400 * (f.index >= 28), unit="D")),
        403,
    ),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("what", HOLES)
def test_a_table_that_stood_still_is_said(what: str, engine: str) -> None:
    usage, days = HOLES[what]
    data = opened({"usage": usage}, engine)
    assert codes(data) == {("CSD214", "usage", days)}
    assert sum(closes - opens for opens, closes in data.holes["usage"]) == days
    assert data.end == usage["at"].max() + pd.Timedelta(days=1)


def in_hole() -> tuple[CustomerData, Snapshots]:
    """Forty accounts, one of which leaves on 20 January; the feed of use stands still from March to 11 April."""
    usage = without(day_in_day_out(), "2025-03-01", "2025-04-12")
    left = (usage["account_id"] == IDS[0]) & (usage["at"] >= "2025-01-20")
    data = opened({"usage": usage[~left]})
    dates = ["2025-01-15", "2025-01-28", "2025-02-15", "2025-03-15", "2025-04-12", "2025-05-01"]
    return data, Snapshots.at(data, dates, horizon="30D", eligible="active")


def test_silence_in_a_hole_is_no_label() -> None:
    data, past = in_hole()
    churn = label_churn(data, past, kind="inactivity")
    # the window of 15 February reaches 1 March, that of 28 January is over before
    assert churn.groupby("as_of").count().tolist() == [40, 40, 0, 0, 40, 40]
    assert churn.groupby("as_of").sum().tolist() == [0, 1, 0, 0, 1, 1]
    change = label_change(data, past, measure="usage")
    # 30 days before 12 April and 1 May are not observed either
    assert change.groupby("as_of").count().iloc[2:].eq(0).all()


def test_time_to_churn_stops_at_a_hole() -> None:
    data, past = in_hole()
    time = label_time_to_churn(data, past, kind="inactivity")
    stayed = time.drop(IDS[0], level="account_id")
    last = past.as_of[stayed.index] + pd.to_timedelta(stayed["duration"], unit="D")
    assert not stayed["event"].fillna(False).any()
    assert last.groupby("as_of").max().dropna().astype(str).tolist() == [*["2025-03-01"] * 3, *["2025-07-01"] * 2]
    assert time.loc[(IDS[0], "2025-01-15")].tolist() == [6, True]  # the 20th is the first day of the silence


PAUSES = {
    "Christmas": without(day_in_day_out("2024-06-01", freq="B"), "2024-12-21", "2025-01-07"),
    "one month of sums": without(day_in_day_out("2023-01-01", freq="MS"), "2024-03-01", "2024-04-01"),
    "campaigns of two weeks": together(
        *(day_in_day_out(f"{year}-03-01", f"{year}-03-14") for year in (2022, 2023, 2024))
    ),
    "campaigns of four weeks": together(
        *(day_in_day_out(f"2024-{month}-01", f"2024-{month}-28") for month in ("03", "06", "09", "12"))
    ),
    "a slow start": together(rows(3, "2024-06-01", 60), day_in_day_out()),
}


@pytest.mark.parametrize("what", PAUSES)
def test_pauses_are_no_holes(what: str) -> None:
    assert not opened({"usage": PAUSES[what]}).holes


def test_chance_makes_no_hole() -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        n = int(10 ** rng.uniform(1.5, 3))
        days = np.floor(rng.uniform(0, 730, n)).astype(np.int64)
        assert not Rhythm(*np.unique(days, return_counts=True)).holes()


def contracts(last: str, terms: bool = False) -> pd.DataFrame:
    """A contract begins every fifth day, and lasts 200 days; what comes after the last day of loading is not there."""
    frame = rows(400, "2021-01-01", 5, "start_at").assign(
        account_id=lambda f: [f"s{i}" for i in range(len(f))], mrr=10.0
    )
    frame["end_at"] = frame["start_at"] + pd.Timedelta(days=200)
    frame = frame[frame["start_at"] <= last]
    return frame if terms else frame.assign(end_at=frame["end_at"].where(frame["end_at"] <= last))


@pytest.mark.parametrize("terms", [False, True], ids=["ends as they happen", "ends agreed beforehand"])
@pytest.mark.parametrize("engine", ENGINES)
def test_contracts_that_are_not_loaded_any_more_did_not_stay(engine: str, terms: bool) -> None:
    tables = {"usage": day_in_day_out("2024-06-01"), "subscriptions": contracts("2024-12-31", terms)}
    data = opened(tables, engine)
    assert ends(data) == {"subscriptions": "2025-01-01", "usage": "2025-07-01"}
    assert codes(data) == {("CSD211", "subscriptions", 182)}
    past = Snapshots.at(data, ["2024-11-01", "2025-02-01"], horizon="30D", eligible="contract")
    for label in (label_churn(data, past), label_expansion(data, past)):
        assert label.groupby("as_of").count().tolist() == [40, 0]
    whole = opened({**tables, "subscriptions": contracts("2025-06-30")}, engine)
    assert set(ends(whole).values()) == {"2025-07-01"}
    assert not codes(whole)


def fading(rate: Any) -> pd.DataFrame:
    """Use at a rate that falls with the days, from 60 a day."""
    n = np.random.default_rng(0).poisson(60 * rate(np.arange(365.0)))
    days = np.repeat(pd.date_range("2025-01-01", periods=365), n)
    return pd.DataFrame({"account_id": np.resize(IDS, len(days)), "at": days})


HONEST = {
    "a purchase every five weeks": {
        "usage": together(*(rows(8, f"2025-01-{1 + 3 * i:02d}", 35).assign(account_id=f"s{i}") for i in range(10)))
    },
    "four rows": {"usage": rows(4, "2025-01-01", 50)},
    "weekends off": {
        "usage": day_in_day_out(last="2025-06-27", freq="B"),
        "contacts": rows(60, "2025-01-02", 3, "opened_at"),
    },
    "sums of months": {
        "usage": day_in_day_out("2024-01-01", "2025-06-01", freq="MS"),
        "contacts": day_in_day_out("2024-01-01", column="opened_at"),
    },
    "a closed group whose use fades in a line": {"usage": fading(lambda t: (1 - t / 365).clip(0))},
    "a closed group whose use halves each month": {"usage": fading(lambda t: 0.5 ** (t / 30))},
    "quarterly plays": {
        "usage": day_in_day_out("2023-01-01"),
        "treatments": day_in_day_out("2023-02-01", "2025-05-01", freq="QS-FEB"),
    },
    "a cohort whose contracts end as they end": {
        "usage": day_in_day_out("2024-01-01"),
        "subscriptions": pd.DataFrame(
            {
                "account_id": IDS,
                "start_at": pd.date_range("2024-01-01", periods=40),
                "end_at": [*pd.date_range("2024-03-01", periods=20, freq="24D"), *[pd.NaT] * 20],
            }
        ),
    },
}


@pytest.mark.parametrize("engine", ["duckdb", "ibis-duckdb"])
@pytest.mark.parametrize("what", HONEST)
def test_honest_rhythms_keep_their_end(what: str, engine: str) -> None:
    data = opened(HONEST[what], engine)
    shown = [frame[col].max() for frame in HONEST[what].values() for col in ("at", "opened_at") if col in frame]
    assert set(data.ends.values()) == {data.end}
    if "halves" not in what:
        assert data.end == max(shown) + pd.Timedelta(days=1)
        assert not codes(data)
    # the very last rows of use that died away cannot be told from wrong clocks
    assert all(count <= 0.01 * len(HONEST[what][table]) for _, table, count in codes(data))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("n_accounts", "months"), [(12, 6), (40, 12)])
def test_simulated_books_raise_no_alarm(n_accounts: int, months: int, seed: int) -> None:
    book = make_saas(n_accounts, months, seed=seed)
    for data in (book.data(), CustomerData(book.tables)):
        assert not codes(data)
        assert set(data.ends.values()) == {data.end}


@pytest.mark.parametrize("engine", ["duckdb", "polars", "ibis-duckdb"])
def test_ends_that_are_stated_win(engine: str) -> None:
    tables = {"usage": day_in_day_out(last="2025-03-31"), "contacts": day_in_day_out(column="opened_at")}
    data = opened(tables, engine, end={"usage": "2025-06-01"})
    assert ends(data) == {"usage": "2025-06-01", "contacts": "2025-07-01"}
    past = Snapshots.at(data, "2025-04-01", horizon="30D", eligible="active")
    assert label_churn(data, past, kind="inactivity").all()  # the user says that silence was observed
    early = opened(tables, engine, end={"contacts": "2025-03-01", "usage": "2025-03-15"})
    assert ends(early) == {"usage": "2025-03-15", "contacts": "2025-03-01"}
    aside = {(b.table, b.count) for b in early.breaches if b.code == "CSD205"}
    assert aside == {("usage", 17 * 40), ("contacts", 122 * 40)}


def test_an_end_of_the_book_is_no_end_of_a_table_that_stopped_before() -> None:
    tables = {"usage": day_in_day_out(last="2025-03-31"), "contacts": day_in_day_out(column="opened_at")}
    assert ends(opened(tables, end="2025-07-01")) == {"usage": "2025-04-01", "contacts": "2025-07-01"}
    quiet = opened({"usage": tables["usage"]}, end="2025-07-01")
    assert ends(quiet) == {"usage": "2025-07-01"}
    assert codes(quiet) == {("CSD213", "", 91)}


@pytest.mark.parametrize(
    ("end", "words"),
    [({"usages": "2025-01-01"}, "did you mean 'usage'"), ({"usage": "soon"}, "end of usage cannot be read")],
)
def test_ends_that_cannot_be_read_are_refused(end: dict[str, str], words: str) -> None:
    with pytest.raises(DataContractError, match=words):
        CustomerData({"usage": day_in_day_out()}, end=end)


def test_what_lies_after_the_clock_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("csrisk.data._findings._ends._now", lambda: pd.Timestamp("2025-06-10"))
    with pytest.warns(DataWarning, match="CSD212 table=usage column=at count=760.*today is 2025-06-10"):
        data = CustomerData({"usage": day_in_day_out()})
    assert f"{data.end:%Y-%m-%d}" == "2025-07-01"
    monkeypatch.setattr("csrisk.data._findings._ends._now", lambda: pd.Timestamp("2025-06-30"))
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        CustomerData({"usage": day_in_day_out()})


def test_stale_feeds_are_a_check_and_are_said_in_the_report(tmp_path: Any) -> None:
    book = make_saas(60, 24, seed=3)
    usage = book.tables["usage"]
    tables = {**book.tables, "usage": usage[usage["at"] < book.end - pd.Timedelta(days=60)]}
    spec = csrisk.RiskSpec.from_toml("""
        model = { n_members = 2, min_events = 2, blend = false, num_leaves = 4 }
        features = { optional = [] }
        test = { n_bootstrap = 20 }
        reference = { rows = 20 }
        label = { expansion = "none" }
    """)
    tables = {name: tables[name] for name in ("accounts", "subscriptions", "usage", "contacts")}
    data = CustomerData(tables)
    pipeline = csrisk.RiskPipeline(spec).fit(data)
    check = pipeline.record_.checks.loc["CSR014"]
    assert check["status"] == "failed"
    assert check["found"] == "usage"
    assert pipeline.record_.facts["stopped before"] == f"usage (last day {usage_end(tables['usage']):%Y-%m-%d})"
    pipeline.save(tmp_path / "model.csrisk")
    assert csrisk.RiskPipeline.load(tmp_path / "model.csrisk").record_.facts == pipeline.record_.facts
    page = pipeline.report(tmp_path / "report.md", data, past=Past(months=0)).read_text()
    assert "Of usage nothing was observed after" in page
    stated = CustomerData(tables, end={"usage": book.end})
    assert not feed_ages(stated)["late"].any()
    assert not codes(stated)


@pytest.mark.parametrize(("table", "column"), [("treatments", "at"), ("expectations", "agreed_at")])
def test_what_comes_in_campaigns_is_never_late(table: str, column: str) -> None:
    campaign = day_in_day_out("2025-01-01", "2025-02-28", column)
    data = opened({"usage": day_in_day_out(), table: campaign})
    assert not feed_ages(data)["late"].any()
    assert not feed_ages(data, "2025-02-15").loc[table, "late"]
    late = opened({"usage": day_in_day_out(), "contacts": campaign.rename(columns={column: "opened_at"})})
    assert feed_ages(late)["late"].to_dict() == {"usage": False, "contacts": True}


def usage_end(usage: pd.DataFrame) -> pd.Timestamp:
    return usage["at"].max().normalize()


def test_a_report_of_a_date_to_come_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("csrisk.report._figures._observed._now", lambda: pd.Timestamp("2025-06-10"))
    with pytest.warns(DataWarning, match="as_of=2025-07-01 lies after the clock of this machine, 2025-06-10"):
        assert "nobody can know it" in limits_of_time(pd.Timestamp("2025-07-01"), None)[0]
    assert limits_of_time(pd.Timestamp("2025-06-11"), None) == ()


def test_the_configuration_states_ends_of_tables_and_a_model_forgets_them(tmp_path: Any) -> None:
    day_in_day_out(last="2025-03-31").to_csv(tmp_path / "usage.csv", index=False)
    day_in_day_out(column="opened_at").to_csv(tmp_path / "contacts.csv", index=False)
    spec = csrisk.RiskSpec.from_toml("[tables.usage]\nend = 2025-06-01")
    assert spec == csrisk.RiskSpec.from_toml(spec.to_toml())
    data = open_source(tmp_path, spec)
    assert ends(data) == {"usage": "2025-06-01", "contacts": "2025-07-01"}
    assert ends(open_source(tmp_path, spec, end="2025-06-15")) == {"usage": "2025-06-01", "contacts": "2025-06-15"}
    assert not resolved(spec, data).tables
    named = csrisk.RiskSpec.from_toml('[tables.usage]\nend = 2025-06-01\nfile = "usage.csv"')
    assert resolved(named, data).to_dict()["tables"] == {"usage": {"file": "usage.csv"}}
    with pytest.raises(ConfigError, match=r"tables.usage: end = 'soon' must be a date"):
        csrisk.RiskSpec.from_toml('[tables.usage]\nend = "soon"')
