"""build_features: rows, columns, own features, files, declarations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import tqdm

from csrisk import CustomerData, Snapshots, build_features
from csrisk.exceptions import FeatureError
from csrisk.features import (
    AccountContext,
    Advocacy,
    ContactEffort,
    Expectations,
    Feature,
    FeatureBreadth,
    Relationship,
    SurveySentiment,
    UsageDepth,
    declared,
    default_builders,
    feature_reference,
    feature_table,
)
from csrisk.testing import random_tables

SOME = (UsageDepth(windows=(30, 90)), Relationship(), AccountContext())
NOTE = Feature("note", "context", "score", "{value}; typical is {typical}.")


@pytest.fixture(scope="module")
def past(small_book):
    return Snapshots.every(small_book, "QS", horizon="90D")


@pytest.fixture(scope="module")
def features(small_book, past):
    return build_features(small_book, past, SOME)


def test_rows_are_the_snapshots_and_columns_the_declarations(features, past):
    assert features.index.equals(past.index)
    assert list(features) == [feature.name for builder in SOME for feature in builder.features]
    kinds = {str(kind) for kind in features.dtypes}
    assert kinds == {"float64", "category"}
    assert not np.isinf(features.select_dtypes("number")).any(axis=None)


def test_parts_by_account_give_the_same(small_book, past, features):
    parts = build_features(small_book, past, SOME, chunk=7)
    pd.testing.assert_frame_equal(parts, features, rtol=1e-12)


def test_file_holds_the_same_frame(small_book, past, features, tmp_path):
    path = build_features(small_book, past, SOME, chunk=50, out=tmp_path / "features.parquet")
    assert path == tmp_path / "features.parquet"
    pd.testing.assert_frame_equal(
        pd.read_parquet(path), features, rtol=1e-12, check_index_type=False, check_categorical=False
    )
    assert [file.name for file in tmp_path.iterdir()] == ["features.parquet"]


@dataclass(frozen=True)
class Failing:
    features: tuple[Feature, ...] = (NOTE,)

    def build(self, _data, snapshots):
        if len(snapshots) and snapshots.index.get_level_values(0)[0] > "acct-0003":
            raise RuntimeError("half way")
        return pd.DataFrame({"note": 1.0}, index=snapshots.index)


def test_failure_leaves_no_file(small_book, past, tmp_path):
    with pytest.raises(RuntimeError, match="half way"):
        build_features(small_book, past, [Failing()], chunk=30, out=tmp_path / "features.parquet")
    assert list(Path(tmp_path).iterdir()) == []


def _full_disk(monkeypatch, name, after):
    """A Parquet writer that fails when asked for the n-th time."""
    calls, old = [], getattr(pq.ParquetWriter, name)

    def fails(self, *args, **kwargs):
        calls.append(name)
        if len(calls) == after:
            raise OSError(28, "No space left on device")
        return old(self, *args, **kwargs)

    monkeypatch.setattr(pq.ParquetWriter, name, fails)


@pytest.mark.parametrize(("name", "after"), [("write_table", 3), ("close", 1)])
def test_full_disk_leaves_the_old_file_as_it_was(small_book, past, tmp_path, monkeypatch, name, after):
    target = tmp_path / "features.parquet"
    target.write_bytes(b"the old one")
    _full_disk(monkeypatch, name, after)
    with pytest.raises(OSError, match="No space left"):
        build_features(small_book, past, [AccountContext()], chunk=30, out=target)
    assert target.read_bytes() == b"the old one"
    assert [path.name for path in tmp_path.iterdir()] == ["features.parquet"]


@dataclass(frozen=True)
class Interrupted(Failing):
    def build(self, _data, _snapshots):
        raise KeyboardInterrupt


@pytest.fixture(scope="module")
def embedded(small_saas):
    """The small book in DuckDB, where a bound keeps it."""
    tables = {name: rows for name, rows in small_saas.tables.items() if len(rows)}
    return CustomerData(tables, end=small_saas.end, threads=2)


def test_interruption_leaves_no_file_and_no_scratch_table(embedded, past, tmp_path):
    before = _scratch_tables(embedded)
    with pytest.raises(KeyboardInterrupt):
        build_features(embedded, past, [UsageDepth(), Interrupted()], out=tmp_path / "features.parquet")
    assert list(tmp_path.iterdir()) == []
    assert _scratch_tables(embedded) == before


def test_missing_folder_is_said_before_anything_is_computed(small_book, past, tmp_path):
    with pytest.raises(FileNotFoundError):
        build_features(small_book, past, [Interrupted()], out=tmp_path / "nowhere" / "features.parquet")


def test_file_is_written_part_by_part(small_book, past, tmp_path):
    path = build_features(small_book, past, [AccountContext()], chunk=50, out=tmp_path / "features.parquet")
    groups = pq.ParquetFile(path).metadata
    sizes = [groups.row_group(place).num_rows for place in range(groups.num_row_groups)]
    largest = int(past.index.to_frame(index=False)["account_id"].value_counts().max())
    assert sum(sizes) == len(past)
    # a part ends with the account that fills it
    assert len(sizes) == pytest.approx(len(past) / 50, abs=1)
    assert max(sizes) < 50 + largest


def test_progress_is_shown_when_it_takes_long(small_book, past, capsys, monkeypatch):
    bars = []

    class Eager(tqdm.tqdm):
        def __init__(self, *args, delay, **kwargs):
            super().__init__(*args, mininterval=0, **kwargs)
            bars.append(delay)

    monkeypatch.setattr(tqdm, "tqdm", Eager)
    build_features(small_book, past, [AccountContext()], chunk=30, progress=True)
    assert "features: 100%" in capsys.readouterr().err
    build_features(small_book, past, [AccountContext()], chunk=30, progress=False)
    assert capsys.readouterr().err == ""
    assert bars == [2, 2]


def test_chunk_must_be_positive(small_book, past):
    with pytest.raises(FeatureError, match=r"chunk=0 must be a number of snapshots, at least 1"):
        build_features(small_book, past, [Advocacy()], chunk=0)


def test_own_features_join_on_the_snapshots(small_book, past):
    mine = pd.DataFrame({"note": np.arange(len(past), dtype=float)}, index=past.index)
    shuffled = mine.sample(frac=1, random_state=0).iloc[: len(mine) // 2]
    both = build_features(small_book, past, [Advocacy()], own=(shuffled, [NOTE]), chunk=20)
    expected = mine["note"].where(mine.index.isin(shuffled.index))
    pd.testing.assert_series_equal(both["note"], expected)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frame: frame.reset_index(), r"own: the frame needs the index levels account_id and as_of"),
        (lambda frame: pd.concat([frame, frame]), r"own: \d+ of \d+ rows repeat their account_id and as_of"),
        (lambda frame: frame.assign(more=1.0), r"own: columns and declarations differ in \['more'\]"),
        (lambda frame: frame.assign(note=np.inf), r"own: column 'note' has \d+ infinite values"),
        (lambda frame: frame.assign(note=pd.Timestamp("2025-01-01")), r"own: column 'note' holds times"),
        (lambda frame: frame.rename(index=lambda _: "x", level=0).iloc[:1], r"own: none of the \d+ snapshots"),
    ],
)
def test_own_features_that_do_not_fit_are_refused(small_book, past, change, words):
    mine = pd.DataFrame({"note": 1.0}, index=past.index)
    with pytest.raises(FeatureError, match=words):
        build_features(small_book, past, [Advocacy()], own=(change(mine), [NOTE]))


def test_own_feature_may_not_take_a_name_that_is_there(small_book, past):
    name = replace(NOTE, name="reviews_365d")
    mine = pd.DataFrame({"reviews_365d": 1.0}, index=past.index)
    with pytest.raises(FeatureError, match=r"columns \['reviews_365d'\] come from two builders"):
        build_features(small_book, past, [Advocacy()], own=(mine, [name]))


def test_the_same_family_twice_is_refused(small_book, past):
    with pytest.raises(FeatureError, match=r"columns \[.*\] come from two builders; leave one out or rename"):
        build_features(small_book, past, [Advocacy(), Advocacy()])


@dataclass(frozen=True)
class Liar:
    columns: tuple[str, ...]
    features: tuple[Feature, ...] = (NOTE,)

    def build(self, _data, snapshots):
        frame = pd.DataFrame(1.0, index=snapshots.index, columns=list(self.columns))
        return frame if "note" in self.columns else frame.reset_index(drop=True)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (("note", "extra"), r"builder Liar: columns and declarations differ in \['extra'\]"),
        (("other",), r"builder Liar: build must return a pandas frame with the index of the snapshots"),
    ],
)
def test_builder_that_breaks_its_promise_is_refused(small_book, past, columns, words):
    with pytest.raises(FeatureError, match=words):
        build_features(small_book, past, [Liar(columns)])


def test_every_default_column_is_declared():
    names = [feature.name for builder in default_builders() for feature in builder.features]
    assert len(set(names)) == len(names)
    assert [feature.name for feature in declared(names)] == names
    assert str(declared(["account_anything"])[0].goal) == "context"


def test_unknown_columns_are_all_named():
    with pytest.raises(FeatureError, match=r"columns without a declaration: \['foo', 'bar'\]"):
        declared(["events_30d", "foo", "bar"])


def test_every_goal_has_features_and_every_sentence_its_value():
    table = feature_table()
    assert set(table["goal"]) == {"churn", "footprint", "advocacy", "feedback", "context"}
    assert table["sentence"].str.contains("{value}", regex=False).all()
    assert table["sentence"].str.endswith("; typical is {typical}.").all()


def test_reference_is_a_table_per_family():
    text = feature_reference([Advocacy(), FeatureBreadth()])
    assert text.count("\n## ") == 1
    assert text.startswith("## Advocacy\n")
    assert "| `reviews_365d` | advocacy | count | less is riskier | 365 days | {value} reviews in 365 days;" in text


def test_builders_are_values():
    assert UsageDepth() == UsageDepth()
    assert hash(UsageDepth()) == hash(UsageDepth())
    assert UsageDepth(windows=(7,)) != UsageDepth()
    with pytest.raises(AttributeError, match="cannot assign"):
        UsageDepth().windows = (3,)


def test_small_windows_do_not_need_the_usual_ones(small_book, past):
    builders = [UsageDepth(windows=(14,), half_life=7, slope_days=28), FeatureBreadth(windows=(14,))]
    frame = build_features(small_book, past, builders)
    assert {"events_14d", "events_slope_28d", "decayed_events_7d", "top_user_share_14d", "features_used_14d"} <= set(
        frame
    )


def _scratch_tables(book):
    return set(book.engine.run("SELECT table_name FROM duckdb_tables() WHERE temporary"))


def test_nothing_stays_behind_in_the_engine(embedded, past):
    before = _scratch_tables(embedded)
    build_features(embedded, past, [Advocacy(), UsageDepth()])
    assert _scratch_tables(embedded) == before
    with pytest.raises(RuntimeError, match="half way"):
        build_features(embedded, past, [UsageDepth(), Failing()], chunk=30)
    assert _scratch_tables(embedded) == before


@pytest.mark.slow
def test_the_same_bits_whatever_the_threads_do(demo):
    past = Snapshots.every(demo, "MS", horizon="90D")
    once = build_features(demo, past)
    pd.testing.assert_frame_equal(build_features(demo, past), once, check_exact=True)


@pytest.mark.parametrize(
    "family", [Advocacy, ContactEffort, Expectations, Relationship, SurveySentiment, UsageDepth, FeatureBreadth]
)
@pytest.mark.filterwarnings("ignore::csrisk.exceptions.DataWarning")
def test_a_fact_that_is_spelled_wrong_is_no_column_of_nothing(family: type) -> None:
    class Misspelt(family):  # type: ignore[misc]  # a class that is only known when the test runs
        def _measures(self):
            yield from super()._measures()
            yield self._measure("wrong", "count", "{value}", "revenu")

    with CustomerData(random_tables(1), end="2026-01-01") as data:
        seen = Snapshots.at(data, "2024-12-01", eligible="account")
        with pytest.raises((FeatureError, KeyError), match="revenu"):
            Misspelt().build(data, seen)
