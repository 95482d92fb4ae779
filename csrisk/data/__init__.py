"""Tables in: the contract, validation and loading."""

import importlib
import warnings
from typing import Any

from csrisk.data._customer_data import CustomerData
from csrisk.data._declared._contract import CONTRACT, Column, Order, Table
from csrisk.data._declared._words import AGAINST_US, ENDED, FOR_US, UNASKED
from csrisk.data._findings._breach import CODES, Breach, Code
from csrisk.data._presets import matching_presets, preset, presets

__all__ = [
    "AGAINST_US",
    "CODES",
    "CONTRACT",
    "ENDED",
    "FOR_US",
    "UNASKED",
    "Breach",
    "Code",
    "Column",
    "CustomerData",
    "Order",
    "Table",
    "matching_presets",
    "preset",
    "presets",
]

_MOVED = ("SaasBook", "SaasTruth", "load_demo", "make_saas")


def __getattr__(name: str) -> Any:
    """Names that moved to `csrisk.datasets` stay for one version; that room lies above this one."""
    if name not in _MOVED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    message = f"csrisk.data.{name} moved to csrisk.datasets.{name}; the old name goes with version 0.2"
    warnings.warn(message, DeprecationWarning, stacklevel=2)
    return getattr(importlib.import_module("csrisk.datasets"), name)
