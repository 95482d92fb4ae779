"""The page from the articles to csrisk: all 86 ideas, and every name and test on it is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import csrisk as cr
import csrisk.checks
import csrisk.features
import csrisk.models
import csrisk.report
import csrisk.success
from csrisk.data._declared._contract import CONTRACT

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "articles.md").read_text(encoding="utf-8")
ROWS = [line.strip("| \n").split(" | ") for line in TEXT.splitlines() if re.match(r"\| \d", line)]


def _features() -> set[str]:
    builders = getattr(csrisk.features, "all_builders", csrisk.features.default_builders)()
    return {feature.name for builder in builders for feature in getattr(builder, "features", ())}


def _known() -> set[str]:
    columns = {f"{table.name}.{column.name}" for table in CONTRACT.values() for column in table.columns}
    rules = {rule.code for rule in csrisk.checks.RULES}
    traps = {trap.name for trap in csrisk.success.TRAPS}
    claims = {claim.name for claim in csrisk.success.CLAIMS}
    sections = {f"{name}.{key}" for name, part in vars(cr.RiskSpec()).items() for key in getattr(part, "__dict__", ())}
    return columns | rules | traps | claims | sections | _features()


def _there(name: str, known: set[str]) -> bool:
    place: object = cr
    for part in name.split("(")[0].split("."):
        place = getattr(place, part, None)
    return place is not None or name in known


def test_all_ideas_are_there_in_order() -> None:
    assert [int(row[0]) for row in ROWS] == list(range(1, 87))


def test_every_name_exists() -> None:
    known = _known()
    names = {name for row in ROWS for name in re.findall(r"`([^`]+)`", row[2])}
    assert len(names) > 100
    assert sorted(name for name in names if not _there(name, known)) == []


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_every_idea_is_tested_or_declined_with_a_reason(row: list[str]) -> None:
    where, tests = row[2], [] if row[3] == "-" else row[3].split(", ")
    reason = re.search(r"declined(?: as [^:]+)?: (.+)", where)
    assert tests or reason
    assert [test for test in tests if not (ROOT / "tests" / f"{test}.py").exists()] == []
    assert reason is None or len(reason[1]) > 30


def test_each_claim_of_the_articles_is_named() -> None:
    named = {name for row in ROWS for name in re.findall(r"`([^`]+)`", row[2])}
    assert {claim.name for claim in csrisk.success.CLAIMS} <= named
