"""The table of all features for the documentation, made from their declarations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from csrisk.features._build import default_builders

if TYPE_CHECKING:
    from collections.abc import Sequence

    from csrisk.features._build import Builder

__all__ = ["feature_reference", "feature_table"]

_DIRECTIONS = {1: "more is riskier", -1: "less is riskier", 0: "not stated"}
_TESTS = {
    "UsageDepth": "test_depth.py",
    "FeatureBreadth": "test_breadth.py",
    "ContactEffort": "test_effort.py",
    "SurveySentiment": "test_sentiment.py",
    "Relationship": "test_relationship.py",
    "Advocacy": "test_relationship.py",
    "Expectations": "test_relationship.py",
    "AccountContext": "test_relationship.py",
}


def feature_table(builders: Sequence[Builder] | None = None) -> pd.DataFrame:
    """List all features with what they declare.

    Parameters
    ----------
    builders : sequence of builders, optional
        Default: all families.

    Returns
    -------
    pandas.DataFrame
        One row per feature: name, family, goal, unit, direction (in words), window (days, as text), sentence, tests
        (the file in which the feature is computed by hand; empty for builders of your own).

    Examples
    --------
    >>> from csrisk.features import feature_table
    >>> feature_table().set_index("name").loc["events_30d", ["family", "goal", "direction"]].tolist()
    ['UsageDepth', 'footprint', 'less is riskier']
    """
    chosen = default_builders() if builders is None else builders
    rows = [
        {
            "name": feature.name,
            "family": feature.family,
            "goal": str(feature.goal),
            "unit": feature.unit,
            "direction": _DIRECTIONS[feature.direction],
            "window": f"{feature.window} days" if feature.window else "whole past",
            "sentence": feature.sentence,
            "tests": f"tests/features/{_TESTS[feature.family]}" if feature.family in _TESTS else "",
        }
        for builder in chosen
        for feature in builder.features
    ]
    return pd.DataFrame(rows)


def feature_reference(builders: Sequence[Builder] | None = None) -> str:
    """Write the table of features as Markdown, one section for each family.

    Parameters
    ----------
    builders : sequence of builders, optional
        Default: all families.

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
    table = feature_table(builders)
    columns = [str(name) for name in table if name != "family"]
    lines: list[str] = []
    for family, rows in table.groupby("family", sort=False):
        lines += [f"## {family}", "", f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
        for row in rows[columns].itertuples(index=False):
            cells = [
                _cell(str(value), code=name in ("name", "tests")) for name, value in zip(columns, row, strict=True)
            ]
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def _cell(text: str, *, code: bool) -> str:
    escaped = text.replace("|", "\\|")
    return f"`{escaped}`" if code and text else escaped
