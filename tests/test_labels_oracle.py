"""Labels against a slow oracle that walks row by row and day by day, in plain Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csrisk import CustomerData, Snapshots, label_change, label_churn, label_time_to_churn

# overlapping contracts and the like are drawn on purpose
pytestmark = pytest.mark.filterwarnings("ignore::csrisk.exceptions.DataWarning")

EPOCH = pd.Timestamp("2025-01-01")
END = 60
Contract = tuple[int, int | None, int | None]  # start, end, known


def date(day: int | None) -> pd.Timestamp | None:
    return None if day is None else EPOCH + pd.Timedelta(days=day)


def known_rows(rows: list[Contract], end: int) -> list[tuple[int, int | None, float]]:
    """What somebody knows at the end: rows begun before it, ends later or told later unknown; mrr numbers the row."""
    found = []
    for number, (start, stop, known) in enumerate(rows):
        if start < end:
            told = stop is not None and stop < end and (known is None or known < end)
            found.append((start, stop if told else None, 10.0 + number))
    return found


def leaving_day(rows: list[tuple[int, int | None, float]], cut: int, grace: int) -> float | None:
    """Day on which the relation that holds at the cut ends; inf while it runs; None where there is none."""
    started = [stop for start, stop, _ in rows if start < cut]
    if not started:
        return None
    if None in started:
        return float("inf")
    day = max(stop for stop in started if stop is not None)
    while True:
        later = [stop for start, stop, _ in rows if start <= day + grace and (stop is None or stop > day)]
        if not later:
            break
        if None in later:
            return float("inf")
        day = max(stop for stop in later if stop is not None)
    return day if day >= cut else None


def level(rows: list[tuple[int, int | None, float]], day: int) -> float | None:
    running = [mrr for start, stop, mrr in rows if start < day and (stop is None or stop >= day)]
    return sum(running) if running else None


def contract() -> st.SearchStrategy[Contract]:
    def build(start: int, length: int | None, late: int | None) -> Contract:
        return start, None if length is None else start + length, None if late is None else start + late

    maybe = st.one_of(st.none(), st.integers(1, 40))
    return st.builds(build, st.integers(0, 55), maybe, st.one_of(st.none(), st.integers(0, 30)))


BOOKS = st.lists(st.lists(contract(), min_size=1, max_size=5), min_size=1, max_size=4)


def load(book: list[list[Contract]], order: int) -> CustomerData:
    rows = [
        {"account_id": f"a{n}", "start_at": date(s), "end_at": date(e), "known_at": date(k), "mrr": 10.0 + i}
        for n, history in enumerate(book)
        for i, (s, e, k) in enumerate(history)
    ]
    # one more account, so that an end is recorded whatever hypothesis invents
    rows.append({"account_id": "z", "start_at": date(0), "end_at": date(1), "known_at": None, "mrr": 1.0})
    table = pd.DataFrame(rows).sample(frac=1, random_state=order)
    for column in ("start_at", "end_at", "known_at"):
        table[column] = pd.to_datetime(table[column])
    return CustomerData({"subscriptions": table}, end=date(END), threads=1)


def every_day(data: CustomerData, n_accounts: int, **window: int) -> Snapshots:
    names = [f"a{n}" for n in range(n_accounts)]
    days = [date(day) for day in range(1, END + 1)]
    index = pd.MultiIndex.from_product([names, days], names=["account_id", "as_of"])
    return Snapshots(index, end=data.end, **window)


def expected(book: list[list[Contract]], grace: int, lead: int, horizon: int) -> list[Any]:
    out: list[Any] = []
    for history in book:
        rows = known_rows(history, END)
        for cut in range(1, END + 1):
            left = leaving_day(rows, cut, grace)
            told = cut + lead + horizon + grace <= END
            at_risk = left is not None and left >= cut + lead
            out.append(left < cut + lead + horizon if told and at_risk else None)  # type: ignore[operator]
    return out


def plain(label: pd.Series) -> list[Any]:
    return [None if pd.isna(value) else value for value in label]


@settings(max_examples=8, deadline=None)
@given(
    book=BOOKS, grace=st.integers(0, 12), lead=st.integers(0, 8), horizon=st.integers(1, 20), order=st.integers(0, 9)
)
def test_contract_churn_is_what_the_oracle_says(
    book: list[list[Contract]], grace: int, lead: int, horizon: int, order: int
) -> None:
    data = load(book, order)
    label = label_churn(data, every_day(data, len(book), lead=lead, horizon=horizon), kind="contract", grace=grace)
    assert plain(label) == expected(book, grace, lead, horizon)


@settings(max_examples=8, deadline=None)
@given(book=BOOKS, grace=st.integers(0, 12), order=st.integers(0, 9))
def test_time_to_churn_is_what_the_oracle_says(book: list[list[Contract]], grace: int, order: int) -> None:
    data = load(book, order)
    table = label_time_to_churn(data, every_day(data, len(book), lead=0, horizon=5), kind="contract", grace=grace)
    rows = []
    for history in book:
        for cut in range(1, END + 1):
            left = leaving_day(known_rows(history, END), cut, grace)
            event = left is not None and left + grace < END
            duration = None if left is None else min(left, END) - cut + event
            rows.append((duration, event) if duration else (None, None))
    assert list(zip(plain(table["duration"]), plain(table["event"]), strict=True)) == rows


@settings(max_examples=8, deadline=None)
@given(book=BOOKS, grace=st.integers(0, 12), lead=st.integers(0, 8), horizon=st.integers(1, 20))
def test_change_of_mrr_is_what_the_oracle_says(book: list[list[Contract]], grace: int, lead: int, horizon: int) -> None:
    data = load(book, 0)
    snapshots = every_day(data, len(book), lead=lead, horizon=horizon)
    change = plain(label_change(data, snapshots, measure="mrr", grace=grace))
    churn = expected(book, grace, lead, horizon)
    levels = [
        (level(known_rows(history, END), cut), level(known_rows(history, END), cut + lead + horizon))
        for history in book
        for cut in range(1, END + 1)
    ]
    for (before, after), left, found in zip(levels, churn, change, strict=True):
        if left is None:
            assert found is None
        elif before is not None and left:
            assert found == pytest.approx(-before)
        elif before is not None and after is not None:
            assert found == pytest.approx(after - before)


@settings(max_examples=8, deadline=None)
@given(
    book=st.lists(
        st.lists(st.tuples(st.integers(0, 59), st.integers(0, 20)), min_size=1, max_size=8), min_size=1, max_size=4
    ),
    lead=st.integers(0, 8),
    horizon=st.integers(1, 20),
    look_back=st.integers(1, 30),
    polars=st.booleans(),
)
def test_inactivity_is_what_the_oracle_says(
    book: list[list[tuple[int, int]]], lead: int, horizon: int, look_back: int, polars: bool
) -> None:
    rows = [(f"a{n}", date(day), date(day + late)) for n, history in enumerate(book) for day, late in history]
    usage: Any = pd.DataFrame(rows, columns=["account_id", "at", "known_at"])
    if polars:
        import polars as pl

        usage = pl.from_pandas(usage)
    data = CustomerData({"usage": usage}, end=date(END), threads=1)
    snapshots = every_day(data, len(book), lead=lead, horizon=horizon)
    oracle: list[Any] = []
    silences: list[Any] = []
    for history in book:
        for cut in range(1, END + 1):
            active = any(cut - look_back <= day < cut and day + late < cut for day, late in history)
            first, last = cut + lead, cut + lead + horizon
            used = any(first <= day < last and day + late < END for day, late in history)
            oracle.append(not used if active and last <= END else None)
            silences.append(silence([d for d, late in history if d + late < END], cut, horizon, look_back))
    assert plain(label_churn(data, snapshots, look_back=look_back)) == oracle
    table = label_time_to_churn(data, snapshots, look_back=look_back)
    assert list(zip(plain(table["duration"]), plain(table["event"]), strict=True)) == silences


def silence(days: list[int], cut: int, quiet: int, look_back: int) -> tuple[int | None, bool | None]:
    """First day at or after the cut from which so many days without use were observed."""
    if not any(cut - look_back <= day < cut for day in days):
        return None, None
    for day in range(cut, END - quiet + 1):
        if not any(day <= used < day + quiet for used in days):
            return day - cut + 1, True
    after = [day for day in days if day >= cut]
    return (max(after) + 1 - cut, False) if after else (None, None)


@pytest.mark.promise("A label of an earlier end of the data does not see later rows")
@settings(max_examples=8, deadline=None)
@given(book=BOOKS, future=st.lists(contract(), min_size=1, max_size=4), end=st.integers(20, 50))
def test_labels_of_an_earlier_end_do_not_see_later_rows(
    book: list[list[Contract]], future: list[Contract], end: int
) -> None:
    later = [(start + end, stop and stop + end, known and known + end) for start, stop, known in future]
    plainly = load(book, 0)
    haunted = load([history + later for history in book], 0)
    for data in (plainly, haunted):
        assert data.end == date(END)
    snapshots = every_day(plainly, len(book), lead=0, horizon=5).until(date(end))
    assert label_churn(plainly, snapshots).equals(label_churn(haunted, snapshots))
    assert label_change(plainly, snapshots).equals(label_change(haunted, snapshots))


def test_oracle_by_hand() -> None:
    rows = [(0, 10, 1.0), (15, 20, 1.0), (40, None, 1.0)]
    assert leaving_day(rows, 5, 0) == 10
    assert leaving_day(rows, 5, 5) == 20
    assert leaving_day(rows, 12, 5) == 20
    assert leaving_day(rows, 12, 4) is None
    assert leaving_day(rows, 30, 20) == np.inf
    assert level(rows, 10) == 1.0
    assert level(rows, 11) is None
