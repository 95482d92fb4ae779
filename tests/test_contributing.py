"""The examples of CONTRIBUTING.md, done to a copy of the repository: few files each, and everything follows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
STEP = re.compile(
    r"(?:Into `(?P<into>[^`]+)`, after the line\n`(?P<line>[^`]+)`"
    r"|At the end of `(?P<end>[^`]+)`|New file `(?P<new>[^`]+)`)"
    r":\n\n```(?:python|text)\n(?P<code>.*?)```\n",
    re.DOTALL,
)
MOST = {"A feature of a family": 1, "A table with its family": 2, "A metric": 1, "A library of trees": 1}

# what has to hold once all four are there
FOLLOWS = """
import sys, warnings
import numpy as np, pandas as pd
import csrisk as cr
from csrisk._explain._adapters._subject import subject_of
from csrisk.report._tables import quality_table
from sklearn.ensemble import GradientBoostingClassifier
sys.path.insert(0, "docs/_ext")
import feature_page, generated_pages

warnings.simplefilter("ignore")
made = cr.datasets.make_saas(80, 18, seed=3).tables
tables = {name: made[name] for name in ("accounts", "subscriptions", "usage", "contacts", "expectations")}
rng = np.random.default_rng(0)
accounts = tables["accounts"]["account_id"].to_numpy()
days = pd.Timestamp(tables["usage"]["at"].max()).normalize() - pd.to_timedelta(rng.integers(1, 300, 400), unit="D")
tables["trainings"] = pd.DataFrame(
    {"account_id": rng.choice(accounts, 400), "held_at": days, "hours": rng.integers(1, 9, 400).astype(float)}
)
data = cr.CustomerData(tables)
joining = [builder for builder in cr.features.default_builders(data) if type(builder).__name__ == "Trainings"]
now = cr.Snapshots.at(data, data.end)
X = cr.build_features(data, now, [cr.features.Expectations(), cr.features.UsageDepth(), *joining])
wanted = {"overdue_share", "trainings_180d", "training_hours_180d"}
assert wanted <= set(X.columns)
told = {feature.name: str(feature.goal) for feature in cr.features.declared(X.columns)}
assert (told["overdue_share"], told["trainings_180d"]) == ("advocacy", "footprint")

# by hand: what was held and known in the 180 days before, of an account
account, as_of = X.index[0]
mine = tables["trainings"].query("account_id == @account")
age = (as_of - mine["held_at"]).dt.days
held = mine[(age >= 1) & (age <= 180)]
row = X.loc[(account, as_of)]
assert (row["trainings_180d"], row["training_hours_180d"]) == (len(held), held["hours"].sum())
# two of the four riskiest left, of three that left
table = cr.evaluation.evaluate_scores([1, 0, 1, 0, 1, 0, 0, 0], range(8, 0, -1), capacity=0.5, n_bootstrap=20)
assert abs(table.loc["precision_at_50", "estimate"] - 0.5) < 1e-12

plain = X.select_dtypes("number").fillna(0.0)
plain = plain.loc[:, plain.nunique() > 2].iloc[:, :12]
foreign = GradientBoostingClassifier(n_estimators=15, random_state=0).fit(plain, np.arange(len(plain)) % 3 == 0)
assert subject_of(foreign, plain, plain).trees is not None
shown = cr.explain(foreign, plain, n_reference=16)
assert np.allclose(shown.prediction, 100 * foreign.predict_proba(plain)[:, 1])

# the label is in the report, whatever the capacity
assert "Precision at 50 %" in [row[0] for row in quality_table(table).rows]

