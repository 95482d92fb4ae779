"""What the values of a column look like, whatever they are called."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd
from pandas.api import types

from csrisk._text import MISSING_WORDS

if TYPE_CHECKING:
    from typing import Any

    from csrisk.data import Kind

__all__ = ["Look", "look_at"]

_SURE = 0.98  # of the values: a few are always written otherwise
_STYLES = {
    "iso": (r"\d{4}-\d{1,2}-\d{1,2}([T ]\d{2}:\d{2}(:\d{2}([.]\d+)?)? ?(Z|UTC|[+-]\d{2}:?(\d{2})?)?)?", "ISO8601"),
    "day first": (r"\d{1,2}[./-]\d{1,2}[./-]\d{4}([ T]\d{1,2}:\d{2}(:\d{2})?)?", ""),
    "in words": (
        r"([A-Za-z]{3,9}\.? \d{1,2},? \d{4}|\d{1,2} [A-Za-z]{3,9} \d{4})([ ,]+\d{1,2}:\d{2}(:\d{2})? ?([AaPp][Mm])?)?",
        "mixed",
    ),
    "year first": (r"\d{4}/\d{1,2}/\d{1,2}([T ]\d{2}:\d{2}(:\d{2})?)?", "mixed"),
    "digits": (r"(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", "%Y%m%d"),
    "month": (r"(19|20)\d{2}-(0[1-9]|1[0-2])", "%Y-%m"),
}
_YES = {"true", "t", "yes", "y", "on", "1", "1.0", "ja", "j"}
_NO = {"false", "f", "no", "n", "off", "0", "0.0", "nein"}
_EPOCHS = (("s", 9e8, 2.2e9), ("ms", 9e11, 2.2e12), ("us", 9e14, 2.2e15))  # bounds: 1998 to 2039
_OF_NO_TIME = frozenset({"amount", "id", "number", "count", "price", "phone", "quantity", "total"})


@dataclass(frozen=True)
class Look:
    """What a column looks like."""

    kind: str
    texts: pd.Series[Any]
    style: str = ""
    numbers: pd.Series[Any] = field(default_factory=lambda: pd.Series([], dtype="float64"))
    times: pd.Series[Any] = field(default_factory=lambda: pd.Series([], dtype="datetime64[us]"))

    @cached_property
    def missing(self) -> float:
        """Share of rows without a value."""
        return float(self.texts.isna().mean()) if len(self.texts) else 1.0

    @cached_property
    def distinct(self) -> int:
        """How many values there are."""
        return int(self.texts.nunique())

    @cached_property
    def unique(self) -> bool:
        """Whether each row has another value, and all have one."""
        return bool(len(self.texts)) and not self.missing and self.distinct == len(self.texts)

    @cached_property
    def whole(self) -> bool:
        """Whether all numbers are whole."""
        known = self.numbers.dropna()
        return bool(len(known)) and bool((known % 1 == 0).all())

    @cached_property
    def counted(self) -> bool:
        """Whether the numbers count on, as keys of a database do, so that two such columns overlap by chance."""
        known = self.numbers.dropna()
        if not self.whole or not known.between(0, 1e6).all():
            return False
        return bool(known.nunique() > (known.max() - known.min() + 1) / 2)  # dense: more than half of the range is used

    @cached_property
    def ids(self) -> frozenset[str]:
        """The values, numbers without a point; what is no id of anything is left out."""
        known = self.texts.dropna().astype(str)
        return frozenset(known.str.removesuffix(".0") if self.whole else known)

    @cached_property
    def addresses(self) -> bool:
        """Whether the values are addresses of e-mail."""
        known = self.texts.dropna().astype(str)
        return bool(len(known)) and bool(known.str.fullmatch(r"[^@\s]+@[^@\s]+").mean() > _SURE)

    @cached_property
    def verbose(self) -> bool:
        """Whether the values are sentences."""
        known = self.texts.dropna().astype(str)
        return bool(len(known)) and float(known.str.count(r"\s").mean()) > 2.5

    @cached_property
    def low(self) -> float:
        """Least number."""
        return float(self.numbers.min()) if self.numbers.notna().any() else float("nan")

    @cached_property
    def high(self) -> float:
        """Largest number."""
        return float(self.numbers.max()) if self.numbers.notna().any() else float("nan")

    def fits(self, kind: Kind) -> float:
        """How well the values are of a kind of the contract: 0 for not at all, 1 for as they should be."""
        if self.kind == "empty":  # nothing speaks against it, and nothing for it
            return 0.6
        return getattr(self, f"_as_{kind}")()  # type: ignore[no-any-return]  # each gives a number

    def _as_time(self) -> float:
        return 1.0 if self.kind == "time" else 0.0

    def _as_number(self) -> float:
        return {"number": 1.0, "bool": 0.4 if self.numbers.notna().any() else 0.0}.get(self.kind, 0.0)

    def _as_bool(self) -> float:
        few = self.kind == "number" and self.whole and self.low >= 0 and self.high < 50
        return 1.0 if self.kind == "bool" else 0.9 if few else 0.0

    def _as_id(self) -> float:
        broken = self.kind == "number" and not self.whole
        return 0.0 if broken or self.kind in ("time", "bool") or self.verbose else 1.0

    def _as_category(self) -> float:
        if self.kind == "time" or self.verbose:
            return 0.0
        known = len(self.texts.dropna())
        broken = self.kind == "number" and not self.whole
        many = self.distinct > max(60, 0.5 * known) and self.distinct > 20
        return 0.2 if broken else 0.5 if many else 0.75 if self.kind in ("number", "bool") else 1.0

    def _as_text(self) -> float:
        return {"text": 1.0, "number": 0.5}.get(self.kind, 0.0)


def look_at(values: pd.Series[Any], name_words: tuple[str, ...] = ()) -> Look:
    """Look at the values of a column; whole numbers are seconds only where the name is that of a time."""
    if types.is_datetime64_any_dtype(values):
        times = pd.to_datetime(values, utc=True).dt.tz_localize(None)
        kind = "time" if times.notna().any() else "empty"
        return Look(kind, times.astype("object").where(times.notna()), "typed", times=times)
    if types.is_bool_dtype(values) or str(values.dtype) == "boolean":
        return Look("bool" if values.notna().any() else "empty", _texts(values))
    texts = _texts(values)
    known = texts.dropna()
    if known.empty:
        return Look("empty", texts)
    lower = set(known.str.lower().unique()[:50])
    numbers = pd.to_numeric(texts, errors="coerce")
    is_number = numbers.notna().sum() >= _SURE * len(known)
    # before numbers, as 0 and 1 are both
    if lower <= _YES | _NO and len(lower) <= 2:
        return Look("bool", texts, numbers=numbers if is_number else pd.Series([], dtype="float64"))
    if (timed := _timed(texts, known, numbers if is_number else None, name_words)) is not None:
        return timed
    return Look("number", texts, numbers=numbers) if is_number else Look("text", texts)


def _texts(values: pd.Series[Any]) -> pd.Series[Any]:
    texts = values.astype("object").where(values.notna()).astype("string").str.strip().astype("object")
    return texts.where(~texts.astype("string").str.lower().isin(MISSING_WORDS).fillna(True).astype(bool))


def _timed(
    texts: pd.Series[Any], known: pd.Series[Any], numbers: pd.Series[Any] | None, name: tuple[str, ...]
) -> Look | None:
    if numbers is not None and not _OF_NO_TIME & set(name):
        for unit, low, high in _EPOCHS:
            if numbers.dropna().between(low, high).all():
                scale = {"s": 1, "ms": 1_000, "us": 1_000_000}[unit]
                times = pd.to_datetime(numbers / scale, unit="s", errors="coerce")
                return Look("time", texts, f"epoch {unit}", numbers, times)
    for style, (pattern, form) in _STYLES.items():
        if known.str.fullmatch(pattern, flags=re.ASCII).mean() >= _SURE:
            style, form = _ordered(known, style, form)
            times = pd.to_datetime(texts, format=form, errors="coerce", utc=True).dt.tz_localize(None)
            if times.notna().sum() >= 0.9 * len(known):
                return Look("time", texts, style, times=times)
    return None


def _ordered(known: pd.Series[Any], style: str, form: str) -> tuple[str, str]:
    """Tell days before months from months before days, where some day is above 12."""
    if style != "day first":
        return style, form
    parts = known.str.extract(r"^(\d{1,2})([./-])(\d{1,2})")
    first, second, sign = parts[0].astype(int).max(), parts[2].astype(int).max(), str(parts[1].iloc[0])
    # dates with points are of Europe, where the day comes first
    style = "month first" if second > 12 else "day first" if first > 12 or sign == "." else "day or month first"
    days = f"%m{sign}%d{sign}%Y" if style == "month first" else f"%d{sign}%m{sign}%Y"
    lengths = known.str.count(":").max()
    return style, days + ("" if not lengths else " %H:%M" if lengths == 1 else " %H:%M:%S")
