"""What stands on the page: structure, sums, order, no evidence."""

from __future__ import annotations

import dataclasses
import json
import re
import warnings
from pathlib import Path

import _books
import numpy as np
import pandas as pd
import pytest
from _page import figure, read

import csrisk as cr
from csrisk._goals import Goal
from csrisk.exceptions import ExplanationError


def write(tmp_path, why, name="risk.html", **parts) -> str:
    return cr.write_report(tmp_path / name, why, **parts).read_text("utf-8")


def test_sections_come_in_order_and_every_link_of_the_page_leads_somewhere(page):
    root = read(page)
    sections = [section.attributes["id"] for section in root.all("section")]
    assert sections == [
        "summary",
        "accounts",
        "goals",
        "success",
        "outlook",
        "model",
        "checks",
        "provenance",
        "glossary",
    ]
    targets = {e.attributes.get("id") for e in root.all()}
    for link in root.all("a"):
        assert link.attributes["href"].removeprefix("#") in targets


def test_page_has_language_one_heading_landmarks_and_a_skip_link(page):
    root = read(page)
    assert root.all("html")[0].attributes["lang"] == "en"
    assert len(root.all("h1")) == len(root.all("main")) == len(root.all("nav")) == len(root.all("header")) == 1
    assert root.all("a")[0].attributes == {"class": "skip", "href": "#main"}
    assert all(th.attributes.get("scope") in ("row", "col") for th in root.all("th"))
    assert all(t.all("caption") or t.attributes.get("aria-labelledby") for t in root.all("table"))


def test_what_is_printed_on_each_card_adds_up(page):
    cards = [card for card in read(page).all("li") if "data-v" in card.attributes]
    assert len(cards) == 60
    for card in cards:
        body = card.marked("w")[0]
        rows = body.marked("k")
        reference, *goals, total = (figure(row.all("b")[0].text()) for row in rows)
        assert reference + sum(goals) == pytest.approx(total, abs=1e-9)
        assert total == figure(card.marked("p")[0].text())
        assert f"= {total:.1f}" in body.marked("q")[0].text()
        for row in rows:
            parts = [figure(item.all("b")[0].text()) for item in row.all("li") if item.all("b")]
            if parts:
                assert sum(parts) == pytest.approx(figure(row.all("b")[0].text()), abs=1e-9)


def test_printed_figures_are_those_of_the_explanation_within_their_rounding(page, why):
    goals = why.goals()
    cards = [card for card in read(page).all("li") if "data-v" in card.attributes]
    printed = sorted(figure(card.marked("p")[0].text()) for card in cards)
    np.testing.assert_allclose(printed, np.sort(goals["prediction"]), atol=0.05 + 1e-9)


def test_bars_of_a_card_continue_where_the_last_one_ended(page):
    card = read(page).marked("w")[0]
    level = 0.0
    rows = [row for row in card.marked("k") if (row.all("i")[0].attributes.get("class") or "")]

    def bar(row):
        kind, *left, width = row.all("i")[0].attributes["class"].split()  # in two hundredths of the width
        return kind, int(left[0].removeprefix("x")) if left else 0, int(width.removeprefix("w"))

    for row in rows[:-1]:
        kind, left, width = bar(row)
        assert abs(left - level) <= 1 or abs(left + width - level) <= 1
        level = left if kind == "d" else left + width
    assert bar(rows[-1])[2] == pytest.approx(level, abs=1)


def test_accounts_come_by_expected_loss_and_without_revenue_by_probability(tmp_path, why, data):
    priced = json.loads(write(tmp_path, why, "a.json", data=data))["cards"]
    loss = [card["probability"] * card["mrr"] for card in priced]
    assert loss == sorted(loss, reverse=True)
    assert [card["at_risk"] for card in priced] == pytest.approx(loss)
    free = json.loads(write(tmp_path, why, "b.json"))["cards"]
    chance = [card["probability"] for card in free]
    assert chance == sorted(chance, reverse=True)
    assert free[0]["mrr"] is None


