"""One night, unattended: score the book, watch it, decide, retrain by rule, report; every decision with its reason.

    python nightly.py SOURCE STATE [--as-of DATE] [--config FILE]

STATE is a folder: ``model.csrisk``, and by date ``scores/``, ``monitoring/``, ``decisions/`` and ``reports/``. A file
that is there is a step that is done: running a night again, or after it broke off, does what is missing and no more.
Exit codes: 0 done, 1 error, 3 done, and somebody should look.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from csrisk import RiskPipeline, RiskSpec
from csrisk.exceptions import CsriskError, NotEnoughDataError
from csrisk.pipeline import Past, open_source, write_scores

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("nightly")

# what each alarm of monitoring means for the model; other rows or accounts of a table (CSM010) are logged alone, as
# tracking that changed for good looks like rows loaded twice: add it to the first group where it never does
DATA_ALARMS = {
    "CSM007": "a table stopped arriving",
    "CSM008": "the book halved or doubled",
    "CSM009": "columns lost their values",
    "CSM011": "numbers are of another size",
    "CSM012": "values are missing or unknown",
    "CSM013": "the model was trained later",
}
MODEL_ALARMS = {"CSM003": "its probabilities are off", "CSM004": "it ranks worse than tested", "CSM006": "it is old"}
DRIFT_ALARMS = {"CSM001": "features drift", "CSM002": "scores drift", "CSM005": "the book became hard to rank"}


class Night:
    """The steps of one night, each with the file that says that it is done."""

    def __init__(self, source: str, state: Path, as_of: str, config: Path | None = None) -> None:
        self.source, self.state, self.as_of, self.config = source, Path(state), as_of, config
        self.model = self.state / "model.csrisk"
        for name in ("scores", "monitoring", "decisions", "reports"):
            (self.state / name).mkdir(parents=True, exist_ok=True)

    @cached_property
    def spec(self) -> RiskSpec:
        return RiskSpec() if self.config is None else RiskSpec.from_toml(self.config)

    @cached_property
    def data(self):
        return open_source(self.source, self.spec, end=self.as_of)

    @cached_property
    def pipeline(self) -> RiskPipeline:
        if not self.model.exists():
            self.train("there is no model yet")
        return RiskPipeline.load(self.model)

    @cached_property
    def why(self):
        return self.pipeline.explain(self.data, self.as_of)

    @cached_property
    def found(self):
        return self.pipeline.monitor(self.data, history=self.state / "scores", why=self.why)

    def file(self, step: str) -> Path:
        suffix = {"scores": "parquet", "reports": "html"}.get(step, "json")
        return self.state / step / f"{self.as_of}.{suffix}"

    def score(self) -> Path:
        scores = self.pipeline.score(self.data, why=self.why)
        log.info("%s scored %d accounts with model %s", self.as_of, len(scores), self.pipeline.model_id_)
        return write_scores(self.file("scores"), scores)

    def watch(self) -> Path:
        found = self.found
        words = "; ".join(f"{check.code} {check.measure}" for check in found.failed) or "nothing"
        log.info("%s monitoring alarms: %s", self.as_of, words)
        return write_json(self.file("monitoring"), {"model": self.pipeline.model_id_, **found.to_dict()})

    def decide(self) -> Path:
        action, reason = self.verdict()
        if action == "retrain":
            action, outcome = self.train(reason)
            reason = f"{reason}; {outcome}"
        log.info("%s decision: %s, because %s", self.as_of, action, reason)
        return write_json(self.file("decisions"), {"as_of": self.as_of, "decision": action, "reason": reason})

    def verdict(self) -> tuple[str, str]:
        """Apply the rule: do not learn from suspect data, replace a wrong or old model, and act on drift that lasts."""
        alarms, model = self.alarms(self.file("monitoring"))
        if suspect := alarms & set(DATA_ALARMS):
            return "hold", f"{_words(suspect, DATA_ALARMS)}: look at the feed, do not learn from it"
        if wrong := alarms & set(MODEL_ALARMS):
            return "retrain", _words(wrong, MODEL_ALARMS)
        earlier = [path for path in sorted((self.state / "monitoring").glob("*.json")) if path.stem < self.as_of]
        before, same = self.alarms(earlier[-1]) if earlier else (set(), None)
        if lasting := alarms & set(DRIFT_ALARMS):
            if same == model and before & set(DRIFT_ALARMS):
                return "retrain", f"{_words(lasting, DRIFT_ALARMS)}, for the second time in a row"
            return "keep", f"{_words(lasting, DRIFT_ALARMS)}, for the first time: wait for the next run"
        return "keep", "no alarm"

    def alarms(self, path: Path) -> tuple[set[str], str]:
        told = json.loads(path.read_text(encoding="utf-8"))
        return set(told["failed"]), told["model"]

    def train(self, reason: str) -> tuple[str, str]:
        """Fit to what is known tonight; the new model takes over unless its forward test is clearly worse."""
        log.info("%s training, because %s", self.as_of, reason)
        old = RiskPipeline.load(self.model) if self.model.exists() else None
        try:
            new = RiskPipeline(self.spec).fit(self.data)
        except NotEnoughDataError as error:
            if old is None:
                raise
            return "keep", f"too little to learn from ({error})"
        before, after = (_auc(one) for one in (old, new))
        if before is not None and (after is None or after["high"] < before["low"]):
            return "keep", "the new model tested worse, so the old one stays"
        new.save(self.model)
        told = "untested" if after is None else f"AUC {after['estimate']:.2f} in its forward test"
        return "retrain", f"model {new.model_id_} took over ({told})"

    def report(self) -> Path:
        earlier = sorted(path.stem for path in (self.state / "scores").glob("*.parquet") if path.stem < self.as_of)
        past = Past(previous=earlier[-1] if earlier else None)
        return self.pipeline.report(self.file("reports"), self.data, why=self.why, monitoring=self.found, past=past)

    def run(self) -> None:
        steps = {"scores": self.score, "monitoring": self.watch, "reports": self.report, "decisions": self.decide}
        for step, do in steps.items():
            if not self.file(step).exists():
                do()


def _words(codes: set[str], meanings: dict[str, str]) -> str:
    return " and ".join(f"{meanings[code]} ({code})" for code in sorted(codes))


def _auc(pipeline: RiskPipeline | None) -> pd.Series | None:
    tested = None if pipeline is None else pipeline.record_.evaluation().get("model")
    return None if tested is None else tested.loc["auc"]


def write_json(path: Path, value: object) -> Path:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(value, default=str), encoding="utf-8")
    os.replace(part, path)
    return path


@contextmanager
def told_to(path: Path) -> Iterator[None]:
    """Write the log to a file and to the terminal, whoever else has set up logging in this process."""
    handlers = [logging.FileHandler(path, encoding="utf-8"), logging.StreamHandler()]
    # the steps of csrisk itself, with rows, model and data, belong to the same log
    logs = [log, logging.getLogger("csrisk")]
    for one in logs:
        one.setLevel(logging.INFO)
        for handler in handlers:
            one.addHandler(handler)
    try:
        yield
    finally:
        for one in logs:
            for handler in handlers:
                one.removeHandler(handler)
        for handler in handlers:
            handler.close()


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", help="folder, DuckDB file or connection string")
    parser.add_argument("state", type=Path, help="folder of the job")
    parser.add_argument("--as-of", default=f"{pd.Timestamp.now('UTC'):%Y-%m-%d}", help="date of the run; default today")
    parser.add_argument("--config", type=Path)
    given = parser.parse_args(words)
    given.state.mkdir(parents=True, exist_ok=True)
    night = Night(given.source, given.state, given.as_of, given.config)
    with told_to(given.state / "nightly.log"):
        try:
            night.run()
        except (CsriskError, OSError) as error:
            log.error("%s failed: %s", given.as_of, error)
            return 1
    return 3 if json.loads(night.file("decisions").read_text(encoding="utf-8"))["decision"] == "hold" else 0


if __name__ == "__main__":
    sys.exit(main())
