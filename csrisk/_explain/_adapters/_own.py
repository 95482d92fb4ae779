"""What is explained is what a foreign model itself predicts for the original frames, or nothing is explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from csrisk.exceptions import ExplanationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from csrisk._explain._adapters._subject import Subject
    from csrisk._explain._reference import Comparison

    Matrix = NDArray[np.float64]

__all__ = ["require_ends", "require_own"]

_SAME = 1e-6  # libraries that count in single precision give the same numbers again, but their means may round


def require_own(subject: Subject, frame: pd.DataFrame, matrix: Matrix, what: str) -> None:
    """Compare predictions of encoded rows with the model's own for the frame that they came from."""
    if subject.own is None:
        return
    try:
        own = subject.own(frame)
    except ExplanationError:
        raise
    except Exception as error:
        # the text of the error may quote values of customers; it stays in the chain
        raise ExplanationError(
            f"the model itself does not predict {what} ({type(error).__name__}); give each column the dtype and the "
            "categories that it had in training"
        ) from error
    _require_close(subject.on(subject.predicts)(matrix), own, what)


def require_ends(
    subject: Subject,
    output: str,
    rows: Matrix,
    reference: Matrix,
    comparisons: Sequence[Comparison],
    ends: tuple[Matrix, Matrix],
) -> None:
    """Compare base and predictions of an explanation with the model of another library."""
    if subject.own is None:
        return
    function, base = subject.on(output), np.empty(len(rows))
    for comparison in comparisons:
        values = function(reference[comparison.reference])
        base[comparison.rows] = values if comparison.paired else values.mean()
    _require_close(ends[0], base, "the mean of the reference")
    _require_close(ends[1], function(rows), "X")


def _require_close(found: Matrix, own: Matrix, what: str) -> None:
    # relative above 1, for amounts; absolute below, for probabilities near 0
    gap = np.abs(found - own) > _SAME * np.maximum(1.0, np.abs(own))
    # NaN compares false: a prediction missing on one side alone would pass
    gap |= np.isnan(found) != np.isnan(own)
    if gap.any():
        largest = float(np.nanmax(np.abs(found - own), initial=0.0))
        raise ExplanationError(
            f"{int(gap.sum())} of {len(own)} predictions of {what} are not those of the model itself, by up to "
            f"{largest:.3g}; give X and the reference the dtypes and categories of training, or explain a function of "
            "numbers: a pipeline that encodes them itself"
        )
