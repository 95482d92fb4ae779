"""Snapshots, features and labels of a run, as its specification says."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from csrisk._days import as_days, whole_days
from csrisk._labelling import label_churn, label_expansion, reaches
from csrisk._pipeline._settings._declared import declarations, further, optional_columns, require_measures
from csrisk._pipeline._settings._spec import TableSpec
from csrisk._pipeline._settings._spec_builders import with_builders
from csrisk._snapshots import Snapshots
from csrisk.data import CONTRACT
from csrisk.exceptions import ConfigError, LabelError, SnapshotError
from csrisk.features import AccountContext, Builder, build_features, default_builders
from csrisk.models import ChurnModel

if TYPE_CHECKING:
    from csrisk._pipeline._settings._spec import RiskSpec
    from csrisk.data import CustomerData

__all__ = [
    "Panel",
    "book",
    "churn_model",
    "features_of",
    "grown",
    "labelled_past",
    "outcomes",
    "panel",
    "resolved",
    "settling_days",
]


@dataclass(frozen=True)
class Panel:
    """What a model learns from: one row for each snapshot, all frames on the same index."""

    snapshots: Snapshots
    X: pd.DataFrame
    churn: pd.Series
    expansion: pd.Series | None
    grace: int
    # features of the book at the end, None where nobody is eligible then or nobody asked
    book: pd.DataFrame | None = None

    @property
    def accounts(self) -> int:
        """Number of accounts."""
        return len(self.snapshots.accounts)


def panel(spec: RiskSpec, data: CustomerData, until: Any = None, *, with_book: bool = False) -> Panel:
    """Take all snapshots of the past, with features and labels, and the features of the book after them."""
    snapshots, churn = labelled_past(spec, data, until)
    last = _last_book(spec, data, snapshots, until) if with_book else None
    if last is None:
        X, now = features_of(spec, data, snapshots), None
    else:
        # in one go: most of what features cost is the same for one date and for many
        rule, pairs = spec.snapshots, snapshots.index.append(last.index)
        both = features_of(spec, data, Snapshots.of(data, pairs, lead=rule.lead, horizon=rule.horizon))
        X, now = (_rows_of(both, one.index) for one in (snapshots, last))
    return Panel(snapshots, X, churn, _expansion(spec, data, snapshots), _grace(spec, data), now)


def _last_book(spec: RiskSpec, data: CustomerData, past: Snapshots, until: Any) -> Snapshots | None:
    """Take the book at the end of the training, apart from the snapshots that are learned from."""
    try:
        found = book(spec, data, until)
    # nobody is eligible at the end
    except SnapshotError:
        return None
    return found if found.as_of.iloc[0] > past.as_of.max() else None


def _rows_of(frame: pd.DataFrame, index: pd.MultiIndex) -> pd.DataFrame:
    """Take rows as if they had been computed alone: with no category that only other rows have."""
    rows = frame.reindex(index)
    words = rows.select_dtypes("category").columns
    return rows.assign(**{name: rows[name].cat.remove_unused_categories() for name in words})


def labelled_past(spec: RiskSpec, data: CustomerData, until: Any = None) -> tuple[Snapshots, pd.Series]:
    """Take the snapshots of the past that have a label, and the labels."""
    snapshots = _past(spec, data)
    if until is not None:
        snapshots = snapshots.until(until)
    churn = _churn(spec, data, snapshots)
    # rows without a label teach nothing, and their features cost as much as those of the others
    day = as_days(pd.DatetimeIndex(snapshots.as_of))
    # taken while the feed of usage stood still, one would teach that silence of customers means nothing
    labelled = churn.notna() & ~reaches(data.holes.get("usage", ()), day - 1, day)
    if not labelled.any():
        window = f"lead={spec.snapshots.lead!r}, horizon={spec.snapshots.horizon!r}"
        raise LabelError(f"churn: none of {len(snapshots)} snapshots has a label ({window}); take earlier dates")
    return snapshots[labelled], churn[labelled]


def outcomes(spec: RiskSpec, data: CustomerData, index: pd.MultiIndex, until: Any) -> pd.Series:
    """Say what came of snapshots that were scored earlier."""
    snapshots = _scored(spec, data, index, until)
    if snapshots is None:
        return pd.Series(pd.array([], dtype="boolean"), index=index[:0], name="churn")
    return _churn(spec, data, snapshots)


def grown(spec: RiskSpec, data: CustomerData, index: pd.MultiIndex, until: Any) -> pd.Series | None:
    """Say which of the snapshots that were scored earlier grew."""
    snapshots = _scored(spec, data, index, until)
    return None if snapshots is None else _expansion(spec, data, snapshots)


def _scored(spec: RiskSpec, data: CustomerData, index: pd.MultiIndex, until: Any) -> Snapshots | None:
    known = index[index.get_level_values("account_id").isin(data.accounts)]
    if not len(known):
        return None
    rule = spec.snapshots
    return Snapshots.of(data, known, lead=rule.lead, horizon=rule.horizon).until(until)


def _churn(spec: RiskSpec, data: CustomerData, snapshots: Snapshots) -> pd.Series:
    options: dict[str, Any] = {
        "kind": spec.label.kind,
        "grace": spec.label.grace,
        "look_back": spec.snapshots.look_back,
    }
    return label_churn(data, snapshots, **options)


def _grace(spec: RiskSpec, data: CustomerData) -> int:
    """Days after the window until a label is final; silence is final at once."""
    ends = data.has("subscriptions", "end_at") or data.has("accounts", "ended_at")
    contract = spec.label.kind == "contract" or (spec.label.kind == "auto" and ends)
    return whole_days(spec.label.grace, "grace") if contract else 0


def settling_days(spec: RiskSpec, data: CustomerData) -> int:
    """Days from a snapshot to the day on which what came of it is final."""
    rule = spec.snapshots
    return whole_days(rule.lead, "lead") + whole_days(rule.horizon, "horizon") + _grace(spec, data)


def book(spec: RiskSpec, data: CustomerData, as_of: Any = None) -> Snapshots:
    """Take the accounts that are to be scored at one date."""
    rule = spec.snapshots
    date = data.end if as_of is None else as_of
    found = Snapshots.at(data, date, lead=rule.lead, eligible=rule.eligible, look_back=rule.look_back)  # type: ignore[arg-type]  # checked by the spec
    if not rule.days_since_start:
        return found
    # a model that learned from days 30 to 150 of a course knows nothing of day 400
    started = _first_start(data).reindex(found.index.get_level_values("account_id"))
    age = (found.as_of.to_numpy() - started.to_numpy()).astype("timedelta64[D]").astype(int)
    known = (age >= min(rule.days_since_start)) & (age <= max(rule.days_since_start))
    if not known.any():
        ages = f"{min(rule.days_since_start)} to {max(rule.days_since_start)}"
        raise SnapshotError(f"as_of={date}: none of {len(found)} accounts is {ages} days after its start")
    return found[known]


def features_of(spec: RiskSpec, data: CustomerData, snapshots: Snapshots) -> pd.DataFrame:
    """Build the features that the specification allows."""
    X = build_features(data, snapshots, _builders(spec, data))
    unknown = [name for name in spec.features.exclude if name not in X.columns]
    if unknown:
        near = difflib.get_close_matches(unknown[0], list(X.columns), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"features: exclude names {len(unknown)} unknown columns, the first is {unknown[0]!r}{hint}")
    return X.drop(columns=list(spec.features.exclude))


def churn_model(spec: RiskSpec, X: pd.DataFrame) -> ChurnModel:
    """Make the model of churn that the specification asks for, not fitted yet."""
    # directions that the user gave for the model go before those that features declare
    if not spec.features.monotone or "monotone" in spec.model:
        return ChurnModel(**spec.model)
    directions = {feature.name: feature.direction for feature in declarations(spec, X.columns) if feature.direction}
    return ChurnModel(**spec.model, monotone=directions)


def resolved(spec: RiskSpec, data: CustomerData) -> RiskSpec:
    """Write attributes of accounts and optional columns into the specification: training and scoring use the same.

    What was said of the ends of these very tables goes: of those that are scored later it would be wrong. Of a query
    stays that there is one: a model file is handed on, and no SQL of a stranger is to run.
    """
    # an empty query says that there was one, and `require_queries` asks for it
    plain = {name: (entry, replace(entry, end=None, query=entry.query and "")) for name, entry in spec.tables.items()}
    # a table of which only the end was told would stand empty in the file, and require a table of that name
    kept = {name: without for name, (entry, without) in plain.items() if entry == without or without != TableSpec()}
    spec = replace(spec, tables=kept)
    require_measures(spec, data)
    # from here on a pipeline has its builders at hand, and a model file what they declare
    chosen = replace(spec.features, builders=tuple(entry.recorded() for entry in spec.features.builders))
    if chosen.optional is None:
        chosen = replace(chosen, optional=optional_columns(data))
    if chosen.attributes is None:
        (context,) = (builder for builder in default_builders(data) if isinstance(builder, AccountContext))
        chosen = replace(chosen, attributes=context.attributes)
    return replace(spec, features=chosen)


def _builders(spec: RiskSpec, data: CustomerData) -> list[Builder]:
    if spec.features.attributes is None:
        spec = resolved(spec, data)
    attributes = spec.features.attributes or ()
    there = {*CONTRACT["accounts"].names, *data.attributes} if "accounts" in data.tables else set()
    absent = [name for name in attributes if name not in there and name not in AccountContext().attributes]
    if absent:
        near = difflib.get_close_matches(absent[0], sorted(there), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"features: attribute {absent[0]!r} is not a column of the accounts table{hint}")
    usual = [
        AccountContext(attributes) if isinstance(builder, AccountContext) else builder for builder in default_builders()
    ]
    return with_builders(spec.features.builders, [*usual, *further(spec, data)])


def _past(spec: RiskSpec, data: CustomerData) -> Snapshots:
    rule = spec.snapshots
    window: dict[str, Any] = {"lead": rule.lead, "horizon": rule.horizon}
    who: dict[str, Any] = {"eligible": rule.eligible, "look_back": rule.look_back}
    if rule.days_since_start:
        return Snapshots.of(data, _by_age(data, rule.days_since_start), **window)
    if rule.dates:
        return Snapshots.at(data, list(rule.dates), **window, **who)
    return Snapshots.every(data, rule.frequency, start=rule.start, end=rule.end, **window, **who)


def _first_start(data: CustomerData) -> pd.Series:
    if not data.has("subscriptions", "start_at"):
        raise SnapshotError("days_since_start: there is no subscriptions table with start_at; use dates or frequency")
    start: pd.Series = data.frame("subscriptions").groupby("account_id")["start_at"].min().dt.normalize()
    return start


def _by_age(data: CustomerData, days: tuple[int, ...]) -> pd.DataFrame:
    start = _first_start(data)
    parts = [(start + pd.Timedelta(days=day)).rename("as_of").reset_index() for day in days]
    pairs = pd.concat(parts, ignore_index=True)
    return pairs[(pairs["as_of"] > data.start) & (pairs["as_of"] <= data.end)]


def _expansion(spec: RiskSpec, data: CustomerData, snapshots: Snapshots) -> pd.Series | None:
    label = spec.label
    # in the order in which auto takes them: the first that is there
    evidence = {
        "mrr": data.has("subscriptions", "mrr"),
        "seats": data.has("subscriptions", "seats"),
        "value": data.has("usage", "value"),
    }
    measure = label.expansion
    if measure == "auto":
        measure = next((name for name, there in evidence.items() if there), "none")
    if measure == "none":
        return None
    options: dict[str, Any] = {"measure": measure, "at_least": label.expansion_at_least, "grace": label.grace}
    return label_expansion(data, snapshots, **options)
