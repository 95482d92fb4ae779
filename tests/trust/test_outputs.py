"""Files that csrisk writes: what stood there, links, long names, and cells that a spreadsheet would run."""

from __future__ import annotations

import csv
import os
import re
import stat
import sys
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from csrisk._atomic import atomic_path, write_atomically
from csrisk._machine._regular import open_regular
from csrisk._pipeline import write_table
from csrisk._text._cells import csv_bare, csv_safe, csv_text
from csrisk._text._printable import one_line, printable

if TYPE_CHECKING:
    from pathlib import Path

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes, links and pipes of POSIX")


@posix
@pytest.mark.parametrize("relative", [False, True])
def test_a_link_stays_and_its_target_is_written(tmp_path: Path, relative: bool) -> None:
    (tmp_path / "www").mkdir()
    published, link, second = tmp_path / "www" / "r.html", tmp_path / "r.html", tmp_path / "again.html"
    published.write_text("old")
    link.symlink_to("www/r.html" if relative else published)
    second.symlink_to(link)
    write_atomically(second, b"new")
    assert (second.is_symlink(), link.is_symlink()) == (True, True)
    assert published.read_text() == "new"
    assert sorted(os.listdir(tmp_path / "www")) == ["r.html"]


@posix
def test_a_link_to_nothing_gets_its_file(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to(tmp_path / "made")
    write_atomically(tmp_path / "out", b"x")
    assert (tmp_path / "made").read_bytes() == b"x"
    (tmp_path / "far").symlink_to(tmp_path / "absent" / "file")
    with pytest.raises(FileNotFoundError, match="No such file"):
        write_atomically(tmp_path / "far", b"x")


@posix
def test_links_in_a_ring_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(OSError, match="symbolic links"):
        write_atomically(tmp_path / "a", b"x")


@posix
@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root gives files away")
def test_a_link_of_somebody_else_in_a_shared_folder_is_not_followed(tmp_path: Path) -> None:
    shared, mine = tmp_path / "shared", tmp_path / "mine"
    shared.mkdir()
    shared.chmod(0o1777)
    mine.write_text("precious")
    (shared / "r.html").symlink_to(mine)
    os.chown(shared / "r.html", 12345, 12345, follow_symlinks=False)
    with pytest.raises(PermissionError, match="somebody else"):
        write_atomically(shared / "r.html", b"x")
    assert mine.read_text() == "precious"


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o444])
def test_the_mode_is_kept(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("old")
    path.chmod(mode)
    with atomic_path(path) as part:
        assert not stat.S_IMODE(part.stat().st_mode) & 0o077
        part.write_bytes(b"new")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", mode)


@posix
def test_a_new_file_has_the_mode_that_is_usual(tmp_path: Path) -> None:
    (tmp_path / "usual").write_text("x")
    write_atomically(tmp_path / "new", b"x")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "usual").stat().st_mode


@posix
@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root gives files away")
def test_the_owner_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("old")
    os.chown(path, 12345, 23456)
    write_atomically(path, b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 23456)


@posix
@pytest.mark.parametrize(
    "name", ["x" * 251 + ".csv", "x" * 240 + ".csv", "\u00fc" * 125 + ".csv", "\u65e5" * 84, "x" * 101]
)
def test_names_up_to_the_limit(tmp_path: Path, name: str) -> None:
    for content in (b"1", b"2"):
        write_atomically(tmp_path / name, content)
        assert (tmp_path / name).read_bytes() == content
    assert os.listdir(tmp_path) == [name]


@posix
def test_a_name_too_long_is_told_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="too long"), atomic_path(tmp_path / ("x" * 256)):
        pytest.fail("nothing may be written")


@posix
def test_only_parts_of_its_own_are_swept(tmp_path: Path) -> None:
    kept = [
        ".a.csv.draft.part",
        ".a.csv.0123456789ab.part.bak",
        ".a.csv.x.0123456789ab.part",
        ".b.csv.0123456789ab.part",
    ]
    kept += [".a.csv.0123456789AB.part", "a.csv.0123456789ab.part"]
    for name in (*kept, ".a.csv.0123456789ab.part"):
        (tmp_path / name).write_text("x")
    (tmp_path / ".a.csv.aaaaaaaaaaaa.part").symlink_to(tmp_path / kept[0])
    os.mkfifo(tmp_path / ".a.csv.bbbbbbbbbbbb.part")
    write_atomically(tmp_path / "a.csv", b"x")
    left = {*kept, "a.csv", ".a.csv.aaaaaaaaaaaa.part", ".a.csv.bbbbbbbbbbbb.part"}
    assert set(os.listdir(tmp_path)) == left


