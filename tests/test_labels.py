"""Labels by hand: churn, contraction, expansion, silence, and what is censored."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from csrisk import (
    CustomerData,
    Snapshots,
    label_change,
    label_churn,
    label_contraction,
    label_expansion,
    label_time_to_churn,
)
from csrisk._labelling._outcomes import reaches
from csrisk.exceptions import LabelError, SnapshotError

# overlapping contracts and the like are drawn on purpose
pytestmark = pytest.mark.filterwarnings("ignore::csrisk.exceptions.DataWarning")


def frame(columns: str, *rows: tuple[object, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns.split())


def contracts(*rows: tuple[object, ...], columns: str = "start_at end_at", end: str = "2025-12-01") -> CustomerData:
    return CustomerData({"subscriptions": frame(f"account_id {columns}", *rows)}, end=end)


def seen(data: CustomerData, accounts: str, as_of: str = "2025-03-01", **window: object) -> Snapshots:
    """The accounts named at one date, whoever is eligible."""
    names = sorted(accounts.split())
    index = pd.MultiIndex.from_product([names, pd.to_datetime([as_of])], names=["account_id", "as_of"])
    return Snapshots(index, **{"lead": 0, "horizon": 30, "end": data.end} | window)


def told(label: pd.Series) -> dict[str, object]:
    """Label by account; None where there is none."""
    values = label.droplevel("as_of").astype(object)
    return values.where(values.notna(), None).to_dict()


def told_values(label: pd.Series) -> list[object]:
    return list(told(label).values())


# as_of 1 March, horizon 30 days: the window is 1 March to 30 March, 31 March is outside
TIMELINES = {
    "ends_first_day": ([("2025-01-01", "2025-03-01")], True),
    "ends_last_day": ([("2025-01-01", "2025-03-30")], True),
    "ends_day_after": ([("2025-01-01", "2025-03-31")], False),
    "ended_day_before": ([("2025-01-01", "2025-02-28")], None),
    "runs": ([("2025-01-01", None)], False),
    "starts_at_as_of": ([("2025-03-01", "2025-03-20")], None),
    "renewed_same_day": ([("2025-01-01", "2025-03-10"), ("2025-03-10", None)], False),
    "renewed_last_day_of_grace": ([("2025-01-01", "2025-03-10"), ("2025-03-20", None)], False),
    "renewed_too_late": ([("2025-01-01", "2025-03-10"), ("2025-03-21", None)], True),
    "renewed_and_ended_in_window": ([("2025-01-01", "2025-03-05"), ("2025-03-07", "2025-03-29")], True),
    "one_of_two_ends": ([("2025-01-01", "2025-03-10"), ("2024-01-01", None)], False),
    "both_end": ([("2025-01-01", "2025-03-10"), ("2024-01-01", "2025-03-25")], True),
    "longer_one_ends_later": ([("2025-01-01", "2025-03-10"), ("2024-01-01", "2025-04-25")], False),
    "in_a_gap_at_as_of": ([("2025-01-01", "2025-02-26"), ("2025-03-04", None)], False),
    "came_back_after_leaving": ([("2024-01-01", "2024-06-01"), ("2025-01-01", None)], False),
    "came_back_after_as_of": ([("2024-01-01", "2024-06-01"), ("2025-03-15", None)], None),
}


@pytest.fixture(scope="module")
def timelines() -> CustomerData:
    return contracts(*((name, *row) for name, (rows, _) in TIMELINES.items() for row in rows))


def test_contract_churn_by_hand(timelines: CustomerData) -> None:
    label = label_churn(timelines, seen(timelines, " ".join(TIMELINES)), grace="10D")
    assert label.name == "churn"
    assert str(label.dtype) == "boolean"
    assert told(label) == {name: outcome for name, (_, outcome) in sorted(TIMELINES.items())}


def test_without_grace_only_the_same_day_renews(timelines: CustomerData) -> None:
    label = told(label_churn(timelines, seen(timelines, " ".join(TIMELINES)), grace=0))
    assert label["renewed_same_day"] is False
    assert label["renewed_last_day_of_grace"] is True
    assert label["in_a_gap_at_as_of"] is None


def test_lead_moves_the_window_and_leaves_out_who_is_gone() -> None:
    # lead 10: the window is 11 March to 9 April
    data = contracts(
        ("gone_in_lead", "2025-01-01", "2025-03-10"),
        ("back_in_lead", "2025-01-01", "2025-03-02"),
        ("back_in_lead", "2025-03-08", None),
        ("first_day", "2025-01-01", "2025-03-11"),
        ("last_day", "2025-01-01", "2025-04-09"),
        ("day_after", "2025-01-01", "2025-04-10"),
    )
    label = label_churn(data, seen(data, "gone_in_lead back_in_lead first_day last_day day_after", lead=10), grace=0)
    assert told(label) == {
        "back_in_lead": None, "day_after": False, "first_day": True, "gone_in_lead": None, "last_day": True,
    }  # fmt: skip


@pytest.mark.promise("A window that runs past the end of the data has no label, never a zero")
def test_censored_is_never_a_zero() -> None:
    # 1 March + 30 days + 10 days of grace = 10 April: the end of the data must not lie before
    rows = [("runs", "2025-01-01", None), ("ends", "2025-01-01", "2025-03-05")]
    for end, expected in {
        "2025-04-10": {"ends": True, "runs": False},
        "2025-04-09": {"ends": None, "runs": None},
    }.items():
        data = contracts(*rows, end=end)
        assert told(label_churn(data, seen(data, "runs ends"), grace=10)) == expected
    data = contracts(*rows, end="2025-12-01")
    assert told(label_churn(data, seen(data, "runs ends").until("2025-04-09"), grace=10)) == {
        "ends": None,
        "runs": None,
    }


def test_an_end_in_the_future_of_the_data_has_not_happened() -> None:
    data = contracts(("planned", "2025-01-01", "2025-12-31"), ("done", "2025-01-01", "2025-03-05"), end="2025-06-01")
    assert told(label_churn(data, seen(data, "planned done"))) == {"done": True, "planned": False}
    past_plan = contracts(
        ("rolled_over", "2025-01-01", None, "2025-03-05"), ("done", "2025-01-01", "2025-03-05", "2025-03-05"),
        columns="start_at end_at planned_end",
    )  # fmt: skip
    assert told(label_churn(past_plan, seen(past_plan, "rolled_over done"))) == {"done": True, "rolled_over": False}


def test_rows_known_late_count_until_the_end_of_the_data() -> None:
    rows = frame(
        "account_id start_at end_at known_at",
        ("a", "2025-01-01", "2025-03-05", None),
        ("a", "2025-03-06", None, "2025-05-01"),
    )
    updated = CustomerData({"subscriptions": rows}, end="2025-12-01")
    assert told(label_churn(updated, seen(updated, "a").until("2025-05-01"), grace=10)) == {"a": False}
    data = CustomerData({"subscriptions": rows}, end="2025-12-01", known_at={"subscriptions": "entered"})
    snapshots = seen(data, "a")
    assert told(label_churn(data, snapshots, grace=10)) == {"a": False}
    assert told(label_churn(data, snapshots.until("2025-05-01"), grace=10)) == {"a": True}
    assert told(label_churn(data, snapshots.until("2025-05-02"), grace=10)) == {"a": False}


def test_accounts_with_ends_stand_in_for_contracts() -> None:
    accounts = frame(
        "account_id started_at ended_at",
        ("left", "2024-01-01", "2025-03-15"),
        ("stays", None, None),
        ("new", "2025-03-01", None),
    )
    data = CustomerData({"accounts": accounts}, end="2025-12-01")
    assert told(label_churn(data, seen(data, "left stays new"))) == {"left": True, "new": None, "stays": False}


# window 1 to 30 March, look-back 20 days: 9 to 28 February
INACTIVITY = {
    "silent": (["2025-02-20"], True),
    "first_day": (["2025-02-20", "2025-03-01"], False),
    "last_day": (["2025-02-20", "2025-03-30"], False),
    "day_after": (["2025-02-20", "2025-03-31"], True),
    "look_back_first_day": (["2025-02-09"], True),
    "look_back_missed": (["2025-02-08", "2025-03-05"], None),
    "not_yet": (["2025-03-05"], None),
    "keeps_the_end_open": (["2025-05-31"], None),
}


def test_inactivity_churn_by_hand() -> None:
    usage = frame("account_id at", *((name, day) for name, (days, _) in INACTIVITY.items() for day in days))
    data = CustomerData({"usage": usage})
    label = label_churn(data, seen(data, " ".join(INACTIVITY)), look_back="20D")
    assert told(label) == {name: outcome for name, (_, outcome) in sorted(INACTIVITY.items())}
    silent = seen(data, "silent first_day")
    assert told(label_churn(data, silent.until("2025-03-31"))) == {"first_day": False, "silent": True}
    assert told(label_churn(data, silent.until("2025-03-30"))) == {"first_day": None, "silent": None}


def test_auto_prefers_ends_of_contracts() -> None:
    usage = frame("account_id at", ("a", "2025-02-20"), ("b", "2025-05-01"))
    running = frame("account_id start_at end_at", ("a", "2025-01-01", None), ("b", "2025-01-01", None))
    ended = frame("account_id start_at end_at", ("a", "2025-01-01", None), ("b", "2025-01-01", "2025-04-20"))
    only_running = CustomerData({"usage": usage, "subscriptions": running})
    assert told(label_churn(only_running, seen(only_running, "a"))) == {"a": True}
    with_ends = CustomerData({"usage": usage, "subscriptions": ended})
    assert told(label_churn(with_ends, seen(with_ends, "a"))) == {"a": False}
    assert told(label_churn(with_ends, seen(with_ends, "a"), kind="inactivity")) == {"a": True}


CHANGES = [  # account, contracts (start, end, mrr), expansion, contraction, change
    ("flat", [("2025-01-01", None, 100)], False, False, 0.0),
    ("up_5", [("2025-01-01", "2025-03-10", 100), ("2025-03-10", None, 105)], True, False, 5.0),
    ("up_4", [("2025-01-01", "2025-03-10", 100), ("2025-03-10", None, 104)], False, False, 4.0),
    ("down_5", [("2025-01-01", "2025-03-10", 100), ("2025-03-10", None, 95)], False, True, -5.0),
    ("add_on", [("2025-01-01", None, 100), ("2025-03-30", None, 50)], True, False, 50.0),
    ("add_on_too_late", [("2025-01-01", None, 100), ("2025-03-31", None, 50)], False, False, 0.0),
    ("dropped_one", [("2025-01-01", None, 100), ("2025-01-01", "2025-03-30", 50)], False, True, -50.0),
    ("dropped_too_late", [("2025-01-01", None, 100), ("2025-01-01", "2025-03-31", 50)], False, False, 0.0),
    ("churned", [("2025-01-01", "2025-03-10", 100)], False, False, -100.0),
    ("in_gap_at_end", [("2025-01-01", "2025-03-28", 100), ("2025-04-02", None, 120)], True, False, 20.0),
    ("in_gap_at_as_of", [("2025-01-01", "2025-02-26", 100), ("2025-03-04", None, 80)], False, True, -20.0),
    ("free", [("2025-01-01", "2025-03-10", 0), ("2025-03-10", None, 80)], None, None, None),
    ("unpriced", [("2025-01-01", None, None)], None, None, None),
    ("unknown_in_part", [("2025-01-01", None, None), ("2025-01-01", None, 100)], None, None, None),
    ("unknown_before", [("2025-01-01", "2025-02-01", None), ("2025-01-01", None, 100)], False, False, 0.0),
    ("unknown_later", [("2025-01-01", None, 100), ("2025-06-01", None, None)], False, False, 0.0),
    ("unknown_at_end", [("2025-01-01", None, 100), ("2025-03-10", None, None)], None, None, None),
    ("gone_before", [("2025-01-01", "2025-02-01", 100)], None, None, None),
    ("starts_later", [("2025-03-05", None, 100)], None, None, None),
]


@pytest.fixture(scope="module")
def changes() -> CustomerData:
    rows = [(name, *row, row[2]) for name, history, *_ in CHANGES for row in history]
    return contracts(*rows, columns="start_at end_at mrr seats")


@pytest.mark.parametrize("measure", ["mrr", "seats"])
def test_change_of_contract_by_hand(changes: CustomerData, measure: str) -> None:
    snapshots = seen(changes, " ".join(name for name, *_ in CHANGES))
    options = {"measure": measure, "grace": 10}
    expected = {name: outcome for name, *outcome in sorted(c[:1] + c[2:] for c in CHANGES)}
    assert told(label_expansion(changes, snapshots, **options)) == {name: row[0] for name, row in expected.items()}
    assert told(label_contraction(changes, snapshots, **options)) == {name: row[1] for name, row in expected.items()}
    assert told(label_change(changes, snapshots, **options)) == {name: row[2] for name, row in expected.items()}


def test_at_least_is_closed(changes: CustomerData) -> None:
    snapshots = seen(changes, "up_4 up_5 down_5")
    assert told(label_expansion(changes, snapshots, at_least=0.04)) == {"down_5": False, "up_4": True, "up_5": True}
    assert told(label_contraction(changes, snapshots, at_least=0.0501))["down_5"] is False


def test_cents_are_money() -> None:
    """Half of a unit of money before is something to change from, under contract and in purchases alike."""
    subscriptions = frame(
        "account_id start_at end_at mrr", ("a", "2025-01-01", "2025-03-10", 0.5), ("a", "2025-03-10", None, 0.75)
    )
    usage = frame(
        "account_id at quantity value",
        ("a", "2025-01-01", 1, 1),
        ("a", "2025-02-10", 1, 0.5),
        ("a", "2025-03-10", 1, 0.25),
    )
    data = CustomerData({"subscriptions": subscriptions, "usage": usage}, end="2025-12-01")
    snapshots = seen(data, "a")
    assert told(label_change(data, snapshots, measure="mrr")) == {"a": 0.25}
    assert told(label_change(data, snapshots, measure="value")) == {"a": -0.25}


def test_an_unknown_amount_leaves_nothing_behind() -> None:
    """A contract of unknown price beside a known one ends before the snapshot or in its window: that one is left."""
    data = contracts(
        ("a", "2025-01-01", None, 100.0), ("a", "2025-01-05", "2025-02-01", None), ("a", "2025-03-10", None, 20.0),
        ("b", "2025-01-01", None, 100.0), ("b", "2025-03-05", "2025-03-20", None),
        columns="start_at end_at mrr",
    )  # fmt: skip
    assert told(label_change(data, seen(data, "a b"), measure="mrr")) == {"a": 20.0, "b": 0.0}


def test_spans_that_reach_into_a_hole() -> None:
    """The hole is of days 10 to 19; spans run from the first to before the last day."""
    first, last = np.array([[5, 10], [5, 11], [19, 20], [20, 25], [0, 30], [12, 13]]).T
    assert reaches([(10, 20)], first, last).tolist() == [False, True, True, False, True, True]
    assert not reaches([], first, last).any()


def test_a_horizon_of_one_day_is_a_window() -> None:
    data = contracts(("a", "2025-01-01", "2025-03-01"), ("b", "2025-01-01", "2025-03-02"))
    made = Snapshots.every(data, "MS", start="2025-03-01", end="2025-03-01", horizon="1D")
    assert made.horizon == 1
    assert told(label_churn(data, seen(data, "a b", horizon=1), grace=0)) == {"a": True, "b": False}


def test_products_count_once_through_renewals_and_versions() -> None:
    data = contracts(
        ("same", "2025-01-01", "2025-03-10", "core"), ("same", "2025-03-15", None, "core"),
        ("more", "2025-01-01", None, "core"), *[("more", "2025-03-15", None, "mail")] * 2,
        ("less", "2025-01-01", None, "core"), ("less", "2025-01-01", "2025-03-15", "mail"),
        ("unnamed", "2025-01-01", None, None),
        ("left", "2025-01-01", "2025-03-15", "core"),
        columns="start_at end_at product",
    )  # fmt: skip
    snapshots = seen(data, "same more less unnamed left")
    change = told(label_change(data, snapshots, measure="products"))
    assert change == {"left": -1.0, "less": -1.0, "more": 1.0, "same": 0.0, "unnamed": None}
    assert told(label_contraction(data, snapshots, measure="products"))["left"] is False


def test_change_of_purchases_by_hand() -> None:
    # 30 days before 1 March: from 30 January; the window: 1 to 30 March
    usage = frame(
        "account_id at quantity value",
        ("up", "2025-01-30", 1, 100), ("up", "2025-03-30", 3, 150), ("up", "2025-03-31", 1, 900),
        ("down", "2025-01-15", 1, 900), ("down", "2025-02-28", 2, 100), ("down", "2025-03-01", 1, 50),
        ("silent", "2025-01-15", 1, 10), ("silent", "2025-02-28", 1, 100),
        ("new", "2025-01-31", 1, 100), ("new", "2025-03-02", 1, 500),
        ("refunded", "2025-01-15", 1, 10), ("refunded", "2025-02-03", 1, -5), ("refunded", "2025-03-03", 1, 5),
        # a line of nothing for no money is no purchase, so the horizon before 1 March is not whole
        ("free", "2025-01-15", 0, 0), ("free", "2025-02-03", 1, 70), ("free", "2025-03-03", 1, 50),
        ("other", "2025-06-01", 1, 1),
    )  # fmt: skip
    data = CustomerData({"usage": usage})
    snapshots = seen(data, "up down silent new refunded free")
    assert told(label_change(data, snapshots, measure="value")) == {
        "down": -50.0, "free": None, "new": None, "refunded": None, "silent": -100.0, "up": 50.0,
    }  # fmt: skip
    assert told(label_change(data, snapshots, measure="usage"))["up"] == 2.0
    assert told(label_expansion(data, snapshots, measure="value"))["up"] is True
    # silence is churn, not contraction
    assert told(label_contraction(data, snapshots, measure="value")) == {
        "down": True, "free": None, "new": None, "refunded": None, "silent": False, "up": False,
    }  # fmt: skip


@pytest.mark.promise("Churn, contraction and expansion exclude each other")
def test_churn_contraction_and_expansion_exclude_each_other(small_book: CustomerData) -> None:
    snapshots = Snapshots.every(small_book, "MS", horizon="60D", lead="7D")
    table = pd.DataFrame(
        {
            "churn": label_churn(small_book, snapshots),
            "contraction": label_contraction(small_book, snapshots),
            "expansion": label_expansion(small_book, snapshots),
        }
    )
    known = table.dropna()
    assert len(known) > 0
    assert (known.sum(axis=1) <= 1).all()
    assert table.loc[table["churn"].isna(), "expansion"].isna().all()
    change = label_change(small_book, snapshots)
    assert (change[known.index[known["expansion"]]] > 0).all()
    assert (change[known.index[known["contraction"] | known["churn"]]] < 0).all()


def test_time_to_contract_churn_by_hand() -> None:
    # days are counted to the end of the day of churn; the data end on 1 June, 92 days after 1 March
    data = contracts(
        ("first_day", "2025-01-01", "2025-03-01"),
        ("tenth_day", "2025-01-01", "2025-03-10"),
        ("renewed", "2025-01-01", "2025-03-10"), ("renewed", "2025-03-12", "2025-04-10"),
        ("runs", "2025-01-01", None),
        ("ended_lately", "2025-01-01", "2025-05-25"),
        ("not_there", "2025-03-01", None),
        end="2025-06-01",
    )  # fmt: skip
    table = label_time_to_churn(data, seen(data, "first_day tenth_day renewed runs ended_lately not_there"), grace=10)
    assert told(table["duration"]) == {
        "ended_lately": 85, "first_day": 1, "not_there": None, "renewed": 41, "runs": 92, "tenth_day": 10,
    }  # fmt: skip
    assert told(table["event"]) == {
        "ended_lately": False, "first_day": True, "not_there": None, "renewed": True, "runs": False, "tenth_day": True,
    }  # fmt: skip


def test_time_to_churn_agrees_with_the_label(small_book: CustomerData) -> None:
    snapshots = Snapshots.every(small_book, "MS", horizon="60D")
    label = label_churn(small_book, snapshots)
    table = label_time_to_churn(small_book, snapshots)
    known = label.notna()
    again = table["event"] & (table["duration"] <= 60)
    assert again[known].astype(bool).equals(label[known].astype(bool).rename(None))


def test_times_are_handed_over_without_missing_rows(small_book: CustomerData) -> None:
    snapshots = Snapshots.every(small_book, "MS", horizon="60D")
    table = label_time_to_churn(small_book, snapshots)
    known = label_time_to_churn(small_book, snapshots, only_known=True)
    assert len(known) < len(table)
    assert table.dropna().astype({"duration": "int64", "event": bool}).equals(known)
    # what libraries for survival do with it first
    duration, event = np.asarray(known["duration"], dtype=float), np.asarray(known["event"], dtype=int)
    assert np.isfinite(duration).all()
    assert (duration > 0).all()
    assert set(event) == {0, 1}


def test_time_to_silence_by_hand() -> None:
    # 20 days without use are churn, on the first of them; the data end on 1 June
    often = pd.date_range("2025-03-10", "2025-05-31", freq="19D").astype(str)
    usage = frame(
        "account_id at",
        ("at_once", "2025-02-20"), ("at_once", "2025-03-21"),
        ("after_use", "2025-02-20"), ("after_use", "2025-03-05"), ("after_use", "2025-03-26"),
        ("busy", "2025-02-25"), *(("busy", day) for day in often),
        ("not_active", "2025-03-05"),
        ("end", "2025-05-31"),
    )  # fmt: skip
    data = CustomerData({"usage": usage})
    table = label_time_to_churn(data, seen(data, "at_once after_use busy not_active"), silent=20)
    # after_use: last use 5 March, churn on 6 March = day 6; busy: last use 25 May, seen to its end = 86 days
    assert told(table["duration"]) == {"after_use": 6, "at_once": 1, "busy": 86, "not_active": None}
    assert told(table["event"]) == {"after_use": True, "at_once": True, "busy": False, "not_active": None}


def test_labels_do_not_depend_on_the_order_of_rows(changes: CustomerData) -> None:
    table = changes.frame("subscriptions").sample(frac=1, random_state=3)
    shuffled = CustomerData({"subscriptions": table}, end=changes.end)
    snapshots = seen(changes, " ".join(name for name, *_ in CHANGES))
    for label in (label_churn, label_change, label_expansion, label_contraction, label_time_to_churn):
        assert label(changes, snapshots).equals(label(shuffled, snapshots))


def test_labels_do_not_depend_on_the_other_snapshots(changes: CustomerData) -> None:
    everybody = seen(changes, " ".join(name for name, *_ in CHANGES))
    few = everybody[np.arange(len(everybody)) % 3 == 0]
    for label in (label_churn, label_change, label_expansion):
        assert label(changes, everybody).loc[few.index].equals(label(changes, few))


def test_nothing_known_is_no_label() -> None:
    rows = frame("account_id start_at end_at mrr known_at", ("a", "2025-01-01", "2025-02-01", 9, "2025-11-01"))
    use = frame("account_id at known_at", ("a", "2025-01-05", "2025-11-01"))
    tables = {"subscriptions": rows, "usage": use}
    data = CustomerData(tables, end="2025-12-01", known_at={"subscriptions": "entered"})
    snapshots = seen(data, "a", as_of="2025-01-20").until("2025-06-01")
    for kind in ("contract", "inactivity"):
        assert told(label_churn(data, snapshots, kind=kind)) == {"a": None}
        assert label_time_to_churn(data, snapshots, kind=kind).isna().all(axis=None)
    for measure in ("mrr", "usage"):
        assert told(label_change(data, snapshots, measure=measure)) == {"a": None}


def test_refusals(changes: CustomerData) -> None:
    snapshots = seen(changes, "flat")
    with pytest.raises(LabelError, match=r"snapshots\.horizon=None: a label needs a window"):
        label_churn(changes, seen(changes, "flat", horizon=None))
    with pytest.raises(LabelError, match="kind='silence' must be one of"):
        label_churn(changes, snapshots, kind="silence")
    with pytest.raises(
        LabelError, match=r"kind='inactivity': the data hold no evidence .* possible here: \['contract'\]"
    ):
        label_churn(changes, snapshots, kind="inactivity")
    with pytest.raises(LabelError, match="measure='arr' must be one of"):
        label_expansion(changes, snapshots, measure="arr")
    with pytest.raises(LabelError, match=r"measure='products': subscriptions\.product has no value"):
        label_expansion(changes, snapshots, measure="products")
    with pytest.raises(LabelError, match=r"measure='value': usage\.value has no value"):
        label_change(changes, snapshots, measure="value")
    with pytest.raises(LabelError, match="at_least=0 must be above 0"):
        label_contraction(changes, snapshots, at_least=0)
    with pytest.raises(LabelError, match="at_least=True must be above 0"):
        label_contraction(changes, snapshots, at_least=True)
    with pytest.raises(SnapshotError, match="grace='1h' must be a whole number of days"):
        label_churn(changes, snapshots, grace="1h")
    with pytest.raises(LabelError, match=r"snapshots\.end=2026-01-01 lies after data\.end=2025-12-01"):
        label_churn(changes, seen(changes, "flat", end=pd.Timestamp("2026-01-01")))
    with pytest.raises(LabelError, match="1 accounts of the snapshots are not in this data"):
        label_churn(changes, seen(changes, "stranger"))
    with pytest.raises(LabelError, match="no evidence"):
        label_churn(contracts(("flat", "2025-01-01", None)), snapshots)
    usage = CustomerData({"usage": frame("account_id at", ("flat", "2025-02-20"))}, end="2025-06-01")
    with pytest.raises(LabelError, match="silent=None"):
        label_time_to_churn(usage, seen(usage, "flat", horizon=None))


def test_ends_for_another_cause_have_no_label() -> None:
    accounts = frame(
        "account_id started_at ended_at ended_reason",
        ("chose", "2024-01-01", "2025-03-10", "Price"), ("could_not_pay", "2024-01-01", "2025-03-10", "Bankruptcy"),
        ("silent", "2024-01-01", "2025-03-10", None), ("stays", "2024-01-01", None, None),
    )  # fmt: skip
    usage = frame("account_id at", ("stays", "2025-11-30"))
    data = CustomerData({"accounts": accounts, "usage": usage}, end="2025-12-01")
    snapshots = seen(data, "chose could_not_pay silent stays")

    def found(cause: str) -> list[object]:
        return told_values(label_churn(data, snapshots, cause=cause))

    assert found("any") == [True, True, True, False]
    assert found("voluntary") == told_values(label_churn(data, snapshots)) == [True, None, True, False]
    assert found("involuntary") == [None, True, None, False]
    with pytest.raises(LabelError, match="cause='whim' must be one of"):
        found("whim")
    unstated = CustomerData({"accounts": accounts.drop(columns="ended_reason"), "usage": usage}, end="2025-12-01")
    assert told_values(label_churn(unstated, snapshots, cause="voluntary")) == [True, True, True, False]
    with pytest.raises(LabelError, match=r"no account states why it left; map accounts\.ended_reason"):
        label_churn(unstated, snapshots, cause="involuntary")


def test_nobody_falls_silent_in_a_hole_of_the_table() -> None:
    """Daily use of thirty accounts, none from 10 March to 20 April: they are followed to the hole, or to the end."""
    days = pd.date_range("2025-01-01", "2025-03-09").append(pd.date_range("2025-04-21", "2025-05-31"))
    usage = pd.DataFrame([(f"a{n:02d}", day) for n in range(30) for day in days], columns=["account_id", "at"])
    data = CustomerData({"usage": usage})
    assert [closes - opens for opens, closes in data.holes["usage"]] == [42]
    dates = pd.to_datetime(["2025-03-01", "2025-04-25"])
    index = pd.MultiIndex.from_product([["a00"], dates], names=["account_id", "as_of"])
    found = label_time_to_churn(data, Snapshots(index, lead=0, horizon=15, end=data.end))
    # 9 days to the hole; from 25 April to 31 May, the last day with use: 6 + 31 days
    assert found["duration"].tolist() == [9, 37]
    assert found["event"].tolist() == [False, False]
