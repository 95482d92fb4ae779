"""A preset held against the columns that a file has."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from csrisk.data._cures._given import Given
from csrisk.data._findings._breach import Breach
from csrisk.data._presets._preset import folded, read_preset

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from csrisk.data._declared._declaration import Table

__all__ = ["fitted"]


def fitted(table: Table, types: Iterable[str], given: Mapping[str, Given]) -> tuple[dict[str, Given], list[Breach]]:
    """Find the columns of a preset in a file, however the export spells them, and name those that are not there."""
    name = next((one.preset for one in given.values() if one.preset), "")
    if not name:
        return dict(given), []
    preset = read_preset(name)
    if preset.table != table.name:
        return {}, [_refused(table, f"preset {name!r} is one for the table {preset.table}")]
    times = Counter(folded(str(column)) for column in types)
    # a spelling that fits two columns is a question, which the exact name alone answers
    alike = {folded(str(column)): str(column) for column in types if times[folded(str(column))] == 1}
    alike |= {str(column): str(column) for column in types}  # the name as it stands goes first
    found = {
        column: replace(one, name=alike.get(one.name) or alike.get(folded(one.name), "")) if one.preset else one
        for column, one in given.items()
    }
    missing = [column for column, one in found.items() if one.preset and not one.name]
    kept = {column: one for column, one in found.items() if column not in missing}
    # what only the user can know may stand there under the name of the contract; nothing else is read by its name, as
    # a column of the vendor that is called so may mean something else (an mrr in cents)
    alike |= {str(column).casefold(): str(column) for column in types}
    asked = [column for column in preset.asks if column not in given]
    kept |= {column: Given(alike[column]) for column in asked if column in alike}
    return kept, _said(table, name, missing, [column for column in asked if column not in alike], given)


def _said(table: Table, name: str, missing: list[str], unsaid: list[str], given: Mapping[str, Given]) -> list[Breach]:
    """Say what is not there of a preset: refused where the table cannot be without it."""
    lacking = ", ".join(repr(given[column].name) for column in missing)
    breaches = []
    if set(missing) & set(table.required):
        detail = f"preset {name!r} reads {lacking} as {', '.join(missing)}, and the file has no such columns"
        breaches.append(_refused(table, detail, len(missing)))
    elif missing:
        detail = f"{lacking} of preset {name!r}"
        breaches.append(Breach("CSD343", table.name, ", ".join(missing), len(missing), detail=detail))
    if unsaid:
        told = ", ".join(f"{column} = ..." for column in unsaid)
        detail = f"preset {name!r} cannot know {', '.join(unsaid)}: say columns = {{ {told} }}"
        breaches.append(_refused(table, detail, len(unsaid)))
    return breaches


def _refused(table: Table, detail: str, count: int = 1) -> Breach:
    return Breach("CSD344", table.name, count=count, detail=detail)
