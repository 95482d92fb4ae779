"""What a run would do: data, dates and labels are read, nothing is fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from csrisk._pipeline._learning._panel import book, labelled_past, resolved

if TYPE_CHECKING:
    from csrisk._pipeline._pipeline import RiskPipeline
    from csrisk._pipeline._settings._spec import RiskSpec
    from csrisk.data import CustomerData

__all__ = ["plan_book", "plan_training"]


def plan_training(spec: RiskSpec, data: CustomerData, until: Any = None) -> dict[str, Any]:
    """Say what a training would learn from."""
    snapshots, churn = labelled_past(resolved(spec, data), data, until)
    dates = snapshots.as_of
    return {
        **_tables(data),
        "snapshots": len(snapshots),
        "accounts": len(snapshots.accounts),
        "first and last snapshot": f"{dates.min():%Y-%m-%d} to {dates.max():%Y-%m-%d}",
        "churned": int(churn.sum()),
    }


def plan_book(pipeline: RiskPipeline, data: CustomerData, as_of: Any = None) -> dict[str, Any]:
    """Say which book would be scored."""
    pipeline.record_.require_tables(data.tables)
    found = book(pipeline.spec_, data, as_of)
    return {
        **_tables(data),
        "model": pipeline.model_id_,
        "as of": f"{found.as_of.iloc[0]:%Y-%m-%d}",
        "accounts to score": len(found),
    }


def _tables(data: CustomerData) -> dict[str, Any]:
    return {
        "tables": list(data.tables),
        "missing tables": list(data.missing),
        "first and last day": f"{data.start:%Y-%m-%d} to {data.end:%Y-%m-%d}",
        # ends are first days not observed; people ask for the last one that was
        "observed until": {name: f"{end - pd.Timedelta(days=1):%Y-%m-%d}" for name, end in data.ends.items()},
        "rows set aside": len(data.rejected),
        **({"rows left out": data.left_out} if data.left_out else {}),
    }
