"""Footprint: features and products within reach that similar accounts use, and how they go together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._days import Duration, whole_days
from csrisk._snapshots import at_data_end, seen
from csrisk._wilson import Z_95, share_interval
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData

__all__ = ["co_adoption", "reach", "unused_features", "used_and_available"]

_BLOCK = 1000  # accounts compared with all others at a time


def unused_features(
    data: CustomerData,
    snapshots: Snapshots | None = None,
    *,
    window: Duration = "90D",
    neighbours: int = 25,
    at_least: int = 5,
    worth: pd.Series | None = None,
) -> pd.DataFrame:
    """List features that an account has and does not use, though similar accounts do.

    Similar are the accounts of the same date whose sets of used features overlap most (Jaccard); accounts that hold the
    feature in their plan and product count only. It says what fits, not what a push would bring: adoption by others is
    not an effect.

    Parameters
    ----------
    data : CustomerData
        The tables.
    snapshots : Snapshots, optional
        Who is seen when; by default the accounts that run at ``data.end``.
    window : str or int, default "90D"
        How far back a use counts.
    neighbours : int, default 25
        How many similar accounts are asked.
    at_least : int, default 5
        Similar accounts that must have the feature.
    worth : pandas.Series, optional
        What each feature is worth, as ``feature_worth(data)["worth"]`` gives it; it then decides on the order.

    Returns
    -------
    pandas.DataFrame
        One row per snapshot and feature: ``share`` of the similar accounts that use it with ``low`` and ``high`` (95 %,
        Wilson), ``similar`` (how many have it), by falling ``low`` within the snapshot; with `worth`, by falling
        ``share * worth`` first, in a column ``worth``.

    Raises
    ------
    ConfigError
        If `neighbours` or `at_least` is not positive.

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import unused_features
    >>> table = unused_features(make_saas(60, 12, seed=1).data())
    >>> table.index.names, table.columns.tolist()
    (FrozenList(['account_id', 'as_of', 'feature']), ['share', 'low', 'high', 'similar'])
    """
    if min(neighbours, at_least) < 1:
        raise ConfigError(f"neighbours={neighbours!r} and at_least={at_least!r} must be 1 or more")
    snapshots = at_data_end(data, snapshots)
    used, have, names = used_and_available(data, snapshots, whole_days(window, "window", minimum=1))
    dates = snapshots.index.get_level_values("as_of")
    parts = [_of_date(used[where], have[where], neighbours, at_least, where) for where in _groups(dates)]
    empty = pd.DataFrame(columns=["position", "code", "share", "low", "high", "similar"])
    found = pd.concat(parts, ignore_index=True) if names and parts else empty
    named = np.array(names, dtype=object)[found["code"].to_numpy(dtype=np.int64)]
    found["worth"] = 0.0 if worth is None else worth.reindex(named).fillna(0.0).to_numpy(np.float64)
    found["fits"] = found["worth"] * found["share"].astype("float64")
    # the lower end of the interval decides where the worth says nothing, so that few neighbours do not win
    order = ["position", "fits", "low", "code"]
    found = found.sort_values(order, ascending=[True, False, False, True], kind="stable")
    index = snapshots.index[found["position"].to_numpy(dtype=np.int64)].to_frame(index=False)
    index["feature"] = np.array(names, dtype=object)[found["code"].to_numpy(dtype=np.int64)]
    columns = ["share", "low", "high", "similar", *([] if worth is None else ["worth"])]
    return found[columns].set_index(pd.MultiIndex.from_frame(index))


def used_and_available(
    data: CustomerData, snapshots: Snapshots, window: int
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Which features each snapshot used in a window, which it had, and the names of both matrices' columns.

    Features are those that anybody used; one that the catalogue lists and nobody uses is nobody's example.
    """
    rows = seen(data, snapshots, "usage", ["feature"], window=window)
    names = sorted(rows["feature"].dropna().astype(str).unique())
    used = _matrix(rows, "feature", len(snapshots), names)
    # what is used is within reach, whatever the catalogue says
    return used, _available(data, snapshots, names) | used, names


def _groups(dates: pd.Index) -> list[np.ndarray]:
    return [np.flatnonzero(dates == date) for date in dates.unique()]


def _matrix(rows: pd.DataFrame, column: str, n: int, names: list[str]) -> np.ndarray:
    out = np.zeros((n, len(names)), dtype=bool)
    told = rows.dropna(subset=column)
    out[told["snapshot"].to_numpy(dtype=np.int64), pd.Index(names).get_indexer(pd.Index(told[column].astype(str)))] = (
        True
    )
    return out


def reach(data: CustomerData, snapshots: Snapshots) -> pd.DataFrame:
    """Features of the catalogue that plan and product of each snapshot offer, and ``since`` how many days.

    What was not released by the date is not offered; a feature without a date of release has been there for ever.
    """
    keys = [name for name in ("product", "plan") if data.has("features", name) and data.has("subscriptions", name)]
    if not data.has("features", "feature") or not data.has("subscriptions") or not keys:
        return pd.DataFrame({"snapshot": [], "feature": [], "since": []}).astype({"feature": object})
    offered = data.frame("features")[["feature", *keys, "known_at"]].drop_duplicates()
    held = seen(data, snapshots, "subscriptions", [*keys, "end_at_day"])
    found = held[held["end_at_day"].isna()][["snapshot", *keys]].drop_duplicates().merge(offered, on=keys)
    as_of = snapshots.index.get_level_values("as_of").to_numpy()[found["snapshot"].to_numpy(np.int64)]
    since = (pd.Series(as_of, index=found.index) - found["known_at"].dt.normalize()).dt.days.astype("float64")
    found = found.assign(since=since.where(found["known_at"].notna(), np.inf))
    # of several ways to a feature the oldest counts
    first = found[found["since"] > 0].sort_values("since", ascending=False, kind="stable")
    return first.drop_duplicates(["snapshot", "feature"])[["snapshot", "feature", "since"]]


