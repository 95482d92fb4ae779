"""Command line: ``csrisk demo | init | check | train | backtest | score | explain | report | monitor``."""

from __future__ import annotations

import click

import csrisk
from csrisk.cli._learn import backtest, check, demo, train
from csrisk.cli._propose import init
from csrisk.cli._running import Commands
from csrisk.cli._use import explain, monitor, report, score

__all__ = ["main"]


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(csrisk.__version__, prog_name="csrisk")
def main() -> None:
    """Churn and expansion risk in customer success, explained by goal in percentage points.

    SOURCE is a folder that holds one Parquet or CSV file for each table (usage, contacts, surveys, subscriptions,
    accounts, ...), a DuckDB file, or a connection string such as postgres://host/name, which Ibis opens.

    Results go to standard output; steps, warnings and errors to standard error (--log-format). Files are there whole or
    not at all, also after an interruption.

    Exit codes: 0 done, 1 error, 2 the command line was not understood, 3 a check failed or --strict found a difference,
    130 and 143 interrupted.
    """


# in the order of use, in which the help lists them
for _command in (demo, init, check, train, backtest, score, explain, report, monitor):
    main.add_command(_command)
