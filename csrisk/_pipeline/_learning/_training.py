"""Steps of a training that come after features and labels: tests, further models, reference, baseline, record."""

from __future__ import annotations

import logging
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from joblib import parallel_config

from csrisk._labelling import label_change, stated_reasons
from csrisk._pipeline._learning._amounts import Amounts
from csrisk._pipeline._learning._band import RiskBand
from csrisk._pipeline._learning._forward import ForwardTest, forward_test
from csrisk._pipeline._model_files._model_file import frame_of
from csrisk._pipeline._model_files._record import Record
from csrisk._pipeline._output._report_parts import ages_and_leads
from csrisk._pipeline._settings._declared import declarations
from csrisk.checks import ForwardEvidence, checks_frame, declared_judgements, run_checks
from csrisk.exceptions import ConfigError, DataWarning, NotEnoughDataError, SnapshotError
from csrisk.models import ExpansionModel

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from csrisk._explain import Explanation
    from csrisk._pipeline._learning._panel import Panel
    from csrisk._pipeline._settings._spec import RiskSpec
    from csrisk.checks import Check
    from csrisk.data import CustomerData
    from csrisk.models import ChurnModel

__all__ = [
    "band_of",
    "check_panel",
    "choose_reference",
    "every_core",
    "expansion_model",
    "fit_amounts",
    "remember",
    "require_first",
    "tested",
    "two_books",
]

_EVERY_CORE = -1
_REFERENCE_ROWS = 1000
_HEALTHIEST = 0.1
_LEAST_ACCOUNTS = 50
_logger = logging.getLogger("csrisk")


def every_core() -> AbstractContextManager[Any]:
    """Train members on every core that the process may use, where the model does not say how many; same bits."""
    return parallel_config(backend="threading", n_jobs=_EVERY_CORE)  # type: ignore[no-any-return]


def tested(spec: RiskSpec, past: Panel) -> ForwardTest | None:
    """Run the forward test, or say why there is none."""
    _logger.info("forward test")
    try:
        return forward_test(spec, past)
    except (NotEnoughDataError, SnapshotError) as error:
        # a test that was asked for is an error where it cannot be, not a warning
        if spec.test.start is not None:
            raise
        warnings.warn(f"no forward test, so nothing is known of quality: {error}", DataWarning, stacklevel=3)
        return None


def leavers(data: CustomerData, past: Panel) -> pd.DataFrame | None:
    """Give the features of the last snapshot before each end whose reason is stated; None where none is."""
    reasons = stated_reasons(data)
    left = past.churn[past.churn.fillna(value=False).astype(bool)].index
    left = left[left.get_level_values("account_id").isin(reasons.index)].sort_values()
    if left.empty:
        return None
    return past.X.loc[left[~left.get_level_values("account_id").duplicated(keep="last")]]


def check_panel(
    spec: RiskSpec, data: CustomerData, past: Panel, test: ForwardTest | None, why: Explanation | None = None
) -> tuple[Check, ...]:
    """Run the checks that the evidence allows; judgements that were declared are held against the model."""
    _logger.info("checks")
    forward = ForwardEvidence() if test is None else ForwardEvidence(test.split, test.scores["model"])
    if spec.measures:
        judged = declared_judgements(data, past.X, declarations(spec, past.X.columns))
        forward = replace(forward, judgements=judged)
    return run_checks(past.X, past.churn, data=data, snapshots=past.snapshots, forward=forward, why=why)


def expansion_model(spec: RiskSpec, past: Panel) -> ExpansionModel | None:
    """Fit a model of expansion where the data can tell it."""
    if past.expansion is None:
        return None
    _logger.info("expansion model")
    # directions are declared for churn, and the model of expansion takes none
    params = {name: value for name, value in spec.model.items() if name != "monotone"}
    try:
        return ExpansionModel(**params).fit(past.X, past.expansion)
    except NotEnoughDataError as error:
        if spec.label.expansion != "auto":  # it was asked for
            raise NotEnoughDataError(f"label.expansion={spec.label.expansion!r}: {error}") from error
        warnings.warn(f"no expansion model: {error}", DataWarning, stacklevel=3)
        return None


