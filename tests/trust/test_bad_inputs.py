"""Every bad input of the corpus gets its answer: no crash, no hang, nothing silently wrong, no word about a customer.

A fast sample runs every time, the whole corpus with the slow tests. A hang or a crash of the engine ends the test run
with the place where it happened.
"""

from __future__ import annotations

import faulthandler
import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from ._case import CANARIES, Answer, Case, ask
from ._corpus import PAGE, corpus, page
from ._pipelines import Fitted
from ._tables import baseline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.promise("Bad input ends with one clear error or is listed; nothing is silently wrong")

SECONDS = 600  # far more than all cases of an area take
ON_FOLDER = ("tables", "tables as CSV", "files", "cells", "books", "configuration")
CHEAP = ("configuration", "snapshots", "labels", "splits", "features", "models", "evaluation", "success")


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    return Fitted(tmp_path_factory.mktemp("corpus"))


@pytest.fixture
def alarm() -> Iterator[None]:
    """End the whole run where a case hangs, also inside of compiled code."""
    faulthandler.dump_traceback_later(SECONDS, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


def wrong(case: Case, answer: Answer, ground: Fitted) -> str:
    """What is wrong with an answer; empty where nothing is."""
    leaked = [canary for canary in CANARIES if canary in answer.words.casefold()]
    if leaked:
        return f"the message holds {leaked}"
    if answer.error is None:
        right = case.effect != "refused" and case.right is not None and case.right(answer.result, ground)
        return "" if right else f"accepted, expected {case.says} ({case.effect})"
    if case.effect not in ("refused", "refused or read"):
        return f"{type(answer.error).__name__}, expected {case.says} ({case.effect}): {answer.error}"
    told = str(answer.error)
    of_class = case.says.startswith("CSD") or type(answer.error).__name__ in case.says.split("|")
    if not (of_class and told and re.search(case.match, told, re.DOTALL)):
        return f"{type(answer.error).__name__}, expected {case.says} and {case.match!r}: {answer.error}"
    return ""


def check(cases: list[Case], ground: Fitted) -> None:
    found = {
        case.name: wrong(case, ask(case, ground.folder if case.area in ON_FOLDER else ground), ground) for case in cases
    }
    assert not {name: what for name, what in found.items() if what}


@pytest.mark.usefixtures("alarm")
@pytest.mark.parametrize("area", CHEAP)
def test_misuse(area: str, ground: Fitted) -> None:
    check([case for case in corpus() if case.area == area], ground)


@pytest.mark.usefixtures("alarm")
@pytest.mark.parametrize("part", range(4))
def test_sample_of_tables_and_files(part: int, ground: Fitted) -> None:
    cases = [case for case in corpus() if case.area in ("tables", "tables as CSV", "files", "cells", "books")]
    check(cases[part * 40 :: 160], ground)


# areas of many cases in parts, so that neither of two workers waits long for the other
PARTS = {"tables": 4, "tables as CSV": 1, "files": 1, "cells": 1, "books": 2, "explain": 1, "report": 1, "pipeline": 1}


@pytest.mark.slow
@pytest.mark.usefixtures("alarm")
@pytest.mark.parametrize(("area", "part"), [(area, part) for area, parts in PARTS.items() for part in range(parts)])
def test_whole_corpus(area: str, part: int, ground: Fitted) -> None:
    check([case for case in corpus() if case.area == area][part :: PARTS[area]], ground)


def test_corpus_is_large_and_names_are_unique() -> None:
    assert len(corpus()) >= 1000
    assert {area for area, count in Counter(case.area for case in corpus()).items() if count < 7} == set()
    # a flipped bit is a case for each seed
    again = [name for name, count in Counter(case.name for case in corpus()).items() if count > 1]
    assert again == ["files: usage.parquet: a bit changed"]


def test_clean_tables_are_clean() -> None:
    """What the damages are measured against breaks no rule loudly but for the end of the data."""
    for table in ("accounts", "subscriptions", "usage", "contacts", "surveys"):
        assert baseline(table)[1] <= {"CSD206", "CSD209", "CSD308"}


def test_table_in_the_documentation_is_that_of_the_corpus() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text, "run python -m tests.trust._corpus"


def test_runner_sees_what_is_wrong(tmp_path: Path) -> None:
    """The runner itself: silence, another class, another message and a canary are all found."""

    def fail(error: Exception) -> None:
        raise error

    ground = Fitted(tmp_path)
    for run, expected in (
        (lambda _: 1, "accepted"),
        (lambda _: fail(KeyError("x")), "KeyError"),
        (lambda _: fail(ValueError("other")), "expected ValueError"),
        (lambda _: fail(ValueError("words of Zweifelstein")), "the message holds"),
    ):
        case = Case("models", "x", "y", "ValueError", run, "words")
        assert expected in wrong(case, ask(case, ground), ground)
    good = Case("models", "x", "y", "ValueError", lambda _: fail(ValueError("words")), "words")
    assert wrong(good, ask(good, ground), ground) == ""
