"""Honest evaluation: tables of metrics with intervals, comparisons, backtests."""

from csrisk._evaluation._backtest import Backtest, backtest
from csrisk._evaluation._evaluate import compare, evaluate, evaluate_scores

__all__ = ["Backtest", "backtest", "compare", "evaluate", "evaluate_scores"]
