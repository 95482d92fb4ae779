"""Cost of explanations beside plain prediction and beside peers, in one run.

Usage: ``python benchmarks/explain.py [--small] [--json FILE] [--fasttreeshap PYTHON]``. One thread unless a line says
otherwise; CPU time, medians. ``x predict`` is the CPU time per row over that of LightGBM's own prediction of the same
rows. Reference rows are prepared once, and that is printed by itself. Peers are slower and explain fewer rows; their
line says how many. fasttreeshap needs numpy below 2, so it runs in an environment of its own
(``pip install fasttreeshap lightgbm "numpy<2" "shap<0.46"``) whose interpreter is given.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import lightgbm
import numpy as np

from csrisk._explain._adapters._codes import coded, compile_forest
from csrisk._explain._adapters._trees import read_booster
from csrisk._explain._games._game import interaction_map, shapley_map
from csrisk._explain._games._link_game import LinkGame, Side
from csrisk._explain._games._margin_game import MarginGame
from csrisk._explain._games._owen_game import OwenGame
from csrisk._explain._games._strongest import Effort, Sides, strongest_features

if TYPE_CHECKING:
    from collections.abc import Callable
from functools import partial

N_FEATURES, N_GOALS = 60, 4
Row = dict[str, Any]


def data(n_rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, N_FEATURES))
    X[rng.random(X.shape) < 0.05] = np.nan
    full = np.nan_to_num(X)
    score = full[:, 0] + full[:, 1] * full[:, 2] + np.sin(full[:, 3:20]).sum(axis=1) + full[:, 20] * (full[:, 21] > 0)
    return X, (score + rng.logistic(size=n_rows) > 0).astype(int)


def fit(n_trees: int, n_leaves: int) -> lightgbm.Booster:
    X, y = data(20_000)
    told = {"objective": "binary", "num_leaves": n_leaves, "learning_rate": 0.05, "verbose": -1, "num_threads": 1}
    return lightgbm.train(told, lightgbm.Dataset(X, y), n_trees)


def sigmoid(margin: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-margin))


def measure(work: Callable[[], Any], repeats: int = 5) -> tuple[float, float]:
    """Median CPU and wall seconds, after one call that compiles and warms up."""
    work()
    cpu, wall = [], []
    for _ in range(repeats):
        started = time.process_time(), time.perf_counter()
        work()
        cpu.append(time.process_time() - started[0])
        wall.append(time.perf_counter() - started[1])
    return statistics.median(cpu), statistics.median(wall)


def ours(booster: lightgbm.Booster, n_rows: int, n_goals: int = N_GOALS, n_jobs: int = 1) -> list[tuple[str, int, Any]]:
    """Cases of csrisk: name, rows, and what is timed."""
    forest = compile_forest(read_booster(booster))
    X, Z = data(n_rows, 1)[0], data(2_000, 2)[0]
    goal = np.arange(N_FEATURES) % n_goals
    reference = coded(forest, Z)
    game = MarginGame.against(forest, goal, n_goals, reference)
    owen = OwenGame.against(forest, goal, reference)
    link = LinkGame.of(forest, 0.0, sigmoid)
    both = np.vstack([shapley_map(n_goals), interaction_map(n_goals)])
    hundred = Side(np.ascontiguousarray(reference[:, :100]))
    few = min(n_rows, 4_000)
    asked = list(range(1, (1 << n_goals) - 1))

    def probability(m: int) -> Any:
        side = Side(np.ascontiguousarray(reference[:, :m]))
        return lambda: (
            link.worth(Side(coded(forest, X[:few])), side, goal, asked, n_jobs) @ shapley_map(n_goals)[:, 1:-1].T
        )

    def strongest(m: int) -> tuple[str, int, Any]:
        rows = Side(coded(forest, X[:m]))
        margin = owen.apply(rows.codes)
        known = link.worth(rows, hundred, goal, list(range(1 << n_goals)))
        work = partial(strongest_features, link, Sides(rows, hundred), margin, known, goal, Effort(3, n_jobs))
        return f"csrisk 3 strongest features a goal, {m} rows", m, work

    return [
        ("csrisk log-odds goals", n_rows, lambda: game.apply(coded(forest, X), shapley_map(n_goals), n_jobs)),
        ("csrisk log-odds, with interactions", n_rows, lambda: game.apply(coded(forest, X), both, n_jobs)),
        ("csrisk Owen, all features", n_rows, lambda: owen.apply(coded(forest, X), n_jobs)),
        ("csrisk probability, 64 reference rows", few, probability(64)),
        ("csrisk probability, 100 reference rows", few, probability(100)),
        strongest(300),
        strongest(min(few, 2_000)),
    ]


def peers(booster: lightgbm.Booster, n_rows: int) -> list[tuple[str, int, Any]]:
    """Cases of other libraries, where they are installed."""
    import shap

    X, Z = data(n_rows, 1)[0], data(100, 2)[0]
    few = max(n_rows // 10, 4)
    raw = shap.TreeExplainer(booster, Z, feature_perturbation="interventional")
    rescaled = shap.TreeExplainer(booster, Z, feature_perturbation="interventional", model_output="probability")
    path = shap.TreeExplainer(booster, feature_perturbation="tree_path_dependent")
    cases = [
        ("LightGBM pred_contrib", n_rows, lambda: booster.predict(X, pred_contrib=True, num_threads=1)),
        ("shap path-dependent", n_rows, lambda: path.shap_values(X, check_additivity=False)),
        ("shap interventional, 100 rows", few, lambda: raw.shap_values(X[:few], check_additivity=False)),
        (
            "shap interventional 'probability', 100 rows",
            few,
            lambda: rescaled.shap_values(X[:few], check_additivity=False),
        ),
    ]
    try:
        import pandas as pd
        from woodelf import WoodelfExplainer
    except ImportError:
        return cases
    names = booster.feature_name()
    many = pd.DataFrame(data(20 * n_rows, 1)[0], columns=names)
    elf = WoodelfExplainer(booster, pd.DataFrame(Z, columns=names))
    return [*cases, ("woodelf, 100 rows", len(many), lambda: elf.shap_values(many, verbose=False))]


def fasttreeshap(booster: lightgbm.Booster, python: str | None, base: float) -> list[Row]:
    """Measure fasttreeshap in its own environment; say so where there is none."""
    if python is None:
        print("  fasttreeshap: not measured, --fasttreeshap names no interpreter that has it")
        return []
    with tempfile.TemporaryDirectory() as folder:
        booster.save_model(f"{folder}/model.txt")
        np.save(f"{folder}/rows.npy", data(200, 1)[0])
        code = [python, str(Path(__file__).with_name("explain_fasttreeshap.py")), folder]
        done = subprocess.run(code, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"  fasttreeshap: failed: {done.stderr.strip().splitlines()[-1][:90]}")
        return []
    found = json.loads(done.stdout.splitlines()[-1])
    return [
        _line(f"fasttreeshap {name}, off by up to {off:.1g}", 200, cpu, wall, base) for name, cpu, wall, off in found
    ]


def shapiq_case(booster: lightgbm.Booster) -> list[tuple[str, int, Any]]:
    """Goal game in shapiq: its exact computer over the same coalitions, predicted by LightGBM."""
    import shapiq

    X, Z = data(4, 1)[0], data(100, 2)[0]
    goal = np.arange(N_FEATURES) % N_GOALS

    def explain() -> None:
        for row in X:

            def worth(coalitions: np.ndarray, row: np.ndarray = row) -> np.ndarray:
                mixed = np.where(coalitions[:, None, goal], row, Z[None])
                predicted = booster.predict(mixed.reshape(-1, N_FEATURES), num_threads=1)
                return np.asarray(predicted).reshape(len(coalitions), -1).mean(axis=1)

            shapiq.ExactComputer(game=worth, n_players=N_GOALS)("SV")

    return [("shapiq exact goals in probability, 100 rows", len(X), explain)]


def run(n_trees: int, n_leaves: int, n_rows: int, peer_rows: int, given: argparse.Namespace) -> list[Row]:
    booster = fit(n_trees, n_leaves)
    X = data(n_rows, 1)[0]
    cpu, wall = measure(lambda: booster.predict(X, raw_score=True, num_threads=1))
    base = cpu / n_rows
    print(f"\n{n_trees} trees x {n_leaves} leaves, {N_FEATURES} features, {N_GOALS} goals")
    rows: list[Row] = [_line("LightGBM predict", n_rows, cpu, wall, base)]
    cases = ours(booster, n_rows)
    if not given.no_peers:
        cases += peers(booster, peer_rows) + shapiq_case(booster)
    for name, size, work in cases:
        try:
            cpu, wall = measure(work, 5 if name.startswith("csrisk") and "strongest" not in name else 1)
        except Exception as error:
            print(f"  {name:46s} failed: {type(error).__name__}: {str(error)[:60]}")
            continue
        rows.append(_line(name, size, cpu, wall, base))
    if not given.no_peers:
        rows += fasttreeshap(booster, given.fasttreeshap, base)
    return [{"trees": n_trees, "leaves": n_leaves, **row} for row in rows]


def _line(name: str, size: int, cpu: float, wall: float, base: float) -> Row:
    row = {
        "case": name,
        "rows": size,
        "cpu": cpu,
        "wall": wall,
        "rows_per_s": size / cpu,
        "x_predict": cpu / size / base,
    }
    print(
        f"  {name:46s} {size:7,d} rows  {row['rows_per_s']:11,.0f} rows/s CPU  {size / wall:11,.0f} wall"
        f"  {row['x_predict']:8.2f} x predict",
        flush=True,
    )
    return row


def preparation(n_trees: int, n_leaves: int) -> None:
    """Print what has to be done once."""
    booster = fit(n_trees, n_leaves)
    Z = data(10_000, 2)[0]
    goal = np.arange(N_FEATURES) % N_GOALS
    forest = compile_forest(read_booster(booster))
    codes = coded(forest, Z)
    print(f"\nonce per model and reference ({n_trees} x {n_leaves}), CPU seconds")
    for name, work in (
        ("reading the trees", lambda: compile_forest(read_booster(booster))),
        ("coding 10,000 reference rows", lambda: coded(forest, Z)),
        ("counting them, goals", lambda: MarginGame.against(forest, goal, N_GOALS, codes)),
        ("counting them, features", lambda: OwenGame.against(forest, goal, codes)),
    ):
        print(f"  {name:46s} {measure(work, 3)[0]:8.3f}")


def growth() -> None:
    """Print CPU microseconds per row as one thing grows and the others stay at 300 trees, 31 leaves, 100 rows."""
    print("\ngrowth, CPU microseconds per row")
    print(f"  {'':34s} {'predict':>9s} {'log-odds':>9s} {'Owen':>9s} {'points':>9s}")
    for trees, leaves, n_rows, m in [
        (300, 31, 1_000, 100),
        (300, 31, 4_000, 100),
        (300, 31, 16_000, 100),
        (100, 31, 4_000, 100),
        (600, 31, 4_000, 100),
        (300, 15, 4_000, 100),
        (300, 63, 4_000, 100),
        (300, 127, 4_000, 100),
        (300, 31, 4_000, 32),
        (300, 31, 4_000, 256),
    ]:
        booster = fit(trees, leaves)
        X, Z = data(n_rows, 1)[0], data(m, 2)[0]
        forest, goal = compile_forest(read_booster(booster)), np.arange(N_FEATURES) % N_GOALS
        rows, reference = coded(forest, X), coded(forest, Z)
        game, owen = MarginGame.against(forest, goal, N_GOALS, reference), OwenGame.against(forest, goal, reference)
        link, asked = LinkGame.of(forest, 0.0, sigmoid), list(range(1, (1 << N_GOALS) - 1))
        work: list[Callable[[], Any]] = [
            partial(booster.predict, X, raw_score=True, num_threads=1),
            partial(game.apply, rows, shapley_map(N_GOALS)),
            partial(owen.apply, rows),
            partial(link.worth, Side(rows), Side(reference), goal, asked),
        ]
        cost = [measure(one, 3)[0] / n_rows * 1e6 for one in work]
        name = f"{trees} x {leaves}, {n_rows:,} rows, {m} reference"
        print(f"  {name:34s} " + " ".join(f"{value:9.1f}" for value in cost), flush=True)


def threads(n_trees: int, n_leaves: int) -> None:
    """Print wall time with one and two threads."""
    booster = fit(n_trees, n_leaves)
    print("\nscaling to two threads (other work on the machine slows wall time, and more so for two)")
    one, two = ours(booster, 40_000), ours(booster, 40_000, n_jobs=2)
    for place in (0, 2, 4):
        (cpu, wall), (cpu_two, wall_two) = (measure(cases[place][2], 5) for cases in (one, two))
        times = (
            f"{wall:8.3f} s  ->  {wall_two:8.3f} s wall, {wall / wall_two:.2f} x; CPU {cpu:.3f} s -> {cpu_two:.3f} s"
        )
        print(f"  {one[place][0]:46s} {times}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="only 300 x 31, fewer rows")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--fasttreeshap", metavar="PYTHON", help="interpreter of an environment that has fasttreeshap")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--growth", action="store_true", help="print only how costs grow")
    parser.add_argument("--threads", action="store_true", help="print only the scaling to two threads")
    given = parser.parse_args()
    print(f"lightgbm {lightgbm.__version__}, numpy {np.__version__}, load {os.getloadavg()[0]:.1f}")
    if given.growth:
        growth()
    if given.threads:
        threads(300, 31)
    if given.growth or given.threads:
        return
    rows = run(300, 31, 20_000 if given.small else 50_000, 100, given)
    preparation(300, 31)
    if not given.small:
        threads(300, 31)
        growth()
        rows += run(1000, 63, 20_000, 20, given)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
