"""csrisk: churn and expansion risk in customer success, explained by goal in percentage points."""

from csrisk._explain import Explanation, explain
from csrisk._goals import Goal
from csrisk._snapshots import Snapshots
from csrisk.data._customer_data import CustomerData
from csrisk.features._declaration import Feature
from csrisk.models import ChurnModel, ExpansionModel

__version__ = "0.1.0"

__all__ = ["CustomerData", "Goal", "Feature", "Snapshots", "ChurnModel", "ExpansionModel", "explain", "Explanation"]
