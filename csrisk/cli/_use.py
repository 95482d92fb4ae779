"""Commands that use a fitted model: score, explain, report, monitor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from csrisk._text import day, number, one_line, percent, signed, unbroken
from csrisk.cli import _options as options
from csrisk.cli._print import framed, print_checks, print_first, print_frame, print_json
from csrisk.cli._running import CHECKS_FAILED
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from csrisk._explain import Explanation
    from csrisk.checks import Check

_SHOWN = {"features": "features", "drifting": "drift", "furthest": "furthest", "distance": "distance",
          "points_before": "before", "points_now": "now"}  # fmt: skip
__all__ = ["explain", "monitor", "report", "score"]

_PLACE = "{as_of}"
_table, _report = options.Out(".parquet", ".csv"), options.Out(".html", ".md", ".json", ".csv")


@click.command()
@click.option("--out", type=_table, help="File to write: .parquet or .csv; with --since it holds {as_of}.")
@click.option(
    "--since", type=options.DATE, metavar="DATE", help="Score earlier dates too, from this one on: one file for each."
)
@click.option(
    "--every", default="1MS", show_default=True, metavar="OFFSET", help="With --since: how far apart; 1MS, 7D, 1QS."
)
@click.option("--currency", default="", help="Printed before amounts of money.")
@options.strict
@options.of_a_book
def score(book: options.Book, out: Path | None, since: str | None, every: str, currency: str, *, strict: bool) -> None:
    """Score every account of a book, most urgent first.

    With --since DATE it does so at every date of a calendar up to --as-of, for little more than one date costs:
    csrisk score tables --model m.csrisk --since 2024-01-01 --out 'scores/{as_of}.parquet'
    """
    from csrisk._pipeline import write_scores

    if since is not None:
        _leave(strict, _backfill(book, out, since, every))
        return
    scores = book.pipeline.score(book.data, book.as_of)
    failed = _failed(scores)
    if out is not None:
        write_scores(out, scores)
    if book.as_json:
        # fifteen decimals are the most that pandas writes
        click.echo(scores.reset_index().to_json(orient="records", date_format="iso", double_precision=15))
    else:
        with framed(f"{number(len(scores), 0)} accounts scored as of {day(scores.index[0][1])}", failed):
            print_first(scores, book.data, currency)
            if out is not None:
                click.echo(f"Scores: {out}")
    _leave(strict, bool(failed))


def _failed(scores: pd.DataFrame) -> list[Check]:
    from csrisk.checks import Check

    # attrs hold plain lists
    checks = [Check(**{**one, "found": tuple(one["found"])}) for one in scores.attrs["checks"]]
    return [check for check in checks if check.failed]


def _backfill(book: options.Book, out: Path | None, since: str, every: str) -> bool:
    """Write the scores of several dates; say whether one of them differs from training."""
    from csrisk._pipeline import write_scores
    from csrisk._pipeline._output import dates_between

    # without it each date would overwrite the one before
    if out is None or _PLACE not in out.name:
        raise ConfigError(f"--out: with --since there is a file for each date; put {_PLACE} into its name")
    dates = dates_between(since, book.data.end if book.as_of is None else book.as_of, every)
    written, differs = [], False
    for scores in book.pipeline.backfill(book.data, dates):
        date = f"{scores.index[0][1]:%Y-%m-%d}"  # of a name of a file
        path = write_scores(out.with_name(out.name.replace(_PLACE, date)), scores)
        failed = [str(check) for check in _failed(scores)]
        differs |= bool(failed)
        written.append({"as_of": date, "accounts": len(scores), "scores": str(path), "differs": failed})
        if not book.as_json:
            click.echo(
                f"{date}  {number(len(scores), 0):>7} accounts  "
                f"{path.name}{'  differs from training' if failed else ''}"
            )
    if book.as_json:
        print_json({"books": written})
    return differs


def _leave(strict: bool, differs: bool) -> None:  # two facts of one decision
    if strict and differs:
        raise click.exceptions.Exit(CHECKS_FAILED)


@click.command()
@click.option("--account", help="One account: its goals, features and sentences; default is every account, by goal.")
@click.option("--top", type=click.IntRange(1), default=12, show_default=True, help="Features of one account, or rows.")
@click.option(
    "--out", type=options.Out(".json"), help="File for goals, features and sentences of every account: .json."
)
@options.of_a_book
def explain(book: options.Book, account: str | None, top: int, out: Path | None) -> None:
    """Say why: the risk of each account split over the goals, in percentage points that add up."""
    from csrisk._pipeline import write_text

    why = book.pipeline.explain(book.data, book.as_of)
    if out is not None:
        write_text(out, why.to_json())
    if account is not None:
        _print_account(why, account, top, as_json=book.as_json)
    elif book.as_json:
        click.echo(why.to_json())
    else:
        goals = why.goals().sort_values("prediction", ascending=False, kind="stable")
        click.echo(f"Percentage points, compared with {why.reference_words}:")
        print_frame(goals.droplevel("as_of").head(top), 2)


def _print_account(why: Explanation, account: str, top: int, *, as_json: bool) -> None:
    from csrisk._explain import driver_words, plain_drivers

    ids = why.index.get_level_values("account_id")
    matches = [key for key in ids if str(key) == account]
    if not matches:
        raise ConfigError(f"--account: not among the {len(ids):,} accounts of this book; see `csrisk score`")
    row = why.goals().loc[matches[0]].iloc[0]
    silent = why.measured().loc[matches[0]].iloc[0].eq(other=False)
    driver = plain_drivers(why)[why.position(matches[0])] or {}
    table = why.account(matches[0])
    if as_json:
        # as objects, for a column of numbers cannot hold None, and NaN is no JSON
        features = table.reset_index(drop=True).astype(object)
        rows = features.where(features.notna(), None).to_dict("records")
        told = {
            "goals": row.to_dict(),
            "driver": driver,
            "not_measured": [str(goal) for goal in silent.index[silent]],
            "features": rows,
        }
        print_json({"account_id": matches[0], **told})
        return
    click.echo(
        f"{one_line(account)}: {percent(row['prediction'] / 100)} risk = {number(row['reference'], 1)} (reference)"
    )
    for goal in row.drop(["reference", "prediction"]).sort_values(key=abs, ascending=False).index:
        click.echo(f"  {signed(row[goal]):>6}  {goal}{' (not measured)' if silent[goal] else ''}")
    click.echo(driver_words(driver))
    click.echo("")
    for entry in table.head(top).to_dict("records"):
        click.echo(f"  {signed(entry['points'], 2):>6}  {unbroken(one_line(entry['sentence']))}")


@click.command()
@click.option(
    "--out", type=_report, default=Path("report.html"), show_default=True, help="File: .html, .md, .json, .csv."
)
@click.option("--scores", type=_table, help="Write the score table of the same run too: .parquet or .csv.")
@click.option("--previous", type=options.DATE, metavar="DATE", help="An earlier date: the report says what moved.")
@click.option(
    "--champion",
    metavar="ACCOUNT",
    help="Instead of it, one page about this account for its champion's eyes: use, goals, answers, and no risk.",
)
@click.option("--digest", is_flag=True, help="One screen, ready for a mail, instead of the report: .html or .md.")
@click.option("--by-owner", is_flag=True, help="A page for each owner too, in a folder beside the report.")
@click.option("--account-url", default="", metavar="PATTERN", help="Way to the CRM: https://crm.example/{account_id}.")
@click.option(
    "--past-months",
    type=click.IntRange(0, 12),
    default=12,
    show_default=True,
    help="Months over which risks are followed; 0 leaves the past out and saves its time.",
)
@click.option("--currency", default="", help="Written before amounts of money.")
@options.history
@options.strict
@options.of_a_book
def report(
    book: options.Book,
    out: Path,
    scores: Path | None,
    previous: str | None,
    champion: str | None,
    history: Path | None,
    *,
    strict: bool,
    **form: Any,
) -> None:
    """Write the report of a book; with --history it also says what monitoring found, and what came of what was told."""
    from csrisk._pipeline import Past, write_scores
    from csrisk._pipeline._output import guarded
    from csrisk.report import ReportForm

    if champion is not None:
        _champion_page(book, out, champion)
        return
    why = book.pipeline.explain(book.data, book.as_of)
    # one explanation for scores, monitoring and page: it costs most, and they cannot differ
    table = book.pipeline.score(book.data, why=why)
    if scores is not None:
        write_scores(scores, table)
    watched = None if history is None else book.pipeline.monitor(book.data, history=history, why=why)
    past = Past(previous, history, form.pop("past_months"))
    path = book.pipeline.report(
        out, book.data, why=why, scores=table, monitoring=watched, past=past, form=ReportForm(**form)
    )
    # judged already, so this neither costs nor warns again
    failed = [check for check in guarded(book.pipeline, book.data, why) if check.failed]
    if book.as_json:
        told = {"report": str(path), "accounts": len(why), "model_id": book.pipeline.model_id_}
        print_json(told if scores is None else {**told, "scores": str(scores)})
    else:
        with framed(f"report of {number(len(why), 0)} accounts written", failed):
            click.echo(f"Report: {path}")
            if scores is not None:
                click.echo(f"Scores: {scores}")
    _leave(strict, bool(failed))


def _champion_page(book: options.Book, out: Path, account: str) -> None:
    from csrisk.report import write_value_page

    matches = [key for key in book.data.accounts if str(key) == account]
    if not matches:
        raise ConfigError(f"--champion: not among the {len(book.data.accounts):,} accounts of the tables")
    path = write_value_page(out, book.data, matches[0], as_of=book.as_of)
    if book.as_json:
        print_json({"page": str(path)})
    else:
        click.echo(f"Page for the champion: {path}")


@click.command()
@options.history
@click.option("--report", "report_", type=_report, help="Report with what was found: .html, .md, .json, .csv.")
@click.option("--out", type=_table, help="Drift of every column, as a table: .parquet or .csv.")
@options.of_a_book
def monitor(book: options.Book, history: Path | None, report_: Path | None, out: Path | None) -> None:
    """Hold a book against the one at training: drift by goal, calibration, staleness; exit code 3 on an alarm."""
    from csrisk._pipeline import Past, write_table

    why = book.pipeline.explain(book.data, book.as_of)
    found = book.pipeline.monitor(book.data, history=history, why=why)
    if out is not None:
        write_table(out, found.drift.reset_index())
    if report_ is not None:
        book.pipeline.report(report_, book.data, why=why, monitoring=found, past=Past(history=history))
    if book.as_json:
        print_json(found.to_dict())
    else:
        print_checks(found.checks, lambda: print_frame(found.goals[list(_SHOWN)].rename(columns=_SHOWN), 2))
    # last: what was found is written and printed before the exit code tells of it
    if found.failed:
        raise click.exceptions.Exit(CHECKS_FAILED)
