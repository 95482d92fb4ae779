"""Mutants of a model file are refused with a clear error or score as the original does; the process never dies.

Damage (truncation, flipped bits, blocks of zeros, members lost and swapped) must be refused or be without any effect.

Forgeries are edits by somebody who recomputes the hashes. One that breaks a rule, or contradicts the rest of the file,
is refused. What is left is in order in itself, as another training could have written it: another model, and it must
say so by another model_id. Only the hash of the whole file tells it from the one that was asked for, and with
``expected_sha256`` every forgery is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import select
import subprocess
import sys
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk.exceptions import ModelFileError

from ._loader import effect
from ._mutants import DAMAGES, FORGERIES, forged_pickle, mutant
from .conftest import SPEC

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
SECONDS = 180  # without a word; a damaged text of LightGBM was seen to hang for ever
ROWS = 500
SAME = 1e-12  # trees in another order add up to another last bit


@dataclass
class Original:
    file: Path
    rows: Path
    effect: dict[str, Any]
    kilobytes: int = 0  # most that loading one added to the memory of its process

    @property
    def content(self) -> bytes:
        return self.file.read_bytes()


@pytest.fixture(scope="module")
def original(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Original:
    """The model, and rows that reach far more of it than its golden rows: each column drawn by itself."""
    return with_rows(trained / "model.csrisk", tmp_path_factory.mktemp("mutants"))


def with_rows(file: Path, folder: Path) -> Original:
    pipeline = cr.RiskPipeline.load(file)
    chance, known = np.random.default_rng(0), pipeline.reference_
    drawn = {name: known[name].iloc[chance.integers(0, len(known), ROWS)].array for name in known}
    rows = pd.concat([known, pd.DataFrame(drawn)], ignore_index=True)
    rows.to_parquet(folder / "rows.parquet")
    return Original(file, folder / "rows.parquet", effect(pipeline, rows))


def outcomes(original: Original, kinds: str, first: int, last: int) -> Iterator[tuple[int, str, Any]]:
    """Seed, kind and outcome of each mutant; a process that dies or hangs is one too, and the next one goes on."""
    while first < last:
        seed, kind = first, "start"
        process = loader(original, kinds, first, last)
        for line in told(process):
            if "kind" in line:
                seed, kind = line["seed"], line["kind"]
                first = seed + 1
            else:
                original.kilobytes = max(original.kilobytes, line["kilobytes"])
                yield seed, kind, line["found"]
                kind = ""
        assert kind != "start", "the loader does not start"
        if kind:
            process.kill()
            yield seed, kind, f"process ended with {process.wait()}, or hung for {SECONDS} seconds"
            first = seed + 1
        process.wait()


def loader(original: Original, kinds: str, first: int, last: int) -> subprocess.Popen[bytes]:
    words = [original.file, original.rows, kinds, first, last]
    command = [sys.executable, "-m", "tests.trust._loader", *map(str, words)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def told(process: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    """Lines of a process as they come, until it ends or says nothing for too long."""
    assert process.stdout is not None
    rest = b""
    while select.select([process.stdout], [], [], SECONDS)[0]:
        new = os.read(process.stdout.fileno(), 65536)
        if not new:
            return
        *lines, rest = (rest + new).split(b"\n")
        yield from map(json.loads, lines)


def judge(original: Original, kind: str, found: Any) -> str:
    """Say in a word what came of a mutant; "wrong" is what must not be."""
    if isinstance(found, str):
        return "refused" if found.startswith("ModelFileError: model file") else "wrong"
    if found == original.effect:
        return "identical"
    if not kind.startswith(("forged", "zip")) or not found["sound"] or found["model_id"] == original.effect["model_id"]:
        return "wrong"
    scores, before = ([float.fromhex(score) for score in one["scores"]] for one in (found, original.effect))
    if len(scores) == len(before) and np.allclose(scores, before, rtol=SAME, atol=SAME, equal_nan=True):
        return "same scores"
    return "another model"


def judged(original: Original, kinds: str, first: int, last: int) -> Counter[str]:
    """Count outcomes; fail on each that must not be."""
    counts: Counter[str] = Counter()
    others: Counter[str] = Counter()
    wrong = []
    for seed, kind, found in outcomes(original, kinds, first, last):
        verdict = judge(original, kind, found)
        counts[verdict] += 1
        others[kind] += verdict == "another model"
        if verdict == "wrong":
            wrong.append(f"mutant {seed} ({kind}): {str(found)[:300]}")
    memory = f"{original.kilobytes // 1024} MB more"
    print(dict(counts), memory, "another model:", {kind: count for kind, count in others.items() if count})
    assert not wrong
    assert sum(counts.values()) == last - first, "a mutant went missing"
    return counts


@pytest.mark.promise("A damaged model file is refused, or was damaged where nothing is read")
@pytest.mark.slow
def test_a_thousand_damaged_files(original: Original) -> None:
    counts = judged(original, "damages", 0, 1000)
    assert set(counts) <= {"refused", "identical"}
    assert counts["refused"] > 800


@pytest.mark.slow
def test_forged_files(original: Original) -> None:
    """CSRISK_FORGERIES=1000 asks for more of them."""
    times = int(os.environ.get("CSRISK_FORGERIES", "130"))
    counts = judged(original, "forgeries", 0, times)
    assert counts["refused"] > times / 2


@pytest.fixture(scope="module")
def slim(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Original:
    """A model of every part and few features, so that thousands of mutants are read in a minute."""
    data = cr.CustomerData(
        {name: trained / "tables" / f"{name}.parquet" for name in ("accounts", "subscriptions", "surveys")}
    )
    kept = (
        "account_industry",
        "account_region",
        "mrr",
        "seats",
        "tenure_days",
        "nps_last",
        "days_since_survey",
        "contracts_begun",
        "plan",
    )
    X = cr.build_features(data, cr.Snapshots.at(data, data.end))
    shape = {"n_members": 2, "min_events": 2, "blend": False, "num_leaves": 4, "learning_rate": 0.6}
    spec = {
        **SPEC,
        "model": shape,
        "snapshots": {**SPEC["snapshots"], "frequency": "2MS"},
        "features": {"exclude": [str(name) for name in X if name not in kept], "attributes": ["segment"]},
        "tables": {"surveys": {"columns": {"score": "score"}}},
    }
    return prepared(spec, data, tmp_path_factory.mktemp("slim"))


def prepared(spec: dict[str, Any], data: cr.CustomerData, folder: Path) -> Original:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # so small a book has no forward test
        cr.RiskPipeline(spec).fit(data).save(folder / "model.csrisk")
    return with_rows(folder / "model.csrisk", folder)


@pytest.mark.slow
def test_many_mutants_of_structure(slim: Original) -> None:
    """CSRISK_MUTANTS=50000 is the whole run, of which docs/model_file.md tells; 20000:30000 is a part of it."""
    first, _, last = os.environ.get("CSRISK_MUTANTS", "0:800").rpartition(":")
    counts = judged(slim, "structure", int(first or 0), int(last))
    assert counts["refused"] > (int(last) - int(first or 0)) / 2
    assert slim.kilobytes < 700 * 1024


@pytest.mark.promise("A damaged model file is refused, or was damaged where nothing is read")
def test_some_mutants(original: Original) -> None:
    n_kinds = len(DAMAGES) + len(FORGERIES)
    counts = judged(original, "both", 10_000 * n_kinds, 10_000 * n_kinds + 2 * n_kinds)
    assert counts["refused"] > n_kinds


def test_the_hash_of_the_file_refuses_every_forgery(original: Original, tmp_path: Path) -> None:
    expected = hashlib.sha256(original.content).hexdigest()
    path, n_kinds = tmp_path / "m.csrisk", len(DAMAGES) + len(FORGERIES)
    for seed in range(4 * n_kinds):
        _, content = mutant(original.content, seed)
        path.write_bytes(content)
        if content != original.content:
            with pytest.raises(ModelFileError, match=r"sha256 is .* do not use it"):
                cr.RiskPipeline.load(path, expected_sha256=expected)
    assert not (tmp_path / "pwned").exists()


@pytest.mark.promise("A model file runs nothing")
def test_no_pickle_runs(original: Original, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loaded pickle would leave a file behind."""
    monkeypatch.chdir(tmp_path)
    n_kinds = len(DAMAGES) + len(FORGERIES)
    place = len(DAMAGES) + FORGERIES.index(forged_pickle)
    for turn in range(6):
        kind, content = mutant(original.content, turn * n_kinds + place)
        assert kind == "forged_pickle"
        (tmp_path / "m.csrisk").write_bytes(content)
        with pytest.raises(ModelFileError, match="model file"):
            cr.RiskPipeline.load(tmp_path / "m.csrisk")
    assert not (tmp_path / "pwned").exists()
