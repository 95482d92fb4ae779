"""Reports beside their peers: words, printed pages, size, requests, accessibility, time to write, same bytes again.

    python benchmarks/report.py --quick                                # csrisk alone, without tables and browser
    python benchmarks/report.py                                        # csrisk alone
    python benchmarks/report.py --shapash A/bin/python --explainerdashboard B/bin/python --evidently C/bin/python
    python benchmarks/report.py ... --demo csrisk-demo/report.html --out benchmarks/report.md

The peers live in environments of their own (``pip install 'shapash[report]' lightgbm pyarrow``, and likewise
``explainerdashboard`` and ``evidently``); all get the same rows and fit the same LightGBM with the same parameters.
Each page is opened in Chromium without network (``report_page.py``), and axe-core looks for violations of WCAG 2.2 AA.
A report that ``csrisk demo`` wrote is looked at as it is.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from report_page import look

import csrisk as cr
from csrisk.datasets import make_saas
from csrisk.features import declared
from csrisk.report import ReportForm

PARAMETERS = {
    "n_estimators": 100,
    "num_leaves": 15,
    "n_jobs": 1,
    "random_state": 0,
    "verbose": -1,
    "deterministic": True,
}
LARGEST_EXAMINED = 500  # axe takes minutes on larger pages, which come from the same templates
PEERS = ("shapash", "explainerdashboard", "evidently")
HEADS = (
    *("report", "accounts", "files", "MB", "words unfolded", "words", "printed pages"),
    *("first account at 1280 / 400, px", "links to other hosts", "requests", "axe", "CPU s", "same bytes"),
)


def simulated(accounts: int) -> tuple[cr.CustomerData, pd.DataFrame, pd.Series, pd.DataFrame]:
    """Tables, numeric features and labels of the past, and features of the latest book."""
    data = make_saas(accounts, 18, seed=5).data()
    past = cr.Snapshots.every(data, "3MS", lead="14D", horizon="90D")
    churn = cr.label_churn(data, past)
    known = churn.notna()
    X = cr.build_features(data, past[known]).select_dtypes("number")
    book = cr.build_features(data, cr.Snapshots.at(data, data.end))[X.columns]
    return data, X, churn[known].astype(int), book


def replicated(book: pd.DataFrame, accounts: int) -> pd.DataFrame:
    """As many accounts as asked for, each like one of the book with a little noise."""
    rng = np.random.default_rng(0)
    rows = book.iloc[rng.integers(0, len(book), accounts)]
    values = rows.to_numpy() * rng.normal(1, 0.05, rows.shape)
    keys = [[f"acct-{i:05d}" for i in range(accounts)], [book.index.get_level_values("as_of")[0]]]
    index = pd.MultiIndex.from_product(keys, names=["account_id", "as_of"])
    return pd.DataFrame(values, index=index, columns=book.columns)


def written(name: str, folder: Path, write: Any, accounts: int) -> dict[str, Any]:
    """Write twice, compare the bytes, take the time of the second (the first compiles)."""
    hashes = []
    for _ in range(2):
        start = time.process_time()
        path = write(folder)
        seconds = time.process_time() - start
        files = [path, *sorted(folder.glob(f"{path.stem}-accounts/*.html"))]
        hashes.append([hashlib.sha256(file.read_bytes()).hexdigest() for file in files])
    return {
        "report": name,
        "accounts": accounts,
        "paths": files,
        "seconds": seconds,
        "same": hashes[0] == hashes[1],
    }


def of_csrisk(
    folder: Path, model: LGBMClassifier, X: pd.DataFrame, data: cr.CustomerData, book: pd.DataFrame
) -> list[dict[str, Any]]:
    options = {"reference": X, "declarations": declared(X.columns), "n_reference": 64}

    def explained(rows: pd.DataFrame) -> cr.Explanation:
        start = time.process_time()
        why = cr.explain(model, rows, **options)
        print(f"explained {len(why):,} accounts: {time.process_time() - start:.1f} s CPU", file=sys.stderr)
        return why

    def one(name: str, stem: str, why: cr.Explanation, **parts: Any) -> dict[str, Any]:
        def write(folder: Path) -> Path:
            return cr.write_report(folder / f"{stem}.html", why, **parts)

        return written(f"csrisk, {name}", folder, write, len(why))

    beside: dict[str, Any] = {"data": data, "window": (14, 90)}
    told = [one("all tables", f"book-{n}", explained(book.iloc[:n]), **beside) for n in (300, len(book))]
    many = explained(replicated(book, 10_000))
    told += [
        one("500 cards and a line for the next 1,500", "capped", many),
        one("pages of 500 cards", "paged", many, form=ReportForm(chunk=500)),
    ]
    del many
    most = explained(replicated(book, 50_000))
    return [*told, one("500 cards and a line for the next 1,500", "most", most)]


def of_peer(name: str, python: Path, folder: Path) -> dict[str, Any] | str:
    """Run a peer in its own environment; what it could not do is said."""
    script = Path(__file__).with_name("report_peers.py")
    command = [str(python), str(script), name, str(folder), json.dumps(PARAMETERS)]
    single = {**os.environ, "OMP_NUM_THREADS": "1", "LOKY_MAX_CPU_COUNT": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=single)
    if done.returncode:
        return f"{name}: {(done.stderr.strip().splitlines() or ['failed'])[-1][:200]}"
    told = json.loads(done.stdout.splitlines()[-1])
    return {**told, "paths": [folder / told["path"]]}


def of_demo(path: Path) -> dict[str, Any]:
    """Look at a report that is there; how long it took is not known."""
    cards = path.read_text("utf-8").count("<li id=a")
    told = {"report": "csrisk demo, all parts", "accounts": cards, "paths": [path], "seconds": None, "same": None}
    return {**told, "all_views": True}


def row(told: dict[str, Any]) -> tuple[str, ...]:
    paths: list[Path] = told["paths"]
    text = paths[0].read_text("utf-8", "replace")
    links = len(re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=[\"']?https?://", text))
    examined = told["accounts"] <= LARGEST_EXAMINED
    looks = look(paths[0], all_views=told.get("all_views", False), examined=examined)
    found = sum(map(len, looks.violations.values()))
    axe = f"{found} in {len(looks.violations)} views" if len(looks.violations) > 1 else str(found)
    nothing = looks.empty
    return (
        told["report"],
        f"{told['accounts']:,}",
        f"{len(paths):,}",
        f"{sum(path.stat().st_size for path in paths) / 1e6:.2f}",
        f"{looks.unfolded:,}",
        f"{looks.words:,}",
        str(looks.printed),
        " / ".join(f"{place:,}" for place in looks.first.values()),
        str(links),
        str(looks.requests),
        "empty page" if nothing else axe if examined else "not run",
        "" if told["seconds"] is None else f"{told['seconds']:.1f}",
        "" if told["same"] is None else "yes" if told["same"] else "no",
    )


def quick() -> None:
    """Print size, CPU time and whether the bytes are the same, for 500 and 10,000 accounts without tables."""
    _, X, churn, book = simulated(150)
    model = LGBMClassifier(**PARAMETERS).fit(X, churn)
    options = {"reference": X, "declarations": declared(X.columns), "n_reference": 64}
    with tempfile.TemporaryDirectory() as name:
        for accounts in (500, 10_000):
            why = cr.explain(model, replicated(book, accounts), **options)

            def write(folder: Path, why: cr.Explanation = why) -> Path:
                return cr.write_report(folder / "quick.html", why)

            told = written("csrisk", Path(name), write, accounts)
            size = told["paths"][0].stat().st_size / 1e6
            print(
                f"| {accounts:,} | {size:.2f} | {told['seconds']:.1f} | {'yes' if told['same'] else 'no'} |", flush=True
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for peer in PEERS:
        parser.add_argument(f"--{peer}", type=Path)
    parser.add_argument("--demo", type=Path, help="report that csrisk demo wrote")
    parser.add_argument(
        "--accounts", type=int, default=800, help="simulated, of which somewhat more than half run at the end"
    )
    parser.add_argument(
        "--quick", action="store_true", help="150 simulated accounts, replicated; no tables, no browser"
    )
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.quick:
        quick()
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data, X, churn, book = simulated(given.accounts)
        book = book.iloc[:500]
        model = LGBMClassifier(**PARAMETERS).fit(X, churn)
        X.reset_index(drop=True).assign(churn=churn.to_numpy()).to_parquet(folder / "train.parquet")
        book.reset_index(drop=True).to_parquet(folder / "book.parquet")
        told: list[dict[str, Any] | str] = [*of_csrisk(folder, model, X, data, book)]
        if given.demo:
            told.append(of_demo(given.demo))
        for peer in PEERS:
            python = getattr(given, peer)
            told.append(of_peer(peer, python, folder) if python else f"{peer}: no environment was handed over")
        rows = [row(one) for one in told if isinstance(one, dict)]
        missing = [one for one in told if isinstance(one, str)]
    lines = ["| " + " | ".join(cells) + " |" for cells in (HEADS, ("---",) * len(HEADS), *rows)]
    notes = "\n".join(f"- {one}" for one in missing)
    command = (
        "`python benchmarks/report.py --shapash ENV/bin/python --explainerdashboard ENV/bin/python "
        "--evidently ENV/bin/python --demo csrisk-demo/report.html`"
    )
    page = (
        f"# Reports beside their peers\n\n{INTRODUCTION.format(command=command, rows=len(X), columns=X.shape[1])}\n\n"
        + "\n".join(lines)
        + f"\n\n{notes}\n"
    )
    print(page)
    if given.out:
        given.out.write_text(page.rstrip() + "\n", encoding="utf-8")


INTRODUCTION = """{command}

