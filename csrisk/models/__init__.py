"""Churn and expansion models with the contract of scikit-learn."""

from csrisk.models._churn import ChurnModel
from csrisk.models._expansion import ExpansionModel

__all__ = ["ChurnModel", "ExpansionModel"]
