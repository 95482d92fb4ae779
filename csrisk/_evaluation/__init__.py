"""Honest evaluation: tables of metrics with intervals, comparisons, backtests."""

from csrisk._evaluation._backtest import Backtest, backtest
from csrisk._evaluation._curves import calibration_curve, capacity_curve
from csrisk._evaluation._empc import cost_curve, expected_maximum_profit
from csrisk._evaluation._evaluate import compare, evaluate, evaluate_scores
from csrisk._evaluation._folds import evaluate_folds
from csrisk._evaluation._money import expected_loss, profit_curve
from csrisk._evaluation._plots import plot_backtest, plot_calibration, plot_capacity, plot_cost, plot_profit
from csrisk._evaluation._survival import evaluate_survival

__all__ = [
    "Backtest",
    "backtest",
    "calibration_curve",
    "capacity_curve",
    "compare",
    "cost_curve",
    "evaluate",
    "evaluate_folds",
    "evaluate_scores",
    "evaluate_survival",
    "expected_loss",
    "expected_maximum_profit",
    "plot_backtest",
    "plot_calibration",
    "plot_capacity",
    "plot_cost",
    "plot_profit",
    "profit_curve",
]
