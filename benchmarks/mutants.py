"""Small errors put into the code on purpose, one at a time, and whether the fast tests see them.

Run: ``python benchmarks/mutants.py`` (an hour on one core), or with parts of names: ``mutants.py splits drift``.

A mutant changes one comparison, sign, constant, condition or direction of a module that decides time, labels, splits,
effort, sentiment, calibration, link game, archive, priorities or drift. They are drawn from the syntax tree, the same
ones as long as the module is the same, and each one is run in a copy of the tree against the fast tests named here.
What survives is printed with its line: it wants a test, or a reason in EQUIVALENT.
"""

from __future__ import annotations

import ast
import contextlib
import gc
import importlib
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import types
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[1]
EACH = 10  # mutants of a module, as far as it has so many places
LEAST_SECONDS = 20
# the collections of garbage at the end take longer than many tests, in a process that ends anyway
_QUICKLY = ["-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", "-p", "no:unraisableexception"]

_LABELS = ["tests/test_labels.py", "tests/test_labels_oracle.py"]
_SNAPSHOTS = ["tests/test_snapshots.py", "tests/test_snapshots_oracle.py"]
# by hand first: the oracles, which draw books by chance, take three times as long
_TIME = ["tests/test_labels.py", "tests/test_snapshots.py", "tests/test_labels_oracle.py", _SNAPSHOTS[1]]
_ARCHIVE = ["tests/pipeline/test_model_zip.py", "tests/pipeline/test_archive.py", "tests/pipeline/test_tree_text.py"]
_STORED = ["tests/pipeline/test_model_upgrade.py"]
TESTS = {
    "csrisk/_days.py": ["tests/test_days.py", *_TIME],
    "csrisk/_snapshots/_eligibility.py": _TIME,
    "csrisk/_snapshots/_snapshots.py": _SNAPSHOTS,
    "csrisk/_snapshots/_spells.py": _TIME,
    "csrisk/_labelling/_outcomes.py": _TIME,
    "csrisk/_labelling/_labels.py": _LABELS,
    "csrisk/_splits.py": ["tests/test_splits.py"],
    "csrisk/features/_families/_effort.py": ["tests/features/test_effort.py", "tests/features/test_directions.py"],
    "csrisk/features/_families/_sentiment.py": [
        "tests/features/test_sentiment.py",
        "tests/features/test_directions.py",
    ],
    "csrisk/models/_boosting/_calibration.py": ["tests/models/test_blend.py", "tests/models/test_churn.py"],
    "csrisk/_explain/_games/_link_game.py": ["tests/explain/test_link_game.py"],
    "csrisk/_pipeline/_model_files/_zip_members.py": _ARCHIVE,
    "csrisk/_pipeline/_model_files/_strict_json.py": _ARCHIVE,
    "csrisk/_pipeline/_model_files/_tree_text.py": _ARCHIVE,
    "csrisk/_pipeline/_model_files/_schemas.py": [*_ARCHIVE, *_STORED],
    "csrisk/_pipeline/_archive.py": [*_ARCHIVE, *_STORED],
    "csrisk/_pipeline/_model_files/_record_rules.py": ["tests/pipeline/test_record_rules.py", *_STORED],
    "csrisk/_pipeline/_learning/_baseline.py": ["tests/pipeline/test_baseline.py", *_STORED],
    "csrisk/success/_plans/_priorities.py": ["tests/success/test_priorities.py"],
    "csrisk/monitoring/_distance.py": ["tests/monitor/test_distance.py", "tests/monitor/test_monitor.py"],
    "csrisk/monitoring/_judging/_drift.py": ["tests/monitor/test_drift_table.py", "tests/monitor/test_monitor.py"],
    "csrisk/monitoring/_judging/_rules.py": ["tests/monitor/test_drift_table.py", "tests/monitor/test_monitor.py"],
}

