"""The features of a training: what is learned from and the book after it are built together, as if each were alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

import csrisk as cr
from csrisk._pipeline._learning._panel import book, features_of, panel, resolved

if TYPE_CHECKING:
    from csrisk.data import CustomerData


def test_book_and_past_have_the_bits_that_they_have_alone(quick_spec: dict[str, Any], small_book: CustomerData) -> None:
    """An industry that the accounts of the book alone have must be no category of the past."""
    tables = {name: small_book.frame(name) for name in ("accounts", "subscriptions", "usage", "contacts")}
    accounts = tables["accounts"]
    young = accounts["started_at"] >= small_book.end - pd.Timedelta(days=60)
    assert young.any()
    tables["accounts"] = accounts.assign(industry=accounts["industry"].astype(object).mask(young, "only of late"))
    data = cr.CustomerData(tables, end=small_book.end)
    spec = resolved(cr.RiskSpec.from_dict(quick_spec), data)
    both = panel(spec, data, with_book=True)
    now = features_of(spec, data, book(spec, data))
    assert both.book is not None
    assert "only of late" in set(now["account_industry"])
    pd.testing.assert_frame_equal(both.book, now, check_exact=True)
    pd.testing.assert_frame_equal(both.X, features_of(spec, data, both.snapshots), check_exact=True)
    assert panel(spec, data).book is None
