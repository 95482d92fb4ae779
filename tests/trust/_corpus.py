"""The whole corpus of bad input, and its table for the documentation; ``python -m tests.trust._corpus`` writes it."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from csrisk.data import CODES

from ._books import book_cases
from ._calls import call_cases
from ._configurations import configuration_cases
from ._exports import export_cases
from ._files import file_cases
from ._pipelines import pipeline_cases
from ._tables import table_cases

if TYPE_CHECKING:
    from ._case import Case

PAGE = Path(__file__).parents[2] / "docs" / "trust.md"
BEGIN, END = "<!-- table of bad input: written by python -m tests.trust._corpus -->", "<!-- end of the table -->"
_MOST = 4


@cache
def corpus() -> tuple[Case, ...]:
    """Every case, in the order of the flow."""
    return (
        *table_cases(),
        *file_cases(),
        *export_cases(),
        *book_cases(),
        *configuration_cases(),
        *call_cases(),
        *pipeline_cases(),
    )


def written() -> str:
    """The table: one row for each kind of damage, with the code or class of the answer."""
    kinds: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for case in corpus():
        what, where = (case.what, case.where) if case.area in _BY_DAMAGE else (case.where, case.what)
        kinds[case.area, what, case.says.replace("|", " or "), case.effect].append(where)
    lines = [f"{len(corpus()):,} bad inputs."]
    for area in dict.fromkeys(case.area for case in corpus()):
        heads = ("damage", "where") if area in _BY_DAMAGE else ("call", "misuse")
        lines += [
            "",
            f"### {area}",
            "",
            f"| {heads[0]} | {heads[1]} | answer | effect | inputs |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| {_plain(what)} | {_plain(_listed(where))} | {_answer(says)} | {effect} | {len(where)} |"
            for (of, what, says, effect), where in kinds.items()
            if of == area
        ]
    return "\n".join(lines)


_BY_DAMAGE = ("tables", "tables as CSV", "files", "cells", "books")


def _answer(says: str) -> str:
    return f"`{says}` {CODES[says].rule}" if says in CODES else f"`{says}`"


def _listed(where: list[str]) -> str:
    names = list(dict.fromkeys(where))
    return ", ".join(names[:_MOST]) + (f" and {len(names) - _MOST} more" if len(names) > _MOST else "")


def _plain(text: str) -> str:
    return "".join("\\" + letter if letter in "|<>*_[]`$#{}" else letter for letter in text)


def page(text: str) -> str:
    """The page with the table put in."""
    head, rest = text.split(BEGIN)
    return f"{head}{BEGIN}\n\n{written()}\n\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
