"""The past of a report: risks over the last year, what was told and what happened, and how long accounts stay."""

from __future__ import annotations

import json

import _books
import numpy as np
import pandas as pd
import pytest
from _page import read

import csrisk as cr
from csrisk.exceptions import ConfigError
from csrisk.report._content import Past
from csrisk.report._printing._past import past_line, past_words
from csrisk.report._printing._svg import Scale
from csrisk.report._success._cohorts import cohort_tables, survival_of
from csrisk.report._success._svg import survival_plot
from csrisk.report._told import observed_to_expected

_DATES = [_books.AS_OF - pd.DateOffset(months=back) for back in (2, 1)]


def snapshots(rows: dict[tuple[str, pd.Timestamp], dict[str, object]]) -> pd.DataFrame:
    index = pd.MultiIndex.from_tuples(rows, names=["account_id", "as_of"])
    return pd.DataFrame(list(rows.values()), index=index)


@pytest.fixture(scope="module")
def history() -> pd.DataFrame:
    """Of two accounts: one seen twice, with a goal, one seen once; and a score of the book's own day."""
    first, second = _DATES
    return snapshots(
        {
            ("acct-00007", first): {"churn_probability": 0.25, "footprint_points": -4.0},
            ("acct-00007", second): {"churn_probability": 0.5, "footprint_points": 12.0},
            ("acct-00008", second): {"churn_probability": 0.125, "footprint_points": 0.0},
            ("acct-00008", _books.AS_OF): {"churn_probability": 0.9, "footprint_points": 0.0},
        }
    )


@pytest.fixture(scope="module")
def told() -> pd.DataFrame:
    """Told 0.02, 0.03, 0.5, 0.5 and 0.95 of five accounts; the second and the third left, the fourth grew."""
    risks, left = (0.02, 0.03, 0.5, 0.5, 0.95), (False, True, True, False, False)
    names = ("acct-00001", "gone & away", "acct-00002", "acct-00003", "acct-00004")
    return snapshots(
        {
            (name, _DATES[0]): {"churn_probability": risk, "left": gone, "grew": name == "acct-00003"}
            for name, risk, gone in zip(names, risks, left, strict=True)
        }
    )


def content(tmp_path, why, **parts):
    return json.loads(cr.write_report(tmp_path / "a.json", why, **parts).read_text("ascii"))


def test_each_account_is_followed_up_to_its_book(tmp_path, why, history):
    found = content(tmp_path, why, history=history, learned_until=_DATES[0])
    assert found["past"] == ["1 August 2025", "1 September 2025", "1 October 2025"]
    assert found["past_learned"] == 1
    cards = {card["account"]: card for card in found["cards"]}
    now = {name: 100 * card["probability"] for name, card in cards.items()}
    assert cards["acct-00007"]["past"]["risks"] == pytest.approx([25, 50, now["acct-00007"]])
    assert cards["acct-00008"]["past"]["risks"] == [None, 12.5, pytest.approx(now["acct-00008"])]
    assert {name for name, card in cards.items() if card["past"]} == {"acct-00007", "acct-00008"}
    footprint = next(goal["points"] for goal in cards["acct-00007"]["goals"] if goal["goal"] == "footprint")
    in_first_cards = cards["acct-00007"]["rank"] <= 25
    expected = [["footprint", [-4.0, 12.0, footprint]]] if in_first_cards else []
    assert cards["acct-00007"]["past"]["goals"] == expected


def test_page_draws_the_past_and_says_what_the_model_had_learned(tmp_path, why, history):
    page = cr.write_report(tmp_path / "a.html", why, history=history, learned_until=_DATES[0]).read_text("utf-8")
    lines = [svg for svg in read(page).all("svg") if "at most" in (svg.attributes.get("aria-label") or "")]
    assert len(lines) == 2
    assert "Up to 1 August 2025, left of the thin mark, the model learned from what came of these very days" in page
    plain = cr.write_report(tmp_path / "b.html", why).read_text("utf-8")
    assert "<span>Past</span>" in page
    assert "<span>Past</span>" not in plain
    markdown = cr.write_report(tmp_path / "a.md", why, history=history).read_text("utf-8")
    assert "- Risk from 25.0\u00a0% on 1 August 2025 to " in markdown


