"""A model file holds no query, and runs none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from click.testing import CliRunner

import csrisk as cr
from csrisk._pipeline._learning._panel import resolved
from csrisk._pipeline._load import open_source
from csrisk.cli import main

from ._model_files import packed, unpacked

if TYPE_CHECKING:
    from pathlib import Path

    from csrisk.data import CustomerData

QUERY = "SELECT * EXCLUDE (cents), cents / 100 AS mrr FROM 'contracts.csv'"


@pytest.fixture(scope="module")
def asked(quick: cr.RiskPipeline, small_book: CustomerData, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A model whose subscriptions were made by a query, its folder and its configuration."""
    home = tmp_path_factory.mktemp("asked")
    folder = home / "book"
    folder.mkdir()
    for table in small_book.tables:
        frame = small_book.frame(table)
        if table == "subscriptions":
            frame = frame.assign(cents=(frame["mrr"] * 100).round(6)).drop(columns="mrr")
        frame.dropna(axis=1, how="all").to_csv(
            folder / f"{table.replace('subscriptions', 'contracts')}.csv", index=False
        )
    config = home / "churn.toml"
    config.write_text(f'[tables.subscriptions]\nquery = """{QUERY}"""\n')
    spec = cr.RiskSpec.from_dict({**quick.spec.to_dict(), "tables": {"subscriptions": {"query": QUERY}}})
    model = home / "plain.csrisk"
    quick.save(model)
    content = unpacked(model)
    told = json.loads(content["spec.json"])
    kept = resolved(spec, small_book).to_dict()["tables"]
    assert kept == {"subscriptions": {"query": ""}}
    members = {**content, "spec.json": json.dumps({**told, "tables": kept}).encode()}
    return folder, config, packed(members, home / "asked.csrisk"), content, told


def test_a_model_file_that_holds_a_query_is_refused(asked: Any, tmp_path: Path) -> None:
    *_, content, told = asked
    for query in (QUERY, "SELECT 1", "COPY t TO '/tmp/x'", " "):
        tables = {"subscriptions": {"query": query}}
        members = {**content, "spec.json": json.dumps({**told, "tables": tables}).encode()}
        with pytest.raises(cr.exceptions.ModelFileError, match=r"query"):
            cr.RiskPipeline.load(packed(members, tmp_path / "m.csrisk"))


@pytest.mark.filterwarnings("ignore::csrisk.exceptions.DataWarning")
def test_a_model_that_was_trained_with_a_query_asks_for_it_and_scores_with_it(asked: Any, tmp_path: Path) -> None:
    folder, config, model, *_ = asked
    pipeline = cr.RiskPipeline.load(model)
    with pytest.raises(cr.exceptions.ConfigError, match=r"tables.subscriptions: .* a query.*--config"):
        open_source(folder, pipeline.spec)
    for more, code in (([], 1), (["--config", str(config)], 0)):
        out = tmp_path / "scores.csv"
        asked_for = ["score", str(folder), "--model", str(model), "--out", str(out), *more]
        result = CliRunner().invoke(main, asked_for)
        assert result.exit_code == code, result.output
    assert len(pd.read_csv(out)) > 20


@pytest.mark.filterwarnings("ignore::csrisk.exceptions.DataWarning")
def test_the_report_says_how_many_rows_a_filter_left_out(asked: Any, small_book: CustomerData, tmp_path: Path) -> None:
    folder, config, model, *_ = asked
    feature = small_book.frame("usage")["feature"].mode()[0]
    gone = int((small_book.frame("usage")["feature"] == feature).sum())
    told = tmp_path / "told.toml"
    told.write_text(f'{config.read_text()}\n[tables.usage]\nwhere = {{ feature = {{ not = ["{feature}"] }} }}\n')
    out = tmp_path / "risk.md"
    result = CliRunner().invoke(
        main, ["report", str(folder), "--model", str(model), "--config", str(told), "--out", str(out)]
    )
    assert result.exit_code == 0, result.output
    assert f"{gone:,}" in out.read_text().split("rows left out by where")[1][:60].replace(str(gone), f"{gone:,}")