def fit_amounts(spec: RiskSpec, data: CustomerData, past: Panel, expansion: ExpansionModel | None) -> Amounts | None:
    """Fit models of growth and shrinkage of monthly revenue, where it is known and expansion is modelled."""
    money = spec.label.expansion in ("auto", "mrr") and data.has("subscriptions", "mrr") and "mrr" in past.X
    if expansion is None or not money:
        return None
    _logger.info("growth and shrinkage of revenue")
    change = label_change(data, past.snapshots, measure="mrr", grace=spec.label.grace)
    return Amounts.fit(past.X, change, past.churn, spec.model)


def band_of(test: ForwardTest | None) -> RiskBand | None:
    """Learn from the forward test how sure a told risk is."""
    return None if test is None else RiskBand.fit(test.scores["churn"], test.scores["model"])


def require_first(spec: RiskSpec, X: pd.DataFrame) -> None:
    """Require the feature that explains first before anything is trained."""
    first = spec.reference.first
    if first is not None and first not in X.columns:
        raise ConfigError(
            f"reference.first={first!r}: none of the {X.shape[1]} features has this name; name an attribute of the "
            "account, such as account_segment, or leave it out"
        )


def choose_reference(spec: RiskSpec, model: ChurnModel, past: Panel) -> pd.DataFrame:
    """Take the snapshots that explanations compare with, without their keys."""
    rows = past.X
    if spec.reference.kind == "healthiest":
        order = np.argsort(model.decision_function(rows), kind="stable")
        # in the order of the panel, as the rows of the other kinds are
        rows = rows.iloc[np.sort(order[: max(1, int(len(rows) * _HEALTHIEST))])]
    if len(rows) > _REFERENCE_ROWS:
        # a fixed seed: the same data give the same model file
        chosen = np.random.default_rng(0).choice(len(rows), _REFERENCE_ROWS, replace=False)
        rows = rows.iloc[np.sort(chosen)]
    # without the keys: a model file holds no account
    return frame_of(model, model.encode(rows))


def two_books(past: Panel) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Take the book at the end of the training, and the latest labelled one before it."""
    dates = past.snapshots.as_of.to_numpy()
    last = past.X[dates == dates.max()]
    # a handful of accounts at the end tells no distribution that later books could be held against
    if past.book is not None and len(past.book) >= min(_LEAST_ACCOUNTS, len(last)):
        return past.book, last if len(last) >= _LEAST_ACCOUNTS else None
    latest = past.X.sort_index(level="as_of", kind="stable")
    return latest[~latest.index.get_level_values("account_id").duplicated(keep="last")].sort_index(), None


def remember(
    spec: RiskSpec,
    data: CustomerData,
    past: Panel,
    test: ForwardTest | None,
    checks: tuple[Check, ...],
    width: int,
    until: Any,
) -> Record:
    """Write down what a report says of the training."""
    dates, rule = past.snapshots.as_of, spec.snapshots
    facts = {
        "learned from": f"{len(past.X):,} snapshots of {past.accounts:,} accounts",
        "first and last snapshot": f"{dates.min():%Y-%m-%d} to {dates.max():%Y-%m-%d}",
        "churned": f"{int(past.churn.sum()):,} snapshots ({100 * float(past.churn.mean()):.1f} %)",
        "label": f"lead {rule.lead}, horizon {rule.horizon}, kind {spec.label.kind}",
        "end of the data": f"{data.end:%Y-%m-%d}",
        # the first day that the model knows nothing of
        "trained at": f"{pd.Timestamp(data.end if until is None else until):%Y-%m-%d}",
        "tables": list(data.tables),
        "features": width,
    }
    stopped = {table: end - pd.Timedelta(days=1) for table, end in data.ends.items() if end < data.end}
    if stopped:
        facts["stopped before"] = ", ".join(f"{table} (last day {last:%Y-%m-%d})" for table, last in stopped.items())
    if data.holes:
        facts["stood still"] = ", ".join(
            f"{table} ({sum(last - first for first, last in spans)} days)" for table, spans in data.holes.items()
        )
    if test is None:
        return Record(facts, checks=checks_frame(checks))
    facts["tested on"] = f"{len(test.scores):,} snapshots from {test.start:%Y-%m-%d}"
    facts["tested model learned from"] = f"{int(test.split[0].sum()):,} snapshots, trained {len(test.dates)} times"
    ages, leads = ages_and_leads(spec, data, past, test.found)
    return Record(facts, test.metrics, test.gain, test.dates, test.calibration, checks_frame(checks), ages, leads)