def test_line_is_drawn_in_whole_pixels_with_gaps():
    past = Past((10.0, 20.0, 20.0, None, 50.0, None, 0.0, 100.0))
    line = past_line(past, Scale(0, 100))  # 17 pixels down is 0 %, 1 pixel is 100 %
    assert "<path d=M0,15l5-1,5,0M20,9h0M30,17l5-16 />" in line
    assert 'aria-label="10 to 100\u00a0%, at most 100\u00a0%"' in line
    level = past_line(Past((20.0, 20.0, 20.0, 100.0)), Scale(0, 100))
    assert "<path d=M0,14l10,0,5-13 />" in level  # what goes on in one direction is one stroke
    words = past_words(Past((10.0, None, 30.0, 20.0)), ("May", "June", "July", "August"))
    assert words == "Risk from 10.0\u00a0% on May to 20.0\u00a0% now, at most 30.0\u00a0% on July."


def test_observed_to_expected_has_the_exact_poisson_interval():
    # Garwood's limits: 0.619 to 8.767 of three, 0 to 3.689 of none
    three, none = observed_to_expected(3, 2.0), observed_to_expected(0, 2.0)
    assert (three.estimate, three.low, three.high) == pytest.approx((1.5, 0.6187 / 2, 8.7673 / 2), rel=1e-4)
    assert (none.estimate, none.low, none.high) == pytest.approx((0, 0, 3.6889 / 2), rel=1e-4)
    assert observed_to_expected(0, 0.0) is None


def test_what_was_told_is_held_against_what_happened(tmp_path, why, told):
    found = content(tmp_path, why, told=told, told_by="Told by a test.")["told"]
    bands, high, low = found["tables"]
    counted = [[*row[:4], *row[5:]] for row in bands["rows"]]  # band, accounts, expected, left; stayed, grew
    assert counted == [
        ["below 5\u00a0%", 2, pytest.approx(0.05), 1, 1, 0],
        ["from 40\u00a0%", 3, pytest.approx(1.95), 1, 2, 1],
        ["all", 5, pytest.approx(2.0), 2, 3, 1],
    ]
    assert bands["rows"][-1][4]["estimate"] == pytest.approx(1.0)
    assert found["headline"].startswith("Of 5 accounts told on 1 August 2025, 2 left where 2.0 were expected: 1.00 ")
    assert [row[:2] for row in high["rows"]] == [["acct-00004", 0.95]]
    assert [row[:2] for row in low["rows"]] == [["gone & away", 0.03]]
    page = cr.write_report(tmp_path / "a.html", why, told=told, told_by="Told by a test.").read_text("utf-8")
    assert "Told by a test." in page
    assert "gone &amp; away" in page
    markdown = cr.write_report(tmp_path / "a.md", why, told=told).read_text("utf-8")
    assert "## What was told on 1 August 2025, and what happened" in markdown


@pytest.mark.parametrize("key", [True, "a secret"])
def test_accounts_that_left_stay_unnamed_in_a_pseudonymised_report(tmp_path, why, told, key):
    text = cr.write_report(tmp_path / "a.json", why, told=told, pseudonymise=key).read_text("ascii")
    assert "gone" not in text
    assert "acct-" not in text


def test_growth_that_is_not_known_has_no_column(tmp_path, why, told):
    found = content(tmp_path, why, told=told.drop(columns="grew"))["told"]
    assert [column["label"] for column in found["tables"][0]["columns"]][-1] == "Stayed"
    assert len(found["tables"][1]["columns"]) == 3


