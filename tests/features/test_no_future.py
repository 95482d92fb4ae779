"""No feature knows the future, and none depends on the order or company of rows."""

from __future__ import annotations

import os
from dataclasses import dataclass

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from csrisk import build_features
from csrisk._snapshots import visible
from csrisk.exceptions import FeatureError
from csrisk.features import Feature, FeatureBreadth, Invoices, Measures, Meetings, all_builders
from csrisk.testing import check_builder, random_tables
from csrisk.testing._invariants import CHANGES

DECLARED = tuple(Feature(name, "advocacy", "points", f"{name} {{value}}") for name in ("csm_pulse", "roi"))
FAMILIES = (*(family for family in all_builders() if family != Meetings()), Meetings(hours=90), Measures(DECLARED))
ENGINES = ("duckdb", "polars")
# What is never to change a feature: rows of the future deleted, changed, added (also late), second times changed,
# values of unfinished rows changed, rows shuffled, an account copied, another time zone; and what `check_builder`
# does by itself: tables split over files and snapshots over parts, a snapshot computed alone, the engine.
INVARIANTS = len(CHANGES) + 3
# 2 books are more than 50,000 cases, CSRISK_BOOKS=4 more than 100,000
BOOKS = int(os.environ.get("CSRISK_BOOKS", "2"))
quick = settings(deadline=None, max_examples=1, derandomize=True, suppress_health_check=list(HealthCheck))
# the same books in every run: a change of code is judged by them, not by luck; ask for more books to look further
long = settings(
    deadline=None, max_examples=BOOKS, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)
seeds = st.integers(0, 10**6)


@dataclass(frozen=True)
class AllFamilies:
    """All families at once: the tables are read once for all of them."""

    @property
    def features(self):
        return tuple(feature for family in FAMILIES for feature in family.features)

    def build(self, data, snapshots):
        return build_features(data, snapshots, FAMILIES)


@pytest.mark.promise("Nothing dated or known at or after `as_of` touches a feature, on tables drawn at random")
@quick
@given(seed=seeds)
def test_families_are_blind_to_the_future(seed):
    assert check_builder(AllFamilies(), n_books=1, engines=ENGINES, random_state=seed) > 0


def test_an_objection_after_the_payment_is_not_known_with_the_payment():
    # in this book an invoice is objected to after it was paid; without its time it counted from the payment on
    tables = random_tables(0, n_accounts=150, days=40)
    assert check_builder(Invoices(), tables, n_books=1, engines=ENGINES) > 0


def test_a_plan_that_the_catalogue_names_later_changes_nothing():
    # this book names a plan in a single row of the catalogue, which became known after the date
    assert check_builder(FeatureBreadth(), n_books=1, engines=ENGINES, random_state=219) > 0


@pytest.mark.promise("Nothing dated or known at or after `as_of` touches a feature, on tables drawn at random")
@pytest.mark.slow
def test_families_are_blind_to_the_future_in_many_books():
    """A case is one invariant of one family for one account of one book.

    Each account has a random history of its own and is compared at up to five dates on every engine. All changes are
    made at once, so that one comparison is the case of each of them; where one fails, they are made one by one.
    """
    accounts, compared = [], []

    @long
    @given(seed=seeds, n_accounts=st.integers(150, 180), days=st.integers(40, 800))
    def check(seed, n_accounts, days):
        tables = random_tables(seed, n_accounts=n_accounts, days=days)
        compared.append(check_builder(AllFamilies(), tables, n_books=1, engines=ENGINES, random_state=seed))
        accounts.append(n_accounts)

    check()
    cases = INVARIANTS * len(FAMILIES) * sum(accounts)
    print(
        f"{len(accounts)} books of {sum(accounts)} accounts: {cases:,} cases ({INVARIANTS} invariants of "
        f"{len(FAMILIES)} families for each account), {sum(compared) * len(FAMILIES):,} rows of features compared"
    )
    assert cases >= 100_000 * BOOKS / 4


@dataclass(frozen=True)
class _Planted:
    """A builder with one fault: each subclass looks where it must not."""

    @property
    def features(self):
        return (Feature("planted", "churn", "count", "{value}; typical is {typical}."),)

    def build(self, data, snapshots):
        pairs = snapshots.lazy(data)
        rows = self.rows(data, pairs).group_by("snapshot").agg(nw.col("x").cast(nw.Float64).sum())
        found = data.engine.collect(rows).set_index("snapshot")["x"]
        values = found.reindex(range(len(snapshots)), fill_value=0.0).astype("float64").to_numpy()
        return pd.DataFrame({"planted": values}, index=snapshots.index)

    def rows(self, data, pairs):
        raise NotImplementedError


@dataclass(frozen=True)
class Honest(_Planted):
    def rows(self, data, pairs):
        return visible(pairs, data.lazy("usage").select("account", "day", "known")).with_columns(x=nw.lit(1))


@dataclass(frozen=True)
class SeesTheDayItself(_Planted):
    def rows(self, data, pairs):
        seen = pairs.join(data.lazy("usage").select("account", "day", "known"), on="account", how="inner")
        return seen.filter(nw.col("day") <= nw.col("cut"), nw.col("known") <= nw.col("cut")).with_columns(x=nw.lit(1))


@dataclass(frozen=True)
class ForgetsWhenRowsBecameKnown(_Planted):
    def rows(self, data, pairs):
        seen = pairs.join(data.lazy("usage").select("account", "day"), on="account", how="inner")
        return seen.filter(nw.col("day") < nw.col("cut")).with_columns(x=nw.lit(1))


@dataclass(frozen=True)
class SeesResolutions(_Planted):
    def rows(self, data, pairs):
        table = data.lazy("contacts").select("account", "day", "known", nw.col("resolved_at_day").alias("hidden"))
        return visible(pairs, table).filter(~nw.col("hidden").is_null()).with_columns(x=nw.lit(1))


