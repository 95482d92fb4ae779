"""What a reader meets first: the right total, why an account is listed, the colours of goals, ways back to the CRM."""

from __future__ import annotations

import itertools
import json
import re
from statistics import NormalDist

import _books
import numpy as np
import pandas as pd
import pytest
from _page import read
from scipy.special import expit

import csrisk as cr
from csrisk._drawing._palette import DARK, GROUND, LIGHT, MOVES_DARK, MOVES_LIGHT, SERIES, palette_css
from csrisk._goals import Goal
from csrisk._text._numbers import money, percent, signed
from csrisk.exceptions import ConfigError
from csrisk.report._figures._forecast import Bias, churn_forecast, read_bias
from csrisk.report._figures._revenue import why_listed
from csrisk.report._names import checked_url

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB
SIGHTS = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]])


def linear(colour: str) -> np.ndarray:
    share = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def lab(colour: str, sight: str) -> np.ndarray:
    ratio = XYZ @ np.clip(np.array(SIGHTS[sight]) @ linear(colour), 0, 1) / [0.95047, 1.0, 1.08883]
    x, y, z = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_goals_are_told_apart_by_everybody(palette, sight):
    assert set(palette) == set(Goal)
    near = {
        (one, other): float(np.linalg.norm(lab(palette[one], sight) - lab(palette[other], sight)))
        for one, other in itertools.combinations(palette, 2)
    }
    assert min(near.values()) >= 20, min(near, key=near.__getitem__)


@pytest.mark.parametrize("sight", SIGHTS)
def test_lines_of_pictures_are_told_apart_by_everybody(sight):
    pairs = itertools.combinations(SERIES, 2)
    assert min(np.linalg.norm(lab(one, sight) - lab(other, sight)) for one, other in pairs) >= 20
    assert max(XYZ[1] @ linear(colour) for colour in SERIES) <= 1.05 / 3 - 0.05  # a contrast of 3 to white


@pytest.mark.parametrize(("palette", "moves", "ground"), [(LIGHT, MOVES_LIGHT, "light"), (DARK, MOVES_DARK, "dark")])
def test_colours_stand_out_and_no_goal_looks_like_raising(palette, moves, ground):
    behind = XYZ[1] @ linear(GROUND[ground])
    for colour in (*palette.values(), *moves.values()):
        low, high = sorted([behind, XYZ[1] @ linear(colour)])
        assert (high + 0.05) / (low + 0.05) >= 3, colour
    for colour, moved in itertools.product(palette.values(), moves.values()):
        assert np.linalg.norm(lab(colour, "normal") - lab(moved, "normal")) >= 20


def test_page_and_pictures_have_the_same_colours(page, why):
    for goal, colour in LIGHT.items():
        assert f"--g-{goal}: {colour};" in page
    assert palette_css() in page
    ax = why.plot_goals("bars")
    drawn = {patch.get_facecolor() for patch in ax.patches}
    from matplotlib.colors import to_rgba

    assert drawn == {to_rgba(LIGHT[goal]) for goal in why.goals_present}


def test_shift_of_zero_leaves_the_total_and_widens_its_range():
    """Without an error of the test e = .4 * sqrt(1 - .25 ** 2) remains: 400 * (expit(m + e) - expit(m - e)) / 2."""
    told = Bias(0.0, 0.0, 0.0).total(np.full(400, 0.1), np.ones(400))
    margin, error = np.log(1 / 9), 0.4 * np.sqrt(0.9375)
    spread = 1.6448536 * np.hypot(6, 200 * (expit(margin + error) - expit(margin - error)))
    assert (told.expected, told.low, told.high) == pytest.approx((40, 40 - spread, 40 + spread))


