"""One flat table with a churn column: from file to report, and nothing said of it that it cannot tell."""

from __future__ import annotations

import gzip
import json
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

import csrisk as cr
from csrisk.cli import main
from csrisk.evaluation import evaluate_folds
from csrisk.exceptions import ConfigError, DataWarning, ExplanationError

N = 400


def flat(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "customerID": [f"{row:04d}-ABCD" for row in range(N)],
            "tenure": rng.integers(1, 60, N),
            "logins": rng.poisson(9, N),
            "support_tickets": rng.poisson(2, N),
            "TotalCharges": np.round(rng.gamma(2, 50, N), 2).astype(str),
            "region": rng.choice(["north", "south"], N),
        }
    )
    table.loc[::50, "TotalCharges"] = " "
    risk = 1 / (1 + np.exp(2 - 0.8 * (table["support_tickets"] - 1) + 0.05 * table["logins"]))
    return table.assign(Churn=np.where(rng.random(N) < risk, "Yes", "No"))


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, [str(word) for word in words])
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("flat") / "telco.csv"
    flat().to_csv(path, index=False)
    return path


def test_one_command_leads_to_a_report_that_says_what_it_is(table, tmp_path):
    words = ("--event", "Yes", "--key", "customerID", "--report", tmp_path / "risk.html")
    code, said = run("train", table, "--target", "Churn", *words)
    assert code == 0, said
    n_left = int((flat()["Churn"] == "Yes").sum())
    assert f"{n_left} of {N} rows churned. Tested on 5 folds drawn at random" in said
    assert "churn: tenure, support_tickets, TotalCharges" in said
    page = (tmp_path / "risk.html").read_text()
    assert "A table of 400 rows without dates" in page
    assert "The table has no dates" in page
    assert "Held-out churn ranked right" in page
    assert "ater data it has not seen" not in page
    assert "going by the rows that the model learned from" in page
    assert f"({N} rows, {n_left} churned)" in page
    words = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL).lower()
    words = words.replace("than a test on later data would", "")
    for told in ("later data", "horizon", "forward test", "snapshot", "one date", "before that day", " now "):
        assert told not in words, told
    assert "0001-ABCD" in page


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--target", "Churn"), "hold another text in nearly every row: ['customerID']"),
        (("--target", "Churn", "--key", "customerID"), r"name the event: --event Yes"),
        (("--target", "Churn", "--key", "customerID", "--event", "left"), "event='left' is none of the labels"),
        (("--target", "churned"), "no columns ['churned']"),
        (("--target", "tenure", "--key", "customerID"), "labels"),
        (("--target", "Churn", "--key", "region", "--event", "Yes"), "missing or repeated in 398 of 400 rows"),
        (("--target", "Churn", "--model", "x.csrisk"), "--model: of a portfolio with dates"),
        (("--event", "Yes", "--model", "x.csrisk"), "--event: of one flat table alone"),
    ],
)
def test_what_is_asked_for_or_refused(table, words, message):
    code, said = run("train", table, *words)
    assert code != 0
    assert message in said
    assert "0001-ABCD" not in said


def test_a_dry_run_counts_and_columns_of_the_outcome_are_said(table, tmp_path):
    path = tmp_path / "t.parquet"
    flat().assign(cancel_reason="none", Churn=lambda t: t["Churn"] == "Yes").to_parquet(path)
    code, said = run("train", path, "--target", "Churn", "--key", "customerID", "--dry-run", "--json")
    assert code == 0
    assert "'cancel_reason'" in said
    assert json.loads(said[said.index("{") :])["rows"] == N


def test_a_column_that_tells_the_outcome_is_said(tmp_path):
    path = tmp_path / "t.csv"
    told = flat().assign(final_state=lambda t: np.where(t["Churn"] == "Yes", "gone", "here"))
    told.to_csv(path, index=False)
    code, said = run("train", path, "--target", "Churn", "--event", "Yes", "--key", "customerID")
    assert code == 0
    assert "CSR001" in said
    assert "final_state" in said


