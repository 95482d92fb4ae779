"""Honest evaluation: tables of metrics with intervals, comparisons, backtests, and plots of these tables."""

from csrisk._evaluation import (
    Backtest,
    backtest,
    calibration_curve,
    capacity_curve,
    compare,
    cost_curve,
    evaluate,
    evaluate_scores,
    evaluate_survival,
    expected_loss,
    expected_maximum_profit,
    plot_calibration,
    plot_capacity,
    plot_cost,
    plot_profit,
    profit_curve,
)

__all__ = [
    "Backtest",
    "backtest",
    "calibration_curve",
    "capacity_curve",
    "compare",
    "cost_curve",
    "evaluate",
    "evaluate_scores",
    "evaluate_survival",
    "expected_loss",
    "expected_maximum_profit",
    "plot_calibration",
    "plot_capacity",
    "plot_cost",
    "plot_profit",
    "profit_curve",
]
