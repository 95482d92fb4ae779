"""What stands between values and the contract where it can be told: units of time, order of days, words of severity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from csrisk.data._declared import SCALES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from csrisk._proposal._matching._looks import Look
    from csrisk.data import Column

__all__ = ["YEARLY", "cure_of", "scale_of", "severities"]

_SEVERITIES = {
    1: ("urgent", "critical", "highest", "blocker", "p1", "sev1", "emergency", "dringend", "kritisch", "1 critical"),
    2: ("high", "major", "p2", "sev2", "hoch", "2 high"),
    3: ("medium", "normal", "moderate", "p3", "sev3", "mittel", "standard", "3 moderate", "3 medium"),
    4: ("low", "lowest", "minor", "trivial", "p4", "p5", "sev4", "niedrig", "gering", "4 low", "planning"),
}
_MONTHLY = ("mrr", "list_price")
_AMOUNTS = (*_MONTHLY, "amount", "value", "revenue", "cost_to_serve")
YEARLY = frozenset({"arr", "acv", "annual", "annually", "yearly", "jaehrlich", "jahresbetrag"})
_CENTS = frozenset({"cent", "penny", "pence"})
_DIRECT = ("iso", "typed", "")


def severities(look: Look) -> dict[str, int]:
    """Words of a severity by their rank, 1 the worst; empty where one is not known."""
    if look.kind != "text" or look.distinct > 8:
        return {}
    ranks = {word: rank for rank, told in _SEVERITIES.items() for word in told}
    found = {str(value): ranks.get(" ".join(str(value).lower().replace("-", " ").split()), 0) for value in look.ids}
    return dict(sorted(found.items(), key=lambda one: one[1])) if found and all(found.values()) else {}


def cure_of(look: Look, name: tuple[str, ...], column: Column) -> tuple[Mapping[str, Any], str]:
    """Keys that make a column what the contract asks for, or why there are none."""
    if column.name in _AMOUNTS:
        # other amounts are not by month, so that one of a year needs no factor
        year = column.name in _MONTHLY and bool(YEARLY & set(name))
        share = (12 if year else 1) * (100 if _CENTS & set(name) else 1)
        # a fraction, as 1/12 has no decimals that end
        return ({"factor": f"1/{share}"} if share > 1 else {}), ""
    if column.name == "severity" and look.kind == "text":
        return {"words": severities(look)}, ""
    if column.kind != "time" or look.style in _DIRECT:
        return {}, ""
    if look.style.startswith("epoch "):
        return {"unit": look.style.removeprefix("epoch ")}, ""
    if look.style in ("day first", "month first"):
        return {"dates": look.style}, ""
    # no day above 12: either reading gives dates, and one of them wrong ones
    if look.style == "day or month first":
        return {}, "nobody can tell whether its times begin with the day or the month: say it with dates ="
    return {}, f"its times are written otherwise than 2025-03-31 ({look.style}), and are not read as they are"


def scale_of(look: Look, told: Collection[str]) -> tuple[tuple[str, ...], bool]:
    """Kinds of survey whose scale holds all scores, the likeliest first, and whether a name says which."""
    known = look.numbers.dropna()
    if known.empty:
        return (), False
    named = [kind for kind in SCALES if kind.lower() in told and known.between(*SCALES[kind]).all()]
    # a smaller scale that is used up to its end says more than a larger one
    fitting = sorted((high, kind) for kind, (low, high) in SCALES.items() if known.between(low, high).all())
    kinds = dict.fromkeys([*named, *(kind for _, kind in fitting)])
    return tuple(kinds), len(named) == 1
