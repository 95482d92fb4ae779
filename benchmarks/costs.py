"""What the whole job costs beside its trees: CPU seconds of one thread, through the public API, on the models it makes.

Usage: ``python benchmarks/costs.py PART ... [--accounts N] [--model FILE] [--months 24]``. Parts: ``train``, ``score``,
``goals``, ``backfill``, ``cold``, ``help``, ``wheel``, ``growth`` (``train`` and ``score`` at 5,000, 10,000 and 20,000
accounts; hours). Without --accounts the book is the demo (600 accounts); a model is trained and kept in FILE where none
is there. Compilation is paid before anything is timed, but for ``cold``. Each line names its goal and whether it is
met.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import lightgbm
import numpy as np
import pandas as pd

import csrisk as cr
from csrisk.datasets import make_saas
from csrisk.pipeline import write_scores

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[1]
SPEC = {"model": {"n_jobs": 1}}
ROWS = 40_000


def cpu(work: Callable[[], Any]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def said(what: str, found: float, unit: str, most: float | None = None) -> None:
    verdict = "" if most is None else f"goal {most:g}{unit}: {'met' if found <= most else 'NOT met'}"
    print(f"{what:62s} {found:9.2f}{unit:3s} {verdict}", flush=True)


def folder_of(accounts: int | None, months: int) -> Path:
    """Folder of the tables: the demo, or a simulated book."""
    if accounts is None:
        return ROOT / "data"
    folder = Path(tempfile.gettempdir()) / f"csrisk-costs-{accounts}-{months}"
    if not (folder / "accounts.parquet").exists():
        folder.mkdir(exist_ok=True)
        for table, frame in make_saas(accounts, months, seed=1).tables.items():
            if len(frame):
                frame.to_parquet(folder / f"{table}.parquet", index=False)
    return folder


class Trees:
    """CPU seconds of the thread inside calls of LightGBM that train, bin and predict; each counted once."""

    def __init__(self) -> None:
        self.seconds, self.depth = 0.0, 0
        for owner, name in ((lightgbm, "train"), (lightgbm.Dataset, "construct"), (lightgbm.Booster, "predict")):
            setattr(owner, name, self.timed(getattr(owner, name)))

    def timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Time the outermost calls."""

        def run(*words: Any, **options: Any) -> Any:
            self.depth += 1
            started = time.thread_time()
            try:
                return call(*words, **options)
            finally:
                self.depth -= 1
                if not self.depth:
                    self.seconds += time.thread_time() - started

        return run


def train(folder: Path, model: Path) -> None:
    trees, pipeline = Trees(), cr.RiskPipeline(SPEC)
    whole = cpu(lambda: pipeline.fit(cr.CustomerData.from_folder(folder)))
    pipeline.save(model)
    said("train", whole, " s")
    said("  of which LightGBM", trees.seconds, " s")
    said("  train / LightGBM", whole / trees.seconds, "x", 1.25)


def loaded(folder: Path, model: Path) -> tuple[cr.RiskPipeline, cr.CustomerData]:
    if not model.exists():
        train(folder, model)
    return cr.RiskPipeline.load(model), cr.CustomerData.from_folder(folder)


def score(folder: Path, model: Path) -> None:
    pipeline, data = loaded(folder, model)
    why = pipeline.explain(data)
    table = pipeline.score(data, why=why)  # compiles
    X = why.background.values  # noqa: PD011  # the field of a dataclass
    snapshots = cr.Snapshots.at(data, data.end)
    features, predict = cpu(lambda: cr.build_features(data, snapshots)), cpu(lambda: pipeline.predict(X))
    alone = cpu(lambda: pipeline.score(data))
    said(f"features of {len(table):,} accounts", features, " s")
    said("predict", predict, " s")
    said("score", alone, " s")
    said("  score / (features + predict)", alone / (features + predict), "x", 2)
    with tempfile.TemporaryDirectory() as place:
        page = Path(place, "r.html")
        report = cpu(lambda: pipeline.report(page, data))

        def both() -> None:
            told = pipeline.explain(data)
            scores = pipeline.score(data, why=told)
            write_scores(Path(place, "s.parquet"), scores)
            pipeline.report(page, data, why=told, scores=scores)

        together = cpu(both)
    said("report", report, " s")
    said("score and report in one run", together, " s")
    said("  together / the dearer one", together / max(alone, report), "x", 1.3)


