from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import csrisk as cr

if TYPE_CHECKING:
    from csrisk.data import CustomerData


@pytest.fixture(scope="session")
def quick_spec() -> dict[str, Any]:
    """A specification with every model, each of them small."""
    return {
        "snapshots": {"lead": 0},
        "model": {"n_members": 2, "min_events": 2, "blend": False},
        "test": {"n_bootstrap": 20},
        "reference": {"rows": 20},
        "label": {"expansion": "mrr"},
    }


@pytest.fixture(scope="session")
def quick(quick_spec: dict[str, Any], small_book: CustomerData) -> cr.RiskPipeline:
    """A pipeline fitted as `quick_spec` says; tests read it and change nothing."""
    return cr.RiskPipeline(quick_spec).fit(small_book)
