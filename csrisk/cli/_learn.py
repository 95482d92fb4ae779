"""Commands that learn from the past: demo, check, train, backtest."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click

from csrisk._text import month, number, percent
from csrisk.cli import _options as options
from csrisk.cli._flat import flat_options, train_flat
from csrisk.cli._print import (
    framed,
    print_checks,
    print_first,
    print_frame,
    print_json,
    print_plan,
    print_test,
)
from csrisk.cli._running import CHECKS_FAILED
from csrisk.exceptions import ConfigError

__all__ = ["backtest", "check", "demo", "train"]

_SHOWN = {
    "n_snapshots": "scored", "n_events": "churned", "auc": "AUC", "auc_low": "low", "auc_high": "high",
    "lift_at_10": "lift 10", "log_loss": "loss",
}  # fmt: skip
_until = click.option("--until", type=options.DATE, metavar="DATE", help="Learn from nothing at or after this date.")


@click.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("csrisk-demo"),
    show_default=True,
    help="Folder for the report, the scores and the model.",
)
@options.dry_run
def demo(out: Path, *, dry_run: bool) -> None:
    """Train on the bundled book, test forward, and write a report."""
    import pandas as pd

    from csrisk._pipeline import Past, RiskPipeline, plan_training, write_scores
    from csrisk._pipeline._learning import DEMO_SPEC, driver_found
    from csrisk.datasets import load_demo

    data = load_demo()
    last = data.end - pd.Timedelta(days=1)  # the end is the first day that was not observed
    click.echo(
        f"{len(data.accounts)} simulated accounts, {month(data.start)} to {month(last)}, {len(data.tables)} tables"
    )
    pipeline = RiskPipeline(DEMO_SPEC)
    if dry_run:
        print_plan(plan_training(pipeline.spec, data), as_json=False)
        return
    pipeline.fit(data)
    print_test(pipeline)
    why = pipeline.explain(data)
    found = driver_found(why)
    click.echo(
        f"True driver first among the goals: {percent(found.share, 0)} ({percent(found.low, 0)} to "
        f"{percent(found.high, 0)}) "
        f"of {found.accounts} truly driven accounts; chance is 25 %"
    )
    scores = pipeline.score(data, why=why)
    out.mkdir(parents=True, exist_ok=True)
    pipeline.save(out / "model.csrisk")
    write_scores(out / "scores.parquet", scores)
    # scores of the forward test stand for scores that were kept, which a first run has not
    report = pipeline.report(out / "report.html", data, why=why, scores=scores, past=Past(history=pipeline.tested_))
    print_first(scores, data)
    click.echo(f"\nScores and model: {out / 'scores.parquet'}, {out / 'model.csrisk'}\nReport: {report}")


@click.command()
@options.source
@options.config
@options.overrides
@click.option("--model", type=options.Out(), help="File to write; needed unless --target is given.")
@_until
@options.end
@options.strict
@options.dry_run
@options.as_json
@flat_options
def train(
    source: str,
    config: Path | None,
    overrides: tuple[Any, ...],
    model: Path | None,
    until: str | None,
    end: str | None,
    *,
    strict: bool,
    dry_run: bool,
    as_json: bool,
    flat: dict[str, Any] | None,
) -> None:
    """Test a model forward, fit it to everything, and write it to a file.

    With --target SOURCE is one flat table without dates: it is tested on folds drawn at random, explained by goal, and
    written to --report.
    """
    from csrisk._pipeline import RiskPipeline, plan_training

    if flat is not None:
        given = {"--model": model, "--config": config, "--set": overrides, "--until": until, "--end": end}
        # refused, as they would do nothing
        if any(given.values()) or strict:
            unused = [name for name, value in given.items() if value] + ["--strict"] * strict
            raise ConfigError(f"{', '.join(unused)}: of a portfolio with dates, not of one flat table (--target)")
        train_flat(source, flat, dry_run=dry_run, as_json=as_json)
        return
    if model is None:
        raise click.UsageError("Missing option '--model'.")  # not required=True, as a flat table has none
    pipeline = RiskPipeline(options.read_spec(config, overrides))
    data = options.opened(source, pipeline.spec, end)
    if dry_run:
        print_plan({**plan_training(pipeline.spec, data, until), "would write": str(model)}, as_json=as_json)
        return
    pipeline.fit(data, until)
    # whatever the guards found: --strict sets the exit code and keeps no file back
    sha256 = pipeline.save(model)
    failed = [check for check in pipeline.guards_ if check.failed]
    if as_json:
        print_json(
            {"model": str(model), "sha256": sha256, "model_id": pipeline.model_id_, **pipeline.record_.to_dict()}
        )
    else:
        with framed(f"model trained and written to {model}", failed):
            print_test(pipeline)
            for name, fact in pipeline.record_.facts.items():
                click.echo(f"{name}: {', '.join(fact) if isinstance(fact, list) else fact}")
            click.echo(f"Model: {model} (sha256 {sha256})")
    if strict and failed:
        raise click.exceptions.Exit(CHECKS_FAILED)


@click.command()
@options.source
@options.config
@options.overrides
@_until
@options.end
@options.dry_run
@options.as_json
def check(
    source: str,
    config: Path | None,
    overrides: tuple[Any, ...],
    until: str | None,
    end: str | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Check tables, labels and features for leaks, drift and missing evidence; exit code 3 if a check failed.

    With --dry-run the tables alone are checked against their contract.
    """
    from csrisk._pipeline import RiskPipeline, plan_training

    pipeline = RiskPipeline(options.read_spec(config, overrides))
    data = options.opened(source, pipeline.spec, end)
    if dry_run:
        print_plan(plan_training(pipeline.spec, data, until), as_json=as_json)
        return
    found = pipeline.check(data, until)
    if as_json:
        print_json([dataclasses.asdict(one) for one in found])
    else:
        print_checks(found)
    if any(one.failed for one in found):
        raise click.exceptions.Exit(CHECKS_FAILED)


