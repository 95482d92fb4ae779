"""What performance the told probabilities promise, before any label has arrived."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from csrisk._machine import product
from csrisk._params import check_seed, check_whole
from csrisk.evaluation._measuring import ranking_metrics
from csrisk.models._rows import floats

__all__ = ["EXPECTED_LIMITS", "expected_performance"]

EXPECTED_LIMITS = (
    "Confidence-based estimate: it takes the told probabilities as right. It sees that a book has become harder or "
    "easier to rank; it cannot see concept drift, that is accounts of the same features that now leave more or less "
    "often. Only labels can."
)
_RANKING = ("auc", "average_precision", "lift_at_10")
_SMALLEST = 1e-15
# of weights, which are twice as wide as the book: 16 MB of floats
_CELLS = 2_000_000
_MOST_DRAWS = 100_000


def expected_performance(risk: Any, *, n_draws: int = 400, random_state: int = 0) -> pd.DataFrame:
    """Estimate how well scores will turn out to rank, from the calibrated probabilities alone.

    Outcomes are drawn from the probabilities, accounts are drawn with replacement, and each metric is computed on each
    draw. Where probabilities are calibrated, the mean over the draws is the expected value of the metric.

    Parameters
    ----------
    risk : array-like
        Calibrated probabilities of one book, one for each account.
    n_draws : int, default 400
        Draws.
    random_state : int, default 0
        Seed.

    Returns
    -------
    pandas.DataFrame
        Index metric (auc, average_precision, lift_at_10, log_loss, brier, event_rate); columns ``expected``, ``low``,
        ``high`` (95 % of the draws).

    Raises
    ------
    ValueError
        If a probability is missing or outside of [0, 1].

    Notes
    -----
    Known as confidence-based performance estimation. It assumes calibration, and so cannot see concept drift.

    Examples
    --------
    >>> import numpy as np
    >>> from csrisk.monitoring import expected_performance
    >>> sure, vague = np.repeat([0.02, 0.98], 100), np.full(200, 0.5)
    >>> [round(float(expected_performance(risk).loc["auc", "expected"]), 1) for risk in (sure, vague)]
    [1.0, 0.5]
    """
    check_whole("n_draws", n_draws, 1, _MOST_DRAWS)
    check_seed(random_state)
    told = floats(risk, "risk")
    wrong = int((~((told >= 0) & (told <= 1))).sum())
    if wrong or not len(told):
        raise ValueError(f"risk: {wrong} of {len(told)} are missing or outside of [0, 1]; give probabilities")
    rng = np.random.default_rng(random_state)
    block = max(1, _CELLS // (2 * len(told)))
    sizes = [min(block, n_draws - start) for start in range(0, n_draws, block)]
    draws = pd.concat([_draws(told, rng, size) for size in sizes], ignore_index=True)
    bounds = draws.quantile([0.025, 0.975])
    table = pd.DataFrame({"expected": draws.mean(), "low": bounds.iloc[0], "high": bounds.iloc[1]})
    return table.rename_axis("metric")


def _draws(told: np.ndarray, rng: np.random.Generator, n_draws: int) -> pd.DataFrame:
    # both kinds of chance: what comes of these accounts, and which accounts the book happens to hold
    drawn = rng.random((n_draws, len(told))) < told
    times = rng.multinomial(len(told), np.full(len(told), 1 / len(told)), size=n_draws)
    # every account stands twice, once with each outcome; the draw says which of the two counts
    weights = np.hstack([times * drawn, times * ~drawn]).astype(np.float64)
    target, twice = np.repeat([1.0, 0.0], len(told)), np.tile(told, 2)
    found = ranking_metrics(weights, target, twice, 0.1)
    # the chance that was told of what came; 0 would be an infinite loss
    right = np.clip(np.where(target == 1, twice, 1 - twice), _SMALLEST, 1.0)
    means = product(weights, np.column_stack([-np.log(right), (target - twice) ** 2, target])) / len(told)
    draws = {name: found[name] for name in _RANKING}
    return pd.DataFrame(draws | dict(zip(("log_loss", "brier", "event_rate"), means.T, strict=True)))
