"""write_report, and what belongs together of all that it can be told."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from csrisk._deprecated import grouped, require_none_left
from csrisk.report._write import write_parts

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import pandas as pd

    from csrisk._explain import Explanation
    from csrisk.data import CustomerData
    from csrisk.evaluation import Backtest

__all__ = ["FurtherParts", "ModelFacts", "ReportForm", "write_report"]


# eq=False: frames have no truth value, so that == of two of these would fail
@dataclass(frozen=True, eq=False)
class ModelFacts:
    """What a report says of the model: how good it is, what was checked, and where it comes from.

    Parameters
    ----------
    evaluation : DataFrame or mapping of DataFrame, optional
        What :func:`csrisk.evaluate` returned; as a mapping the first is the model, the others baselines.
    calibration : DataFrame, optional
        What :func:`csrisk.evaluation.calibration_curve` returns: ``mean_risk``, ``event_rate``, and ``low``, ``high``,
        ``n_snapshots`` where known.
    backtest : Backtest, DataFrame or mapping of DataFrame, optional
        What :func:`csrisk.backtest` returned, one table of it, or several of its tables under ``by_date``, ``by_age``,
        ``by_lead``, ``by_segment``.
    checks : DataFrame or iterable of Check, optional
        Results of checks.
    provenance : mapping, optional
        Versions, seeds, hashes, configuration; may be nested.

    Examples
    --------
    >>> from csrisk.report import ModelFacts
    >>> ModelFacts(provenance={"seed": 0}).provenance
    {'seed': 0}
    """

    evaluation: pd.DataFrame | Mapping[str, pd.DataFrame] | None = None
    calibration: pd.DataFrame | None = None
    backtest: Backtest | pd.DataFrame | Mapping[str, pd.DataFrame] | None = None
    checks: pd.DataFrame | Iterable[object] | None = None
    provenance: Mapping[str, object] | None = None


@dataclass(frozen=True, eq=False)
class FurtherParts:
    """What a report says of the accounts beside their risk.

    Parameters
    ----------
    expansion : DataFrame, optional
        Accounts likely to expand, best first; ``account_id`` as a column or in the index.
    growth : Explanation, optional
        Contributions to the probability of expansion of the same accounts; the ten most likely get a card.
    growth_amounts : Explanation, optional
        Contributions to the growth in money a month that is expected of the rows of `growth`.
    gap : Explanation, optional
        What :func:`csrisk.success.gap_to_best` returned for the same accounts.
    mrr : Series, optional
        Monthly revenue by account id, instead of the feature ``mrr`` or, where the model has none, the subscriptions.
        Accounts that it does not name have an unknown revenue, not none.
    lifetimes : DataFrame, optional
        How long accounts are expected to stay, as a score table with longevity has it, on (account_id, as_of).
    extra : mapping of str to DataFrame, optional
        Further tables by their caption, each a section of its own.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.report import FurtherParts
    >>> FurtherParts(mrr=pd.Series({"a": 90.0})).mrr.sum()
    np.float64(90.0)
    """

    expansion: pd.DataFrame | None = None
    growth: Explanation | None = None
    growth_amounts: Explanation | None = None
    gap: Explanation | None = None
    mrr: pd.Series | None = None
    lifetimes: pd.DataFrame | None = None
    extra: Mapping[str, pd.DataFrame] = field(default_factory=dict)


@dataclass(frozen=True)
class ReportForm:
    """How a report looks, and how much of it there is.

    Parameters
    ----------
    title : str, default "Customer risk report"
        Heading.
    currency : str, optional
        Written before amounts of money.
    account_url : str, optional
        Address of an account in the CRM, as in ``"https://crm.example/{account_id}"``; each card leads there.
    pseudonymise : bool or str, default False
        True writes "Account 1", "Account 2", ... by place; a secret string gives stable codes that only its holder can
        tie to accounts. Neither names nor ids are written then; attributes such as segment and plan are.
    max_cards : int, default 500
        Accounts shown in detail; the others follow in one line each.
    chunk : int, optional
        For large portfolios, HTML only: every account has a card, so many on a page. The first page is written to
        `path`, the others to a folder beside it, ``<name>-accounts``. `max_cards` does not count then.
    by_owner : bool, default False
        HTML only: a page for each owner with the cards of their accounts too, in a folder beside, ``<name>-owners``.
    digest : bool, default False
        One screen instead of the report, ready for a mail: who stays, what is at risk, what moved, whom to look at
        first. HTML without script and style sheet, or Markdown.

    Examples
    --------
    >>> from csrisk.report import ReportForm
    >>> ReportForm(currency="EUR").max_cards
    500
    """

    title: str = "Customer risk report"
    currency: str = ""
    account_url: str = ""
    pseudonymise: bool | str = False
    max_cards: int = 500
    chunk: int | None = None
    by_owner: bool = False
    digest: bool = False


def write_report(
    path: str | os.PathLike[str],
    why: Explanation,
    *,
    data: CustomerData | None = None,
    window: tuple[int, int] | None = None,
    previous: Explanation | None = None,
    facts: ModelFacts | None = None,
    further: FurtherParts | None = None,
    form: ReportForm | None = None,
    **others: Any,
) -> Path:
    """Write a report about one portfolio for the people who decide on it.

    The file depends on what is handed over and on nothing else: no clock, no network, no random numbers. It is
    written beside its place and renamed into it, so a reader never sees half a report.

    Parameters
    ----------
    path : path
        Where to write. The suffix decides: ``.html`` (one file, offline), ``.md``, ``.json``, or ``.csv`` (accounts).
    why : Explanation
        Contributions of the accounts of one date, in percentage points.
    data : CustomerData, optional
        Gives names, segments, monthly revenue, and says which tables are missing.
    window : (int, int), optional
        Lead and horizon of the label in days, to print the dates of the forecast.
    previous : Explanation, optional
        Earlier portfolios of the same model against the same reference, of one date or several; the report then says
        what moved since the last one, and how the goals went over time.
    facts : ModelFacts, optional
        How good the model is, what was checked, and where it comes from.
    further : FurtherParts, optional
        Expansion, the distance to the best, revenue, lifetimes, further tables.
    form : ReportForm, optional
        Heading, currency, links, names, length.
    **others
        Fields of these three by their own name, as earlier releases took them; deprecated.

    Returns
    -------
    Path
        The file written, or its first page.

    Raises
    ------
    ConfigError
        If the suffix is none of these, `mrr` names no account of the report, `lifetimes` lacks columns, or
        `account_url` is no address with one ``{account_id}``.
    ExplanationError
        If the explanation is in log-odds, holds several dates, or its parts do not add up to the prediction.
    OSError
        If the file cannot be written; what stood there is as it was.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> from lightgbm import LGBMClassifier
    >>> from csrisk import explain, write_report
    >>> from csrisk.report import ReportForm
    >>> snapshots = pd.MultiIndex.from_product([range(60), [pd.Timestamp("2025-10-01")]], names=["account_id", "as_of"])
    >>> X = pd.DataFrame({"logins": range(60), "transfers": [0, 1, 2] * 20}, index=snapshots)
    >>> model = LGBMClassifier(n_estimators=5, verbose=-1).fit(X, X["logins"] + 9 * X["transfers"] > 40)
    >>> why = explain(model, X, reference=X, declarations={"logins": "footprint", "transfers": "churn"})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_report(f"{folder}/risk.html", why, form=ReportForm(title="Monday")).name
    'risk.html'
    """
    groups = (
        grouped("write_report", "facts", ModelFacts, facts, others) or ModelFacts(),
        grouped("write_report", "further", FurtherParts, further, others) or FurtherParts(),
        grouped("write_report", "form", ReportForm, form, others) or ReportForm(),
    )
    # what write_parts takes beside is no argument of people, and was one of earlier releases
    rest = {name: others.pop(name) for name in list(others) if name in inspect.signature(write_parts).parameters}
    require_none_left("write_report", others)
    # fields of the groups and parameters of write_parts go by the same names
    told = {one.name: getattr(group, one.name) for group in groups for one in fields(group)}
    return write_parts(path, why, data=data, window=window, previous=previous, **told, **rest)