def test_frames_of_another_kind_are_refused(tmp_path, why, history, told):
    with pytest.raises(ConfigError, match=r"history: it takes churn_probability on \(account_id, as_of\)"):
        content(tmp_path, why, history=history.rename(columns={"churn_probability": "risk"}))
    with pytest.raises(ConfigError, match="history: 4 of 8 snapshots are told twice"):
        content(tmp_path, why, history=pd.concat([history, history]))
    with pytest.raises(ConfigError, match="history: 4 of 4 risks are missing or not between 0 and 1"):
        content(tmp_path, why, history=history.assign(churn_probability=2.0))
    with pytest.raises(ConfigError, match=r"told: columns \['left'\] are missing"):
        content(tmp_path, why, told=told.drop(columns="left"))
    with pytest.raises(ConfigError, match="told: its snapshots are of 2 dates"):
        content(tmp_path, why, told=history.assign(left=False).iloc[:2])


@pytest.fixture(scope="module")
def contracts() -> cr.CustomerData:
    """Ten accounts of January 2025 in two segments; the two of one segment left after a month, the others run."""
    ids = [f"a{at}" for at in range(10)]
    ends = ["2025-02-15" if at < 2 else None for at in range(10)]
    tables = {
        "accounts": pd.DataFrame({"account_id": ids, "segment": ["small" if at < 2 else "large" for at in range(10)]}),
        "subscriptions": pd.DataFrame({"account_id": ids, "start_at": "2025-01-01", "end_at": ends, "mrr": 100.0}),
    }
    return cr.CustomerData(tables, end="2025-06-01")


def test_cohorts_are_those_of_csrisk_success(contracts):
    accounts, revenue = cohort_tables(contracts, pd.Timestamp("2025-06-01"))
    # followed for four months and a grace of thirty days; eight of ten stay from the second month on
    assert accounts.rows == revenue.rows == (("January 2025*", 10, 1.0, 0.8, 0.8, 0.8),)
    assert cohort_tables(contracts, pd.Timestamp("2025-01-20")) == ()
    assert cohort_tables(_books.customers(5), _books.AS_OF) == ()


def test_survival_by_segment_with_those_followed(contracts):
    found = survival_of(contracts, pd.Timestamp("2025-06-01"))
    (large, points), (small, few) = found.curves
    assert (large, small) == ("large (8)", "small (2)")
    assert points[0] == (0, 1.0, 1.0, 1.0)
    assert points[-1][:2] == (151, 1.0)
    assert few == ((0, 1.0, 1.0, 1.0),)  # two accounts carry no curve
    stay = found.tables[0]
    assert [column.label for column in stay.columns] == [
        *("Segment", "Followed at most", "Stay 3 months, %", "Followed at 3"),
    ]
    assert [row[0] for row in stay.rows] == ["large", "small"]
    assert stay.rows[0][2].estimate == 100
    assert stay.rows[0][3] == 8
    assert stay.rows[1][2:] == (None, 0)
    drawn = survival_plot(found)
    assert "M40 20H480V20H" in drawn  # from the start to the last day, then back along the lower end
    assert survival_of(_books.customers(5), _books.AS_OF) is None


def test_bars_and_lines_keep_five_hundred_accounts_below_a_megabyte(tmp_path):
    why, data = _books.explanation(500), _books.customers(500)
    ids = why.index.get_level_values("account_id")
    dates = [_books.AS_OF - pd.DateOffset(months=back) for back in range(12, 0, -1)]
    index = pd.MultiIndex.from_product([ids, dates], names=["account_id", "as_of"])
    risks = np.random.default_rng(0).random(len(index))
    points = {f"{goal}_points": 30 * risks for goal in why.goals_present}
    history = pd.DataFrame({"churn_probability": risks, **points}, index=index)
    parts = {"evaluation": _books.evaluation(), "checks": _books.checks(), "learned_until": dates[6]}
    path = cr.write_report(tmp_path / "a.html", why, data=data, history=history, **parts)
    assert path.stat().st_size < 1_000_000
