"""Measures: any dated number or judgement that the user declares."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals.stable.v2 as nw

from csrisk.data._engines import exact, whole
from csrisk.exceptions import FeatureError
from csrisk.features._family import Family, Measure, check_windows
from csrisk.features._panel._past import Facts, Past, latest, nothing, ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from csrisk.features._declaration import Feature
    from csrisk.features._panel._rollups import Rollups

__all__ = ["Measures", "measure_names"]

Lazy = nw.LazyFrame[Any]
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}", re.ASCII)


@dataclass(frozen=True)
class Measures(Family):
    """Last value, change and age of numbers and judgements that the user declares.

    Parameters
    ----------
    measures : tuple of Feature
        One declaration for each name in the table `measures`: its goal, unit, direction, and the sentence about its
        last value, which may leave ``{typical}`` out.
    window : int, default 90
        Days over which a value is compared.

    Raises
    ------
    FeatureError
        If a name is none (small letters, digits and underscores), is given twice, or the window is no positive whole
        number of days.

    Notes
    -----
    Reads the table `measures`; names are compared in lower case, with underscores for blanks and hyphens. Several
    values of one second are averaged. The change is the last value less the one that held so many days ago; NaN where
    there was none. Values of other names are not used.

    Examples
    --------
    >>> from csrisk import Feature
    >>> from csrisk.features import Measures
    >>> pulse = Feature("csm_pulse", "advocacy", "points", "The CSM gives {value}", -1)
    >>> [feature.name for feature in Measures((pulse,)).features]
    ['csm_pulse_last', 'csm_pulse_change_90d', 'days_since_csm_pulse']
    """

    measures: tuple[Feature, ...] = field(default=())
    window: int = 90
    counts: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_windows("Measures", window=self.window)
        names = [one.name for one in self.measures]
        wrong = [name for name in names if not _NAME.fullmatch(name)]
        if wrong or len(set(names)) < len(names):
            raise FeatureError(
                f"Measures: names {wrong or names} must be small letters, digits and underscores, at most 41, begin "
                "with a letter, and be given once each"
            )
        if kinds := [one.name for one in self.measures if one.unit == "category"]:
            raise FeatureError(f"Measures: {kinds} have unit='category'; a measure is a number")

    def _measures(self) -> Iterator[Measure]:
        make, w = self._measure, self.window
        for one in self.measures:
            name, words, said = one.name, one.name.replace("_", " "), one.sentence.rstrip(".")
            # `_measure` writes the typical value behind every sentence
            said = said.split("; typical is")[0]
            yield make(f"{name}_last", one.unit, said, f"{name} last", one.direction, goal=one.goal)
            changed = f"{words[:1].upper()}{words[1:]} changed by {{value}} in {w} days"
            yield make(
                f"{name}_change_{w}d", one.unit, changed, f"{name} change", one.direction, window=w, goal=one.goal
            )
            yield make(f"days_since_{name}", "days", f"Last {words} {{value}} ago", f"{name} age", goal=one.goal)

    def _facts(self, past: Past) -> Facts:
        facts = nothing(past)
        if "measures" not in past.data.tables:
            return facts
        for one in self.measures:
            seen = past.seen(past.rollups.get(f"measure {one.name}", _values(one.name)))
            # the value that held then is the last of those older than the window, however old it is
            last, then = _latest(past, seen), _latest(past, seen.filter(nw.col("age") > self.window))
            now = ratio(last["total"], last["n"])
            facts[f"{one.name} last"] = now
            facts[f"{one.name} change"] = now - ratio(then["total"], then["n"])
            facts[f"{one.name} age"] = last["age"]
        return facts


def measure_names(rows: Lazy) -> Lazy:
    """Rows of measures with their names as they are declared.

    Examples
    --------
    >>> import narwhals as nw
    >>> import pandas as pd
    >>> from csrisk.features import measure_names
    >>> rows = nw.from_native(pd.DataFrame({"name": ["Error rate", "error-rate"]})).lazy()
    >>> measure_names(rows).collect()["name"].to_list()
    ['error_rate', 'error_rate']
    """
    name = nw.col("name").str.to_lowercase()
    for blank in (" ", "-"):
        name = name.str.replace_all(blank, "_", literal=True)
    return rows.with_columns(name.alias("name"))


def _values(name: str) -> Callable[[Rollups], Lazy]:
    def make(rollups: Rollups) -> Lazy:
        rows = measure_names(rollups.data.lazy("measures")).filter(nw.col("name") == name, ~nw.col("value").is_null())
        return rows.select("account", "day", "known", nw.col("at_second").alias("moment"), "value")

    return make


def _latest(past: Past, seen: Lazy) -> Facts:
    sums = [exact(nw.col("value")).alias("total"), whole(nw.col("age") * 0 + 1).alias("n"), nw.col("age").max()]
    return past.home(latest(seen, "moment", *sums))
