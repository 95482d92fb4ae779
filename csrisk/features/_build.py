"""build_features: all features of some snapshots, one row each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from csrisk.exceptions import FeatureError
from csrisk.features._advocacy import Advocacy
from csrisk.features._breadth import FeatureBreadth
from csrisk.features._context import AccountContext, attributes_of
from csrisk.features._depth import UsageDepth
from csrisk.features._effort import ContactEffort
from csrisk.features._expectations import Expectations
from csrisk.features._family import Family
from csrisk.features._past import Past
from csrisk.features._relationship import Relationship
from csrisk.features._rollups import Rollups
from csrisk.features._sentiment import SurveySentiment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData
    from csrisk.features._declaration import Feature

__all__ = ["Builder", "build_features", "declared", "default_builders"]


class Builder(Protocol):
    """What computes features: a frozen value without data inside."""

    @property
    def features(self) -> tuple[Feature, ...]:
        """Declarations of the columns, in order."""

    def build(self, data: CustomerData, snapshots: Snapshots) -> pd.DataFrame:
        """One row for each snapshot, in the order of ``snapshots.index``."""


def default_builders(data: CustomerData | None = None) -> tuple[Builder, ...]:
    """Builders of all families.

    Parameters
    ----------
    data : CustomerData, optional
        Where further attributes of accounts are looked up.

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
    )


def build_features(data: CustomerData, snapshots: Snapshots, builders: Sequence[Builder] | None = None) -> pd.DataFrame:
    """Compute the features of snapshots from what was known strictly before each.

    Parameters
    ----------
    data : CustomerData
        The tables.
    snapshots : Snapshots
        Who is seen when.
    builders : sequence of builders, optional
        Default: `default_builders` of the data.

    Returns
    -------
    pandas.DataFrame
        Index (account_id, as_of), in the order of ``snapshots.index``; float64 columns, categories as ``category``.

    Raises
    ------
    FeatureError
        If two builders give a column of the same name, or a builder gives other columns or rows than it declared.
    """
    chosen = tuple(default_builders(data) if builders is None else builders)
    past = Past(data, snapshots, Rollups(data))
    frames = [
        builder.frame(past) if isinstance(builder, Family) else builder.build(data, snapshots) for builder in chosen
    ]
    for builder, frame in zip(chosen, frames, strict=True):
        _check(builder, frame, snapshots)
    _refuse_repeats([feature.name for builder in chosen for feature in builder.features])
    return pd.concat(frames, axis=1)


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
    known = {feature.name: feature for builder in default_builders() for feature in builder.features}
    extra = tuple(name.removeprefix("account_") for name in wanted if name not in known and name.startswith("account_"))
    known |= {feature.name: feature for feature in AccountContext(tuple(dict.fromkeys(extra))).features}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        message = f"columns without a declaration: {unknown}; declare each with Feature(name, goal, unit, sentence)"
        raise FeatureError(message)
    return tuple(known[name] for name in wanted)


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
