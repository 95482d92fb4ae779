"""build_features: all features of some snapshots, one row each."""

from __future__ import annotations

import importlib
import pkgutil
import re
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol, overload

import numpy as np
import pandas as pd

from csrisk.exceptions import FeatureError
from csrisk.features._attached import attach
from csrisk.features._families import _further
from csrisk.features._families._advocacy import Advocacy
from csrisk.features._families._breadth import FeatureBreadth
from csrisk.features._families._context import AccountContext, attributes_of
from csrisk.features._families._depth import UsageDepth
from csrisk.features._families._effort import ContactEffort
from csrisk.features._families._expectations import Expectations
from csrisk.features._families._further._group import AccountGroup
from csrisk.features._families._further._handovers import Handovers
from csrisk.features._families._further._invoices import Invoices
from csrisk.features._families._further._people import People
from csrisk.features._families._further._promises import PromiseKinds
from csrisk.features._families._further._support import Meetings, SupportCases
from csrisk.features._families._further._terms import ContractTerms
from csrisk.features._families._further._voices import Voices
from csrisk.features._families._history._own_life import OwnLife
from csrisk.features._families._history._season import Season
from csrisk.features._families._history._spans import ForecastSpans
from csrisk.features._families._relationship import Relationship
from csrisk.features._families._sentiment import SurveySentiment
from csrisk.features._family import Family
from csrisk.features._own import Own, fit_own
from csrisk.features._panel._past import Past
from csrisk.features._panel._rollups import Rollups
from csrisk.features._table import FrameSink, ParquetSink

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData
    from csrisk.features._declaration import Feature

__all__ = ["Builder", "all_builders", "build_features", "built", "declared", "default_builders", "further_builders"]


def _joining(*first: Family) -> tuple[Family, ...]:
    """Families that join where their columns are there: those named, then others of the folder by name of their file.

    The order of columns is part of a model, so that of the first stays; a family that is new joins by its file alone.
    """
    # those named come first whatever their files are called: trained models know their columns by place
    kinds = {type(family): family for family in first}
    # sorted, as a file system lists in any order
    for found in sorted(pkgutil.iter_modules(_further.__path__)):
        module = importlib.import_module(f"{_further.__name__}.{found.name}")
        # a module also holds what it imports: a family belongs to the module that defines it
        own = [value for value in vars(module).values() if getattr(value, "__module__", "") == module.__name__]
        added = [kind for kind in own if isinstance(kind, type) and issubclass(kind, Family) and kind.reads]
        kinds |= {kind: kind() for kind in added if kind not in kinds}
    return tuple(kinds.values())


_FURTHER = _joining(
    People(),
    Voices(),
    Invoices(),
    Handovers(),
    SupportCases(),
    Meetings(),
    PromiseKinds(),
    ContractTerms(),
    OwnLife(),
    ForecastSpans(),
    Season(),
    AccountGroup(),
)


class Builder(Protocol):
    """What computes features: a frozen value without data inside.

    Examples
    --------
    >>> import csrisk as cr
    >>> from csrisk.features import Builder, Feature
    >>> class Regions:
    ...     features = (Feature("region_length", "context", "count", sentence="its region has {value} signs"),)
    ...
    ...     def build(self, data, snapshots):
    ...         regions = data.frame("accounts").set_index("account_id")["region"]
    ...         accounts = snapshots.index.get_level_values("account_id")
    ...         return regions.reindex(accounts).str.len().set_axis(snapshots.index).to_frame("region_length")
    >>> builder: Builder = Regions()
    """

    @property
    def features(self) -> tuple[Feature, ...]:
        """Declarations of the columns, in order."""

    def build(self, data: CustomerData, snapshots: Snapshots) -> pd.DataFrame:
        """One row for each snapshot, in the order of ``snapshots.index``."""


def default_builders(data: CustomerData | None = None) -> tuple[Builder, ...]:
    """Builders of the families that every portfolio has, and of those whose tables and columns are in the data.

    Parameters
    ----------
    data : CustomerData, optional
        Where further attributes of accounts, tables and columns are looked up.

    Returns
    -------
    tuple of builders

    Examples
    --------
    >>> from csrisk.features import default_builders
    >>> [type(builder).__name__ for builder in default_builders()][:2]
    ['UsageDepth', 'FeatureBreadth']
    """
    context = AccountContext(attributes_of(data)) if data is not None else AccountContext()
    return (
        UsageDepth(),
        FeatureBreadth(),
        ContactEffort(),
        SurveySentiment(),
        Relationship(),
        Advocacy(),
        Expectations(),
        context,
        *(() if data is None else (family for family in _FURTHER if family.found_in(data))),
    )


