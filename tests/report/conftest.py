from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import _books


@pytest.fixture(scope="session")
def why():
    return _books.explanation(60)


@pytest.fixture(scope="session")
def data():
    return _books.customers(60)


@pytest.fixture(scope="session")
def hostile():
    return _books.customers(60, names=_books.HOSTILE)


@pytest.fixture(scope="session")
def parts(data):
    return {
        "data": data,
        "evaluation": _books.evaluation(),
        "calibration": _books.calibration(),
        "checks": _books.checks(),
        "currency": "€",
        "window": (14, 90),
        "provenance": {"seed": 0, "data": {"sha256": "ab" * 32}},
    }


@pytest.fixture(scope="session")
def page(why, parts, tmp_path_factory):
    """A full report as HTML text."""
    import csrisk as cr

    return cr.write_report(tmp_path_factory.mktemp("report") / "risk.html", why, **parts).read_text("utf-8")
