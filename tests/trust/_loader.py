"""A process that loads mutants one after the other and says what came of each; it may die, its parent sees where.

Usage: python -m tests.trust._loader FILE ROWS KINDS FIRST LAST
"""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ._mutants import KINDS, mutant

if TYPE_CHECKING:
    from csrisk import RiskPipeline

MEMORY = 3 * 2**30  # of addresses; the libraries alone take half of it


def effect(pipeline: RiskPipeline, rows: pd.DataFrame) -> dict[str, Any]:
    """Give all that a loaded pipeline obeys and says of fixed rows, in every bit, and which model it says it is."""
    obeyed = [pipeline.spec_.to_dict(), pipeline.record_.to_dict(), pipeline.baseline_.members(pipeline.model_)]
    told = {"model_id": pipeline.model_id_, "obeyed": hashlib.sha256(repr(obeyed).encode()).hexdigest()}
    try:
        found = pipeline.predict(rows)
    except ValueError as error:  # it was trained on a column of another name or kind
        return {**told, "sound": True, "scores": [], "refuses": str(error)[:200]}
    scores = found.to_numpy(dtype=np.float64).ravel()
    risks = found[["churn_probability", "expansion_probability"]].to_numpy(dtype=np.float64)
    sound = bool(np.nan_to_num(risks, nan=0.5).min() >= 0 and np.nan_to_num(risks, nan=0.5).max() <= 1)
    return {**told, "sound": sound, "scores": [float(score).hex() for score in scores]}


def peak() -> int:
    """Most memory that the process has held, in kilobytes; `getrusage` would tell that of its parent."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def main(file: str, rows: str, kind_of: str, first: int, last: int) -> None:
    from csrisk import RiskPipeline

    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    whole, fixed, kinds = Path(file).read_bytes(), pd.read_parquet(rows), KINDS[kind_of]
    place = Path(rows).with_name(f"mutant-{first}.csrisk")
    start = peak()
    for seed in range(first, last):
        kind, content = mutant(whole, seed, kinds)
        print(json.dumps({"seed": seed, "kind": kind}), flush=True)
        place.write_bytes(content)
        try:
            found: Any = effect(RiskPipeline.load(place), fixed)
        except BaseException as error:  # anything but a ModelFileError is what the test looks for
            found = f"{type(error).__name__}: {error}"
        print(json.dumps({"seed": seed, "found": found, "kilobytes": peak() - start}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5]))
