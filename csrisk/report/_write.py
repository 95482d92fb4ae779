"""From an explanation and all that stands beside it to a file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from csrisk._atomic import write_atomically
from csrisk._days import as_midnight
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

    from csrisk._explain import Explanation
    from csrisk.data import CustomerData
    from csrisk.evaluation import Backtest
    from csrisk.report._content import Report

__all__ = ["write_parts"]

_RENDERERS: Mapping[str, Callable[[Report], str]] = {
    ".html": render_html,
    ".md": render_markdown,
    ".json": render_json,
    ".csv": render_csv,
}


def write_parts(
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
    growth: Explanation | None = None,
    growth_amounts: Explanation | None = None,
    previous: Explanation | None = None,
    gap: Explanation | None = None,
    history: pd.DataFrame | None = None,
    learned_until: object = None,
    told: pd.DataFrame | None = None,
    told_by: str = "",
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
        growth=growth,
        growth_amounts=growth_amounts,
        previous=previous,
        gap=gap,
        history=history,
        learned_until=None if learned_until is None else as_midnight(learned_until, "learned_until"),
        told=told,
        told_by=told_by,
        extra=extra or {},
        provenance=provenance,
        mrr=mrr,
        lifetimes=lifetimes,
        window=window,
        currency=currency,
        # before any work: an address that is none, or would undo pseudonyms, is refused
        account_url=checked_url(account_url, pseudonymise=bool(pseudonymise)),
        pseudonymise=pseudonymise,
        max_cards=max_cards,
        chunk=chunk,
    )
    report = compose(why, inputs)
    # before the report: where no account has an owner nothing is written
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
    _clear(folder, r"\d{3,}-[a-z0-9-]+\.html", {name for name, _ in pages})


def _write_pages(target: Path, report: Report, chunk: int) -> None:
    """Write the pages of accounts first, so that the page of the book never leads nowhere."""
    folder = target.with_name(f"{target.stem}-accounts")
    page, others = render_pages(report, chunk, folder.name, target.name)
    written = set()
    for name, content in others:
        folder.mkdir(exist_ok=True)
        write_atomically(folder / name, content.encode("utf-8"))
        written.add(name)
    write_atomically(target, page.encode("utf-8"))
    _clear(folder, r"accounts-\d{3,}\.html", written)


def _clear(folder: Path, ours: str, written: set[str]) -> None:
    """Remove pages of an earlier report that this one has no more: of owners who are gone, of a larger book."""
    for old in sorted(folder.iterdir()) if folder.is_dir() else ():
        # by the names that we give: whatever else lies there is not ours
        if old.is_file() and re.fullmatch(ours, old.name) and old.name not in written:
            old.unlink()
