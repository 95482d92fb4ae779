"""run_checks: every check that the evidence allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from csrisk._deprecated import grouped, require_none_left
from csrisk.checks._drift import (
    CALIBRATION,
    CLASSIFIER,
    DRIFT,
    RATE,
    check_base_rate,
    check_calibration,
    check_drift,
    check_drift_classifier,
)
from csrisk.checks._judgement import JUDGEMENT, check_judgement
from csrisk.checks._leakage import (
    FUTURE,
    SINGLE,
    VALUES,
    check_future_use,
    check_single_feature,
    check_telling_values,
)
from csrisk.checks._null import NULL, check_permutation_null
from csrisk.checks._stated import STATED, check_stated_reasons
from csrisk.checks._tables._attributes import ATTRIBUTES, check_attributes
from csrisk.checks._tables._feeds import FEEDS, check_feeds, feed_ages
from csrisk.checks._tables._panel import (
    DUPLICATES,
    EVENTS,
    EVIDENCE,
    WINDOW,
    check_duplicates,
    check_events,
    check_evidence,
    check_label_window,
)
from csrisk.checks._tables._rebuild import REBUILT, check_rebuilt
from csrisk.checks._tables._rows import ROWS, check_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from csrisk._explain import Explanation
    from csrisk._snapshots import Snapshots
    from csrisk.checks._check import Check
    from csrisk.data import CustomerData

__all__ = ["RULES", "ForwardEvidence", "run_checks"]

RULES = tuple(
    sorted(
        (
            *(SINGLE, VALUES, FUTURE, NULL, DUPLICATES, WINDOW, ATTRIBUTES, ROWS),
            *(RATE, EVENTS, DRIFT, CLASSIFIER, CALIBRATION, EVIDENCE, REBUILT, FEEDS, STATED, JUDGEMENT),
        ),
        key=lambda rule: rule.code,
    )
)


# eq=False: series have no truth value, so that == of two of these would fail
@dataclass(frozen=True, eq=False)
class ForwardEvidence:
    """What a forward test gives: who was learned from, who was tested, and how.

    Parameters
    ----------
    split : tuple of pandas.Series, optional
        Train and test, as `ForwardSplit.at` gives them.
    risk : pandas.Series, optional
        Probabilities of the test snapshots, by a model of the training snapshots.
    fit_predict : callable, optional
        From (X of train, y of train, X of test) to scores: runs the permutation null, which takes two more fits.
    judgements : mapping of str to (Series or DataFrame, str), optional
        Dated judgements by name, with what a higher one means, "safer" or "riskier", as `judgement_against_model` takes
        them; they are held against `risk`.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.checks import ForwardEvidence
    >>> ForwardEvidence(risk=pd.Series([0.2])).split is None
    True
    """

    split: tuple[pd.Series, pd.Series] | None = None
    risk: pd.Series | None = None
    fit_predict: Callable[[pd.DataFrame, pd.Series, pd.DataFrame], Any] | None = None
    judgements: Mapping[str, tuple[pd.Series | pd.DataFrame, Literal["safer", "riskier"]]] | None = None


def run_checks(
    X: pd.DataFrame,
    y: pd.Series,
    *,
    data: CustomerData | None = None,
    snapshots: Snapshots | None = None,
    forward: ForwardEvidence | None = None,
    book: pd.DataFrame | None = None,
    build: Callable[[CustomerData, Snapshots], pd.DataFrame] | None = None,
    why: Explanation | None = None,
    **others: Any,
) -> tuple[Check, ...]:
    """Run every check; those without their evidence say so.

    Parameters
    ----------
    X : pandas.DataFrame
        Features of labelled snapshots.
    y : pandas.Series
        Outcomes on the same index.
    data : CustomerData, optional
        The tables behind X.
    snapshots : Snapshots, optional
        The snapshots behind X.
    forward : ForwardEvidence, optional
        What a forward test gives: split, risks, a fit, judgements.
    book : pandas.DataFrame, optional
        Features of the snapshots to be scored.
    build : callable, optional
        From data and snapshots to features, such as `build_features`: computes those of one date again from tables that
        end there, which brings the tables into memory.
    why : Explanation, optional
        Contributions of snapshots of accounts before they left, to hold against the reasons that they stated.
    **others
        Fields of `ForwardEvidence` by their own name, as earlier releases took them; deprecated.

    Returns
    -------
    tuple of Check
        In the order of their codes.

    Warns
    -----
    LeakageWarning
        Where a leakage check fails.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from csrisk.checks import run_checks
    >>> chance = np.random.default_rng(0)
    >>> X = pd.DataFrame(chance.normal(size=(400, 3)), columns=["one", "two", "three"])
    >>> y = pd.Series(X["one"] + chance.normal(size=400) > 1)
    >>> [check.code for check in run_checks(X, y) if check.status == "passed"]
    ['CSR001', 'CSR002', 'CSR008']
    """
    forward = grouped("run_checks", "forward", ForwardEvidence, forward, others) or ForwardEvidence()
    require_none_left("run_checks", others)
    checks = [check_single_feature(X, y), check_telling_values(X, y)]
    if data is None:
        checks += [rule.not_applicable("no tables were handed over", "pass data=") for rule in (ATTRIBUTES, ROWS)]
    else:
        checks += [check_attributes(X, data), check_rows(data)]
    checks += _tables(X, y, data, snapshots, build)
    # a feed is late as of the end of the snapshots: rows after it are not there for them
    until = None if snapshots is None else snapshots.end
    checks += [check_events(y), check_evidence(X), check_feeds(None if data is None else feed_ages(data, until))]
    checks += _forward(X, y, forward)
    checks += _book(X, forward.split, book)
    checks.append(_stated(data, why))
    checks += _judged(y, forward)
    return tuple(sorted(checks, key=lambda check: check.code))


def _tables(
    X: pd.DataFrame,
    y: pd.Series,
    data: CustomerData | None,
    snapshots: Snapshots | None,
    build: Callable[[CustomerData, Snapshots], pd.DataFrame] | None,
) -> list[Check]:
    if snapshots is None:
        reason = ("no snapshots were handed over", "pass data= and snapshots=")
        return [rule.not_applicable(*reason) for rule in (FUTURE, WINDOW, REBUILT)]
    checks = [check_label_window(y, snapshots)]
    if data is None:
        reason = ("no tables were handed over", "pass data=")
        return checks + [rule.not_applicable(*reason) for rule in (FUTURE, REBUILT)]
    checks.append(check_future_use(X, data, snapshots))
    if build is None:
        checks.append(REBUILT.not_applicable("not asked for: it computes features again", "pass build=build_features"))
    else:
        checks.append(check_rebuilt(X, data, snapshots, build))
    return checks


def _stated(data: CustomerData | None, why: Explanation | None) -> Check:
    if data is None or why is None:
        return STATED.not_applicable("no tables and explanation were handed over", "pass data= and why=")
    return check_stated_reasons(data, why)


def _judged(y: pd.Series, forward: ForwardEvidence) -> list[Check]:
    risk = forward.risk
    if risk is None or not forward.judgements:
        said = "pass forward=ForwardEvidence(risk=..., judgements=...)"
        return [JUDGEMENT.not_applicable("no dated judgement and later risks were handed over", said)]
    return [
        check_judgement(told, risk, y.reindex(risk.index), higher=higher, name=name)
        for name, (told, higher) in forward.judgements.items()
    ]


def _forward(X: pd.DataFrame, y: pd.Series, forward: ForwardEvidence) -> list[Check]:
    if forward.split is None:
        said = "pass forward=ForwardEvidence(split=ForwardSplit.at(snapshots, date))"
        reason = ("no split into train and test was handed over", said)
        return [rule.not_applicable(*reason) for rule in (NULL, DUPLICATES, RATE, CALIBRATION)]
    train, test = (side.reindex(X.index, fill_value=False).astype(bool) for side in forward.split)
    checks = [check_duplicates(X[train], X[test]), check_base_rate(y[train], y[test])]
    if forward.fit_predict is None:
        said = "pass forward=ForwardEvidence(fit_predict=...)"
        checks.append(NULL.not_applicable("not asked for: it fits the model twice more", said))
    else:
        checks.append(check_permutation_null(forward.fit_predict, X, y, train=train, test=test))
    if forward.risk is None:
        said = "pass forward=ForwardEvidence(risk=...)"
        checks.append(CALIBRATION.not_applicable("no risks of the test snapshots were handed over", said))
    else:
        checks.append(check_calibration(y.loc[forward.risk.index], forward.risk))
    return checks


def _book(X: pd.DataFrame, split: tuple[pd.Series, pd.Series] | None, book: pd.DataFrame | None) -> list[Check]:
    if book is None:
        reason = ("no book to be scored was handed over", "pass book=")
        return [rule.not_applicable(*reason) for rule in (DRIFT, CLASSIFIER)]
    # drift is held against what the model learned from, not against its test
    learned = X if split is None else X[split[0].reindex(X.index, fill_value=False).astype(bool)]
    return [check_drift(learned, book), check_drift_classifier(learned, book)]
