"""Churn and expansion models with the contract of scikit-learn."""

from csrisk.models._amount import AmountModel
from csrisk.models._churn import ChurnModel
from csrisk.models._expansion import ExpansionModel
from csrisk.models._longevity import LongevityModel
from csrisk.models._revenue import RevenueOutlook, revenue_outlook

__all__ = ["AmountModel", "ChurnModel", "ExpansionModel", "LongevityModel", "RevenueOutlook", "revenue_outlook"]
