"""The bundled demonstration book."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from csrisk.exceptions import DataContractError

if TYPE_CHECKING:
    from csrisk.data import CustomerData

__all__ = ["DEMO", "demo_folder", "load_demo"]

DEMO: dict[str, Any] = {"n_accounts": 600, "months": 36, "seed": 2110, "end": "2026-01-01", "monthly_churn": 0.024}
_PACKAGE = Path(__file__).resolve().parents[1]


def demo_folder() -> Path:
    """Find the folder of the tables of the demo: inside the installed package, or ``data/`` of a checkout.

    Returns
    -------
    pathlib.Path
        A folder with one Parquet file per table, as `csrisk check FOLDER` and ``CustomerData.from_folder`` read it.

    Raises
    ------
    DataContractError
        If the files are missing.

    See Also
    --------
    load_demo : the same tables, opened.

    Examples
    --------
    >>> from csrisk.datasets import demo_folder
    >>> (demo_folder() / "accounts.parquet").exists()
    True
    """
    for folder in (_PACKAGE / "_demo", _PACKAGE.parent / "data"):
        if (folder / "accounts.parquet").exists():
            return folder
    message = (
        "the bundled book is missing (no csrisk/_demo and no data/ beside the package); reinstall csrisk, "
        "or write the book with `python -m csrisk.datasets._demo_make FOLDER`"
    )
    raise DataContractError(message)


def load_demo() -> CustomerData:
    """Load the bundled book of 600 simulated business software accounts over 36 months, January 2023 to December 2025.

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
    csrisk.datasets.make_saas : the process that the book was drawn from.

    Examples
    --------
    >>> import csrisk as cr
    >>> data = cr.load_demo()
    >>> len(data.accounts), str(data.end.date())
    (600, '2026-01-01')
    """
    from csrisk.data import CustomerData

    return CustomerData.from_folder(demo_folder(), end=DEMO["end"])
