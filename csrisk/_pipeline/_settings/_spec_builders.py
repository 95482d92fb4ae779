"""Builders that a specification names: families of csrisk with their windows, and builders of the user."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from csrisk._pipeline._settings import _rules as rule
from csrisk.exceptions import ConfigError, FeatureError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from csrisk._pipeline._settings._spec import RiskSpec
    from csrisk.features import Builder, Feature

__all__ = ["BuilderSpec", "handed_over", "read_builders", "with_builders", "with_own"]

_PATH = re.compile(r"[A-Za-z_][\w.]{0,200}:[A-Za-z_][\w.<>]{0,200}", re.ASCII)
_MOST_VALUES, _MOST_BUILDERS = 24, 50


@dataclass(frozen=True)
class BuilderSpec:
    """One builder of features that a specification names.

    Parameters
    ----------
    family : str, optional
        A family of csrisk, such as ``"UsageDepth"``; it takes the place of the default one.
    path : str, optional
        A builder of your own by its import path, ``"module:name"``: a class, a function that makes one, or an object.
        It is code, and is imported when a pipeline is fitted.
    options : mapping
        What family or class are called with, such as ``{"windows": [14, 60]}``; plain values and lists of them.
    declares : tuple of Feature
        What the builder of a stored model declared. Where it is given, nothing is imported: whoever loads the model
        hands the builder over.
    made : Builder, optional
        The builder itself, where it is at hand.

    Raises
    ------
    ConfigError
        If not one of `family` and `path` is given, the family is unknown, or an option is none of it.

    Examples
    --------
    >>> from csrisk import RiskSpec
    >>> from csrisk.features import UsageDepth
    >>> by_object = RiskSpec.from_dict({"features": {"builders": [UsageDepth(windows=(14, 60))]}})
    >>> by_name = RiskSpec.from_toml('''
    ... [features]
    ... builders = [{ family = "UsageDepth", options = { windows = [14, 60] } }]
    ... ''')
    >>> by_name == by_object
    True
    """

    family: str | None = None
    path: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    declares: tuple[Feature, ...] = ()
    # two specifications are equal by what they say, not by the objects at hand
    made: Builder | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if (self.family is None) == (self.path is None):
            raise ConfigError("builders: each names either a family of csrisk or the path of a builder of your own")
        if self.path is not None and (not isinstance(self.path, str) or not _PATH.fullmatch(self.path)):
            raise rule.wrong("path", self.path, 'an import path: "module:name"')
        if not isinstance(self.options, Mapping):
            raise rule.wrong("options", self.options, "a table of plain values: { windows = [14, 60] }")
        rule.put(self, "options", {str(name): _plain(str(name), value) for name, value in self.options.items()})
        if self.declares:
            rule.put(self, "declares", _declared(self.declares))
        if self.family is not None:
            if self.declares:
                raise ConfigError(f"builders: {self.family} is a family of csrisk, and declares its features itself")
            if self.made is None:
                rule.put(self, "made", self._family())

    @property
    def name(self) -> str:
        """How messages call the builder."""
        return str(self.family or self.path)

    @property
    def features(self) -> tuple[Feature, ...]:
        """Declarations of its columns; a builder that was not imported yet is imported."""
        return self.declares or tuple(self.make().features)

    def make(self) -> Builder:
        """Give the builder."""
        if self.made is not None:
            return self.made
        if self.declares:
            raise ConfigError(
                f"builders: the model was trained with {self.path!r}, a builder of its makers, and a model file "
                f"neither holds nor runs code. If you trust that builder, hand it over: RiskPipeline.load(path, "
                f"builders=[{self.path!r}]) in Python, --builder {self.path} on the command line"
            )
        return cast("Builder", _imported(str(self.path), self.options))

    def recorded(self) -> BuilderSpec:
        """Give the builder as a fitted pipeline keeps it: made, and with its declarations if it is one of the user."""
        made = self.make()
        return self if self.family else replace(self, made=made, declares=tuple(made.features))

    def to_dict(self) -> dict[str, Any]:
        """Give plain values."""
        options = {name: list(value) if isinstance(value, tuple) else value for name, value in self.options.items()}
        told: dict[str, Any] = {"family": self.family, "path": self.path, "options": options}
        told["declares"] = [feature.to_dict() for feature in self.declares]
        return {name: value for name, value in told.items() if value}

    def _family(self) -> Builder:
        families = _families()
        if self.family not in families:
            near = difflib.get_close_matches(str(self.family), families, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"families: {', '.join(families)}"
            raise ConfigError(f"builders: unknown family {self.family!r}; {hint}")
        for name, value in self.options.items():
            days = value if isinstance(value, tuple) else (value,)
            if any(isinstance(day, int) and day > rule.LONGEST for day in days):
                raise rule.wrong(name, value, f"at most {rule.LONGEST:,}")
        return cast("Builder", _called(families[str(self.family)], str(self.family), self.options))


def read_builders(given: Any) -> tuple[BuilderSpec, ...]:
    """Read what a specification says of builders: objects, import paths, names of families, or tables of these."""
    if isinstance(given, str | Mapping) or not isinstance(given, Sequence) or len(given) > _MOST_BUILDERS:
        raise rule.wrong("builders", given, f'a list of at most {_MOST_BUILDERS}: ["my_features:Regions"]')
    found = tuple(_read(entry) for entry in given)
    names = [entry.family for entry in found if entry.family]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(f"builders: {repeated[0]} is named twice; give all its windows at once")
    return found


def with_builders(chosen: Sequence[BuilderSpec], usual: Iterable[Builder]) -> list[Builder]:
    """Put the families that a specification names into the place of the usual ones, and add what is new."""
    named = {entry.family: entry.make() for entry in chosen if entry.family}
    kept = [named.pop(type(builder).__name__, builder) for builder in usual]
    return [*kept, *named.values(), *(entry.make() for entry in chosen if entry.path)]


def handed_over(stored: Sequence[BuilderSpec], given: Sequence[Any]) -> tuple[BuilderSpec, ...]:
    """Put builders that the user hands over into the places of those that a stored model names."""
    found = list(stored)
    for entry in read_builders(given):
        # by path, or else by what it declares, as a builder may have moved to another module
        places = [at for at, one in enumerate(found) if one.path == entry.path and one.path]
        places = places or [at for at, one in enumerate(found) if one.path and one.declares == entry.features]
        if not places:
            own = ", ".join(one.name for one in stored if one.path) or "none"
            raise ConfigError(f"builders: the model has no builder {entry.name!r}; builders of its makers: {own}")
        made: Any = entry.make()
        one = found[places[0]]
        if tuple(made.features) != one.declares:
            odd = sorted({feature.name for feature in set(one.declares) ^ set(made.features)})
            raise ConfigError(
                f"builders: {entry.name!r} declares other features than the one of the training, such as {odd[:5]}; "
                "bring the same release of it, or train again"
            )
        if dataclasses.is_dataclass(made) and one.options != _options_of(made):
            raise ConfigError(
                f"builders: {entry.name!r} has other options than the one of the training, {dict(one.options)}; hand "
                "over an object that has these"
            )
        found[places[0]] = replace(one, made=made)
    return tuple(found)


def with_own(spec: RiskSpec, given: Sequence[Any]) -> RiskSpec:
    """Put builders that the user hands over into the specification of a stored model."""
    if not given:
        return spec
    return replace(spec, features=replace(spec.features, builders=handed_over(spec.features.builders, given)))


@cache
def _families() -> dict[str, type[Builder]]:
    """Families by name, but for those that other sections tell: attributes of accounts, and measures."""
    from csrisk.features import AccountContext, all_builders

    kinds = {type(builder).__name__: type(builder) for builder in all_builders()}
    return {name: kind for name, kind in kinds.items() if kind is not AccountContext}


def _read(entry: Any) -> BuilderSpec:
    if isinstance(entry, BuilderSpec):
        return entry
    if isinstance(entry, str):
        return BuilderSpec(path=entry) if ":" in entry else BuilderSpec(entry)
    if isinstance(entry, Mapping):
        if odd := [name for name in entry if name not in ("family", "path", "options", "declares")]:
            raise ConfigError(f"builders: unknown key {odd[0]!r}; known keys: family, path, options")
        declares = entry.get("declares", ())
        if not isinstance(declares, Sequence) or isinstance(declares, str):
            raise rule.wrong("declares", declares, "a list of declarations")
        return BuilderSpec(entry.get("family"), entry.get("path"), entry.get("options", {}), tuple(declares))
    kind = type(entry)
    # a class has both too, and is no builder before it is made
    if not hasattr(entry, "features") or not callable(getattr(entry, "build", None)) or isinstance(entry, type):
        raise rule.wrong("builders", entry, "a builder (an object with features and build), or its import path")
    if _families().get(kind.__name__) is kind:  # the class itself, not one of the same name
        return BuilderSpec(kind.__name__, options=_options_of(entry), made=entry)
    return BuilderSpec(path=f"{kind.__module__}:{kind.__qualname__}", options=_options_of(entry), made=entry)


def _declared(told: Sequence[Any]) -> tuple[Feature, ...]:
    from csrisk.features import Feature

    try:
        return tuple(one if isinstance(one, Feature) else Feature.from_dict(one) for one in told)
    except FeatureError as error:
        raise ConfigError(f"builders: {error}") from error


def _options_of(builder: Any) -> dict[str, Any]:
    """Fields of a frozen builder that differ from their defaults and are plain; others are not written down."""
    if not dataclasses.is_dataclass(builder):
        return {}
    found = {}
    for one in dataclasses.fields(builder):
        value = getattr(builder, one.name)
        default = one.default if one.default_factory is dataclasses.MISSING else one.default_factory()
        # what is default stays out, so that a file says only what was chosen
        if one.init and value != default and _is_plain(value):
            found[one.name] = tuple(value) if isinstance(value, list) else value
    return found


def _is_plain(value: object) -> bool:
    if isinstance(value, list | tuple):
        return len(value) <= _MOST_VALUES and all(_is_plain(one) and not isinstance(one, list | tuple) for one in value)
    return isinstance(value, str | bool | int | float)


def _plain(name: str, value: Any) -> Any:
    if not _is_plain(value):
        raise rule.wrong(name, value, f"a number, a text, true or false, or a list of at most {_MOST_VALUES} of these")
    return tuple(value) if isinstance(value, list) else value


def _imported(path: str, options: Mapping[str, Any]) -> Any:
    """Import a builder that the user named in a configuration or a call; never one that a model file names."""
    module, _, name = path.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except ImportError as error:
        raise ConfigError(
            f"builders: {module!r} of {path!r} cannot be imported; install it, or put its folder on PYTHONPATH"
        ) from error
    except AttributeError as error:
        raise ConfigError(f"builders: {module!r} has no {name!r}") from error
    made = found if hasattr(found, "build") and not isinstance(found, type) else _called(found, path, options)
    if not hasattr(made, "features") or not callable(getattr(made, "build", None)):
        raise ConfigError(f"builders: {path!r} gives no builder: an object with features and build(data, snapshots)")
    return made


def _called(kind: Any, name: str, options: Mapping[str, Any]) -> Any:
    try:
        return kind(**options)
    except (TypeError, FeatureError) as error:
        raise ConfigError(f"builders: {name} cannot be made with {sorted(options)}: {error}") from error
