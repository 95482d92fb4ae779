"""The bundled demonstration book: how it is read, and how it is made."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from csrisk.exceptions import DataContractError

if TYPE_CHECKING:
    from csrisk.data._customer_data import CustomerData

__all__ = ["DEMO", "demo_folder", "load_demo", "write_demo"]

DEMO: dict[str, Any] = {"n_accounts": 520, "months": 30, "seed": 2025, "end": "2026-01-01"}
_PACKAGE = Path(__file__).resolve().parents[1]


def demo_folder() -> Path:
    """Find the folder of the bundled book: inside the installed package, or ``data/`` of a checkout.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    DataContractError
        If neither is there.
    """
    for folder in (_PACKAGE / "_demo", _PACKAGE.parent / "data"):
        if (folder / "accounts.parquet").exists():
            return folder
    message = (
        "the bundled book is missing (no csrisk/_demo and no data/ beside the package); reinstall csrisk, "
        "or write the book with `python -m csrisk.data._demo FOLDER`"
    )
    raise DataContractError(message)


def load_demo() -> CustomerData:
    """Load the bundled book of 520 simulated business software accounts over 30 months, July 2023 to December 2025.

    Returns
    -------
    CustomerData
        All tables of the contract; ``data.end`` is 2026-01-01.

    Raises
    ------
    DataContractError
        If the files of the book are missing.

    See Also
    --------
    csrisk.data.make_saas : the process that the book was drawn from.

    Examples
    --------
    >>> import csrisk as cr
    >>> data = cr.load_demo()
    >>> len(data.accounts), str(data.end.date())
    (520, '2026-01-01')
    """
    from csrisk.data._customer_data import CustomerData

    return CustomerData.from_folder(demo_folder(), end=DEMO["end"])


def write_demo(folder: str | Path) -> list[Path]:
    """Write the bundled book and its truth as Parquet files.

    Parameters
    ----------
    folder : path
        Where to write; made if it is missing.

    Returns
    -------
    list of pathlib.Path
        The files written.
    """
    from csrisk.data._simulator import make_saas

    folder = Path(folder)
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    book = make_saas(**DEMO)
    frames = {folder / f"{name}.parquet": table for name, table in book.tables.items()}
    frames[folder / "truth" / "accounts.parquet"] = book.truth.accounts.reset_index()
    frames[folder / "truth" / "months.parquet"] = _compact(book.truth.months)
    for path, frame in frames.items():
        frame.to_parquet(path, index=False, compression="zstd", compression_level=19)
    return list(frames)


def _compact(months: pd.DataFrame) -> pd.DataFrame:
    """States, churn and what drives it; single precision is plenty for a truth to compare with."""
    keep = [name for name in months.columns if not name.startswith(("contraction_", "expansion_"))]
    out = months[keep].reset_index()
    numbers = out.select_dtypes("float64").columns
    return out.astype(dict.fromkeys(numbers, "float32"))


if __name__ == "__main__":
    write_demo(sys.argv[1] if len(sys.argv) > 1 else _PACKAGE.parent / "data")
