"""Which features a model may use, and what the user's own measures are."""

from __future__ import annotations

from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING

from csrisk._goals import Goal
from csrisk._pipeline import _rules as rule
from csrisk.exceptions import ConfigError, FeatureError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from csrisk.features import Feature

__all__ = ["FeatureSpec", "MeasureSpec", "check_measures", "declared_measures"]


@dataclass(frozen=True)
class FeatureSpec:
    """Which features a model may use.

    Parameters
    ----------
    attributes : tuple of str, optional
        Attributes of the accounts table that may serve as context; None means all of them.
    exclude : tuple of str
        Feature columns to leave out, by name.
    monotone : bool, default False
        Whether the risk of churn must rise or fall with a feature where the feature declares a direction, all else
        equal: no model then says that an open case less would raise the risk. Features without a direction are free.
        It helps where directions hold and churned accounts are few, and costs where they do not: see docs/real_data.
    optional : tuple of str, optional
        Optional columns of the tables, such as ``contacts.team``, whose families of features the model uses, and
        ``own_life``, ``season`` and ``forecast``; None means all that hold values at training, and the first two of
        these where no end of a contract is recorded (season: and the records span a year and a half).
    """

    attributes: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    monotone: bool = False
    optional: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.attributes is not None:
            rule.texts(self, "attributes")
        rule.texts(self, "exclude")
        if not isinstance(self.monotone, bool):
            raise rule.wrong("monotone", self.monotone, "true or false")
        if self.optional is not None:
            rule.texts(self, "optional")
            from csrisk.features import further_builders

            known = list(dict.fromkeys(name for family in further_builders() for name in family.reads))
            if odd := [name for name in self.optional if name not in known]:
                raise rule.wrong("optional", odd[0], f"one of {', '.join(known)}")


@dataclass(frozen=True)
class MeasureSpec:
    """What a name in the table `measures` means.

    Parameters
    ----------
    goal : {"churn", "footprint", "advocacy", "feedback", "context"}
        The goal that it speaks about.
    unit : str, default "points"
        Unit of the value, as of a feature.
    direction : {-1, 0, 1}, default 0
        1: more of it means more churn risk, -1: less, 0: not stated.
    sentence : str, optional
        Sentence about the last value, with ``{value}``; by default the name and the value.
    """

    goal: str
    unit: str = "points"
    direction: int = 0
    sentence: str | None = None

    def __post_init__(self) -> None:
        for name in ("goal", "unit"):
            rule.text(self, name)
        rule.text(self, "sentence", optional=True)
        rule.one_of(self, "goal", [str(goal) for goal in Goal])
        # a sentence may come from a stranger's model file: nothing but the two values may be looked up by it
        parts = _parts(self.sentence or "")
        if parts is None or any(part is not None and part not in ("value", "typical") for part in parts):
            raise rule.wrong("sentence", self.sentence, "text in which {value} and {typical} may stand, plainly")
        if type(self.direction) is not int or self.direction not in (-1, 0, 1):
            raise rule.wrong("direction", self.direction, "-1, 0 or 1")


def _parts(sentence: str) -> list[str | None] | None:
    """Give what a sentence looks up; None where it cannot be read, or says how to write a value."""
    try:
        found = list(Formatter().parse(sentence))
    except ValueError:
        return None
    return None if any(spec or conversion for _, _, spec, conversion in found) else [name for _, name, _, _ in found]


def declared_measures(measures: Mapping[str, MeasureSpec]) -> tuple[Feature, ...]:
    """Give the declarations of measures, one for each name.

    Parameters
    ----------
    measures : mapping of str to MeasureSpec
        By name.

    Returns
    -------
    tuple of Feature
    """
    from csrisk.features import Feature

    made = []
    for name, one in measures.items():
        sentence = one.sentence or f"{name.replace('_', ' ').capitalize()} {{value}}"
        made.append(Feature(name, Goal(one.goal), one.unit, sentence, one.direction))
    return tuple(made)


def check_measures(measures: Mapping[str, MeasureSpec]) -> None:
    """Refuse measures whose declarations break a rule, or whose features are called as others of csrisk.

    Parameters
    ----------
    measures : mapping of str to MeasureSpec
        By name.

    Raises
    ------
    ConfigError
        Names the measure and the rule.
    """
    if not measures:
        return
    from csrisk.features import Measures, all_builders

    try:
        made = Measures(declared_measures(measures)).features
    except FeatureError as error:
        raise ConfigError(f"measures: {error}") from error
    known = {feature.name for builder in all_builders() for feature in builder.features}
    if taken := sorted(feature.name for feature in made if feature.name in known):
        raise ConfigError(f"measures: feature {taken[0]!r} is one of csrisk's own; call the measure otherwise")