# (module, line as it is written, what was put) -> why no test can tell
_BLOCKS = "rows are worked on in other blocks, with the same bits"
_LINK = "csrisk/_explain/_games/_link_game.py"
EQUIVALENT: dict[tuple[str, str, str], str] = {
    (_LINK, "_WORD_BYTES, _LINE_BYTES, _MOST_ROWS = 48 << 20, 24 << 20, 1024", "21"): _BLOCKS,
    (_LINK, "fits = min(_WORD_BYTES // max(row_words, 1), _LINE_BYTES // (40 * (n_reference + 8)))", "-"): _BLOCKS,
    (_LINK, "return int(max(16, min(_MOST_ROWS, fits)))", "max"): _BLOCKS,
    (_LINK, "@dataclass(frozen=True, eq=False)", "True"): "nothing compares two games",
    (
        "csrisk/monitoring/_distance.py",
        'table = pd.DataFrame({"distance": 0.0, "p_value": 1.0}, index=pd.Index(names, name="column", dtype=object))',
        "1.25",
    ): "every row is filled in afterwards",
    (
        "csrisk/monitoring/_distance.py",
        "counts = np.zeros((max(len(names), 1), 2))",
        "2",
    ): "a category that nobody has changes neither the largest difference nor the number of tests",
    ("csrisk/_snapshots/_eligibility.py", "_LONG_AGO = -(10**7)", "11"): "any day before all others",
    ("csrisk/_snapshots/_eligibility.py", "_LONG_AGO = -(10**7)", "8"): "any day before all others",
    (
        "csrisk/_labelling/_labels.py",
        "values = pd.arrays.FloatingArray(np.where(change.there, difference, 0.0), mask=~change.there)",
        "0.01",
    ): "what is masked is nothing, whatever stands there",
    (
        "csrisk/_snapshots/_snapshots.py",
        "@dataclass(frozen=True, eq=False, repr=False)",
        "True",
    ): "the class says itself what it is, and nothing compares two of them",
    ("csrisk/_snapshots/_spells.py", "@dataclass(frozen=True, eq=False)", "True"): "nothing compares two of them",
    (
        "csrisk/_pipeline/_learning/_baseline.py",
        "@dataclass(frozen=True, eq=False)",
        "False",
    ): "nothing writes to them",
    (
        "csrisk/_pipeline/_learning/_baseline.py",
        "if len(book) > _ROWS:",
        ">=",
    ): "all rows are drawn, in order",
    (
        "csrisk/_pipeline/_archive.py",
        "if max(sizes.values(), default=0) > MAX_MEMBER or sum(sizes.values()) > MAX_TOTAL:",
        "1",
    ): "of a file without members, where 0 and 1 are both allowed",
    (
        "csrisk/_pipeline/_model_files/_schemas.py",
        "members[name] = json.dumps(told, indent=1, allow_nan=False).encode()",
        "2",
    ): "blanks between the words of JSON, which are read once more",
    (
        "csrisk/_labelling/_outcomes.py",
        'products, _ = pd.factorize(self.table["product"][named], sort=True)',
        "False",
    ): "codes that tell products apart, whatever their order",
}

_COMPARED = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
_COMPUTED = {ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "/"), ast.Div: ("/", "*")}
_JOINED = {ast.And: ("and", "or"), ast.Or: ("or", "and")}
_SWAPPED = {"min": "max", "max": "min", "any": "all", "all": "any", "minimum": "maximum", "maximum": "minimum"}
_WORDS = {"up": "down", "down": "up", "left": "right", "right": "left", "first": "last", "last": "first"}


class Mutant(NamedTuple):
    """One change of a module."""

    module: str
    line: int
    start: int
    end: int
    put: str

    def text(self, source: str) -> str:
        """Give the module with the change."""
        return source[: self.start] + self.put + source[self.end :]


def mutants(module: str, source: str, most: int) -> list[Mutant]:
    """Draw changes of a module, the same ones for the same text."""
    found = sorted(set(_places(module, source)))
    chosen = random.Random(module).sample(found, min(most, len(found)))
    return sorted(chosen, key=lambda mutant: mutant.start)


def _places(module: str, source: str) -> list[Mutant]:
    lines = [0]
    for line in source.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    found: list[Mutant] = []
    todo: list[ast.AST] = [ast.parse(source)]
    while todo:
        node = todo.pop()
        todo += _inside(node)
        for start, end, old, new in _changes(node, lines):
            at = source.find(old, start, end)
            if at >= 0:
                found.append(Mutant(module, source.count("\n", 0, at) + 1, at, at + len(old), new))
    return found


