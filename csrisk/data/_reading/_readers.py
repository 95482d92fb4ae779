"""SQL of the embedded engine that reads a user's column as the kind of the contract, and tells what it could not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from csrisk._text import MISSING_WORDS

if TYPE_CHECKING:
    from csrisk.data._declared._contract import Column

__all__ = [
    "BLANK",
    "NOTHING",
    "ROW",
    "WHOLE",
    "ZONE",
    "Reader",
    "quoted",
    "read_moment",
    "readable",
    "trimmed",
]

ROW = "csrisk__row"  # position of a row in the input; engines may read rows in any order

NOTHING = '"NULL"'  # the type of a column without values

WHOLE = tuple(sign + kind for sign in ("", "U") for kind in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"))
_BROKEN = ("FLOAT", "DOUBLE", "DECIMAL")
_ROUNDED = {"FLOAT": 2**24, "DOUBLE": 2**53}  # from here on whole numbers cannot be told apart
_NULLS = {"time": "BIGINT", "number": "DOUBLE", "bool": "BOOLEAN"}  # types of columns without values
_TEXT = ("VARCHAR", "ENUM", "UUID")
_TIME = ("TIMESTAMP", "DATE")
BLANK = " \t\r\n\v\f\u00a0\u2007\u202f\u3000\ufeff"  # trim() alone takes off spaces and nothing else
_NOTHING = str(MISSING_WORDS)
_TRUE = "('true', 't', 'yes', 'y', 'on')"
_FALSE = "('false', 'f', 'no', 'n', 'off')"
# no zone is further than 14 hours from UTC
ZONE = r"(Z|z|UTC|[+-](0\d|1[0-4]):?([0-5]\d)?)"
STAMP = r"\d{4}-\d{1,2}-\d{1,2}([T ]\d{2}:\d{2}(:\d{2}([.]\d+)?)? ?" + ZONE + "?)?"


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Reader:
    """SQL expressions over a user's column."""

    column: Column
    name: str
    kind: str
    dates: str = ""
    leading: bool = False

    @property
    def textual(self) -> bool:
        """Whether values come as text, so that they may be unreadable."""
        return self.kind.startswith(_TEXT)

    @property
    def raw(self) -> str:
        """The value as text; what a cure does not fit stays as it is, and can be read or not."""
        text = f"CAST({quoted(self.name)} AS VARCHAR)"
        if not self.textual:
            return text
        if self.dates:
            year_first = r"\3-\1-\2\4" if self.dates == "month first" else r"\3-\2-\1\4"
            # 31/12/2024, 9:05 as exports write it: the engine wants no comma, and two digits of the hour
            clock = f"regexp_replace(regexp_replace({text}, ', *', ' '), ' +(\\d):', ' 0\\1:')"
            return (
                f"regexp_replace({clock}, '^\\s*(\\d{{1,2}})[./-](\\d{{1,2}})[./-](\\d{{4}})(\\D.*)?$', '{year_first}')"
            )
        # 9/10 and 1,5 are no 9 and no 1
        number = f"regexp_extract({text}, '^\\s*(-?\\d+([.]\\d+)?)\\s*([-:(\\x{{2013}}\\x{{2014}}].*|\\s.*)?$', 1)"
        return f"coalesce(nullif({number}, ''), {text})" if self.leading else text

    @property
    def value(self) -> str:
        """The value: text, DOUBLE, BOOLEAN, or microseconds since 1970-01-01 UTC; null where missing or unreadable."""
        if self.kind == NOTHING:
            # typed, as an engine that takes the rows over would know none
            return f"CAST(NULL AS {_NULLS.get(self.column.kind, 'VARCHAR')})"
        return {"time": self._time, "number": self._number, "bool": self._bool, "id": self._id}.get(
            self.column.kind, self._words
        )()

    @property
    def bad(self) -> str:
        """Whether there is a value that cannot be read; empty where every value can."""
        if self.column.name == "account_id" and self.kind.startswith(_BROKEN):
            return self._rounded()
        if self.kind == NOTHING or self.column.kind in ("id", "text", "category"):
            return ""
        if self.column.kind == "number" and not self.textual:
            return ""
        if not self.textual:
            missing = f"{quoted(self.name)} IS NULL"
            if self.kind in _ROUNDED:
                missing += f" OR isnan({quoted(self.name)})"
            return f"({self.value}) IS NULL AND NOT ({missing})"
        return f"({self.value}) IS NULL AND {self.raw} IS NOT NULL AND lower({trimmed(self.raw)}) NOT IN {_NOTHING}"

    @property
    def zone(self) -> str:
        """Whether a time that came as text states its zone; null where it is missing or only a date."""
        text = trimmed(self.raw)
        clock = f"regexp_matches({text}, ':')"
        return f"CASE WHEN {clock} THEN regexp_full_match({text}, '.*:.*{ZONE}') END"

    def _rounded(self) -> str:
        """Whether an id is no whole number, or so large that neighbours cannot be told apart."""
        number = quoted(self.name)
        if self.kind.startswith("DECIMAL"):
            return f"{number} <> floor({number})"
        return f"NOT isnan({number}) AND (abs({number}) >= {_ROUNDED[self.kind]} OR {number} <> floor({number}))"

    def _id(self) -> str:
        if not self.kind.startswith(_BROKEN):
            return self._words()
        number = quoted(self.name)
        # a float would be written 12.0, and not join 12 of another table
        whole = f"CAST(try_cast({number} AS HUGEINT) AS VARCHAR)"
        missing = f"WHEN isnan({number}) THEN NULL " if self.kind in _ROUNDED else ""
        return f"CASE {missing}WHEN {number} = floor({number}) THEN {whole} ELSE {self.raw} END"

    def _words(self) -> str:
        # what begins with a letter or digit of ASCII is not blank; telling the rest is dear
        plain = f"CASE WHEN {self.raw} BETWEEN '!' AND '~' OR {trimmed(self.raw)} <> '' THEN {self.raw} END"
        if not self.column.values:
            return plain
        cases = " ".join(f"WHEN '{value.lower()}' THEN '{value}'" for value in self.column.values)
        return f"CASE lower({trimmed(self.raw)}) {cases} ELSE {plain} END"

    def _number(self) -> str:
        given = trimmed(self.raw) if self.textual else quoted(self.name)
        number = f"try_cast({given} AS DOUBLE)"
        return f"CASE WHEN NOT isnan({number}) THEN {number} END" if self.textual or self.kind in _ROUNDED else number

    def _bool(self) -> str:
        if self.kind == "BOOLEAN":
            return quoted(self.name)
        number = f"try_cast({trimmed(self.raw)} AS DOUBLE)" if self.textual else f"{quoted(self.name)}::DOUBLE"
        counted = f"CASE WHEN {number} = 0 THEN false WHEN {number} >= 1 AND isfinite({number}) THEN true END"
        if not self.textual:
            return counted
        text = f"lower({trimmed(self.raw)})"
        return f"CASE WHEN {text} IN {_TRUE} THEN true WHEN {text} IN {_FALSE} THEN false ELSE {counted} END"

    def _time(self) -> str:
        if self.kind.startswith(("TIMESTAMPTZ", "TIMESTAMP WITH")):
            return f"epoch_us(try_cast({quoted(self.name)} AS TIMESTAMPTZ))"
        if not self.textual:
            return f"epoch_us(try_cast({quoted(self.name)} AS TIMESTAMP))"
        # versions of DuckDB apply the offset of a text or forget it, so it is taken off here
        text = trimmed(self.raw)
        sign, hours, minutes = (f"regexp_extract({text}, ':.*([+-])(\\d{{2}}):?(\\d{{2}})?$', {i})" for i in (1, 2, 3))
        seconds = f"(coalesce(try_cast({hours} AS BIGINT), 0) * 3600 + coalesce(try_cast({minutes} AS BIGINT), 0) * 60)"
        shift = f"CASE {sign} WHEN '+' THEN {seconds} WHEN '-' THEN -{seconds} ELSE 0 END * 1000000"
        stamp = f"epoch_us(try_cast({text} AS TIMESTAMP))"
        local = f"epoch_us(try_cast(regexp_replace({text}, ' ?{ZONE}$', '') AS TIMESTAMP))"
        # without a clock, the end of a date would pass for an offset
        shifted = f"CASE WHEN contains({text}, ':') THEN {local} - ({shift}) ELSE {stamp} END"
        return f"CASE WHEN regexp_full_match({text}, '{STAMP}') THEN {shifted} END"