def goals(folder: Path, model: Path) -> None:
    pipeline, data = loaded(folder, model)
    own = pipeline.model_
    seen = pipeline.explain(data).background.values  # noqa: PD011  # the field of a dataclass
    X = seen.iloc[np.random.default_rng(0).integers(len(seen), size=ROWS)].reset_index(drop=True)
    against, one = pipeline.reference_, X.iloc[:1]
    few = X.iloc[: ROWS // 20]  # the probability game is linear in the rows
    for output, rows, most in (("log_odds", X, 0.5), ("probability", few, 5.0)):
        cr.explain(own, one, reference=against, output=output)
        predict = cpu(lambda rows=rows: own.predict_proba(rows))
        found = cpu(lambda rows=rows, output=output: cr.explain(own, rows, reference=against, output=output).goals())
        said(f"goals, {output}, {len(rows):,} rows / predict_proba", found / predict, "x", most)
    matrix = own.encode(one)
    times = {
        "trees": lambda: [booster.predict(matrix, raw_score=True, num_threads=1) for booster in own.boosters_],
        "predict": lambda: own.predict_proba(one),
        "explain": lambda: cr.explain(own, one, reference=against).account(0),
    }
    bare, told, why = (min(cpu(work) for _ in range(7)) for work in times.values())
    said("one row: its trees", 1e3 * bare, " ms")
    said("one row: predict_proba / its trees", told / bare, "x", 5)
    said("one row: explained with features / its trees", why / bare, "x", 100)


def backfill(folder: Path, model: Path) -> None:
    pipeline, data = loaded(folder, model)
    dates = pd.date_range(end=data.end, periods=24, freq="MS")
    pipeline.score(data)  # compiles
    said("one date", cpu(lambda: pipeline.score(data, dates[-2])), " s")
    said("backfill of 24 months", cpu(lambda: list(pipeline.backfill(data, dates))), " s", 15)


def command(*words: object, **env: str) -> float:
    """CPU seconds of a process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = [sys.executable, "-m", "csrisk", *map(str, words)]
    subprocess.run(told, check=True, env={**os.environ, **env}, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def cold(folder: Path, model: Path) -> None:
    loaded(folder, model)
    with tempfile.TemporaryDirectory() as cache:
        words = ("score", folder, "--model", model)
        first, again = (command(*words, NUMBA_CACHE_DIR=cache) for _ in range(2))
    said("csrisk score, nothing compiled", first, " s")
    said("csrisk score, compiled before", again, " s")
    said("  cold / warm", first / again, "x", 3)


def help_(folder: Path, model: Path) -> None:  # noqa: ARG001
    said("csrisk --help", min(command("--help") for _ in range(3)), " s", 0.3)


def wheel(folder: Path, model: Path) -> None:  # noqa: ARG001
    with tempfile.TemporaryDirectory() as place:
        words = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", place, str(ROOT)]
        subprocess.run(words, check=True)
        (found,) = Path(place).glob("*.whl")
        said("wheel", found.stat().st_size / 1e6, " MB", 2)


def growth(months: int) -> None:
    found = {}
    for accounts in (5_000, 10_000, 20_000):
        folder = folder_of(accounts, months)
        pipeline = cr.RiskPipeline(SPEC)
        fit = cpu(lambda p=pipeline, f=folder: p.fit(cr.CustomerData.from_folder(f)))
        told = cpu(lambda p=pipeline, f=folder: p.score(cr.CustomerData.from_folder(f)))
        found[accounts] = {"train": fit, "score": told}
    for stage in ("train", "score"):
        for small, large in ((5_000, 10_000), (10_000, 20_000)):
            times = found[large][stage] / found[small][stage]
            said(f"{stage}: {large:,} accounts / {small:,}", times, "x", 2)


PARTS = {
    "train": train,
    "score": score,
    "goals": goals,
    "backfill": backfill,
    "cold": cold,
    "help": help_,
    "wheel": wheel,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=[*PARTS, "growth"])
    parser.add_argument("--accounts", type=int)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--model", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    model = arguments.model or Path(tempfile.gettempdir()) / f"csrisk-costs-{arguments.accounts or 'demo'}.csrisk"
    for part in arguments.parts:
        if part == "growth":
            growth(arguments.months)
        else:
            PARTS[part](folder_of(arguments.accounts, arguments.months), model)


if __name__ == "__main__":
    main()
