from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from csrisk.data import CustomerData
    from csrisk.data._simulator import SaasBook


@pytest.fixture(scope="session")
def small_saas() -> SaasBook:
    """A small simulated book with its truth."""
    from csrisk.data import make_saas

    return make_saas(80, 18, seed=1)


@pytest.fixture(scope="session")
def small_book(small_saas: SaasBook) -> CustomerData:
    """The tables of `small_saas`, checked."""
    return small_saas.data()


@pytest.fixture(scope="session")
def demo() -> CustomerData:
    """The bundled book."""
    from csrisk.data import load_demo

    return load_demo()
