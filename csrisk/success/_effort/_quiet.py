"""Quiet, normal and noisy customers, by what their use does: whether the quiet are safe and the noisy at risk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk._snapshots import at_data_end, seen
from csrisk._wilson import share_interval
from csrisk.success._longevity._history import past_outcomes

if TYPE_CHECKING:
    from csrisk._snapshots import Snapshots
    from csrisk.data import CustomerData
    from csrisk.success._longevity._history import History

__all__ = ["USES", "VOICES", "voice_and_use", "voice_consequences"]

VOICES = ("quiet", "normal", "noisy")
USES = ("falls", "flat", "grows")
_DAYS = 90
_LEAST, _BUSY = 3, 2.0
# a fall to four fifths and a rise to five quarters are the same step down and up
_FALL, _RISE = 0.8, 1.25


def voice_and_use(data: CustomerData, snapshots: Snapshots | None = None) -> pd.DataFrame:
    """Say how loud each customer is and what its use does.

    Parameters
    ----------
    data : CustomerData
        The tables.
    snapshots : Snapshots, optional
        Who is seen when; by default the accounts that run at ``data.end``.

    Returns
    -------
    pandas.DataFrame
        On ``snapshots.index``: ``silence_days`` since the customer was heard last (contacts they began, answers, acts
        of advocacy; missing if never); ``voice``: quiet (not heard in 90 days), noisy (at least 3 contacts begun in 90
        days and twice the median of those that began any on the date), else normal; ``use``: events of 30 days against
        the 30 before, falls (below .8), grows (above 1.25), else flat, missing without use in either. Without a table
        that could hear a customer everything but `use` is missing.

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import voice_and_use
    >>> set(voice_and_use(make_saas(60, 12, seed=1).data())["voice"].dropna()) <= {"quiet", "normal", "noisy"}
    True
    """
    snapshots = at_data_end(data, snapshots)
    index = snapshots.index
    contacts = seen(data, snapshots, "contacts", ["initiated_by"])
    # our own calls are no voice of the customer; what does not say who began is taken as theirs
    contacts = contacts[contacts["initiated_by"].fillna("customer") == "customer"]
    answers = seen(data, snapshots, "surveys", ["sent_at_day", "answered_at_day"])
    # heard on the day of the answer, not on that of the question
    answers = answers.assign(age=answers["age"] - (answers["answered_at_day"] - answers["sent_at_day"]))
    acts = seen(data, snapshots, "advocacy", [])
    heard = pd.concat([table[["snapshot", "age"]] for table in (contacts, answers.dropna(subset="age"), acts)])
    silence = heard.groupby("snapshot")["age"].min().reindex(range(len(index))).to_numpy(np.float64, na_value=np.nan)
    begun = contacts[contacts["age"] <= _DAYS].groupby("snapshot").size().reindex(range(len(index)), fill_value=0)
    dates = index.get_level_values("as_of").to_numpy()
    # the median of those who made contact at all: with the silent ones in it, it could be 0
    usual = begun.where(begun > 0).groupby(dates).transform("median").fillna(0.0)
    loud = (begun >= np.maximum(_LEAST, _BUSY * usual)).to_numpy()
    # negated, so that a customer never heard (NaN) is quiet
    voice = np.select([loud, ~(silence <= _DAYS)], ["noisy", "quiet"], "normal").astype(object)
    # where no table listens, silence says nothing
    listens = any(data.has(table) for table in ("contacts", "surveys", "advocacy"))
    return pd.DataFrame(
        {
            "silence_days": silence,
            "voice": pd.Categorical(voice if listens else [None] * len(index), categories=list(VOICES)),
            "use": pd.Categorical(_trend(data, snapshots), categories=list(USES)),
        },
        index=index,
    )


def voice_consequences(data: CustomerData, history: History | None = None) -> pd.DataFrame:
    """Count later churn in the nine cells of voice and use, from the tables' own history.

    Parameters
    ----------
    data : CustomerData
        The tables.
    history : History, optional
        As `past_outcomes` gives it, which is the default.

    Returns
    -------
    pandas.DataFrame
        Index (voice, use), all nine: ``n`` snapshots, how many ``churned``, and the ``share`` with ``low`` and ``high``
        (95 %, Wilson; missing where nobody was).

    Raises
    ------
    ConfigError, LabelError
        As `past_outcomes`.

    Examples
    --------
    >>> from csrisk.datasets import make_saas
    >>> from csrisk.success import voice_consequences
    >>> len(voice_consequences(make_saas(80, 18, seed=1).data()))
    9
    """
    snapshots, left = past_outcomes(data) if history is None else history
    cells = voice_and_use(data, snapshots).assign(churned=left)
    found = cells.groupby(["voice", "use"], observed=False)["churned"].agg(["size", "sum"]).astype("int64")
    found = found.set_axis(["n", "churned"], axis=1)
    low, high = share_interval(found["churned"].to_numpy(), found["n"].to_numpy())
    share = np.where(found["n"] > 0, found["churned"] / found["n"].clip(lower=1), np.nan)
    return found.assign(share=share, low=low, high=high)


def _trend(data: CustomerData, snapshots: Snapshots) -> np.ndarray:
    rows = seen(data, snapshots, "usage", ["quantity"], window=60)
    # a row of use without a quantity is one use
    rows["quantity"] = rows["quantity"].astype("float64").fillna(1.0)
    parts = rows.assign(late=rows["age"] <= 30).pivot_table(
        index="snapshot", columns="late", values="quantity", aggfunc="sum"
    )
    parts = parts.reindex(index=range(len(snapshots)), columns=[False, True])
    known, filled = parts.notna().any(axis=1).to_numpy(), parts.fillna(0.0)
    before, late = filled[False].to_numpy(), filled[True].to_numpy()
    names = np.select([late < _FALL * before, late > _RISE * before], ["falls", "grows"], "flat").astype(object)
    names[~known] = None
    return names
