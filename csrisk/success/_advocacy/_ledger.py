"""The feedback ledger: asked, answered, acknowledged, acted, and how long each took."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._days import Duration, whole_days
from csrisk._snapshots import at_data_end, seen
from csrisk._wilson import share_interval
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData

__all__ = ["feedback_ledger"]

_STEPS = ("asked", "answered", "acknowledged", "acted", "declined", "closed")


def feedback_ledger(
    data: CustomerData,
    snapshots: Snapshots | None = None,
    *,
    window: Duration = "365D",
    settle: Duration = "0D",
    by: str = "account",
) -> pd.DataFrame:
    """Count how far each question went: asked, answered, acknowledged, acted upon or declined with a reason.

    Parameters
    ----------
    data : CustomerData
        The tables.
    snapshots : Snapshots, optional
        Who is seen when; by default the accounts that run at ``data.end``. Several dates show the trend.
    window : str or int, default "365D"
        How far to look back from each date.
    settle : str or int, default "0D"
        Leave out surveys sent in the last days before the date, which nobody could answer or act upon yet.
    by : {"account", "book"}, default "account"
        One row per snapshot, or one per date.

    Returns
    -------
    pandas.DataFrame
        Counts ``asked, answered, acknowledged, acted, declined`` (told why nothing will be done), ``closed`` (acted or
        declined) and ``unasked`` (feedback that came by itself, in none of the others); shares ``response_rate``
        (answered of asked) and ``closed_share`` (closed of answered), each with ``_low`` and ``_high`` (95 %, Wilson;
        missing without a question or an answer);
        medians ``hours_to_answer, hours_to_acknowledge, days_to_act`` over the steps taken. A step whose time the table
        does not have is unknown (NaN), and so are its shares.

    Raises
    ------
    ConfigError
        If `by` is unknown.

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import feedback_ledger
    >>> book = feedback_ledger(make_saas(60, 12, seed=1).data(), by="book").iloc[0]
    >>> bool(book["asked"] >= book["answered"] >= book["acknowledged"] >= book["acted"])
    True
    """
    if by not in ("account", "book"):
        raise ConfigError(f"by={by!r} must be 'account' or 'book'")
    snapshots = at_data_end(data, snapshots)
    days, wait = whole_days(window, "window", minimum=1), whole_days(settle, "settle")
    columns = [f"{name}_at_second" for name in ("sent", "answered", "acknowledged", "acted", "declined")]
    columns.append("closed_at_second")
    rows = seen(data, snapshots, "surveys", [*columns, "asked"], window=days)
    # questions asked lately may still be answered
    rows = rows[rows["age"] > wait].drop(columns="age").astype("float64")
    key = rows["snapshot"].astype("int64")
    index: pd.Index = snapshots.index
    if by == "book":
        dates = index.get_level_values("as_of")
        index = dates.unique().sort_values()
        key = pd.Series(index.get_indexer(dates)[key.to_numpy()], index=key.index)
    times = rows[columns].set_axis(list(_STEPS), axis=1)
    asked = rows["asked"] == 1
    # feedback that nobody asked for is no answer to a question, and is counted by itself
    taken = times.notna().where(asked, other=False).assign(unasked=~asked).groupby(key).sum()
    counts = taken.reindex(range(len(index)), fill_value=0).astype("int64")
    told = {name: data.given("surveys", f"{name}_at") for name in _STEPS[1:-1]}
    told["closed"] = told["acted"] or told["declined"]
    # a column that is not there makes a step unknown; 0 would say that nobody took it
    counts = counts.assign(**{name: np.nan for name, there in told.items() if not there})
    spans = pd.DataFrame(
        {
            "hours_to_answer": (times["answered"] - times["asked"]) / 3600,
            "hours_to_acknowledge": (times["acknowledged"] - times["answered"]) / 3600,
            "days_to_act": (times["acted"] - times["answered"]) / 86400,
        }
    )
    out = counts.assign(
        **_share("response_rate", counts["answered"], counts["asked"]),
        **_share("closed_share", counts["closed"], counts["answered"]),
    )
    # medians: one answer that was acted on after a year would carry a mean
    return out.join(spans.groupby(key).median()).set_axis(index)


def _share(name: str, hits: pd.Series, n: pd.Series) -> dict[str, np.ndarray]:
    known = hits.notna() & n.notna()
    hits, n = hits.where(known, 0), n.where(known, 0)
    low, high = share_interval(hits.to_numpy(), n.to_numpy())
    share = np.where(n > 0, hits / n.where(n > 0, 1), np.nan)
    return {name: share, f"{name}_low": low, f"{name}_high": high}
