"""What all families of features share: a feature is declared in the line that computes it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd

from csrisk._goals import Goal
from csrisk.exceptions import FeatureError
from csrisk.features._declaration import Feature
from csrisk.features._panel._past import Array, Facts, Past, ratio
from csrisk.features._table import as_category

if TYPE_CHECKING:
    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData

__all__ = ["Family", "Formula", "Measure", "check_windows", "per"]

Formula = Callable[[Facts], Array]


@dataclass(frozen=True, slots=True)
class Measure:
    """A feature and the formula that gives it from the facts of its family."""

    feature: Feature
    formula: Formula


@dataclass(frozen=True)
class Family:
    """Base of the builders that csrisk brings.

    A family that reads optional columns names them in ``reads``, as `table.column`: it is among the default features
    where any of them has a value (with ``reads_all`` where each has). Others name the table without which they have
    nothing to say, or hardly anything, in ``table``. A family that joins for another reason names itself in ``reads``
    by a word without a point, and says in ``found_in`` when.
    """

    goal: ClassVar[Goal] = Goal.CONTEXT
    table: ClassVar[str] = ""
    reads: ClassVar[tuple[str, ...]] = ()
    reads_all: ClassVar[bool] = False
    # whether 0 is what an account without a single row has
    counts: ClassVar[bool] = True

    @classmethod
    def found_in(cls, data: CustomerData) -> tuple[str, ...]:
        """Give the optional columns that are read and have values; none where the family would have nothing to say."""
        return cls.joins([name for name in cls.reads if data.has(*name.split("."))])

    @classmethod
    def joins(cls, there: Collection[str]) -> tuple[str, ...]:
        """Give those of the columns that the family reads; none where it needs others beside them."""
        found = tuple(name for name in cls.reads if name in there)
        return found if not cls.reads_all or found == cls.reads else ()

    def for_question(self, lead: int, horizon: int) -> Family:  # noqa: ARG002  # most families look at windows of their own
        """Give the family for a question of so many days."""
        return self

    @property
    def features(self) -> tuple[Feature, ...]:
        """Declarations of the columns, in order."""
        return tuple(measure.feature for measure in self._measures())

    def build(self, data: CustomerData, snapshots: Snapshots) -> pd.DataFrame:
        """Compute the features.

        Parameters
        ----------
        data : CustomerData
            The tables.
        snapshots : Snapshots
            Who is seen when.

        Returns
        -------
        pandas.DataFrame
            One row for each snapshot, in the order of ``snapshots.index``.
        """
        return self.frame(Past(data, snapshots))

    def frame(self, past: Past) -> pd.DataFrame:
        """Compute the features for a past that builders share."""
        facts = self._facts(past)
        columns = {measure.feature.name: _column(measure.formula(facts)) for measure in self._measures()}
        return pd.DataFrame(columns, index=past.index)

    def _measures(self) -> Iterator[Measure]:
        raise NotImplementedError

    def _facts(self, past: Past) -> Facts:
        raise NotImplementedError

    def _measure(
        self,
        name: str,
        unit: str,
        sentence: str,
        formula: str | Formula,
        direction: int = 0,
        *,
        window: int | None = None,
        goal: Goal | None = None,
    ) -> Measure:
        """Declare a feature; a formula that is a word is the fact of that name."""
        sentence = f"{sentence}; typical is {{typical}}."
        feature = Feature(name, goal or self.goal, unit, sentence, direction, type(self).__name__, window)
        return Measure(feature, _fact(formula) if isinstance(formula, str) else formula)


def per(above: str, below: str) -> Formula:
    """Quotient of two facts; NaN where nothing is below."""
    return lambda facts: ratio(facts[above], facts[below])


def _fact(name: str) -> Formula:
    return lambda facts: facts[name]


def _column(values: Array) -> Array | pd.Categorical:
    if values.dtype == object:
        return as_category(values)
    # trees and Parquet files get one type, whatever the engine gave for counts
    return values.astype(np.float64)


def check_windows(owner: str, **windows: tuple[int, ...] | int) -> None:
    """Refuse windows that are no positive whole numbers of days."""
    for name, value in windows.items():
        days = value if isinstance(value, tuple) else (value,)
        # True is an int, and would be a window of one day
        wrong = [day for day in days if not isinstance(day, int) or isinstance(day, bool) or day < 1]
        if wrong or not days or (name.endswith("windows") and not isinstance(value, tuple)):
            raise FeatureError(f"{owner}: {name}={value!r} must be whole numbers of days, at least 1")
