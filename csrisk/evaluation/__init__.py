"""Honest evaluation: tables of metrics with intervals, comparisons, backtests."""

from csrisk.evaluation._backtest import Backtest, Measurement, backtest
from csrisk.evaluation._curves import calibration_curve, capacity_curve
from csrisk.evaluation._empc import Offer, cost_curve, expected_maximum_profit
from csrisk.evaluation._evaluate import compare, evaluate, evaluate_scores
from csrisk.evaluation._folds import evaluate_folds
from csrisk.evaluation._money import expected_loss, profit_curve
from csrisk.evaluation._plots import plot_backtest, plot_calibration, plot_capacity, plot_cost, plot_profit
from csrisk.evaluation._survival import evaluate_survival

__all__ = [
    "Backtest",
    "Measurement",
    "Offer",
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