def further_builders() -> tuple[Family, ...]:
    """Builders of the families that join where optional tables or columns are in the data.

    Returns
    -------
    tuple of builders
        Each with the columns that it looks for, as `table.column`, in ``reads``.

    Examples
    --------
    >>> from csrisk.features import further_builders
    >>> further_builders()[0].reads
    ('people.role',)
    """
    return _FURTHER


def all_builders() -> tuple[Builder, ...]:
    """Builders of every family, whatever the data hold.

    Returns
    -------
    tuple of builders

    Examples
    --------
    >>> from csrisk.features import all_builders, default_builders
    >>> len(all_builders()) > len(default_builders())
    True
    """
    return (*default_builders(), *_FURTHER)


@overload
def build_features(
    data: CustomerData,
    snapshots: Snapshots,
    builders: Sequence[Builder] | None = ...,
    *,
    own: Own | None = ...,
    out: None = ...,
    chunk: int = ...,
    progress: bool | None = ...,
) -> pd.DataFrame: ...


@overload
def build_features(
    data: CustomerData,
    snapshots: Snapshots,
    builders: Sequence[Builder] | None = ...,
    *,
    own: Own | None = ...,
    out: str | os.PathLike[str],
    chunk: int = ...,
    progress: bool | None = ...,
) -> Path: ...


def build_features(
    data: CustomerData,
    snapshots: Snapshots,
    builders: Sequence[Builder] | None = None,
    *,
    own: Own | None = None,
    out: str | os.PathLike[str] | None = None,
    chunk: int = 100_000,
    progress: bool | None = None,
) -> pd.DataFrame | Path:
    """Compute the features of snapshots from what was known strictly before each.

    Parameters
    ----------
    data : CustomerData
        The tables.
    snapshots : Snapshots
        Who is seen when.
    builders : sequence of builders, optional
        Default: `default_builders` of the data.
    own : tuple of pandas.DataFrame and sequence of Feature, optional
        Features of your own on the index (account_id, as_of), and their declarations.
    out : path, optional
        Write the features to this Parquet file part by part, so that memory does not grow with the book.
    chunk : int, default 100_000
        Snapshots computed at a time; accounts are kept together.
    progress : bool, optional
        Show a bar. Default: in a terminal, when it takes longer than two seconds.

    Returns
    -------
    pandas.DataFrame or pathlib.Path
        Index (account_id, as_of), in the order of ``snapshots.index``; float64 columns, categories as ``category``.
        With `out` the path of the file, which ``pandas.read_parquet`` reads as the same frame; only the order of
        categories may differ.

    Raises
    ------
    FeatureError
        If two builders give a column of the same name, a builder gives other columns or rows than it declared, or
        `own` does not fit.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk import CustomerData, Snapshots, build_features
    >>> from csrisk.features import UsageDepth
    >>> usage = pd.DataFrame({"account_id": ["a", "a", "a"], "at": ["2025-01-01", "2025-01-20", "2025-02-01"]})
    >>> data = CustomerData({"usage": usage})
    >>> today = Snapshots.at(data, "2025-02-01")
    >>> build_features(data, today, [UsageDepth()])[["events_7d", "events_30d", "days_since_use"]].iloc[0].tolist()
    [0.0, 1.0, 12.0]
    """
    # loaded by a call, not by `import csrisk`
    from tqdm import tqdm

    chosen = tuple(default_builders(data) if builders is None else builders)
    mine = None if own is None else fit_own(own, snapshots.index)
    told = untold([*(feature for builder in chosen for feature in builder.features), *(() if own is None else own[1])])
    names = [feature.name for builder in chosen for feature in builder.features]
    # refused before anything is computed
    _refuse_repeats(names if mine is None else [*names, *(str(name) for name in mine.columns)])
    # one for all parts: tables are rolled up once for the whole book
    rollups = Rollups(data)
    sink = FrameSink(snapshots.index) if out is None else ParquetSink(out)
    parts = _parts(snapshots.index, chunk)
    # to tqdm None means: hidden where nobody sits at a terminal
    hidden = None if progress is None else not progress
    total = len(parts) * len(chosen)
    shown = tqdm(total=total, desc="features", delay=2, disable=hidden, leave=False)
    with sink, shown as bar, data.engine.scratch():
        for rows in parts:
            frames = _frames(chosen, data, _some(snapshots, rows), rollups, len(parts) > 1, bar)
            if mine is not None:
                frames.append(mine.iloc[rows])
            frame = pd.concat(frames, axis=1)
            attach(frame, told)
            sink.put(rows, frame)
    return sink.finish()


