"""Breaches of the table contract and how they read; their codes are declared in ``codes.toml``."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["CODES", "Breach", "Code", "did_you_mean", "listed"]

Effect = Literal["refused", "row set aside", "row left out", "column left out", "value missing", "kept"]


@dataclass(frozen=True, slots=True)
class Code:
    """A rule of the contract that data can break.

    Parameters
    ----------
    code : str
        ``CSD`` and three digits: 0xx tables and columns, 1xx keys, 2xx times, 3xx values.
    rule : str
        What should hold.
    effect : {"refused", "row set aside", "row left out", "column left out", "value missing", "kept"}
        What csrisk does with it.
    next_step : str
        What to do about it.
    found : str
        What is said after the number of what breaks it, ``{of one|of several}``.
    quiet : bool
        Listed in ``data.breaches`` only, without a warning.

    Examples
    --------
    >>> from csrisk.data import CODES
    >>> CODES["CSD101"].rule, CODES["CSD101"].effect
    ('account_id is there', 'row set aside')
    """

    code: str
    rule: str
    effect: Effect
    next_step: str
    found: str
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Breach:
    """One rule of the contract broken by one column of one table.

    Parameters
    ----------
    code : str
        Key of :data:`csrisk.data.CODES`.
    table, column : str
        Where; empty where the rule is about more than one.
    count : int
        Rows (or columns, or ids) that break the rule.
    rows : tuple of int
        The first few row positions, counted from 0.
    examples : tuple of str
        Some offending dates, numbers or categories, sorted; never names, ids or free text. Text that could not be
        read is shown by its shape only: each letter as a, each digit as 9.
    detail : str
        What else helps, such as the names that would have been right.
    effect : str, optional
        Where it differs from the one of the code.

    Examples
    --------
    >>> from csrisk.data import Breach
    >>> print(Breach("CSD303", "subscriptions", "mrr", 2, rows=(0, 7), examples=("-5",)))
    CSD303 table=subscriptions column=mrr count=2 rows=[0, 7] examples=[-5]: 2 numbers lie outside of their range
    (value missing); correct it at the source
    """

    code: str
    table: str = ""
    column: str = ""
    count: int = 1
    rows: tuple[int, ...] = ()
    examples: tuple[str, ...] = ()
    detail: str = ""
    effect: str = ""

    def __post_init__(self) -> None:
        if not self.effect:
            object.__setattr__(self, "effect", CODES[self.code].effect)

    @property
    def rule(self) -> str:
        """What should hold."""
        return CODES[self.code].rule

    @property
    def found(self) -> str:
        """What was found, with its number."""
        form = r"\1" if self.count == 1 else r"\2"
        return f"{self.count} {re.sub(r'{(.*?)[|](.*?)}', form, CODES[self.code].found)}"

    @property
    def next_step(self) -> str:
        """What to do about it."""
        return CODES[self.code].next_step

    @property
    def fatal(self) -> bool:
        """Whether the data were refused because of it."""
        return self.effect == "refused"

    @property
    def quiet(self) -> bool:
        """Whether it is listed without a warning."""
        return not self.fatal and CODES[self.code].quiet

    def __str__(self) -> str:
        where = [f"{name}={value}" for name, value in (("table", self.table), ("column", self.column)) if value]
        where.append(f"count={self.count}")
        if self.rows:
            where.append(f"rows=[{', '.join(map(str, self.rows))}{', ...' if self.count > len(self.rows) else ''}]")
        if self.examples:
            where.append(f"examples=[{', '.join(self.examples)}]")
        detail = f"; {self.detail}" if self.detail else ""
        return f"{self.code} {' '.join(where)}: {self.found} ({self.effect}){detail}; {self.next_step}"


def did_you_mean(wrong: str, right: Iterable[str]) -> str:
    """Hint at the name that was probably meant, or list those that there are."""
    import difflib

    right = list(right)
    folded = {name.casefold().replace(" ", "_"): name for name in right}
    close = difflib.get_close_matches(wrong.casefold().replace(" ", "_"), folded, n=1, cutoff=0.6)
    return f"did you mean {folded[close[0]]!r}?" if close else f"there are {right[:20]}"


_DECLARED = tomllib.loads(files(__package__).joinpath("codes.toml").read_text(encoding="utf-8"))
CODES: Mapping[str, Code] = MappingProxyType({code: Code(code, **declared) for code, declared in _DECLARED.items()})


def listed(breaches: tuple[Breach, ...]) -> str:
    """List the breaches; where some are fatal these alone, as the rest may come of them."""
    fatal = [breach for breach in breaches if breach.fatal]
    head = f"{len(breaches)} breach{'es' * (len(breaches) > 1)} of the table contract"
    lines = [f"{head}, {len(fatal)} of them fatal:" if fatal else f"{head}:", *map(str, fatal or breaches)]
    if rest := sorted({breach.code for breach in breaches if not breach.fatal} if fatal else ()):
        more = len(breaches) - len(fatal)
        lines.append(
            f"and {more} further finding{'s' * (more > 1)}, not fatal: {', '.join(rest)}; see .breaches of the error"
        )
    return "\n  ".join(lines)
