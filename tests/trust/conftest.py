from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest

import csrisk as cr
from csrisk.datasets import make_saas

if TYPE_CHECKING:
    from pathlib import Path

SPEC = {
    "snapshots": {"horizon": "90D", "lead": 0},
    "model": {"n_members": 2, "min_events": 2},
    "test": {"n_bootstrap": 20},
    "reference": {"rows": 20},
    "label": {"expansion": "mrr"},
}


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of a small book in ``tables`` and a model trained on them, ``model.csrisk``."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "tables").mkdir()
    for name, frame in make_saas(60, 15, seed=1).tables.items():
        frame.to_parquet(folder / "tables" / f"{name}.parquet")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # so small a book has no forward test
        cr.RiskPipeline(SPEC).fit(folder / "tables").save(folder / "model.csrisk")
    return folder
