"""Files as they come: parts, partitions, patterns, folders, and the true reason where one cannot be read."""

from __future__ import annotations

import gzip
import os
import sys
import warnings
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from csrisk import CustomerData, RiskSpec
from csrisk._pipeline import open_source
from csrisk.exceptions import ConfigError, DataContractError

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "account_id,at,feature,quantity\n"
GOOD = (HEAD + "a,2025-01-01,x,1\nb,2025-01-02,y,2\n").encode()


def read(brought: Any, **more: Any) -> tuple[CustomerData, str]:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        data = CustomerData({"usage": brought}, end="2025-06-01", **more)
    return data, " ".join(str(one.message) for one in said)


def rows(data: CustomerData, *columns: str) -> list[list[Any]]:
    frame = data.frame("usage").sort_values(["at", "account_id"])[["account_id", *columns]].astype(object)
    return frame.where(frame.notna(), None).to_numpy().tolist()


def part(path: Path, **columns: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


READ = {
    "semicolons": GOOD.replace(b",", b";"),
    "tabs": GOOD.replace(b",", b"\t"),
    "a mark of UTF-8": b"\xef\xbb\xbf" + GOOD,
    "lines of Windows": GOOD.replace(b"\n", b"\r\n"),
    "lines of old Macs": GOOD.replace(b"\n", b"\r"),
    "blank lines above": b"\n\n" + GOOD,
    "a hint for Excel": (b"sep=;\n" + GOOD.replace(b",", b";")).replace(b"\n", b"\r\n"),
    "quoted header": GOOD.replace(HEAD.encode(), b'"account_id","at","feature","quantity"\n'),
}


@pytest.mark.parametrize("content", READ.values(), ids=READ.keys())
@pytest.mark.parametrize("name", ["usage.csv", "USAGE.CSV.GZ"])
def test_csv_as_programs_write_it(content: bytes, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("GZ") else content)
    data, said = read(tmp_path / name)
    assert rows(data, "feature", "quantity") == [["a", "x", 1.0], ["b", "y", 2.0]]
    assert not said


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_header_with_separators_and_lines_in_its_names(end: str, tmp_path: Path) -> None:
    path = tmp_path / "usage.csv"
    lines = ['"id, of ""Acme""","the\nday",note', 'a,2025-01-01,"x, y"', 'b,2025-01-02,"two\nlines"', ""]
    path.write_bytes(end.join(lines).encode())
    names = {"account_id": 'id, of "Acme"', "at": "the\nday", "feature": "note"}
    data, _ = read(path, columns={"usage": names})
    assert rows(data, "feature") == [["a", "x, y"], ["b", "two\nlines"]]


LATIN = "c,2025-01-03,M\u00fcller,1\n".encode("latin-1")
REFUSED = {
    "a cell too few": ("u.csv", GOOD + b"c,2025-01-03,x\nd,2025-01-03\n", "line 4 has 3 cells, the header 4"),
    "a cell too many, late": ("u.csv", GOOD + b"c,2025-01-03,x,1\n" * 40 + b"c,2025-01-03,x,1,2\n", "line 44 has 5"),
    "a cell too many, packed": ("u.csv.gz", gzip.compress(GOOD + b"c,2025-01-03,x,1,2\n"), "line 4 has 5 cells"),
    "separators at the end": ("u.csv", GOOD.replace(b"1\n", b"1,\n"), "line 2 has 5 .* a separator too many"),
    "lines that end otherwise": ("u.csv", GOOD * 2 + b"c,2025-01-03,x,1\r\n", "line 7 ends otherwise"),
    "a header that ends otherwise": ("u.csv", GOOD.replace(b"quantity\n", b"quantity\r\n"), "line 2 ends otherwise"),
    "a blank line that ends otherwise": ("u.csv", b"\r\n" + GOOD, "line 2 ends otherwise"),
    "a footer": ("u.csv", GOOD + b'\n"Grand Totals (2 records)"\n', "line 5 has 1 cell, .* title or footer"),
    "a title": ("u.csv", b"Use of June\n\n" + GOOD, "line 3 has 4 cells, the header 1; is the first line a title"),
    "a title with a comma": ("u.csv", b"Use,June\n" + GOOD, "line 2 has 4 cells, the header 2; is the first line a"),
    "quotes of MySQL": ("u.csv", GOOD + b'c,2025-01-03,"a \\"b\\" c",1\n', "begins in line 4 .* are doubled"),
    "an open quote": ("u.csv", GOOD + b'c,2025-01-03,"a,1\nd,2025-01-04,x,1\n', "begins in line 4 ends nowhere"),
    "Latin-1": ("u.csv", GOOD + LATIN, "line 4 is not UTF-8"),
    "Latin-1, packed": ("u.csv.gz", gzip.compress(GOOD + LATIN), "line 4 is not UTF-8"),
    "Latin-1 in the header": ("u.csv", GOOD.replace(b"feature", b"f\xe4"), "line 1 is not UTF-8"),
    "UTF-16": ("u.csv", GOOD.decode().encode("utf-16"), "it is UTF-16"),
    "UTF-16 without a mark": ("u.csv", GOOD.decode().encode("utf-16-be"), "it is UTF-16"),
    "nothing": ("u.csv", b"", "it is empty"),
    "nothing, packed": ("u.csv.gz", gzip.compress(b""), "it is empty"),
    "blank lines": ("u.csv", b"\n\n", "no header"),
    "a workbook that is none": ("u.xlsx", b"PK\x03\x04 and so on", "workbook .xlsx."),
    "a workbook by the name of CSV": ("u.csv", b"PK\x03\x04 and so on", "workbook .xlsx."),
    "an old workbook": ("u.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "workbook .xls."),
    "JSON lines": ("u.jsonl", b'{"account_id":"a","at":"2025-01-01"}\n', "JSON"),
    "JSON lines by the name of CSV": ("u.csv", b'{"account_id":"a","at":"2025-01-01"}\n', "JSON"),
    "JSON": ("u.csv", b'[\n  {"account_id":"a"}\n]\n', "JSON"),
    "a page of the web": ("u.csv", b"<!DOCTYPE html><html></html>", "HTML"),
    "no gzip": ("u.csv.gz", GOOD, "is not gzip"),
    "gzip by the name of CSV": ("u.csv", gzip.compress(GOOD), "it is gzip"),
    "gzip cut short": ("u.csv.gz", gzip.compress(GOOD * 500)[:-20], "gzip file is cut short"),
    "CSV by the name of Parquet": ("u.parquet", GOOD, "no Parquet file by its first bytes"),
    "a database": ("u.csv", b"SQLite format 3\x00" + bytes(100), "SQLite database"),
    "another ending": ("u.dat", GOOD, "the ending '.dat'"),
}


@pytest.mark.parametrize(("name", "content", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_the_reason_is_the_reason(name: str, content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataContractError, match=f"CSD006 table=usage .*{words}") as caught:
        CustomerData({"usage": tmp_path / name})
    told = str(caught.value)
    assert ("UTF-8" in told) is ("UTF-8" in words or "UTF-16" in words)
    assert not {"ller", "Grand", "2025", "Acme"} & set(told.replace("'", " ").split())


def test_the_reason_of_a_parquet_file(tmp_path: Path) -> None:
    good = tmp_path / "u.parquet"
    part(good, account_id=["a"] * 2000, at=[f"2025-01-{1 + i % 28:02}" for i in range(2000)])
    content = good.read_bytes()
    for name, changed, words in (
        ("u.parquet", content[:-9], "cut short"),
        ("u.parquet", content[:4] + bytes(200) + content[204:], "damaged"),
        ("u.csv", content, "it is a Parquet file by its content; name it .parquet"),
        ("u.parquet", b"PAR1PAR1", "too short"),
    ):
        (tmp_path / name).write_bytes(changed)
        with pytest.raises(DataContractError, match=f"CSD006 .*{words}"):
            CustomerData({"usage": tmp_path / name})


SECRET = "s3cr3tPW"
ADDRESSES = [
    *(f"s3://bucket/{SECRET}/u.parquet", f"S3A://key:{SECRET}@bucket/u", f"gs://b/u.csv?token={SECRET}"),
    *(f"https://bob:{SECRET}@host/u.csv", f"abfss://c@{SECRET}.dfs.core/u", f" https://host/{SECRET}.csv"),
    *(f"host=h password={SECRET}", f"file:///tmp/{SECRET}", f"md:db?motherduck_token={SECRET}", f"x@{SECRET}/*.csv"),
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_no_path_and_is_not_repeated(address: str) -> None:
    with pytest.raises(DataContractError, match=r"CSD006 .*(address|does not exist|no file fits)") as caught:
        CustomerData({"usage": address})
    assert SECRET not in str(caught.value)


def test_a_path_that_is_not_there_names_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "usage.csv").write_bytes(GOOD)
    with pytest.raises(DataContractError, match=r"'usgae.csv' does not exist; did you mean 'usage.csv'\?"):
        CustomerData({"usage": tmp_path / "usgae.csv"})


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices of POSIX")
def test_pipes_and_devices_do_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "usage.csv")
    (tmp_path / "parts").mkdir()
    os.mkfifo(tmp_path / "parts" / "a.csv")
    for path, words in (
        (tmp_path / "usage.csv", "a named pipe"),
        (tmp_path / "parts", "a named pipe"),
        ("/dev/zero", "a dev"),
    ):
        with pytest.raises(DataContractError, match=f"CSD006 .*it is {words}"):
            CustomerData({"usage": path})
    with pytest.raises(DataContractError, match="a named pipe"):
        CustomerData.from_folder(tmp_path)


def test_columns_of_later_parts_are_kept_and_those_that_lack_them_said(tmp_path: Path) -> None:
    folder = tmp_path / "usage"
    part(folder / "1.parquet", account_id=["a"], at=["2025-01-01"])
    part(folder / "2.parquet", account_id=["b"], at=["2025-01-02"], Feature=["y"], quantity=[6])
    part(folder / "3.parquet", account_id=["c"], at=["2025-01-03"], feature=["z"])
    (folder / "_SUCCESS").touch()
    (folder / ".1.parquet.crc").touch()
    data, said = read(folder, columns={"usage": {"feature": "Feature"}})
    assert rows(data, "feature", "quantity") == [["a", None, 1.0], ["b", "y", 6.0], ["c", "z", 1.0]]
    assert "CSD023 table=usage column=Feature, quantity count=2" in said
    assert "2 of 3 parts lack them" in said


def test_parts_of_csv_with_other_columns_order_and_separator(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("account_id,at\na,2025-01-01\n")
    (tmp_path / "2.csv").write_text("quantity;at;account_id\n7;2025-01-02;b\n")
    data, said = read([tmp_path / "1.csv", str(tmp_path / "2.csv")])
    assert rows(data, "quantity") == [["a", 1.0], ["b", 7.0]]
    assert "CSD023 table=usage column=quantity count=1" in said
    assert rows(read(str(tmp_path / "*.csv"))[0], "quantity") == [["a", 1.0], ["b", 7.0]]


MIXED: dict[str, tuple[Any, Any, list[str]]] = {
    "whole numbers and text": ([1, 7], ["7", "007"], ["007", "1", "7", "7"]),
    "floats and text": ([1.0, 7.0], ["7", "1"], ["1", "1", "7", "7"]),
    "narrow and wide": (pa.array([1, 7], pa.int8()), pa.array([7, 2**40], pa.int64()), ["1", str(2**40), "7", "7"]),
    "text and categories": (["a", "b"], pa.array(["a", "c"]).dictionary_encode(), ["a", "a", "b", "c"]),
}


@pytest.mark.parametrize(("one", "other", "ids"), MIXED.values(), ids=MIXED.keys())
def test_ids_of_other_types_in_other_parts(one: Any, other: Any, ids: list[str], tmp_path: Path) -> None:
    part(tmp_path / "u" / "1.parquet", account_id=one, at=["2025-01-01", "2025-01-02"])
    part(tmp_path / "u" / "2.parquet", account_id=other, at=["2025-01-03", "2025-01-04"])
    data, said = read(tmp_path / "u")
    assert sorted(data.frame("usage")["account_id"]) == ids
    assert ("CSD105" in said) is ("text" in said or (isinstance(other, list) and not isinstance(one[0], str)))


def test_times_of_other_types_in_other_parts_are_the_same_instants(tmp_path: Path) -> None:
    noon = pd.Timestamp("2025-01-05 12:00")
    part(tmp_path / "u" / "1.parquet", account_id=["a"], at=[noon])
    part(tmp_path / "u" / "2.parquet", account_id=["b"], at=["2025-01-05 12:00:00"])
    part(tmp_path / "u" / "3.parquet", account_id=["c"], at=[noon.tz_localize("UTC").tz_convert("Asia/Tokyo")])
    part(tmp_path / "u" / "4.parquet", account_id=["d"], at=[noon.date()])
    data, said = read(tmp_path / "u")
    assert rows(data, "at") == [["d", noon.normalize()], *([name, noon] for name in "abc")]
    assert "CSD207" in said


def test_parts_that_no_type_fits_are_refused_by_name(tmp_path: Path) -> None:
    part(tmp_path / "u" / "1.parquet", account_id=["a"], at=[pd.Timestamp("2025-01-05")])
    part(tmp_path / "u" / "2.parquet", account_id=["b"], at=[1736035200])
    words = (
        r"CSD006 table=usage column=at .*part 1 of 2 \('1.parquet'\) holds times; part 2 of 2 .* holds whole numbers"
    )
    with pytest.raises(DataContractError, match=words):
        CustomerData({"usage": tmp_path / "u"})


def test_the_part_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_bytes(GOOD)
    (tmp_path / "2.csv").write_bytes(GOOD + b"x,2025-01-01\n")
    with pytest.raises(DataContractError, match=r"part 2 of 2 \('2.csv'\): line 4 has 2 cells"):
        CustomerData({"usage": str(tmp_path / "*.csv")})
    (tmp_path / "2.csv").unlink()
    part(tmp_path / "3.parquet", account_id=["a"], at=["2025-01-01"])
    with pytest.raises(DataContractError, match="some of its parts are CSV and some Parquet"):
        CustomerData({"usage": [tmp_path / "1.csv", tmp_path / "3.parquet"]})
    with pytest.raises(DataContractError, match="a file is listed twice"):
        CustomerData({"usage": [tmp_path / "1.csv", tmp_path / "1.csv"]})


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_partitions_of_hive_are_columns(kind: str, tmp_path: Path) -> None:
    root = tmp_path / "day=1999" / "usage"
    for day, account in (("2025-01-02", "007"), ("2025-01-03", "a%2Fb"), ("2025-01-04", "__HIVE_DEFAULT_PARTITION__")):
        place = root / f"at={day}" / f"account_id={account}" / f"part-0[1].{kind}"
        part(place.with_suffix(".parquet"), quantity=[5])
        if kind == "csv":
            place.write_text("quantity\n5\n")
            place.with_suffix(".parquet").unlink()
    data, _ = read(root)
    assert rows(data, "at", "quantity") == [
        ["007", pd.Timestamp("2025-01-02"), 5.0],
        ["a/b", pd.Timestamp("2025-01-03"), 5.0],
    ]
    assert [breach.count for breach in data.breaches if breach.code == "CSD101"] == [1]
    assert list(data.rejected["row"]) == [2]


def test_rows_are_counted_over_parts(tmp_path: Path) -> None:
    for place in range(3):
        times = ["2025-01-01", None] if place != 1 else ["2025-01-01", "2025-01-02"]
        more = {"quantity": [1, 2]} if place == 1 else {}
        part(tmp_path / "u" / f"{place}.parquet", account_id=["a", "b"], at=times, **more)
    data, _ = read(tmp_path / "u")
    assert list(data.rejected["row"]) == [1, 5]


def columns_said(data: CustomerData) -> list[tuple[str, str]]:
    return [(breach.table, breach.column) for breach in data.breaches if breach.code == "CSD022"]


def test_columns_that_are_not_used_are_named(tmp_path: Path) -> None:
    (tmp_path / "usage.csv").write_text("account_id,at,qty,ip\na,2025-01-01,5,x\nb,2025-01-02,6,y\n")
    data, said = read(tmp_path / "usage.csv")
    assert columns_said(data) == [("usage", "ip, qty")]
    assert not said


SOURCES = {
    "csv.gz": lambda f: (f / "usage.csv.gz").write_bytes(gzip.compress(GOOD)),
    "upper case": lambda f: (f / "USAGE.CSV").write_bytes(GOOD),
    "tsv": lambda f: (f / "usage.tsv").write_bytes(GOOD.replace(b",", b"\t")),
    "folder of parts": lambda f: part(
        f / "usage.parquet" / "part-0.parquet", account_id=["a", "b"], at=["2025-01-01"] * 2
    ),
    "folder without ending": lambda f: part(
        f / "Usage" / "part-0.parquet", account_id=["a", "b"], at=["2025-01-01"] * 2
    ),
    "partitions": lambda f: part(f / "usage" / "at=2025-01-01" / "p.parquet", account_id=["a", "b"]),
}


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES.keys())
def test_python_and_the_command_line_read_the_same(make: Any, tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "contacts.csv").write_text("account_id,opened_at\na,2025-01-02\nb,2025-01-03\n")
    one, other = CustomerData.from_folder(tmp_path), open_source(tmp_path, RiskSpec())
    assert one.tables == other.tables == ("usage", "contacts")
    pd.testing.assert_frame_equal(one.frame("usage"), other.frame("usage"))


@pytest.mark.parametrize("opened", [CustomerData.from_folder, lambda folder: open_source(folder, RiskSpec())])
def test_what_a_folder_holds_besides_is_named(opened: Any, tmp_path: Path) -> None:
    (tmp_path / "usage.csv").write_bytes(GOOD)
    for name in (
        "usages_2024.csv",
        "contact.parquet",
        "book.xlsx",
        "_SUCCESS",
        ".hidden.csv",
        "report.html",
        "m.csrisk",
    ):
        (tmp_path / name).touch()
    with pytest.warns(UserWarning, match=r"CSD021 count=3: .*'book.xlsx', 'contact.parquet', 'usages_2024.csv'"):
        opened(tmp_path)


@pytest.mark.parametrize("opened", [CustomerData.from_folder, lambda folder: open_source(folder, RiskSpec())])
@pytest.mark.parametrize("second", ["usage.parquet", "Usage.csv.gz", "usage"])
def test_a_table_that_is_there_twice_is_refused(opened: Any, second: str, tmp_path: Path) -> None:
    (tmp_path / "usage.csv").write_bytes(GOOD)
    (tmp_path / second).mkdir() if second == "usage" else (tmp_path / second).touch()
    with pytest.raises(DataContractError, match="CSD009 table=usage count=2"):
        opened(tmp_path)


def test_a_specification_names_patterns_and_lists(tmp_path: Path) -> None:
    for year in (2024, 2025):
        (tmp_path / f"use_{year}.csv").write_bytes(GOOD.replace(b"2025", str(year).encode()))
    for file in ("use_*.csv", ["use_2024.csv", "use_2025.csv"]):
        spec = RiskSpec.from_dict({"tables": {"usage": {"file": file}}})
        assert RiskSpec.from_toml(spec.to_toml()) == spec
        assert len(open_source(tmp_path, spec).frame("usage")) == 4
    spec = RiskSpec.from_dict({"tables": {"usage": {"file": "use_2024.csv"}}})
    with pytest.warns(UserWarning, match=r"CSD021 count=1: .*'use_2025.csv'"):
        assert len(open_source(tmp_path, spec).frame("usage")) == 2


@pytest.mark.parametrize(
    "file", ["../usage.csv", "/etc/passwd", "a/../../b.csv", "C:\\x.csv", "..\\x.csv", "\\\\host\\x"]
)
def test_a_specification_never_leaves_the_folder(file: str, tmp_path: Path) -> None:
    (tmp_path / "usage.csv").write_bytes(GOOD)
    (tmp_path / "in").mkdir()
    with pytest.raises(ConfigError, match=r"tables.usage: .* must be a name inside the folder of the tables"):
        open_source(tmp_path / "in", RiskSpec.from_dict({"tables": {"usage": {"file": file}}}))


def test_a_folder_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tables").mkdir()
    (tmp_path / "usage.csv").write_bytes(GOOD)
    for path, words in (
        (tmp_path / "table", "does not exist; did you mean 'tables'"),
        (tmp_path / "usage.csv", "is no folder"),
        (tmp_path / "tables", "holds no table"),
        (tmp_path / "usage.csv" / "x", "is no folder"),
    ):
        for opened in (CustomerData.from_folder, lambda folder: open_source(folder, RiskSpec())):
            with pytest.raises(DataContractError, match=f"CSD009 count=0: .*{words}"):
                opened(path)

    def refuse(_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(DataContractError, match="'tables' cannot be read: Permission denied"):
        CustomerData.from_folder(tmp_path / "tables")
