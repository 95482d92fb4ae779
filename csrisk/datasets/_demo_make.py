"""Write the bundled demonstration book: ``python -m csrisk.datasets._demo_make data``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from csrisk.datasets._demo import DEMO
from csrisk.datasets._saas._make import make_saas

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["write_demo"]


def write_demo(folder: str | Path) -> list[Path]:
    """Write the bundled book and its truth as Parquet files."""
    folder = Path(folder)
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    book = make_saas(**DEMO)
    frames = {folder / f"{name}.parquet": table for name, table in book.tables.items()}
    frames[folder / "truth" / "accounts.parquet"] = book.truth.accounts.reset_index()
    frames[folder / "truth" / "months.parquet"] = _compact(book.truth.months)
    for path, frame in frames.items():
        # made once and shipped with every copy: the size counts, the time does not
        frame.to_parquet(path, index=False, compression="zstd", compression_level=19)
    return list(frames)


def _compact(months: pd.DataFrame) -> pd.DataFrame:
    """States, churn and what drives it; single precision is plenty for a truth to compare with."""
    keep = [name for name in months.columns if not name.startswith(("contraction_", "expansion_"))]
    out = months[keep].reset_index()
    numbers = out.select_dtypes("float64").columns
    return out.astype(dict.fromkeys(numbers, "float32"))


if __name__ == "__main__":
    write_demo(sys.argv[1] if len(sys.argv) > 1 else "data")
