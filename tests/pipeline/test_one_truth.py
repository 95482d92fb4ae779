"""Scores, command line, report, its files and the table of a notebook say the same of every account."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from csrisk import explain, write_report
from csrisk._explain import NO_REASON
from csrisk._explain._reasons import main_goals
from csrisk._goals import Goal
from csrisk.cli._print import print_first
from csrisk.datasets import make_saas

if TYPE_CHECKING:
    from pathlib import Path

    import csrisk as cr
    from csrisk.data import CustomerData

_GOALS = ("churn", "footprint", "advocacy", "feedback", "context")


BOOKS = ("the book", "half a year before", "another portfolio")


@pytest.fixture(scope="module", params=BOOKS)
def portfolio(request: pytest.FixtureRequest, small_book: CustomerData) -> tuple[CustomerData, pd.Timestamp]:
    if request.param == BOOKS[2]:
        other = make_saas(60, 18, seed=29).data()
        return other, other.end
    return small_book, small_book.end - pd.DateOffset(months=6 if request.param == BOOKS[1] else 0)


@pytest.fixture(scope="module")
def scores(quick: cr.RiskPipeline, portfolio: tuple[CustomerData, pd.Timestamp]) -> pd.DataFrame:
    return quick.score(*portfolio).droplevel("as_of")


@pytest.fixture(scope="module")
def cards(
    quick: cr.RiskPipeline, portfolio: tuple[CustomerData, pd.Timestamp], tmp_path_factory: pytest.TempPathFactory
) -> pd.DataFrame:
    path: Path = tmp_path_factory.mktemp("report") / "report.json"
    quick.report(path, *portfolio)
    return pd.DataFrame(json.loads(path.read_text())["cards"]).set_index("account")


def plain(sentence: object) -> str:
    return re.sub(r"\s+", " ", sentence) if isinstance(sentence, str) else "nothing"


def test_scores_and_report_agree_on_every_account(scores, cards):
    cards = cards.reindex(scores.index)
    assert cards["rank"].tolist() == scores["priority"].tolist()
    np.testing.assert_allclose(cards["probability"], scores["churn_probability"], atol=1e-12)
    np.testing.assert_allclose(cards["mrr"].astype(float), scores["mrr"])
    np.testing.assert_allclose(cards["at_risk"].astype(float), scores["mrr_at_risk"], atol=1e-9)
    assert cards["main_goal"].tolist() == scores["main_goal"].fillna("").tolist()
    assert cards["driver"].tolist() == scores["driver"].fillna("").tolist()
    for goal, main, sure, words in zip(
        cards["driver"], cards["main_goal"], scores["driver_probability"], cards["driver_words"], strict=True
    ):
        if goal:
            assert words == f"Main driver: {Goal(goal).heading} (right with probability {100 * sure:.0f} %)."
        else:
            assert words == "" or words.startswith("No driver named: ")
        assert goal in ("", main)
    assert [plain(reason).replace(NO_REASON, "nothing") for reason in cards["reason"]] == [
        plain(reason) for reason in scores["reason_1"]
    ]


def test_the_table_of_a_notebook_has_the_same_reasons(quick, portfolio, scores):
    table = quick.explain(*portfolio).to_frame(n_reasons=3).droplevel("as_of").reindex(scores.index)
    for rank in (1, 2, 3):
        assert [plain(r) for r in table[f"reason_{rank}"]] == [plain(r) for r in scores[f"reason_{rank}"]]
    assert table["main_goal"].fillna("none").tolist() == scores["main_goal"].fillna("none").tolist()


def test_the_terminal_prints_what_the_cards_say(quick, portfolio, scores, cards, capsys):
    print_first(quick.score(*portfolio))
    printed = plain(capsys.readouterr().out)
    for row in cards.sort_values("rank").head(5).to_dict("records"):
        reason = plain(" ".join(filter(None, (row["listed"], row["reason"]))))
        assert f"{row['rank']}. " in printed
        assert f"({100 * row['probability']:.0f} % risk, {row['mrr']:,.0f} a month" in printed
        assert f": {reason}" in printed


def test_what_is_printed_as_nothing_raises_nothing(scores):
    points = scores[[f"{goal}_points" for goal in _GOALS]].rename(columns=lambda name: name.removesuffix("_points"))
    for goal, row in zip(scores["main_goal"], points.to_dict("records"), strict=True):
        context = row.pop("context")
        if max(row.values()) >= 0.05:
            assert goal == max(row, key=lambda name: row[name])
        else:
            assert pd.isna(goal) if context < 0.05 else goal == "context"
    assert (scores["reason_1_pp"].dropna() >= 0.05).all()


def test_context_is_the_main_goal_only_where_no_goal_raises():
    points = pd.DataFrame(
        {"context": [3.0, 3.0, 0.0, 0.049], "churn": [1.0, 0.01, 0.0, 0.049], "footprint": [0.5, -2, 0, 0]}
    )
    assert main_goals(points).tolist() == ["churn", "context", None, None]


def test_noise_in_the_last_digits_raises_the_risk_of_nobody(tmp_path):
    rng = np.random.default_rng(21)
    index = pd.MultiIndex.from_product(
        [[f"a{i}" for i in range(60)], [pd.Timestamp("2025-03-01")]], names=["account_id", "as_of"]
    )
    X = pd.DataFrame({"use": rng.normal(size=60), "size": rng.normal(size=60)}, index=index)
    model = LogisticRegression().fit(X, X["use"] > 0)
    model.coef_ = np.array([[2.0, 1e-3]])  # what size does is below a hundredth of a point
    why = explain(model, X, reference=X, declarations={"use": "footprint", "size": "context"})
    write_report(tmp_path / "r.json", why)
    raised = {goal["goal"]: goal["raised"] for goal in json.loads((tmp_path / "r.json").read_text())["goals"]}
    assert raised["context"] == 0
    assert raised["footprint"] == pytest.approx(float((why.goals()["footprint"] >= 0.05).mean()))
