"""Contributions of a book, compared with what the specification says."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal

from csrisk._explain import Reference, explain
from csrisk._pipeline._settings._declared import own_declarations
from csrisk._text import number

if TYPE_CHECKING:
    import pandas as pd

    from csrisk._explain import Explanation
    from csrisk._pipeline._pipeline import RiskPipeline

__all__ = ["explained"]

_COMPARED_WITH = {
    "training": "snapshots of the training period",
    "book": "accounts of this book",
    "healthiest": "snapshots with the lowest tenth of risk in the training period",
}
_logger = logging.getLogger("csrisk")


def explained(
    pipeline: RiskPipeline,
    X: pd.DataFrame,
    model: Any = None,
    output: Literal["probability", "amount"] = "probability",
) -> Explanation:
    """Split the risks of a book over the goals, or what another model of the pipeline predicts."""
    _logger.info("contributions of %s accounts", f"{len(X):,}")
    spec = pipeline.spec_
    kind, first = spec.reference.kind, spec.reference.first
    rows = X if kind == "book" else pipeline.reference_
    words = f"{number(len(rows), 0)} {_COMPARED_WITH[kind]}" + (f", {first} first" if first else "")
    reference = Reference(rows, "book", words, first, first=first is not None)
    told = own_declarations(spec).values()
    model, rows_told = pipeline.model_ if model is None else model, spec.reference.rows
    return explain(model, X, reference=reference, output=output, declarations=told, n_reference=rows_told)
