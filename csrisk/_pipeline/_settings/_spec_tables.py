"""Where tables are, and what their columns are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from csrisk._pipeline._settings import _rules as rule
from csrisk.data import preset
from csrisk.data._cures import givens_of, require_where
from csrisk.data._query import require_text
from csrisk.exceptions import ConfigError

__all__ = ["TableSpec"]


@dataclass(frozen=True)
class TableSpec:
    """Where a table is, and what its columns are called."""

    file: str | tuple[str, ...] | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    where: Mapping[str, Any] = field(default_factory=dict)
    query: str | None = None
    preset: str | None = None
    known_at_means: str | None = None
    end: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.file, list | tuple) and self.file:
            rule.texts(self, "file")
        else:
            rule.text(self, "file", optional=True)
        if not isinstance(self.columns, Mapping):
            raise rule.wrong("columns", self.columns, 'a table of names: columns = { at = "event_time" }')
        rule.put(self, "columns", {name: _dated(told) for name, told in self.columns.items()})
        if self.preset not in (None, ""):
            # written out, so that a stored model reads its tables as it did, whatever a later preset says
            rule.put(self, "columns", preset(str(self.preset), **self.columns))
        if self.query not in (None, ""):
            require_text(self.query)
            if self.file:
                raise ConfigError("file and query are both given; name the file in the query: FROM 'usage.csv'")
        givens_of(self.columns)
        require_where(self.where)
        if self.known_at_means not in (None, "updated", "entered"):
            raise rule.wrong("known_at_means", self.known_at_means, '"updated" or "entered"')
        if self.end is not None:
            rule.put(self, "end", rule.date("end", self.end))


def _dated(told: Any) -> Any:
    """Write a date of TOML as text, as JSON has none."""
    if not isinstance(told, Mapping):
        return told
    return {key: value.isoformat() if isinstance(value, date) else value for key, value in told.items()}
