"""Stated against named: whether accounts left for the goal that the model had named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from csrisk._goals import Goal
from csrisk._labelling import goal_of_reason, involuntary, stated_reasons
from csrisk._text import number, percent
from csrisk._wilson import Z_95, share_interval
from csrisk.checks._check import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from csrisk._explain import Explanation
    from csrisk.checks._check import Check
    from csrisk.data import CustomerData

__all__ = ["STATED", "check_stated_reasons", "stated_and_named"]

_LEAST = 20
STATED = Rule(
    "CSR015",
    "Stated reasons against named goals",
    "people who leave seldom state all their reasons; agreement beyond chance is what can be asked for",
    "do not hand reasons of the model on as causes; look at the features of the goals that were stated",
)


def stated_and_named(data: CustomerData, why: Explanation, goals: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Put the goal that an account stated when it left beside the one that the model named before.

    Parameters
    ----------
    data : CustomerData
        Tables with ``accounts.ended_reason``.
    why : Explanation
        Snapshots of accounts before they left; of each account the last one counts.
    goals : Mapping of str to str, optional
        Goal of a reason (in lower case, words joined by underscores), where its words do not tell it.

    Returns
    -------
    pandas.DataFrame
        One row per account that left by its own choice for a reason with a goal: ``stated`` and ``named`` (missing
        where nothing raised its risk).

    Examples
    --------
    >>> import csrisk as cr
    >>> from csrisk.checks import stated_and_named
    >>> data = cr.datasets.make_saas(120, 18, seed=1).data()
    >>> past = cr.Snapshots.every(data, "MS", horizon="90D")
    >>> X, left = cr.build_features(data, past), cr.label_churn(data, past)
    >>> model = cr.ChurnModel(n_members=2, min_events=2, blend=False, random_state=0).fit(X, left)
    >>> why = cr.explain(model, X[left.fillna(False)], reference=X)
    >>> stated_and_named(data, why).columns.tolist()
    ['stated', 'named']
    """
    reasons = stated_reasons(data)
    # who could not pay or was bought did not choose to leave, and no goal is to blame
    reasons = reasons[~involuntary(reasons)]
    stated = pd.Series(
        [goal_of_reason(reason, goals) for reason in reasons], index=reasons.index, dtype=object
    ).dropna()
    goals_only = why.goals()[[str(goal) for goal in why.goals_present if goal != Goal.CONTEXT]]
    # of each account the last snapshot before it left
    last = goals_only.sort_index(level="as_of", kind="stable").groupby(level="account_id").tail(1).droplevel("as_of")
    last = last.reindex(stated.index.intersection(last.index))
    # idxmax names a goal also where all of them lower the risk
    named = last.idxmax(axis=1).where(last.max(axis=1) > 0)
    return pd.DataFrame({"stated": stated.reindex(last.index), "named": named.astype(object)})


def check_stated_reasons(data: CustomerData, why: Explanation, goals: Mapping[str, str] | None = None) -> Check:
    """Hold the goals that accounts stated when they left against those that the model named before.

    The only test of an attribution on real data. It fails where the agreement is not beyond chance, which is what two
    lists with the same shares of goals would agree by; a one-sided binomial test at 5 %.

    Parameters
    ----------
    data, why, goals
        As for `stated_and_named`.

    Returns
    -------
    Check
        CSR015; not applicable below 20 accounts.

    Examples
    --------
    >>> import csrisk as cr
    >>> from csrisk.checks import check_stated_reasons
    >>> data = cr.datasets.make_saas(60, 12, seed=1).data()
    >>> past = cr.Snapshots.every(data, "MS", horizon="90D")
    >>> X, left = cr.build_features(data, past), cr.label_churn(data, past)
    >>> model = cr.ChurnModel(n_members=2, min_events=2, blend=False, random_state=0).fit(X, left)
    >>> check_stated_reasons(data, cr.explain(model, X[-20:], reference=X)).status
    'not applicable'
    """
    table = stated_and_named(data, why, goals)
    if len(table) < _LEAST:
        reason = f"{len(table)} accounts left by their own choice for a reason with a goal; {_LEAST} are needed"
        return STATED.not_applicable(reason, "hand over accounts.ended_reason")
    hits = int((table["stated"] == table["named"]).sum())
    shares = [table[side].value_counts(normalize=True) for side in ("stated", "named")]
    # shares alone agree this often: a model that always names the goal of most leavers would look right
    chance = float(np.sum(shares[0].mul(shares[1], fill_value=0.0)))
    test = binomtest(hits, len(table), min(max(chance, 1e-9), 1.0), alternative="greater")
    low, high = (float(end) for end in share_interval(hits, len(table), Z_95))
    share = f"{percent(hits / len(table), 0)} ({number(100 * low, 0)} to {number(100 * high, 0)})"
    measure = f"{share} of {len(table)} accounts stated the goal that was named; {percent(chance, 0)} by chance"
    missed = table.loc[table["stated"] != table["named"], "stated"].value_counts()
    return STATED.judge(test.pvalue > 0.05, measure, "above chance at 5 %", missed.index[:1])