def _available(data: CustomerData, snapshots: Snapshots, names: list[str]) -> np.ndarray:
    """Look up what plan and product offer; everything where there is no catalogue."""
    keys = [name for name in ("product", "plan") if data.has("features", name) and data.has("subscriptions", name)]
    if not data.has("features", "feature") or not keys:
        return np.ones((len(snapshots), len(names)), dtype=bool)
    found = reach(data, snapshots)
    return _matrix(found[found["feature"].isin(names)], "feature", len(snapshots), names)


def _of_date(used: np.ndarray, have: np.ndarray, neighbours: int, at_least: int, where: np.ndarray) -> pd.DataFrame:
    similar, users = np.empty(used.shape, dtype=np.int64), np.empty(used.shape, dtype=np.int64)
    # all pairs of a large book at once would not fit into memory
    for start in range(0, len(used), _BLOCK):
        block = slice(start, start + _BLOCK)
        nearest = _nearest(used, block, neighbours)
        for position, others in enumerate(nearest, start):
            similar[position] = have[others].sum(axis=0)
            users[position] = used[others].sum(axis=0)
    row, code = np.nonzero(have & ~used & (similar >= at_least))
    n, hits = similar[row, code], users[row, code]
    low, high = share_interval(hits, n)
    columns = {"position": where[row], "code": code, "share": hits / n, "low": low, "high": high, "similar": n}
    return pd.DataFrame(columns)


def _nearest(used: np.ndarray, block: slice, neighbours: int) -> np.ndarray:
    """Find for each row of a block the other rows with the largest overlap of sets."""
    # counts of features are exact in single precision, and half as large
    sets = used.astype(np.float32)
    size = sets.sum(axis=1)
    both = sets[block] @ sets.T
    union = size[block, None] + size[None, :] - both
    likeness = np.where(union > 0, both / np.maximum(union, 1), 0.0)
    rows = np.arange(len(likeness))
    # nobody is their own neighbour
    likeness[rows, rows + block.start] = -1.0
    return np.argsort(-likeness, axis=1, kind="stable")[:, : min(neighbours, len(used) - 1)]


def co_adoption(
    data: CustomerData,
    snapshots: Snapshots | None = None,
    *,
    what: str = "product",
    window: Duration = "90D",
    min_support: int = 10,
) -> pd.DataFrame:
    """Say which products (or features) are used together more often than chance would have it.

    Parameters
    ----------
    data : CustomerData
        The tables.
    snapshots : Snapshots, optional
        Who is seen when; by default the accounts that run at ``data.end``. Use one date, else accounts count twice.
    what : {"product", "feature"}, default "product"
        What is paired.
    window : str or int, default "90D"
        How far back a use counts.
    min_support : int, default 10
        Accounts that must use both.

    Returns
    -------
    pandas.DataFrame
        One row per ordered pair ``given``, ``then``: ``accounts`` (use both), ``of`` (use the given one), ``share``,
        ``base`` (share of users among all), ``lift`` = share / base with ``low`` and ``high`` (95 %, on the log
        scale, Katz et al.), by falling ``low``.

    Raises
    ------
    ConfigError
        If `what` is unknown or `min_support` is not positive.

    References
    ----------
    Katz, D. et al. (1978). Obtaining confidence intervals for the risk ratio in cohort studies. Biometrics 34, 469-474.

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import co_adoption
    >>> co_adoption(make_saas(60, 12, seed=1).data(), min_support=3).columns.tolist()
    ['given', 'then', 'accounts', 'of', 'share', 'base', 'lift', 'low', 'high']
    """
    if what not in ("product", "feature"):
        raise ConfigError(f"what={what!r} must be 'product' or 'feature'")
    if min_support < 1:
        raise ConfigError(f"min_support={min_support!r} must be 1 or more")
    snapshots = at_data_end(data, snapshots)
    rows = seen(data, snapshots, "usage", [what], window=whole_days(window, "window", minimum=1))
    names = sorted(rows[what].dropna().astype(str).unique())
    used = _matrix(rows, what, len(snapshots), names).astype(float)
    # accounts without any use say nothing of what goes together
    used = used[used.any(axis=1)]
    both, size, n = used.T @ used, used.sum(axis=0), len(used)
    given, then = np.nonzero((both >= min_support) & ~np.eye(len(names), dtype=bool))
    hits, of, all_users = both[given, then], size[given], size[then]
    share, base = hits / of, all_users / max(n, 1)
    # Taken as if the two shares came from different accounts, which makes the interval too wide rather than too narrow.
    half = Z_95 * np.sqrt(np.maximum(1 / hits - 1 / of + 1 / all_users - 1 / max(n, 1), 0))
    out = pd.DataFrame(
        {
            "given": np.array(names, dtype=object)[given],
            "then": np.array(names, dtype=object)[then],
            "accounts": hits.astype(np.int64),
            "of": of.astype(np.int64),
            "share": share,
            "base": base,
            "lift": share / base,
            "low": share / base * np.exp(-half),
            "high": share / base * np.exp(half),
        }
    )
    return out.sort_values(["low", "given", "then"], ascending=[False, True, True], ignore_index=True)
