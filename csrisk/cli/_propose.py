"""The command that writes a configuration for files under names of their own: init."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from csrisk._text import one_line, printable
from csrisk.cli import _options as options
from csrisk.cli._print import print_json

if TYPE_CHECKING:
    from csrisk._proposal import Proposal

__all__ = ["init"]


@click.command()
@options.source
@click.option(
    "--out",
    type=options.Out(".toml"),
    default=Path("csrisk.toml"),
    show_default=True,
    help="Configuration to write; a file that is there is never overwritten.",
)
@click.option(
    "--yes", is_flag=True, help="Take the likeliest answer to every question; otherwise a guess is a comment."
)
@options.dry_run
@options.as_json
def init(source: str, out: Path, *, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Look at a folder of exports, guess which table and column is which, and write a configuration.

    Questions are asked on a terminal, never in a pipe. What is not sure stands in the file as a comment, with what it
    could be instead.
    """
    from csrisk._proposal import propose
    from csrisk.exceptions import ConfigError

    if out.exists() and not dry_run:  # before the files are read and questions are asked
        raise ConfigError(f"{out.name}: is there already, and is never overwritten; name another file with --out")
    proposal = propose(source)
    if yes:
        proposal = proposal.with_guesses()
    elif not dry_run and not as_json and _on_a_terminal():  # a pipe has nobody to answer
        proposal = _asked(proposal)
    if not dry_run:
        proposal.save(out)
    if as_json:
        open_ = [str(question) for question in proposal.open]
        print_json(
            {"config": str(out), "columns": proposal.table.to_dict("records"), "unused": proposal.unused, "open": open_}
        )
        return
    # names of files and columns are a stranger's text
    click.echo(printable(proposal.to_toml() if dry_run else str(proposal)))
    if not dry_run:
        left = f"; open in it: {len(proposal.open)} (or --yes)" if proposal.open else ""
        click.echo(f"Configuration: {out}{left}\nNext: csrisk train SOURCE --config {out.name} --model model.csrisk")


def _on_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()  # to ask takes both


def _asked(proposal: Proposal) -> Proposal:
    """Ask a person every question; an empty answer takes the likeliest."""
    for question in proposal.questions:
        table = question.about.partition(".")[0]
        if proposal.decided.get(table) == "":
            continue  # of a table that is left out
        click.echo(f"\n{one_line(question.text)}")
        for place, option in enumerate(question.options, 1):
            click.echo(f"  {place}  {one_line(option) or 'leave it out'}")
        given = click.prompt("Answer", type=click.IntRange(1, len(question.options)), default=1)
        proposal = proposal.answer(question.about, question.options[given - 1])
    return proposal
