"""Who is seen and what is visible, against row-by-row oracles in plain Python, on both engines."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csrisk import CustomerData, Snapshots
from csrisk._snapshots import visible
from csrisk.exceptions import SnapshotError

# overlapping contracts and the like are drawn on purpose
pytestmark = pytest.mark.filterwarnings("ignore::csrisk.exceptions.DataWarning")

EPOCH = pd.Timestamp("2025-01-01")
END = 30
Row = tuple[int, int, int | None, int | None]  # account, day, second day, known day

ROWS = st.lists(
    st.builds(
        lambda account, day, second, late: (
            account, day, None if second is None else day + second, None if late is None else day + late,
        ),
        st.integers(0, 3), st.integers(0, END - 1), st.one_of(st.none(), st.integers(0, 20)),
        st.one_of(st.none(), st.integers(0, 12)),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


def date(day: int | None) -> pd.Timestamp | None:
    return None if day is None else EPOCH + pd.Timedelta(days=day)


def load(
    table: str, names: tuple[str, str], rows: list[Row], *, polars: bool, order: int = 0, entered: bool = False
) -> CustomerData:
    columns = ["account_id", names[0], names[1], "known_at"]
    values = [(f"a{account}", date(day), date(second), date(known)) for account, day, second, known in rows]
    # a row of somebody else, so that the data begin on the first day and no column is empty
    frame = pd.DataFrame([*values, ("z", date(0), date(END - 1), date(0))], columns=columns)
    frame = frame.astype(dict.fromkeys(columns[1:], "datetime64[us]")).sample(frac=1, random_state=order)
    native: Any = frame
    if polars:
        import polars as pl

        native = pl.from_pandas(frame)
    tables = {table: native}
    if table == "subscriptions":
        begin = pd.DataFrame({"account_id": ["z"], "at": [date(0)]})
        tables["usage"] = pl.from_pandas(begin) if polars else begin
    return CustomerData(tables, end=date(END), threads=1, known_at={"subscriptions": "entered"} if entered else None)


def keys(snapshots: Snapshots) -> set[tuple[str, int]]:
    return {(account, (day - EPOCH).days) for account, day in snapshots.index if account != "z"}


def seen(data: CustomerData, **options: Any) -> set[tuple[str, int]]:
    try:
        return keys(Snapshots.every(data, "1D", horizon=5, **options))
    except SnapshotError:
        return set()


def is_known(row: Row, cut: int) -> bool:
    _, day, _, known = row
    return day < cut and (known is None or known < cut)


@settings(max_examples=8, deadline=None)
@given(rows=ROWS, polars=st.booleans(), order=st.integers(0, 5))
def test_contract_eligibility_is_what_the_oracle_says(rows: list[Row], polars: bool, order: int) -> None:
    data = load("subscriptions", ("start_at", "end_at"), rows, polars=polars, order=order)
    expected = {
        (f"a{row[0]}", cut)
        for cut in range(1, END + 1)
        for row in rows
        # a contract is seen from its beginning, and its end when it has passed and was told
        if row[1] < cut and (row[2] is None or row[2] >= cut or not is_known(row, cut))
    }
    assert seen(data, eligible="contract") == expected


@settings(max_examples=8, deadline=None)
@given(rows=ROWS, polars=st.booleans(), look_back=st.integers(1, 15))
def test_active_eligibility_is_what_the_oracle_says(rows: list[Row], polars: bool, look_back: int) -> None:
    data = load("contacts", ("opened_at", "resolved_at"), rows, polars=polars)
    usage = load("usage", ("at", "resolved_at"), rows, polars=polars)
    expected = {
        (f"a{row[0]}", cut)
        for cut in range(1, END + 1)
        for row in rows
        if is_known(row, cut) and row[1] >= cut - look_back
    }
    assert seen(usage, eligible="active", look_back=look_back) == expected
    everybody = pd.MultiIndex.from_product(
        [data.accounts, pd.date_range(date(1), date(END))], names=["account_id", "as_of"]
    )
    snapshots = Snapshots.of(data, everybody)
    found = data.engine.collect(visible(snapshots.lazy(data), data.lazy("contacts"), window=look_back))
    assert {(snapshots.index[row.snapshot][0], cut_of(row)) for row in found.itertuples()} - later_z(
        look_back
    ) == expected
    for row in found.itertuples():
        assert row.age == row.cut - row.day
        assert pd.isna(row.resolved_at_day) or row.resolved_at_day < row.cut


def cut_of(row: Any) -> int:
    return int(row.cut) - (EPOCH - pd.Timestamp("1970-01-01")).days


def later_z(look_back: int) -> set[tuple[str, int]]:
    return {("z", cut) for cut in range(1, look_back + 1)}


@pytest.mark.promise("Who is seen at a date does not depend on what came later")
@settings(max_examples=8, deadline=None)
@given(rows=ROWS, later=ROWS, cut=st.integers(1, END), entered=st.booleans())
def test_rows_dated_or_known_later_change_nobody_seen_earlier(
    rows: list[Row], later: list[Row], cut: int, *, entered: bool
) -> None:
    names = ("start_at", "end_at")
    # each of these is dated or becomes known at the cut or after it
    hidden = [
        (account, day, second, max(cut, day if known is None else known))
        if number % 2
        else (account, max(day, cut), None if second is None else max(second, cut), known)
        for number, (account, day, second, known) in enumerate(later)
    ]
    hidden = [(a, min(d, END - 1), s, k) for a, d, s, k in hidden if min(d, END - 1) >= cut or (k or 0) >= cut]
    # a contract that is updated later was there before, and its end was not
    begun = [] if entered else [(a, d, None, None) for a, d, _, _ in hidden if d < cut]
    told = [] if entered else [row for row in hidden if row[1] < cut]
    hidden = hidden if entered else [row for row in hidden if row[1] >= cut]
    plain = seen(load("subscriptions", names, rows + begun, polars=False, entered=entered), eligible="contract")
    haunted = seen(
        load("subscriptions", names, rows + hidden + told, polars=False, entered=entered), eligible="contract"
    )
    assert {key for key in plain if key[1] <= cut} == {key for key in haunted if key[1] <= cut}
