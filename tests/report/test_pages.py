"""A large book: the page of the book, and pages of accounts beside it."""

from __future__ import annotations

import json

import _books
import pytest
from _page import read

import csrisk as cr
from csrisk.exceptions import ConfigError
from csrisk.report import ReportForm


@pytest.fixture(scope="module")
def pages(why, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    path = cr.write_report(folder / "large book.html", why, data=data, chunk=25)
    return [path, *sorted((folder / "large book-accounts").iterdir())]


def ranks(path) -> list[int]:
    cards = read(path.read_text("utf-8")).all("li")
    return [int(card.attributes["id"][1:]) for card in cards if "data-v" in card.attributes]


def test_every_account_has_a_card_on_one_page(pages):
    assert [page.name for page in pages] == ["large book.html", "accounts-002.html", "accounts-003.html"]
    assert [ranks(page) for page in pages] == [list(range(1, 26)), list(range(26, 51)), list(range(51, 61))]


def test_pages_of_a_larger_book_are_gone(why, tmp_path):
    folder = tmp_path / "r-accounts"
    folder.mkdir()
    (folder / "accounts-009.html").write_text("before", "utf-8")
    cr.write_report(tmp_path / "r.html", why, form=ReportForm(chunk=40))
    assert [file.name for file in folder.iterdir()] == ["accounts-002.html"]


def test_lines_of_the_book_lead_to_the_cards(pages):
    root = read(pages[0].read_text("utf-8"))
    table = next(t for t in root.all("table") if t.all("caption") and t.all("caption")[0].text() == "Further accounts")
    links = [a.attributes["href"] for a in table.all("a")]
    assert links[0] == "large%20book-accounts/accounts-002.html#a26"
    assert links[-1] == "large%20book-accounts/accounts-003.html#a60"
    assert len(links) == 35
    assert "This page holds the cards of the first 25 of 60 accounts; the others are on 2 pages of 25" in root.text()


def test_pages_lead_back_and_forth(pages):
    nav = read(pages[1].read_text("utf-8")).all("nav")[0]
    assert [a.attributes["href"] for a in nav.all("a")] == ["../large%20book.html", "accounts-003.html"]
    nav = read(pages[2].read_text("utf-8")).all("nav")[0]
    assert [a.attributes["href"] for a in nav.all("a")] == ["../large%20book.html", "accounts-002.html"]


def test_cards_are_those_of_a_single_file(pages, why, data, tmp_path):
    single = read(cr.write_report(tmp_path / "a.html", why, data=data).read_text("utf-8"))
    printed = {
        card.attributes["id"]: card.marked("q")[0].text() for card in single.all("li") if "data-v" in card.attributes
    }
    for page in pages:
        for card in read(page.read_text("utf-8")).all("li"):
            if "data-v" in card.attributes:
                assert card.marked("q")[0].text() == printed[card.attributes["id"]]


def test_same_input_same_bytes_on_every_page(pages, why, data):
    before = [page.read_bytes() for page in pages]
    cr.write_report(pages[0], why, data=data, chunk=25)
    assert [page.read_bytes() for page in pages] == before


def test_pages_keep_the_policy_and_ask_for_nothing(pages):
    for page in pages:
        text = page.read_text("utf-8")
        policy = next(e for e in read(text).all("meta") if e.attributes.get("http-equiv"))
        assert policy.attributes["content"].startswith("default-src 'none'; style-src 'sha256-")
        assert "http" not in text.replace("http-equiv", "")


def test_book_that_fits_on_one_page_has_no_folder(tmp_path, why):
    cr.write_report(tmp_path / "a.html", why, chunk=60)
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]


@pytest.mark.parametrize(("name", "chunk"), [("a.html", 0), ("a.json", 10)])
def test_chunk_that_makes_no_sense_is_refused(tmp_path, why, name, chunk):
    with pytest.raises(ConfigError, match=f"chunk={chunk}: must be at least 1, and pages are written as .html only"):
        cr.write_report(tmp_path / name, why, chunk=chunk)


def test_goals_over_time_are_the_means_of_the_books(tmp_path, why):
    before = _books.earlier(why)
    report = json.loads(cr.write_report(tmp_path / "a.json", why, previous=before).read_text())
    course = report["course"]
    assert course["dates"] == ["2025-09-01", "2025-10-01"]
    assert course["accounts"] == [60, 60]
    assert course["predictions"] == pytest.approx([before.prediction.mean(), why.prediction.mean()])
    assert dict(course["goals"])["footprint"] == pytest.approx(
        [before.goals()["footprint"].mean(), why.goals()["footprint"].mean()]
    )


def test_gap_to_the_best_stands_on_the_card(tmp_path, why):
    cards = json.loads(cr.write_report(tmp_path / "a.json", why, gap=why).read_text())["cards"]
    for card in cards[:25]:
        assert dict(card["gap"]) == pytest.approx({part["goal"]: part["points"] for part in card["goals"]})
    assert all(not card["gap"] for card in cards[25:])
    assert "Behind the best customers by" in cr.write_report(tmp_path / "a.html", why, gap=why).read_text("utf-8")


def test_first_screen_says_what_moved_and_how_far_to_trust_it(tmp_path, why, parts):
    text = cr.write_report(tmp_path / "a.json", why, previous=_books.earlier(why), **parts).read_text()
    said = [decision["text"] for decision in json.loads(text)["summary"]["decisions"]]
    assert any(one.startswith("Since 1 September 2025 the mean risk changed by") for one in said)
    # AUC 0.81 (0.77 to 0.85) of the model, 0.648 of the health score, 2,400 snapshots, 310 churned
    pairs = (
        "On later data (2,400 snapshots, 310 churned) the model ranked a churner above a stayer in "
        "81\u00a0% (77\u00a0% to 85\u00a0%) of pairs; the health score in 65\u00a0%."
    )
    assert pairs in said
    alone = json.loads(cr.write_report(tmp_path / "b.json", why).read_text())["summary"]["decisions"]
    assert "How good the model is was not handed over: take the order with care." in [one["text"] for one in alone]


def test_backtest_by_lead_and_age_is_in_the_model_card(tmp_path, why):
    found = _books.backtest()
    tables = {"by_age": found.by_age(), "by_lead": found.by_age().rename_axis(index={"age": "lead"})}
    report = json.loads(cr.write_report(tmp_path / "a.json", why, backtest=tables).read_text())
    captions = [table["caption"] for table in report["quality"]]
    assert captions == ["Backtest by age of the model", "Backtest by lead time"]
    assert report["quality"][1]["columns"][0]["label"] == "Days ahead"
    assert [trend["caption"] for trend in report["trends"]] == ["AUC by age of the model", "AUC by lead time"]
