"""The configuration as a person reads it: what counts, and in comments what was guessed, left and asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from csrisk._proposal._cures import cure_of
from csrisk._proposal._joins import ACCOUNT, PRICE, query_of
from csrisk._proposal._matching._evidence import without_evidence
from csrisk._proposal._matching._names import words
from csrisk._proposal._matching._pairs import Pair
from csrisk._proposal._questions import LEAVE_OUT
from csrisk._text import one_line
from csrisk.data import CONTRACT
from csrisk.data._presets import matching_presets, read_preset

if TYPE_CHECKING:
    from collections.abc import Iterator

    from csrisk._proposal._accounts import Join
    from csrisk._proposal._matching._match import Match
    from csrisk._proposal._proposal import Proposal

__all__ = ["written"]

_HEAD = """# Proposed by csrisk from names, types, ranges, times and ids that files share. Each line says how
# sure it is:
#   sure     nothing else could be meant
#   decided  a guess that was taken; what it could be instead stands behind it
#   guess    not in use: take the mark # away where it is right
# Check with: csrisk check SOURCE --config THIS_FILE"""


def written(proposal: Proposal) -> str:
    """Write a proposal as TOML."""
    parts = [_HEAD, *_asked(proposal), _label(proposal)]
    parts += ["\n".join(_table(proposal, match)) for match in proposal.matches]
    there = {match.table for match in proposal.matches if _stands(proposal, match)}
    parts += ["\n".join(_left(proposal)), "\n".join(_missing(there))]
    return "\n\n".join(part for part in parts if part) + "\n"


def _asked(proposal: Proposal) -> list[str]:
    asked = [f"#   {place}. {one_line(str(one))}" for place, one in enumerate(proposal.open, 1)]
    return ["\n".join(["# Questions that a person must answer:", *asked])] if asked else []


def _label(proposal: Proposal) -> str:
    asked = any(question.about == "label" for question in proposal.questions)
    kind = proposal.decided.get("label")
    if not asked:
        return ""
    meaning = "a contract that ends and is not renewed, or no use for a while (inactivity)"
    # a comment until somebody decides: what churn is cannot be guessed
    line = _entry("kind", kind) if kind else "# " + _entry("kind", "contract")
    return f"[label]\n{line}  # what churn is here: {meaning}"


def _table(proposal: Proposal, match: Match) -> Iterator[str]:
    stands = _stands(proposal, match)
    mark = "" if stands else "# "
    grade = "sure" if match.sure else "decided" if stands else "guess"
    others = f"; could also be {' or '.join(match.others)}" if match.others and not match.sure else ""
    yield f"{mark}[tables.{match.table}]  # {grade}{one_line(others)}"
    for line in _blocks(proposal, match):
        yield f"# {line}"
    if joins := _joins(match, proposal):
        # in literal text of TOML, where signs of SQL need no escape; see `_plain` for what it cannot hold
        query = query_of(match.brought, joins, database=proposal.database)
        yield from (mark + line for line in ("query = '''", *query.splitlines(), "'''"))
    else:
        yield mark + _entry("file", match.brought.file)
        yield from _presets(match)
    yield f"{mark}[tables.{match.table}.columns]"
    if match.join is not None:
        yield f"{mark}{_entry('account_id', ACCOUNT)}  # {grade}: {one_line(_way(match.join))}"
    if match.key is not None:
        line = _key(proposal, match)
        yield line if line.startswith("# ") else mark + line
    for pair in match.pairs:
        line = _pair(proposal, match, pair)
        yield line if line.startswith("# ") else mark + line
    if match.price is not None:
        yield _priced(match, match.price, proposal)
    used = {pair.theirs for pair in match.pairs} | {match.key} | {match.join.column if match.join else None}
    # a name with a line break would leave the comment, and become a key
    if unused := [one_line(name) for name in match.brought.looks if name not in used]:
        kept = " (become context)" if match.table == "accounts" else ""
        yield f"# columns not used{kept}: {', '.join(unused)}"


def _presets(match: Match) -> Iterator[str]:
    """Name the presets of this table all of whose columns the file has: what they say is documented by the vendor."""
    for name in matching_presets(match.brought.looks):
        found = read_preset(name)
        if found.table == match.table:
            asked = ", ".join(found.asks)
            but = f", but for {asked}" if asked else ""
            yield f"# {_entry('preset', name)}  # all of its columns are here; it may replace the lines below{but}"


def _key(proposal: Proposal, match: Match) -> str:
    about = f"{match.table}.account_id"
    if proposal.keys.sure(match.brought.name):
        return f"{_entry('account_id', match.key)}  # sure"
    chosen = proposal.decided.get(about)
    others = [name for name, _ in proposal.keys.columns[match.brought.name] if name != (chosen or match.key)]
    pair = Pair("account_id", match.key or "", 0.0, False)
    return _graded(pair, chosen, others[:3], about in proposal.decided)


