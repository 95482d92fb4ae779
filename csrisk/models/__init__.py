"""Churn and expansion models with the contract of scikit-learn."""