def _inside(node: ast.AST) -> list[ast.AST]:
    """Parts that decide something: no messages, annotations, imports for types, documentation or decorators."""
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom | ast.Assert):
        return []
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return []
    if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
        return []
    if isinstance(node, ast.FunctionDef):
        return [*node.body, *(d for d in (*node.args.defaults, *node.args.kw_defaults) if d is not None)]
    if isinstance(node, ast.AnnAssign):
        return [node.value] if node.value is not None else []
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("warn", "info"):
        return []
    return list(ast.iter_child_nodes(node))


def _changes(node: ast.AST, lines: list[int]) -> list[tuple[int, int, str, str]]:
    """Spans with an old and a new word."""

    def span(a: ast.AST, b: ast.AST, *, between: bool) -> tuple[int, int]:
        first = (a.end_lineno, a.end_col_offset) if between else (a.lineno, a.col_offset)
        last = (b.lineno, b.col_offset) if between else (b.end_lineno, b.end_col_offset)
        return lines[first[0] - 1] + first[1], lines[last[0] - 1] + last[1]

    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        pairs = zip(sides, sides[1:], node.ops, strict=False)
        return [(*span(a, b, between=True), *_COMPARED[type(op)]) for a, b, op in pairs]
    if (
        isinstance(node, ast.BinOp)
        and type(node.op) in _COMPUTED
        and not isinstance(node.left, ast.Constant | ast.JoinedStr)
    ):
        return [(*span(node.left, node.right, between=True), *_COMPUTED[type(node.op)])]
    if isinstance(node, ast.BoolOp):
        return [
            (*span(a, b, between=True), *_JOINED[type(node.op)])
            for a, b in zip(node.values, node.values[1:], strict=False)
        ]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        return [(*span(node, node, between=False), "not " if isinstance(node.op, ast.Not) else "-", "")]
    if isinstance(node, ast.Constant):
        new = _constant(node.value)
        return [] if new is None else [(*span(node, node, between=False), *new)]
    if isinstance(node, ast.Name | ast.Attribute):
        word = node.id if isinstance(node, ast.Name) else node.attr
        if word in _SWAPPED and isinstance(node.ctx, ast.Load):
            return [(*span(node, node, between=False), word, _SWAPPED[word])]
    return []


def _constant(value: object) -> tuple[str, str] | None:
    if isinstance(value, bool):
        return repr(value), repr(not value)
    if isinstance(value, int) and abs(value) < 10_000:
        return str(value), str(value + 1)
    if isinstance(value, float):
        return repr(value), repr(value * 1.25 if value else 0.01)
    if isinstance(value, str) and value in _WORDS:
        return f'"{value}"', f'"{_WORDS[value]}"'
    return None


@cache
def seconds_of(tree: Path, *tests: str) -> float:
    """Run tests without any mutant; give their seconds of the processor."""
    code, seconds = run(tree, list(tests), 3600)
    if code:
        raise SystemExit(f"tests fail without any mutant ({code}); run {' '.join(tests)}")
    return seconds


def verdicts_of(module: str, tree: Path) -> Counter[str]:
    """Run the mutants of a module, and print those that no test saw; those that no test can see are not run."""
    source = (tree / module).read_text(encoding="utf-8")
    tests = [name for name in TESTS[module] if (tree / name).exists()]
    began = time.monotonic()
    most = int(3 * seconds_of(tree, *tests)) + LEAST_SECONDS
    counts: Counter[str] = Counter()
    for mutant in mutants(module, source, EACH):
        line, old = source.splitlines()[mutant.line - 1].strip(), source[mutant.start : mutant.end]
        reason = EQUIVALENT.get((module, line, mutant.put))
        code = 0 if reason else run(tree, tests, most, (module, mutant.text(source)))[0]
        counts["equivalent" if reason else "killed" if code else "survived"] += 1
        # by its limit of time, as a loop without an end is, or it crashed
        stopped = f"stopped by signal {os.WTERMSIG(code)}" if os.WIFSIGNALED(code) else None
        if stopped or not code:
            print(stopped or (f"equivalent, {reason}" if reason else "survived"), end=": ")
            print(f"{module}:{mutant.line}: {line!r}: {old!r} -> {mutant.put!r}", flush=True)
    took = time.monotonic() - began
    print(f"{module:40}{counts['killed']:5}{counts['survived']:5}{counts['equivalent']:5}{took:8.0f} s", flush=True)
    return counts


