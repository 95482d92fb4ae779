"""Dates in arguments are written as dates in tables: the ISO way, at every door."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import csrisk as cr
from csrisk._days import as_midnights, read_date
from csrisk.cli import main
from csrisk.exceptions import ConfigError, CsriskError, DataContractError, SnapshotError

if TYPE_CHECKING:
    from csrisk.data import CustomerData

WRONG = ["01/06/2025", "06-01-2025", "1.6.2025", "20250601", "2025-06", "2025", "June 1 2025", "today", "2025-W23-1"]
WRONG += ["2025/06/01", "2025-06-01 10", "2025-13-01", "2025-02-30", ""]
NUMBERS = [20250601, 1.5, True, np.int64(20250601), ["2025-06-01", 5]]
RIGHT = ["2025-06-01", " 2025-6-1 ", "2025-06-01T00:00:00", "2025-06-01 00:00", dt.date(2025, 6, 1)]
RIGHT += [dt.datetime(2025, 6, 1), pd.Timestamp("2025-06-01"), np.datetime64("2025-06-01")]


@pytest.mark.parametrize("value", RIGHT)
def test_a_date_is_read(value: Any) -> None:
    assert read_date(value, "end") == as_midnights(value, "end")[0] == pd.Timestamp("2025-06-01")


@pytest.mark.parametrize("value", [*WRONG, *NUMBERS])
def test_anything_else_is_refused_at_every_door(value: Any, small_book: CustomerData) -> None:
    past = cr.Snapshots.every(small_book, "1MS", horizon="90D")
    many = value if isinstance(value, list) else [value]
    for call in (
        lambda: cr.Snapshots.at(small_book, value),
        lambda: cr.Snapshots.every(small_book, "1MS", horizon=None, start=value),
        lambda: cr.Snapshots.every(small_book, "1MS", horizon=None, end=value),
        lambda: past.until(value),
        lambda: cr.ForwardSplit.at(past, value),
        lambda: as_midnights(many, "dates"),
        lambda: as_midnights(pd.Index(many, dtype=object), "dates"),
    ):
        with pytest.raises(SnapshotError, match="cannot be read as dates; write them as '2025-07-01'"):
            call()
    usage = pd.DataFrame({"account_id": ["a", "b"], "at": ["2025-01-01", "2025-01-02"]})
    for end in (value, {"usage": value}):
        with pytest.raises(
            DataContractError, match=r"CSD012 .* cannot be read as a date of our time, written 2025-07-01"
        ):
            cr.CustomerData({"usage": usage}, end=end)
    for section in ({"snapshots": {"dates": [value]}}, {"snapshots": {"start": value}}, {"test": {"start": value}}):
        with pytest.raises(ConfigError, match="must be a date: 2025-07-01"):
            cr.RiskSpec.from_dict(section)


@pytest.mark.parametrize("value", WRONG)
@pytest.mark.parametrize("words", [["check", "--end"], ["check", "--until"], ["score", "--model", __file__, "--as-of"]])
def test_the_command_line_refuses_it_too(words: list[str], value: str) -> None:
    done = CliRunner().invoke(main, [*words, value, "."])
    assert done.exit_code == 2
    assert "is not a date; write it as 2025-07-01" in done.output


def test_a_time_of_day_in_a_configuration_is_no_date() -> None:
    with pytest.raises(ConfigError, match="must be a date"):
        cr.RiskSpec.from_toml("[test]\nstart = 2025-07-01T12:00:00")
    assert cr.RiskSpec.from_toml("[test]\nstart = 2025-07-01").test.start == "2025-07-01"


def test_missing_dates_keep_their_own_message() -> None:
    with pytest.raises(CsriskError, match="1 of 2 dates are missing"):
        as_midnights(["2025-06-01", None], "dates")
