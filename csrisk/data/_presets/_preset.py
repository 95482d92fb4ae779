"""Presets as they are declared, one file for each vendor, and the columns that they stand for."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pandas as pd

from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Preset", "folded", "matching_presets", "preset", "presets", "read_preset"]

_FEW = 3  # columns that a file must share with a preset before it is taken for that export


@dataclass(frozen=True)
class Preset:
    """What one export calls the columns of a table."""

    name: str
    table: str
    about: str
    columns: Mapping[str, Any]
    source: list[str]
    example: str
    gives: str
    asks: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def reads(self) -> dict[str, str]:
        """Names in the contract to the columns of the export that are read."""
        named = {name: told if isinstance(told, str) else told.get("name") for name, told in self.columns.items()}
        return {name: str(column) for name, column in named.items() if column is not None}


@cache
def _declared() -> Mapping[str, Preset]:
    """Read every preset there is."""
    found = {}
    paths = [path for path in files("csrisk.data._presets").iterdir() if path.name.endswith(".toml")]
    # a folder gives its files in any order
    for path in sorted(paths, key=lambda one: one.name):
        for export, told in tomllib.loads(path.read_text(encoding="utf-8")).items():
            name = f"{path.name.removesuffix('.toml')}.{export}"
            found[name] = Preset(name, **told)
    return MappingProxyType(found)


def read_preset(name: str) -> Preset:
    """Give a preset by its name; raises ConfigError where there is none."""
    declared = _declared()
    if name not in declared:
        near = difflib.get_close_matches(str(name), [*declared, *(one.split(".")[0] for one in declared)], n=1)
        meant = [one for one in declared if near and one.startswith(near[0])]
        hint = f"did you mean {meant[0]!r}?" if meant else f"presets: {', '.join(declared)}"
        raise ConfigError(f"preset = {str(name)[:80]!r} is none; {hint}")
    return declared[name]


def preset(name: str, /, **own: Any) -> dict[str, Any]:
    """Give the columns of a common export, as `CustomerData` takes them; ``preset = ...`` in a configuration.

    Parameters
    ----------
    name : str
        Vendor and export, see `presets`.
    **own
        Columns of your own, which go before those of the preset.

    Returns
    -------
    dict
        Names in the contract to names, or cures, in the export.

    Raises
    ------
    ConfigError
        If there is no such preset.

    Examples
    --------
    >>> from csrisk.data import preset
    >>> columns = preset("stripe.subscriptions", mrr="monthly")
    >>> columns["end_at"]["name"], columns["mrr"]
    ('ended_at', 'monthly')
    """
    told = {column: _marked(name, one) for column, one in read_preset(name).columns.items()}
    return {**told, **own}


def presets() -> pd.DataFrame:
    """List the exports that a preset knows.

    Returns
    -------
    pandas.DataFrame
        One row for each: table of the contract, which export it is, what you must say, what is left out, the columns
        that are read, and where their names were taken from; index by name.

    Examples
    --------
    >>> from csrisk.data import presets
    >>> presets().loc["zendesk.tickets", "table"]
    'contacts'
    """
    rows = [
        {
            "preset": one.name,
            "table": one.table,
            "export": one.about,
            "you say": ", ".join(one.asks),
            "note": one.note,
            "reads": ", ".join(dict.fromkeys(one.reads.values())),
            "source": "; ".join(one.source),
        }
        for one in _declared().values()
    ]
    return pd.DataFrame(rows).set_index("preset")


def matching_presets(columns: Iterable[str]) -> tuple[str, ...]:
    """Name the presets all of whose columns a file has, those that read most of them first.

    Parameters
    ----------
    columns : iterable of str
        Names of the columns of the file.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> from csrisk.data import matching_presets
    >>> matching_presets(["ID", "Name", "Industry", "BillingCountry", "OwnerId", "ParentId", "Phone"])
    ('salesforce.accounts',)
    """
    there = {folded(str(column)) for column in columns}
    found = {one.name: {folded(column) for column in one.reads.values()} for one in _declared().values()}
    kept = [name for name, read in found.items() if len(read) >= _FEW and read <= there]
    return tuple(sorted(kept, key=lambda name: (-len(found[name]), name)))


def folded(name: str) -> str:
    """Write a name without what exports differ in: case, blanks and underscores."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _marked(name: str, told: Any) -> Any:
    """Say of a column that the preset named it, so that it may be missing."""
    if isinstance(told, str):
        return {"name": told, "preset": name}
    # a constant stands alone
    return told if "constant" in told else {**told, "preset": name}
