"""What explanations of one model share: its compiled trees, and what was computed for its references."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from csrisk._explain._adapters._codes import compile_forest
from csrisk._explain._games._kept import Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from csrisk._explain._adapters._codes import Forest
    from csrisk._explain._adapters._trees import Trees

__all__ = ["Prepared", "prepared"]


class Prepared:
    """Compiled trees of one model, and what was computed for the references it was asked about lately."""

    def __init__(self, trees: Trees, boosters: Sequence[Any] = ()) -> None:
        self.forest: Forest = compile_forest(trees)
        self.kept = Kept()
        self._members = _told(boosters)

    def is_of(self, boosters: Sequence[Any]) -> bool:
        """Whether these are still the members, with as many trees."""
        return self._members == _told(boosters)


# by the first member; the weak references of the others tell models apart that share it
_prepared: weakref.WeakKeyDictionary[Any, Prepared] = weakref.WeakKeyDictionary()


def prepared(boosters: Sequence[Any], read: Callable[[], Trees]) -> Prepared:
    """Prepare a model of members that nobody changes, or take what was prepared for the same members before."""
    found = _prepared.get(boosters[0])
    if found is None or not found.is_of(boosters):
        found = _prepared[boosters[0]] = Prepared(read(), boosters)
    return found


def _told(boosters: Sequence[Any]) -> list[tuple[weakref.ref[Any], int]]:
    # the number of trees tells a member that was trained on in place
    return [(weakref.ref(booster), booster.num_trees()) for booster in boosters]
