"""write_report: one call from an explanation to a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from csrisk._atomic import write_atomically
from csrisk.exceptions import ConfigError
from csrisk.report._compose import Inputs, compose
from csrisk.report._names import checked_url
from csrisk.report._printing._digest import DIGESTS
from csrisk.report._printing._html import render_html, render_owners, render_pages
from csrisk.report._printing._json import render_csv, render_json
from csrisk.report._printing._markdown import render_markdown

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping

    import pandas as pd

    from csrisk._evaluation import Backtest
    from csrisk._explain import Explanation
    from csrisk.data import CustomerData
    from csrisk.report._content import Report

__all__ = ["write_report"]

_RENDERERS: Mapping[str, Callable[[Report], str]] = {
    ".html": render_html,
    ".md": render_markdown,
    ".json": render_json,
    ".csv": render_csv,
}


def write_report(
    path: str | os.PathLike[str],
    why: Explanation,
    *,
    data: CustomerData | None = None,
    evaluation: pd.DataFrame | Mapping[str, pd.DataFrame] | None = None,
    checks: pd.DataFrame | Iterable[object] | None = None,
    backtest: Backtest | pd.DataFrame | Mapping[str, pd.DataFrame] | None = None,
    provenance: Mapping[str, object] | None = None,
    title: str = "Customer risk report",
    calibration: pd.DataFrame | None = None,
    expansion: pd.DataFrame | None = None,
    previous: Explanation | None = None,
    gap: Explanation | None = None,
    extra: Mapping[str, pd.DataFrame] | None = None,
    mrr: pd.Series | None = None,
    lifetimes: pd.DataFrame | None = None,
    window: tuple[int, int] | None = None,
    currency: str = "",
    account_url: str = "",
    pseudonymise: bool | str = False,
    max_cards: int = 500,
    chunk: int | None = None,
    by_owner: bool = False,
    digest: bool = False,
) -> Path:
    """Write a report about one book for the people who decide on it.

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
    evaluation : DataFrame or mapping of DataFrame, optional
        What :func:`csrisk.evaluate` returned; as a mapping the first is the model, the others baselines.
    checks : DataFrame or iterable of Check, optional
        Results of checks.
    backtest : Backtest, DataFrame or mapping of DataFrame, optional
        What :func:`csrisk.backtest` returned, one table of it, or several of its tables under ``by_date``, ``by_age``,
        ``by_lead``, ``by_segment``.
    provenance : mapping, optional
        Versions, seeds, hashes, configuration; may be nested.
    title : str, default "Customer risk report"
        Heading.
    calibration : DataFrame, optional
        What :func:`csrisk.evaluation.calibration_curve` returns: ``mean_risk``, ``event_rate``, and ``low``, ``high``,
        ``n_snapshots`` where known.
    expansion : DataFrame, optional
        Accounts likely to expand, best first; ``account_id`` as a column or in the index.
    previous : Explanation, optional
        Earlier books of the same model against the same reference, of one date or several; the report then says what
        moved since the last one, and how the goals went over time.
    gap : Explanation, optional
        What :func:`csrisk.success.gap_to_best` returned for the same accounts.
    extra : mapping of str to DataFrame, optional
        Further tables by their caption, each a section of its own.
    mrr : Series, optional
        Monthly revenue by account id, instead of the feature ``mrr`` or, where the model has none, the subscriptions.
        Accounts that it does not name have an unknown revenue, not none.
    lifetimes : DataFrame, optional
        How long accounts are expected to stay, as a score table with longevity has it, on (account_id, as_of).
    window : (int, int), optional
        Lead and horizon of the label in days, to print the dates of the forecast.
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
        For large books, HTML only: every account has a card, so many on a page. The page of the book is written to
        `path` and holds the first of them, the others go to a folder beside it, ``<name>-accounts``. `max_cards` does
        not count then.
    by_owner : bool, default False
        HTML only: a page for each owner with the cards of their accounts too, in a folder beside, ``<name>-owners``.
    digest : bool, default False
        One screen instead of the report, ready for a mail: who stays, what is at risk, what moved, whom to look at
        first. HTML without script and style sheet, or Markdown.

    Returns
    -------
    Path
        The file written, or the page of the book.

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
    >>> snapshots = pd.MultiIndex.from_product([range(60), [pd.Timestamp("2025-10-01")]], names=["account_id", "as_of"])
    >>> X = pd.DataFrame({"logins": range(60), "transfers": [0, 1, 2] * 20}, index=snapshots)
    >>> model = LGBMClassifier(n_estimators=5, verbose=-1).fit(X, X["logins"] + 9 * X["transfers"] > 40)
    >>> why = explain(model, X, reference=X, declarations={"logins": "footprint", "transfers": "churn"})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_report(f"{folder}/risk.html", why).name
    'risk.html'
    """
    target = Path(path)
    render = _RENDERERS.get(target.suffix.lower())
    if render is None:
        raise ConfigError(f"path: suffix={target.suffix!r} must be one of {list(_RENDERERS)}")
    if max_cards < 1:
        raise ConfigError(f"max_cards={max_cards} must be at least 1")
    if chunk is not None and (chunk < 1 or target.suffix.lower() != ".html"):
        raise ConfigError(f"chunk={chunk}: must be at least 1, and pages are written as .html only")
    if (digest and target.suffix.lower() not in DIGESTS) or (by_owner and target.suffix.lower() != ".html"):
        raise ConfigError(
            f"path: suffix={target.suffix!r}: a digest is one of {list(DIGESTS)}, and pages of owners are .html"
        )
    inputs = Inputs(
        title=title,
        data=data,
        evaluation=evaluation,
        calibration=calibration,
        backtest=backtest,
        checks=checks,
        expansion=expansion,
        previous=previous,
        gap=gap,
        extra=extra or {},
        provenance=provenance,
        mrr=mrr,
        lifetimes=lifetimes,
        window=window,
        currency=currency,
        account_url=checked_url(account_url, pseudonymise=bool(pseudonymise)),
        pseudonymise=pseudonymise,
        max_cards=max_cards,
        chunk=chunk,
    )
    report = compose(why, inputs)
    if by_owner:
        _write_owners(target, report)
    if digest:
        write_atomically(target, DIGESTS[target.suffix.lower()](report).encode("utf-8"))
    elif chunk is None:
        write_atomically(target, render(report).encode("utf-8"))
    else:
        _write_pages(target, report, chunk)
    return target


def _write_owners(target: Path, report: Report) -> None:
    """Write a page for each owner, in the order of their names."""
    folder = target.with_name(f"{target.stem}-owners")
    pages = render_owners(report, target.name)
    if not pages:
        raise ConfigError("by_owner=True: no account has an owner; it is the column `owner` of the table accounts")
    folder.mkdir(exist_ok=True)
    for name, content in pages:
        write_atomically(folder / name, content.encode("utf-8"))


def _write_pages(target: Path, report: Report, chunk: int) -> None:
    """Write the pages of accounts first, so that the page of the book never leads nowhere."""
    folder = target.with_name(f"{target.stem}-accounts")
    page, others = render_pages(report, chunk, folder.name, target.name)
    for name, content in others:
        folder.mkdir(exist_ok=True)
        write_atomically(folder / name, content.encode("utf-8"))
    write_atomically(target, page.encode("utf-8"))
