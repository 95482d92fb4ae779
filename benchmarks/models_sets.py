"""Flat churn sets for the benchmark of models, read from `CSRISK_DATA`; without it, beside the checkout."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(os.environ.get("CSRISK_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def telco() -> tuple[pd.DataFrame, pd.Series]:
    frame = pd.read_csv(FOLDER / "ibm_telco" / "Telco-Customer-Churn.csv").drop(columns="customerID")
    frame["TotalCharges"] = pd.to_numeric(frame["TotalCharges"], errors="coerce")
    return _typed(frame.drop(columns="Churn")), frame["Churn"] == "Yes"


def iranian() -> tuple[pd.DataFrame, pd.Series]:
    frame = pd.read_csv(FOLDER / "iranian" / "Customer_Churn.csv").rename(columns=lambda name: "_".join(name.split()))
    return _typed(frame.drop(columns="Churn")), frame["Churn"] == 1


def mlc() -> tuple[pd.DataFrame, pd.Series]:
    frame = pd.read_parquet(FOLDER / "mlc_churn" / "mlc_churn.parquet")
    return _typed(frame.drop(columns="churn")), frame["churn"].astype(str) == "yes"


def saas() -> tuple[pd.DataFrame, pd.Series]:
    frame = pd.read_csv(FOLDER / "pysurvival_saas" / "churn.csv")
    return _typed(frame.drop(columns="churned")), frame["churned"] == 1


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    text = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    return frame.astype({**dict.fromkeys(frame.columns.difference(text), float), **dict.fromkeys(text, "category")})


SETS: dict[str, Callable[[], tuple[pd.DataFrame, pd.Series]]] = {
    "telco": telco,
    "iranian": iranian,
    "mlc": mlc,
    "saas": saas,
}
