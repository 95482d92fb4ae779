"""What is what in a source, as it was guessed and as a person decided."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from csrisk._proposal._accounts import Keys, find_keys
from csrisk._proposal._matching._match import Match, elsewhere, match_tables, outcome_of
from csrisk._proposal._matching._words import ELSEWHERE
from csrisk._proposal._questions import Question, questions_of
from csrisk._proposal._sources import LOOKED_FOR, look_into
from csrisk.exceptions import ConfigError, DataContractError

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from csrisk._pipeline import RiskSpec
    from csrisk._proposal._sources import Seen

__all__ = ["Proposal", "propose"]

_LARGEST_LIST = 12


@dataclass(frozen=True)
class Proposal:
    """Which file is which table, and which column is which; made by :func:`csrisk.propose`."""

    matches: tuple[Match, ...]
    unused: Mapping[str, str]
    questions: tuple[Question, ...] = ()
    decided: Mapping[str, str] = field(default_factory=dict)
    database: bool = False
    keys: Keys = field(default_factory=lambda: Keys({}))

    @property
    def table(self) -> pd.DataFrame:
        """Every proposed pair: file, its column, table and column of the contract, grade (``sure`` or ``guessed``)."""
        names = ["file", "theirs", "table", "column", "grade"]
        rows = [
            (match.brought.name, theirs, match.table, column, "sure" if sure else "guessed")
            for match in self.matches
            for column, theirs, sure in self._columns_of(match)
        ]
        return pd.DataFrame(rows, columns=names)

    @property
    def open(self) -> tuple[Question, ...]:
        """Questions that nobody has answered."""
        return tuple(question for question in self.questions if question.about not in self.decided)

    def answer(self, about: str, answer: str) -> Proposal:
        """Answer a question."""
        found = next((question for question in self.questions if question.about == about), None)
        if found is None:
            raise ConfigError(f"about={about!r}: no such question; there are {[one.about for one in self.questions]}")
        if answer not in found.options:
            raise ConfigError(f"{about}: answer={answer!r} must be one of {list(found.options)}")
        return replace(self, decided={**self.decided, about: answer})

    def with_guesses(self) -> Proposal:
        """Answer every open question with what is likeliest."""
        # the likeliest answer stands first; what a person decided goes before it
        return replace(self, decided={**{one.about: one.options[0] for one in self.open}, **self.decided})

    def to_toml(self) -> str:
        """Write a configuration: what is sure or decided counts, what is guessed stands in comments."""
        from csrisk._proposal._toml import written

        return written(self)

    def spec(self) -> RiskSpec:
        """Give the configuration as it would be read."""
        from csrisk._pipeline import RiskSpec

        return RiskSpec.from_toml(self.to_toml())

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the configuration to a file that is not there yet."""
        from csrisk._pipeline import write_text

        target = Path(path)
        if target.exists() or target.is_symlink():  # a dangling link does not exist, and would be written through
            raise ConfigError(
                f"{target.name}: is there already, and is never overwritten; name another file or move it"
            )
        return write_text(target, self.to_toml())

    def __str__(self) -> str:
        lines = [
            f"{match.table:14} {'sure   ' if match.sure else 'guessed'}  {match.brought.name} "
            f"({len(self._columns_of(match))} of {len(match.brought.looks)} columns)"
            for match in self.matches
        ]
        lines += [f"not used: {name}: {why}" for name, why in self.unused.items()]
        return "\n".join([*lines, *(f"open: {question}" for question in self.open)])

    def _columns_of(self, match: Match) -> list[tuple[str, str, bool]]:
        key = (
            [] if match.key is None else [("account_id", match.key, match.sure and self.keys.sure(match.brought.name))]
        )
        # a constant has no column of the file
        return key + [(pair.column, pair.theirs, pair.sure) for pair in match.pairs if not pair.constant]


def propose(source: str | os.PathLike[str]) -> Proposal:
    r"""Guess which table of the contract each file is, and which column is which.

    Names, types, ranges, the order of times and ids that occur in several files are held together, and the best
    assignment as a whole is taken. What nothing else could be meant by is sure; the rest is a guess, with what it could
    be instead, and a question. Rows are sampled, nothing is written.

    Parameters
    ----------
    source : path or str
        A folder, a database file, or the address of a database.

    Returns
    -------
    Proposal
        With :meth:`~Proposal.to_toml`, :meth:`~Proposal.answer` and :meth:`~Proposal.with_guesses`.

    Raises
    ------
    DataContractError
        If there is nothing that could be read, or no table of the contract in it; the message says what was looked for.

    Examples
    --------
    >>> import tempfile, pathlib, csrisk as cr
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> rows = ["ticket_id,customer_id,created_at,solved_at,priority"]
    >>> rows += [f"{i},c-{i % 7},2025-01-{1 + i % 28:02},2025-02-{1 + i % 28:02},high" for i in range(50)]
    >>> _ = (folder / "support_tickets.csv").write_text("\n".join(rows))
    >>> proposal = cr.propose(folder)
    >>> proposal.table[["theirs", "table", "column"]].head(2).to_numpy().tolist()
    [['customer_id', 'contacts', 'account_id'], ['ticket_id', 'contacts', 'contact_id']]
    """
    seen = look_into(str(source))
    keys = find_keys(seen.tables)
    matches, left = match_tables(seen.tables, keys)
    if seen.far:
        matches = tuple(_unwritten(match) for match in matches)
    unused = {**{name: _why_unused(match) for name, match in left.items()}, **seen.unread}
    if not matches:
        raise DataContractError(_nothing(seen, unused))
    return Proposal(matches, unused, questions_of(matches, keys), database=seen.database, keys=keys)


def _unwritten(match: Match) -> Match:
    """Leave out what a database behind an address cannot do: text is not rewritten there."""
    told = "its times begin with the day or the month, and a database behind an address does not rewrite text"
    pairs = (replace(one, cure={}, sure=False, unread=told) if "dates" in one.cure else one for one in match.pairs)
    return replace(match, pairs=tuple(pairs))


def _why_unused(match: Match) -> str:
    # first: a flat table may look like accounts, and has a command of its own
    if outcome := outcome_of(match.brought):
        how = f"csrisk train FILE --target {outcome} --report risk.html"
        return f"looks like one flat table without dates, whose column {outcome!r} says who left: {how}"
    kind, fit = elsewhere(match.brought, of_accounts=match.key is not None)
    # hardly worse is enough: what the file is says more to a person than what it lacks
    if fit and fit >= match.score - 0.5:
        return f"looks like {kind}: {ELSEWHERE[kind].cure}"
    if match.score <= 0:
        return "looks like no table of the contract"
    if match.lacking:
        return f"looks most like {match.table}, but {', '.join(match.lacking)} was not found"
    return f"looks most like {match.table}, and too little so, or another file does more; name it in [tables] if it is"


def _nothing(seen: Seen, unused: Mapping[str, str]) -> str:
    told = "; ".join(f"{name}: {why}" for name, why in list(unused.items())[:_LARGEST_LIST])
    more = f" ({told}{'; ...' if len(unused) > _LARGEST_LIST else ''})" if unused else ""
    where = "the database" if seen.database else "the folder"
    looked = "" if seen.database else f" Looked for {LOOKED_FOR}:"
    return (
        f"{where} holds {len(seen.tables)} tables that can be read and none that is a table of the contract{more}."
        f"{looked} rows of use, contacts, contracts, surveys or accounts, each with a column that names the customer "
        "and a time"
    )
