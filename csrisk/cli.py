"""Command line: ``csrisk demo``, ``train``, ``check``, ``score``, ``report``."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

import csrisk
from csrisk.exceptions import CsriskError, CsriskWarning

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from csrisk._pipeline import RiskPipeline

__all__ = ["main"]

ERROR, CHECKS_FAILED = 1, 3
_MOST = 5


class _Commands(click.Group):
    """Commands whose errors are one clear message: what went wrong is said, where in the code is not."""

    def invoke(self, ctx: click.Context) -> Any:
        with _steps_on_a_terminal(), _warnings_in_one_line():
            try:
                return super().invoke(ctx)
            except CsriskError as error:
                _fail(str(error))
            except OSError as error:
                name = Path(error.filename).name if isinstance(error.filename, str | Path) else "a file"
                _fail(f"{name}: {error.strerror or error}")


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(csrisk.__version__, prog_name="csrisk")
def main() -> None:
    """Churn and expansion risk in customer success, explained by goal in percentage points.

    FOLDER holds one Parquet or CSV file for each table: usage, contacts, surveys, subscriptions, accounts, ... Exit
    codes: 0 done, 1 error, 2 the command line was not understood, 3 a check failed.
    """


_existing = click.Path(exists=True, dir_okay=False, path_type=Path)
_folder = click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
_as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
_as_of = click.option("--as-of", metavar="DATE", help="Date to score at; default is the end of the data.")
_end = click.option("--end", metavar="DATE", help="First day not observed; default is the day after the last event.")


@main.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("csrisk-demo"),
    show_default=True,
    help="Folder for the report, the scores and the model.",
)
def demo(out: Path) -> None:
    """Train on the bundled book, test forward, and write a report."""
    from csrisk._pipeline import RiskPipeline, write_scores
    from csrisk._pipeline._demo import DEMO_SPEC, driver_found
    from csrisk.data import load_demo

    data = load_demo()
    click.echo(
        f"{len(data.accounts)} simulated accounts, {data.start:%B %Y} to {data.end - _day():%B %Y}, "
        f"{len(data.tables)} tables"
    )
    pipeline = RiskPipeline(DEMO_SPEC).fit(data)
    _print_test(pipeline)
    why = pipeline.explain(data)
    found = driver_found(why)
    click.echo(
        f"True driver first among the goals: {_percent(found.share)} ({_percent(found.low)} to {_percent(found.high)}) "
        f"of {found.accounts} truly driven accounts; chance is 25 %"
    )
    scores = pipeline.score(data, why=why)
    out.mkdir(parents=True, exist_ok=True)
    pipeline.save(out / "model.csrisk")
    write_scores(out / "scores.parquet", scores)
    report = pipeline.report(out / "report.html", data, why=why)
    _print_first(scores)
    click.echo(f"\nScores and model: {out / 'scores.parquet'}, {out / 'model.csrisk'}\nReport: {report}")


@main.command()
@_folder
@click.option("--config", type=_existing, help="TOML file: column names, label, dates; default fits a usual book.")
@click.option("--model", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File to write.")
@click.option("--until", metavar="DATE", help="Learn from nothing at or after this date.")
@_end
@_as_json
def train(folder: Path, config: Path | None, model: Path, until: str | None, end: str | None, as_json: bool) -> None:
    """Test a model forward, fit it to everything, and write it to a file."""
    from csrisk._pipeline import RiskPipeline, open_folder

    pipeline = RiskPipeline(config)
    pipeline.fit(open_folder(folder, pipeline.spec, end=end), _date("--until", until))
    sha256 = pipeline.save(model)
    if as_json:
        record = {"model": str(model), "sha256": sha256, "model_id": pipeline.model_id_, **pipeline.record_.to_dict()}
        click.echo(json.dumps(record, allow_nan=False))
        return
    _print_test(pipeline)
    for name, fact in pipeline.record_.facts.items():
        click.echo(f"{name}: {', '.join(fact) if isinstance(fact, list) else fact}")
    click.echo(f"Model: {model} (sha256 {sha256})")


@main.command()
@_folder
@click.option("--config", type=_existing, help="TOML file: column names, label, dates; default fits a usual book.")
@_end
@_as_json
def check(folder: Path, config: Path | None, end: str | None, as_json: bool) -> None:
    """Check tables, labels and features for leaks, drift and missing evidence; exit code 3 if a check failed."""
    from csrisk._pipeline import RiskPipeline, open_folder

    pipeline = RiskPipeline(config)
    found = pipeline.check(open_folder(folder, pipeline.spec, end=end))
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(one) for one in found], allow_nan=False))
    else:
        for one in found:
            click.echo(str(one))
    if any(one.failed for one in found):
        raise click.exceptions.Exit(CHECKS_FAILED)


@main.command()
@_folder
@click.option("--model", type=_existing, required=True, help="What `csrisk train` wrote.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write: .parquet or .csv.")
@click.option("--sha256", help="Hash that the model file must have.")
@_as_of
@_end
@_as_json
def score(
    folder: Path,
    model: Path,
    out: Path | None,
    sha256: str | None,
    as_of: str | None,
    end: str | None,
    as_json: bool,
) -> None:
    """Score every account of a book, most urgent first."""
    from csrisk._pipeline import RiskPipeline, open_folder, write_scores

    pipeline = RiskPipeline.load(model, expected_sha256=sha256)
    scores = pipeline.score(open_folder(folder, pipeline.spec, end=end), _date("--as-of", as_of))
    if out is not None:
        write_scores(out, scores)
    if as_json:
        click.echo(scores.reset_index().to_json(orient="records", date_format="iso"))
        return
    _print_first(scores)
    if out is not None:
        click.echo(f"Scores: {out}")


@main.command()
@_folder
@click.option("--model", type=_existing, required=True, help="What `csrisk train` wrote.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("report.html"),
    show_default=True,
    help="File to write: .html, .md, .json or .csv.",
)
@click.option("--sha256", help="Hash that the model file must have.")
@_as_of
@_end
def report(folder: Path, model: Path, out: Path, sha256: str | None, as_of: str | None, end: str | None) -> None:
    """Write the report of a book."""
    from csrisk._pipeline import RiskPipeline, open_folder

    pipeline = RiskPipeline.load(model, expected_sha256=sha256)
    data = open_folder(folder, pipeline.spec, end=end)
    click.echo(f"Report: {pipeline.report(out, data, _date('--as-of', as_of))}")


def _print_test(pipeline: RiskPipeline) -> None:
    metrics = pipeline.record_.metrics
    if metrics is None:
        return
    counts = metrics.loc["model"]["estimate"]
    click.echo(
        f"\nForward test: {counts['n_snapshots']:,.0f} later snapshots of {counts['n_accounts']:,.0f} accounts, "
        f"{counts['n_events']:,.0f} churned"
    )
    click.echo(f"{'':16}{'AUC':>6}   95 % interval    the model is better by")
    for method, table in pipeline.record_.evaluation().items():
        row = table.loc["auc"]
        name = {"model": "csrisk model", "recency": "recency alone"}.get(method, method)
        line = f"{name:16}{row['estimate']:6.3f}   {row['low']:.3f} to {row['high']:.3f}"
        click.echo(f"{line}   {_gain(pipeline, method)}".rstrip())
    click.echo("")


def _gain(pipeline: RiskPipeline, method: str) -> str:
    gain = pipeline.record_.gain
    if gain is None or method not in gain.index:
        return ""
    row = gain.loc[method]
    return f"{row['difference']:.3f} ({row['low']:.3f} to {row['high']:.3f})"


def _print_first(scores: pd.DataFrame) -> None:
    as_of = scores.index.get_level_values("as_of")[0]
    click.echo(f"\nThe {min(_MOST, len(scores))} accounts of {len(scores):,} that matter most on {as_of:%Y-%m-%d}:")
    for row in scores.head(_MOST).reset_index().to_dict("records"):
        money = f", {row['mrr']:,.0f} a month" if row["mrr"] == row["mrr"] else ""
        reason = (
            row["reason_1"]
            if isinstance(row["reason_1"], str)
            else "no goal raises its risk; it matters for its revenue."
        )
        risk = _percent(row["churn_probability"])
        click.echo(f"{row['priority']}. {row['account_id']} ({risk} risk{money}): {reason}")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _day() -> Any:
    import pandas as pd

    return pd.Timedelta(days=1)


def _date(option: str, text: str | None) -> str | None:
    import datetime as dt

    if text is not None:
        try:
            dt.date.fromisoformat(text)
        except ValueError as error:
            raise click.BadParameter(f"{text!r} is not a date; write it as 2025-07-01", param_hint=option) from error
    return text


def _fail(message: str) -> NoReturn:
    click.echo(f"error: {message}", err=True)
    raise click.exceptions.Exit(ERROR)


@contextlib.contextmanager
def _steps_on_a_terminal() -> Iterator[None]:
    """Show what is being done on a terminal; say nothing into logs and pipes."""
    logger = logging.getLogger("csrisk")
    if not sys.stderr.isatty():
        yield
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("… %(message)s"))
    handler.addFilter(lambda record: record.name == "csrisk")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@contextlib.contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,  # noqa: ARG001  # the signature is Python's
        lineno: int,  # noqa: ARG001
        file: TextIO | None = None,  # noqa: ARG001
        line: str | None = None,  # noqa: ARG001
    ) -> None:
        if issubclass(category, CsriskWarning):
            click.echo(f"warning: {message}", err=True)

    with warnings.catch_warnings():
        warnings.simplefilter("always", CsriskWarning)
        warnings.showwarning = show
        yield
