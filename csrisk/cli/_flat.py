"""Options and output of a table without dates: one file with a column that says who left."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from csrisk.cli._options import Out
from csrisk.cli._print import print_frame, print_json
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["flat_options", "train_flat"]


def flat_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a flat table; it gets them as one mapping ``flat``."""

    @functools.wraps(command)
    def wrapped(**given: Any) -> None:
        names = ("target", "event", "key", "exclude", "revenue", "report")
        flat = {name: given.pop(name) for name in names}
        # an option that would be passed over in silence is an error
        if flat["target"] is None and any(flat.values()):
            used = [f"--{name}" for name, value in flat.items() if value]
            raise ConfigError(f"{', '.join(used)}: of one flat table alone, whose outcome is named by --target COLUMN")
        # None says that the source is a portfolio with dates
        command(**given, flat=flat if flat["target"] is not None else None)

    options = (
        click.option("--target", metavar="COLUMN", help="SOURCE is one flat table, and this column says who left."),
        click.option("--event", metavar="WORD", help="The label in it that means churn, such as Yes."),
        click.option("--key", metavar="COLUMN", help="Column of the flat table that names the account."),
        click.option("--exclude", metavar="COLUMN", multiple=True, help="Column of the flat table to leave out."),
        click.option("--revenue", metavar="COLUMN", help="Column of monthly revenue; it orders the accounts."),
        click.option("--report", type=Out(".html", ".md", ".json", ".csv"), help="Report of the flat table to write."),
    )
    # the option that is put on last stands first in the help
    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped


def train_flat(source: str, flat: dict[str, Any], *, dry_run: bool, as_json: bool) -> None:
    """Test, explain and report a flat table; its model is not kept, as nothing tells how to read the next table."""
    # imported in the command, as in all others: help needs neither pandas nor NumPy, .07 s of CPU instead of 1.6
    from csrisk._pipeline import read_flat_table, train_flat_table

    table = read_flat_table(
        Path(source), flat["target"], event=flat["event"], key=flat["key"], exclude=tuple(flat["exclude"])
    )
    facts = {"rows": len(table.X), "columns": table.X.shape[1], "events": int(table.y.sum())}
    if dry_run:
        print_json(facts) if as_json else click.echo(", ".join(f"{count} {what}" for what, count in facts.items()))
        return
    result = train_flat_table(table, flat["report"], revenue=flat["revenue"])
    goals = {str(feature.name): str(feature.goal) for feature in result.why.declarations}
    if as_json:
        checks = result.checks.reset_index().to_dict("records")
        print_json({**facts, "evaluation": result.evaluation.to_dict("index"), "checks": checks, "goals": goals})
        return
    click.echo(f"{facts['events']} of {facts['rows']} rows churned. Tested on 5 folds drawn at random:")
    print_frame(result.evaluation.loc[["auc", "average_precision", "lift_at_10", "log_loss", "calibration_slope"]])
    by_goal: dict[str, list[str]] = {}
    for name, goal in goals.items():
        by_goal.setdefault(goal, []).append(name)
    click.echo("\nGoals as proposed from the names of the columns:")
    for goal, names in by_goal.items():
        click.echo(f"{goal}: {', '.join(names)}")
    if flat["report"] is not None:
        click.echo(f"\nReport: {flat['report']}")
