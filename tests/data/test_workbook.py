"""Workbooks are tables as others are; what cannot be read says why, and no value."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import csrisk as cr
from csrisk import CustomerData
from csrisk.exceptions import DataContractError

if TYPE_CHECKING:
    from pathlib import Path

ROWS: list[dict[str, Any]] = [
    {"account_id": "007", "at": "2025-01-01T10:00:00Z", "feature": "x", "quantity": 2},
    {"account_id": "8", "at": "2025-01-02T11:30:00+02:00", "feature": "y", "quantity": None},
    {"account_id": "007", "at": "2025-01-03", "feature": "x", "quantity": 1.5},
]


def book(path: Path, *sheets: list[list[Any]]) -> Path:
    openpyxl = pytest.importorskip("openpyxl", reason="workbooks need openpyxl")
    made = openpyxl.Workbook()
    for place, rows in enumerate(sheets):
        sheet = made.active if place == 0 else made.create_sheet()
        for row in rows:
            sheet.append(row)
    made.save(path)
    return path


def frame(data: CustomerData) -> pd.DataFrame:
    return data.frame("usage").sort_values("at", ignore_index=True)


def expected() -> pd.DataFrame:
    rows = pd.DataFrame(ROWS).assign(at=["2025-01-01 10:00", "2025-01-02 09:30", "2025-01-03"])
    return frame(CustomerData({"usage": rows[["account_id", "at", "feature", "quantity"]]}, end="2025-06-01"))


def test_a_workbook(tmp_path: Path) -> None:
    day = pd.Timestamp("2025-01-01 10:00").to_pydatetime()
    rows = [["account_id", "at", "feature", "quantity", None], ["007", day, "x", 2], [], ["8", "2025-01-02 09:30", "y"]]
    book(tmp_path / "usage.xlsx", [*rows, ["007", pd.Timestamp("2025-01-03").to_pydatetime(), "x", 1.5]], [])
    data = CustomerData.from_folder(tmp_path, end="2025-06-01")
    pd.testing.assert_frame_equal(frame(data)[expected().columns], expected())


def test_workbooks_that_cannot_be_read(tmp_path: Path) -> None:
    head = ["account_id", "at", "feature"]
    row = ["a", "2025-01-01", "Secret"]
    cases = {
        "2 sheets with rows; keep one": book(tmp_path / "two.xlsx", [head, row], [head, row]),
        "holds no row": book(tmp_path / "none.xlsx", []),
        "values right of its 3 columns with a name; is row 1 the header": book(
            tmp_path / "title.xlsx", [head, [*row, "more"]]
        ),
    }
    (tmp_path / "no.xlsx").write_bytes(b"account_id,at\n")
    cases["no workbook .xlsx. by its content"] = tmp_path / "no.xlsx"
    whole = book(tmp_path / "whole.xlsx", [head, row]).read_bytes()
    torn = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(torn, "w") as new:
        for member in old.namelist():
            content = old.read(member)
            new.writestr(member, content[: len(content) // 2] if member.endswith("sheet1.xml") else content)
    (tmp_path / "torn.xlsx").write_bytes(torn.getvalue())
    cases["it is a damaged workbook; save it again"] = tmp_path / "torn.xlsx"
    for reason, path in cases.items():
        with pytest.raises(DataContractError, match=reason) as caught:
            CustomerData({"usage": path})
        assert "Secret" not in str(caught.value)


def test_a_workbook_that_would_unpack_to_more_than_memory_is_not_opened(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl", reason="workbooks need openpyxl")
    with (
        zipfile.ZipFile(tmp_path / "usage.xlsx", "w", zipfile.ZIP_DEFLATED) as bomb,
        bomb.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as member,
    ):
        for _ in range(1_100):
            member.write(bytes(1_000_000))
    assert (tmp_path / "usage.xlsx").stat().st_size < 2_000_000
    with pytest.raises(DataContractError, match=r"unpacks to 1,100,000,000 bytes, more than 1,073,741,824"):
        CustomerData({"usage": tmp_path / "usage.xlsx"})


def test_a_workbook_without_its_reader_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zipfile.ZipFile(tmp_path / "usage.xlsx", "w").close()
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    with pytest.raises(DataContractError, match="workbooks need openpyxl: pip install openpyxl; or save"):
        CustomerData({"usage": tmp_path / "usage.xlsx"})


def test_proposals_look_into_them(tmp_path: Path) -> None:
    n = 60
    ids = [f"c-{i % 20:03}" for i in range(n)]
    days = pd.date_range("2025-01-01", periods=n, freq="D").strftime("%Y-%m-%d %H:%M:%S")
    tickets = [
        {"ticket_id": f"t{i}", "customer_id": ids[i], "created_at": days[i], "channel": "email"} for i in range(n)
    ]
    book(tmp_path / "tickets.xlsx", [list(tickets[0]), *(list(ticket.values()) for ticket in tickets)])
    accounts = [["customer_id", "company_name", "industry"], *([f"c-{i:03}", f"Firm {i}", "it"] for i in range(20))]
    book(tmp_path / "customers.xlsx", accounts)
    found = {match.table: match.brought.file for match in cr.propose(tmp_path).matches}
    assert found == {"contacts": "tickets.xlsx", "accounts": "customers.xlsx"}
