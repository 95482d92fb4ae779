"""How well `csrisk init` tells which file is which table, and which column is which.

Layouts were written after the public documentation of exports, their rows are drawn here. Those in `developing` were
looked at while the matcher was written; each other set was written without a look at what the matcher makes of it, and
`proposals.md` says what its first run gave. After `unseen` the matcher was not changed; `after` was written later.

Run: python benchmarks/proposals.py [SET ...] [--wrong]
"""

from __future__ import annotations

import argparse
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

import csrisk as cr
from csrisk._proposal import Proposal
from csrisk.exceptions import DataContractError

HERE = Path(__file__).parent / "layouts"
_START, _DAYS = pd.Timestamp("2024-01-01"), 540
_FORMATS = {
    "iso": "%Y-%m-%d %H:%M:%S",
    "isot": "%Y-%m-%dT%H:%M:%SZ",
    "date": "%Y-%m-%d",
    "dmy": "%d.%m.%Y",
    "mdy": "%m/%d/%Y",
    "words": "%b %d, %Y",
}
_WORDS = ("the", "invoice", "export", "was", "slow", "again", "please", "look", "into", "our", "thank", "you")
_NAMES = (
    *("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel"),
    *("Ilex", "Juniper", "Katsura", "Larch", "Maple", "Nutmeg", "Oak", "Pine"),
)


@dataclass
class File:
    """A file of a layout: its columns, each with how it is drawn and what a person would take it for."""

    name: str
    table: str
    rows: int | None
    columns: dict[str, tuple[str, str]] = field(default_factory=dict)


def read_layout(path: Path) -> tuple[str, int, list[File]]:
    """Read a layout: the pattern of account ids, the number of accounts, and the files."""
    pattern, accounts, files = "a-%04d", 60, []
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.split(" ## ")[0].strip()
        if head := re.fullmatch(r"\[(.+?) -> (\S+)( rows=(\d+))?\]", text):
            files.append(File(head[1], head[2], int(head[4]) if head[4] else None))
        elif text.startswith("accounts "):
            _, count, pattern = text.split(" ", 2)
            accounts = int(count)
        elif text and not text.startswith("#"):
            name, rest = re.split(r"\s+-> ", text, maxsplit=1)
            target, _, draw = rest.partition(" : ")
            files[-1].columns[name.strip()] = (target.strip(), draw.strip())
    return pattern, accounts, files


def draw_file(file: File, ids: list[str], rng: np.random.Generator) -> pd.DataFrame:
    """Draw the rows of a file."""
    rows = file.rows or len(ids)
    who = rng.permutation(len(ids)) if file.rows is None else rng.integers(0, len(ids), rows)
    drawn: dict[str, list[object]] = {}
    times: dict[str, pd.Series] = {}
    for name, (_, draw) in file.columns.items():
        drawn[name] = _draw(draw, ids, who, rng, times, name)
    return pd.DataFrame(drawn)


def _draw(draw: str, ids: list[str], who: np.ndarray, rng: np.random.Generator, times: dict, name: str) -> list[object]:
    kind, *words = draw.split(" ")
    rows = len(who)
    if kind in ("time", "after"):
        return _times(kind, words, rows, rng, times, name)
    simple = {
        "account": lambda: [ids[i] for i in who],
        "person": lambda: [
            f"{words[0] if words else 'u'}{i * 3 + j:05d}" for i, j in zip(who, rng.integers(0, 3, rows), strict=True)
        ],
        "seq": lambda: [int(words[0]) + i for i in range(rows)],
        "hex": lambda: [(words[0] if words else "") + rng.bytes(8).hex() for _ in range(rows)],
        "pick": lambda: list(rng.choice(" ".join(words).split("|"), rows)),
        "int": lambda: list(rng.integers(int(words[0]), int(words[1]) + 1, rows)),
        "float": lambda: list(rng.uniform(float(words[0]), float(words[1]), rows).round(2)),
        "flag": lambda: list(rng.random(rows) < float(words[0])),
        "yesno": lambda: list(np.where(rng.random(rows) < float(words[0]), "Yes", "No")),
        "sentence": lambda: [" ".join(rng.choice(_WORDS, 8)) for _ in range(rows)],
        "company": lambda: [f"{_NAMES[i % 16]} {_NAMES[i // 16 % 16]} {'GmbH' if i % 2 else 'Ltd'}" for i in who],
        "name": lambda: [f"{rng.choice(_NAMES)} {rng.choice(_NAMES)}son" for _ in range(rows)],
        "email": lambda: [f"p{i * 3 + j}@firm{i}.example" for i, j in zip(who, rng.integers(0, 3, rows), strict=True)],
        "const": lambda: [" ".join(words)] * rows,
        "empty": lambda: [None] * rows,
    }
    return simple[kind]()