def test_folds_judge_every_row_by_a_model_that_has_not_seen_it():
    rng = np.random.default_rng(1)
    X = pd.DataFrame({"calls": rng.normal(size=200)})
    y = pd.Series(X["calls"] + rng.normal(size=200) > 0.5)
    found = evaluate_folds(LogisticRegression(), X, y, n_folds=4, random_state=3, n_bootstrap=20)
    risk = np.empty(200)
    for train, test in StratifiedGroupKFold(4, shuffle=True, random_state=3).split(X, y, np.arange(200)):
        risk[test] = LogisticRegression().fit(X.iloc[train], y.iloc[train]).predict_proba(X.iloc[test])[:, 1]
    assert found.loc["auc", "estimate"] == pytest.approx(roc_auc_score(y, risk), abs=1e-12)
    assert found.loc["n_events", "estimate"] == y.sum()


class Rote(LogisticRegression):
    """Knows the rows of training by heart."""

    def fit(self, X, y):
        self.rows = dict(zip(X["row"], y, strict=True))
        self.classes_ = np.array([False, True])
        return self

    def predict_proba(self, X):
        risk = X["row"].map(self.rows).astype(float).fillna(0.5).to_numpy()
        return np.column_stack([1 - risk, risk])


def test_repeated_rows_do_not_tell_their_own_outcome():
    X = pd.DataFrame({"row": np.repeat(np.arange(60), 2)})
    y = pd.Series(np.repeat(np.arange(60) % 3 == 0, 2))
    with pytest.warns(DataWarning, match="60 of 120 rows repeat another one"):
        found = evaluate_folds(Rote(), X, y, n_bootstrap=20)
    assert found.loc["auc", "estimate"] == 0.5


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        (["yes", "no"] * 20, {}, "none says that it is the event"),
        ([0, 1] * 20, {"n_folds": 1}, "n_folds=1 must be"),
        ([0, 1] + [0] * 38, {}, "from 2 to 1, the rows of the rarer label"),
    ],
)
def test_folds_that_cannot_be(labels, options, message):
    with pytest.raises(ValueError, match=message):
        evaluate_folds(LogisticRegression(), pd.DataFrame({"a": range(40)}), labels, **options)


def test_goals_are_proposed_and_what_has_none_is_named():
    names = ["Tenure", "TotalMinutes", "nps_last", "SurveyAnswers", "Region", "agent_colour", "page", "pageant"]
    with pytest.warns(DataWarning, match=r"2 of 8 columns stay without a goal.*'agent_colour', 'pageant'"):
        goals = cr.propose_goals(names)
    assert [str(goal) for goal in goals.values()] == [
        "churn", "footprint", "advocacy", "feedback", "context", "unmapped", "footprint", "unmapped",
    ]  # fmt: skip


def test_a_flat_table_is_explained_against_itself_and_adds_up(tmp_path):
    table = flat().set_index("customerID")
    y = table.pop("Churn") == "Yes"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        model = cr.ChurnModel(n_members=2, blend=False, random_state=0).fit(table, y)
        goals = {**cr.propose_goals(table), "region": cr.Goal.UNMAPPED}
    why = cr.explain(model, table[:60], declarations=goals)
    parts = why.goals()
    assert "unmapped" in parts
    total = parts.drop(columns="prediction").sum(axis=1)
    assert np.abs(total - 100 * model.predict_proba(table[:60])[:, 1]).max() < 1e-9
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        report = cr.write_report(tmp_path / "r.md", why, mrr=pd.Series(10.0, index=table.index)).read_text()
    assert "Without a goal" in report
    with pytest.raises(ExplanationError, match="no dates to see the tables at"):
        cr.write_report(tmp_path / "r.md", why, data=cr.load_demo())
    with pytest.raises(ExplanationError, match="none of them is earlier"):
        cr.write_report(tmp_path / "r.md", why, previous=why)
    twice = cr.explain(model, table.iloc[[0, 0, 1]], declarations=goals)
    with pytest.raises(ExplanationError, match="1 of 3 rows repeat an account"):
        cr.write_report(tmp_path / "r.md", twice)


