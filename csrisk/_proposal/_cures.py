"""What stands between values and the contract where it can be told: units of time, order of days, words of severity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from csrisk._proposal._looks import Look
    from csrisk.data import Column

__all__ = ["cure_of", "severities"]

_SEVERITIES = {
    1: ("urgent", "critical", "highest", "blocker", "p1", "sev1", "emergency", "dringend", "kritisch", "1 critical"),
    2: ("high", "major", "p2", "sev2", "hoch", "2 high"),
    3: ("medium", "normal", "moderate", "p3", "sev3", "mittel", "standard", "3 moderate", "3 medium"),
    4: ("low", "lowest", "minor", "trivial", "p4", "p5", "sev4", "niedrig", "gering", "4 low", "planning"),
}
_DIRECT = ("iso", "typed", "")


def severities(look: Look) -> dict[str, int]:
    """Words of a severity by their rank, 1 the worst; empty where one is not known."""
    if look.kind != "text" or look.distinct > 8:
        return {}
    ranks = {word: rank for rank, told in _SEVERITIES.items() for word in told}
    found = {str(value): ranks.get(" ".join(str(value).lower().replace("-", " ").split()), 0) for value in look.ids}
    return dict(sorted(found.items(), key=lambda one: one[1])) if found and all(found.values()) else {}


def cure_of(look: Look, column: Column) -> tuple[Mapping[str, Any], str]:
    """Keys that make a column what the contract asks for, or why there are none."""
    if column.name == "severity" and look.kind == "text":
        return {"words": severities(look)}, ""
    if column.kind != "time" or look.style in _DIRECT:
        return {}, ""
    if look.style.startswith("epoch "):
        return {"unit": look.style.removeprefix("epoch ")}, ""
    if look.style in ("day first", "month first"):
        return {"dates": look.style}, ""
    if look.style == "day or month first":
        return {}, "nobody can tell whether its times begin with the day or the month: say it with dates ="
    return {}, f"its times are written otherwise than 2025-03-31 ({look.style}), and are not read as they are"