@posix
def test_what_is_no_file_is_neither_replaced_nor_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for path, kind in (
        (tmp_path / "pipe", "a named pipe"),
        (tmp_path / "folder", "a folder"),
        ("/dev/null", "a device"),
    ):
        with pytest.raises(OSError, match=f"it is {kind}, not a regular file"):
            write_atomically(path, b"x")
        with pytest.raises(OSError, match=f"it is {kind}, not a regular file"):
            open_regular(path)
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "absent")
    assert sorted(os.listdir(tmp_path)) == ["folder", "pipe"]


HOSTILE = [
    *("=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "  \u00a0=1", '"=1', "'=1"),
    *(
        "\ufeff=1",
        "\u200b=1",
        "\u3000\uff1d1",
        "\uff0b1",
        "\uff0d1",
        "\uff201",
        "\u22121",
        "\x00=1",
        "\x1b=1",
        "\u201c=1",
    ),
    *("a\r=1+1", "a\n=1+1", "a\r\n=1", "a\x0b=1", "a\x0c=1", "a\x85=1", "a\u2028=1", "a\u2029=1", "a\x1e=1"),
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_cell_is_neither_formula_nor_line(tmp_path: Path, text: str) -> None:
    table = pd.DataFrame({"account_id": [text, "b"], text: ["x", text], "risk": [-0.5, 0.25]}, index=[7, 7])
    written = write_table(tmp_path / "b.CSV", table).read_bytes().decode()
    assert len(written.splitlines()) == 3
    rows = list(csv.reader(written.splitlines()))
    for cell in (rows[0][1], rows[1][0], rows[2][1]):
        bare = cell.lstrip('\ufeff\u200b\u3000\u00a0 "\u201c')
        assert bare.startswith(("'", "a"))
    assert [row[2] for row in rows[1:]] == ["-0.5", "0.25"]


@pytest.mark.parametrize("text", ["a;=1+1", "a;b; @x", "a\t+1", 'a;"=1', "a;;\uff1d1", "=a;=b", "a, b;|x", "a;\t=1"])
def test_no_formula_begins_where_a_spreadsheet_may_part_a_cell(tmp_path: Path, text: str) -> None:
    """With other settings of the country the semicolon ends a cell, as the tab does for LibreOffice."""
    table = pd.DataFrame({"account_id": ["b", text], text: [text, "x"]})
    written = write_table(tmp_path / "b.csv", table).read_text("utf-8")
    for cell in re.split(r"[;\t\n]", written):
        assert not cell.strip().replace('"', "").startswith(("=", "+", "@", "|", "\uff1d"))
    assert pd.read_csv(tmp_path / "b.csv", dtype=str)["account_id"].map(csv_bare).tolist() == ["b", text]


@pytest.mark.parametrize("text", [*HOSTILE, "a;=1", "a;'=1", "'=1", "''=1", "'t Hooft", "a;b", "a\t=1;=2", "a;'b"])
def test_what_was_made_harmless_is_read_back(text: str) -> None:
    assert csv_bare(csv_safe(text)) == text


def test_numbers_dates_and_missing_values_are_as_pandas_writes_them() -> None:
    table = pd.DataFrame(
        {
            "whole": [-1, 2],
            "nullable": pd.array([-1, None], dtype="Int64"),
            "float": [-1e-9, float("nan")],
            "object": pd.Series([-3, np.float64(-0.1)], dtype=object),
            "date": pd.to_datetime(["2025-01-01", None]),
            "flag": [True, False],
            "word": pd.Categorical(["a, b", None]),
        }
    )
    assert csv_text(table) == table.to_csv(index=False, lineterminator="\n")


def test_equal_header_cells_and_no_rows() -> None:
    assert csv_text(pd.DataFrame([["=a", 1]], columns=["x", "x"])) == "x,x\n'=a,1\n"
    assert csv_text(pd.DataFrame({"=x": pd.Series(dtype=str)})) == "'=x\n"


def test_ordinary_text_is_untouched() -> None:
    for text in ("Acme", "acct-0042", "a=b", "3 of 5", "M\u00fcller & S\u00f6hne", "\u65e5\u672c", "a  b", ""):
        assert (csv_safe(text), one_line(text), printable(text)) == (text, text, text)


def test_a_terminal_is_not_told_what_to_do() -> None:
    hostile = "Acme\x1b]0;owned\x07\x9b2J\u202etxt\x08\r\ud800"
    assert printable(hostile) == "Acme]0;owned2Jtxt\ufffd"
