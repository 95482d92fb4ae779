# ruff: noqa: E501  # rows of a table are easier to read in one line
"""Bad pipelines: folders, dates, model files and outputs that do not fit."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import csrisk as cr
from csrisk._pipeline import write_scores

from ._calls import Ground
from ._case import Case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SPEC = {
    "snapshots": {"horizon": "90D", "lead": 0},
    "model": {"n_members": 2, "min_events": 2},
    "test": {"n_bootstrap": 20},
    "reference": {"rows": 20},
    "label": {"expansion": "none"},
}


class Fitted(Ground):
    """A ground with a fitted pipeline and its file."""

    @cached_property
    def pipeline(self) -> cr.RiskPipeline:
        return cr.RiskPipeline(SPEC).fit(self.data)

    @cached_property
    def file(self) -> Path:
        path = self.folder / "good.csrisk"
        self.pipeline.save(path)
        return path

    @cached_property
    def empty(self) -> Path:
        """A folder that no other case writes into."""
        folder = self.folder / "empty"
        folder.mkdir()
        return folder

    @cached_property
    def scores(self) -> pd.DataFrame:
        return self.pipeline.score(self.data)

    def write(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    def spec(self, **sections: Any) -> cr.RiskPipeline:
        return cr.RiskPipeline({**SPEC, **sections})


PIPELINE: list[tuple[str, str, Callable[[Fitted], Any], str, str]] = [
    ("score", "not fitted", lambda g: cr.RiskPipeline(SPEC).score(g.data), "ConfigError", "not fitted"),
    ("save", "not fitted", lambda g: cr.RiskPipeline(SPEC).save(g.folder / "m"), "ConfigError", "not fitted"),
    ("report", "not fitted", lambda g: cr.RiskPipeline(SPEC).report(g.folder / "r.html", g.data), "ConfigError", "not fitted"),
    ("fit", "a folder that is missing", lambda g: cr.RiskPipeline(SPEC).fit(g.folder / "absent"), "DataContractError", "does not exist"),
    ("fit", "a folder without a table", lambda g: cr.RiskPipeline(SPEC).fit(g.empty), "DataContractError", "holds no table"),
    ("fit", "until is no date", lambda g: cr.RiskPipeline(SPEC).fit(g.data, "soon"), "SnapshotError", "cannot be read"),
    ("fit", "until before all", lambda g: cr.RiskPipeline(SPEC).fit(g.data, "1990-01-01"), "SnapshotError", ""),
    ("fit", "until after the end", lambda g: cr.RiskPipeline(SPEC).fit(g.data, "2190-01-01"), "SnapshotError", ""),
    ("fit", "a horizon beyond the data", lambda g: g.spec(snapshots={"horizon": 9000}).fit(g.data), "LabelError", "none of"),
    ("fit", "an attribute that is not there", lambda g: g.spec(features={"attributes": ["unheard_of"]}).fit(g.data), "ConfigError", "unheard_of"),
    ("fit", "a feature excluded that is not there", lambda g: g.spec(features={"exclude": ["unheard_of"]}).fit(g.data), "ConfigError", "unheard_of"),
    ("fit", "a test that starts after the data", lambda g: g.spec(test={"start": "2190-01-01"}).fit(g.data), "SnapshotError|NotEnoughDataError", ""),
    ("fit", "more events asked for than there are", lambda g: g.spec(model={"min_events": 10_000}).fit(g.data), "NotEnoughDataError", "min_events"),
    ("fit", "an expansion that cannot be told", lambda g: g.spec(label={"expansion": "value"}).fit(g.bare), "LabelError|NotEnoughDataError|SnapshotError", ""),
    ("fit", "a table of the configuration that is unknown", lambda g: g.spec(tables={"uses": {"file": "u.csv"}}).fit(g.empty), "ConfigError", "unknown table"),
    ("fit", "a file of the configuration that is missing", lambda g: g.spec(tables={"usage": {"file": "u.csv"}}).fit(g.empty), "ConfigError", "is not in the folder"),
    ("score", "as_of is no date", lambda g: g.pipeline.score(g.data, "soon"), "SnapshotError", "cannot be read"),
    ("score", "as_of before the data", lambda g: g.pipeline.score(g.data, "1990-01-01"), "SnapshotError", "outside"),
    ("score", "as_of after the data", lambda g: g.pipeline.score(g.data, "2190-01-01"), "SnapshotError", "outside"),
    ("score", "as_of with a clock", lambda g: g.pipeline.score(g.data, "2025-01-01 12:00"), "SnapshotError", "midnight"),
    ("score", "data without the tables of the training", lambda g: g.pipeline.score(g.bare), "DataContractError", "had rows when the model was trained"),
    ("report", "a suffix that is unknown", lambda g: g.pipeline.report(g.folder / "r.pdf", g.data), "ConfigError", "suffix"),
    ("report", "a folder that is missing", lambda g: g.pipeline.report(g.folder / "absent" / "r.html", g.data), "FileNotFoundError", ""),
    ("save", "a folder that is missing", lambda g: g.pipeline.save(g.folder / "absent" / "m.csrisk"), "FileNotFoundError", ""),
    ("save", "a folder in the place of the file", lambda g: g.pipeline.save(g.folder), "OSError|IsADirectoryError|PermissionError", ""),
    ("write_scores", "a suffix that is unknown", lambda g: write_scores(g.folder / "s.xlsx", g.scores), "ConfigError", "suffix"),
    ("write_scores", "a folder that is missing", lambda g: write_scores(g.folder / "absent" / "s.csv", g.scores), "FileNotFoundError", ""),
    ("load", "a file that is missing", lambda g: cr.RiskPipeline.load(g.folder / "absent.csrisk"), "ModelFileError", "cannot be read"),
    ("load", "a folder", lambda g: cr.RiskPipeline.load(g.folder), "ModelFileError", "cannot be read"),
    ("load", "nothing in it", lambda g: cr.RiskPipeline.load(g.write("0.csrisk", b"")), "ModelFileError", "not a readable zip"),
    ("load", "text", lambda g: cr.RiskPipeline.load(g.write("t.csrisk", b"whispered")), "ModelFileError", "not a readable zip"),
    ("load", "a pickle", lambda g: cr.RiskPipeline.load(g.write("p.csrisk", b"\x80\x04cos\nsystem\n.")), "ModelFileError", "not a readable zip"),
    ("load", "half of it", lambda g: cr.RiskPipeline.load(g.write("h.csrisk", g.file.read_bytes()[: g.file.stat().st_size // 2])), "ModelFileError", "not a readable zip"),
    ("load", "another hash than expected", lambda g: cr.RiskPipeline.load(g.file, expected_sha256="0" * 64), "ModelFileError", "do not use it"),
    ("load", "a hash that is none", lambda g: cr.RiskPipeline.load(g.file, expected_sha256="whatever"), "ModelFileError", "do not use it"),
    ("load", "an empty hash", lambda g: cr.RiskPipeline.load(g.file, expected_sha256=""), "ModelFileError", "do not use it"),
    ("CustomerData", "memory_limit that is none", lambda _: _customer_data(memory_limit="a lot"), "ConfigError", "memory_limit"),
    ("CustomerData", "threads=0", lambda _: _customer_data(threads=0), "ConfigError", "threads"),
    ("CustomerData", "threads=-1", lambda _: _customer_data(threads=-1), "ConfigError", "threads"),
    ("CustomerData", "threads that are text", lambda _: _customer_data(threads="two"), "ConfigError", "threads"),
    ("CustomerData", "tables that are a list", lambda _: cr.CustomerData([1]), "DataContractError", "CSD007"),
    ("CustomerData", "tables that are None", lambda _: cr.CustomerData(None), "DataContractError", "CSD007"),
    ("CustomerData", "tables that are a frame", lambda _: cr.CustomerData(pd.DataFrame({"at": [1]})), "DataContractError", "CSD007"),
    ("CustomerData", "columns that are a list", lambda _: _customer_data(columns=["at"]), "DataContractError", "CSD002"),
    ("CustomerData", "columns of a table that are a list", lambda _: _customer_data(columns={"usage": ["at"]}), "DataContractError", "CSD002"),
    ("CustomerData", "columns to a number", lambda _: _customer_data(columns={"usage": {"at": 7}}), "ConfigError", "must be a name, or a table"),
    ("CustomerData", "end with a clock of another zone", lambda _: _customer_data(end="soon"), "DataContractError", "CSD012"),
    ("CustomerData", "end that is a list", lambda _: _customer_data(end=["2025-01-01"]), "DataContractError", "CSD012"),
    ("CustomerData", "end in the year 9999", lambda _: _customer_data(end="9999-12-31"), "DataContractError", "CSD012"),
    ("CustomerData.lazy", "a table that is not there", lambda g: g.bare.lazy("contacts"), "DataContractError", "is not there"),
    ("CustomerData.frame", "a table that is unknown", lambda g: g.bare.frame("uses"), "DataContractError", "is not there"),
    ("CustomerData.from_folder", "a folder that is missing", lambda g: cr.CustomerData.from_folder(g.folder / "absent"), "DataContractError", "CSD009"),
    ("CustomerData.from_folder", "a file in its place", lambda g: cr.CustomerData.from_folder(g.write("x.txt", b"")), "DataContractError", "CSD009"),
]  # fmt: skip


def _customer_data(**options: Any) -> cr.CustomerData:
    usage = pd.DataFrame({"account_id": ["Kanarie-a", "Kanarie-b"], "at": ["2025-01-01", "2025-01-02"]})
    return cr.CustomerData({"usage": usage}, **options)


def _scores_still_right(result: pd.DataFrame, _: Any) -> bool:
    points = result.filter(like="_points").sum(axis=1)
    return bool(np.allclose(points, 100 * result["churn_probability"], atol=1e-9))


def pipeline_cases() -> Iterator[Case]:
    """Every misuse of the pipeline, its files and folders."""
    for where, what, run, says, words in PIPELINE:
        yield Case("pipeline", what, where, says, run, words)


def make_ground(folder: Path | None = None) -> Fitted:
    """A ground for a script; tests give it a folder of their own."""
    import tempfile

    return Fitted(folder or Path(tempfile.mkdtemp()))
