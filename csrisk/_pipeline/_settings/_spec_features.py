"""Which features a model may use, and what the user's own measures are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csrisk._goals import Goal
from csrisk._pipeline._settings import _rules as rule
from csrisk._pipeline._settings._spec_builders import BuilderSpec, read_builders
from csrisk.exceptions import ConfigError, FeatureError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from csrisk.features import Feature

__all__ = ["FeatureSpec", "MeasureSpec", "check_measures", "declared_measures"]


@dataclass(frozen=True)
class FeatureSpec:
    """Which features a model may use."""

    attributes: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    monotone: bool = False
    optional: tuple[str, ...] | None = None
    builders: tuple[BuilderSpec, ...] = ()

    def __post_init__(self) -> None:
        if self.attributes is not None:
            rule.texts(self, "attributes")
        rule.texts(self, "exclude")
        if not isinstance(self.monotone, bool):
            raise rule.wrong("monotone", self.monotone, "true or false")
        rule.put(self, "builders", read_builders(self.builders))
        if self.optional is not None:
            rule.texts(self, "optional")
            from csrisk.features import further_builders

            known = list(dict.fromkeys(name for family in further_builders() for name in family.reads))
            if odd := [name for name in self.optional if name not in known]:
                raise rule.wrong("optional", odd[0], f"one of {', '.join(known)}")


@dataclass(frozen=True)
class MeasureSpec:
    """What a name in the table `measures` means."""

    goal: str
    unit: str = "points"
    direction: int = 0
    sentence: str | None = None

    def __post_init__(self) -> None:
        for name in ("goal", "unit"):
            rule.text(self, name)
        rule.text(self, "sentence", optional=True)
        rule.one_of(self, "goal", [str(goal) for goal in Goal])
        if type(self.direction) is not int or self.direction not in (-1, 0, 1):
            raise rule.wrong("direction", self.direction, "-1, 0 or 1")
        if self.sentence is not None:
            from csrisk.features import Feature

            try:
                Feature("measure", Goal(self.goal), "points", self.sentence)  # for its rules alone
            except FeatureError as error:
                words = "text in which {value} and {typical} may stand, plainly"
                raise rule.wrong("sentence", self.sentence, words) from error


def declared_measures(measures: Mapping[str, MeasureSpec]) -> tuple[Feature, ...]:
    """Give the declarations of measures, one for each name."""
    from csrisk.features import Feature

    made = []
    for name, one in measures.items():
        sentence = one.sentence or f"{name.replace('_', ' ').capitalize()} {{value}}"
        made.append(Feature(name, Goal(one.goal), one.unit, sentence, one.direction))
    return tuple(made)


def check_measures(measures: Mapping[str, MeasureSpec]) -> None:
    """Refuse measures whose declarations break a rule, or whose features are called as others of csrisk."""
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
