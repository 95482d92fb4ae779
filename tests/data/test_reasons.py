"""Reasons that are rare, each with the input that brings it about."""

from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from csrisk import CustomerData
from csrisk.data import CODES
from csrisk.exceptions import ConfigError, DataContractError

if TYPE_CHECKING:
    from pathlib import Path

HEAD = b"account_id,at,feature,quantity\n"
USAGE = {"account_id": ["a", "b"], "at": ["2025-01-01", "2025-02-01"], "feature": ["x", "y"]}
LONG = b'a,2025-01-01,"' + b"x" * 140_000 + b'",1\n'
PACKED = gzip.compress(HEAD + b"".join(b"%d,2025-01-01,x,1\n" % i for i in range(9_000)), mtime=0)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("usage.csv", HEAD + LONG, r"line 2 holds a cell of more than 131,072 signs; is a quote open there\?"),
        ("usage.csv", LONG + HEAD, r"holds a cell of more than 131,072 signs; is a quote open there\?"),
        ("usage.csv.gz", PACKED[:40], "the gzip file is cut short; copy it again"),
        ("usage.csv.gz", PACKED[:11] + b"\xff" * 400, "the gzip file is damaged; write or copy it again"),
        ("usage.csv.gz", PACKED[:-8] + bytes(8), "the gzip file is damaged; write or copy it again"),
        ("usage.csv.gz", PACKED[:-4] + bytes(4), "the gzip file is damaged; write or copy it again"),
        ("usage.csv", b"\0" * 8 + b"DUCK" + bytes(4_084), "it is a DuckDB database; give it as SOURCE, or hand over"),
        ("usage.csv", b"4711,Acme,7\n4712,Bolt,8\n", "none of its 3 columns has a name of the contract; is the first"),
    ],
)
def test_a_file(name: str, content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataContractError, match=reason) as caught:
        CustomerData({"usage": tmp_path / name})
    assert "Acme" not in str(caught.value)


def test_paths_that_hold_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataContractError, match="the list of paths is empty"):
        CustomerData({"usage": []})
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "note.odt").write_text("hello")
    with pytest.raises(DataContractError, match=r"the folder 'parts' holds no file \.parquet or \.csv"):
        CustomerData({"usage": tmp_path / "parts"})


def test_what_lies_among_the_parts_of_a_table_is_named(tmp_path: Path) -> None:
    pq.write_table(pa.table(USAGE), tmp_path / "one.parquet")
    (tmp_path / "note.odt").write_text("hello")
    with pytest.warns(match=r"CSD021 table=usage count=1: .*among its parts: 'note\.odt'"):
        CustomerData({"usage": tmp_path}, end="2025-06-01")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_of_parts_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir(mode=0)
    with pytest.raises(DataContractError, match="the folder cannot be read: Permission denied"):
        CustomerData({"usage": tmp_path / "parts"})


@pytest.mark.parametrize("tables", [pd.DataFrame(USAGE), [pd.DataFrame(USAGE)], "usage.csv"])
def test_tables_without_names(tables: Any) -> None:
    with pytest.raises(
        DataContractError, match=rf"CSD007 .*tables is a {type(tables).__name__}, not a mapping of name"
    ):
        CustomerData(tables)


@pytest.mark.parametrize("columns", ["at", {"usage": "at"}, [("usage", "at")]])
def test_columns_without_tables(columns: Any) -> None:
    with pytest.raises(DataContractError, match=r"CSD002 .*columns is no mapping of table to names"):
        CustomerData({"usage": pd.DataFrame(USAGE)}, columns=columns)


def test_ids_in_whatever_pandas_holds_them() -> None:
    """The same ids as objects, as categories of objects, as bytes and as numbers that are whole."""
    ids: list[Any] = ["7", b"8", 9.0]
    table = pd.DataFrame({"at": "2025-01-01", "feature": "x", "account_id": pd.Series(ids, dtype=object)})
    as_categories = table.assign(account_id=pd.Categorical(table["account_id"]))
    for brought in (table, as_categories):
        with pytest.warns(match="CSD105"):
            data = CustomerData({"usage": brought}, end="2025-06-01")
        assert sorted(map(str, data.accounts)) == ["7", "8", "9"]


