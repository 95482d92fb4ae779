"""One report of shapash or explainerdashboard, written in an environment of its own; see report.py."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
from lightgbm import LGBMClassifier


def shapash(model: LGBMClassifier, train: pd.DataFrame, book: pd.DataFrame, path: Path) -> None:
    from shapash import SmartExplainer

    xpl = SmartExplainer(model=model)
    xpl.compile(x=book, y_pred=pd.Series(model.predict(book), name="churn", index=book.index))
    xpl.generate_report(output_file=str(path), x_train=train.drop(columns="churn"), y_train=train["churn"])


def explainerdashboard(model: LGBMClassifier, train: pd.DataFrame, book: pd.DataFrame, path: Path) -> None:
    from explainerdashboard import ClassifierExplainer, ExplainerDashboard

    rows = train.iloc[-len(book) :].fillna(train.median())
    explainer = ClassifierExplainer(model, rows.drop(columns="churn"), rows["churn"])
    ExplainerDashboard(explainer, shap_interaction=False).save_html(str(path))


def main() -> None:
    name, folder, parameters = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
    train, book = pd.read_parquet(folder / "train.parquet"), pd.read_parquet(folder / "book.parquet")
    model = LGBMClassifier(**parameters).fit(train.drop(columns="churn"), train["churn"])
    write: Any = {"shapash": shapash, "explainerdashboard": explainerdashboard}[name]
    path, hashes = folder / f"{name}.html", []
    for _ in range(2):
        start = time.process_time()
        write(model, train, book, path)
        seconds = time.process_time() - start
        hashes.append(hashlib.sha256(path.read_bytes()).hexdigest())
    told = {
        "report": name,
        "accounts": len(book),
        "path": path.name,
        "seconds": seconds,
        "same": hashes[0] == hashes[1],
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