def test_text_that_is_plain_numbers_gives_the_risks_of_the_numbers():
    table = flat().set_index("customerID")
    y = table.pop("Churn") == "Yes"
    numbers = table.assign(TotalCharges=pd.to_numeric(table["TotalCharges"], errors="coerce"))
    make = lambda: cr.ChurnModel(n_members=2, blend=False, random_state=0)  # noqa: E731
    with pytest.warns(DataWarning, match="392 numbers, 8 blank"):
        from_text = make().fit(table, y)
    assert (from_text.predict_proba(table) == make().fit(numbers, y).predict_proba(numbers)).all()
    assert (from_text.predict_proba(numbers) == from_text.predict_proba(table)).all()
    with pytest.raises(ValueError, match="'TotalCharges': holds values of kind 'category' now"):
        from_text.predict_proba(table.assign(TotalCharges="1,234"))


def test_a_refusal_of_the_door_is_a_configuration_error(tmp_path):
    from csrisk._pipeline import read_flat_table

    (tmp_path / "t.xlsx").write_bytes(b"PK")
    with pytest.raises(ConfigError, match=r"ends in one of \.csv"):
        read_flat_table(tmp_path / "t.xlsx", "y")


ROWS = "id,seats,tier,churn\n007,3,a,1\n008,,None,0\n7,5.5, b ,1\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", ROWS.encode()),
        ("t.csv", b"\xef\xbb\xbf" + ROWS.replace("\n", "\r\n").encode()),
        ("t.csv", b"sep=;\n" + ROWS.replace(",", ";").encode()),
        ("t.csv", ROWS.replace(",", "\t").encode()),
        ("t.csv.gz", gzip.compress(ROWS.encode(), mtime=0)),
    ],
)
def test_a_flat_table_is_read_as_the_tables_of_a_portfolio_are(name, content, tmp_path):
    """Ids keep their zeros, words for nothing are missing, separators and packing are found."""
    from csrisk._pipeline import read_flat_table

    (tmp_path / name).write_bytes(content)
    table = read_flat_table(tmp_path / name, "churn", key="id")
    assert table.X.index.tolist() == ["007", "008", "7"]
    assert table.X["seats"].tolist()[::2] == [3.0, 5.5]
    assert table.X["seats"].isna().tolist() == [False, True, False]
    assert table.X["tier"].fillna("nothing").tolist() == ["a", "nothing", "b"]
    assert table.y.tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("t.csv", b"a,b,churn\n1,2,1,\n3,4,0,\n", "line 2 has 4 cells, the header 3"),
        ("t.csv", b"a,b,churn\n1,2,1\n3,4\n", "line 3 has 2 cells, the header 3"),
        ("t.csv", b"a,a,churn\n1,2,1\n3,4,0\n", "more than once"),
        ("t.csv", "a,b,churn\nM\u00fcller,2,1\n".encode("latin-1"), "UTF-8"),
        ("t.csv.gz", gzip.compress(ROWS.encode(), mtime=0)[:-8] + bytes(8), "the gzip file is damaged"),
        ("t.parquet", b"PAR1" + bytes(40) + b"PAR1", "damaged Parquet file"),
    ],
)
def test_a_flat_table_that_cannot_be_read_says_the_reason_of_a_portfolio(name, content, reason, tmp_path):
    """pandas took the first column of rows with a cell too many for the index, and filled a row that was cut short."""
    from csrisk._pipeline import read_flat_table

    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=f"t.*cannot be read as a table: .*{reason}"):
        read_flat_table(tmp_path / name, "churn")
