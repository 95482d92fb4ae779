"""The page in a real browser: no request, no error, usable by mouse and keyboard, accessible, printable."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path

import _books
import pytest

import csrisk as cr

pytestmark = pytest.mark.browser

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
WIDTHS = [(1280, 800), (360, 780), (1920, 1080)]


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
def address(why, parts, hostile, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("browser") / "risk.html"
    more = {"More": _books.calibration().rename(columns=str.title)}
    extra = {"extra": more, "previous": _books.earlier(why), "backtest": _books.backtest()}
    return cr.write_report(path, why, **{**parts, "data": hostile}, **extra).as_uri()


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


def test_filters_by_owner_and_plan_narrow_and_the_first_stay_open(visit):
    page = visit()
    for name in ("plan", "owner"):
        page.select_option(f"#{name}", index=1)
        values = page.eval_on_selector_all(
            ".cards > li:not([hidden])", "found => found.map(e => e.dataset.v.split(' '))"
        )
        assert values
        assert {row[{"plan": 6, "owner": 7}[name]] for row in values} == {"1"}
        assert page.locator("#count").inner_text() == f"{len(values)} of 60 shown"
        page.select_option(f"#{name}", value="")
    assert page.locator(".cards").first.locator("> li").count() == 25


def test_csv_holds_the_rows_shown_and_no_formula(visit):
    page = visit()
    page.select_option("#segment", index=1)
    with page.expect_download() as got:
        page.click("#csv")
    rows = list(csv.DictReader(Path(got.value.path()).read_text("utf-8-sig").splitlines()))
    assert [row["name"].lstrip("'") for row in rows] == [name.strip() for name in shown(page)]
    assert {row["segment"] for row in rows} == {"Enterprise"}
    assert all(row["account_id"].startswith("acct-") for row in rows)
    assert all(0 < float(row["churn_probability"]) < 1 for row in rows)
    page.select_option("#segment", value="")
    with page.expect_download() as got:
        page.click("#csv")
    cells = [cell for row in csv.reader(Path(got.value.path()).read_text("utf-8-sig").splitlines()) for cell in row]
    assert not [cell for cell in cells if cell[:1] in tuple("=+-@|%")]
    assert [cell for cell in cells if cell.startswith("'=HYPERLINK")]


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
    page.pdf(path=tmp_path / "risk.pdf", format="A4")
    assert (tmp_path / "risk.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("size", WIDTHS[:2])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_of_wcag_22_aa(visit, size, scheme):
    package = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    page = visit(*size, scheme=scheme)
    page.click("#open")
    page.evaluate("document.querySelectorAll('#a1 details, #a2 details').forEach(d => { d.open = true })")
    page.evaluate((Path(package.__file__).parent / "axe.min.js").read_text("utf-8"))
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate("tags => axe.run(document, { runOnly: tags })", tags)
    assert [(v["id"], [n["html"][:200] for n in v["nodes"][:3]]) for v in found["violations"]] == []
    assert len(found["passes"]) > 20