def test_revenue_is_that_of_the_subscriptions_running_at_the_date(tmp_path, why):
    ids = ["acct-00000", "acct-00000", "acct-00000", "acct-00001"]
    start = pd.to_datetime(["2024-01-01", "2025-10-01", "2025-01-01", "2025-09-30"])
    end = pd.to_datetime([None, None, "2025-09-01", "2025-12-01"])
    subscriptions = pd.DataFrame(
        {
            "account_id": ids,
            "start_at": start,
            "end_at": end,
            "product": list("abca"),
            "mrr": [100.0, 1000.0, 10_000.0, 7.0],
        }
    )
    usage = pd.DataFrame({"account_id": ids, "at": pd.Timestamp("2025-09-30")})
    data = cr.CustomerData({"subscriptions": subscriptions, "usage": usage}, end="2026-01-01")
    cards = json.loads(write(tmp_path, why, "a.json", data=data))["cards"]
    mrr = {card["account"]: card["mrr"] for card in cards}
    assert mrr["acct-00000"] == 100.0  # the second starts on the day, the third is over
    assert mrr["acct-00001"] == 7.0
    assert mrr["acct-00002"] is None


def test_goal_without_any_value_says_so_in_book_and_cards(tmp_path):
    why = _books.explanation(20, blind=("feedback",))
    text = write(tmp_path, why)
    root = read(text)
    row = next(tr for tr in root.all("tr") if tr.text().startswith("Feedback loop"))
    assert "no evidence" in row.text()
    for card in root.marked("w"):
        part = next(k for k in card.marked("k") if k.text().startswith("Feedback loop"))
        assert "not measured" in part.text().lower()
    assert "No evidence for Feedback loop: these goals are unseen, not healthy." in text


def test_missing_tables_are_named_and_their_goal_has_no_evidence(tmp_path, why):
    data = _books.customers(60, without=("surveys", "advocacy", "expectations"))
    report = json.loads(write(tmp_path, why, "a.json", data=data))
    assert report["missing"] == [
        "No surveys table: sentiment and feedback loops cannot be seen.",
        "No advocacy table: references, referrals and reviews cannot be seen.",
        "No expectations table: promises and whether they were met cannot be seen.",
    ]
    evidence = {goal["goal"]: goal["evidence"] for goal in report["goals"]}
    assert evidence == {"churn": True, "footprint": True, "advocacy": False, "feedback": False, "context": True}


def test_goal_of_which_the_model_knows_nothing_is_listed_all_the_same(tmp_path):
    X, churned = _books.frame(300)
    kept = [f for f in _books.FEATURES if f.goal != Goal.ADVOCACY]
    X = X[[f.name for f in kept]]
    why = cr.explain(_books.SmallModel().fit(X, churned), X.iloc[:9], reference=X, declarations=kept, n_reference=9)
    report = json.loads(write(tmp_path, why, "a.json"))
    assert [goal["goal"] for goal in report["goals"] if not goal["evidence"]] == ["advocacy"]


def test_cap_on_cards_is_stated_and_the_rest_follows_in_lines(tmp_path, why, data):
    text = write(tmp_path, why, data=data, max_cards=7)
    root = read(text)
    assert len([card for card in root.all("li") if "data-v" in card.attributes]) == 7
    assert (
        "The first 7 of 60 accounts have a card (at most 7 in one file); the other 53 follow in one line each." in text
    )
    table = next(t for t in root.all("table") if t.all("caption") and t.all("caption")[0].text() == "Further accounts")
    assert len(table.all("tr")) == 54


def test_failed_checks_come_first_and_ask_for_a_decision(tmp_path, why):
    report = json.loads(write(tmp_path, why, "a.json", checks=_books.checks()))
    assert [row[2] for row in report["checks"]["rows"]] == ["failed", "passed", "passed", "not applicable"]
    assert {"text": "1 check failed (CSR010).", "section": "checks", "severity": "act"} in report["summary"][
        "decisions"
    ]


