"""What tables say as a whole, the same on every engine: sums dated early, unknown parts, units, answers."""

from __future__ import annotations

import os
import shutil
import warnings

import numpy as np
import pandas as pd
import pytest

from csrisk import CustomerData
from csrisk.data._findings._money import _two_heaps
from csrisk.exceptions import DataContractError, DataWarning
from csrisk.testing import on_engine

ENGINES = ["duckdb", "polars", "ibis-duckdb", "ibis-sqlite", pytest.param("pyspark", marks=pytest.mark.slow)]
IDS = [f"a{number:02d}" for number in range(12)]


@pytest.fixture(params=ENGINES)
def engine(request):
    if request.param == "pyspark":
        pytest.importorskip("pyspark", reason="the extra spark is not installed")
        if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
            pytest.skip("no Java is installed, which Spark needs")
    elif request.param.startswith("ibis"):
        pytest.importorskip("ibis", reason="the extra ibis is not installed")
    return request.param


def found(tables, engine="duckdb", end="2026-01-01"):
    """Codes with what they say, of the findings tested here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        with CustomerData(on_engine(tables, engine), end=end, threads=1) as data:
            breaches = data.breaches
    ours = ("CSD219", "CSD220", "CSD221", "CSD345", *(f"CSD32{number}" for number in range(1, 10)))
    return {b.code: (b.table, b.column, b.count, b.detail) for b in breaches if b.code in ours}


def by_period(frequency, periods, **columns):
    days = pd.date_range("2024-01-01", freq=frequency, periods=periods)
    return pd.MultiIndex.from_product([IDS, days], names=["account_id", "at"]).to_frame(index=False).assign(**columns)


def test_sums_dated_at_the_first_of_their_month_are_said(engine):
    assert found({"usage": by_period("MS", 12, quantity=40.0)}, engine) == {
        "CSD221": ("usage", "at", 144, "all on the first of a month")
    }


def test_days_filled_up_by_a_join_are_said(engine):
    """An empty cell counts as one use: right where no row says how much, doubtful where most of them do."""
    days = by_period("D", 30)
    some = days.assign(quantity=np.where(np.arange(len(days)) % 30 < 10, 2.0, np.nan))
    assert found({"usage": some}, engine) == {"CSD345": ("usage", "quantity", 240, "of 360; each counts as 1")}
    assert found({"usage": days.assign(quantity=np.nan)}, engine) == found({"usage": days}, engine) == {}


def test_sums_of_weeks_are_said(engine):
    assert found({"usage": by_period("W-MON", 20, quantity=40.0)}, engine)["CSD221"][3] == "all on a Monday"


@pytest.mark.parametrize(
    "usage",
    [
        by_period("MS", 12).assign(known_at=lambda rows: rows["at"] + pd.offsets.MonthEnd(1)),
        by_period("ME", 12),
        by_period("D", 60),
        by_period("MS", 2),
        by_period("MS", 12).assign(at=lambda rows: rows["at"] + pd.Timedelta(hours=9)),
    ],
    ids=["known at the end", "dated at the end", "by day", "two months", "with a clock"],
)
def test_other_dates_are_no_sums_dated_early(usage):
    assert "CSD221" not in found({"usage": usage})


def test_nearly_all_is_said_and_the_cure_is_named():
    usage = by_period("MS", 12)
    usage.loc[:3, "at"] += pd.Timedelta(days=3)
    with pytest.warns(DataWarning, match=r"CSD221 table=usage .* 97.2 % on the first of a month; .*known_at"):
        CustomerData({"usage": usage}, end="2026-01-01")


def contracts(**columns):
    n = 2 * len(IDS)
    plain = {"account_id": IDS * 2, "start_at": pd.Timestamp("2024-01-01"), "product": ["x"] * 12 + ["y"] * 12}
    return pd.DataFrame(plain | {"mrr": np.linspace(90, 110, n)} | columns)


@pytest.mark.parametrize("column", ["mrr", "seats"])
def test_contracts_without_an_amount_are_counted(engine, column):
    amounts = pd.Series(np.linspace(5, 6, 24)).where(lambda values: ~values.index.isin([0, 3, 12]))
    told = found({"subscriptions": contracts(**{column: amounts})}, engine)
    assert told == {"CSD323": ("subscriptions", column, 3, "of 2 accounts")}


def test_a_negative_amount_is_an_unknown_part():
    told = found({"subscriptions": contracts(mrr=[-20.0, *[100.0] * 23])})
    assert told["CSD323"] == ("subscriptions", "mrr", 1, "of 1 accounts")


@pytest.mark.parametrize("where", ["within a table", "between tables"])
def test_several_currencies_are_refused(engine, where):
    half = ["EUR", "USD"] * 12 if where == "within a table" else "EUR"
    tables = {"subscriptions": contracts(currency=half)}
    if where == "between tables":
        tables["finance"] = by_period("ME", 3, revenue=10.0, currency="USD")
    with pytest.raises(DataContractError, match=r"CSD324 .*examples=\[EUR, USD\].*convert them to one currency"):
        found(tables, engine)


def test_one_currency_is_none_of_our_business(engine):
    tables = {"subscriptions": contracts(currency="EUR"), "finance": by_period("ME", 3, revenue=10.0, currency="eur ")}
    assert found(tables, engine) == {}


def test_other_intervals_than_a_month_are_said(engine):
    table = contracts(interval=["month"] * 20 + ["year"] * 4)
    assert found({"subscriptions": table}, engine)["CSD325"][:3] == ("subscriptions", "interval", 4)
    assert found({"subscriptions": contracts(interval="monthly")}, engine) == {}


@pytest.mark.parametrize(("code", "factor"), [("CSD325", 12), ("CSD326", 100)])
def test_amounts_of_another_period_or_unit_in_one_plan_are_said(engine, code, factor):
    amounts = np.linspace(90, 110, 24) * np.where(np.arange(24) % 3, 1, factor)
    told = found({"subscriptions": contracts(mrr=amounts, product="x", plan="pro")}, engine)
    assert told == {code: ("subscriptions", "mrr", 8, f"about {factor} times the others of their plan")}


def test_plans_and_sizes_may_differ():
    amounts = np.where(np.arange(24) < 12, 100.0, 1200.0)
    assert found({"subscriptions": contracts(mrr=amounts)}) == {}  # another product
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert _two_heaps(rng.lognormal(6, 1.2, 300))[1] == 0


def test_bookings_that_jump_a_hundredfold_are_said(engine):
    finance = by_period("ME", 6, revenue=50.0)
    finance.loc[finance["at"] > "2024-04-15", "revenue"] = 5000.0
    assert found({"finance": finance}, engine)["CSD326"][:3] == ("finance", "revenue", 12)


def surveys(**columns):
    plain = {"account_id": IDS, "sent_at": pd.Timestamp("2024-03-01"), "answered_at": pd.Timestamp("2024-03-02")}
    return pd.DataFrame(plain | {"score": np.linspace(0, 10, 12).round()} | columns)


def test_scores_without_kind_are_said_with_their_range(engine):
    table, column, count, detail = found({"surveys": surveys()}, engine)["CSD327"]
    assert (table, column, count) == ("surveys", "kind", 12)
    assert detail.startswith("scores from 0 to 10; if they answer how likely")
    assert found({"surveys": surveys(kind="NPS")}, engine) == {}
    part = found({"surveys": surveys(kind=["NPS"] * 10 + [None] * 2, score=[5] * 10 + [40, 50])}, engine)
    assert part["CSD327"][2:] == (2, "scores from 40 to 50")


def test_surveys_without_the_time_of_answers_are_said(engine):
    table = surveys(kind="NPS").drop(columns="answered_at")
    assert found({"surveys": table}, engine)["CSD328"][:3] == ("surveys", "answered_at", 12)


def test_many_exact_repeats_are_said_aloud_and_few_quietly():
    usage = pd.DataFrame({"account_id": IDS * 10, "at": pd.date_range("2024-01-01", periods=120, freq="7h")})
    many = pd.concat([usage, usage.iloc[:30]])
    with pytest.warns(DataWarning, match=r"CSD322 table=usage count=30.* 20 % of 150 rows"):
        CustomerData({"usage": many}, end="2026-01-01")
    with CustomerData({"usage": pd.concat([usage, usage.iloc[:2]])}, end="2026-01-01") as data:
        assert {breach.code: breach.quiet for breach in data.breaches}["CSD309"]


def retried():
    """Five events of a, of which two were delivered again, one of b with the id of one of a, and two without an id."""
    return pd.DataFrame(
        {
            "account_id": ["a", "a", "a", "a", "b", "a", "a", "a"],
            "at": pd.to_datetime(["2025-03-01"] * 2 + ["2025-03-02", "2025-03-09", "2025-03-01"] + ["2025-03-05"] * 3),
            "quantity": [1.0, 1.0, 2.0, 3.0, 7.0, 5.0, 5.0, 5.0],
            "known_at": pd.to_datetime([None, None, "2025-03-20", None, None, None, None, None]),
            "event_id": ["e1", "e1", "e2", "e2", "e1", None, None, "e3"],
        }
    )


@pytest.mark.parametrize("of", [str, lambda text: None if text is None else int(text[1:])], ids=["text", "number"])
def test_repeats_of_an_event_are_removed_and_counted(engine, of):
    usage = retried().assign(event_id=lambda rows: rows["event_id"].map(of, na_action="ignore"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        data = CustomerData(on_engine({"usage": usage}, engine), end="2026-01-01", threads=1)
    with data:
        kept = data.frame("usage")
        told = {b.code: (b.table, b.column, b.count, b.effect) for b in data.breaches}
        lazy = data.engine.collect(data.lazy("usage"))
        assert data.rejected["code"].tolist() == ["CSD321"] * 2
        # e2 was known on 9 March by its second row, on 20 March by its first
        assert sorted(kept["quantity"]) == sorted(lazy["quantity"]) == [1, 3, 5, 5, 5, 7]
        assert told["CSD321"] == ("usage", "event_id", 2, "row set aside")
        assert "CSD322" not in told
        assert "usage 6" in repr(data)


def test_an_event_of_a_late_row_that_is_set_aside_is_no_repeat():
    usage = retried().assign(at=lambda rows: rows["at"].where(rows.index != 0, pd.Timestamp("2027-01-01")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        data = CustomerData({"usage": usage}, end="2026-01-01")
    with data:
        assert {b.code: b.count for b in data.breaches if b.effect == "row set aside"} == {"CSD205": 1, "CSD321": 1}
        assert len(data.frame("usage")) == 6


def known(days, frequency="D"):
    """Use of sixty days, known so many days later."""
    table = by_period(frequency, 60)
    return table.assign(known_at=table["at"] + pd.to_timedelta(days, unit="D"))


def test_rows_that_are_known_weeks_later_are_said_with_the_usual_delay(engine):
    assert found({"usage": known(20)}, engine) == {
        "CSD219": ("usage", "known_at", 720, "half of all after 20 days, nine in ten after 20")
    }
    some = np.where(np.arange(720) % 4, 3, 30)
    assert found({"usage": known(some)}, engine) == {}


def test_the_day_of_an_export_is_no_time_of_knowing(engine):
    table = known(1).assign(known_at=pd.Timestamp("2024-06-01"))
    assert found({"usage": table}, engine) == {"CSD220": ("usage", "known_at", 720, "")}
    rows = contracts(start_at="2023-01-01", end_at="2024-01-01", known_at="2025-03-03")
    times = {name: pd.to_datetime(rows[name]) for name in ("start_at", "end_at", "known_at")}
    assert found({"subscriptions": rows.assign(**times)}, engine) == {"CSD220": ("subscriptions", "known_at", 24, "")}
    # contracts that run were updated last at any time: nothing waits for it
    running = rows.assign(**times).assign(end_at=pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us]"))
    assert found({"subscriptions": running}, engine) == {}


@pytest.mark.parametrize("never", ["1500-01-01", "1900-01-01", "1970-01-01"])
@pytest.mark.parametrize("trial", [False, True])
def test_an_end_that_no_clock_meant_ends_no_contract(never: str, trial: bool) -> None:
    """Exports write the zero of a clock for none: the contract runs on, paid or not tried before."""
    contracts = pd.DataFrame(
        {"account_id": ["a", "b"], "start_at": "2024-01-01", "end_at": [never, "2024-09-01"], "mrr": [1, 2]}
    )
    if trial:
        contracts["trial_ends_at"] = "2024-01-15"
    data = CustomerData({"subscriptions": contracts}, end="2025-01-01")
    assert data.frame("subscriptions").set_index("account_id")["end_at"].isna().to_dict() == {"a": True, "b": False}
    assert not {"CSD204", "CSD340"} & {breach.code for breach in data.breaches}


def joined(n_use, contracts):
    """What is said of ids: use of `n_use` accounts written as 1.0, 2.0 ..., and contracts of some ids."""
    used = pd.MultiIndex.from_product(
        [[f"{i}.0" for i in range(n_use)] + ["test"], pd.date_range("2025-01-01", periods=3)]
    )
    tables = {
        "usage": used.to_frame(index=False, name=["account_id", "at"]),
        "subscriptions": pd.DataFrame({"account_id": contracts, "start_at": "2024-01-01"}),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        data = CustomerData(tables, end="2025-02-01")
    return [(b.table, b.count, b.detail.partition(";")[0]) for b in data.breaches if b.code == "CSD111"]


def test_one_shared_id_is_no_join():
    """A test user whom all tables know switched the refusal off."""
    with pytest.raises(
        DataContractError, match=r"CSD111 .*count=60: .*1 of its 61 ids is in another table; 60 agree but"
    ):
        joined(60, [*(str(i) for i in range(60)), "test"])
    said = joined(60, [*(f"org-{i}" for i in range(60)), "test"])
    assert said == [("usage", 60, "1 of its 61 ids is in another table")]
    # one contract among many free accounts
    assert joined(60, ["7.0", "test"]) == joined(60, ["7.0", *(f"{i}.0" for i in range(10))]) == []
