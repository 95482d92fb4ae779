"""What a missing table leaves without evidence, derived from the declarations of the features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from csrisk._goals import Goal
from csrisk.data import CONTRACT
from csrisk.data._declared import SPEAKS_OF

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["without_evidence"]


def without_evidence(tables: Collection[str]) -> dict[str, str]:
    """For each table of the contract that is not among some, say which features stay without evidence."""
    from csrisk.features import all_builders

    told = {}
    for name in CONTRACT:
        if name in tables:
            continue
        features = [feature for family in all_builders() if name in _reads(family) for feature in family.features]
        goals = {str(feature.goal) for feature in features if feature.goal is not Goal.CONTEXT}
        spoken = f" ({SPEAKS_OF[name]})" if name in SPEAKS_OF else ""
        if features:
            of = f" of {', '.join(sorted(goals))}" if goals else ""
            told[name] = f"{len(features)} features{of}{spoken}"
        else:
            told[name] = f"no feature by default; {CONTRACT[name].meaning[0].lower()}{CONTRACT[name].meaning[1:]}"
    return told


def _reads(family: object) -> set[str]:
    """Tables that a family cannot do without, or of which it alone reads columns."""
    table = getattr(family, "table", "")
    return {table} if table else {column.split(".")[0] for column in getattr(family, "reads", ())}
