# ruff: noqa: E501  # rows of tables are easier to read in one line
"""Bad configurations: TOML that is none, unknown keys, values of a wrong kind or out of range, files that are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from csrisk import RiskPipeline, RiskSpec

from ._case import Case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# what it is, the text, words of the message
TEXTS = [
    ("no TOML at all", "this is [not\n", "not valid TOML"),
    ("a key without value", "[snapshots]\nhorizon =\n", "not valid TOML"),
    ("a value without quotes", "[snapshots]\nhorizon = 90D\n", "not valid TOML"),
    ("a section twice", "[label]\n[label]\n", "not valid TOML"),
    ("a key twice", "[label]\nkind = 'auto'\nkind = 'auto'\n", "not valid TOML"),
    ("a string that never ends", '[label]\nkind = "auto\n', "not valid TOML"),
    ("YAML", "snapshots:\n  horizon: 90D\n", "not valid TOML"),
    ("JSON", '{"snapshots": {"horizon": "90D"}}\n', "not valid TOML"),
    ("an unknown section", "[snapshot]\nhorizon = 90\n", "did you mean 'snapshots'"),
    ("a section that is a value", "label = 'auto'\n", r"must be a section, written \[label\]"),
    ("a section that is a list", "[[label]]\nkind = 'auto'\n", "must be a section"),
    ("a table of the contract as text", "[tables]\nusage = 'usage.csv'\n", "must be a section"),
    ("a zero byte", "[label]\nkind = 'au\x00to'\n", "not valid TOML"),
    ("a thousand brackets", "[label]\nkind = " + "[" * 1500 + "\n", "not valid TOML"),
]

_ANY = "must be"
_DAYS = [-1, 1.5, "soon", "90", "90H", "-90D", True, [], "9" * 400 + "D"]
_DATES = ["yesterday", "2025-13-01", "01.07.2025", 20250701, True, []]
_SHARES = [0, -0.1, "0.05", 100, True, float("nan"), float("inf")]
# section, key, values that are wrong, words of the message
VALUES: list[tuple[str, str, list[Any], str]] = [
    ("snapshots", "frequency", ["", 30, [], True], _ANY),
    ("snapshots", "dates", ["2025-01-01", 7, ["2025-01-01", "soon"], [None]], _ANY),
    ("snapshots", "days_since_start", [30, "30", [-1], [1.5], ["30"], [True]], _ANY),
    ("snapshots", "start", _DATES, _ANY),
    ("snapshots", "end", _DATES, _ANY),
    ("snapshots", "lead", _DAYS, _ANY),
    ("snapshots", "horizon", [*_DAYS, 0, "0D"], _ANY),
    ("snapshots", "look_back", [*_DAYS, 0], _ANY),
    ("snapshots", "eligible", ["everyone", "contracts", 1, [], True], _ANY),
    ("label", "kind", ["churn", "contracts", 1, []], _ANY),
    ("label", "grace", _DAYS, _ANY),
    ("label", "expansion", ["MRR", "revenue", 1, []], _ANY),
    ("label", "expansion_at_least", _SHARES, _ANY),
    ("features", "attributes", ["segment", 1, [1], True], _ANY),
    ("features", "exclude", ["mrr", 1, [1], [None]], _ANY),
    ("test", "start", _DATES, _ANY),
    ("test", "trainings", [0, -1, 1.5, "1", True], _ANY),
    ("test", "n_bootstrap", [0, 19, "200", 20.5, True], _ANY),
    ("reference", "kind", ["best", "train", 1, []], _ANY),
    ("reference", "rows", [0, -1, "100", 1.5, True], _ANY),
    ("report", "title", ["", 1, []], _ANY),
]
# section, key, words of the message
UNKNOWN = [
    ("snapshots", "horizont", "did you mean 'horizon'"),
    ("snapshots", "as_of", "unknown key"),
    ("label", "kinds", "did you mean 'kind'"),
    ("features", "excludes", "did you mean 'exclude'"),
    ("test", "bootstrap", "did you mean 'n_bootstrap'"),
    ("reference", "size", "unknown key"),
    ("report", "titel", "did you mean 'title'"),
    ("model", "learning_rat", "did you mean 'learning_rate'"),
    ("model", "n_member", "did you mean 'n_members'"),
]
MODEL = [
    ("n_members", [0, -1, "5", 1.5]),
    ("learning_rate", [0, -0.1, "fast", float("nan")]),
    ("num_leaves", [0, 1, "many", 1.5]),
    ("min_events", [-1, "few"]),
]


def _spec(values: dict[str, Any]) -> Callable[[Path], Any]:
    return lambda _: RiskPipeline(values)


def _toml(text: str) -> Callable[[Path], Any]:
    return lambda _: RiskSpec.from_toml(text)


def _file(name: str, content: bytes) -> Callable[[Path], Any]:
    def run(folder: Path) -> Any:
        (folder / name).write_bytes(content)
        return RiskSpec.from_toml(folder / name)

    return run


def configuration_cases() -> Iterator[Case]:
    """Every key with every kind of wrong value."""
    area = "configuration"
    for what, text, words in TEXTS:
        yield Case(area, what, "file", "ConfigError", _toml(text), words)
    yield Case(
        area, "a missing file", "file", "ConfigError", lambda _: RiskSpec.from_toml("absent.toml"), "cannot be read"
    )
    yield Case(area, "a folder", "file", "ConfigError", lambda folder: RiskSpec.from_toml(folder), "cannot be read")
    yield Case(area, "latin-1", "file", "ConfigError", _file("c.toml", "# \u00fc\n".encode("latin-1")), "not UTF-8")
    yield Case(area, "UTF-16", "file", "ConfigError", _file("d.toml", "[label]\n".encode("utf-16")), "")
    for section, key, values, words in VALUES:
        for value in values:
            shown = str(value) if len(str(value)) < 30 else f"{str(value)[:9]}... ({len(str(value))} characters)"
            yield Case(
                area,
                f"{type(value).__name__} {shown}",
                f"{section}.{key}",
                "ConfigError",
                _spec({section: {key: value}}),
                words,
            )
    for section, key, words in UNKNOWN:
        yield Case(area, "an unknown key", f"{section}.{key}", "ConfigError", _spec({section: {key: 1}}), words)
    for key, values in MODEL:
        for value in values:
            yield Case(
                area,
                f"{type(value).__name__} {value}",
                f"model.{key}",
                "ConfigError",
                _spec({"model": {key: value}}),
                key,
            )
    for what, entry, words in (
        ("a file that is no text", {"file": 1}, "must be text"),
        ("columns that are a list", {"columns": ["at"]}, "must be"),
        ("columns to numbers", {"columns": {"at": 1}}, "must be"),
        ("an unknown key", {"path": "usage.csv"}, "unknown key"),
        ("a list", ["usage.csv"], "must be a section"),
    ):
        yield Case(area, what, "tables.usage", "ConfigError", _spec({"tables": {"usage": entry}}), words)
    for what, value in (("a number", 7), ("a list", [1]), ("an object", object())):
        yield Case(area, what, "RiskPipeline", "ConfigError", lambda _, value=value: RiskPipeline(value), "")
    yield Case(
        area,
        "dates and days_since_start",
        "snapshots",
        "ConfigError",
        _spec({"snapshots": {"dates": ["2025-01-01"], "days_since_start": [30]}}),
        "keep one of the two",
    )