def test_periods_are_text_and_not_times() -> None:
    months = pd.PeriodIndex(["2025-01", "2025-02"], freq="M")
    data = CustomerData(
        {"accounts": pd.DataFrame({"account_id": ["a", "b"], "since": months}), "usage": pd.DataFrame(USAGE)},
        end="2025-06-01",
    )
    assert data.frame("accounts")["since"].tolist() == ["2025-01", "2025-02"]


def test_facts_of_tables() -> None:
    data = CustomerData({"usage": pd.DataFrame(USAGE)}, end="2025-06-01", known_at={"subscriptions": "entered"})
    assert data.rows == {"usage": 2}
    assert data.known_at == {"subscriptions": "entered"}
    assert CustomerData({"usage": pd.DataFrame(USAGE)}, end="2025-06-01").known_at == {}


def test_a_rule_is_what_its_code_declares() -> None:
    with pytest.raises(DataContractError) as caught:
        CustomerData({"usage": pd.DataFrame({"account_id": ["a"]})})
    assert {breach.rule for breach in caught.value.breaches} <= {code.rule for code in CODES.values()}


def test_an_end_after_the_clock() -> None:
    with pytest.warns(
        match=r"CSD212 column=end count=1 examples=\[2090-01-01\].* observation is said to end at 2090-01-01"
    ):
        CustomerData({"usage": pd.DataFrame(USAGE)}, end="2090-01-01")


def test_booked_amounts_in_cents() -> None:
    ids = [f"a{i}" for i in range(20)]
    contracts = pd.DataFrame({"account_id": ids, "start_at": "2024-01-01", "mrr": 50.0})
    months = [f"2025-{month:02}-01" for month in range(1, 7)]
    booked = pd.DataFrame([(i, at, 5_000.0) for i in ids for at in months], columns=["account_id", "at", "revenue"])
    detail = r"of 20 accounts book about 100 times as much, or as little, as mrr says"
    with pytest.warns(match=rf"CSD326 table=finance column=revenue count=20.*{detail}"):
        CustomerData({"subscriptions": contracts, "finance": booked}, end="2025-07-01")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_tables_stay_in_the_process_that_opened_them() -> None:
    data = CustomerData({"usage": pd.DataFrame(USAGE)}, end="2025-06-01")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # nothing of pytest may run in the child
        try:
            data.frame("usage")
            told = "read"
        except ConfigError as error:
            told = str(error)
        os.write(writing, told.encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert "fork" in os.read(reading, 4_000).decode()
    assert len(data.frame("usage")) == 2


def test_memory_that_runs_out_says_which_limit(tmp_path: Path) -> None:
    n = 400_000
    ids = pa.array([f"account {i:09}" for i in range(n)])
    table = pa.table({"account_id": ids, "at": pa.array(["2025-01-01"] * n), "feature": ids})
    pq.write_table(table, tmp_path / "usage.parquet")
    with pytest.raises((DataContractError, ConfigError), match="memory ran out; raise memory_limit="):
        CustomerData({"usage": tmp_path / "usage.parquet"}, end="2025-06-01", memory_limit="8MB")


@pytest.mark.parametrize("place", range(0, len(PACKED) - 20, len(PACKED) // 12))
def test_a_flipped_bit_in_a_gzip_file_never_gives_rows(place: int, tmp_path: Path) -> None:
    flipped = bytearray(PACKED)
    flipped[place + 10] ^= 4
    (tmp_path / "usage.csv.gz").write_bytes(bytes(flipped))
    with pytest.raises(DataContractError, match=r"the gzip file is (damaged|cut short)|it is named \.gz|has no header"):
        CustomerData({"usage": tmp_path / "usage.csv.gz"}, end="2025-06-01")
