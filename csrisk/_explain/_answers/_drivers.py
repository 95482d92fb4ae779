"""Which goal drives an account, how sure that is, and why none can be named where none can."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from csrisk._goals import Goal
from csrisk._text import percent
from csrisk.exceptions import ExplanationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from csrisk._explain._explanation import Explanation

    Matrix = NDArray[np.float64]

__all__ = ["SERVED", "driver_terms", "driver_words", "find_drivers", "plain_drivers"]

SERVED = tuple(str(goal) for goal in Goal if goal not in (Goal.CONTEXT, Goal.UNMAPPED))
_FITTED: dict[str, Any] = tomllib.loads(files(__package__).joinpath("driver_terms.toml").read_text(encoding="utf-8"))
_CALIBRATED = ("book",)  # what the probability was held against
_NOTHING = "no goal raises the risk"
_OTHER = "what raises the risk most serves no goal"
_CLOSE = "two goals are about as strong"
_WEAK = "not sure enough"
_ELSEWHERE = "the probability is known for comparisons with the book alone"


def driver_terms(points: Matrix, ends: tuple[Matrix, Matrix] | None, measured: NDArray[np.bool_]) -> pd.DataFrame:
    """Terms that tell how sure the first goal is."""
    if ends is not None:
        points = points / 100 * _log_odds_per_probability(*ends)[:, None]
    ordered = np.sort(points, axis=1)
    lead = ordered[:, -1] - (ordered[:, -2] if ordered.shape[1] > 1 else 0.0)
    # goals without any feature in the model are not measured either
    missing = len(SERVED) - measured.sum(axis=1)
    return pd.DataFrame({"gap": np.log1p(np.maximum(lead, 0.0)), "missing": missing.astype(np.float64)})


def _log_odds_per_probability(reference: Matrix, prediction: Matrix) -> Matrix:
    """Slope of the log-odds between reference and prediction: points times it add up to the way between them."""
    # a certain prediction has infinite log-odds
    low, high = (np.clip(end, 1e-6, 1 - 1e-6) for end in (reference, prediction))
    way, middle = high - low, (low + high) / 2
    near = np.abs(way) < 1e-6
    # where both meet it is the derivative, 1 / (p (1 - p)); np.where works out both sides, so no division by 0
    return np.asarray(np.where(near, 1 / (middle * (1 - middle)), (logit(high) - logit(low)) / np.where(near, 1, way)))


def find_drivers(why: Explanation) -> pd.DataFrame:
    """See `Explanation.drivers`."""
    if why.output == "amount":
        raise ExplanationError("output='amount': drivers are named for a risk; explain a model that predicts one")
    places = [at for at, goal in enumerate(why.goals_present) if str(goal) in SERVED]
    first = pd.Series(why.main_goals, dtype=object)
    raised = first.isin(SERVED).to_numpy()
    table = pd.DataFrame({"goal": first.where(raised, None).to_numpy(object)}, index=why.index)
    nothing = np.where(first.isna(), _NOTHING, _OTHER).astype(object)
    table = table.assign(probability=np.nan, named=False, why_not=nothing)
    calibrated = why.reference_kind in _CALIBRATED
    if not raised.any() or not calibrated:
        return table.assign(why_not=np.where(raised, _ELSEWHERE, nothing).astype(object))
    ends = None if why.output == "log_odds" else (why.reference / 100, why.prediction / 100)
    points, measured = why.contributions[:, places], why.measured()
    terms = driver_terms(points, ends, measured.to_numpy(bool)[:, places])
    goal = first.where(raised, SERVED[0]).map(_FITTED["goal"]).to_numpy(np.float64)
    score = _FITTED["gap"] * terms["gap"].to_numpy() + goal
    missing = terms["missing"].to_numpy()
    likely = expit(score + _FITTED["missing"] * missing)
    named = raised & (likely >= _FITTED["threshold"])
    # it would be named if all were measured: then measuring is what helps
    unknown = raised & ~named & (missing > 0) & (expit(score) >= _FITTED["threshold"])
    ordered = np.sort(points, axis=1)
    # the second goal carries more than half of the first
    close = raised & (ordered[:, -2:].min(axis=1) > ordered[:, -1] / 2) if len(places) > 1 else ~raised
    reasons = np.select([~raised, unknown, close], [nothing, _lacking(measured), _CLOSE], _WEAK).astype(object)
    reasons[named] = None
    return table.assign(probability=np.where(raised, likely, np.nan), named=named, why_not=reasons)


def _lacking(measured: pd.DataFrame) -> NDArray[np.object_]:
    known = measured.reindex(columns=list(SERVED), fill_value=False).to_numpy(bool)
    return np.array([f"not measured: {', '.join(np.array(SERVED)[~row])}" for row in known], dtype=object)


def plain_drivers(why: Explanation) -> list[dict[str, Any] | None]:
    """Plain values of each row, for JSON; None for amounts, which no goal drives."""
    if why.output == "amount":
        return [None] * len(why)
    table = why.drivers().astype(object)
    rows = table.where(table.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def driver_words(driver: Mapping[str, Any]) -> str:
    """Say the driver of an account, or why none can be named and what to do about it; nothing where nothing raises."""
    if not driver or driver["why_not"] == _NOTHING:
        return ""
    if driver["named"]:
        heading, sure = Goal(driver["goal"]).heading, percent(driver["probability"], 0)
        return f"Main driver: {heading} (right with probability {sure})."
    ask = "; ask, log or call to learn of it" if driver["why_not"].startswith("not measured") else ""
    return f"No driver named: {driver['why_not']}{ask}."
