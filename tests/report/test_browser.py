"""The page in a real browser: no request, no error, usable by mouse and keyboard, accessible, printable."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import _books
import numpy as np
import pandas as pd
import pytest
from _page import figure

import csrisk as cr

pytestmark = pytest.mark.browser

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
WIDTHS = [(1280, 800), (360, 780), (1920, 1080)]
CRM = "https://crm.example/a?id={account_id}"
DUE = cr.Feature("days_to_renewal", "churn", "days", "{value} to the renewal; typical is {typical}.", -1)


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed (apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def renewing():
    """A book whose contracts have an end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_books, "FEATURES", (DUE, *_books.FEATURES))
        return _books.explanation(60)


@pytest.fixture(scope="module")
def written(renewing, parts, hostile, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("browser") / "risk.html"
    more = {"More": _books.calibration().rename(columns=str.title)}
    extra = {"extra": more, "previous": _books.earlier(renewing), "backtest": _books.backtest(), "account_url": CRM}
    for suffix in (".html", ".json"):
        cr.write_report(path.with_suffix(suffix), renewing, **{**parts, "data": hostile}, **extra)
    return path


@pytest.fixture(scope="module")
def short(parts, tmp_path_factory) -> str:
    """A page of the same parts with few accounts, all hostile names among them."""
    n = len(_books.HOSTILE) + 4
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_books, "FEATURES", (DUE, *_books.FEATURES))
        why = _books.explanation(n)
    given = {**parts, "data": _books.customers(n, names=_books.HOSTILE)}
    extra = {"extra": {"More": _books.calibration().rename(columns=str.title)}, "previous": _books.earlier(why)}
    path = tmp_path_factory.mktemp("short") / "risk.html"
    return cr.write_report(path, why, **given, **extra, backtest=_books.backtest(), account_url=CRM).as_uri()


@pytest.fixture(scope="module")
def address(written) -> str:
    return written.as_uri()


@pytest.fixture(scope="module")
def told(written) -> pd.DataFrame:
    """The cards as JSON holds them, by account id."""
    return pd.DataFrame(json.loads(written.with_suffix(".json").read_text())["cards"]).set_index("account")


@pytest.fixture
def visit(browser, address):
    """Opens the report and notes what the browser asks for and complains about."""
    contexts = []

    def opened(width=1280, height=800, scheme="light", javascript=True, url=address):
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, java_script_enabled=javascript
        )
        contexts.append(context)
        page = context.new_page()
        page.asked, page.complaints = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("dialog", lambda dialog: page.complaints.append(dialog.message))
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()


def shown(page) -> list[str]:
    return page.eval_on_selector_all(".cards > li:not([hidden]) .o bdi", "found => found.map(e => e.textContent)")


