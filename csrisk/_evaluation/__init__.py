"""Honest evaluation: tables of metrics with intervals, comparisons, backtests."""

from csrisk._evaluation._evaluate import compare, evaluate, evaluate_scores

__all__ = ["compare", "evaluate", "evaluate_scores"]
