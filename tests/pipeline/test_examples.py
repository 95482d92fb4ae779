"""The examples on real data: trained, scored and reported through the command line, forward AUC above recency alone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner

from csrisk._pipeline import RiskPipeline, RiskSpec, open_folder
from csrisk.cli import main
from csrisk.exceptions import LeakageWarning

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"

pytestmark = [pytest.mark.slow, pytest.mark.real_data]


def folder_of(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"the public data set {name} is not in ../shared/data beside the checkout")
    return folder


def call(*words: object) -> str:
    done = CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    # of the checks that training makes, those of leaks alone warn: as the examples are told there is none
    assert not re.search(r"^warning: CSR\d+ .*: failed \(", done.stderr, re.MULTILINE), done.stderr
    return done.stdout


def aucs(record: dict[str, Any]) -> dict[str, dict[str, float]]:
    columns = record["metrics"]["columns"]
    rows = zip(*(columns[name] for name in ("method", "metric", "estimate", "low", "high")), strict=True)
    return {row[0]: dict(zip(("estimate", "low", "high"), row[2:], strict=True)) for row in rows if row[1] == "auc"}


def run(name: str, example: str, out: Path, *at: str) -> tuple[dict[str, Any], pd.DataFrame, str]:
    """Train, score and report with the configuration of an example, but fewer members; the report as people read it."""
    folder, config, model = folder_of(name), out / "config.toml", out / "m.csrisk"
    text = (ROOT / "examples" / example / "config.toml").read_text(encoding="utf-8")
    # what is tested holds for two members as for five, which take more than twice as long
    config.write_text(f"{text}\n[model]\nn_members = 2\n", encoding="utf-8")
    record = json.loads(call("train", folder, "--config", config, "--model", model, "--json"))
    # one run for both, as scores of a folder have tests of their own
    call("report", folder, "--model", model, *at, "--out", out / "report.html", "--scores", out / "scores.parquet")
    return record, pd.read_parquet(out / "scores.parquet"), (out / "report.html").read_text(encoding="utf-8")


def check_scores(scores: pd.DataFrame) -> None:
    points = scores[[name for name in scores.columns if name.endswith("_points")]].sum(axis=1)
    assert (points - 100 * scores["churn_probability"]).abs().max() < 1e-6
    assert scores["churn_probability"].between(0, 1).all()
    assert scores["priority"].tolist() == list(range(1, len(scores) + 1))


def test_oulad(tmp_path: Path) -> None:
    record, scores, html = run("oulad_2013", "oulad", tmp_path, "--as-of", "2014-02-28")
    found = aucs(record)
    assert found["model"]["estimate"] >= 0.68
    assert found["model"]["low"] > found["recency"]["estimate"]
    assert record["gain"]["columns"]["low"][record["gain"]["columns"]["baseline"].index("recency")] > 0
    check_scores(scores)
    # only the presentation of October is running: students of that of February are past what the model knows
    assert scores["account_id"].str.contains("2013J").all()
    assert "no evidence" in html.lower()
    assert "id_student" not in html


def test_oulad_final_result_is_called_a_leak(tmp_path: Path) -> None:
    folder = folder_of("oulad_2013")
    spec = RiskSpec.from_toml(ROOT / "examples" / "oulad" / "config.toml").to_dict()
    spec["features"]["attributes"].append("final_result")
    data = open_folder(folder, RiskSpec.from_dict(spec))
    with pytest.warns(LeakageWarning, match="account_final_result"):
        checks = RiskPipeline(spec).check(data)
    assert any(check.failed and "account_final_result" in check.found for check in checks)


def test_online_retail(tmp_path: Path) -> None:
    record, scores, html = run("online_retail_y1", "online_retail", tmp_path)
    found = aucs(record)
    assert found["model"]["low"] > found["recency"]["estimate"]
    assert record["gain"]["columns"]["low"][record["gain"]["columns"]["baseline"].index("recency")] > 0
    check_scores(scores)
    assert "no evidence" in html.lower()