# train, score, explain, monitor and report know the feature, the table and the metric
families = [cr.features.Expectations(), *joining]
pipeline = cr.RiskPipeline(
    {
        "features": {"builders": families},
        "label": {"expansion": "none"},
        "model": {"n_members": 1, "min_events": 2, "blend": False},
        "reference": {"rows": 10},
        "snapshots": {"lead": 0},
        "test": {"n_bootstrap": 20},
    }
).fit(data)
assert wanted <= set(pipeline.model_.feature_names_in_)
assert "trainings" in pipeline.record_.facts["tables"]
precision = pipeline.record_.evaluation()["model"].loc["precision_at_10", "estimate"]
assert 0 <= precision <= 1
why = pipeline.explain(data)
goals = {feature.name: str(feature.goal) for feature in why.declarations}
assert (goals["overdue_share"], goals["training_hours_180d"]) == ("advocacy", "footprint")
assert np.allclose(why.goals().drop(columns="prediction").sum(axis=1), why.prediction)
# the strongest features of a goal are told one by one, others are its rest: each knows its own sentence
said = {feature.name: " ".join(feature.describe(0.5, 0.1).split()) for feature in why.declarations}
assert "of the open goals are overdue" in said["overdue_share"]
assert "of training in 180 days" in said["training_hours_180d"]
scores = pipeline.score(data, why=why)
assert np.allclose(100 * scores["churn_probability"].reindex(why.index), why.prediction)
drift = pipeline.monitor(data, why=why).drift
assert wanted <= set(drift.index), (wanted - set(drift.index), len(drift))
page = pipeline.report("report.md", data, why=why, scores=scores, past=cr.pipeline.Past(months=0)).read_text("utf-8")
page = " ".join(page.split())  # blanks that break no line are blanks
assert "Precision at 10 %" in page
assert "training" in page
again = cr.RiskPipeline.load("model.csrisk", expected_sha256=pipeline.save("model.csrisk"))
assert again.model_id_ == pipeline.model_id_

assert all(f"`{name}`" in feature_page.page() for name in wanted)
assert "trainings" in generated_pages.tables()
assert "Precision at {capacity} %" in generated_pages.metrics()
"""


def examples() -> dict[str, list[re.Match[str]]]:
    """Heading to its steps."""
    parts = re.split(r"^### (.*?): .*$", TEXT.split("## Four examples")[1].split("\n## ")[0], flags=re.MULTILINE)
    return {head: list(STEP.finditer(body)) for head, body in zip(parts[1::2], parts[2::2], strict=True)}


def file_of(step: re.Match[str]) -> str:
    return str(step["into"] or step["end"] or step["new"])


def apply(step: re.Match[str], copy: Path) -> str:
    """Do one step, and name the file."""
    name = file_of(step)
    path, code = copy / name, step["code"]
    if step["new"]:
        assert not path.exists()
        path.write_text(code, encoding="utf-8")
    elif step["end"]:
        path.write_text(f"{path.read_text(encoding='utf-8')}\n\n{code}", encoding="utf-8")
    else:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        (place,) = (at for at, line in enumerate(lines) if line.strip() == step["line"])
        path.write_text("".join([*lines[: place + 1], code, *lines[place + 1 :]]), encoding="utf-8")
    return name


def test_each_example_touches_few_files() -> None:
    touched = {
        head: {step["into"] or step["end"] or step["new"] for step in steps} for head, steps in examples().items()
    }
    assert {head: len(files) for head, files in touched.items()} == MOST
    assert all(name.startswith("csrisk/") for files in touched.values() for name in files)


@pytest.mark.slow
def test_the_examples_work_word_for_word(tmp_path: Path) -> None:
    # with what numba compiled, which is most of the work
    shutil.copytree(ROOT / "csrisk", tmp_path / "csrisk")
    shutil.copytree(ROOT / "docs" / "_ext", tmp_path / "docs" / "_ext", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "tests" / "features", tmp_path / "tests" / "features")
    before = {path: path.read_bytes() for path in (tmp_path / "csrisk").rglob("*") if path.is_file()}
    said = {apply(step, tmp_path) for steps in examples().values() for step in steps}
    after = {path: path.read_bytes() for path in (tmp_path / "csrisk").rglob("*") if path.is_file()}
    changed = {path.relative_to(tmp_path).as_posix() for path, content in after.items() if before.get(path) != content}
    assert changed == said
    done = subprocess.run(
        [sys.executable, "-c", FOLLOWS],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
