"""A process that loads mutants one after the other and says what came of each; it may die, its parent sees where.

Usage: python -m tests.trust._loader FILE ROWS FIRST LAST
"""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import warnings
from pathlib import Path

import numpy as np

from ._mutants import mutant

MEMORY = 6 * 2**30


def effect(pipeline: object, rows: np.ndarray) -> str:
    """Hash of all scores that a loaded pipeline gives for fixed rows, and of what it was trained as."""
    from csrisk._pipeline._model_file import frame_of

    digest = hashlib.sha256()
    for model in (pipeline.model_, pipeline.expansion_model_):  # type: ignore[attr-defined]
        if model is not None:
            scores = model.predict_proba(frame_of(pipeline.model_, rows))  # type: ignore[attr-defined]
            if not np.isfinite(scores).all() or scores.min() < 0 or scores.max() > 1:
                return "no probability"
            digest.update(scores.tobytes())
    return digest.hexdigest()


def main(file: str, rows: str, first: int, last: int) -> None:
    from csrisk import RiskPipeline
    from csrisk.exceptions import ModelFileError

    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    whole, fixed = Path(file).read_bytes(), np.load(rows)
    place = Path(rows).with_name(f"mutant-{first}.csrisk")
    for seed in range(first, last):
        kind, content = mutant(whole, seed)
        print(json.dumps({"seed": seed, "kind": kind}), flush=True)
        place.write_bytes(content)
        try:
            found = effect(RiskPipeline.load(place), fixed)
        except ModelFileError as error:
            found = f"refused: {error}"
        except BaseException as error:  # anything else is what the test looks for
            found = f"{type(error).__name__}: {error}"
        print(json.dumps({"seed": seed, "found": found}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