def test_a_quarter_of_what_the_test_found_for_sure_is_carried():
    # odds of 1 to 9, and a quarter of the logarithm of 16 is that of 2: 2 / 11 of 110 accounts are 20
    told = Bias(np.log(16), np.log(16), np.log(16)).total(np.full(110, 0.1), np.ones(110))
    assert told.expected == pytest.approx(20)
    assert told.low < 20 - 1.645 * 4.0 < 20 + 1.645 * 4.0 < told.high  # wider than chance alone: sqrt(110 * 18 / 121)
    money = Bias(np.log(16), np.log(16), np.log(16)).total(np.array([0.1, 0.1]), np.array([1100.0, np.nan]))
    assert money.expected == pytest.approx(200)


def test_less_is_carried_of_a_test_with_few_events():
    """Shift .4 with an error of .4: .4 squared may lie between periods, .25 * .16 / (.16 + .16) = .125 of .4."""
    few = Bias(0.4, 0.4 - 1.959964 * 0.4, 0.4 + 1.959964 * 0.4)
    assert few.carried == pytest.approx((0.05, 0.4 * np.sqrt(1 - 0.25 * 0.125)), rel=1e-6)


def test_error_of_the_forward_test_widens_every_total():
    """100 accounts at .5: chance is 5, an error of e in log-odds moves the total by 100 (expit(e) - .5)."""
    risk = np.full(100, 0.5)
    plain, told = churn_forecast(risk), churn_forecast(risk, Bias(0.4, 0.4, 0.4))
    error = np.hypot(0.1, 0.4 * np.sqrt(0.9375))  # a quarter is carried: an error of the own total
    spread = NormalDist().inv_cdf(0.95) * np.hypot(5, 100 * (expit(error) - 0.5))
    assert (told.expected, told.low, told.high) == pytest.approx((50, 50 - spread, 50 + spread))
    assert told.low < plain.low < plain.high < told.high
    assert "chance alone" in plain.method
    assert "error of the forward test" in told.method


def with_intercept(shift: float, low: float, high: float) -> dict[str, pd.DataFrame]:
    tables = _books.evaluation()
    tables["Model"].loc["calibration_intercept"] = [shift, low, high]
    return tables


def test_headline_tells_the_corrected_total_with_that_of_the_model(why, data, tmp_path):
    def summary(low: float, high: float) -> dict:
        path = tmp_path / "r.json"
        evaluation = with_intercept(1.0, low, high)
        cr.write_report(path, why, data=data, evaluation=evaluation, window=(14, 90))
        return json.loads(path.read_text())["summary"]

    def moved(by: float) -> float:
        return float((1 / (1 + np.exp(-np.log(why.prediction / (100 - why.prediction)) - by))).sum())

    own, sure, may_be = why.prediction.sum() / 100, summary(1.0, 1.0), summary(-4.0, 6.0)
    assert sure["corrected"]["expected"] == pytest.approx(moved(0.25))
    assert own < may_be["corrected"]["expected"] < moved(0.01)
    assert sure["headline"].startswith(f"About {moved(0.25):.0f} of 60 accounts (")
    assert f"The model alone says {own:.0f}, too few by the forward test." in sure["headline"]
    assert may_be["headline"].startswith(f"About {own:.0f} of 60 accounts (")
    assert "The model alone" not in may_be["headline"]
    assert "from 15 October 2025 to 12 January 2026" in sure["headline"]


def test_bias_is_not_guessed():
    assert read_bias(None) is None
    assert read_bias(_books.evaluation()) is None
    assert read_bias(with_intercept(0.1, np.nan, np.nan)) is None


def test_a_horizon_that_was_not_handed_over_is_said(why, tmp_path):
    cr.write_report(tmp_path / "r.json", why)
    assert "whose days were not handed over" in json.loads((tmp_path / "r.json").read_text())["summary"]["headline"]


