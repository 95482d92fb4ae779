"""Declarations that travel with a frame of features, so that whoever gets the frame knows what its columns mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from csrisk.exceptions import FeatureError
from csrisk.features._declaration import Feature

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

__all__ = ["attach", "attached"]

# plain values under one key: pandas copies attrs at every step, and keeps them in Parquet files if they are JSON
_KEY = "csrisk_features"


def attach(frame: pd.DataFrame, features: Iterable[Feature]) -> None:
    """Write declarations to the attributes of a frame."""
    if told := [feature.to_dict() for feature in features]:
        frame.attrs[_KEY] = told


def attached(frame: Any) -> tuple[Feature, ...]:
    """Read the declarations that travel with a frame.

    `build_features` writes those of your own features, and of families whose windows you chose, to ``frame.attrs``;
    they stay there through selections, copies and Parquet files.

    Parameters
    ----------
    frame : pandas.DataFrame
        Features; other frames have no attributes, and none travels with them.

    Returns
    -------
    tuple of Feature
        None of them for a frame of the default builders.

    Raises
    ------
    FeatureError
        If what stands there breaks the rules of a declaration.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk import CustomerData, Snapshots, build_features
    >>> from csrisk.features import UsageDepth, attached
    >>> usage = pd.DataFrame({"account_id": ["a", "a"], "at": ["2025-01-01", "2025-02-01"]})
    >>> data = CustomerData({"usage": usage})
    >>> X = build_features(data, Snapshots.at(data, "2025-02-01"), [UsageDepth(windows=(14, 30))])
    >>> [feature.name for feature in attached(X[X["events_14d"] >= 0])][:2]
    ['events_14d', 'active_days_14d']
    """
    # frames of other libraries have no attrs
    told = getattr(frame, "attrs", {}).get(_KEY, ())
    if not isinstance(told, list | tuple):
        raise FeatureError("the declarations that travel with the frame are no list; build the features anew")
    return tuple(Feature.from_dict(one) for one in told)
