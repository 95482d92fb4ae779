"""After the fire: hard cases, whether they were handled well, and what became of those customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._days import Duration, whole_days
from csrisk._snapshots import Snapshots, at_data_end, seen
from csrisk.success._longevity._history import past_outcomes
from csrisk.success._measured_claims._evidence import SCALES
from csrisk.success._measured_claims._shares import Array, difference_of, share_of

if TYPE_CHECKING:
    from csrisk.data import CustomerData
    from csrisk.success._longevity._history import History

__all__ = ["FIRES", "after_the_fire", "hard_cases"]

FIRES = ("no fire", "handled well", "handled badly", "nobody said")
_GOOD = 0.75  # share of the scale from which an answer is a good one
_DAYS = 30  # after the closing, in which an answer is taken to speak of the case
_HANDED_ON, _WORST = 2, 1
_EVENTS = 10


def hard_cases(data: CustomerData, snapshots: Snapshots | None = None, *, window: Duration = "365D") -> pd.DataFrame:
    """List the hard cases that were closed, and whether the first answer after each was a good one.

    A case is hard if a contact of it was handed on twice or more, reopened, or of severity 1. It was handled well if
    the first survey answer within 30 days after its closing reaches three quarters of the scale.

    Parameters
    ----------
    data : CustomerData
        The tables.
    snapshots : Snapshots, optional
        Who is seen when; by default the accounts that run at ``data.end``.
    window : str or int, default "365D"
        How far back a case may have been opened.

    Returns
    -------
    pandas.DataFrame
        One row per case, on (account_id, as_of), the latest closing last: ``closed_at`` and ``handled_well`` (missing
        where nobody answered).

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import hard_cases
    >>> hard_cases(make_saas(60, 12, seed=1).data()).columns.tolist()
    ['closed_at', 'handled_well']
    """
    snapshots = at_data_end(data, snapshots)
    closed = _closed(data, snapshots, whole_days(window, "window", minimum=1))
    answers = _answers(data, snapshots)
    # the next answer after each closing, the day itself included, within the tolerance
    joined = pd.merge_asof(
        # merge_asof wants both sides sorted by the day
        closed.sort_values("closed", kind="stable"),
        answers.sort_values("day", kind="stable"),
        left_on="closed",
        right_on="day",
        by="snapshot",
        direction="forward",
        tolerance=_DAYS,
    ).sort_values(["snapshot", "closed"], kind="stable")
    well = (joined["position"] >= _GOOD).astype("boolean").where(joined["position"].notna())
    days = joined["closed"].to_numpy(np.int64).astype("datetime64[D]").astype("datetime64[us]")
    index = snapshots.index[joined["snapshot"].to_numpy(np.int64)]
    return pd.DataFrame({"closed_at": days, "handled_well": well.to_numpy()}, index=index).astype(
        {"handled_well": "boolean"}
    )


def after_the_fire(data: CustomerData, history: History | None = None) -> pd.DataFrame:
    """Count what became of customers without a fire, and of those whose last one was handled well or badly.

    Parameters
    ----------
    data : CustomerData
        The tables.
    history : History, optional
        As `past_outcomes` gives it, which is the default.

    Returns
    -------
    pandas.DataFrame
        One row per group of `FIRES`: ``n`` snapshots of ``accounts``, ``left`` and ``spoke`` (snapshots that left, and
        that spoke for us, by the end of the label window), the shares ``left_share`` and ``spoke_share`` with ``_low``
        and ``_high`` (95 %, by accounts), and for each the ``_difference`` from all other groups with its own ends.
        ``helps``: those handled well spoke for us more often than the others, beyond chance, and left no more often;
        ``harms``: they left more often, beyond chance. Neither is said with fewer than 10 accounts of the outcome.

    Raises
    ------
    ConfigError, LabelError
        As `past_outcomes`.

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import after_the_fire
    >>> after_the_fire(make_saas(80, 18, seed=1).data()).index.tolist()
    ['no fire', 'handled well', 'handled badly', 'nobody said']
    """
    history = past_outcomes(data) if history is None else history
    snapshots = history.snapshots
    group, account = _groups(data, snapshots), pd.factorize(snapshots.index.get_level_values("account_id"))[0]
    outcomes = {"left": np.asarray(history.churned, dtype=bool), "spoke": _spoke_later(data, snapshots)}
    rows = []
    for name in FIRES:
        inside = group == name
        row: dict[str, object] = {"group": name, "n": int(inside.sum()), "accounts": len(np.unique(account[inside]))}
        beyond = {}
        for what, hit in outcomes.items():
            own, gap = share_of(hit[inside], account[inside]), difference_of(hit, inside, account)
            row |= {what: int(hit[inside].sum()), f"{what}_share": own.value}
            row |= {f"{what}_low": own.low, f"{what}_high": own.high, f"{what}_difference": gap.value}
            row |= {f"{what}_difference_low": gap.low, f"{what}_difference_high": gap.high}
            # an interval that rests on a handful of accounts is no proof
            beyond[what] = gap.low > 0 and gap.events >= _EVENTS
        rows.append(row | {"helps": beyond["spoke"] and not beyond["left"], "harms": beyond["left"]})
    return pd.DataFrame(rows).set_index("group")


def _groups(data: CustomerData, snapshots: Snapshots) -> Array:
    """Say of each snapshot how its last hard case with an answer was handled."""
    cases = hard_cases(data, snapshots)
    place = pd.Series(np.arange(len(snapshots)), index=snapshots.index).reindex(cases.index).to_numpy(np.int64)
    # last passes over cases without an answer: nobody-said is left to those who never said
    told = cases["handled_well"].reset_index(drop=True).groupby(place).last()
    group = np.full(len(snapshots), FIRES[0], dtype=object)
    group[told.index.to_numpy(np.int64)] = [
        FIRES[3] if pd.isna(well) else FIRES[1] if well else FIRES[2] for well in told.array
    ]
    return group


def _spoke_later(data: CustomerData, snapshots: Snapshots) -> Array:
    """Whether each snapshot spoke for the vendor from its date to the end of its label window."""
    days = snapshots.lead + (snapshots.horizon or 0)
    later = snapshots.index.to_frame(index=False)
    # seen from the end of the label window, looking back over just its days
    later["as_of"] += pd.Timedelta(days=days)
    acts = seen(data, Snapshots.of(data, later), "advocacy", ["sign"], window=days)
    spoke = np.zeros(len(snapshots), dtype=bool)
    spoke[acts.loc[acts["sign"] > 0, "snapshot"].to_numpy(np.int64)] = True
    return spoke


def _closed(data: CustomerData, snapshots: Snapshots, days: int) -> pd.DataFrame:
    """Cases of which every contact is resolved and one was hard, with the day of the last resolution."""
    ranked = data.has("contacts", "severity")
    columns = ["contact_id", "case_id", "transfers", "reopened", "resolved_at_day", *(["severity"] if ranked else [])]
    rows = seen(data, snapshots, "contacts", columns, window=days)
    hard = (rows["transfers"].astype("float64") >= _HANDED_ON) | rows["reopened"].astype("boolean").fillna(False)
    if ranked:
        hard |= rows["severity"].astype("float64") <= _WORST
    # a contact without a case is a case of its own
    own = pd.Series([f"row {at}" for at in range(len(rows))], index=rows.index, dtype=object)
    case = rows["case_id"].astype(object).where(rows["case_id"].notna(), own)
    told = pd.DataFrame(
        {"snapshot": rows["snapshot"], "case": case, "hard": hard.astype(bool), "closed": rows["resolved_at_day"]}
    )
    grouped = told.assign(open=told["closed"].isna()).groupby(["snapshot", "case"])
    cases = grouped.agg(hard=("hard", "any"), open=("open", "any"), closed=("closed", "max")).reset_index()
    # a case with one contact still open is not over
    kept = cases[cases["hard"].astype(bool) & ~cases["open"].astype(bool)]
    return kept[["snapshot", "closed"]].astype("int64")


def _answers(data: CustomerData, snapshots: Snapshots) -> pd.DataFrame:
    rows = seen(data, snapshots, "surveys", ["kind", "score", "answered_at_day"])
    rows = rows[rows["kind"].isin(list(SCALES))].dropna(subset=["score", "answered_at_day"])
    low, high = (rows["kind"].map({k: scale[end] for k, scale in SCALES.items()}).astype("float64") for end in (0, 1))
    position = (rows["score"].astype("float64") - low) / (high - low)
    told = pd.DataFrame({"snapshot": rows["snapshot"], "day": rows["answered_at_day"]}).astype("int64")
    return told.assign(position=position.astype("float64"))
