"""Files made to be expensive: each is refused with little memory and time, in a process that may have no more.

SECURITY.md states the bounds; this is where they are held.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from csrisk._pipeline._archive import MAX_MEMBER, array_to_bytes
from csrisk._pipeline._model_files._strict_json import MAX_TEXT

from ._model_files import RELEASES, packed, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.promise("A model file takes bounded memory and time")

MEGABYTES, SECONDS = 1000, 60  # what a file may add, as SECURITY.md says
Members = dict[str, bytes]


def member(name: str, content: Callable[[bytes], bytes]) -> Callable[[Members], Members]:
    return lambda members: {**members, name: content(members[name])}


def told(name: str, edit: Callable[[Any], object]) -> Callable[[Members], Members]:
    def change(content: bytes) -> bytes:
        value = json.loads(content)
        edit(value)
        return json.dumps(value, separators=(",", ":")).encode()

    return member(name, change)


def words(content: bytes, key: bytes, text: bytes) -> bytes:
    """Put numbers behind a key of the first tree."""
    start = content.index(key + b"=") + len(key) + 1
    return content[:start] + text + content[content.index(b"\n", start) :]


def trees(n: int) -> Callable[[bytes], bytes]:
    """Trees of one leaf, which obey the grammar."""

    def make(content: bytes) -> bytes:
        head = content[: content.index(b"\n\nTree=")]
        body = b"\nnum_leaves=1\nnum_cat=0\nleaf_value=0.1\nis_linear=0\nshrinkage=1"
        return head + b"".join(b"\n\nTree=%d%s" % (place, body) for place in range(n)) + b"\n\nend of trees\n"

    return make


FIRST, REFERENCE = "trees/000.txt", "arrays/reference.npy"
COSTLY: dict[str, Callable[[Members], Members]] = {
    "blank lines": member(FIRST, lambda c: c.replace(b"\n\nend", b"\n" * (MAX_MEMBER - len(c)) + b"end")),
    "blanks": member(FIRST, lambda c: words(c, b"leaf_value", b" " * (MAX_MEMBER - len(c)))),
    "leaves": member(FIRST, lambda c: words(c, b"leaf_value", b"1 " * 30_000_000)),
    "sets of categories": member(
        FIRST,
        lambda c: c.replace(
            b"\nis_linear", b"\ncat_boundaries=0 1\ncat_threshold=" + b"0 " * 30_000_000 + b"\nis_linear", 1
        ),
    ),
    "names of trees": member(FIRST, lambda c: c.replace(b"\n\nend", b"\n\nTree=" * 8_000_000 + b"\n\nend")),
    "trees of a leaf": member(FIRST, trees(20_001)),
    "trees that are allowed": lambda members: {
        name: trees(16_000)(c) if name[:5] == "trees" else c for name, c in members.items()
    },
    "names in JSON": told("churn.json", lambda v: v.update(trees=[FIRST] * 500_000)),
    "lists in JSON": member("record.json", lambda _: b'{"facts":[' + b"[]," * (MAX_TEXT // 3 - 10) + b"1]}"),
    "depth of JSON": member("record.json", lambda _: b'{"facts":' * 400_000 + b"1" + b"}" * 400_000),
    "cells of the record": told("record.json", lambda v: v["metrics"]["columns"].update(estimate=[0.5] * 390_000)),
    "columns": told(
        "churn.json",
        lambda v: v.update(columns=[{"name": str(n), "kind": "empty", "categories": []} for n in range(60_000)]),
    ),
    "categories": told(
        "churn.json", lambda v: v["columns"][-1].update(kind="category", categories=list(range(390_000)))
    ),
    "usual distances": told("baseline.json", lambda v: v.update(usual={str(n): 0.1 for n in range(390_000)})),
    "scores": told("baseline.json", lambda v: v.update(scores=[f"s{n}" for n in range(390_000)])),
    "tables of the specification": told("spec.json", lambda v: v.update(tables={f"t{n}": {} for n in range(150_000)})),
    "rows": member(REFERENCE, lambda _: array_to_bytes(np.zeros((MAX_MEMBER // 8 // 142 - 1, 142)))),
    "a shape": member(REFERENCE, lambda c: c.replace(b"(310, 142)", b"(9999999999999, 9)")),
    "margins": member("arrays/churn_margins.npy", lambda _: array_to_bytes(np.zeros(MAX_MEMBER // 8 - 100))),
}
CHILD = """
import sys, time
from pathlib import Path
import csrisk, lightgbm
from csrisk.exceptions import ModelFileError
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) // 1024
csrisk.RiskPipeline.load(sys.argv[1])
before = peak()
for place in sys.argv[2:]:
    began = time.process_time()
    try:
        csrisk.RiskPipeline.load(place)
        said = "loaded"
    except ModelFileError as error:
        said = "refused: " + str(error)[:150]
    print(Path(place).stem, peak() - before, round(time.process_time() - began, 1), said, sep="|", flush=True)
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder, honest = tmp_path_factory.mktemp("costly"), unpacked(RELEASES / "schema_1.csrisk")
    return [packed(make(honest), folder / f"{name}.csrisk") for name, make in COSTLY.items()]


@pytest.mark.slow
def test_costly_files_are_refused_within_bounds(files: list[Path]) -> None:
    def limits() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
        resource.setrlimit(resource.RLIMIT_CPU, (len(files) * SECONDS, len(files) * SECONDS + 1))

    command = [sys.executable, "-c", CHILD, str(RELEASES / "schema_1.csrisk"), *map(str, files)]
    run = subprocess.run(command, capture_output=True, text=True, preexec_fn=limits, env=os.environ, check=False)
    print(run.stdout)
    found = [line.split("|") for line in run.stdout.splitlines()]
    assert [name for name, *_ in found] == list(COSTLY), run.stderr[-500:]
    # so many categories may be; whoever has them pays for them
    assert [name for name, *_, said in found if not said.startswith("refused")] == ["categories"]
    assert max(int(megabytes) for _, megabytes, *_ in found) < MEGABYTES
    assert max(float(seconds) for _, _, seconds, _ in found) < SECONDS
