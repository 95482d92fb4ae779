"""One report of shapash, explainerdashboard or Evidently, written in an environment of its own; see report.py.

None of them takes missing values everywhere, so all describe the latest labelled rows with medians filled in. shapash
computes phi_k correlations of all pairs of features before it shows twenty of them, which takes minutes for 140
features; it is run with the Pearson correlations that it falls back to without phik (``shapash-phik`` keeps its
default).
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pandas as pd
from lightgbm import LGBMClassifier

MOST_SECONDS = 360  # of CPU, for one report


def shapash(model: LGBMClassifier, train: pd.DataFrame, rows: pd.DataFrame, path: Path) -> None:
    sys.modules["phik"] = None  # type: ignore[assignment]  # as if it were not installed
    shapash_phik(model, train, rows, path)


def shapash_phik(model: LGBMClassifier, train: pd.DataFrame, rows: pd.DataFrame, path: Path) -> None:
    from shapash import SmartExplainer

    x, filled = rows.drop(columns="churn"), train.fillna(train.median())
    explainer = SmartExplainer(model=model)
    explainer.compile(x=x, y_pred=pd.Series(model.predict(x), name="churn", index=x.index), y_target=rows["churn"])
    explainer.generate_report(
        output_file=str(path),
        x_train=filled.drop(columns="churn"),
        y_train=filled["churn"],
        y_test=rows["churn"],
    )


def explainerdashboard(model: LGBMClassifier, _: pd.DataFrame, rows: pd.DataFrame, path: Path) -> None:
    from explainerdashboard import ClassifierExplainer, ExplainerDashboard

    explainer = ClassifierExplainer(model, rows.drop(columns="churn"), rows["churn"])
    ExplainerDashboard(explainer, shap_interaction=False).save_html(str(path))


def evidently(model: LGBMClassifier, train: pd.DataFrame, rows: pd.DataFrame, path: Path) -> None:
    from evidently import BinaryClassification, DataDefinition, Dataset, Report
    from evidently.presets import ClassificationPreset, DataDriftPreset

    before = train.iloc[: -len(rows)].fillna(train.median())

    def dataset(frame: pd.DataFrame) -> Dataset:
        x = frame.drop(columns="churn")
        told = BinaryClassification(target="churn", prediction_probas="risk", pos_label=1)
        # a column without any value, which it refuses, has no median either; the model takes it all the same
        numbers = [name for name in x.columns if frame[name].notna().all() and before[name].notna().all()]
        definition = DataDefinition(numerical_columns=numbers, classification=[told])
        seen = frame[[*numbers, "churn"]].assign(risk=model.predict_proba(x)[:, 1])
        return Dataset.from_pandas(seen, data_definition=definition)

    made = Report([ClassificationPreset(), DataDriftPreset()]).run(dataset(rows), dataset(before))
    made.save_html(str(path))


def cpu() -> float:
    """CPU seconds of this process and of those that it started and that have ended."""
    return sum(os.times()[:4])


def stop(*_: Any) -> None:
    raise SystemExit(f"one report did not end in {MOST_SECONDS} s CPU")


def main() -> None:
    name, folder, parameters = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
    train, book = pd.read_parquet(folder / "train.parquet"), pd.read_parquet(folder / "book.parquet")
    model = LGBMClassifier(**parameters).fit(train.drop(columns="churn"), train["churn"])
    rows = train.iloc[-len(book) :].fillna(train.median())
    write: Any = {
        "shapash": shapash,
        "shapash-phik": shapash_phik,
        "explainerdashboard": explainerdashboard,
        "evidently": evidently,
    }[name]
    signal.signal(signal.SIGPROF, stop)
    path, hashes = folder / f"{name}.html", []
    for _ in range(2):
        signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
        start = cpu()
        write(model, train, rows, path)
        seconds = cpu() - start
        signal.setitimer(signal.ITIMER_PROF, 0)
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