@click.command()
@options.source
@options.config
@options.overrides
@click.option("--trainings", type=click.IntRange(1, 100), help="How often the model is trained; default 4.")
@click.option("--out", type=options.Out(".parquet", ".csv"), help="Scores of it: .parquet or .csv.")
@_until
@options.end
@options.dry_run
@options.as_json
def backtest(
    source: str,
    config: Path | None,
    overrides: tuple[Any, ...],
    trainings: int | None,
    out: Path | None,
    until: str | None,
    end: str | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Train at several dates of the past, and judge each model on what came after it.

    The dates lie in the test period of the configuration; default is the last quarter of the labelled snapshots.
    """
    from csrisk._pipeline import RiskPipeline, plan_training, write_table

    spec = options.read_spec(config, overrides)
    wanted = trainings or max(4, spec.test.trainings)  # one training shows no ageing of the model
    pipeline = RiskPipeline(dataclasses.replace(spec, test=dataclasses.replace(spec.test, trainings=wanted)))
    data = options.opened(source, pipeline.spec, end)
    if dry_run:
        print_plan({**plan_training(pipeline.spec, data, until), "trainings": wanted}, as_json=as_json)
        return
    found = pipeline.backtest(data, until)
    if out is not None:
        write_table(out, found.scores.reset_index())
    tables = {"overall": found.overall(), "by date of training": found.by_date(), "by age of the model": found.by_age()}
    if as_json:
        # as objects, for a column of numbers cannot hold None, and NaN is no JSON
        rows = {name: table.reset_index().astype(object) for name, table in tables.items()}
        print_json({name: table.where(table.notna(), None).to_dict("records") for name, table in rows.items()})
        return
    auc = tables["overall"].loc["model"].to_dict()
    with framed(
        f"{wanted} trainings, AUC {number(auc['auc'], 3)} ({number(auc['auc_low'], 3)} to {number(auc['auc_high'], 3)})"
    ):
        for name, table in tables.items():
            click.echo(f"\nBacktest {name}")
            print_frame(table[list(_SHOWN)].rename(columns=_SHOWN))
