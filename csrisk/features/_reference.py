"""The table of all features for the documentation, made from their declarations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from csrisk.features._build import all_builders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from csrisk.features._build import Builder

__all__ = ["feature_reference", "feature_table"]

_DIRECTIONS = {1: "more is riskier", -1: "less is riskier", 0: "not stated"}


def feature_table(
    builders: Sequence[Builder] | None = None, *, tests: Mapping[str, Sequence[str]] | None = None
) -> pd.DataFrame:
    """List all features with what they declare.

    Parameters
    ----------
    builders : sequence of builders, optional
        Default: all families.
    tests : mapping of str to sequence of str, optional
        For each feature, the tests that compute it by hand.

    Returns
    -------
    pandas.DataFrame
        One row per feature: name, family, goal, unit, direction (in words), window (days, as text), sentence, and tests
        where they are given.

    Examples
    --------
    >>> from csrisk.features import feature_table
    >>> feature_table().set_index("name").loc["events_30d", ["family", "goal", "direction"]].tolist()
    ['UsageDepth', 'footprint', 'less is riskier']
    """
    chosen = all_builders() if builders is None else builders
    rows = [
        {
            "name": feature.name,
            "family": feature.family,
            "goal": str(feature.goal),
            "unit": feature.unit,
            "direction": _DIRECTIONS[feature.direction],
            "window": f"{feature.window} days" if feature.window else "whole past",
            "sentence": feature.sentence,
        }
        for builder in chosen
        for feature in builder.features
    ]
    table = pd.DataFrame(rows)
    return table if tests is None else table.assign(tests=[", ".join(tests.get(name, ())) for name in table["name"]])


def feature_reference(
    builders: Sequence[Builder] | None = None, *, tests: Mapping[str, Sequence[str]] | None = None
) -> str:
    """Write the table of features as Markdown, one section for each family.

    Parameters
    ----------
    builders : sequence of builders, optional
        Default: all families.
    tests : mapping of str to sequence of str, optional
        For each feature, the tests that compute it by hand.

    Returns
    -------
    str
        Markdown that ends in a line break.

    Examples
    --------
    >>> from csrisk.features import Advocacy, feature_reference
    >>> print(feature_reference([Advocacy()])[:11])
    ## Advocacy
    """
    table = feature_table(builders, tests=tests)
    columns = [str(name) for name in table if name != "family"]
    lines: list[str] = []
    for family, rows in table.groupby("family", sort=False):
        lines += [f"## {family}", "", f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
        for row in rows[columns].itertuples(index=False):
            cells = [_cell(str(value), code=name == "name") for name, value in zip(columns, row, strict=True)]
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def _cell(text: str, *, code: bool) -> str:
    escaped = text.replace("|", "\\|")
    return f"`{escaped}`" if code and text else escaped
