"""Honest evaluation: tables of metrics with intervals, comparisons, backtests, and plots of these tables."""

from csrisk._evaluation import Backtest, backtest, compare, evaluate, evaluate_scores

__all__ = ["Backtest", "backtest", "compare", "evaluate", "evaluate_scores"]
