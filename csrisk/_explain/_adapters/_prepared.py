"""What explanations of one model share: its compiled trees, and the rows that were herded for a reference."""

from __future__ import annotations

import hashlib
import weakref
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from csrisk._explain._adapters._codes import compile_forest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from csrisk._explain._adapters._codes import Forest
    from csrisk._explain._adapters._trees import Trees

__all__ = ["Prepared", "prepared"]

_MOST_REFERENCES = 16


class Prepared:
    """Compiled trees of one model, and the rows that stand for the references it was asked about lately."""

    def __init__(self, trees: Trees, boosters: Sequence[Any] = ()) -> None:
        self.forest: Forest = compile_forest(trees)
        self._members = _told(boosters)
        self._herded: OrderedDict[bytes, NDArray[np.intp]] = OrderedDict()

    def is_of(self, boosters: Sequence[Any]) -> bool:
        """Whether these are still the members, with as many trees."""
        return self._members == _told(boosters)

    def herded(self, about: Sequence[bytes], choose: Callable[[], NDArray[np.intp]]) -> NDArray[np.intp]:
        """Give the rows that were chosen for the same bytes before, or choose them."""
        digest = hashlib.blake2b(digest_size=16)
        for part in about:
            # lengths too, else the same bytes cut elsewhere would be the same key
            digest.update(len(part).to_bytes(8, "little"))
            digest.update(part)
        key = digest.digest()
        found = self._herded.get(key)
        if found is None:
            found = self._herded[key] = choose()
            # shared by every explanation of the model that asks for this reference
            found.flags.writeable = False
            while len(self._herded) > _MOST_REFERENCES:
                self._herded.popitem(last=False)
        return found


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
