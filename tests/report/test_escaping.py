"""Hostile names come out as text, and the page refers to nothing outside of itself."""

from __future__ import annotations

import base64
import csv
import hashlib
import re

import _books
import pytest
from _page import read
from hypothesis import example, given, settings
from hypothesis import strategies as st

import csrisk as cr
from csrisk.report._names import clean, csv_safe, pseudonym
from csrisk.report._printing._markdown import escape

pytestmark = pytest.mark.promise("Names of customers add nothing to a report but text")

ALLOWED = {
    *(
        "html",
        "u",
        "head",
        "meta",
        "link",
        "title",
        "style",
        "body",
        "a",
        "div",
        "header",
        "h1",
        "h2",
        "h3",
        "p",
        "nav",
        "ol",
    ),
    *("ul", "li", "main", "section", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tr", "th", "td", "bdi"),
    *(
        "small",
        "br",
        "span",
        "svg",
        "title",
        "line",
        "rect",
        "circle",
        "path",
        "g",
        "text",
        "label",
        "input",
        "select",
        "option",
    ),
    *("button", "output", "details", "summary", "b", "i", "em", "footer", "script", "figure", "figcaption"),
}


@pytest.fixture(scope="module")
def hostile_page(why, hostile, tmp_path_factory):
    names = '<b>title</b> & "quotes"'
    path = tmp_path_factory.mktemp("hostile") / "risk.html"
    return cr.write_report(
        path, why, data=hostile, title=names, currency="<$>", extra={names: _books.checks()}
    ).read_text("utf-8")


def test_names_add_no_element_and_no_attribute(hostile_page, page):
    root = read(hostile_page)
    assert {e.tag for e in root.all()} <= ALLOWED
    assert len(root.all("script")) == len(root.all("style")) == 1
    for element in root.all():
        assert not any(name.startswith("on") or name == "style" for name in element.attributes)


def test_names_are_printed_as_they_are(hostile_page):
    printed = {bdi.text() for bdi in read(hostile_page).all("bdi")}
    assert "<script>alert(1)</script>" in printed
    assert "{{ 7 * 7 }}{% raw %}" in printed
    assert "line break | a | b |" in printed
    assert "Zażółć gęślą jaźń \u6f22\u5b57 \U0001f600" in printed


def test_half_characters_become_a_replacement():
    assert clean("half \ud800 pair").encode("utf-8") == "half \ufffd pair".encode()


def test_directions_and_controls_are_taken_out(hostile_page):
    assert not re.search(
        "[\u202a-\u202e\u2066-\u2069\u200e\u200f\u0000-\u0008\u000b-\u001f\u007f-\u009f]", hostile_page
    )
    assert "Acmetxt.exe" in hostile_page
    assert max(len(bdi.text()) for bdi in read(hostile_page).all("bdi")) <= 120


def test_page_refers_to_nothing_outside_of_itself(hostile_page):
    for element in read(hostile_page).all():
        for name in ("src", "srcset", "href", "action", "data", "poster", "xlink:href", "formaction"):
            value = element.attributes.get(name)
            assert value is None or value.startswith(("#", "data:,"))
    style, script = (read(hostile_page).all(tag)[0].text() for tag in ("style", "script"))
    # url(#name) is a mark drawn in the page itself
    assert not re.search(r"url\((?!#[a-z]+\))|@import|image-set|https?:", style)
    assert not re.search(r"https?:|fetch|XMLHttpRequest|import\(|innerHTML|eval|document\.write|cookie|Storage", script)


def test_policy_allows_style_and_script_by_hash_alone(page):
    root = read(page)
    policy = next(m for m in root.all("meta") if m.attributes.get("http-equiv") == "Content-Security-Policy")
    hashes = {}
    for tag in ("style", "script"):
        inside = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL).group(1)
        hashes[tag] = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
    assert policy.attributes["content"] == (
        f"default-src 'none'; style-src 'sha256-{hashes['style']}'; script-src 'sha256-{hashes['script']}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def test_markdown_makes_nothing_of_names(tmp_path, why, hostile):
    markdown_it = pytest.importorskip("markdown_it", reason="markdown-it-py is not installed")
    text = cr.write_report(tmp_path / "a.md", why, data=hostile, max_cards=30).read_text("utf-8")
    rules = markdown_it.MarkdownIt("commonmark", {"html": True, "linkify": False}).enable("table")
    tags = set(re.findall(r"<([a-z0-9]+)", rules.render(text)))
    assert tags <= {"h1", "h2", "h3", "p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"}


def test_markdown_tables_keep_their_columns(tmp_path, why, hostile):
    text = cr.write_report(tmp_path / "a.md", why, data=hostile, max_cards=1).read_text("utf-8")
    lines = text.split("| No. |")[1].split("\n\n")[0].splitlines()[1:]
    assert len(lines) == 60
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {7}


def test_csv_runs_no_formula(tmp_path, why, hostile):
    text = cr.write_report(tmp_path / "a.csv", why, data=hostile).read_text("utf-8")
    for row in csv.DictReader(text.splitlines()):
        for column in ("account_id", "name", "reason"):
            assert not row[column].lstrip(" \"'\t").startswith(("=", "+", "-", "@")) or row[column].startswith("'")


@pytest.mark.parametrize("key", [True, "a secret"])
@pytest.mark.parametrize("suffix", [".html", ".md", ".json", ".csv"])
def test_pseudonyms_leave_no_name_and_no_id(tmp_path, why, data, key, suffix):
    text = cr.write_report(tmp_path / f"a{suffix}", why, data=data, pseudonymise=key, max_cards=40).read_text("utf-8")
    assert "acct-" not in text
    assert "acct\\-" not in text
    assert "Company" not in text
    assert "Account 1" in text if key is True else "Account " in text


def test_keyed_pseudonyms_are_stable_and_differ_by_key():
    assert pseudonym("a", 1, "k") == pseudonym("a", 5, "k") != pseudonym("a", 1, "l")
    assert pseudonym("a", 1, "k") != pseudonym("b", 1, "k")


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_name_survives_as_plain_text(name):
    kept = clean(name)
    kept.encode("utf-8")
    assert clean(kept) == kept
    assert not re.search("[\u202a-\u202e\u2066-\u2069\n\r\t]", kept)


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("=+-@ '\"\tab1|%\uff1d"), max_size=8))
@example("'\t")
@example('"\t=1')
def test_any_cell_starts_with_no_formula(text):
    safe = csv_safe(text)
    assert safe.startswith("'") or not safe.lstrip(" '\"").startswith(("=", "+", "-", "@", "\uff1d", "\t"))


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_name_in_markdown_is_one_line_of_text(name):
    markdown_it = pytest.importorskip("markdown_it", reason="markdown-it-py is not installed")
    kept = clean(name)
    rendered = markdown_it.MarkdownIt("commonmark").render(f"Name: {escape(kept)}")
    assert re.fullmatch(r"<p>[^<]*</p>\n", rendered)


def test_bad_checks_text_is_escaped_too(tmp_path, why):
    checks = _books.checks()
    checks.loc[0, "next_step"] = "<script>alert(1)</script>"
    text = cr.write_report(tmp_path / "a.html", why, checks=checks).read_text("utf-8")
    assert len(read(text).all("script")) == 1