def test_check_objects_read_like_the_frame_of_them(tmp_path, why):
    class Record:
        def __init__(self, **fields):
            self.__dict__.update(fields)

    objects = [Record(**row) for row in _books.checks().to_dict("records")]
    frame, listed = (json.loads(write(tmp_path, why, "a.json", checks=c)) for c in (_books.checks(), objects))
    assert frame["checks"] == listed["checks"]


def test_what_was_not_handed_over_is_said(tmp_path, why):
    text = write(tmp_path, why)
    assert "No evaluation was handed over" in text
    assert "No checks were handed over" in text
    assert "ranking by risk, not by uplift" in text


def test_metrics_stand_beside_their_baselines_with_intervals(page):
    table = next(t for t in read(page).all("table") if "How good the model is" in t.text())
    head, auc = table.all("tr")[:2]
    assert [th.text() for th in head.all("th")] == ["Measure", "Model", "Health score", "Recency", "What it says"]
    assert "0.810 0.770 to 0.850" in auc.text()


def test_expansion_names_accounts_as_the_rest_does(tmp_path, why, data):
    expansion = pd.DataFrame({"account_id": ["acct-00004", "acct-00001", "acct-99999"], "probability": [0.6, 0.4, 0.3]})
    report = json.loads(write(tmp_path, why, "a.json", data=data, expansion=expansion))
    rows = report["expansion"]["rows"]
    assert [row[:2] for row in rows] == [["Company 00004 Ltd", 0.6], ["Company 00001 Ltd", 0.4]]
    # growth is advised to the safe and happy alone
    assert [column["label"] for column in report["expansion"]["columns"][2:]] == ["Why", "Next step"]
    assert all(row[3] is None for row in rows)


def test_forecast_dates_follow_from_lead_and_horizon(page):
    # as_of 1 October + 14 days = 15 October; 90 days from there end with 12 January
    assert "Forecast of churn from 15 October 2025 to 12 January 2026." in page


def test_moves_are_the_differences_between_two_books(tmp_path, why):
    before = _books.earlier(why)
    report = json.loads(write(tmp_path, why, "a.json", previous=before))
    moves = report["moves"]
    change = float(why.prediction[7] - before.prediction[7])
    assert (moves["since"], moves["accounts"], moves["new"], moves["gone"]) == ("1 September 2025", 60, 0, 0)
    assert moves["change"] == pytest.approx(change / 60)
    named = moves["up"] + moves["down"]
    assert [move["name"] for move in named] == ["acct-00007"]
    assert named[0]["change"] == pytest.approx(change)
    moved = {card["account"]: card["moved"] for card in report["cards"]}
    assert moved["acct-00007"] == pytest.approx(change)
    assert moved["acct-00008"] == pytest.approx(0.0, abs=1e-9)
    assert "What moved since 1 September 2025" in write(tmp_path, why, previous=before)


def test_new_and_gone_accounts_are_counted(tmp_path):
    now, before = _books.explanation(12), _books.explanation(10)
    moves = json.loads(write(tmp_path, now, "a.json", previous=before))["moves"]
    assert (moves["accounts"], moves["new"], moves["gone"]) == (10, 2, 0)
    moves = json.loads(write(tmp_path, before, "a.json", previous=now))["moves"]
    assert (moves["accounts"], moves["new"], moves["gone"]) == (10, 0, 2)


def test_timeline_counts_by_week_what_was_known_at_the_date(tmp_path, why):
    at = ["2025-09-30", "2025-09-24", "2025-09-23", "2025-04-02", "2025-04-01", "2025-10-01", "2025-09-29"]
    usage = pd.DataFrame({"account_id": "acct-00003", "at": pd.to_datetime(at)})
    usage["known_at"] = pd.to_datetime([*at[:-1], "2025-10-05"])  # the last row came late
    data = cr.CustomerData({"usage": usage}, end="2025-11-01")
    cards = json.loads(write(tmp_path, why, "a.json", data=data))["cards"]
    line = next(card["timeline"] for card in cards if card["account"] == "acct-00003")
    # 1 October is the date itself; 24 September is 7 days before, 23 September 8, 2 April 182, 1 April 183
    assert line["use"] == [1, *[0] * 23, 1, 2]
    assert next(card["timeline"] for card in cards if card["account"] == "acct-00004") is None