def _pair(proposal: Proposal, match: Match, pair: Pair) -> str:
    if pair.sure:
        return f"{_column(pair, pair.theirs)}  # sure"
    if pair.unread:
        return f"# {_entry(pair.column, pair.theirs)}  # not in use: {pair.unread}"
    about = f"{match.table}.{pair.column}"
    chosen = proposal.decided.get(about)
    others = [name for name in (pair.theirs, *pair.others) if name != (chosen or pair.theirs)]
    return _graded(pair, chosen, others, about in proposal.decided)


def _graded(pair: Pair, chosen: str | None, others: list[str], decided: bool) -> str:
    told = "; ".join(filter(None, [pair.note, f"or {', '.join(others)}" if others else ""]))
    comment = one_line(f": {told}" if told else "")
    if decided and chosen != LEAVE_OUT:
        return f"{_column(pair, chosen or pair.theirs)}  # decided{comment}"
    return f"# {_column(pair, pair.theirs)}  # {'left out' if decided else 'guess'}{comment}"


def _column(pair: Pair, theirs: str) -> str:
    """Write where a column comes from, with what its values need."""
    if pair.constant:
        return f"{pair.column} = {{ {_entry('constant', theirs)} }}"
    if not pair.cure or theirs != pair.theirs:  # the cure was told by the values of the likeliest column
        return _entry(pair.column, theirs)
    keys = {"name": theirs, **pair.cure}
    return f"{pair.column} = {{ {', '.join(_entry(key, value) for key, value in keys.items())} }}"


def _joins(match: Match, proposal: Proposal) -> list[tuple[str, Join]]:
    """Give what has to be fetched from other tables, each under the name that it gets."""
    wanted = [] if match.join is None else [(ACCOUNT, match.join)]
    if match.price is not None and proposal.decided.get(f"{match.table}.mrr"):
        # after an answer alone: whether a price is by month no value tells
        wanted.append((PRICE, match.price))
    return wanted if _plain(match) else []


def _plain(match: Match) -> bool:
    """Whether a query can name the file: one alone, in signs that need no thought."""
    ways = [way for way in (match.join, match.price) if way is not None]
    names = (match.brought.file, *(name for way in ways for name in (way.column, way.table, way.key, way.account)))
    return all(isinstance(name, str) and "'''" not in name and name.isprintable() for name in names)


def _priced(match: Match, way: Join, proposal: Proposal) -> str:
    mrr = CONTRACT[match.table]["mrr"]
    cure, _ = cure_of(next(iter(match.brought.looks.values())), words(way.account), mrr)
    line = _column(Pair("mrr", PRICE, 0.0, False, cure=cure), PRICE)
    decided = proposal.decided.get(f"{match.table}.mrr")
    told = one_line(_way(way)) + "; is it by month?"
    if decided and _plain(match):
        return f"{'' if _stands(proposal, match) else '# '}{line}  # decided: {told}"
    return f"# mrr: not in use: {told} A query has to join it"


def _way(way: Join) -> str:
    return f"{way.account} of {way.table}, by {way.column} = {way.key}"


def _stands(proposal: Proposal, match: Match) -> bool:
    """Whether a table counts: it is sure or decided, and so is every column that it must have."""
    # a table that cannot be read would refuse the whole configuration
    return (match.sure or proposal.decided.get(match.table) == "yes") and not list(_blocks(proposal, match))


def _blocks(proposal: Proposal, match: Match) -> Iterator[str]:
    """Say why a table cannot be read as it is."""
    if match.lacking:
        yield f"{', '.join(match.lacking)} was not found, without which the table cannot be read"
    if match.join is not None and not _plain(match):
        yield one_line(f"the account is {_way(match.join)}; write a query that joins them")
    required = CONTRACT[match.table].required
    for pair in match.pairs:
        about = f"{match.table}.{pair.column}"
        if pair.column in required and pair.unread:
            yield f"{pair.column}: {pair.unread}"
        elif pair.column in required and not pair.sure and proposal.decided.get(about, LEAVE_OUT) == LEAVE_OUT:
            yield f"{pair.column} must be known first"
    about = f"{match.table}.account_id"
    if match.key is not None and not proposal.keys.sure(match.brought.name) and about not in proposal.decided:
        yield "account_id must be known first"


def _left(proposal: Proposal) -> Iterator[str]:
    if proposal.unused:
        yield "# Files that are not used:"
        for name, why in proposal.unused.items():
            yield f"#   {one_line(name)}: {one_line(why)}"


def _missing(there: set[str]) -> Iterator[str]:
    yield "# Tables that are missing, and what stays without evidence:"
    for table, told in without_evidence(there).items():
        yield f"#   {table}: {told}"


def _entry(key: str, value: Any) -> str:
    import tomli_w

    plain = list(value) if isinstance(value, tuple) else value
    if isinstance(plain, Mapping):
        return f"{key} = {{ {', '.join(_entry(word, one) for word, one in plain.items())} }}"
    if isinstance(plain, list):
        # tomli_w breaks lists over lines, which a comment could not hold
        return f"{key} = [{', '.join(_entry('x', one).removeprefix('x = ') for one in plain)}]"
    return tomli_w.dumps({key: plain}).strip()
