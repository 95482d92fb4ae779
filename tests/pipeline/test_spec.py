"""The specification: what it reads, what it refuses and how, and that it round-trips."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csrisk._pipeline._settings._spec import (
    _SECTIONS,
    FeatureSpec,
    LabelSpec,
    RiskSpec,
    SnapshotSpec,
    TableSpec,
    TestSpec,
)
from csrisk.exceptions import ConfigError
from csrisk.models import ChurnModel

if TYPE_CHECKING:
    from pathlib import Path

FULL = """
[tables.usage]
file = "usage_events.parquet"
columns = { at = "ts", feature = "product" }

[snapshots]
dates = [2013-03-03, "2013-04-02"]
lead = 0
horizon = "28D"
eligible = "contract"

[label]
kind = "contract"
grace = "0D"

[features]
attributes = []
exclude = ["tenure_days"]

[model]
n_members = 3

[test]
start = 2013-10-01

[reference]
kind = "healthiest"
rows = 64
"""


def test_reads_every_section() -> None:
    spec = RiskSpec.from_toml(FULL)
    assert spec.tables == {"usage": TableSpec("usage_events.parquet", {"at": "ts", "feature": "product"})}
    assert spec.snapshots == SnapshotSpec(
        dates=("2013-03-03", "2013-04-02"), lead=0, horizon="28D", eligible="contract"
    )
    assert spec.label == LabelSpec("contract", "0D")
    assert spec.features == FeatureSpec(attributes=(), exclude=("tenure_days",))
    assert spec.model == {"random_state": 0, "n_members": 3}
    assert spec.test == TestSpec("2013-10-01")


@pytest.mark.parametrize("text", ["", FULL, '[report]\ntitle = "Ümlaut \\" and quote"'])
def test_round_trip(text: str) -> None:
    spec = RiskSpec.from_toml(text)
    assert RiskSpec.from_toml(spec.to_toml()) == spec


names = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
days = st.one_of(st.integers(0, 900), st.integers(0, 900).map("{}D".format))
specs = st.builds(
    RiskSpec,
    tables=st.dictionaries(names, st.builds(TableSpec, st.none() | names, st.dictionaries(names, names)), max_size=2),
    snapshots=st.builds(
        SnapshotSpec,
        dates=st.lists(st.dates().map(str), max_size=3).map(tuple),
        start=st.none() | st.dates().map(str),
        lead=days,
        horizon=st.one_of(st.integers(1, 900), st.integers(1, 900).map("{}D".format)),
    ),
    features=st.builds(FeatureSpec, st.none() | st.lists(names, max_size=2).map(tuple)),
    model=st.fixed_dictionaries(
        {"random_state": st.integers(0, 9)}, optional={"n_members": st.integers(1, 9), "blend": st.booleans()}
    ),
    test=st.builds(TestSpec, st.none() | st.dates().map(str), st.integers(20, 99)),
)


@settings(deadline=None, max_examples=60)
@given(specs)
def test_any_specification_round_trips(spec: RiskSpec) -> None:
    assert RiskSpec.from_toml(spec.to_toml()) == spec


BAD = [
    ("[snapshot]", "unknown key 'snapshot'; did you mean 'snapshots'"),
    ("[snapshots]\nhorzon = 3", "snapshots: unknown key 'horzon'; did you mean 'horizon'"),
    ("[label]\nzzz = 3", "label: unknown key 'zzz'; known keys: kind, grace, expansion"),
    ("label = 3", r"label = 3 must be a section, written \[label\]"),
    ("[tables]\nusage = 3", r"tables.usage = 3 must be a section, written \[tables.usage\]"),
    ("[tables.usage]\ncolumns = 3", "tables.usage: columns = 3 must be a table of names"),
    ("[tables.usage]\nfile = 3", "tables.usage: file = 3 must be text"),
    ('[label]\nkind = "contrct"', "label: kind = 'contrct' must be one of .*; did you mean 'contract'"),
    ('[label]\ngrace = "a month"', "label: grace = 'a month' must be whole days"),
    ('[label]\nexpansion = "mmr"', "label: expansion = 'mmr' must be one of .*; did you mean 'mrr'"),
    ("[label]\nexpansion_at_least = 0", "label: expansion_at_least = 0 must be a share above 0"),
    ("[snapshots]\nlead = -1", "snapshots: lead = -1 must be whole days"),
    ("[snapshots]\nlead = true", "snapshots: lead = True must be whole days"),
    ('[snapshots]\ndates = "2020-01-01"', "snapshots: dates = '2020-01-01' must be a list of dates"),
    ('[snapshots]\ndates = ["soon"]', "snapshots: dates = 'soon' must be a date: 2025-07-01"),
    ("[snapshots]\ndays_since_start = [-3]", "days_since_start = .* whole numbers of days"),
    ("[snapshots]\ndays_since_start = [3]\ndates = [2020-01-01]", "both given; keep one"),
    ('[features]\nattributes = "plan"', "features: attributes = 'plan' must be a list of names"),
    ("[test]\nn_bootstrap = 3", "test: n_bootstrap = 3 must be a whole number of at least 20"),
    ('[reference]\nkind = "best"', "reference: kind = 'best' must be one of training, book, healthiest"),
    ('[report]\ntitle = ""', "report: title = '' must be text"),
    ("[snapshots", "not valid TOML"),
]


@pytest.mark.parametrize(("text", "message"), BAD)
def test_refuses_and_says_what_to_do(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RiskSpec.from_toml(text)


def test_reads_a_file_and_names_the_one_that_is_missing(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(FULL, encoding="utf-8")
    assert RiskSpec.from_toml(tmp_path / "c.toml") == RiskSpec.from_toml(FULL)
    assert RiskSpec.from_toml(str(tmp_path / "c.toml")) == RiskSpec.from_toml(FULL)
    with pytest.raises(ConfigError, match=r"configuration 'absent.toml' cannot be read: No such file"):
        RiskSpec.from_toml(tmp_path / "absent.toml")
    (tmp_path / "latin.toml").write_bytes(b'[report]\ntitle = "caf\xe9"')
    with pytest.raises(ConfigError, match="it is not UTF-8 text"):
        RiskSpec.from_toml(tmp_path / "latin.toml")


ODD = [
    True, 0, -1, 3, 10**30, 1.5, float("nan"), float("inf"), "", "x", "9" * 500, "\x00", "1999-13-45",
    [], [1], ["x"], [[]], [True], [float("nan")], {}, {"a": 1}, {"a": {"b": []}}, dt.date(2025, 1, 1), dt.time(3),
]  # fmt: skip
KEYS = [(section, entry.name) for section, kind in _SECTIONS.items() for entry in dataclasses.fields(kind)]
KEYS += [("model", name) for name in ChurnModel().get_params()]


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_every_key_takes_a_value_or_refuses_it_in_words(section: str, key: str) -> None:
    """Whatever TOML can say for a key is taken, or refused with the section, the key and the rule."""
    for value in ODD:
        try:
            spec = RiskSpec.from_dict({section: {key: value}})
        except ConfigError as error:
            assert section in str(error)  # noqa: PT017  # most values are refused, some are right
            assert key in str(error)  # noqa: PT017
            assert len(str(error)) < 1_000  # noqa: PT017
        else:
            assert spec.to_dict()[section] is not None


@pytest.mark.parametrize("value", ODD)
def test_every_section_is_a_section(value: object) -> None:
    for name in (*_SECTIONS, "model", "tables"):
        if value != {}:
            with pytest.raises(ConfigError, match=name):
                RiskSpec.from_dict({name: value})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[test]\nn_bootstrap = 100000000", "at least 20 and at most 10,000"),
        ("[test]\ntrainings = 1000", "at least 1 and at most 100"),
        ("[reference]\nrows = 1000000", "at least 10 and at most 10,000"),
        ('[snapshots]\nfrequency = "h"', "offset alias of a day or more"),
        ('[snapshots]\nfrequency = "-1D"', "offset alias of a day or more"),
        ("[monitor]\nmax_age = 0", "at least 1"),
    ],
)
def test_numbers_are_bounded(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        RiskSpec.from_toml(text)
