"""A book of one account, and what is small, is said plainly; odd names are looked at in `test_browser.py`."""

from __future__ import annotations

import json
from dataclasses import replace

import _books
import pandas as pd
import pytest

import csrisk as cr
from csrisk.report import ModelFacts, ReportForm


@pytest.fixture(scope="module")
def one():
    return _books.explanation(1)


def content(tmp_path, why, **parts):
    return json.loads(cr.write_report(tmp_path / "a.json", why, **parts).read_text())


def test_one_account_is_spoken_of_as_one(tmp_path, one):
    found = content(tmp_path, one, data=_books.customers(1), window=(14, 90), form=ReportForm(currency="€"))
    card, summary = found["cards"][0], found["summary"]
    risk = f"{card['prediction_shown']:.1f}\u00a0%"
    told = f"The one account of the book has a risk of {risk} to leave from 15 October 2025 to 12 January 2026."
    assert summary["headline"] == told
    money = f"€{card['at_risk']:,.0f}"
    lost = f"{money} of monthly revenue is expected to leave with it."
    assert summary["decisions"][0]["text"] == f"Decide on the first account (100\u00a0% of the book): {lost}"
    assert card["compared"] == []  # there is nobody to compare it with


def test_one_account_is_compared_with_its_own_past_alone(tmp_path, one):
    before = _books.explanation(1)
    moved = before.index.set_levels([pd.Timestamp("2025-09-01")], level="as_of")
    compared = content(tmp_path, one, previous=replace(before, index=moved))["cards"][0]["compared"]
    assert compared
    for line in compared:
        assert (line["before"], line["segment"], line["best"]) == (line["value"], "\u2013", "\u2013")


def test_what_asks_for_an_act_comes_before_what_to_look_into(tmp_path, why):
    # a failed check is an act, and is found after what moved
    found = content(tmp_path, why, facts=ModelFacts(checks=_books.checks()), previous=_books.earlier(why))["summary"][
        "decisions"
    ]
    assert [one["severity"] for one in found[:3]] == ["act", "act", "look"]
    assert found[1]["text"] == "1 check failed (CSR010)."


def test_a_goal_that_prints_as_nothing_raises_the_risk_of_nobody(tmp_path, why):
    """59 % beside 0.0 cannot be: whoever is counted has a printed 0.1 at least."""
    found = content(tmp_path, why)
    for goal in found["goals"]:
        points = [part["points"] for card in found["cards"] for part in card["goals"] if part["goal"] == goal["goal"]]
        assert goal["raised"] == pytest.approx(sum(value >= 0.05 for value in points) / len(points))
    small = replace(why, contributions=why.contributions * 0, prediction=why.reference * 1.0)
    assert {goal["raised"] for goal in content(tmp_path, small)["goals"]} == {0.0}
