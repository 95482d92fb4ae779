"""Scores, command line, report, its files and the table of a notebook say the same of every account of three books."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from sklearn.linear_model import LogisticRegression

from csrisk import explain, write_report
from csrisk._explain import NO_REASON
from csrisk._explain._answers._reasons import main_goals
from csrisk._goals import Goal
from csrisk._pipeline._load import open_source
from csrisk.cli import _print, main
from csrisk.datasets import make_saas
from csrisk.report import _write
from csrisk.report._printing._html import render_html

if TYPE_CHECKING:
    from pathlib import Path

    import csrisk as cr
    from csrisk.datasets._saas._make import SaasBook
    from csrisk.report._content import Report

pytestmark = pytest.mark.promise("Scores, report, its files, notebook and terminal tell the same of every account")

_GOALS = ("churn", "footprint", "advocacy", "feedback", "context")
BOOKS = ("the book", "long and foreign names", "without revenue")
NAMES = (
    "Gesellschaft f\u00fcr au\u00dferordentlich lange Firmennamen und Beteiligungen mbH & Co. KG aA <b>",
    "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd",
    "\u202e\u0645\u0631\u062d\u0628\u0627",
    "\N{UNICORN FACE} \u682a\u5f0f\u4f1a\u793e",
    "=SUM(A1) | Ltd",
)


@dataclass
class Told:
    """What each way of asking says of one book."""

    scores: pd.DataFrame  # the file that the command line wrote
    printed: str
    cards: pd.DataFrame  # of the report in JSON
    page: str
    table: pd.DataFrame  # of a notebook


def _tables(book: str, small: SaasBook) -> dict[str, pd.DataFrame]:
    made = small if book == BOOKS[0] else make_saas(60, 18, seed=29 if book == BOOKS[1] else 30)
    tables = {name: table for name, table in made.tables.items() if len(table)}
    if book == BOOKS[1]:
        names = [f"{NAMES[at % len(NAMES)]} {at}" for at in range(len(tables["accounts"]))]
        tables["accounts"] = tables["accounts"].assign(name=names)
    if book == BOOKS[2]:
        tables["subscriptions"] = tables["subscriptions"].drop(columns="mrr")
    return tables


@pytest.fixture(scope="module", params=[BOOKS[0], *(pytest.param(book, marks=pytest.mark.slow) for book in BOOKS[1:])])
def told(
    request: pytest.FixtureRequest,
    quick: cr.RiskPipeline,
    small_saas: SaasBook,
    tmp_path_factory: pytest.TempPathFactory,
) -> Told:
    folder: Path = tmp_path_factory.mktemp("book")
    for name, table in _tables(request.param, small_saas).items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    end, model, out = f"{small_saas.end:%Y-%m-%d}", folder / "m.csrisk", folder / "s.parquet"
    quick.save(model)
    composed: list[Report] = []
    compose = _write.compose
    with pytest.MonkeyPatch.context() as patch:
        # the terminal prints five: here all of them
        patch.setattr(_print, "_MOST", 1_000)
        done = CliRunner().invoke(
            main, ["score", str(folder), "--model", str(model), "--end", end, "--out", str(out), "--currency", "EUR"]
        )
        assert done.exit_code == 0, done.output
        patch.setattr(_write, "compose", lambda *given: composed.append(compose(*given)) or composed[0])
        data = open_source(str(folder), quick.spec, end=end)
        quick.report(folder / "r.json", data, past_months=0, currency="EUR")
    why = quick.explain(data)
    return Told(
        scores=pd.read_parquet(out).set_index("account_id"),
        printed=done.stdout,
        cards=pd.DataFrame(json.loads((folder / "r.json").read_text())["cards"]).set_index("account"),
        page=render_html(composed[0]),
        table=why.to_frame(n_reasons=3).droplevel("as_of"),
    )


def plain(sentence: object) -> str:
    return re.sub(r"\s+", " ", sentence) if isinstance(sentence, str) else "nothing"


def test_scores_and_report_agree_on_every_account(told):
    scores, cards = told.scores, told.cards.reindex(told.scores.index)
    assert cards["rank"].tolist() == scores["priority"].tolist() == list(range(1, len(scores) + 1))
    np.testing.assert_allclose(cards["probability"], scores["churn_probability"], atol=1e-12)
    np.testing.assert_allclose(cards["mrr"].astype(float), scores["mrr"].astype(float))
    np.testing.assert_allclose(cards["at_risk"].astype(float), scores["mrr_at_risk"].astype(float), atol=1e-9)
    assert cards["main_goal"].tolist() == scores["main_goal"].fillna("").tolist()
    assert cards["driver"].tolist() == scores["driver"].fillna("").tolist()
    for goal, main_goal, sure, words in zip(
        cards["driver"], cards["main_goal"], scores["driver_probability"], cards["driver_words"], strict=True
    ):
        if goal:
            assert words == f"Main driver: {Goal(goal).heading} (right with probability {100 * sure:.0f}\u00a0%)."
        else:
            assert words == "" or words.startswith("No driver named: ")
        assert goal in ("", main_goal)
    assert [plain(reason).replace(NO_REASON, "nothing") for reason in cards["reason"]] == [
        plain(reason) for reason in scores["reason_1"]
    ]


def test_the_table_of_a_notebook_has_the_same_reasons(told):
    table, scores = told.table.reindex(told.scores.index), told.scores
    np.testing.assert_allclose(table["prediction"], 100 * scores["churn_probability"], atol=1e-9)
    for rank in (1, 2, 3):
        assert [plain(r) for r in table[f"reason_{rank}"]] == [plain(r) for r in scores[f"reason_{rank}"]]
    assert table["main_goal"].fillna("none").tolist() == scores["main_goal"].fillna("none").tolist()


def test_the_page_shows_every_account_as_the_cards_have_it(told):
    def text(marked: str, summary: str) -> str:
        found = re.search(rf"<(\w+) class={marked}>(.*?)</\1>(?=<span|$)", summary)
        return plain(html.unescape(re.sub(r"<[^>]*>", "", found[2]))).strip() if found else ""

    summaries = re.findall(r"<li id=a(\d+) [^>]*><details><summary class=a>(.*?)</summary>", told.page)
    cards = told.cards.sort_values("rank").reset_index().to_dict("records")
    assert [int(rank) for rank, _ in summaries] == [card["rank"] for card in cards]
    for card, (_, summary) in zip(cards, summaries, strict=True):
        assert text("p", summary) == f"{100 * card['probability']:.1f} %"
        if card["mrr"] is None:
            assert not text("m", summary).strip("\u2013")
        else:
            assert text("m", summary) == f"EUR {card['mrr']:,.0f}"
            assert text("v", summary) == f"EUR {card['at_risk']:,.0f}"
        goal = f"{Goal(card['reason_goal']).heading}: " if card["reason_goal"] else ""
        assert text("e", summary) == plain(f"{card['listed']}{goal}{card['reason']}")
        assert html.unescape(summary).count(f"<bdi>{card['name']}</bdi>") == 1


def test_the_terminal_prints_every_account_as_the_cards_have_it(told):
    printed = re.findall(r"^(\d+)\. (.*)$", told.printed, re.MULTILINE)
    assert [int(rank) for rank, _ in printed] == told.scores["priority"].tolist()
    for row, (_, line) in zip(told.cards.sort_values("rank").reset_index().to_dict("records"), printed, strict=True):
        reason = " ".join(filter(None, (row["listed"], row["reason"])))
        brings = "" if row["mrr"] is None else f", EUR\u00a0{row['mrr']:,.0f} a month"
        assert f"[{row['account']}] ({100 * row['probability']:.0f}\u00a0% risk{brings}" in line
        assert plain(f"): {reason}") in plain(line)


def test_page_and_terminal_write_figures_in_one_style(told):
    page = re.sub(r"<(script|style)\b.*?</\1>", "", told.page, flags=re.DOTALL)
    page = html.unescape(re.sub(r"<[^>]*>", " ", page))
    assert "\u2212" in page
    assert re.search(r"\d\u00a0%", page)
    assert re.search(r"\b1 January 2026\b", page + told.printed)
    for text in (page, told.printed):
        # a hyphen stands for a minus where nothing is before it
        assert not re.findall(r"(?:^|[\s(])-\d.{20}", text)
        assert not re.findall(r".{20}\d %", text)
        assert not re.findall(r".{20}(?<![\w-])\d{4}-\d\d(?:-\d\d)?(?![\w-])", text)
        assert not re.findall(r".{20}EUR \d", text)


def test_what_is_printed_as_nothing_raises_nothing(told):
    scores = told.scores
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
