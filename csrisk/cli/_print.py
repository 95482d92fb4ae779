"""What commands print for people."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sys
import textwrap
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from csrisk._goals import Goal
from csrisk._text import day, money, number, one_line, percent, printable, unbroken
from csrisk.cli._logging import session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pandas as pd

    from csrisk._pipeline import RiskPipeline
    from csrisk.checks import Check
    from csrisk.data import CustomerData

__all__ = ["framed", "print_checks", "print_first", "print_frame", "print_json", "print_plan", "print_test"]

_MOST, _WIDTH = 5, 80
_ORDER = ("failed", "not applicable", "passed")
_MARKS = {"failed": "FAIL", "not applicable": "n/a ", "passed": "ok  "}
_COLOURS = {"failed": "red", "not applicable": "yellow", "passed": "green"}
_NAMES = {"model": "csrisk model", "recency": "recency alone"}


def print_json(value: Any) -> None:
    """Print plain values as one line of JSON."""
    click.echo(json.dumps(value, allow_nan=False, default=str))


def print_plan(plan: dict[str, Any], *, as_json: bool) -> None:
    """Print what a dry run found."""
    if as_json:
        print_json(plan)
        return
    for name, value in plan.items():
        words = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        click.echo(f"{name}: {', '.join(map(str, value)) if isinstance(value, list) else words}")
    click.echo("dry run: nothing was fitted and nothing was written")


def print_test(pipeline: RiskPipeline) -> None:
    """Print the forward test: the model beside its baselines."""
    metrics = pipeline.record_.metrics
    if metrics is None:
        return
    counts = metrics.loc["model"]["estimate"]
    click.echo(
        f"\nForward test: {number(counts['n_snapshots'], 0)} later snapshots of "
        f"{number(counts['n_accounts'], 0)} accounts, {number(counts['n_events'], 0)} churned"
    )
    click.echo(f"{'':16}{'AUC':>6}   95 % interval    the model is better by")
    for method, table in pipeline.record_.evaluation().items():
        row = table.loc["auc"].to_dict()
        span = f"{number(row['low'], 3)} to {number(row['high'], 3)}"
        line = f"{_NAMES.get(method, method):16}{number(row['estimate'], 3):>6}   {span}   {_gain(pipeline, method)}"
        click.echo(line.rstrip())
    click.echo("")


def _gain(pipeline: RiskPipeline, method: str) -> str:
    gain = pipeline.record_.gain
    if gain is None or method not in gain.index:
        return ""
    row = gain.loc[method].to_dict()
    return f"{number(row['difference'], 3)} ({number(row['low'], 3)} to {number(row['high'], 3)})"


@contextlib.contextmanager
def framed(words: str, failed: Sequence[Check] = ()) -> Iterator[None]:
    """Print what came of a command before and after its details; checks that failed stand first."""
    if failed:
        words += "; 1 check failed" if len(failed) == 1 else f"; {len(failed)} checks failed"
    verdict = f"{_coloured(*(('WARNING', 'not applicable') if failed else ('DONE', 'passed')))}: {words}"
    click.echo(verdict)
    for check in failed:
        click.echo(_line(check))
    yield
    click.echo(verdict)


def print_checks(checks: Sequence[Check], more: Callable[[], None] | None = None) -> None:
    """Print checks, the failed ones first, between two lines that say how many failed; passed ones with -v."""
    counts = Counter(check.status for check in checks)
    failed, undone = counts["failed"], counts["not applicable"]
    words = f"{failed} of {len(checks)} checks failed" if failed else f"none of {len(checks)} checks failed"
    verdict = _coloured("FAILED" if failed else "PASSED", "failed" if failed else "passed") + f": {words}"
    verdict += f", {undone} could not be made" if undone else ""
    click.echo(verdict)
    detailed = session().verbose
    for check in sorted(checks, key=lambda one: _ORDER.index(one.status)):
        if detailed or check.status != "passed":
            click.echo(_line(check))
    if counts["passed"] and not detailed:
        click.echo(f"{_coloured(_MARKS['passed'], 'passed')}  {counts['passed']} checks passed; -v lists them")
    if more is not None:
        more()
    click.echo(verdict)


def _line(check: Check) -> str:
    """One line of a pipe; on a terminal as many as its width takes, indented behind the status."""
    if "=" in check.next_step:  # an argument of Python, which a command line does not take
        check = dataclasses.replace(check, next_step="")
    mark, text = _coloured(_MARKS[check.status], check.status), printable(str(check))
    if sys.stdout.isatty():
        text = "\n".join(textwrap.wrap(text, _WIDTH - 6, subsequent_indent=" " * 6, break_long_words=False))
    return f"{mark}  {text}"


def _coloured(text: str, status: str) -> str:
    """Colour a status on a terminal; click takes it out of what is piped."""
    return text if "NO_COLOR" in os.environ else click.style(text, fg=_COLOURS[status], bold=status == "failed")


def print_first(scores: pd.DataFrame, data: CustomerData | None = None, currency: str = "") -> None:
    """Print the accounts that matter most, by the names that the report has for them too."""
    from csrisk._explain import NO_REASON
    from csrisk.report._figures import why_listed

    as_of = scores.index.get_level_values("as_of")[0]
    click.echo(
        f"\nThe {min(_MOST, len(scores))} accounts of {number(len(scores), 0)} that matter most on {day(as_of)}:"
    )
    names = {} if data is None else _names_of(data, scores.index.get_level_values("account_id")[:_MOST])
    why = why_listed(scores["churn_probability"].to_numpy(), scores["mrr"].to_numpy())
    for place, row in enumerate(scores.head(_MOST).reset_index().to_dict("records")):
        # unknown revenue is NaN, which equals nothing
        brings = f", {money(row['mrr'], currency)} a month" if row["mrr"] == row["mrr"] else ""
        stays = row.get("expected_months")
        if stays is not None and stays == stays:  # what is missing equals nothing
            brings += f", expected to stay {number(stays, 1)} months"
        reason = row["reason_1"] if isinstance(row["reason_1"], str) else NO_REASON
        # ids and names are a customer's text, and may hold what acts on a terminal
        account = names.get(row["account_id"]) or one_line(str(row["account_id"]))
        listed = f"{why[place]} " if why[place] else ""
        risk = percent(row["churn_probability"], 0)
        sure = ""
        if isinstance(row.get("driver"), str):
            sure = f" Main driver: {Goal(row['driver']).heading} ({percent(row['driver_probability'], 0)})."
        click.echo(f"{row['priority']}. {account} ({risk} risk{brings}): {listed}{unbroken(one_line(reason))}{sure}")


def _names_of(data: CustomerData, accounts: pd.Index) -> dict[Any, str]:
    """Name each account, and its id where that is something else."""
    if not data.has("accounts", "name"):
        return {}
    table = data.frame("accounts").drop_duplicates("account_id").set_index("account_id")["name"].reindex(accounts)
    named = {key: one_line(str(name)) for key, name in table.items() if isinstance(name, str) and name.strip()}
    # the id beside the name, as two accounts may be called alike
    return {key: name if name == str(key) else f"{name} [{one_line(str(key))}]" for key, name in named.items()}


def print_frame(table: pd.DataFrame, digits: int = 3) -> None:
    """Print a small table, aligned, without an index that is only a count."""
    shown = table.map(lambda value: _figure(value, digits) if isinstance(value, float) else _text(value))
    shown = shown.rename(index=_text, columns=_text)
    click.echo(shown.to_string(na_rep=""))


def _figure(value: float, digits: int) -> str:
    return number(value, digits) if value == value else ""  # what is missing equals nothing


def _text(value: object) -> object:
    """Names of customers do nothing to a terminal; dates are written as everywhere."""
    import pandas as pd

    if isinstance(value, pd.Timestamp):
        return day(value)
    return one_line(value) if isinstance(value, str) else value