def readable(column: Column, kind: str) -> bool:
    """Whether a type can hold values of a kind."""
    plain = (*_TEXT, *WHOLE, *_BROKEN, "BOOLEAN")
    types = {"time": (*_TIME, *_TEXT), "number": plain, "bool": plain}.get(column.kind, (*plain, *_TIME))
    # a list writes its type as that of its elements and brackets
    return kind == NOTHING or (kind.startswith(types) and not kind.endswith("]"))


def read_moment(text: str | None) -> int | None:
    """Microseconds since 1970-01-01 UTC of a time in text, as `Reader` reads it; for databases that call Python."""
    found = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})(.*)", text.strip(BLANK)) if text else None
    # ASCII, as \d takes the digits of every script
    if found is None or not re.fullmatch(STAMP, found[0], re.ASCII):
        return None
    clock = found[4].strip().replace(" ", "").replace("UTC", "Z").replace("z", "Z").removeprefix("T")
    try:
        moment = datetime.fromisoformat(f"{found[1]}-{found[2]:0>2}-{found[3]:0>2}{clock and 'T'}{clock}")
    except ValueError:
        return None
    # whole division: a float of seconds loses microseconds
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - _EPOCH) // timedelta(microseconds=1)


def trimmed(sql: str) -> str:
    """Write SQL of a text without blanks at its ends, tabs and no-break spaces included."""
    return f"trim({sql}, '{BLANK}')"


def quoted(name: str) -> str:
    """Write a name as SQL does."""
    return '"' + name.replace('"', '""') + '"'
