"""One way of making figures: without pyplot, so that none stays open, and shown by a notebook all the same."""

from __future__ import annotations

import io
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["axes_or_new", "new_axes"]

_DPI = 110


def new_axes(size: tuple[float, float], rows: int = 1, columns: int = 1, **options: Any) -> tuple[Axes, ...]:
    """Make a figure of its own, freed with its last reference.

    Whatever a cell of a notebook ends in, the axes or a tuple of them, the picture is shown once: the first axes carry
    it, and the figure behind them does.

    Parameters
    ----------
    size : (float, float)
        Width and height in inches.
    rows, columns : int
        Places.
    **options
        For ``Figure.subplots``.

    Returns
    -------
    tuple of Axes
        Row by row.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    places = figure.subplots(rows, columns, squeeze=False, **options).ravel()
    drawn = _Shown(places)
    shown: Any
    for shown in (figure, places[0]):
        shown._repr_png_ = partial(_png, figure)
    return drawn


class _Shown(tuple):  # type: ignore[type-arg]  # of Axes
    """Axes of one figure, which a notebook shows as the picture."""

    __slots__ = ()

    def _repr_png_(self) -> bytes:
        return _png(self[0].figure)


def axes_or_new(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Give the axes handed over, or new ones."""
    return new_axes(size)[0] if ax is None else ax


def _png(figure: Figure) -> bytes:
    page = io.BytesIO()
    figure.savefig(page, format="png", dpi=_DPI, bbox_inches="tight")
    return page.getvalue()
