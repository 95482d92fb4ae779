"""Make a portfolio whose accounts follow their users."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk.datasets._agents._people import log_odds, players, simulate, size_of
from csrisk.datasets._agents._voices import heard, use, who_calls
from csrisk.datasets._games import tell
from csrisk.datasets._saas._contracts import live
from csrisk.datasets._saas._latent import Latent
from csrisk.datasets._saas._make import SaasBook, account_ids, calendar, check_sizes, signed, written
from csrisk.datasets._saas._reasons import reasons
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from csrisk.datasets._agents._people import Users

__all__ = ["make_agents"]


def make_agents(
    n_accounts: int = 400,
    months: int = 24,
    seed: int = 0,
    *,
    end: str | pd.Timestamp = "2026-01-01",
    monthly_churn: float = 0.02,
    spread: float = 0.15,
    treatment_effect: float = 0.0,
) -> SaasBook:
    r"""Simulate a portfolio of people: users infect each other, go and are replaced, and the account follows.

    Parameters
    ----------
    n_accounts : int, default 400
        Accounts that ever were customers.
    months : int, default 24
        Months observed, at least 3.
    seed : int, default 0
        The same arguments give the same portfolio.
    end : date-like, default "2026-01-01"
        First day that is not observed; taken to the first day of its month.
    monthly_churn : float, default 0.02
        Expected share of running accounts that leave in a month.
    spread : float, default 0.15
        How much of the mean annoyance of an account each user takes over in a month; 0 to 0.3.
    treatment_effect : float, default 0.0
        Size of the effect of a success call, as in `make_saas`.

    Returns
    -------
    SaasBook
        ``.tables`` (with `people`), ``.truth``, ``.end`` and ``.data()``.

    Raises
    ------
    ConfigError
        If an argument makes no sense.

    See Also
    --------
    make_saas : four states that move the log-odds in a straight line.
    make_regimes : thresholds, delays and a confounder.

    Notes
    -----
    User i of account a is engaged by :math:`e_{it}` and annoyed by :math:`q_{it}`; bars are means over the account, and
    the champion is user 0:

    .. math:: q_{it} = .65\,q_{i,t-1} + \sigma \bar q_{t-1} + \text{incidents}, \quad
              e_{it} = .75\,e_{i,t-1} + .6\,\sigma\,\bar e_{t-1} + .15\,e_{0,t-1} + .1 + \text{climate}_a - .3\,q_{it}
              + \epsilon_{it}.

    Who falls below -1 goes; an empty seat is filled with 8 % in a month. Deciders follow the mood of the users slowly
    and mind promises that were broken. What plays for the account: the share of empty seats beyond a third (f), the
    mean annoyance (c), the decider's disappointment (w), feedback that is not heard (l), and the size (as context):

    .. math:: b + 1.4 f + 1.1 c + f c + 1.1 w + .9 l - .4 \log(\text{users} / 10) + c(\text{term}, \text{renewal})
              - \tau u r.

    Use, contacts (``person_id``) and answers (``respondent``) are those of single users, under the same ids.

    Examples
    --------
    >>> from csrisk.datasets import make_agents
    >>> world = make_agents(40, 12, seed=1)
    >>> world.truth.goals("2025-10-01").columns[:5].tolist()
    ['footprint', 'churn', 'advocacy', 'feedback', 'context']
    """
    check_sizes(n_accounts, months, monthly_churn)
    if not 0 <= spread <= 0.3:
        raise ConfigError(f"spread={spread!r} must lie between 0 and 0.3")
    # 3: no stream is shared with the other worlds of the same seed
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence([seed, 3]).spawn(13)]
    book = signed(n_accounts, calendar(months, end), streams[0], streams[1])
    book.size = size_of(book.segment, streams[9])
    people = simulate(book.size, months, spread, streams[10])
    playing = players(people, book.size)
    book.latent = _states(people, streams[11])
    book.scores = {
        "churn": log_odds(playing),
        "contraction": 1.2 * playing[..., 0],
        "expansion": 0.9 * (people.gone < 0.1) + 0.5 * people.decider,
    }
    live(book, monthly_churn, treatment_effect, streams[2])
    ids = account_ids(n_accounts)
    tables = written(book, ids, streams[3:9])
    tables["usage"] = use(book, people, ids, streams[12])
    tables["contacts"] = who_calls(book, people, ids, tables["contacts"], streams[12])
    tables["surveys"], tables["people"] = heard(book, people, ids, tables["surveys"], streams[12])
    truth = tell(book, ids, playing, log_odds, {"gone": people.gone}, treatment_effect)
    tables["accounts"]["ended_reason"] = reasons(tables["accounts"], truth, seed)
    return SaasBook(tables, truth, pd.Timestamp(book.months[-1]).as_unit("us"))


def _states(people: Users, rng: np.random.Generator) -> Latent:
    """States from which the other tables are written."""
    value = 1.0 - 3.0 * people.gone
    effort = 1.7 * (people.mean(people.annoyed) - 0.4)
    states = np.stack([value, effort, 1.1 * people.decider, people.loop], axis=2)
    turned = np.diff(people.turn[..., 0], axis=1, prepend=people.turn[:, :1, 0]) > 0
    return Latent(states + 0.2 * rng.standard_normal(states.shape), {"champion_lost": turned})
