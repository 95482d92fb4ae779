"""Whom to call: priorities, uplift, and health scores held against what happened."""
