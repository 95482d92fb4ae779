"""What a run is made of, in one small file that a person can read."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from csrisk._pipeline._settings import _rules as rule
from csrisk._pipeline._settings._spec_builders import BuilderSpec
from csrisk._pipeline._settings._spec_features import FeatureSpec, MeasureSpec, check_measures
from csrisk._pipeline._settings._spec_monitor import MonitorSpec
from csrisk._pipeline._settings._spec_tables import TableSpec
from csrisk.exceptions import ConfigError

__all__ = [
    "BuilderSpec",
    "FeatureSpec",
    "LabelSpec",
    "LongevitySpec",
    "MeasureSpec",
    "MonitorSpec",
    "ReferenceSpec",
    "ReportSpec",
    "RiskSpec",
    "SnapshotSpec",
    "TableSpec",
    "TestSpec",
]

Section = TypeVar("Section")

_ELIGIBLE = ("auto", "contract", "active", "account")
_KINDS = ("auto", "contract", "inactivity")
_MEASURES = ("auto", "none", "mrr", "seats", "products", "value", "usage")
_REFERENCES = ("training", "book", "healthiest")


@dataclass(frozen=True)
class SnapshotSpec:
    """Which accounts are seen when, and how far the label looks ahead."""

    frequency: str = "1MS"
    dates: tuple[str, ...] = ()
    days_since_start: tuple[int, ...] = ()
    start: str | None = None
    end: str | None = None
    lead: str | int = "14D"
    horizon: str | int = "90D"
    eligible: str = "auto"
    look_back: str | int = "180D"

    def __post_init__(self) -> None:
        rule.frequency(self, "frequency")
        if not isinstance(self.dates, list | tuple):
            raise rule.wrong("dates", self.dates, 'a list of dates: dates = ["2025-01-01"]')
        rule.put(self, "dates", tuple(rule.date("dates", value) for value in self.dates))
        days = self.days_since_start
        listed = isinstance(days, Sequence) and not isinstance(days, str)
        if not listed or any(type(day) is not int or not 0 <= day <= rule.LONGEST for day in days):
            raise rule.wrong("days_since_start", days, "a list of whole numbers of days, none negative: [30, 60]")
        rule.put(self, "days_since_start", tuple(days))
        if self.dates and self.days_since_start:
            raise ConfigError("dates and days_since_start are both given; keep one of the two")
        for name in ("start", "end"):
            if getattr(self, name) is not None:
                rule.put(self, name, rule.date(name, getattr(self, name)))
        for name, least in (("lead", 0), ("horizon", 1), ("look_back", 1)):
            rule.duration(self, name, least)
        rule.one_of(self, "eligible", _ELIGIBLE)


@dataclass(frozen=True)
class LabelSpec:
    """What counts as churn, and as expansion."""

    kind: str = "auto"
    grace: str | int = "30D"
    expansion: str = "auto"
    expansion_at_least: float = 0.05

    def __post_init__(self) -> None:
        rule.one_of(self, "kind", _KINDS)
        rule.duration(self, "grace")
        rule.one_of(self, "expansion", _MEASURES)
        share = self.expansion_at_least
        if not isinstance(share, int | float) or isinstance(share, bool) or not 0 < share < 100:
            raise rule.wrong("expansion_at_least", share, "a share above 0, such as 0.05")


@dataclass(frozen=True)
class TestSpec:
    """Which later period the model is tested on before it is fitted to everything."""

    start: str | None = None
    trainings: int = 1
    n_bootstrap: int = 200

    __test__ = False  # pytest collects classes called Test*

    def __post_init__(self) -> None:
        if self.start is not None:
            rule.put(self, "start", rule.date("start", self.start))
        rule.count(self, "trainings", 1, 100)
        rule.count(self, "n_bootstrap", 20, 10_000)


@dataclass(frozen=True)
class ReferenceSpec:
    """What the accounts are compared with."""

    kind: str = "training"
    rows: int = 100
    first: str | None = None

    def __post_init__(self) -> None:
        rule.one_of(self, "kind", _REFERENCES)
        rule.count(self, "rows", 10, 10_000)
        rule.text(self, "first", optional=True)


@dataclass(frozen=True)
class LongevitySpec:
    """Whether it is modelled how long accounts stay."""

    months: int | None = None

    def __post_init__(self) -> None:
        if self.months is not None:
            rule.count(self, "months", 1, 120)


@dataclass(frozen=True)
class ReportSpec:
    """What the report shows."""

    title: str = "Churn risk by goal"

    def __post_init__(self) -> None:
        rule.text(self, "title")


@dataclass(frozen=True)
class RiskSpec:
    """Frozen specification of a whole run; reads and writes a small TOML file.

    Parameters
    ----------
    tables : mapping of str to TableSpec
        Files and column names; tables with the names of the contract need no entry.
    snapshots : SnapshotSpec
        Who is seen when.
    label : LabelSpec
        What counts as churn.
    features : FeatureSpec
        What the model may see.
    model : mapping
        Parameters of :class:`csrisk.ChurnModel`.
    test : TestSpec
        The forward test.
    reference : ReferenceSpec
        What explanations compare with.
    report : ReportSpec
        The page.
    monitor : MonitorSpec
        When monitoring alarms.
    longevity : LongevitySpec
        Whether it is modelled how long accounts stay.
    measures : mapping of str to MeasureSpec
        What the names in the table `measures` mean.

    Raises
    ------
    ConfigError
        If a key is unknown or a value breaks its rule; the message names both, and the nearest known key.

    Examples
    --------
    >>> import csrisk as cr
    >>> spec = cr.RiskSpec.from_toml('''
    ... [snapshots]
    ... horizon = "28D"
    ... [label]
    ... kind = "contract"
    ... ''')
    >>> spec.snapshots.horizon, spec.label.kind
    ('28D', 'contract')
    >>> cr.RiskSpec.from_toml(spec.to_toml()) == spec
    True
    >>> cr.RiskSpec.from_toml("[snapshot]")
    Traceback (most recent call last):
    ...
    csrisk.exceptions.ConfigError: configuration: unknown key 'snapshot'; did you mean 'snapshots'?
    """

    tables: Mapping[str, TableSpec] = field(default_factory=dict)
    snapshots: SnapshotSpec = field(default_factory=SnapshotSpec)
    label: LabelSpec = field(default_factory=LabelSpec)
    features: FeatureSpec = field(default_factory=FeatureSpec)
    model: Mapping[str, Any] = field(default_factory=lambda: {"random_state": 0})
    test: TestSpec = field(default_factory=TestSpec)
    reference: ReferenceSpec = field(default_factory=ReferenceSpec)
    report: ReportSpec = field(default_factory=ReportSpec)
    monitor: MonitorSpec = field(default_factory=MonitorSpec)
    longevity: LongevitySpec = field(default_factory=LongevitySpec)
    measures: Mapping[str, MeasureSpec] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_measures(self.measures)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RiskSpec:
        """Check a nested mapping and make the specification of it.

        Parameters
        ----------
        values : mapping
            Sections as in the TOML file.

        Returns
        -------
        RiskSpec

        Raises
        ------
        ConfigError
            If a key is unknown or a value breaks its rule.
        """
        _known(values, [f.name for f in dataclasses.fields(cls)], "configuration")
        sections: dict[str, Any] = {}
        for name, value in values.items():
            if not isinstance(value, Mapping):
                raise ConfigError(f"configuration: {name} = {value!r} must be a section, written [{name}]")
            if name in _NAMED:
                sections[name] = {key: _section(_NAMED[name], entry, f"{name}.{key}") for key, entry in value.items()}
            elif name == "model":
                sections[name] = {"random_state": 0, **_model(value)}  # without a seed no two trainings agree
            else:
                sections[name] = _section(_SECTIONS[name], value, name)
        return cls(**sections)

    @classmethod
    def from_toml(cls, source: str | Path) -> RiskSpec:
        """Read a TOML file, or text in TOML.

        Parameters
        ----------
        source : str or Path
            Path of a file, or the text itself.

        Returns
        -------
        RiskSpec

        Raises
        ------
        ConfigError
            If the file is missing, is not TOML, or breaks a rule.
        """
        text = _read(source) if isinstance(source, Path) or _looks_like_path(source) else source
        try:
            values = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:  # brackets in brackets
            raise ConfigError(f"configuration is not valid TOML: {error}") from error
        return cls.from_dict(values)

    @property
    def known_at(self) -> dict[str, str]:
        """What ``known_at`` means, for each table that says so."""
        return {table: entry.known_at_means for table, entry in self.tables.items() if entry.known_at_means}

    @property
    def queries(self) -> dict[str, str]:
        """The query of each table that is made by one."""
        return {table: entry.query for table, entry in self.tables.items() if entry.query}

    def reading(self, end: str | None = None) -> dict[str, Any]:
        """Give what :class:`csrisk.CustomerData` is told beside the tables.

        Parameters
        ----------
        end : str, optional
            First day not observed of the book.

        Returns
        -------
        dict
        """
        columns = {table: entry.columns for table, entry in self.tables.items() if entry.columns}
        where = {table: entry.where for table, entry in self.tables.items() if entry.where}
        return {"columns": columns, "where": where, "end": self.ends(end), "known_at": self.known_at}

    def ends(self, end: str | None = None) -> dict[str, str]:
        """First day not observed of the book, where given, and of each table that says so.

        Parameters
        ----------
        end : str, optional
            That of the book.

        Returns
        -------
        dict of str to str
        """
        book = {} if end is None else {"book": end}
        return book | {table: entry.end for table, entry in self.tables.items() if entry.end}

    def to_dict(self) -> dict[str, Any]:
        """Give plain lists and mappings, without what is not set.

        Returns
        -------
        dict
        """
        sections = {name: _plain(getattr(self, name)) for name in ("model", *_SECTIONS)}
        if self.longevity.months is None:
            del sections["longevity"]  # what is not asked for leaves a file as it was before there was such a section
        named = {name: {key: _plain(entry) for key, entry in getattr(self, name).items()} for name in _NAMED}
        return {"tables": named["tables"], **sections, **({"measures": named["measures"]} if self.measures else {})}

    def to_toml(self) -> str:
        """Write the specification as TOML; :meth:`from_toml` gives an equal one back.

        Returns
        -------
        str
        """
        import tomli_w

        return tomli_w.dumps(self.to_dict())


_NAMED: dict[str, type[Any]] = {"tables": TableSpec, "measures": MeasureSpec}  # sections of sections
_SECTIONS: dict[str, type[Any]] = {
    "snapshots": SnapshotSpec,
    "label": LabelSpec,
    "features": FeatureSpec,
    "test": TestSpec,
    "reference": ReferenceSpec,
    "report": ReportSpec,
    "monitor": MonitorSpec,
    "longevity": LongevitySpec,
}


def _section(kind: type[Section], values: object, where: str) -> Section:
    if not isinstance(values, Mapping):
        raise ConfigError(f"configuration: {where} = {values!r} must be a section, written [{where}]")
    entries = dataclasses.fields(kind)  # type: ignore[arg-type]  # each is a dataclass
    _known(values, [f.name for f in entries], where)
    needed = [f.name for f in entries if f.default is f.default_factory is dataclasses.MISSING]
    if lacking := [name for name in needed if name not in values]:
        raise ConfigError(f"{where}: {', '.join(lacking)} must be given")
    try:
        return kind(**values)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error


def _model(values: Mapping[str, Any]) -> Mapping[str, Any]:
    from csrisk._params import check_params
    from csrisk.models import ChurnModel

    _known(values, sorted(ChurnModel().get_params()), "model")
    try:
        check_params(dict(values))
    except ValueError as error:
        raise ConfigError(f"model: {error}") from error
    return values


def _known(values: Mapping[str, Any], names: Sequence[str], where: str) -> None:
    for key in values:
        if key not in names:
            near = difflib.get_close_matches(key, names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(names)}"
            raise ConfigError(f"{where}: unknown key {key!r}; {hint}")


def _looks_like_path(source: str) -> bool:
    # text of TOML that says anything has one of these
    return "\n" not in source and "=" not in source and not source.lstrip().startswith("[") and bool(source.strip())


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"configuration {Path(path).name!r} cannot be read: {reason}") from error


def _entry(value: Any) -> Any:
    """Give a value as JSON and TOML have it."""
    if isinstance(value, tuple):
        return [one.to_dict() if isinstance(one, BuilderSpec) else one for one in value]
    return dict(value) if isinstance(value, Mapping) else value


def _plain(section: Any) -> dict[str, Any]:
    if isinstance(section, Mapping):
        return dict(section)
    entries = {entry.name: (getattr(section, entry.name), entry.default) for entry in dataclasses.fields(section)}
    return {
        name: _entry(value)
        for name, (value, default) in entries.items()
        # an empty list stays where None is the default: attributes = [] takes none, no attributes takes all
        if value is not None and value != {} and not (value == () and default == ())
    }