def test_a_timeline_does_not_say_that_nobody_answered_where_nobody_can_know(tmp_path, why):
    times = pd.to_datetime(["2025-09-01", "2025-09-20"])
    surveys = pd.DataFrame({"account_id": "acct-00003", "sent_at": times, "answered_at": [times[0], pd.NaT]})
    for table, words in ((surveys, "1 of 2 surveys answered."), (surveys.drop(columns="answered_at"), "2 surveys.")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", cr.exceptions.DataWarning)  # that the column is missing
            data = cr.CustomerData({"surveys": table}, end="2025-11-01")
        page = write(tmp_path, why, data=data)
        assert f"0 contacts; {words}" in page


def test_comparison_stands_beside_segment_and_safest(tmp_path, why, data):
    card = json.loads(write(tmp_path, why, "a.json", data=data))["cards"][0]
    assert 1 <= len(card["compared"]) <= 5
    line = card["compared"][0]
    assert set(line) == {"feature", "label", "value", "segment", "best", "before"}
    assert line["before"] is None
    values = why.background.values  # noqa: PD011  # a frame by that name
    feature = next(f for f in why.declarations if f.name == line["feature"])
    row = values.loc[(card["account"], _books.AS_OF), feature.name]
    assert line["value"] == feature.format(row)
    safest = np.argsort(why.prediction, kind="stable")[:6]
    assert line["best"] == feature.format(float(values[feature.name].iloc[safest].median()))


def test_levers_of_a_card_are_those_of_the_explanation(page, why):
    card = next(card for card in read(page).all("li") if card.attributes.get("id") == "a1")
    tables = [part for part in card.all("details") if part.attributes.get("class") == "wi"]
    assert len(tables) == 1
    printed = {row.all("th")[0].text().lower(): row.all("td")[0].text() for row in tables[0].all("tr")[1:]}
    account = (card.all("u") or card.all("bdi"))[0].text()
    answers = why.levers(account).droplevel(["account_id", "as_of"])
    shown = answers[answers["change"].abs() >= 0.05]["what_if"]
    assert printed == {lever: f"{risk:.1f}\u00a0%" for lever, risk in shown.items()}
    assert printed


def test_success_part_counts_every_account_once(tmp_path, why, data):
    success = json.loads(write(tmp_path, why, "a.json", data=data))["success"]
    assert success["accounts"] == 60
    assert sum(count for _, count in success["stages"]) == success["known"]
    assert sum(count for _, count, _ in success["quadrants"]) == len(success["points"])
    assert dict(success["ledger"]["rows"])["Asked"] == 60


def test_backtest_object_gives_tables_and_trends(tmp_path, why):
    backtest = _books.backtest()
    report = json.loads(write(tmp_path, why, "a.json", backtest=backtest))
    assert [table["caption"] for table in report["quality"]] == [
        "Backtest by date of training",
        "Backtest by age of the model",
    ]
    (by_age,) = report["trends"]  # one date of training has no course
    assert by_age["labels"] == ["0", "30"]
    assert [name for name, _ in by_age["series"]] == ["model", "recency"]
    assert by_age["series"][0][1][0]["estimate"] == 1.0  # the scores of churners are all above the others
    assert "<title>AUC by age of the model</title>" in write(tmp_path, why, backtest=backtest)


def test_model_card_says_what_it_is_for_and_what_not(page):
    text = next(t for t in read(page).all("table") if "What the model is" in t.text()).text()
    assert "13 features: 4 churn, 4 footprint, 2 advocacy, 2 feedback loop, 1 context" in text
    assert "between 14 and 104 days after the date of the book" in text
    assert "Not meant for" in text


def test_large_book_stays_small_and_its_lines_are_capped(tmp_path):
    why = _books.explanation(3000)
    path = cr.write_report(tmp_path / "a.html", why, max_cards=100)
    assert "1,400 more accounts are in the CSV and JSON forms of this report." in path.read_text("utf-8")
    assert path.stat().st_size < 1_000_000
    assert len(json.loads(write(tmp_path, why, "a.json", max_cards=100))["lines"]) == 2900


def test_estimate_without_a_range_prints_none(tmp_path, why):
    bounds = {"estimate": [1.5, 2.5], "low": [np.nan, 2.25], "high": [np.nan, 2.75]}
    outlook = pd.DataFrame(bounds, index=pd.Index(["now", "later"], name="metric"))
    text = write(tmp_path, why, extra={"Outlook": outlook})
    rows = [[cell.text().split() for cell in row.all("td")] for row in read(text).all("tr") if row.all("td")]
    assert [["1.5"]] in rows
    assert [["2.5", "2.25", "to", "2.75"]] in rows
    assert "nan" not in text.split("id=extra-1")[1].split("</section>")[0]


def test_accounts_in_tables_lead_to_their_cards(tmp_path, why, data):
    first, second = why.index[:2]
    rows = pd.MultiIndex.from_tuples([first, second], names=why.index.names)
    table = pd.DataFrame({"expansion_probability": [0.5, 0.4]}, index=rows)
    root = read(write(tmp_path, why, data=data, expansion=table))
    section = next(e for e in root.all("section") if e.attributes["id"] == "expansion")
    found = [card for card in root.all("li") if "data-v" in card.attributes]
    cards = {card.attributes["id"]: card.marked("o")[0].all("bdi")[0].text() for card in found}
    links = section.all("a")
    assert links
    assert all(cards[link.attributes["href"].removeprefix("#")] == link.text() for link in links)
    names = list(cards.values())
    assert all(names.count(link.text()) == 1 for link in links)


def test_next_steps_of_checks_are_printed_where_one_failed(tmp_path, why):
    checks = _books.checks()
    assert "Next step" in write(tmp_path, why, checks=checks)
    assert "Next step" not in write(tmp_path, why, checks=checks[checks["status"] != "failed"])


@pytest.mark.parametrize(("low", "high", "said"), [(0.1, 0.5, "too low"), (-0.5, -0.1, "too high"), (-0.1, 0.1, None)])
def test_totals_that_are_off_beyond_chance_are_said_on_the_first_screen(tmp_path, why, low, high, said):
    quality = {name: table.copy() for name, table in _books.evaluation().items()}
    first = next(iter(quality.values()))
    first.loc["calibration_intercept"] = [(low + high) / 2, low, high]
    first.loc["mean_risk"] = [0.055, 0.05, 0.06]
    first.loc["event_rate"] = [0.071, 0.06, 0.08]
    page = write(tmp_path, why, evaluation=quality)
    summary = page.split("id=summary")[1].split("</section>")[0]
    assert ("totals are rather" in summary) == (said is not None)
    assert said is None or f"{said}, and those above are moved a little" in summary
    why_off = page.split("id=model")[1].split("Why totals can be off while the order holds")[1].split("</p>")[0]
    assert "it forecast 5.5\u00a0% and 7.1\u00a0% left" in why_off
    assert ("beyond the chance" in why_off) == (said is not None)


def test_the_accounts_most_likely_to_expand_are_explained_in_points_and_money_that_add_up(tmp_path, why, data):
    money = dataclasses.replace(why, output="amount")
    html = write(tmp_path, why, data=data, growth=why, growth_amounts=money)
    section = next(e for e in read(html).all("section") if e.attributes["id"] == "expansion")
    cards = [e for e in section.all("details") if "Reference" in e.text()][1:]  # the first holds them all
    report = json.loads(write(tmp_path, why, "a.json", data=data, growth=why, growth_amounts=money))["growth"]
    assert len(cards) == len(report) == 10
    likely = pd.Series(why.prediction, why.index.get_level_values("account_id")).sort_values(ascending=False)
    assert [card["probability"] for card in report] == pytest.approx((likely[:10] / 100).tolist())
    assert [card["account"] for card in report] == likely.index[:10].tolist()
    for card, told in zip(cards, report, strict=True):
        assert told["name"] in card.text()
        parts = [goal["shown"] for goal in told["goals"]]
        assert told["reference_shown"] + sum(parts) == pytest.approx(told["prediction_shown"], abs=1e-9)
        for goal in told["goals"]:
            inside = sum(part["shown"] for part in goal["features"]) + goal["rest_shown"]
            assert inside == pytest.approx(goal["shown"], abs=1e-9)
        sums = told["amount"]["reference_shown"] + sum(shown for *_, shown in told["amount"]["goals"])
        assert sums == pytest.approx(told["amount"]["prediction_shown"], abs=1e-9)
        assert f"Expected growth a month: {told['amount']['prediction_shown']:.1f} =" in card.text()
    markdown = write(tmp_path, why, "a.md", data=data, growth=why, growth_amounts=money)
    assert markdown.count("likely to expand\n\n- Reference:") == 10


def test_growth_is_in_points_and_its_amounts_are_of_the_same_rows(tmp_path, why):
    with pytest.raises(ExplanationError, match=r"growth_amounts=...: hand over growth="):
        write(tmp_path, why, growth_amounts=dataclasses.replace(why, output="amount"))
    with pytest.raises(ExplanationError, match=r"growth=...: output='log_odds' must be 'probability'"):
        write(tmp_path, why, growth=dataclasses.replace(why, output="log_odds"))
    with pytest.raises(ExplanationError, match=r"explain the same rows as growth=..., with output='amount'"):
        write(tmp_path, why, growth=why, growth_amounts=why)


def test_without_a_forward_test_nothing_is_said_of_totals(tmp_path, why):
    assert "Why totals can be off" not in write(tmp_path, why, evaluation=_books.evaluation())


def test_revenue_at_risk_is_given_as_a_share_too(tmp_path, why, data):
    path = tmp_path / "r.html"
    cr.write_report(path, why, data=data)
    cr.write_report(path.with_suffix(".json"), why, data=data)
    told = json.loads(path.with_suffix(".json").read_text())["summary"]
    share = told["mrr_at_risk"]["expected"] / told["mrr"]
    tile = read(path.read_text("utf-8")).all("dl")[0].text()
    assert f"; {100 * share:.1f}\u00a0% of the revenue" in tile
    assert "Money is in the currency of the tables." in path.read_text("utf-8")
    cr.write_report(path, why, data=data, currency="€")
    assert "in the currency of the tables" not in path.read_text("utf-8")


def test_the_guide_to_the_page_leads_to_places_that_are_there(tmp_path, why, parts):
    """Sections and cards by their anchor; words by the page, or by what prints them where this book lacks the table."""
    root = Path(cr.__file__).parent
    guide = (root.parent / "docs" / "reading_the_report.md").read_text("utf-8")
    expansion = pd.DataFrame({"account_id": ["acct-00001"], "expansion_probability": [0.4]})
    given = {**parts, "previous": _books.earlier(why), "backtest": _books.backtest(), "expansion": expansion}
    page = read(write(tmp_path, why, account_url="https://crm.example/{account_id}", **given))
    there = {element.attributes.get("id") for element in page.all()}
    printed = page.text() + "".join(
        file.read_text("utf-8")
        for room in ("report", "_pipeline/_output")
        for file in (root / room).rglob("*.*")
        if file.suffix in (".py", ".js", ".j2")
    )
    asked = re.findall(r"^\| [^|]+\? \| ([^|]+) \| [^|]+ \|$", guide, flags=re.MULTILINE)
    assert len(asked) > 40
    for place in asked:
        anchors, words = re.findall(r"`#([\w-]+)`", place), re.findall(r'"([^"]+)"', place)
        assert anchors or place == "the last line", place
        assert set(anchors) <= there, place
        assert [one for one in words if one not in printed] == [], place
