"""Reads a report page with the parser of the standard library: elements, attributes, text."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"meta", "link", "input", "br", "img"})
_BLOCKS = {tag: {"p"} for tag in ("p", "div", "ul", "details", "figure", "table")}
CLOSED_BY = _BLOCKS | {
    "li": {"li"},
    "tr": {"tr", "th", "td"},
    "th": {"th", "td"},
    "td": {"th", "td"},
    "option": {"option"},
}


@dataclass
class Element:
    """An element with its children, in order."""

    tag: str
    attributes: dict[str, str | None] = field(default_factory=dict)
    children: list[Element | str] = field(default_factory=list)

    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text() for child in self.children)

    def all(self, tag: str | None = None, **attributes: str) -> list[Element]:
        found = []
        for child in self.children:
            if isinstance(child, Element):
                same = all((child.attributes.get(k) or "") == v for k, v in attributes.items())
                if (tag is None or child.tag == tag) and same:
                    found.append(child)
                found += child.all(tag, **attributes)
        return found

    def marked(self, name: str) -> list[Element]:
        return [e for e in self.all() if name in (e.attributes.get("class") or "").split()]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("root")
        self.open = [self.root]

    def handle_starttag(self, tag, attrs):
        if self.open[-1].tag in CLOSED_BY.get(tag, ()):
            while self.open[-1].tag in CLOSED_BY[tag]:
                self.open.pop()
        element = Element(tag, dict(attrs))
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.open[-1].children.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag in [e.tag for e in self.open]:
            while self.open.pop().tag != tag:
                pass

    def handle_data(self, text):
        self.open[-1].children.append(text)


def read(html: str) -> Element:
    """Parse a page."""
    reader = _Reader()
    reader.feed(html)
    return reader.root


def figure(text: str) -> float:
    """Read a printed number with its sign and unit."""
    kept = text.replace("\u2212", "-").replace("\u00a0%", "").replace("+", "").replace(",", "")
    return float(kept.strip(" €$"))
