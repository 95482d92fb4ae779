"""Make a portfolio in which thresholds, delays and a confounder move customers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk._deprecated import grouped, require_none_left
from csrisk.datasets._games import tell
from csrisk.datasets._regimes._process import OF_SEGMENT, felt, log_odds, regimes, states_of, used_by
from csrisk.datasets._saas._contracts import live
from csrisk.datasets._saas._latent import GOALS
from csrisk.datasets._saas._make import SaasBook, account_ids, calendar, check_sizes, signed, written
from csrisk.datasets._saas._mechanisms import chosen, draw, write
from csrisk.datasets._saas._reasons import reasons
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from csrisk.datasets._saas._contracts import Book

__all__ = ["RegimeTraits", "make_regimes"]


@dataclass(frozen=True)
class RegimeTraits:
    """What the world of regimes has and that of `make_saas` lacks.

    Parameters
    ----------
    correlation : float, default 0.3
        Of the four goals, from a common cause; 0 to 0.95.
    surveyed : float, default 0.8
        Share of accounts that anybody surveys.
    aimed : bool, default True
        Whether calls go where use is broken, see `make_regimes`; False draws them by lot, as in `make_saas`.

    Raises
    ------
    ConfigError
        If a share is out of range.

    Examples
    --------
    >>> from csrisk.datasets import RegimeTraits
    >>> RegimeTraits(correlation=0.6).aimed
    True
    """

    correlation: float = 0.3
    surveyed: float = 0.8
    aimed: bool = True

    def __post_init__(self) -> None:
        for name, high in (("correlation", 0.95), ("surveyed", 1.0)):
            value = getattr(self, name)
            if not 0 <= value <= high:
                raise ConfigError(f"{name}={value!r} must lie between 0 and {high:g}")


def make_regimes(
    n_accounts: int = 500,
    months: int = 24,
    seed: int = 0,
    *,
    end: str | pd.Timestamp = "2026-01-01",
    monthly_churn: float = 0.02,
    treatment_effect: float = 0.0,
    mechanisms: str | Iterable[str] | Mapping[str, float] = (),
    traits: RegimeTraits | None = None,
    **others: Any,
) -> SaasBook:
    r"""Simulate a portfolio of another make: regimes with thresholds and delays, and a segment that confounds.

    Parameters
    ----------
    n_accounts : int, default 500
        Accounts that ever were customers.
    months : int, default 24
        Months observed, at least 3.
    seed : int, default 0
        The same arguments give the same portfolio.
    end : date-like, default "2026-01-01"
        First day that is not observed; taken to the first day of its month.
    monthly_churn : float, default 0.02
        Expected share of running accounts that leave in a month.
    treatment_effect : float, default 0.0
        Size of the effect of a success call, as in `make_saas`.
    mechanisms : str, iterable of str, or mapping of str to float, optional
        What else moves customers, as in `make_saas`; what moves a state there adds to the log-odds of its goal here.
    traits : RegimeTraits, optional
        How the goals go together, who is surveyed, and whom calls are aimed at.
    **others
        Fields of `RegimeTraits` by their own name, as earlier releases took them; deprecated.

    Returns
    -------
    SaasBook
        ``.tables``, ``.truth``, ``.end`` and ``.data()``.

    Raises
    ------
    ConfigError
        If an argument makes no sense.

    See Also
    --------
    make_saas : four states that move the log-odds in a straight line.

    Notes
    -----
    Each goal g of account a is good, strained or broken. A strained goal shows in the tables and moves nobody. A broken
    one is felt after 0 (churn, that is effort), 1 (feedback), 2 (footprint) or 3 months (advocacy), and holds until it
    is well above where it broke. With :math:`z_g` for "felt", the monthly log-odds of churn are

    .. math:: b + 1.6 z_f + 1.3 z_c + 1.3 z_a + 1.1 z_l + .8\,[z_f + z_c + z_a + z_l \ge 2] + s(\text{segment})
              + .35 \cos(\text{month}) + c(\text{term}, \text{renewal}) - \tau u r,

    with c and the last term as in `make_saas`.

    **Confounder.** Small businesses have s = .9 and users that use 2.2 times as much as those of the mid-market; large
    ones s = -1.1 and .4 times the use. So more use goes with more churn over the portfolio, with less within a segment.

    **Reverse causation.** Calls are not drawn at random: they go to 75 % of the accounts whose footprint is broken, and
    to 25 % of the others. With ``RegimeTraits(aimed=False)`` a lot decides, and the treatments say so.

    **Truth.** ``truth.goals`` gives the exact Shapley values of the four goals and of ``context`` (the segment) against
    the portfolio, by enumeration of the coalitions.

    Examples
    --------
    >>> from csrisk.datasets import make_regimes
    >>> world = make_regimes(60, 12, seed=1)
    >>> world.truth.goals("2025-10-01").columns[:5].tolist()
    ['footprint', 'churn', 'advocacy', 'feedback', 'context']
    """
    traits = grouped("make_regimes", "traits", RegimeTraits, traits, others) or RegimeTraits()
    require_none_left("make_regimes", others)
    check_sizes(n_accounts, months, monthly_churn)
    # 2: no stream is shared with the other worlds of the same seed
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence([seed, 2]).spawn(11)]
    book = signed(n_accounts, calendar(months, end), streams[0], streams[1])
    regime = regimes(book.shape, traits.correlation, streams[9])
    book.latent = states_of(regime, book.first_month, streams[10])
    players = _players(book, regime)
    of_year = book.months[:-1].astype("datetime64[M]").astype(int) % 12
    book.scores = {
        "churn": log_odds(players) + 0.35 * np.cos(of_year * np.pi / 6),
        "contraction": 0.9 * players[..., 0],
        "expansion": 0.7 * (regime[..., 0] == 0) - 0.8 * players[..., 2],
    }
    book.pace = used_by(book.segment)
    if traits.aimed:
        book.aim = np.where(regime[..., 0] == 2, 0.75, 0.25)
    # before the book lives: the base of the log-odds is set with them, so that the rate stays as asked
    draw(book, chosen(mechanisms), seed)
    live(book, monthly_churn, treatment_effect, streams[2])
    ids = account_ids(n_accounts)
    tables = written(book, ids, streams[3:9])
    tables["treatments"]["assigned_at_random"] = not traits.aimed
    asked = ids[streams[10].random(n_accounts) < traits.surveyed]
    tables["surveys"] = tables["surveys"][tables["surveys"]["account_id"].isin(asked)].reset_index(drop=True)
    shown = {f"{goal}_regime": regime[..., place] for place, goal in enumerate(GOALS)}
    write(book, ids, tables, seed)
    truth = tell(book, ids, players, log_odds, shown, treatment_effect)
    tables["accounts"]["ended_reason"] = reasons(tables["accounts"], truth, seed)
    return SaasBook(tables, truth, pd.Timestamp(book.months[-1]).as_unit("us"))


def _players(book: Book, regime: np.ndarray) -> np.ndarray:
    """Four goals as felt, and the log-odds of the segment."""
    segment = np.array(list(OF_SEGMENT.values()))[book.segment]
    context = np.broadcast_to(segment[:, None, None], (*book.shape, 1))
    return np.concatenate([felt(regime), context], axis=2)
