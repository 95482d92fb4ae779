"""Examples in docstrings: a world that several of them simulate is made, and opened, once for all."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from csrisk.datasets import SaasBook


@cache
def _made_once(*words: Any, **named: Any) -> SaasBook:
    from csrisk.datasets._saas._make import SaasBook, make_saas

    book = make_saas(*words, **named)
    # tables are only read, and what is rolled up from them stays with them
    object.__setattr__(book, "data", cache(lambda: SaasBook.data(book)))
    return book


@pytest.fixture(autouse=True)
def _worlds_of_examples(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if isinstance(request.node, pytest.DoctestItem):
        monkeypatch.setattr("csrisk.datasets.make_saas", _made_once)
