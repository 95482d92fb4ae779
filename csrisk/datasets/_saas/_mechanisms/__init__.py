"""What moves customers beside the four states: mechanisms, each with its signs in the tables and its true effect."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from csrisk.datasets._saas._mechanisms._effort import HANDOVER, MEETINGS, RECOVERY
from csrisk.datasets._saas._mechanisms._money import CAPTIVITY, INVOICES, OVERUSE
from csrisk.datasets._saas._mechanisms._people import KEY_PERSON, SPONSOR
from csrisk.datasets._saas._mechanisms._push import Mechanism, Part, Push, World
from csrisk.datasets._saas._mechanisms._voice import PROMISES, PULSE, STANCE
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from numpy.typing import NDArray

    from csrisk.datasets._saas._contracts import Book

__all__ = ["MECHANISMS", "Mechanism", "Part", "Push", "chosen", "draw", "write"]

MECHANISMS: Mapping[str, Mechanism] = MappingProxyType(
    {
        each.name: each
        for each in (
            HANDOVER,
            RECOVERY,
            SPONSOR,
            INVOICES,
            OVERUSE,
            STANCE,
            CAPTIVITY,
            PROMISES,
            MEETINGS,
            PULSE,
            KEY_PERSON,
        )
    }
)


def chosen(mechanisms: str | Iterable[str] | Mapping[str, float]) -> dict[str, float]:
    """Strength by name of the mechanisms asked for, in the order of their declaration."""
    if isinstance(mechanisms, str):
        mechanisms = tuple(MECHANISMS) if mechanisms == "all" else (mechanisms,)
    strength = dict(mechanisms) if isinstance(mechanisms, Mapping) else dict.fromkeys(mechanisms, 1.0)
    for name, value in strength.items():
        if name not in MECHANISMS:
            raise ConfigError(f"mechanisms={name!r} is none of these: {', '.join(MECHANISMS)}, or 'all' of them")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 3:
            raise ConfigError(f"mechanisms[{name!r}]={value!r} must be a strength from 0 (signs only) to 3")
    return {name: float(strength[name]) for name in MECHANISMS if name in strength}


def draw(book: Book, strength: Mapping[str, float], seed: int) -> None:
    """Draw what happens to whom, and add what it does to the states; each mechanism has a stream of its own."""
    for name, size in strength.items():
        # all are drawn before any moves a state: some look at states, and would depend on the others
        levels, struck = MECHANISMS[name].draw(book, _stream(seed, name, 0))
        book.pushes[name] = Push(MECHANISMS[name], size, levels, struck)
    for push in book.pushes.values():
        shift = push.shift()
        if shift is not None:
            book.latent.states[...] += shift


def write(book: Book, ids: NDArray[np.object_], tables: dict[str, pd.DataFrame], seed: int) -> None:
    """Write the signs of what happened into the tables."""
    world = World(book, ids, tables)
    for name, push in book.pushes.items():
        push.mechanism.write(world, push, _stream(seed, name, 1))
    for name, push in book.pushes.items():
        # when all have written: its columns are filled in the rows of the others, too
        if push.mechanism.dress:
            push.mechanism.dress(world, _stream(seed, name, 2))


def _stream(seed: int, name: str, turn: int) -> np.random.Generator:
    # by the place of the declaration: a mechanism put between others would change their streams
    return np.random.default_rng([seed, 101 + list(MECHANISMS).index(name), turn])