def _name(module: str) -> str:
    return module.removesuffix(".py").replace("/", ".")


def changed(module: str, text: str) -> None:
    """Put the code of a mutant into the module as it was imported, where everybody who holds its functions sees it."""
    name = _name(module)
    old = importlib.import_module(name)
    new = types.ModuleType(name)
    new.__dict__.update(__name__=name, __package__=old.__package__, __file__=old.__file__)
    sys.modules[name] = new  # dataclasses look their module up while they are made
    exec(compile(text, str(old.__file__), "exec"), new.__dict__)
    sys.modules[name] = old
    _take(vars(old), vars(new), name, old)


def _take(old: Mapping[str, Any], new: Mapping[str, Any], name: str, owner: Any) -> None:
    for key, value in new.items():
        there = old.get(key)
        function, other = _function(there), _function(value)
        if isinstance(function, types.FunctionType) and isinstance(other, types.FunctionType):
            if other.__module__ == name:
                function.__code__, function.__defaults__ = other.__code__, other.__defaults__
                function.__kwdefaults__ = other.__kwdefaults__
        elif isinstance(value, type) and isinstance(there, type) and value.__module__ == name:
            _take(vars(there), vars(value), name, there)
        elif not key.startswith("__") and getattr(value, "__module__", name) == name and key in old:
            with contextlib.suppress(AttributeError, TypeError):
                setattr(owner, key, value)


def _function(value: Any) -> Any:
    """Give the function inside a property, a class method or a cached property."""
    return next((found for at in ("fget", "func", "__func__") if (found := getattr(value, at, None))), value)


def run(tree: Path, tests: list[str], seconds: int, mutant: tuple[str, str] | None = None) -> tuple[int, float]:
    """Run tests in a child that has all modules in memory already; give its code and its seconds of the processor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        os.chdir(tree)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1), os.dup2(nowhere, 2)
        try:
            if mutant is not None:
                changed(*mutant)
        except Exception:  # a module that cannot be imported is seen by whatever imports it
            os._exit(9)
        import pytest

        os._exit(int(pytest.main([*_QUICKLY, *tests])))
    end = time.monotonic() + 20 * seconds  # a mutant that waits uses no processor
    status = 0
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.02)
    else:
        os.kill(child, 9)
        _, status = os.waitpid(child, 0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return status, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(words: list[str]) -> None:
    chosen = [module for module in TESTS if not words or any(word in module for word in words)]
    os.environ |= {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "NUMBA_CACHE_DIR": tempfile.mkdtemp()}
    sys.dont_write_bytecode = True
    sys.path = [place for place in sys.path if Path(place).resolve() not in (ROOT, ROOT / "benchmarks")]
    with tempfile.TemporaryDirectory(prefix="csrisk-mutants-") as folder:
        tree = Path(folder)
        for name in ("csrisk", "tests", "data"):
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", tree)
        os.environ["PYTHONPATH"] = str(tree)
        sys.path.insert(0, str(tree))
        for library in ("hypothesis", "pytest", "csrisk.testing", "csrisk.mlflow", *map(_name, TESTS)):
            importlib.import_module(library)  # read once; Polars is left out, as its threads do not outlive a fork
        gc.freeze()  # what was read stays out of the collections of the children
        print(f"{'module':40}killed left same", flush=True)
        total: Counter[str] = Counter()
        for module in chosen:
            total += verdicts_of(module, tree)
    judged = total["killed"] + total["survived"]
    print(f"{sum(total.values())} mutants, {total['equivalent']} of them equivalent; ", end="")
    print(f"{total['killed']} of {judged} killed ({100 * total['killed'] / max(judged, 1):.1f} %)")


if __name__ == "__main__":
    main(sys.argv[1:])
