"""What counts as use: the one place that tells it for features, labels, eligibility and reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw

if TYPE_CHECKING:
    from csrisk.data import CustomerData

__all__ = ["uses"]


def uses(data: CustomerData) -> nw.LazyFrame[Any]:
    """Rows of the usage table that are use: a quantity of 0 says that nothing happened.

    Roll-ups of warehouses fill every day of a calendar so. Such a row still shows that use was observed on its day, and
    its money (a refund) still counts as money.
    """
    rows = data.lazy("usage")
    # without a single quantity every row has the default, 1
    return rows.filter(nw.col("quantity") > 0) if data.has("usage", "quantity") else rows
