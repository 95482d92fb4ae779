"""What a feature says of itself, written once and used by documentation, explanation, report and tests."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from string import Formatter
from typing import TYPE_CHECKING, Any

from csrisk._goals import Goal
from csrisk._text import number
from csrisk.exceptions import FeatureError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Feature"]

# of these csrisk knows how to write them; any other one is written behind the number
_BARE = ("count", "ratio", "score", "category", "per day", "per user", "slope", "points")
_PLURALS = {"days": "day", "hours": "hour", "seats": "seat"}
_KNOWN = (*_BARE, *_PLURALS, "share", "money")
_LONGEST_UNIT, _LONGEST_NAME = 24, 200


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
        One of ``count, days, hours, share, ratio, score, money, category, per day, per user, seats, slope, points``, or
        a unit of your own of at most 24 characters, which is written behind the number: ``"GB"``.
    sentence : str
        Template with ``{value}`` and ``{typical}``, both already formatted with their unit; braces that mean
        themselves are doubled.
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
    >>> Feature("stored", "footprint", "GB", "Stores {value}; typical is {typical}.").describe(3, 12)
    'Stores 3 GB; typical is 12 GB.'
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
            # the only way to set a field of a frozen value: a goal given as text becomes one
            object.__setattr__(self, "goal", Goal(self.goal))
        except ValueError as error:
            message = f"feature {self.name!r}: goal={self.goal!r} must be one of {[str(goal) for goal in Goal]}"
            raise FeatureError(message) from error
        if not isinstance(self.sentence, str) or not _plain(self.sentence):
            raise FeatureError(
                f"feature {self.name!r}: the sentence may use {{value}} and {{typical}} only, plainly; got "
                f"sentence={self.sentence!r}"
            )
        self._require_plain()
        self._require_unit()
        # True is an int too, and equal to 1
        if type(self.direction) is not int or self.direction not in (-1, 0, 1):
            raise FeatureError(f"feature {self.name!r}: direction={self.direction!r} must be -1, 0 or 1")

    def _require_plain(self) -> None:
        """Refuse a name, family or window of another kind: a declaration may come from a file."""
        sound = isinstance(self.name, str) and isinstance(self.family, str) and 0 < len(self.name) <= _LONGEST_NAME
        if not sound or not (self.window is None or type(self.window) is int):
            raise FeatureError(
                f"feature {str(self.name)[:_LONGEST_NAME]!r}: name and family must be text, the name of 1 to "
                f"{_LONGEST_NAME} characters, and the window whole days"
            )

    def _require_unit(self) -> None:
        unit = self.unit
        rule = f"one of {list(_KNOWN)}, or a unit of your own: text of at most {_LONGEST_UNIT} characters, no braces"
        if not isinstance(unit, str) or not 0 < len(unit) <= _LONGEST_UNIT or not unit.isprintable():
            raise FeatureError(f"feature {self.name!r}: unit={unit!r} must be {rule}")
        # a known unit in another spelling would be written as if csrisk did not know it
        near = {one: plural for plural, one in _PLURALS.items()}.get(unit.casefold(), unit.casefold())
        if unit not in _KNOWN and near in _KNOWN:
            raise FeatureError(f"feature {self.name!r}: unit={unit!r} must be {rule}; did you mean {near!r}?")
        if unit != unit.strip() or set(unit) & set("{}"):
            raise FeatureError(f"feature {self.name!r}: unit={unit!r} must be {rule}")

    def to_dict(self) -> dict[str, Any]:
        """Give plain values, without what is not set.

        Returns
        -------
        dict

        Examples
        --------
        >>> from csrisk import Feature
        >>> Feature("seats", "churn", "seats", "{value}").to_dict()
        {'name': 'seats', 'goal': 'churn', 'unit': 'seats', 'sentence': '{value}', 'direction': 0}
        """
        told = {**asdict(self), "goal": str(self.goal)}
        return {name: value for name, value in told.items() if value not in ("", None)}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Feature:
        """Read what `to_dict` gave.

        Parameters
        ----------
        told : mapping
            Plain values; they may come from a file.

        Returns
        -------
        Feature

        Raises
        ------
        FeatureError
            If a key is missing or unknown, or a value breaks its rule.
        """
        try:
            return cls(**told)
        except TypeError as error:
            raise FeatureError(
                "a declaration of a feature lacks one of name, goal, unit and sentence, or has a key that is none of it"
            ) from error

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
        figure = float(value)  # type: ignore[arg-type]  # anything else is a programming error and may raise
        if self.unit == "share":
            # a plain blank: sentences are values of files too, in which people search
            return f"{number(100 * figure)} %"
        text = number(figure, 0 if self.unit == "money" else None)
        if self.unit in _PLURALS:
            return f"{text} {_PLURALS[self.unit] if text == '1' else self.unit}"
        return text if self.unit in _KNOWN else f"{text} {self.unit}"

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


def _plain(sentence: str) -> bool:
    """Whether a sentence looks up its two values and nothing of them: it may come from a stranger's model file."""
    try:
        parts = [(name, spec, how) for _, name, spec, how in Formatter().parse(sentence) if name is not None]
    except ValueError:
        return False
    # a name such as value.__class__ or a spec such as :>999999999 would reach further than the two values
    return all(name in ("value", "typical") and not spec and not how for name, spec, how in parts)


def _is_missing(value: object) -> bool:
    # pd.NA is neither None nor a float, and raises where it is compared
    return value is None or (isinstance(value, float) and math.isnan(value)) or str(value) in ("<NA>", "nan")
