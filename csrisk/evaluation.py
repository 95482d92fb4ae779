"""Honest evaluation: tables of metrics with intervals, comparisons, backtests, and plots of these tables."""

from csrisk._evaluation import (
    Backtest,
    backtest,
    calibration_curve,
    capacity_curve,
    compare,
    evaluate,
    evaluate_scores,
    evaluate_survival,
    expected_loss,
    plot_calibration,
    plot_capacity,
    plot_profit,
    profit_curve,
)

__all__ = [
    "Backtest",
    "backtest",
    "calibration_curve",
    "capacity_curve",
    "compare",
    "evaluate",
    "evaluate_scores",
    "evaluate_survival",
    "expected_loss",
    "plot_calibration",
    "plot_capacity",
    "plot_profit",
    "profit_curve",
]