def _times(kind: str, words: list[str], rows: int, rng: np.random.Generator, times: dict, name: str) -> list[object]:
    """Draw times: `time FORMAT`, or `after COLUMN/DAYS/MISSING FORMAT`."""
    if kind == "time":
        moments = pd.Series(_START + pd.to_timedelta(rng.integers(0, _DAYS * 86_400, rows), unit="s"))
    else:
        column, days, missing = " ".join(words[:-1]).split("/")
        gap = pd.to_timedelta(rng.exponential(abs(float(days)), rows) if float(days) > 0 else -float(days), unit="D")
        moments = (times[column] + gap).where(rng.random(rows) >= float(missing))
        if float(days) > 0:  # what comes by itself was not seen after the last day; what is planned is
            moments = moments.where(moments < _START + pd.Timedelta(days=_DAYS))
    times[name] = moments
    style = words[-1]
    if style.startswith("epoch"):
        unit = 1 if style == "epoch" else 1000
        return [None if pd.isna(at) else int(at.timestamp()) * unit for at in moments]
    return [None if pd.isna(at) else at.strftime(_FORMATS[style]) for at in moments]


def judge(path: Path, *, wrong: bool) -> dict[str, int]:
    """Draw a layout, propose, and count what is right, missing and wrong."""
    pattern, accounts, files = read_layout(path)
    rng = np.random.default_rng(sum(map(ord, path.stem)))
    ids = [pattern % (7 * i + 11) for i in range(accounts)]
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            target = Path(folder, file.name)
            target.parent.mkdir(parents=True, exist_ok=True)
            draw_file(file, ids, rng).to_csv(target, index=False)
        try:
            proposal = cr.propose(folder)
        except DataContractError as error:
            print(f"  {path.stem}: {error}" if wrong else f"  {path.stem}: nothing found")
            proposal = Proposal((), {})
    return _counted(files, proposal, path.stem if wrong else "")


def _counted(files: list[File], proposal: object, told: str) -> dict[str, int]:
    truth = {file.name: file.table.split("|") for file in files}
    counts = dict.fromkeys(("tables", "tables_found", "tables_said", "columns", "columns_found", "columns_said"), 0)
    counts |= dict.fromkeys(("columns_right", "sure", "sure_wrong"), 0)
    counts["tables"] = sum(table[0] not in ("-", "~") and not table[0].startswith("~") for table in truth.values())
    frame = proposal.table
    said = {match.brought.name: match for match in proposal.matches}
    for name, match in said.items():
        allowed = [table.lstrip("~") for table in truth[name]]
        right = match.table in allowed
        counts["tables_said"] += 1
        counts["tables_found"] += right and not truth[name][0].startswith("~")
        counts["sure"] += match.sure
        counts["sure_wrong"] += match.sure and not right
        if told and not right:
            print(
                f"  {told}: {name} is {truth[name]}, said {match.table} "
                f"({'SURE' if match.sure else 'guessed'} {match.score:.2f})"
            )
    if told:
        for file in files:
            if file.table[0] not in "-~" and file.name not in said:
                print(f"  {told}: {file.name} is {file.table}, not found: {proposal.unused.get(file.name)}")
    for file in files:
        own = frame[frame["file"] == file.name]
        found = {(row.theirs, row.column): row for row in own.itertuples()}
        table_right = file.name in said and said[file.name].table in [t.lstrip("~") for t in truth[file.name]]
        for theirs, (target, _) in file.columns.items():
            wanted = [one.strip() for one in target.split("|")]
            must = wanted[0] not in ("-",) and not wanted[0].startswith("~") and file.table[0] not in "-~"
            allowed = {one.lstrip("~") for one in wanted}
            mine = [row for (name, _), row in found.items() if name == theirs]
            right = [row for row in mine if table_right and row.column in allowed]
            counts["columns"] += must
            counts["columns_found"] += must and bool(right)
            counts["columns_said"] += len(mine)
            counts["columns_right"] += len(right)
            counts["sure"] += sum(row.grade == "sure" for row in mine)
            bad = [row for row in mine if row not in right]
            counts["sure_wrong"] += sum(row.grade == "sure" for row in bad)
            if told and table_right and (bad or (must and not right)):
                print(f"  {told}: {file.name} {theirs!r} is {target}, said {[(row.column, row.grade) for row in mine]}")
    return counts


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("sets", nargs="*", default=[])
    parser.add_argument("--wrong", action="store_true", help="print every difference")
    given = parser.parse_args()
    for name in given.sets or sorted(path.name for path in HERE.iterdir() if path.is_dir()):
        counted = {path.stem: judge(path, wrong=given.wrong) for path in sorted((HERE / name).glob("*.txt"))}
        frame = pd.DataFrame(counted).T
        frame.loc["all"] = frame.sum()
        shown = pd.DataFrame(
            {
                "tables": frame["tables"],
                "recall": frame["tables_found"] / frame["tables"],
                "precision": frame["tables_found"] / frame["tables_said"],
                "columns": frame["columns"],
                "recall of columns": frame["columns_found"] / frame["columns"],
                "precision of columns": frame["columns_right"] / frame["columns_said"],
                "sure": frame["sure"],
                "sure and wrong": frame["sure_wrong"],
            }
        )
        print(f"\n{name}\n{shown.round(3).to_string()}")


if __name__ == "__main__":
    main()