@pytest.mark.parametrize("size", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_asks_for_nothing_and_complains_of_nothing(visit, address, size, scheme):
    page = visit(*size, scheme=scheme)
    page.click("#open")
    assert page.asked == [address] or set(page.asked) == {address, "data:,"}
    assert page.complaints == []


@pytest.mark.parametrize("size", WIDTHS)
def test_page_does_not_scroll_sideways(visit, size):
    page = visit(*size)
    page.click("#open")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


ODD = (
    "\u0634\u0631\u0643\u0629 \u0627\u0644\u0623\u0641\u0642 (2024)",
    "\u05d7\u05d1\u05e8\u05ea \u05d4\u05d3\u05d2\u05de\u05d4 12.5 % Ltd",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 Family & Friends \U0001f1e9\U0001f1ea",
    "W" * 300,
    "Donaudampfschifffahrtselektrizit\u00e4tenhauptbetriebswerkbauunterbeamtengesellschaft",
    "\u540d\u524d\u306e\u9577\u3044\u682a\u5f0f\u4f1a\u793e" * 9,
)


@pytest.fixture(scope="module")
def odd(why, parts, tmp_path_factory) -> str:
    """A book in which every name is odd, so that the first screen holds them too."""
    data = _books.customers(60, names=ODD * 10)
    path = tmp_path_factory.mktemp("odd") / "odd.html"
    return cr.write_report(path, why, **{**parts, "data": data}, previous=_books.earlier(why)).as_uri()


@pytest.mark.parametrize("width", [1280, 400])
def test_odd_names_keep_to_their_place(visit, odd, width):
    page = visit(width, 900, url=odd)
    page.evaluate("document.querySelectorAll('.fold, #a1 details, #a2 details').forEach(d => { d.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    inside = "found => found.every(e => e.getBoundingClientRect().right <= innerWidth)"
    assert page.eval_on_selector_all("#summary *, .cards .o, .cards .o bdi", inside)
    turned = page.eval_on_selector_all(
        ".cards .o bdi", "found => found.map(e => [e.textContent.charCodeAt(0), getComputedStyle(e).direction])"
    )
    # a name runs its own way, and what stands beside it does not turn with it
    assert {direction for first, direction in turned if 0x590 <= first <= 0x6FF} == {"rtl"}
    assert {direction for first, direction in turned if not 0x590 <= first <= 0x6FF} == {"ltr"}
    assert page.evaluate("getComputedStyle(document.querySelector('.cards > li')).direction") == "ltr"


def test_injected_names_run_nothing(visit):
    page = visit()
    assert page.evaluate("document.querySelectorAll('script').length") == 1
    assert page.evaluate("document.querySelectorAll('img, iframe, object, embed, [onload], [onerror]').length") == 0
    assert page.complaints == []


def test_policy_stops_a_script_that_is_not_ours(visit):
    page = visit()
    page.evaluate(
        "const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s)"
    )
    assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in text for text in page.complaints)


def test_search_narrows_and_says_how_many(visit):
    page = visit()
    page.fill("#search", "gesla")  # accents do not matter
    assert len(shown(page)) == 1
    assert page.inner_text("#count") == "1 of 60 shown"
    page.fill("#search", "")
    assert len(shown(page)) == 60


def test_filters_by_goal_and_segment_combine(visit):
    page = visit()
    page.select_option("#goal", label="Footprint")
    reasons = page.eval_on_selector_all(".cards > li:not([hidden]) .e i", "found => found.map(e => e.textContent)")
    assert set(reasons) == {"Footprint:"}
    one = len(shown(page))
    page.select_option("#segment", index=1)
    assert 0 < len(shown(page)) < one


def test_sorting_by_mouse_goes_both_ways(visit):
    page = visit()

    def risks():
        texts = page.eval_on_selector_all(".cards .p", "found => found.map(e => parseFloat(e.textContent))")
        return [float(text) for text in texts]

    assert risks() != sorted(risks(), reverse=True)
    page.click(".head button[data-k='1']")
    assert risks() == sorted(risks(), reverse=True)
    page.click(".head button[data-k='1']")
    assert risks() == sorted(risks())
    assert page.get_attribute(".head button[data-k='1']", "aria-pressed") == "true"
    page.click(".head button[data-k='0']")
    ranks = page.eval_on_selector_all(".cards summary.a > b", "found => found.map(e => +e.textContent)")
    assert ranks == sorted(ranks)


def test_keyboard_alone_searches_sorts_and_opens(visit):
    page = visit()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.focus("#search")
    page.keyboard.type("company 00030")
    assert len(shown(page)) == 1
    page.focus(".head button[data-k='name']")
    page.keyboard.press("Enter")
    assert page.get_attribute(".head button[data-k='name']", "aria-pressed") == "true"
    page.keyboard.press("Tab")  # Risk
    page.keyboard.press("Tab")  # Revenue
    page.keyboard.press("Tab")  # At risk
    page.keyboard.press("Tab")  # the account
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.open")
    page.keyboard.press("Tab")  # the way to the CRM
    page.keyboard.press("Tab")  # its first goal
    page.keyboard.press("Space")
    assert page.evaluate("document.activeElement.parentElement.matches('.k[open]')")


def test_link_to_an_account_opens_it(visit):
    page = visit()
    page.click("#summary a[href='#a2']")
    assert page.evaluate("document.querySelector('#a2 > details').open")
    page.evaluate("location.hash = '#a40'")  # one that is folded away
    assert page.locator("#a40 .q").first.is_visible()
    page.click("#summary a[href='#a2']")
    assert page.evaluate("document.activeElement.closest('li').id") == "a2"


def test_everything_is_readable_without_script(visit):
    page = visit(javascript=False)
    assert page.locator(".tools").is_hidden()
    assert page.locator(".cards > li").count() == 60
    page.locator("#a1 summary.a").click()
    assert page.locator("#a1 .q").first.is_visible()


@pytest.mark.parametrize(("size", "most"), [((1280, 900), 1200), ((400, 800), 2500)])
def test_first_account_is_near_the_top(visit, size, most):
    page = visit(*size)
    assert page.evaluate("document.querySelector('.cards > li').getBoundingClientRect().top") < most
    assert page.locator("#summary .figure").first.is_visible()


def test_what_is_unfolded_can_be_read(visit):
    assert len(visit().inner_text("body").split()) <= 4000


def ids(page) -> list[str]:
    return page.eval_on_selector_all(".cards > li:not([hidden]) .o u", "found => found.map(e => e.textContent)")


@pytest.mark.parametrize("name", ["plan", "owner", "segment", "renewal"])
def test_each_filter_keeps_exactly_the_accounts_of_its_value(visit, told, name):
    page = visit()
    for value in sorted({*told[name]} - {""})[:3]:
        page.select_option(f"#{name}", label=value)
        assert sorted(ids(page)) == sorted(told.index[told[name] == value])
        assert page.inner_text("#count") == f"{(told[name] == value).sum()} of 60 shown"
    page.select_option(f"#{name}", value="")
    assert page.locator(".cards").first.locator("> li").count() == 25


def test_a_csm_finds_their_own_by_keyboard_alone(visit, told):
    page = visit(400, 800)  # filters are folded here
    page.focus(".filters summary")
    page.keyboard.press("Enter")
    for _ in range(4):  # reason, segment, plan, owner
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "owner"
    page.keyboard.type("Manager 2")
    assert page.evaluate("document.activeElement.selectedOptions[0].text.trim()") == "Manager 2"
    assert sorted(ids(page)) == sorted(told.index[told["owner"] == "Manager 2"])


def test_a_csm_finds_their_own_by_mouse(visit, told):
    page = visit(400, 800)
    page.click(".filters summary")
    page.click("#owner")  # opens the list of choices
    page.keyboard.press("Escape")
    page.select_option("#owner", label="Manager 1")
    mine = told.index[told["owner"] == "Manager 1"]
    assert sorted(ids(page)) == sorted(mine)
    page.click(".cards > li:not([hidden]) summary.a")
    assert page.locator(".cards > li:not([hidden]) .own").first.inner_text().count("Owner: Manager 1.") == 1


def read_csv(page) -> list[dict[str, str]]:
    with page.expect_download() as got:
        page.click("#csv")
    return list(csv.DictReader(Path(got.value.path()).read_text("utf-8-sig").splitlines()))


def test_csv_holds_the_rows_shown_and_no_formula(visit, told):
    page = visit()
    page.select_option("#segment", label="Enterprise")
    page.click(".head button[data-k='1']")  # by risk: the order of the page is the order of the file
    rows = read_csv(page)
    assert [row["account_id"] for row in rows] == ids(page)
    assert [row["name"].lstrip("'") for row in rows] == [name.strip() for name in shown(page)]
    cards = told.loc[ids(page)]
    assert [int(row["priority"]) for row in rows] == cards["rank"].tolist()
    for head, name in {"churn_probability": "probability", "mrr": "mrr", "mrr_at_risk": "at_risk"}.items():
        np.testing.assert_allclose([float(row[head]) for row in rows], cards[name].astype(float), rtol=1e-5)
    for name in ("segment", "plan", "owner", "renewal"):
        assert [row[name] for row in rows] == cards[name].tolist()
    printed = page.eval_on_selector_all(".cards > li:not([hidden]) .p", "found => found.map(e => e.textContent)")
    assert [100 * float(row["churn_probability"]) for row in rows] == pytest.approx([*map(figure, printed)], abs=0.0501)
    reasons = page.eval_on_selector_all(".cards > li:not([hidden]) .e", "found => found.map(e => e.textContent)")
    assert [row["reason"].split() for row in rows] == [reason.split() for reason in reasons]
    page.select_option("#segment", value="")
    cells = [cell for row in read_csv(page) for cell in row.values()]
    assert not [cell for cell in cells if cell[:1] in tuple("=+-@|%")]
    assert [cell for cell in cells if cell.startswith("'=HYPERLINK")]


def test_csv_has_no_column_of_what_the_page_does_not_hold(visit):
    page = visit()
    assert {"plan", "owner"} <= set(read_csv(page)[0])
    page.evaluate("document.getElementById('plan').remove()")  # as in a page of a book with one plan, or with hundreds
    assert {"plan", "owner"} & set(read_csv(page)[0]) == {"owner"}


def test_what_a_lever_would_do_is_opened_by_keyboard(visit, told):
    levers = told["levers"].iloc[0]
    assert levers
    page = visit()
    page.focus("#a1 summary.a")
    page.keyboard.press("Enter")
    while page.evaluate("document.activeElement.closest('#a1') !== null"):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.parentElement.matches('.wi')"):
            break
    page.keyboard.press("Enter")
    rows = page.eval_on_selector_all("#a1 .wi tbody tr", "found => found.map(e => [...e.cells].map(c => c.innerText))")
    assert [row[0].lower() for row in rows] == [lever["name"] for lever in levers]
    assert [figure(row[1]) for row in rows] == pytest.approx([lever["risk"] for lever in levers], abs=0.0501)
    assert [figure(row[2]) for row in rows] == pytest.approx([lever["change"] for lever in levers], abs=0.0501)
    assert "not the effect of bringing them about" in page.inner_text("#a1 .wi")


def test_tables_of_a_card_say_on_a_phone_what_stands_in_them(visit):
    page = visit(400, 800)
    page.evaluate("document.querySelectorAll('#a1 details').forEach(d => { d.open = true })")
    labels = """(table) => [...table.tBodies[0].rows[0].cells].slice(1).map((cell) =>
      getComputedStyle(cell, '::before').content.replaceAll('"', '').trim())"""
    heads = "(table) => [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent)"
    what_if, compared = page.locator("#a1 .wi .cmp"), page.locator("#a1 .cmp").last
    assert what_if.evaluate(labels) == ["Risk", "Change", "Stays"]
    now, *others = compared.evaluate(heads)
    assert (now, compared.evaluate(labels)) == ("Now", ["This account", *others])


def test_the_calendar_of_renewals_counts_what_the_filter_shows(visit):
    page = visit()
    page.focus("#outlook .fold > summary >> text=Renewals ahead")
    page.keyboard.press("Enter")
    rows = page.eval_on_selector_all(
        "#outlook .fold[open] [aria-label='Renewals ahead'] tbody tr",
        "found => found.map(e => [...e.cells].map(c => c.innerText))",
    )
    assert rows
    for month, accounts, *_, first in rows:
        page.select_option("#renewal", label=month)
        assert len(shown(page)) == int(accounts)
        assert shown(page)[0] == first


def test_the_theme_follows_the_reader(visit):
    def brightness(scheme):
        page = visit(scheme=scheme)
        colours = [
            page.evaluate(f"getComputedStyle(document.body).{name}.match(/[0-9]+/g).map(Number)")
            for name in ("backgroundColor", "color")
        ]
        return [sum(colour[:3]) / 765 for colour in colours]

    ground, ink = brightness("light")
    assert ground > 0.9 > 0.3 > ink
    ground, ink = brightness("dark")
    assert ground < 0.3 < 0.8 < ink


def test_a_card_leads_to_the_crm_and_tells_it_nothing_of_the_page(visit):
    page = visit()
    asked = []

    def answer(route):
        asked.append(route.request.all_headers() | {"url": route.request.url})
        route.fulfill(body="the account")

    page.context.route("https://crm.example/**", answer)
    page.click("#a1 summary.a")
    own = page.inner_text("#a1 .o u")
    page.focus("#a1 .own a")
    page.keyboard.press("Enter")
    page.wait_for_url("https://crm.example/**")
    assert [request["url"] for request in asked] == [CRM.format(account_id=own)]
    assert "referer" not in asked[0]


def test_print_is_a_summary_and_a_page_for_each_account_asked_for(visit, tmp_path):
    page = visit()
    for place in (3, 7):
        page.evaluate(f"document.querySelector('#a{place} > details').open = true")
    page.pdf(path=tmp_path / "two.pdf", format="A4")
    assert len(re.findall(rb"/Type\s*/Page[^s]", (tmp_path / "two.pdf").read_bytes())) == 3
    page.emulate_media(media="print")
    kept = page.eval_on_selector_all(".cards > li", "f => f.filter(e => e.offsetHeight).map(e => e.id)")
    assert kept == ["a3", "a7"]
    assert page.locator("#model").is_hidden()


def test_printing_opens_the_first_accounts(visit, tmp_path):
    page = visit()
    page.emulate_media(media="print")
    assert page.locator("#a1 .q").first.is_visible()
    assert page.locator("nav").is_hidden()
    # the bar of a goal is four pixels wide, and covers none of the letters beside it
    indent = "found => found.map(e => parseFloat(getComputedStyle(e).paddingLeft))"
    assert min(page.eval_on_selector_all("#a1 .k[class*=g-] > :is(summary, ul), #a1 div.k[class*=g-]", indent)) > 4
    page.pdf(path=tmp_path / "risk.pdf", format="A4")
    assert (tmp_path / "risk.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(("size", "scheme"), [(WIDTHS[0], "dark"), (WIDTHS[1], "light")])
def test_axe_finds_no_violation_of_wcag_22_aa(visit, short, size, scheme):
    package = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    page = visit(*size, scheme=scheme, url=short)
    page.click("#open")
    page.evaluate("document.querySelectorAll('#a1 details, #a2 details').forEach(d => { d.open = true })")
    page.evaluate((Path(package.__file__).parent / "axe.min.js").read_text("utf-8"))
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate("tags => axe.run(document, { runOnly: tags })", tags)
    assert [(v["id"], [n["html"][:200] for n in v["nodes"][:3]]) for v in found["violations"]] == []
    assert len(found["passes"]) > 20