def test_totals_by_segment_add_up_to_the_book(why, data, tmp_path):
    cr.write_report(tmp_path / "r.json", why, data=data, evaluation=with_intercept(0.5, 0.2, 0.8))
    table = next(t for t in json.loads((tmp_path / "r.json").read_text())["outlook"] if "segment" in t["caption"])
    *segments, book = table["rows"]
    assert len(segments) == 3
    assert sum(row[1] for row in segments) == book[1] == 60
    for place in range(2, len(book)):
        assert sum(row[place]["estimate"] for row in segments) == pytest.approx(book[place]["estimate"])


def test_calendar_counts_each_renewal_in_its_month(data, tmp_path, monkeypatch):
    due = cr.Feature("days_to_renewal", "churn", "days", "{value} to the renewal; typical is {typical}.", -1)
    monkeypatch.setattr(_books, "FEATURES", (due, *_books.FEATURES))
    why = _books.explanation(60)
    cr.write_report(tmp_path / "r.json", why, data=data)
    told = json.loads((tmp_path / "r.json").read_text())
    table = next(t for t in told["outlook"] if t["caption"] == "Renewals ahead")
    left = why.background.values["days_to_renewal"]  # noqa: PD011  # a field
    months = [f"{d:%B %Y}" for d in _books.AS_OF + pd.to_timedelta(left, unit="D")]
    assert [(row[0], row[1]) for row in table["rows"]] == [(name, months.count(name)) for name in told["renewals"][:12]]
    page = read(cr.write_report(tmp_path / "r.html", why, data=data).read_text("utf-8"))
    choices = next(box for box in page.all("select") if box.attributes.get("id") == "renewal").all("option")
    assert [option.text().strip() for option in choices] == ["all months", *told["renewals"]]


def test_an_account_listed_for_its_money_says_so():
    # mean risk 0.24; the second stands high for 10,000 a month, the first for its risk
    said = why_listed(np.array([0.5, 0.1, 0.2, 0.16]), np.array([2000.0, 10000.0, 100.0, 100.0]))
    assert said[1] == "Listed for its revenue: its risk is below the mean of the book (24.0\u00a0%)."
    assert said[0] == said[2] == said[3] == ""
    assert why_listed(np.array([0.5, 0.1]), None) == ("", "")


@pytest.mark.parametrize(
    "pattern",
    [
        "javascript:alert('{account_id}')",
        "https://crm.example/",
        "https://{account_id}.example/",
        "https://crm.example/{account_id}/{account_id}",
        "https://crm.example/{account_id}{name}",
        'https://crm.example/{account_id}"onclick="x',
        "https://user:pw@crm.example/{account_id}",
        "//crm.example/{account_id}",
        "https://crm.example/ {account_id}",
        "data:text/html,{account_id}",
    ],
)
def test_an_address_that_is_none_is_refused(pattern):
    with pytest.raises(ConfigError, match=r"account_url=.* must be an http"):
        checked_url(pattern)


def test_cards_lead_to_the_crm_by_their_id(why, data, tmp_path):
    path = cr.write_report(tmp_path / "r.html", why, data=data, account_url="https://crm.example/a?id={account_id}")
    links = [a.attributes["href"] for a in read(path.read_text("utf-8")).all("a", rel="noreferrer noopener")]
    assert len(links) == 60
    assert set(links) == {f"https://crm.example/a?id=acct-{i:05d}" for i in range(60)}
    with pytest.raises(ConfigError, match="pseudonymised report holds no account ids"):
        cr.write_report(path, why, data=data, account_url="https://crm.example/{account_id}", pseudonymise=True)


def test_account_ids_stand_below_names(page):
    cards = read(page).all("li")
    assert sum("acct-" in card.text() for card in cards if card.attributes.get("id")) == 60


def test_figures_are_written_in_one_way():
    assert [signed(-0.04), signed(-1.26), signed(2.0)] == ["0.0", "\u22121.3", "+2.0"]
    assert [percent(0.123), percent(0.5, 0)] == ["12.3\u00a0%", "50\u00a0%"]
    assert [money(-1234.4, "$"), money(None), money(5, "CHF")] == ["\u2212$1,234", "\u2013", "CHF\u00a05"]


