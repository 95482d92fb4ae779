"""What a browser makes of a report: requests, words, printed pages, violations of WCAG 2.2 AA, where accounts begin.

    python benchmarks/report_page.py csrisk-demo/report.html                  # whatever axe finds is named
    python benchmarks/report_page.py csrisk-demo/report.html --shots /tmp/shots

The page is opened from its file, and whatever it asks of other hosts fails. Views are every state of the page (as it
opens, each kind of folded part open, filtered, filtered to nothing, printed) in light and dark and in three widths.
"""

from __future__ import annotations

import argparse
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SCHEMES = ("light", "dark")
WIDTHS = (1280, 800, 400)
HEIGHT = 900
# words in what is drawn: a part that is folded, hidden or of no size is not
WORDS = """all => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let words = 0;
  while (walker.nextNode()) {
    const holder = walker.currentNode.parentElement;
    if (holder.closest('script, style, noscript, template')) continue;
    if (all || holder.checkVisibility({ visibilityProperty: true })) {
      words += walker.currentNode.data.split(/\\s+/).filter((word) => /[\\p{L}\\p{N}]/u.test(word)).length;
    }
  }
  return words;
}"""
FIRST = "() => Math.round(document.querySelector('.cards > li').getBoundingClientRect().top + scrollY)"
OPENED = """() => {
  for (const part of document.querySelectorAll('details')) {
    const card = part.closest('.cards > li');
    // of the cards the first and one that is folded away, with all in them: the others are of the same template
    if (!card || card.matches('.cards > :nth-child(-n + 3)')) part.open = true;
  }
}"""
CHOSEN = """() => {
  for (const box of document.querySelectorAll('.filters select:is(#owner, #segment)')) {
    if (box.options.length > 1) box.selectedIndex = 1;
    box.dispatchEvent(new Event('change'));
  }
  document.querySelector('.head button[data-k="1"]')?.click();
  const card = document.querySelector('.cards > li:not([hidden]) > details');
  if (card) card.open = true;
}"""
NOTHING = """() => {
  const box = document.querySelector('#search');
  if (box) box.value = 'there is no such account', box.dispatchEvent(new Event('input'));
}"""
STATES = {"as it opens": "", "parts opened": OPENED, "filtered": CHOSEN, "filtered to nothing": NOTHING, "printed": ""}


@dataclass(slots=True)
class Looks:
    """What was seen of a page."""

    requests: int
    unfolded: int
    words: int
    printed: int
    first: dict[int, int] = field(default_factory=dict)
    violations: dict[tuple[str, int, str], list[str]] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Tell pages on which nothing is to be read."""
        return not self.unfolded


@contextmanager
def opened(path: Path, **options: Any) -> Iterator[tuple[Any, list[str]]]:
    """Open a page in Chromium without network; gives it and what it asks of other hosts."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(**options)
        page, asked = context.new_page(), []
        page.on("request", lambda request: asked.append(request.url))
        context.route(re.compile("^https?:"), lambda route: route.abort())
        page.goto(path.as_uri(), wait_until="domcontentloaded", timeout=120_000)
        yield page, asked
        browser.close()


def look(path: Path, *, all_views: bool = False, examined: bool = True, shots: Path | None = None) -> Looks:
    """Look at a page: once as it opens in light and 1280 wide, or in all views."""
    with opened(path, viewport={"width": WIDTHS[0], "height": HEIGHT}) as (page, asked):
        page.wait_for_timeout(2000)
        paper = page.pdf(format="A4")
        looks = Looks(
            requests=sum(url.startswith(("http:", "https:")) for url in asked),
            unfolded=page.evaluate(WORDS, False),
            words=page.evaluate(WORDS, True),
            printed=len(re.findall(rb"/Type\s*/Page[^s]", paper)),
        )
        if page.locator(".cards > li").count():
            for width in (WIDTHS[0], WIDTHS[-1]):
                page.set_viewport_size({"width": width, "height": HEIGHT})
                looks.first[width] = page.evaluate(FIRST)
    if not examined or looks.empty:
        return looks
    for scheme in SCHEMES if all_views else SCHEMES[:1]:
        with opened(path, color_scheme=scheme) as (page, _):
            for width in WIDTHS if all_views else WIDTHS[:1]:
                for state in STATES if all_views else ("as it opens",):
                    turn(page, path, width, state)
                    looks.violations[scheme, width, state] = violations(page)
                    if shots:
                        name = f"{path.stem}-{scheme}-{width}-{state.replace(' ', '_')}.png"
                        page.screenshot(path=shots / name, full_page=True)
    return looks


def turn(page: Any, path: Path, width: int, state: str) -> None:
    """Open the page anew, so wide, and bring it into a state."""
    page.set_viewport_size({"width": width, "height": HEIGHT})
    page.emulate_media(media="print" if state == "printed" else "screen")
    page.goto(path.as_uri(), wait_until="domcontentloaded", timeout=120_000)
    if STATES[state]:
        page.evaluate(STATES[state])


def violations(page: Any) -> list[str]:
    """Name rule and element of each violation that axe finds."""
    import axe_playwright_python

    page.evaluate((Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8"))
    # three hundred cards of one template take minutes a view: those behind the thirtieth of a list are left out
    page.evaluate("() => document.querySelectorAll('.cards > :nth-child(n + 31)').forEach((card) => card.remove())")
    found = page.evaluate("tags => axe.run(document, { runOnly: tags, resultTypes: ['violations'] })", TAGS)
    return [f"{one['id']}: {node['html'][:160]}" for one in found["violations"] for node in one["nodes"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--shots", type=Path, help="folder for a picture of each view")
    given = parser.parse_args()
    if given.shots:
        given.shots.mkdir(parents=True, exist_ok=True)
    for path in given.pages:
        looks = look(path.resolve(), all_views=True, shots=given.shots)
        print(
            f"{path}: {path.stat().st_size / 1e6:.2f} MB, {looks.requests} requests, {looks.unfolded:,} words unfolded "
            f"of {looks.words:,}, {looks.printed} printed pages, first account at {looks.first or 'no place'}; "
            f"{sum(map(len, looks.violations.values()))} violations in {len(looks.violations)} views"
        )
        for view, found in looks.violations.items():
            for one in found:
                print("  ", *view, one)


if __name__ == "__main__":
    main()
