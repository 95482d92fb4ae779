"""Breaches of the table contract: their codes, written once, and how they read."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["CODES", "Breach", "Code", "did_you_mean"]

Effect = Literal["refused", "row set aside", "column left out", "value missing", "kept"]


@dataclass(frozen=True, slots=True)
class Code:
    """A rule of the contract that data can break.

    Parameters
    ----------
    code : str
        ``CSD`` and three digits: 0xx tables and columns, 1xx keys, 2xx times, 3xx values.
    rule : str
        What should hold.
    effect : {"refused", "row set aside", "column left out", "value missing", "kept"}
        What csrisk does with it.
    next_step : str
        What to do about it.
    quiet : bool
        Listed in ``data.breaches`` only, without a warning.
    found : str
        What is said after the number of what breaks it.
    """

    code: str
    rule: str
    effect: Effect
    next_step: str
    quiet: bool = False
    found: str = ""


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


_SOURCE = "correct it at the source"
_STATE_IT = "state it: end={'usage': '2025-07-01'}, or in the configuration under [tables.usage]"
_CODES = (
    Code("CSD001", "a table has a name of the contract", "refused", "rename it in tables="),
    Code("CSD002", "columns= maps names of the contract", "refused", "correct the name in columns="),
    Code("CSD003", "columns= maps to columns that the table has", "refused", "correct the name in columns="),
    Code("CSD004", "required columns are there", "refused", "add the column, or map it with columns="),
    Code("CSD005", "column names are unique, upper and lower case alike", "refused", "rename one of them"),
    Code("CSD006", "a file can be read", "refused", "mend the file, or correct the path"),
    Code(
        "CSD007",
        "a table is of a kind that csrisk reads",
        "refused",
        "bring a pandas, Polars or Arrow frame, a DuckDB relation, or a path to Parquet or CSV",
    ),
    Code("CSD008", "there is at least one dated table with rows", "refused", "add usage, subscriptions or contacts"),
    Code(
        "CSD009", "a folder holds one <table>.parquet or <table>.csv for a table", "refused", "name files after tables"
    ),
    Code("CSD010", "a table has rows", "kept", "it counts as missing; leave it out or fill it"),
    Code("CSD011", "a column has a type that its kind can be read from", "refused", "convert it before"),
    Code("CSD012", "end is a date after the first event", "refused", "give end= as YYYY-MM-DD"),
    Code("CSD013", "some row of a table keeps the contract", "refused", "see the other breaches of the table"),
    Code("CSD015", "a column with nearly the name of the contract is mapped", "kept", "map it with columns="),
    Code("CSD021", "every file in a folder is used", "kept", "name it after its table, or take it out"),
    Code("CSD022", "every column is used", "kept", "map it with columns= if it is one of the contract", quiet=True),
    Code("CSD023", "the parts of a table have the same columns", "kept", "write all parts with the same columns"),
    Code("CSD101", "account_id is there", "row set aside", _SOURCE),
    Code("CSD102", "an account has one row in accounts", "refused", "keep the row that holds now"),
    Code("CSD103", "an account has one row in accounts (repeats are equal)", "row set aside", "remove the repeats"),
    Code("CSD104", "ids occur in accounts", "kept", "add them to accounts; their attributes are unknown"),
    Code(
        "CSD105",
        "ids of a column are all numbers or all text",
        "kept",
        "write all as text; 7 and '7' were taken as equal",
    ),
    Code(
        "CSD106",
        "ids have the same type in all tables",
        "kept",
        "write all as text; they were compared as text, where 7 and '007' differ",
        quiet=True,
    ),
    Code("CSD107", "ids were not rounded as decimals", "refused", "read the ids as text"),
    Code("CSD108", "there is more than one account", "kept", "a model needs a book of accounts"),
    Code(
        "CSD109",
        "ids differ by more than case, blanks or leading zeros",
        "kept",
        "make them equal if they are the same account; read ids as text",
    ),
    Code("CSD110", "contact_id is unique", "kept", "remove repeated contacts"),
    Code("CSD111", "ids of a table occur in another", "kept", "write ids alike in all tables, or leave the table out"),
    Code("CSD112", "an id is no word for nothing, such as NULL", "row set aside", "leave it empty, or give the id"),
    Code("CSD113", "features of the catalogue occur in usage", "kept", "write features alike in both tables"),
    Code("CSD201", "the primary time is there", "row set aside", _SOURCE),
    Code("CSD202", "a time can be read", "value missing", "write it as YYYY-MM-DD HH:MM:SS, with +HH:MM if not UTC"),
    Code(
        "CSD203",
        "a time lies between 1900 and 2100, and is not the zero of a clock (1900-01-01, 1970-01-01)",
        "value missing",
        "leave it empty where there is none",
    ),
    Code("CSD204", "times of a row come in order", "row set aside", _SOURCE),
    Code("CSD205", "events are dated before end", "row set aside", "correct the dates, or give a later end="),
    Code("CSD206", "times state their zone", "kept", "nothing if they are UTC; else convert them before", quiet=True),
    Code("CSD207", "times of a column are all with or all without zone", "kept", "those without were taken as UTC"),
    Code(
        "CSD208",
        "the last rows of a table come in its rhythm",
        "kept",
        f"correct the last dates; where they are right, {_STATE_IT}",
    ),
    Code("CSD209", "events show the end of the data", "kept", "give end="),
    Code("CSD210", "a score says when it was given", "kept", "add answered_at; scores without it are never used"),
    Code(
        "CSD211",
        "a table goes on for as long as the others",
        "kept",
        f"look at the feed; where nothing happened on those days, {_STATE_IT}",
    ),
    Code(
        "CSD212",
        "nothing lies after the clock of this machine",
        "kept",
        "correct the dates, or the clock; a simulated book may lie there",
    ),
    Code("CSD213", "end is not far after the last row", "kept", "give the day after the last one that was loaded"),
    Code(
        "CSD214",
        "a table goes on without a hole",
        "kept",
        "load these days again, or correct the dates after them; labels whose days reach into them are missing; where "
        "nothing happened, hand over a row of quantity 0 for a day of usage",
    ),
    Code(
        "CSD215",
        "end_at is the first day on which a contract does not run",
        "kept",
        "add a day to end_at where it is the last day of the contract; until then the account is seen without a "
        "contract on the day between",
    ),
    Code(
        "CSD218",
        "known_at= says of a table what its known_at is: updated or entered",
        "refused",
        'give known_at={"subscriptions": "entered"}, or "updated", which is the default',
    ),
    Code(
        "CSD219",
        "rows are known soon after they happen",
        "kept",
        "nothing if they are: features see them from then on alone; if known_at is the time of a load or of the last "
        "change, leave it out",
    ),
    Code(
        "CSD220",
        "rows become known on many days",
        "kept",
        "leave known_at out if it is the day of an export: of a date before it nothing of these rows is known",
    ),
    Code(
        "CSD221",
        "rows that sum up a period are dated when it is over",
        "kept",
        "date sums at the end of their period, or give the end as known_at; dated at its start they tell the future to "
        "features; nothing if these are events of their own",
    ),
    Code("CSD301", "a number can be read", "value missing", "write it with a point and without separators"),
    Code("CSD302", "a number is finite", "value missing", _SOURCE),
    Code("CSD303", "a number lies within its range", "value missing", _SOURCE),
    Code("CSD304", "a score lies within the scale of its survey kind", "value missing", "check kind and score"),
    Code(
        "CSD305",
        "a category is one that csrisk knows",
        "kept",
        "rename it; rows of unknown category are not used by it",
    ),
    Code("CSD306", "yes or no can be read", "value missing", "write true or false"),
    Code("CSD307", "a column has values", "kept", "it counts as missing", quiet=True),
    Code("CSD308", "a column has more than one value", "kept", "it cannot tell accounts apart", quiet=True),
    Code("CSD309", "events are not repeated exactly", "kept", "remove repeats if they are loading errors", quiet=True),
    Code(
        "CSD310",
        "subscriptions of an account and product do not overlap",
        "kept",
        "end the old one first; sums count both",
    ),
    Code(
        "CSD321",
        "an event_id of an account is one event",
        "row set aside",
        "nothing if later ones are retries: the row that was known first stays",
    ),
    Code(
        "CSD322",
        "few events are repeated exactly",
        "kept",
        "hand over event_id, and repeats of retried events are removed; nothing if they happened so often",
    ),
    Code(
        "CSD323",
        "contracts state an amount that sums can be made of",
        "kept",
        "write it, 0 where nothing is paid, and net discounts and credits into the contract; until then the sums of "
        "these accounts are unknown while such a contract runs, never 0",
    ),
    Code("CSD324", "amounts are in one currency", "refused", "convert them to one currency before"),
    Code(
        "CSD325",
        "mrr is the amount of a month",
        "kept",
        "divide amounts of a year by 12, then leave interval out; nothing if they are by month already",
    ),
    Code("CSD326", "amounts of a table are in one unit", "kept", "where some are in cents, divide these by 100"),
    Code(
        "CSD327",
        "a score says which survey it answers",
        "kept",
        "add kind (NPS 0-10, CSAT 1-5, CES 1-7); scores without it are never used",
    ),
    Code(
        "CSD328",
        "surveys say when they were answered",
        "kept",
        "add answered_at, empty without an answer; until then response rates are unknown, not 0",
    ),
    Code(
        "CSD329",
        "each amount states its currency, or none does",
        "kept",
        "write it for each; until then they are added as if of the same currency",
    ),
    Code(
        "CSD330",
        "rows that are marked as deleted or as of a test are left out before",
        "kept",
        "leave them out of the table; csrisk reads no such mark, so they count as all others",
    ),
    Code(
        "CSD331",
        "a measure is declared",
        "kept",
        "declare it, as [measures.csm_pulse] with goal, unit, direction and sentence; until then it is not used",
    ),
    Code(
        "CSD332",
        "an invoice is listed once",
        "kept",
        "list it once, with its whole amount; sums count each row",
    ),
    Code(
        "CSD333",
        "no attribute says the same as ended_reason",
        "column left out",
        "nothing; as a feature it would tell the outcome, as it is known only when the account has left",
    ),
)

# what is said after the number: {of one|of several}
_FOUND = {
    "CSD001": "{table has|tables have} a name that the contract does not know",
    "CSD002": "{entry|entries} of columns= that the contract does not know",
    "CSD003": "{column|columns} of columns= that the table lacks",
    "CSD004": "{required column is|required columns are} missing",
    "CSD005": "{column name is|names are there} more than once, upper and lower case alike",
    "CSD006": "{file|files} of the table cannot be read",
    "CSD007": "{table is|tables are} of a kind that csrisk does not read",
    "CSD008": "dated {table|tables} with rows",
    "CSD009": "{file or folder|files or folders} for one table",
    "CSD010": "{row|rows} in the table",
    "CSD011": "{column has|columns have} a type that the kind cannot be read from",
    "CSD012": "{end|ends} that cannot be, so that no event lies before",
    "CSD013": "{row is|rows are} in the table, and none keeps the contract",
    "CSD015": "{column has|columns have} nearly a name of the contract and {is|are} not read",
    "CSD021": "{file|files} of the folder not used",
    "CSD022": "{column|columns} not used",
    "CSD023": "{column is|columns are} not in every part of the table",
    "CSD101": "{row has|rows have} no account_id",
    "CSD102": "{account has|accounts have} rows that contradict each other",
    "CSD103": "{row repeats|rows repeat} an account with equal values",
    "CSD104": "{row is|rows are} of accounts that the table of accounts does not list",
    "CSD105": "{column of ids holds|columns of ids hold} numbers and text",
    "CSD106": "{table writes|tables write} ids as numbers, others as text",
    "CSD107": "{id is|ids are} written as decimals, and may be rounded",
    "CSD108": "{account|accounts}, so that nothing can be learned",
    "CSD109": "{id differs|ids differ} from another only by case, blanks, leading zeros or a trailing .0",
    "CSD110": "{contact repeats|contacts repeat} a contact_id",
    "CSD111": "{id of the table is|ids of the table are} in no other table",
    "CSD112": "{id is|ids are} words for nothing, such as NULL or nan",
    "CSD113": "{feature|features} of the catalogue, none of which occurs in usage",
    "CSD201": "{row has|rows have} no primary time",
    "CSD202": "{time|times} cannot be read",
    "CSD203": "{time lies|times lie} before 1900 or after 2099, or {is|are} the zero of a clock",
    "CSD204": "{row has|rows have} times out of order",
    "CSD205": "{event is|events are} dated at or after end",
    "CSD206": "{column has|columns have} times without a zone",
    "CSD207": "{time states|times state} no zone in a column in which others do",
    "CSD208": "{last row comes|last rows come} out of the rhythm of the table",
    "CSD209": "{end is|ends are} taken from plans and contracts, as no event shows it",
    "CSD210": "{score does|scores do} not say when {it was|they were} given",
    "CSD211": "{day|days} without a sign of the table, at its end",
    "CSD212": "{date lies|dates lie} after the clock of this machine",
    "CSD213": "{day|days} between the last row and end",
    "CSD214": "{day|days} in the middle of the table without its rows",
    "CSD215": "{contract ends|contracts end} on the last day, or a day before the next begins",
    "CSD218": "{entry|entries} of known_at= without a meaning",
    "CSD219": "{row was|rows were} known two weeks or more after they happened",
    "CSD220": "{row was|rows were} known on one and the same day, two weeks or more after they happened",
    "CSD221": "{row is|rows are} dated at the start of a period, as sums of one are",
    "CSD301": "{number|numbers} cannot be read",
    "CSD302": "{number is|numbers are} infinite",
    "CSD303": "{number lies|numbers lie} outside of {its|their} range",
    "CSD304": "{score lies|scores lie} outside of the scale of the kind",
    "CSD305": "{row has|rows have} a category that csrisk does not know",
    "CSD306": "{value is|values are} neither yes nor no",
    "CSD307": "{row|rows} and no value in the column",
    "CSD308": "{row|rows} and one value in the column throughout",
    "CSD309": "{event repeats|events repeat} another exactly",
    "CSD310": "{subscription overlaps|subscriptions overlap} another of the account and product",
    "CSD321": "{event was|events were} delivered again under an event_id",
    "CSD322": "{event repeats|events repeat} another exactly, which is many",
    "CSD323": "{contract states|contracts state} no amount",
    "CSD324": "{currency|currencies} in the amounts",
    "CSD325": "{amount seems|amounts seem} to be of another period than a month",
    "CSD326": "{amount seems|amounts seem} to be in another unit than the others",
    "CSD327": "{score does|scores do} not say which survey {it answers|they answer}",
    "CSD328": "{survey does|surveys do} not say whether {it was|they were} answered",
    "CSD329": "{amount states|amounts state} no currency beside others that do",
    "CSD330": "{row is|rows are} marked as deleted or as of a test",
    "CSD331": "{row is|rows are} of measures that are not declared",
    "CSD332": "{invoice repeats|invoices repeat} an invoice_id of the account",
    "CSD333": "{attribute says|attributes say} the same of each account as ended_reason",
}
CODES: Mapping[str, Code] = MappingProxyType({code.code: replace(code, found=_FOUND[code.code]) for code in _CODES})
