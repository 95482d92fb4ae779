"""Snapshots by hand: who is eligible when, windows, masks and censoring."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest

from csrisk import CustomerData, Snapshots
from csrisk._snapshots import ahead, observed, visible
from csrisk.exceptions import SnapshotError

# overlapping contracts and the like are drawn on purpose
pytestmark = pytest.mark.filterwarnings("ignore::csrisk.exceptions.DataWarning")

DAY = pd.Timedelta(days=1)


def frame(columns: str, *rows: tuple[object, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns.split())


SUBSCRIPTIONS = frame(
    "account_id start_at end_at",
    ("ended_before", "2025-01-01", "2025-02-28"),
    ("ends_at_cut", "2025-01-01", "2025-03-01"),
    ("ends_later", "2025-01-01", "2025-04-10"),
    ("runs", "2025-01-01", None),
    ("starts_at_cut", "2025-03-01", None),
    ("two", "2025-01-01", "2025-02-10"),
    ("two", "2025-02-01", None),
)
USAGE = frame(
    "account_id at known_at",
    ("runs", "2025-01-01", None),
    ("two", "2025-02-14", None),
    ("at_cut", "2025-03-01", None),
    ("late", "2025-02-20", "2025-03-05"),
    ("edge", "2025-02-19", None),
    ("last", "2025-05-31", None),
)
ACCOUNTS = frame(
    "account_id started_at ended_at",
    ("runs", "2024-05-01", None),
    ("gone", "2024-05-01", "2025-02-28"),
    ("going", "2024-05-01", "2025-03-01"),
    ("new", "2025-03-01", None),
    ("undated", None, None),
)


def build(kind: str = "pandas", **tables: pd.DataFrame) -> CustomerData:
    convert = pl.from_pandas if kind == "polars" else lambda table: table
    return CustomerData({name: convert(table) for name, table in tables.items()}, end="2025-06-01")


@pytest.fixture(scope="module", params=["pandas", "polars"])
def data(request: pytest.FixtureRequest) -> CustomerData:
    return build(request.param, subscriptions=SUBSCRIPTIONS, usage=USAGE, accounts=ACCOUNTS)


def who(snapshots: Snapshots) -> list[str]:
    return snapshots.index.get_level_values("account_id").tolist()


def test_contract_eligibility_knows_only_ends_strictly_before_as_of(data: CustomerData) -> None:
    # ended_before: end 28 Feb < 1 Mar is known; ends_at_cut: end 1 Mar is not known yet; starts_at_cut has not happened
    found = Snapshots.at(data, "2025-03-01", eligible="contract")
    assert who(found) == ["ends_at_cut", "ends_later", "runs", "two"]


def test_active_eligibility_is_half_open_and_respects_known_at(data: CustomerData) -> None:
    # look back 10 days: 19 Feb <= day < 1 Mar, and known before 1 Mar
    assert who(Snapshots.at(data, "2025-03-01", eligible="active", look_back=10)) == ["edge"]
    assert who(Snapshots.at(data, "2025-03-01", eligible="active", look_back="15D")) == ["edge", "two"]
    # on 2 Mar the use of 1 Mar has happened; on 6 Mar the late row is known
    assert who(Snapshots.at(data, "2025-03-02", eligible="active", look_back=1)) == ["at_cut"]
    assert "late" in who(Snapshots.at(data, "2025-03-06", eligible="active", look_back=20))


def test_account_eligibility(data: CustomerData) -> None:
    # no table of accounts says when the others began: only accounts with a row there can qualify
    assert who(Snapshots.at(data, "2025-03-01", eligible="account")) == ["going", "runs", "undated"]


def test_auto_takes_the_first_rule_with_evidence() -> None:
    at = "2025-03-01"
    everything = build(subscriptions=SUBSCRIPTIONS, usage=USAGE, accounts=ACCOUNTS)
    assert who(Snapshots.at(everything, at)) == who(Snapshots.at(everything, at, eligible="contract"))
    no_contracts = build(usage=USAGE, accounts=ACCOUNTS)
    assert who(Snapshots.at(no_contracts, at)) == who(Snapshots.at(no_contracts, at, eligible="active"))
    with pytest.raises(SnapshotError, match=r"eligible='contract': .* no evidence .* \['active', 'account'\]"):
        Snapshots.at(no_contracts, at, eligible="contract")


def test_every_is_the_union_of_its_dates(data: CustomerData) -> None:
    every = Snapshots.every(data, "MS", horizon="30D", lead="7D")
    assert every.as_of.unique().tolist() == pd.date_range("2025-02-01", "2025-06-01", freq="MS").tolist()
    alone = [Snapshots.at(data, date, horizon=30, lead=7).index for date in every.as_of.unique()]
    union = alone[0].append(alone[1:]).sort_values()
    assert every.index.equals(union)
    assert every.index.is_monotonic_increasing
    assert str(every.index.dtypes["as_of"]) == "datetime64[us]"


def test_windows_and_censoring(data: CustomerData) -> None:
    snapshots = Snapshots.every(data, "1MS", horizon=30, lead=7)
    assert (snapshots.label_start - snapshots.as_of == 7 * DAY).all()
    assert (snapshots.label_end - snapshots.label_start == 30 * DAY).all()
    # 1 May + 37 days = 7 June is after the end 1 June; 1 April + 37 days is not
    assert snapshots.censored.groupby("as_of").all().tolist() == [False, False, False, True, True]
    exact = Snapshots.at(data, "2025-05-02", horizon=30)
    assert not exact.censored.any(), "a window that ends with the data was seen in full"
    assert Snapshots.at(data, "2025-05-03", horizon=30).censored.all()
    scoring = Snapshots.at(data, "2025-06-01")
    assert scoring.censored.all()
    assert scoring.label_end.isna().all()


def test_masks_and_until(data: CustomerData) -> None:
    snapshots = Snapshots.every(data, "MS", horizon=30)
    kept = snapshots[snapshots.as_of >= "2025-04-01"]
    assert kept.index.equals(snapshots.index[snapshots.as_of >= "2025-04-01"])
    assert len(kept.accounts) == kept.index.get_level_values(0).nunique()
    earlier = snapshots.until("2025-04-01")
    assert earlier.as_of.max() == pd.Timestamp("2025-04-01")
    assert earlier.end == pd.Timestamp("2025-04-01")
    assert earlier.censored.groupby("as_of").all().tolist() == [False, False, True]
    with pytest.raises(SnapshotError, match="after the end of the data"):
        snapshots.until("2025-06-02")
    with pytest.raises(SnapshotError, match="its index is not the index"):
        snapshots[pd.Series(True, index=range(len(snapshots)))]
    for wrong in (
        np.array([1, 0]),
        np.ones(len(snapshots)),
        np.array([True]),
        np.ones((len(snapshots), 1), dtype=bool),
    ):
        with pytest.raises(SnapshotError, match=r"must be \d+ booleans"):
            snapshots[wrong]


def test_of_takes_frames_and_indexes_in_any_order(data: CustomerData) -> None:
    pairs = frame("account_id as_of", ("two", "2025-03-01"), ("gone", "2025-04-01"), ("two", "2025-02-01"))
    snapshots = Snapshots.of(data, pairs, horizon=30)
    assert snapshots.index.tolist() == [
        ("gone", pd.Timestamp("2025-04-01")),
        ("two", pd.Timestamp("2025-02-01")),
        ("two", pd.Timestamp("2025-03-01")),
    ]
    shuffled = pd.MultiIndex.from_frame(pairs.assign(as_of=pd.to_datetime(pairs["as_of"])))
    assert Snapshots.of(data, shuffled, horizon=30).index.equals(snapshots.index)
    assert Snapshots.of(data, pd.DataFrame(index=shuffled), horizon=30).index.equals(snapshots.index)


def test_lazy_gives_positions_codes_and_days(data: CustomerData) -> None:
    snapshots = Snapshots.every(data, "MS", horizon=30)
    table = data.engine.collect(snapshots.lazy(data)).sort_values("snapshot")
    assert table["snapshot"].tolist() == list(range(len(snapshots)))
    assert data.accounts[table["account"]].tolist() == who(snapshots)
    assert pd.to_datetime(table["cut"], unit="D").tolist() == snapshots.as_of.tolist()
    with pytest.raises(SnapshotError, match="accounts are not in this data"):
        snapshots.lazy(build(usage=USAGE))


def test_visible_shows_what_is_dated_and_known_strictly_before(data: CustomerData) -> None:
    snapshots = Snapshots.at(data, ["2025-03-01", "2025-03-06"], eligible="active")
    seen = data.engine.collect(visible(snapshots.lazy(data), data.lazy("usage")))
    rows = {
        (who(snapshots)[row.snapshot], snapshots.as_of.iloc[row.snapshot].day, row.age) for row in seen.itertuples()
    }
    assert rows == {
        ("edge", 1, 10), ("edge", 6, 15), ("late", 6, 14), ("at_cut", 6, 5),
        ("runs", 1, 59), ("runs", 6, 64), ("two", 1, 15), ("two", 6, 20),
    }  # fmt: skip
    near = data.engine.collect(visible(snapshots.lazy(data), data.lazy("usage"), window=14))
    assert sorted(near["age"]) == [5, 10, 14]


def test_second_times_at_or_after_as_of_are_unknown() -> None:
    rows = frame(
        "account_id opened_at resolved_at",
        ("a", "2025-02-20", "2025-02-28 23:59:59"),
        ("a", "2025-02-21", "2025-03-01 00:00:00"),
        ("a", "2025-02-22", "2025-03-01 09:00:00"),
        ("a", "2025-02-23", None),
    )
    data = build(contacts=rows)
    snapshots = Snapshots.of(data, frame("account_id as_of", ("a", "2025-03-01")))
    seen = data.engine.collect(visible(snapshots.lazy(data), data.lazy("contacts"))).sort_values("day")
    assert seen["resolved_at_day"].notna().tolist() == [True, False, False, False]
    assert seen["resolved_at_second"].notna().tolist() == [True, False, False, False]


def test_plans_are_known_beforehand() -> None:
    plan = frame("account_id start_at end_at planned_end", ("a", "2025-01-01", "2025-05-01", "2025-12-31"))
    data = build(subscriptions=plan)
    snapshots = Snapshots.at(data, "2025-03-01")
    seen = data.engine.collect(visible(snapshots.lazy(data), data.lazy("subscriptions")))
    assert seen["end_at_day"].isna().all()
    assert pd.to_datetime(seen["planned_end_day"], unit="D").tolist() == [pd.Timestamp("2025-12-31")]


def test_ahead_is_half_open(data: CustomerData) -> None:
    usage = frame("account_id at", *(("a", f"2025-03-{day:02d}") for day in range(1, 21)))
    data = build(usage=usage)
    snapshots = Snapshots.of(data, frame("account_id as_of", ("a", "2025-03-05")), horizon=4, lead=2)
    future = data.engine.collect(ahead(snapshots.lazy(data), data.lazy("usage"), 2, 4))
    assert sorted(future["ahead"]) == [2, 3, 4, 5]
    hindsight = data.engine.collect(ahead(snapshots.lazy(data), data.lazy("usage"), -4, 4))
    assert sorted(hindsight["ahead"]) == [-4, -3, -2, -1]


def test_observed_is_what_is_known_at_the_end() -> None:
    rows = frame(
        "account_id start_at end_at known_at",
        ("a", "2025-01-01", "2025-02-01", None),
        ("a", "2025-01-02", "2025-03-01", None),
        ("a", "2025-01-03", None, "2025-03-01"),
        ("a", "2025-03-01", None, None),
    )
    data = CustomerData({"subscriptions": rows}, end="2025-12-01")
    day = (pd.Timestamp("2025-03-01") - pd.Timestamp("1970-01-01")).days
    kept = data.engine.collect(observed(data.lazy("subscriptions"), day)).sort_values("day")
    assert kept["end_at_day"].notna().tolist() == [True, False, False]
    entered = CustomerData({"subscriptions": rows}, end="2025-12-01", known_at={"subscriptions": "entered"})
    kept = entered.engine.collect(observed(entered.lazy("subscriptions"), day)).sort_values("day")
    assert kept["end_at_day"].notna().tolist() == [True, False]


def test_slicing_refuses_frames_without_time(data: CustomerData) -> None:
    snapshots = Snapshots.at(data, "2025-03-01")
    with pytest.raises(SnapshotError, match=r"columns \['known'\] are missing"):
        visible(snapshots.lazy(data), data.lazy("usage").select("account", "day"))
    with pytest.raises(SnapshotError, match=r"column told is missing beside \['end_at_day'\]"):
        visible(snapshots.lazy(data), data.lazy("subscriptions").select("account", "day", "known", "end_at_day"))
    with pytest.raises(SnapshotError, match="window=0 must be a whole number of days, at least 1"):
        visible(snapshots.lazy(data), data.lazy("usage"), window=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"frequency": "every month"}, "frequency='every month' is no offset"),
        ({"frequency": "-1D"}, "frequency='-1D' must go forward"),
        ({"frequency": "13h"}, "not a midnight"),
        ({"frequency": "YS"}, "gives no date"),
        ({"horizon": 0}, "horizon=0 must be a whole number of days, at least 1"),
        ({"horizon": "36h"}, "horizon='36h' must be a whole number"),
        ({"horizon": "90"}, "horizon='90' must be a whole number"),
        ({"horizon": 30.0}, "horizon=30.0 must be a whole number"),
        ({"horizon": "3 moons"}, "horizon='3 moons' must be a whole number"),
        ({"lead": -1}, "lead=-1 must be a whole number of days, at least 0"),
        ({"lead": True}, "lead=True must be a whole number"),
        ({"lead": dt.timedelta(hours=5)}, "lead=.* must be a whole number"),
        ({"start": "2025-05-02", "end": "2025-04-01"}, "lies after end"),
        ({"start": "2024-01-01"}, "13 of 18 dates lie outside the data, the first is 2024-01-01"),
        ({"end": "2025-07-01"}, "1 of 6 dates lie outside the data, the first is 2025-07-01"),
        ({"start": "2025-02-01 06:00"}, "not a midnight"),
        ({"start": pd.Timestamp("2025-02-01", tz="Europe/Berlin")}, "start: has the time zone Europe/Berlin"),
        ({"start": "soon"}, "start: cannot be read as dates"),
        ({"eligible": "everybody"}, "eligible='everybody' must be one of"),
        ({"look_back": "1h", "eligible": "active"}, "look_back='1h' must be a whole number"),
        ({"frequency": "2D", "end": "2025-01-02", "start": "2025-01-02", "eligible": "active", "look_back": 1}, None),
    ],
)
def test_every_refuses(data: CustomerData, arguments: dict[str, object], message: str | None) -> None:
    call = {"frequency": "MS", "horizon": 30} | arguments
    frequency = call.pop("frequency")
    if message is None:
        assert len(Snapshots.every(data, frequency, **call)) == 1
        return
    with pytest.raises(SnapshotError, match=message):
        Snapshots.every(data, frequency, **call)


def test_nobody_eligible_is_an_error(data: CustomerData) -> None:
    with pytest.raises(SnapshotError, match="none of 14 accounts qualifies at 1 dates from 2025-05-20"):
        Snapshots.at(data, "2025-05-20", eligible="active", look_back=1)
    with pytest.raises(SnapshotError, match="dates: none was given"):
        Snapshots.at(data, [])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("nobody", "2025-03-01"), ("two", "2025-03-01")], "1 of 2 accounts are not in the data"),
        ([("two", "2025-03-01"), ("two", "2025-03-01")], "1 of 2 pairs of account_id and as_of are repeats"),
        ([("two", None)], "1 of 1 dates are missing"),
        ([(None, "2025-03-01")], "missing in some pairs"),
        ([("two", "2025-03-01 12:00")], "not a midnight"),
        ([("two", "2026-03-01")], "outside the data"),
    ],
)
def test_of_refuses(data: CustomerData, rows: list[tuple[object, ...]], message: str) -> None:
    with pytest.raises(SnapshotError, match=message):
        Snapshots.of(data, frame("account_id as_of", *rows))


def test_construction_refuses() -> None:
    index = pd.MultiIndex.from_arrays([["a"], pd.to_datetime(["2025-03-01"])], names=["account", "day"])
    end = pd.Timestamp("2025-06-01")
    with pytest.raises(SnapshotError, match="levels account_id and as_of"):
        Snapshots(index, lead=0, horizon=30, end=end)
    good = index.set_names(["account_id", "as_of"])
    with pytest.raises(SnapshotError, match="no snapshot left"):
        Snapshots(good[:0], lead=0, horizon=30, end=end)
    with pytest.raises(AttributeError, match="lead"):
        Snapshots(good, lead=0, horizon=30, end=end).lead = 3  # type: ignore[misc]


def test_snapshots_say_what_they_are():
    data = CustomerData(
        {"subscriptions": pd.DataFrame({"account_id": ["a", "b"], "start_at": ["2025-01-01"] * 2})}, end="2025-06-01"
    )
    made = Snapshots.at(data, ["2025-02-01", "2025-03-01", "2025-05-15"], horizon="30D")
    assert repr(made) == ("Snapshots(6 of 2 accounts, as_of 2025-02-01 to 2025-05-15, lead 0, horizon 30, 2 censored)")
    told = made._repr_html_()
    for words in ("6 snapshots", "3, 2025-02-01 to 2025-05-15", "30 days", "2 snapshots"):
        assert words in told
    alone = Snapshots.at(data, "2025-02-01", horizon=None)._repr_html_()
    assert "none: for scoring" in alone
    assert "window past the end" not in alone


def test_data_without_any_evidence_have_no_rule():
    data = CustomerData({"surveys": pd.DataFrame({"account_id": ["a"], "sent_at": ["2025-01-01"]})}, end="2025-06-01")
    with pytest.raises(SnapshotError, match="eligible='auto': no subscriptions, usage or started_at of accounts"):
        Snapshots.at(data, "2025-02-01")


def test_an_index_with_levels_out_of_order_is_put_in_order(data: CustomerData) -> None:
    made = Snapshots.at(data, ["2025-02-01", "2025-03-01"], horizon=30)
    turned = made.index[::-1].set_levels(made.index.levels[0][::-1], level=0, verify_integrity=False)
    again = Snapshots(turned, lead=0, horizon=30, end=data.end)
    assert again.index.is_monotonic_increasing
    assert set(again.index) == set(turned)


def test_a_horizon_of_one_day_is_a_horizon(data: CustomerData) -> None:
    assert Snapshots.at(data, "2025-03-01", horizon=1).label_end.tolist()[0] == pd.Timestamp("2025-03-02")
    with pytest.raises(SnapshotError, match="horizon=0 must be"):
        Snapshots.at(data, "2025-03-01", horizon=0)
