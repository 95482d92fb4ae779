"""The page for the champion: what the customer may see, counted by hand, and nothing else."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pandas as pd
import pytest

import csrisk as cr
from csrisk.exceptions import ConfigError, SnapshotError
from csrisk.report import write_value_page

sys.path.insert(0, str(Path(__file__).parent))

import _page

END = pd.Timestamp("2025-07-01")
OURS = re.compile(r"risk|churn|leav|probab|score|detractor|expansion|priority|forecast", re.IGNORECASE)


def _at(*ages: int) -> list[pd.Timestamp]:
    return [END - pd.Timedelta(days=age) for age in ages]


@pytest.fixture(scope="module")
def data() -> cr.CustomerData:
    usage = pd.DataFrame(
        {
            "account_id": [*"aaaa", "b"],
            "at": _at(5, 6, 40, 500, 3),
            "user_id": ["u1", "u2", "u1", "u1", "secret"],
            "feature": ["export", "search", "export", "export", "hidden"],
        }
    )
    goals = pd.DataFrame(
        {
            "account_id": [*"aaaab"],
            "agreed_at": _at(300, 300, 300, 100, 100),
            "due_at": [*_at(100, 100), None, END + pd.Timedelta(days=30), None],
            "met_at": [*_at(110, 90, 20), END + pd.Timedelta(days=5), None],
            "outcome": [None, "exceeded", "met", None, None],
        }
    )
    surveys = pd.DataFrame(
        {
            "account_id": "a",
            "sent_at": _at(60, 50, 40, 30),
            "answered_at": [*_at(59, 49, 39), None],
            "acted_at": [_at(40)[0], None, None, None],
            "declined_at": [None, _at(30)[0], None, None],
            "kind": "NPS",
            "score": [1.0, 2.0, 3.0, None],
        }
    )
    contacts = pd.DataFrame(
        {
            "account_id": "a",
            "opened_at": _at(9, 8, 2),
            "resolved_at": [_at(9)[0] + pd.Timedelta(hours=4), _at(8)[0] + pd.Timedelta(hours=8), None],
        }
    )
    measures = pd.DataFrame(
        {"account_id": [*"aaab"], "at": _at(200, 10, 9, 9), "name": ["saved", "saved", "csm_pulse", "saved"]}
    ).assign(value=[10.0, 25.0, 1.0, 99.0])
    accounts = pd.DataFrame({"account_id": [*"ab"], "name": ["<b>A & Co</b>", "Other Ltd"], "started_at": "2023-01-01"})
    tables = {"accounts": accounts, "usage": usage, "expectations": goals, "surveys": surveys, "contacts": contacts}
    return cr.CustomerData(tables | {"measures": measures}, end=END + pd.Timedelta(days=60))


@pytest.fixture(scope="module")
def text(data: cr.CustomerData, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("value") / "a.html"
    return write_value_page(path, data, "a", as_of=END, measures=["saved"]).read_text("utf-8")


def _tables(text: str) -> dict[str, list[list[str]]]:
    found = {}
    for table in _page.read(text).all("table"):
        rows = [[cell.text().strip() for cell in row.children if not isinstance(cell, str)] for row in table.all("tr")]
        found[table.all("caption")[0].text()] = rows[1:]
    return found


def test_figures_by_hand(text: str) -> None:
    """Two people with two features within 30 days, one use the month before, one of 500 days ago that is not shown."""
    found = _tables(text)
    assert len(found["How you used it"]) == 12
    assert [row[1:] for row in found["How you used it"][-2:]] == [["1", "1", "1"], ["2", "2", "2"]]
    assert found["What you used most"] == [["export", "2", "40 days ago"], ["search", "1", "6 days ago"]]
    # the first in time, the second late and exceeded, the third without a date; the fourth was met only afterwards
    assert [row[1] for row in found["Goals that we agreed on"]] == ["3", "1", "1", "1"]
    assert [row[1] for row in found["Your feedback"]] == ["3", "1", "1"]
    assert [row[1] for row in found["When you needed us"]] == ["2", "6"]
    assert found["What was measured"] == [["saved", "10", "25", "2"]]


def test_it_is_for_the_eyes_of_the_customer(text: str) -> None:
    body = _page.read(text).all("body")[0].text()
    assert OURS.findall(body) == []
    for foreign in ("Other Ltd", "hidden", "secret", "99", "pulse", "u1"):
        assert foreign not in body
    assert "<b>A & Co</b>" in body  # as text
    assert "<b>A" not in text


def test_it_is_offline_and_without_a_script(text: str) -> None:
    assert "script" not in text.split("</style>")[1]
    assert "default-src &#39;none&#39;" in text
    assert "http" not in text.split("</style>")[1]


def test_same_input_same_bytes(data: cr.CustomerData, text: str, tmp_path: Path) -> None:
    again = write_value_page(tmp_path / "b.html", data, "a", as_of=END, measures=["saved"])
    assert again.read_text("utf-8") == text


def test_without_measures_none_is_shown(data: cr.CustomerData, tmp_path: Path) -> None:
    text = write_value_page(tmp_path / "b.html", data, "a", as_of=END).read_text("utf-8")
    assert "What was measured" not in text


def test_what_cannot_be_written_is_said(data: cr.CustomerData, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="account: it is not in the data"):
        write_value_page(tmp_path / "a.html", data, "zzz")
    with pytest.raises(ConfigError, match=r"suffix='.pdf' must be '.html'"):
        write_value_page(tmp_path / "a.pdf", data, "a")
    with pytest.raises(ConfigError, match="measures: 'roi' has no value for this account within 360 days"):
        write_value_page(tmp_path / "a.html", data, "a", as_of=END, measures=["roi"])
    with pytest.raises(SnapshotError, match="2031"):
        write_value_page(tmp_path / "a.html", data, "a", as_of="2031-01-01")
    assert not list(tmp_path.iterdir())
