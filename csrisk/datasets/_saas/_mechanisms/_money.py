"""Invoices that are paid late or disputed, licences used beyond what was bought, and customers who cannot leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk.datasets._saas._mechanisms._push import NEVER, Mechanism, Part, World, ages, delayed, lasting

if TYPE_CHECKING:
    from csrisk.datasets._saas._contracts import Book
    from csrisk.datasets._saas._mechanisms._push import Levels, Push, Struck

__all__ = ["CAPTIVITY", "INVOICES", "OVERUSE"]

_DAYS_TO_PAY = 30


def _owe(book: Book, rng: np.random.Generator) -> tuple[Levels, Struck]:
    begun = (rng.random(book.shape) < 0.02) & (ages(book) > 1)
    length = rng.integers(1, 4, book.shape[0])
    late = lasting(begun, length)
    disputed = lasting(begun & (rng.random(book.shape) < 0.4), length)
    # issued on the first day of a month and due thirty days later, so that it is overdue in the next one
    return {"invoice_overdue": delayed(late, 1), "invoice_disputed": disputed.astype(float)}, {
        "late": late,
        "disputed": disputed,
    }


def _write_invoices(world: World, push: Push, rng: np.random.Generator) -> None:
    book = world.book
    account, month = np.nonzero(book.active)
    n, first = len(account), book.months[month]
    issued = np.maximum(first, book.start_day[account].astype("datetime64[D]"))
    late, disputed = push.struck["late"][account, month], push.struck["disputed"][account, month]
    due = issued + np.timedelta64(_DAYS_TO_PAY, "D")
    usual = np.clip(np.round(rng.normal(-6, 5, n)), -25, 12)
    paid = due + np.where(late, rng.integers(35, 95, n), usual).astype("timedelta64[D]")
    never = late & (rng.random(n) < 0.2)
    objected = issued + rng.integers(4, 25, n).astype("timedelta64[D]")
    rows = pd.DataFrame(
        {
            "account": account,
            "invoice_id": [f"invoice-{a:04d}-{m:03d}" for a, m in zip(account, month, strict=True)],
            "issued_at": issued.astype("datetime64[us]"),
            "due_at": due.astype("datetime64[us]"),
            "paid_at": np.where(never, NEVER, world.until_end(account, paid.astype("datetime64[us]"))),
            "amount": np.round(book.mrr[account, month], 2),
            "disputed": pd.array(disputed, dtype="boolean"),
            "disputed_at": np.where(disputed, world.until_end(account, objected.astype("datetime64[us]")), NEVER),
        }
    )
    # an objection after the account has left was never made
    rows["disputed"] = rows["disputed"] & rows["disputed_at"].notna()
    world.add("invoices", rows)


INVOICES = Mechanism(
    "invoices",
    "churn",
    "invoices are paid one to three months after they were due, or never, and some are disputed",
    (
        Part("invoice_overdue", "an invoice is overdue", log_odds={"churn": 1.2}),
        Part("invoice_disputed", "an invoice was disputed", log_odds={"churn": 0.7}),
    ),
    _owe,
    _write_invoices,
)


def _outgrow(book: Book, rng: np.random.Generator) -> tuple[Levels, Struck]:
    over = lasting((rng.random(book.shape) < 0.02) & (ages(book) > 2), 7)
    return {"over_seats": over.astype(float)}, {}


def _write_nothing(world: World, push: Push, rng: np.random.Generator) -> None:
    """Usage shows it: more people come than there are seats."""


OVERUSE = Mechanism(
    "overuse",
    "footprint",
    "usage by more people than subscriptions.seats, for up to seven months or until the account grows",
    (Part("over_seats", "more people use it than have seats", log_odds={"expansion": 1.8}),),
    _outgrow,
    _write_nothing,
)


def _bind(book: Book, rng: np.random.Generator) -> tuple[Levels, Struck]:
    captive = (book.term == 12) & (rng.random(book.shape[0]) < 0.3)
    return {"captive": np.broadcast_to(captive[:, None], book.shape).astype(float)}, {"captive": captive}


def _write_terms(world: World, push: Push, rng: np.random.Generator) -> None:
    contracts, book = world.tables["subscriptions"], world.book
    account = pd.Index(world.ids).get_indexer(pd.Index(contracts["account_id"]))
    captive = push.struck["captive"][account]
    renews = captive | (rng.random(book.shape[0]) < 0.5)[account]
    days = pd.to_timedelta(np.where(captive, 90, 30), unit="D")
    world.tables["subscriptions"] = contracts.assign(
        notice_at=(contracts["planned_end"] - days).astype("datetime64[us]"),
        auto_renews=pd.array(renews, dtype="boolean"),
        list_price=np.round(contracts["mrr"] / (1 - book.discount[account]), 2),
    )


CAPTIVITY = Mechanism(
    "captivity",
    "churn",
    "annual contracts that renew by themselves with 90 days of notice, and bad answers; no growth and no reference",
    (
        Part(
            "captive",
            "the customer is unhappy and has no way out: long term, no alternative",
            (0.0, 0.0, -1.3, 0.0),
            {"churn": -2.2, "expansion": -1.0},
        ),
    ),
    _bind,
    _write_terms,
)