def test_no_hyphen_stands_for_a_minus(page):
    text = re.sub(r"\s+", " ", read(page).all("main")[0].text())
    assert not re.findall(r"(?<![\w.-])-\d", text)


def test_digest_is_one_screen_without_script_or_sheet(why, data, tmp_path):
    parts = {"data": data, "evaluation": with_intercept(0.5, 0.2, 0.8), "window": (14, 90)}
    parts["previous"] = _books.earlier(why)
    text = cr.write_report(tmp_path / "d.html", why, digest=True, currency="€", **parts).read_text("utf-8")
    root = read(text)
    assert not root.all("script")
    assert not root.all("style")
    assert "class=" not in text
    assert len(text) < 20_000  # what mail programs show without cutting is 102 kB
    assert "expected to leave from 15 October 2025" in root.text()
    assert [row.all("th")[0].text() for row in root.all("table")[0].all("tr")] == [
        "Accounts expected to stay",
        "Monthly revenue at risk",
        "What moved",
    ]
    markdown = cr.write_report(tmp_path / "d.md", why, digest=True, **parts).read_text("utf-8")
    assert len([line for line in markdown.splitlines() if line.startswith("| ")]) == 10  # heads, rule, eight accounts
    with pytest.raises(ConfigError, match="a digest is one of"):
        cr.write_report(tmp_path / "d.json", why, digest=True)


def test_digest_escapes_names(why, hostile, tmp_path):
    text = cr.write_report(tmp_path / "d.html", why, data=hostile, digest=True).read_text("utf-8")
    assert "<script" not in text
    assert "<img" not in text


def test_each_owner_has_a_page_of_their_own_accounts(why, data, tmp_path):
    folder = tmp_path / "r-owners"
    folder.mkdir()
    # a page of an owner who has left goes, a file of somebody else stays
    notes, gone = folder / "notes.html", folder / "007-somebody-else.html"
    for file in (notes, gone):
        file.write_text("before", "utf-8")
    cr.write_report(tmp_path / "r.html", why, data=data, by_owner=True)
    assert (notes.exists(), gone.exists()) == (True, False)
    pages = sorted(folder.glob("0*.html"))
    assert [page.name for page in pages] == [f"00{n + 1}-manager-{n}.html" for n in range(4)]
    seen = [re.findall(r"acct-\d{5}(?=</u>)", page.read_text("utf-8")) for page in pages]
    for place, accounts in enumerate(seen):
        assert {int(account[-5:]) % 4 for account in accounts} == {place}
    assert sum(map(len, seen)) == 60
    with pytest.raises(ConfigError, match="no account has an owner"):
        cr.write_report(tmp_path / "s.html", why, by_owner=True)


def test_objects_say_what_they_are(why):
    said = repr(why)
    assert said.startswith("Explanation(60 rows in percentage points; churn, footprint, advocacy, feedback, context;")
    assert len(said) < 300
    new = cr.RiskPipeline()
    assert repr(new) == "RiskPipeline(horizon='90D', lead='14D'; not fitted)"
    assert "not fitted" in new._repr_html_()


def test_every_total_says_what_its_range_is_of(why, data, tmp_path):
    """Page, Markdown and digest beside each total; the page names how the range of the total that it shows was made."""
    evaluation = with_intercept(0.5, 0.2, 0.8)
    for name in ("r.html", "r.md"):
        cr.write_report(tmp_path / name, why, data=data, evaluation=evaluation)
    page, plain = ((tmp_path / name).read_text() for name in ("r.html", "r.md"))
    assert page.count("interval of the total)") == 2
    assert plain.count("interval of the total)") == 4
    assert "accounts by the shift by the forward test, chance and its error" in " ".join(page.split())
    assert "Ranges are 95 % intervals of each measure" in page.replace("\u00a0", " ")
