r"""The nightly job for a workflow engine: four tasks with files as targets, so that a retry does what is missing.

    PYTHONPATH=examples/nightly luigi --module luigi_nightly Nightly --local-scheduler \
        --source /data/tables --state /data/csrisk --as-of 2025-07-01

Any engine does that starts a Python function and knows what is done: the steps are methods of `nightly.Night`.
"""

from __future__ import annotations

from pathlib import Path

import luigi
from nightly import Night


class Step(luigi.Task):
    """One step of one night."""

    source = luigi.Parameter()
    state = luigi.Parameter()
    as_of = luigi.Parameter()
    config = luigi.Parameter(default="")
    step = ""
    retry_count = 2

    def night(self) -> Night:
        return Night(self.source, Path(self.state), self.as_of, Path(self.config) if self.config else None)

    def output(self) -> luigi.LocalTarget:
        return luigi.LocalTarget(str(self.night().file(self.step)))

    def after(self, task: type[Step]) -> Step:
        return task(source=self.source, state=self.state, as_of=self.as_of, config=self.config)


class Score(Step):
    step = "scores"

    def run(self) -> None:
        self.night().score()


class Watch(Step):
    step = "monitoring"

    def requires(self) -> Step:
        return self.after(Score)

    def run(self) -> None:
        self.night().watch()


class Report(Step):
    step = "reports"

    def requires(self) -> Step:
        return self.after(Watch)

    def run(self) -> None:
        self.night().report()


class Nightly(Step):
    """The decision comes last: a new model takes over for the next night."""

    step = "decisions"

    def requires(self) -> Step:
        return self.after(Report)

    def run(self) -> None:
        self.night().decide()
