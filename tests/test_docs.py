"""Documentation: the code on every page runs, and every link within the site leads somewhere."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if not {"_build", "generated"} & set(path.parts))
# cells of a page that is a notebook (the gallery) run when the page is made, where an error ends the build
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
WITH_CODE = [path for path in PAGES if BLOCK.search(path.read_text(encoding="utf-8"))]
GENERATED = {"tables", "presets", "features", "cli", "config", "errors", "metrics", "promises"}


def name(path: Path) -> str:
    return path.relative_to(DOCS).as_posix()


@pytest.mark.promise("The code on every page of the docs runs")
@pytest.mark.slow
@pytest.mark.parametrize("path", WITH_CODE, ids=name)
def test_code_of_the_page_runs_from_top_to_bottom(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = path.read_text(encoding="utf-8")
    space: dict[str, object] = {"__name__": "page"}
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start()) + 1
        source = "\n" * line + block[1]  # so that a traceback names the line of the page
        exec(compile(source, str(path), "exec"), space)


def test_every_picture_is_in_the_gallery():
    """Its code is run when the page is made, so each `plot_*` that is public is seen."""
    import csrisk as cr

    text = (DOCS / "gallery.md").read_text(encoding="utf-8")
    rooms = [vars(getattr(cr, room)) for room in cr._ROOMS] + [vars(cr.Explanation)]
    pictures = {one for room in rooms for one in room if one.startswith("plot_")}
    assert len(pictures) >= 18
    assert [one for one in pictures if f".{one}(" not in text] == []


def test_guides_have_code_that_is_run():
    guides = {path.stem for path in WITH_CODE if path.parent.name == "guides"}
    assert {
        "bring_your_data",
        "cures",
        "flat_table",
        "from_your_exports",
        "labels",
        "leakage",
        "train",
        "explanation",
        "scale_out",
        "schedule",
        "monitor",
        "act",
    } <= guides


def test_files_that_the_architecture_names_are_there():
    """Paths from the root, and bare file names, which follow the room of their row."""
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:csrisk|tests|docs)/[\w/.]+)`", text)
    assert len(named) > 30
    assert [path for path in named if not (DOCS.parent / path).exists()] == []
    for row in re.findall(r"^\| `(csrisk/\w+)`[^|]* \|(.*)\|$", text, flags=re.MULTILINE):
        room, told = DOCS.parent / row[0], re.findall(r"`(_\w+\.py)`", row[1])
        assert [file for file in told if not any(room.rglob(file))] == []


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_links_within_the_site_lead_somewhere(path):
    text = path.read_text(encoding="utf-8")
    targets = re.findall(r"\{doc\}`(?:[^`<]*<)?([^`>]+)>?`", text)
    targets += [t for t in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) if "://" not in t]
    targets += re.findall(r"^```\{(?:image|figure)\} (\S+)", text, flags=re.MULTILINE)
    for target in targets:
        base = DOCS if target.startswith("/") else path.parent
        found = (base / target.lstrip("/")).resolve()
        if found.parent == DOCS / "generated" and found.stem in GENERATED:
            continue
        if found.is_relative_to(DOCS / "generated" / "notebooks"):
            found = DOCS.parent / "notebooks" / found.name
        assert any(found.with_name(found.name + ending).exists() for ending in ("", ".md", ".ipynb")), target


def test_every_page_is_in_the_contents():
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    contents = "\n".join(re.findall(r"```\{toctree\}(.*?)```", index, re.DOTALL))
    listed = re.findall(r"^(?:.*<)?([\w/*]+)>?$", contents, re.MULTILINE)
    for path in PAGES:
        page = name(path).removesuffix(".md")
        assert page == "index" or any(fnmatch(page, pattern) for pattern in listed), page


def test_pictures_of_concepts_have_words():
    for picture in sorted((DOCS / "_static").glob("*.svg")):
        text = picture.read_text(encoding="utf-8")
        assert "<title" in text, picture.name
        assert "<desc" in text, picture.name