The same LightGBM (100 trees, 15 leaves) fitted to the same {rows:,} rows of {columns} features, one thread. What is
timed is writing the report of an explanation or a model that is there: CPU seconds of the second run. *Words unfolded*
are those to be read as the page opens, *words* all that it holds. *Printed pages* are A4, as Chromium prints the page
as it opens: csrisk prints a summary and a page for each of the first five accounts, or for each that was opened.
*Links* are scripts, styles and images on other hosts; *requests* are those that Chromium tried when the page was
opened, without network. *axe* counts the elements that break WCAG 2.2 A or AA on the page as it opens, on the demo
in all views (light and dark, 1280, 800 and 400 wide; as it opens, parts of each kind opened, filtered,
filtered to nothing, printed). It is not run on the large books, whose pages come from the same templates; an *empty
page* shows nothing without its links, and its words are those that a reader would find in its source. The peers
describe a model and csrisk a book of accounts, so sizes compare what a reader gets, not equal content. They take no
missing values everywhere and get the latest 500 labelled rows with medians filled in; Evidently compares them with the
rows before (its presets for classification and for drift). By default shapash computes phi_k correlations of all pairs
of features, which takes minutes more (`shapash-phik` in `report_peers.py`); it is run with the Pearson correlations
that it falls back to.

That csrisk asks for nothing and that axe finds nothing is tested on every change, in light and dark, wide and narrow
(`pytest tests/report/test_browser.py`); `python benchmarks/report_page.py PAGE` looks at any page of yours."""


if __name__ == "__main__":
    main()
