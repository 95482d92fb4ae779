"""What a feature says of itself, written once and used by documentation, explanation, report and tests."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from csrisk._goals import Goal
from csrisk._numbers import MINUS
from csrisk.exceptions import FeatureError

__all__ = ["Feature"]

Unit = Literal[
    "count",
    "days",
    "hours",
    "share",
    "ratio",
    "score",
    "money",
    "category",
    "per day",
    "per user",
    "seats",
    "slope",
    "points",
]
_PLURALS = {"days": "day", "hours": "hour", "seats": "seat"}
_UNITS: tuple[str, ...] = Unit.__args__  # type: ignore[attr-defined]  # Literal carries its values there


@dataclass(frozen=True, slots=True)
class Feature:
    """Declaration of one feature.

    Parameters
    ----------
    name : str
        Column name in every frame.
    goal : Goal or str
        The goal that the feature speaks about.
    unit : str
        One of ``count, days, hours, share, ratio, score, money, category, per day, per user, seats, slope, points``.
    sentence : str
        Template with ``{value}`` and ``{typical}``, both already formatted with their unit.
    direction : {-1, 0, 1}, default 0
        1: more of it means more churn risk, -1: less, 0: the domain states none.
    family : str, default ""
        The builder that computes it.
    window : int, optional
        Days looked back; None where the whole known past counts.

    Raises
    ------
    FeatureError
        If the unit, direction or sentence breaks these rules.

    Examples
    --------
    >>> from csrisk import Feature
    >>> logins = Feature("logins_30d", "footprint", "count", "{value} logins in 30 days; typical is {typical}.", -1)
    >>> logins.describe(3, 12)
    '3 logins in 30 days; typical is 12.'
    >>> logins.describe(float("nan"), 12)
    'No evidence for logins_30d; typical is 12.'
    """

    name: str
    goal: Goal
    unit: str
    sentence: str
    direction: int = 0
    family: str = ""
    window: int | None = None

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "goal", Goal(self.goal))
            self.sentence.format(value="", typical="")
        except (KeyError, IndexError, ValueError) as error:
            message = (
                f"feature {self.name!r}: goal must be one of {[str(g) for g in Goal]} and the sentence may use "
                f"{{value}} and {{typical}} only; got goal={self.goal!r}, sentence={self.sentence!r}"
            )
            raise FeatureError(message) from error
        if self.unit not in _UNITS:
            raise FeatureError(f"feature {self.name!r}: unit={self.unit!r} must be one of {list(_UNITS)}")
        if self.direction not in (-1, 0, 1):
            raise FeatureError(f"feature {self.name!r}: direction={self.direction!r} must be -1, 0 or 1")

    def format(self, value: object) -> str:
        """Write a value with its unit, as a person would.

        Parameters
        ----------
        value : float or str
            The value; NaN and None are written as "unknown".

        Returns
        -------
        str

        Examples
        --------
        >>> from csrisk import Feature
        >>> Feature("share", "footprint", "share", "{value}").format(0.125)
        '12.5 %'
        """
        if _is_missing(value):
            return "unknown"
        if isinstance(value, str) or self.unit == "category":
            return str(value)
        number = float(value)  # type: ignore[arg-type]  # anything else is a programming error and may raise
        if self.unit == "share":
            return f"{_short(100 * number)} %"
        text = f"{number:,.0f}" if self.unit == "money" else _short(number)
        if self.unit in _PLURALS:
            return f"{text} {_PLURALS[self.unit] if text == '1' else self.unit}"
        return text

    def describe(self, value: object, typical: object) -> str:
        """Write the sentence for one snapshot.

        Parameters
        ----------
        value, typical : float or str
            The value of the snapshot and the typical value of the reference.

        Returns
        -------
        str
        """
        if _is_missing(value):
            return f"No evidence for {self.name}; typical is {self.format(typical)}."
        return self.sentence.format(value=self.format(value), typical=self.format(typical))


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value)) or str(value) in ("<NA>", "nan")


def _short(number: float) -> str:
    """Three significant digits for small numbers, none behind the point for large ones."""
    if abs(number) >= 100:
        return f"{number:,.0f}".replace("-", MINUS)
    text = f"{number:.3g}"
    if "e" in text:  # below 0.0001: nobody reads powers of ten
        text = f"{number:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text.replace("-", MINUS)
