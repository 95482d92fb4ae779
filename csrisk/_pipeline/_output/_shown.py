"""How a pipeline shows itself: what it learned from, how well it did, what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from csrisk._text import html_table, number

if TYPE_CHECKING:
    from csrisk._pipeline._pipeline import RiskPipeline

__all__ = ["pipeline_html", "pipeline_words"]


def pipeline_words(pipeline: RiskPipeline) -> str:
    """Write a pipeline in one line."""
    snapshots = pipeline.spec.snapshots
    asked = f"horizon={snapshots.horizon!r}, lead={snapshots.lead!r}"
    if not hasattr(pipeline, "model_id_"):
        return f"RiskPipeline({asked}; not fitted)"
    facts = pipeline.record_.facts
    quality = _quality(pipeline)
    return (
        f"RiskPipeline({asked}; learned from {facts.get('learned from', 'an unknown book')}, trained at "
        f"{facts.get('trained at', 'an unknown date')}{f'; {quality}' if quality else ''}; model {pipeline.model_id_})"
    )


def pipeline_html(pipeline: RiskPipeline) -> str:
    """Show a pipeline in a notebook: facts of its training, and the forward test."""
    if not hasattr(pipeline, "model_id_"):
        return html_table(pipeline_words(pipeline), [], [], "fit(data) trains it.")
    facts = {name: _plain(fact) for name, fact in pipeline.record_.facts.items()}
    quality = _quality(pipeline)
    rows = [*facts.items(), *([("forward test", quality)] if quality else []), ("model", pipeline.model_id_)]
    return html_table("RiskPipeline", [], rows)


def _quality(pipeline: RiskPipeline) -> str:
    table = pipeline.record_.evaluation().get("model")
    if table is None or "auc" not in table.index:
        return ""
    estimate, low, high = (float(table.loc["auc", name]) for name in ("estimate", "low", "high"))  # type: ignore[arg-type]
    return f"AUC {number(estimate, 2)} ({number(low, 2)} to {number(high, 2)}) on later data"


def _plain(fact: object) -> object:
    return ", ".join(map(str, fact)) if isinstance(fact, list | tuple) else fact
