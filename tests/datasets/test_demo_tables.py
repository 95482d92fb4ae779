"""The bundled book can be read, and made again."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import csrisk as cr
from csrisk.datasets import _demo, make_saas
from csrisk.datasets._demo_make import write_demo
from csrisk.exceptions import DataContractError


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder)
    return folder


def test_made_again_the_tables_are_equal(again: Path) -> None:
    bundled = _demo.demo_folder()
    names = sorted(path.relative_to(again) for path in again.rglob("*.parquet"))
    assert len(names) == 12
    for name in names:
        pd.testing.assert_frame_equal(pd.read_parquet(again / name), pd.read_parquet(bundled / name), rtol=1e-6)


def test_written_down_in_the_readme() -> None:
    text = (Path(__file__).resolve().parents[2] / "data" / "README.md").read_text(encoding="utf-8")
    arguments = ", ".join(f"{name}={value!r}" for name, value in _demo.DEMO.items()).replace("'", '"')
    assert f"make_saas({arguments})" in text


def test_the_book_is_small_enough_to_be_bundled(again: Path) -> None:
    assert sum(path.stat().st_size for path in again.rglob("*.parquet")) < 5_000_000


def test_demo_is_complete_and_within_the_contract(demo: cr.CustomerData) -> None:
    assert set(demo.missing) == {"people", "invoices", "measures", "attributes"}  # which mechanisms write
    assert len(demo.accounts) == _demo.DEMO["n_accounts"]
    assert str(demo.end.date()) == "2026-01-01"
    assert {breach.code for breach in demo.breaches} <= {"CSD206", "CSD308"}


def test_base_rate_of_the_demo_is_what_a_quarter_sees(demo: cr.CustomerData) -> None:
    past = cr.Snapshots.every(demo, "3MS", horizon="90D", lead="14D")
    churn = cr.label_churn(demo, past).dropna()
    assert 0.04 < churn.mean() < 0.09


def test_a_missing_book_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_demo, "_PACKAGE", tmp_path / "csrisk")
    with pytest.raises(DataContractError, match=r"python -m csrisk.datasets._demo_make FOLDER"):
        cr.load_demo()


def test_the_account_of_the_quickstart_is_in_the_book() -> None:
    truth = make_saas(**_demo.DEMO).truth
    assert truth.goals("2025-10-01")["risk"].rank(ascending=False)["acct-0042"] <= 20
