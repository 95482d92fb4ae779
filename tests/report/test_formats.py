"""The same content in every format, the same bytes every time, small, and written whole."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys

import _books
import pandas as pd
import pytest
from _page import figure, read

import csrisk as cr
from csrisk.exceptions import ConfigError, ExplanationError

SUFFIXES = (".html", ".md", ".json", ".csv")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_same_input_gives_the_same_bytes(tmp_path, why, parts, suffix):
    first, second = (cr.write_report(tmp_path / f"{n}{suffix}", why, **parts).read_bytes() for n in "ab")
    assert first == second


def test_bytes_do_not_depend_on_the_hash_seed_or_the_locale(tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import _books, csrisk as cr;"
        "cr.write_report(sys.argv[2], _books.explanation(12), data=_books.customers(12), checks=_books.checks())"
    )
    found = set()
    for seed, language in (("1", "C.UTF-8"), ("77", "C")):
        path = tmp_path / f"{seed}.html"
        here = os.path.dirname(__file__)
        environment = os.environ | {"PYTHONHASHSEED": seed, "LC_ALL": language}
        subprocess.run([sys.executable, "-W", "ignore", "-c", code, here, str(path)], env=environment, check=True)
        found.add(path.read_bytes())
    assert len(found) == 1


def test_formats_print_the_same_figures(tmp_path, why, parts, page):
    markdown = cr.write_report(tmp_path / "a.md", why, **parts).read_text("utf-8")
    report = json.loads(cr.write_report(tmp_path / "a.json", why, **parts).read_text("ascii"))
    cards = [card for card in read(page).all("li") if "data-v" in card.attributes]
    assert len(cards) == len(report["cards"]) == len(re.findall(r"\n### \d", markdown))
    sums = re.findall(r"- Sum: (.*)", markdown)
    for card, record, line in zip(cards, report["cards"], sums, strict=True):
        assert card.marked("q")[0].text() == line
        assert figure(card.marked("p")[0].text()) == record["prediction_shown"]
        shown = [goal["shown"] for goal in record["goals"]]
        assert record["reference_shown"] + sum(shown) == pytest.approx(record["prediction_shown"])
    assert report["summary"]["headline"] in page
    assert report["summary"]["headline"] in markdown


def test_json_holds_the_exact_contributions(tmp_path, why):
    report = json.loads(cr.write_report(tmp_path / "a.json", why).read_text("ascii"))
    goals = why.goals().droplevel("as_of")
    for card in report["cards"]:
        row = goals.loc[card["account"]]
        assert {part["goal"]: part["points"] for part in card["goals"]} == row[list(why.goals_present)].to_dict()
        total = 100 * card["reference"] + sum(part["points"] for part in card["goals"])
        assert total == pytest.approx(100 * card["probability"], abs=1e-9)


def test_csv_has_one_row_per_account_also_past_the_last_card(tmp_path, why, data):
    text = cr.write_report(tmp_path / "a.csv", why, data=data, max_cards=5).read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert [int(row["rank"]) for row in rows] == list(range(1, 61))
    assert float(rows[0]["mrr_at_risk"]) == pytest.approx(float(rows[0]["mrr"]) * float(rows[0]["probability"]))


def test_unknown_suffix_is_refused(tmp_path, why):
    with pytest.raises(ConfigError, match=r"suffix='\.pdf' must be one of \['\.html', '\.md', '\.json', '\.csv'\]"):
        cr.write_report(tmp_path / "a.pdf", why)


def test_no_cards_is_refused(tmp_path, why):
    with pytest.raises(ConfigError, match="max_cards=0 must be at least 1"):
        cr.write_report(tmp_path / "a.html", why, max_cards=0)


def test_log_odds_are_refused(tmp_path):
    X, churned = _books.frame(300)
    model = _books.SmallModel().fit(X, churned)
    why = cr.explain(model, X[:5], reference=X, declarations=_books.FEATURES, output="log_odds", n_reference=9)
    with pytest.raises(ExplanationError, match="output='log_odds': a report speaks in percentage points"):
        cr.write_report(tmp_path / "a.html", why)


def test_parts_that_do_not_add_up_are_refused(tmp_path, why):
    from dataclasses import replace

    wrong = why.contributions.copy()
    wrong[3, 0] += 0.25
    with pytest.raises(ExplanationError, match=r"differs from prediction by up to 0\.25 percentage points in 1 of 60"):
        cr.write_report(tmp_path / "a.html", replace(why, contributions=wrong))
    assert list(tmp_path.iterdir()) == []


def test_several_dates_are_refused(tmp_path):
    from dataclasses import replace

    why = _books.explanation(4)
    dates = why.index.get_level_values("as_of").to_numpy().copy()
    dates[0] -= 86_400 * 10**6
    accounts = why.index.get_level_values("account_id")
    index = why.index.from_arrays([accounts, dates], names=why.index.names)
    with pytest.raises(ExplanationError, match="as_of holds 2 dates; a report shows one book"):
        cr.write_report(tmp_path / "a.html", replace(why, index=index))


def test_failed_write_leaves_the_old_file_and_no_part(tmp_path, why, monkeypatch):
    path = cr.write_report(tmp_path / "a.html", why)
    before = path.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        cr.write_report(path, why, title="Another")
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.html"]


def test_revenue_that_is_known_in_part_is_null_in_json(tmp_path, why, data):
    """JSON has no word for NaN: what is unknown is null, in the cards and in what is at risk."""
    accounts = [str(account) for account in why.index.get_level_values("account_id")]
    known = pd.Series(100.0, index=accounts[::2])
    path = cr.write_report(tmp_path / "a.json", why, data=data, further=cr.report.FurtherParts(mrr=known))
    report = json.loads(path.read_text("utf-8"), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    told = {card["account"]: (card["mrr"], card["at_risk"], card["probability"]) for card in report["cards"]}
    assert len(told) == len(accounts)
    for place, account in enumerate(accounts):
        mrr, at_risk, probability = told[account]
        assert mrr == (None if place % 2 else 100.0)
        assert at_risk == (None if place % 2 else pytest.approx(100 * probability))