def untold(features: Iterable[Feature]) -> tuple[Feature, ...]:
    """Give the declarations that the names of columns do not tell, or tell otherwise."""
    features = tuple(features)
    known = built(feature.name for feature in features)
    # attributes of accounts have no list, but all have the declaration that their name makes
    context = {feature.name: feature for feature in features if feature.name.startswith("account_")}
    known |= {name: declared([name])[0] for name in context if name not in known}
    return tuple(feature for feature in features if known.get(feature.name) != feature)


def _frames(
    builders: tuple[Builder, ...],
    data: CustomerData,
    snapshots: Snapshots,
    rollups: Rollups,
    part: bool,
    bar: Any,
) -> list[pd.DataFrame]:
    # one past for all builders, which share what they find
    past = Past(data, snapshots, rollups, part=part)
    frames = []
    for builder in builders:
        # builders of users get data and snapshots; only families of csrisk know the past that is shared
        frame = builder.frame(past) if isinstance(builder, Family) else builder.build(data, snapshots)
        _check(builder, frame, snapshots)
        frames.append(frame)
        bar.update()
    return frames


def _parts(index: pd.MultiIndex, chunk: int) -> list[slice]:
    """Neighbouring rows, about `chunk` at a time, with the rows of an account together."""
    if chunk < 1:
        raise FeatureError(f"chunk={chunk!r} must be a number of snapshots, at least 1")
    # codes of the index, whose rows stand account by account
    accounts = np.asarray(index.codes[0])
    starts = np.flatnonzero(np.r_[True, accounts[1:] != accounts[:-1]])
    # the first account start at or after each multiple of the chunk
    wanted = starts[np.searchsorted(starts, np.arange(0, len(accounts), chunk)).clip(max=len(starts) - 1)]
    cuts = np.unique(np.r_[wanted, len(accounts)])
    return [slice(int(low), int(high)) for low, high in pairwise(cuts)]


def _some(snapshots: Snapshots, rows: slice) -> Snapshots:
    # one part alone needs no copy
    if rows == slice(0, len(snapshots)):
        return snapshots
    mask = np.zeros(len(snapshots), dtype=bool)
    mask[rows] = True
    return snapshots[mask]


def declared(columns: Iterable[str]) -> tuple[Feature, ...]:
    """Look up the declarations of columns that the default builders make.

    Parameters
    ----------
    columns : iterable of str
        Names; ``account_*`` is an attribute of the account.

    Returns
    -------
    tuple of Feature
        In the order of the columns.

    Raises
    ------
    FeatureError
        If a column has no declaration; names all of them.

    Examples
    --------
    >>> from csrisk.features import declared
    >>> [str(feature.goal) for feature in declared(["events_30d", "account_segment"])]
    ['footprint', 'context']
    """
    wanted = list(columns)
    known = built(wanted)
    extra = tuple(name.removeprefix("account_") for name in wanted if name not in known and name.startswith("account_"))
    known |= {feature.name: feature for feature in AccountContext(tuple(dict.fromkeys(extra))).features}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        message = f"columns without a declaration: {unknown}; declare each with Feature(name, goal, unit, sentence)"
        raise FeatureError(message)
    return tuple(known[name] for name in wanted)


def built(columns: Iterable[str]) -> dict[str, Feature]:
    """Look up those of the columns that the builders of csrisk make of dated rows, or of the usual attributes.

    Parameters
    ----------
    columns : iterable of str
        Names.

    Returns
    -------
    dict of str to Feature

    Examples
    --------
    >>> from csrisk.features import built
    >>> list(built(["events_30d", "spend_45d_before", "mine"]))
    ['events_30d', 'spend_45d_before']
    """
    # an iterable may be one that can be walked once
    wanted, known = list(columns), _declarations()
    if any(name not in known for name in wanted):
        # the length of a forecast stands in the names
        lengths = {int(found) for name in wanted for found in re.findall(r"_(\d{1,4})d", name)} - {0}
        asked = (family for days in sorted(lengths) for family in (ForecastSpans(days), Season(days)))
        known = {feature.name: feature for family in asked for feature in family.features} | known
    return {name: known[name] for name in wanted if name in known}


@cache
def _declarations() -> dict[str, Feature]:
    return {feature.name: feature for builder in all_builders() for feature in builder.features}


def _check(builder: Builder, frame: Any, snapshots: Snapshots) -> None:
    name = type(builder).__name__
    if not isinstance(frame, pd.DataFrame) or not frame.index.equals(snapshots.index):
        raise FeatureError(f"builder {name}: build must return a pandas frame with the index of the snapshots")
    declared_names = [feature.name for feature in builder.features]
    if list(frame.columns) != declared_names:
        odd = sorted(set(frame.columns) ^ set(declared_names)) or "their order"
        raise FeatureError(f"builder {name}: columns and declarations differ in {odd}")


def _refuse_repeats(names: list[str]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise FeatureError(f"columns {repeated} come from two builders; leave one out or rename")
