"""Columns of a table in parts: one type for each, whatever the parts hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from csrisk.data._declared._kinds import UnreadableError
from csrisk.data._reading._readers import WHOLE, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from csrisk.data._reading._parts import Parts

__all__ = ["Columns", "unify"]

_WORDS = {
    "text": "text",
    "whole": "whole numbers",
    "number": "numbers",
    "bool": "yes or no",
    "time": "times",
    "zoned": "times",
}
# kinds that hold the same values when each is written as text
_AS_TEXT = ({"text", "whole", "number", "bool"}, {"text", "time", "zoned"})


@dataclass(frozen=True)
class Columns:
    """What the parts of a table hold together."""

    missing: tuple[str, ...] = ()
    lacking: int = 0
    mixed: frozenset[str] = field(default_factory=frozenset)
    texts: frozenset[str] = field(default_factory=frozenset)
    names: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, parts: Sequence[Iterable[str]]) -> Columns:
        """Compare the names alone, as in CSV."""
        folded = [{name.casefold() for name in names} for names in parts]
        # backwards, so that the first part decides how a name is written
        names = {name.casefold(): name for part in reversed(parts) for name in part}
        every = set.intersection(*folded)
        missing = tuple(sorted(name for key, name in names.items() if key not in every))
        return cls(missing, sum(len(part) < len(names) for part in folded), names=names)

    def select(self, types: Mapping[str, str]) -> list[str]:
        """Write the columns of one part, each as it is read."""
        return [
            f"{_as_text(quoted(name), kind) if name.casefold() in self.texts else quoted(name)} "
            f"AS {quoted(self.names[name.casefold()])}"
            for name, kind in types.items()
        ]


def unify(types: Sequence[Mapping[str, str]], places: Sequence[Sequence[int]], parts: Parts) -> Columns:
    """Find a type for each column that is right for every part."""
    expanded = [group for group, at in zip(types, places, strict=True) for _ in at]
    columns = Columns.of(expanded)
    texts, mixed = set(), set()
    for folded, name in columns.names.items():
        found = [(at[0], kind) for group, at in zip(types, places, strict=True) if (kind := _type(group, folded))]
        # backwards, so that a message names the first part of each kind
        kinds = {_kind(kind): at for at, kind in reversed(found) if kind != '"NULL"'}
        # whole numbers and floats, or dates and times, are brought together by the engine
        if len({kind for _, kind in found}) == 1 or set(kinds) <= {"whole", "number"} or set(kinds) <= {"time"}:
            continue
        if not any(set(kinds) <= group for group in _AS_TEXT):
            raise UnreadableError(_differs(kinds, parts), column=name)
        texts.add(folded)
        if "text" in kinds and {"whole", "number"} & set(kinds):
            mixed.add(name)
    return Columns(columns.missing, columns.lacking, frozenset(mixed), frozenset(texts), columns.names)


def _type(group: Mapping[str, str], folded: str) -> str:
    return next((kind for name, kind in group.items() if name.casefold() == folded), "")


def _differs(kinds: Mapping[str, int], parts: Parts) -> str:
    told = [f"{parts.where(at).removesuffix(': ')} holds {_WORDS.get(kind, kind)}" for kind, at in kinds.items()]
    return f"its parts hold values of different kinds: {'; '.join(sorted(told))}; write all parts alike"


def _kind(type_: str) -> str:
    if type_ in WHOLE:
        return "whole"
    if type_ in ("FLOAT", "DOUBLE") or (type_.startswith("DECIMAL") and not type_.endswith("]")):
        return "number"
    if type_ in ("VARCHAR", "UUID") or (type_.startswith("ENUM") and not type_.endswith("]")):
        return "text"
    if type_ == "BOOLEAN":
        return "bool"
    if type_ == "DATE" or (type_.startswith("TIMESTAMP") and "ZONE" not in type_ and not type_.endswith("]")):
        return "time"
    return "zoned" if type_ == "TIMESTAMP WITH TIME ZONE" else "lists or records"


def _as_text(sql: str, type_: str) -> str:
    kind = _kind(type_)
    if kind == "number":
        # 12.0 of one part and 12 of another are one id
        whole = f"isfinite({sql}::DOUBLE) AND {sql} = floor({sql}) AND abs({sql}) < 1e15"
        return f"CASE WHEN {whole} THEN CAST(CAST({sql} AS BIGINT) AS VARCHAR) ELSE CAST({sql} AS VARCHAR) END"
    if kind == "zoned":
        # a plain cast would write it in the zone of the session
        return f"CAST(make_timestamp(epoch_us({sql})) AS VARCHAR) || '+00:00'"
    return f"CAST({sql} AS VARCHAR)"
