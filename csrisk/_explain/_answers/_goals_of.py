"""Which goal each column of a model belongs to: the only place where goals meet columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from csrisk._goals import Goal
from csrisk.exceptions import ExplanationError, FeatureError
from csrisk.features import Feature

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Declarations", "declarations_of", "players_of"]

Declarations = Iterable[Feature] | Mapping[str, Goal | str] | None


def declarations_of(
    names: Sequence[str], given: Declarations, travelling: Iterable[Feature] = ()
) -> tuple[Feature, ...]:
    """Find the declaration of each column, in the order of the columns."""
    by_name = {feature.name: feature for feature in travelling}
    if isinstance(given, Mapping):
        by_name |= {str(name): _plain(str(name), goal) for name, goal in given.items()}
    else:
        by_name |= {feature.name: feature for feature in given or ()}
    if given is None and not by_name:
        from csrisk import features

        return tuple(features.declared(list(names)))
    # what was given or travels comes before what csrisk declares of its own columns
    by_name = {**_defaults([name for name in names if name not in by_name]), **by_name}
    missing = [name for name in names if name not in by_name]
    if missing:
        message = (
            f"declarations: {len(missing)} of {len(names)} columns of the model have no goal, first {missing[:5]}; "
            f"pass declarations={{column: goal}} with goals of {[str(goal) for goal in Goal]}"
        )
        raise ExplanationError(message)
    return tuple(by_name[name] for name in names)


def _defaults(names: Sequence[str]) -> dict[str, Feature]:
    from csrisk import features

    with suppress(FeatureError):
        return dict(zip(names, features.declared(names), strict=True))
    # one unknown name refuses all of them, so those that are known are taken for themselves
    known = features.built(names)
    extra = features.declared([name for name in names if name.startswith("account_")])
    return {**known, **{feature.name: feature for feature in extra}}


def _plain(name: str, goal: Goal | str) -> Feature:
    if str(goal) not in [str(known) for known in Goal]:
        raise ExplanationError(f"declarations: goal={goal!r} must be one of {[str(known) for known in Goal]}")
    # a name may hold braces, which mean something in a sentence
    shown = name.replace("{", "{{").replace("}", "}}")
    return Feature(name, Goal(goal), "score", f"{shown} is {{value}}; typical is {{typical}}.")


def players_of(declarations: Sequence[Feature]) -> dict[Goal, NDArray[np.intp]]:
    """Column positions of each goal that has any, in the order of `Goal`."""
    owners = np.array([str(feature.goal) for feature in declarations])
    found = {goal: np.flatnonzero(owners == str(goal)) for goal in Goal}
    return {goal: columns for goal, columns in found.items() if len(columns)}
