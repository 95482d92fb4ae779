"""Goals for the columns of a flat table, proposed from their names."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

from csrisk._goals import Goal
from csrisk.exceptions import DataWarning

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["propose_goals"]

# beginnings of words; what csrisk itself builds of such things has the same goal
_STEMS = {
    Goal.CHURN: (
        "tenure, contract, renew, subscri, term, month, price, pricing, charge, fee, bill, billing, invoice, "
        "payment, mrr, arr, revenue, discount, ticket, case, support, helpdesk, contact, service call, "
        "customer service, transfer, escalat, reopen, resol, wait, response time, handler, outage, failure, "
        "account length, lifetime, effort, ces"
    ),
    Goal.FOOTPRINT: (
        "usage, use, used, login, session, minute, call, sms, message, data, feature, product, module, seat, "
        "licen, user, active, activity, click, visit, view, page, order, purchase, frequency, recency, depth, "
        "breadth, adopt, stream, phone, line, internet, backup, protection, security, storage, integration, "
        "api, plan upgrade, voice mail, voicemail, intl, international"
    ),
    Goal.ADVOCACY: (
        "nps, csat, satisf, rating, review, referr, referral, reference, sentiment, promoter, detractor, "
        "advoca, recommend, expectation, promise"
    ),
    Goal.FEEDBACK: ("survey, feedback, complain, suggest, comment, respon, acted, acknowledg, closed loop"),
    Goal.CONTEXT: (
        "gender, sex, age, senior, partner, depend, married, marital, education, income, region, country, "
        "state, city, zip, postal, area code, latitude, longitude, industry, sector, segment, company size, "
        "employees, language, channel of acquisition"
    ),
}
_SHORT = 4
# capitals in a row are one word (MRR), others begin one (TotalMinutes)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def propose_goals(columns: Iterable[Any]) -> dict[str, Goal]:
    """Propose a goal for each column of a flat table from its name.

    A proposal to look at, not a finding: a name says little of what a column holds. The goal whose beginning of words
    covers most of the name wins; where none is found, or two goals are level, the column stays `Goal.UNMAPPED` and is
    named in a warning. Change what is wrong and hand the mapping to :func:`csrisk.explain` as ``declarations``.

    Parameters
    ----------
    columns : DataFrame or iterable of str
        The feature frame, or names of columns.

    Returns
    -------
    dict of str to Goal
        In the order of the columns.

    Warns
    -----
    DataWarning
        Names the columns that stay without a goal.

    Examples
    --------
    >>> from csrisk import propose_goals
    >>> {name: str(goal) for name, goal in propose_goals(["tenure", "TotalMinutes", "nps_last", "Region"]).items()}
    {'tenure': 'churn', 'TotalMinutes': 'footprint', 'nps_last': 'advocacy', 'Region': 'context'}
    """
    found = {str(name): _goal_of(str(name)) for name in columns}
    without = [name for name, goal in found.items() if goal is Goal.UNMAPPED]
    if without:
        warnings.warn(
            f"{len(without)} of {len(found)} columns stay without a goal, as their names do not tell it: "
            f"{', '.join(map(repr, without[:20]))}{', ...' if len(without) > 20 else ''}; set goals[name] = "
            f"'{Goal.FOOTPRINT}' or another of {[str(goal) for goal in Goal][:-1]}",
            DataWarning,
            stacklevel=2,
        )
    return found


def _goal_of(name: str) -> Goal:
    words = " ".join(word.lower() for word in _WORDS.findall(name))
    lengths = {
        goal: max((len(stem) for stem in stems.split(", ") if re.search(_pattern(stem), words)), default=0)
        for goal, stems in _STEMS.items()
    }
    best = max(lengths.values())
    # a name that speaks of two goals as clearly is left to its owner
    winners = [goal for goal, length in lengths.items() if length == best]
    return winners[0] if best and len(winners) == 1 else Goal.UNMAPPED


def _pattern(stem: str) -> str:
    """Find a stem in a name; a short word must stand alone, as "age" is no beginning of "agent"."""
    return rf"\b{stem}(s|ed|ing)?\b" if len(stem) <= _SHORT else rf"\b{stem}"
