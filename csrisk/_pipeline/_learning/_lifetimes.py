"""How long accounts are expected to stay, and what they bring in that time."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk._days import whole_days
from csrisk._labelling import label_time_to_churn
from csrisk._pipeline._model_files._model_file import model_from_members, model_to_members, prove, read_json
from csrisk.exceptions import DataWarning, ModelFileError, NotEnoughDataError
from csrisk.models import LongevityModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from csrisk._pipeline._learning._panel import Panel
    from csrisk._pipeline._settings._spec import RiskSpec
    from csrisk.data import CustomerData

__all__ = ["MONTHS", "fit_longevity", "lifetimes", "longevity_from_members", "longevity_members", "months_left"]

MONTHS = ["expected_months", "months_low", "months_high"]
_EDGES = (30, 60, 90, 180, 270, 365, 545, 730, 1095, 1825)
_MONTH = 365.25 / 12  # days
_PARAMS = ("n_members", "learning_rate", "num_leaves", "min_events", "n_jobs", "random_state")
_MEMBER, _NONE = "longevity.json", b"{}"
_logger = logging.getLogger("csrisk")


def fit_longevity(spec: RiskSpec, data: CustomerData, past: Panel, until: Any) -> LongevityModel | None:
    """Fit a model of the time that is left, where it is asked for and the data can tell it."""
    if spec.longevity.months is None:
        return None
    _logger.info("longevity")
    label = spec.label
    told: dict[str, Any] = {"kind": label.kind, "grace": label.grace, "look_back": spec.snapshots.look_back}
    y = label_time_to_churn(data, past.snapshots, **told).reindex(past.X.index)
    last = round(spec.longevity.months * _MONTH)
    # nothing is told of what lies behind the months asked for: who stays longer counts as staying so long
    edges = (*(edge for edge in _EDGES if edge < last), last)
    params = {name: spec.model[name] for name in _PARAMS if name in spec.model}
    try:
        return LongevityModel(edges, **params).fit(past.X, _censored(y, data, spec, until))
    except NotEnoughDataError as error:
        warnings.warn(f"no model of longevity: {error}", DataWarning, stacklevel=3)
        return None


def _censored(y: pd.DataFrame, data: CustomerData, spec: RiskSpec, until: Any) -> pd.DataFrame:
    """Cut durations at a date: what was not final by then had not been seen."""
    if until is None:
        return y
    cut = min(pd.Timestamp(until), data.end)
    as_of = pd.DatetimeIndex(y.index.get_level_values("as_of"))
    left = (cut - as_of).days.to_numpy(np.float64)
    duration, event = y["duration"].to_numpy(np.float64, na_value=np.nan), y["event"].fillna(value=False).to_numpy(bool)
    # the end of a contract is final when the grace is over, a silence when it has lasted for the horizon
    wait = whole_days(spec.snapshots.horizon if spec.label.kind == "inactivity" else spec.label.grace, "grace")
    final = duration - 1 + wait < left
    seen = np.where(event & final, duration, np.minimum(np.where(event, duration - 1, duration), left))
    there = seen >= 1  # of the others not one day was observed
    return pd.DataFrame(
        {
            "duration": pd.Series(seen, y.index).where(there).astype("Int64"),
            "event": pd.Series(event & final, y.index).astype("boolean").where(there),
        }
    )


def months_left(model: LongevityModel, X: pd.DataFrame) -> pd.DataFrame:
    """Give the months that accounts are expected to stay, and the range in which four of five of them leave."""
    found = model.days_range(X).assign(expected=model.expected_days(X)) / _MONTH
    return found[["expected", "low", "high"]].set_axis(MONTHS, axis=1)


def lifetimes(months: pd.DataFrame, company: pd.DataFrame) -> pd.DataFrame:
    """Multiply months by what an account brings a month; the range takes both at their ends."""
    value = company["value"].to_numpy(np.float64, na_value=np.nan)
    ends = [company[name].to_numpy(np.float64, na_value=np.nan) for name in ("low", "high")]
    ends = [np.where(np.isnan(end), value, end) for end in ends]  # where no range is known it is the value
    # all four: at a loss the longest stay costs most, so that the low end of money is not that of months
    products = np.stack([months[name].to_numpy() * end for name in ("months_low", "months_high") for end in ends])
    return months.assign(
        expected_margin=months["expected_months"].to_numpy() * value,
        margin_low=products.min(axis=0),
        margin_high=products.max(axis=0),
    )


def longevity_members(spec: RiskSpec, model: LongevityModel | None, rows: pd.DataFrame) -> dict[str, bytes]:
    """Take the model apart; a specification that asks for none has no member, one that got none has an empty one."""
    if spec.longevity.months is None:
        return {}
    return {_MEMBER: _NONE} if model is None else model_to_members(model, rows, "longevity")


def longevity_from_members(spec: RiskSpec, members: Mapping[str, bytes], rows: pd.DataFrame) -> LongevityModel | None:
    """Read what `longevity_members` gave."""
    if spec.longevity.months is None or read_json(members, _MEMBER) == {}:
        return None
    model = model_from_members(members, "longevity")
    prove(model, members, "longevity", rows)
    if not isinstance(model, LongevityModel) or model.edges[-1] != round(spec.longevity.months * _MONTH):
        raise ModelFileError("model file: longevity.json looks ahead otherwise than the specification says")
    return model
