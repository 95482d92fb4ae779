"""csrisk: churn and expansion risk in customer success, explained by goal in percentage points."""

from csrisk._evaluation import backtest, evaluate
from csrisk._explain import Explanation, Reference, explain, propose_goals
from csrisk._goals import Goal
from csrisk._labels import label_change, label_churn, label_contraction, label_expansion, label_time_to_churn
from csrisk._pipeline import RiskPipeline, RiskSpec
from csrisk._snapshots import Snapshots
from csrisk._splits import ForwardSplit
from csrisk.data._customer_data import CustomerData
from csrisk.datasets import load_demo
from csrisk.features import Feature, build_features
from csrisk.models import ChurnModel, ExpansionModel
from csrisk.monitoring import monitor
from csrisk.report import write_report

__version__ = "0.1.0"

__all__ = [
    "load_demo",
    "CustomerData",
    "Goal",
    "Feature",
    "Snapshots",
    "build_features",
    "label_churn",
    "label_contraction",
    "label_expansion",
    "label_change",
    "label_time_to_churn",
    "ForwardSplit",
    "ChurnModel",
    "ExpansionModel",
    "evaluate",
    "backtest",
    "explain",
    "propose_goals",
    "Explanation",
    "Reference",
    "write_report",
    "monitor",
    "RiskPipeline",
    "RiskSpec",
]
