"""What explanations of one model share: its compiled trees, and what was computed for its references."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from csrisk._explain._adapters._codes import compile_forest
from csrisk._explain._games._backend import kernels
from csrisk._explain._kept import Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from csrisk._explain._adapters._codes import Forest
    from csrisk._explain._adapters._trees import Trees

    Matrix = NDArray[np.float64]

__all__ = ["Prepared", "prepared"]

_MANY_ROWS = 1024  # from so many on, codes that are there already are faster than the library, which begins anew


class Prepared:
    """Compiled trees of one model, and what was computed for the references it was asked about lately."""

    def __init__(self, trees: Trees, boosters: Sequence[Any] = ()) -> None:
        self.forest: Forest = compile_forest(trees)
        self.kept = Kept()
        self._own = [np.concatenate([tree.value for tree in member.trees]) for member in trees.members]
        self._members = _told(boosters)

    def member_means(self, codes: NDArray[Any]) -> Matrix | None:
        """Average what the members give, as they add it up; None where asking the library is as well."""
        forest = self.forest
        # a tree of more leaves needs more than one word
        if not self._own or codes.shape[1] < _MANY_ROWS or forest.max_leaves > 64:
            return None
        each, first = np.zeros((len(self._own), codes.shape[1])), 0
        for total, (_, n_trees), values in zip(each, self._members, self._own, strict=True):
            last = first + n_trees
            leaf_start = forest.leaf_start - forest.leaf_start[first]
            kernels().add_trees(
                forest.node_start,
                forest.column,
                forest.cut,
                *forest.leaves_below,
                leaf_start,
                values,
                codes,
                first,
                last,
                total,
            )
            first = last
        return np.asarray(each.mean(axis=0))

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