@dataclass(frozen=True)
class CountsTransfersOfOpenCases(_Planted):
    def rows(self, data, pairs):
        table = data.lazy("contacts").select("account", "day", "known", "transfers")
        return visible(pairs, table).with_columns(x=nw.col("transfers").fill_null(0))


@dataclass(frozen=True)
class ReadsAnswersTooEarly(_Planted):
    def rows(self, data, pairs):
        table = data.lazy("surveys").select("account", "day", "known", "score")
        return visible(pairs, table).with_columns(x=nw.col("score").fill_null(0))


@dataclass(frozen=True)
class ComparesWithTheWholeBook(_Planted):
    def build(self, data, snapshots):
        rows = len(data.engine.collect(data.lazy("usage").select("account")))
        return pd.DataFrame({"planted": float(rows)}, index=snapshots.index)


@dataclass(frozen=True)
class TakesTheFirstRow(_Planted):
    def build(self, data, snapshots):
        frame = data.frame("contacts").assign(account_id=lambda rows: rows["account_id"].astype(str))
        frame = frame[frame["opened_at"] < snapshots.as_of.min()].dropna(subset=["handler"])
        if "known_at" in frame:
            frame = frame[frame["known_at"].isna()]
        first = frame.drop_duplicates("account_id").set_index("account_id")["kind"]
        kinds = first.reindex(snapshots.index.get_level_values(0)).astype(object)
        return pd.DataFrame({"planted": pd.Categorical(kinds.to_numpy())}, index=snapshots.index)


@dataclass(frozen=True)
class NumbersAccounts(_Planted):
    def build(self, data, snapshots):
        codes = data.accounts.get_indexer(snapshots.index.get_level_values(0))
        return pd.DataFrame({"planted": codes.astype("float64")}, index=snapshots.index)


@dataclass(frozen=True)
class RanksSnapshotsAmongEachOther(_Planted):
    def build(self, _data, snapshots):
        return pd.DataFrame({"planted": float(len(snapshots))}, index=snapshots.index)


@dataclass(frozen=True)
class CountsAllTreatments(_Planted):
    def build(self, data, snapshots):
        counts = data.frame("treatments")["account_id"].value_counts() if data.has("treatments") else pd.Series()
        accounts = snapshots.index.get_level_values(0)
        return pd.DataFrame({"planted": counts.reindex(accounts).to_numpy(np.float64)}, index=snapshots.index)


@dataclass(frozen=True)
class CountsPastTreatments(_Planted):
    def rows(self, data, pairs):
        return visible(pairs, data.lazy("treatments").select("account", "day", "known")).with_columns(x=nw.lit(1))


def test_an_honest_builder_of_ones_own_passes():
    assert check_builder(Honest(), n_books=1, engines=ENGINES) > 100


LEAKS = {
    SeesTheDayItself(): "rows of the future",
    ForgetsWhenRowsBecameKnown(): "rows of the future",
    SeesResolutions(): "second times of the future changed",
    CountsTransfersOfOpenCases(): "values of unfinished rows changed",
    ReadsAnswersTooEarly(): "values of unfinished rows changed",
    ComparesWithTheWholeBook(): "rows of the future",
    TakesTheFirstRow(): "rows shuffled",
    NumbersAccounts(): "another account added",
    RanksSnapshotsAmongEachOther(): "tables split over files and snapshots over parts",
    CountsAllTreatments(): "rows of the future",
}


@dataclass(frozen=True)
class AllPlanted:
    """Every fault in a column of its own, beside one without: the tables are read once for all of them."""

    @property
    def features(self):
        return tuple(Feature(type(one).__name__, "churn", "count", "{value}; {typical}.") for one in (Honest(), *LEAKS))

    def build(self, data, snapshots):
        columns = {type(one).__name__: one.build(data, snapshots)["planted"] for one in (Honest(), *LEAKS)}
        return pd.DataFrame(columns, index=snapshots.index)


@pytest.fixture(scope="module")
def message():
    """What the check says of all faults."""
    with pytest.raises(FeatureError, match="builder AllPlanted: ") as caught:
        check_builder(AllPlanted(), random_tables(0, n_accounts=24), n_books=1, engines=("polars",))
    return str(caught.value)


@pytest.mark.parametrize(("leak", "change"), LEAKS.items(), ids=[type(leak).__name__ for leak in LEAKS])
def test_planted_leaks_are_caught(leak, change, message):
    lines = [line for line in message.splitlines() if line.startswith(f"  {change}")]
    assert any(f"'{type(leak).__name__}'" in line for line in lines)


def test_a_check_cannot_pass_on_nothing():
    """Where the tables show no treatment before the date, it is said that nothing was shown."""
    made = random_tables(1)
    without = {name: made[name] for name in ("accounts", "usage")}
    with pytest.raises(FeatureError, match=r"shows nothing of \['treatments'\], which the builder reads"):
        check_builder(CountsAllTreatments(), without, n_books=1, engines=("polars",))
    late = made["treatments"].assign(at=pd.Timestamp("2026-12-01"), known_at=pd.NaT)
    with pytest.raises(FeatureError, match=r"shows nothing of \['treatments'\], which the builder reads"):
        check_builder(CountsPastTreatments(), {**without, "treatments": late}, n_books=1, engines=("polars",))


def test_message_names_columns_that_changed_and_no_account(message):
    assert "SeesTheDayItself" in message
    assert "Honest" not in message
    assert "account 0" not in message


def test_books_are_the_same_for_the_same_seed():
    one, two = random_tables(7), random_tables(7)
    assert all(one[name].equals(two[name]) for name in one)
    assert not one["usage"].equals(random_tables(8)["usage"])
