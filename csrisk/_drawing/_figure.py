"""One way of making figures: without pyplot, so that none stays open, and shown by a notebook all the same."""

from __future__ import annotations

import io
import warnings
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Literal

from csrisk._drawing._palette import FAINT
from csrisk._text import money, number, one_line, percent, signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "SMALL",
    "WIDTH",
    "as_money",
    "as_number",
    "as_percent",
    "as_points",
    "axes_or_new",
    "families",
    "name_of",
    "new_axes",
    "plain",
]

# of systems of today, for signs of names that the first font lacks
_WIDE = ("Noto Sans CJK JP", "Hiragino Sans", "PingFang SC", "Microsoft YaHei", "Malgun Gothic", "Noto Emoji")
_DPI = 110
_FACES = range(0x1F000, 0x1FB00)  # emoji and pictures of their kind; letters of rare scripts lie outside
WIDTH, SMALL = 6.4, 9.0  # inches, points: shown 400 pixels wide, the smallest letters are of 8


def new_axes(size: tuple[float, float], rows: int = 1, columns: int = 1, **options: Any) -> tuple[Axes, ...]:
    """Make a figure of its own, freed with its last reference.

    Whatever a cell of a notebook ends in, the axes or a tuple of them, the picture is shown once: the first axes carry
    it, and the figure behind them does.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    # squeeze gives no array where there is one place
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


def plain(ax: Axes, grid: Literal["x", "y", "both"] | None = None) -> Axes:
    """Take what says nothing off the axes: two sides, ticks, large letters; a faint grid lies behind."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(length=0, labelsize=SMALL)
    if grid is not None:
        ax.grid(axis=grid, color=FAINT, linewidth=0.6)
        ax.set_axisbelow(True)
    return ax


def as_percent(share: float, _: float) -> str:
    """Write a share at a tick; a function of its own, so that figures can be pickled."""
    return percent(share, None)


def as_number(value: float, _: float) -> str:
    """Write a number at a tick."""
    return number(value)


def as_points(points: float, _: float) -> str:
    """Write percentage points at a tick."""
    return signed(points)


def as_money(amount: float, _: float) -> str:
    """Write an amount at a tick."""
    return money(amount)


def name_of(label: object, longest: int = 38) -> str:
    """Name a customer such that it fits, and so that neither a dollar nor a mark of direction acts on the picture."""
    text = one_line(str(label))
    if not _has_faces():
        # without a font for them they are boxes; what is left still names the account
        text = "".join(sign for sign in text if ord(sign) not in _FACES).strip() or text
    # of many that begin alike the ends differ
    end = longest * 3 // 10
    text = text if len(text) <= longest else f"{text[: longest - end - 1]}…{text[-end:]}"
    return text.replace("$", r"\$")


@cache
def _has_faces() -> bool:
    from matplotlib.font_manager import get_font_names

    return "Noto Emoji" in get_font_names()


def families() -> list[str]:
    """Name the fonts for names of customers: the usual, then those that this machine has for further signs."""
    from matplotlib import rcParams
    from matplotlib.font_manager import get_font_names

    there = set(get_font_names())
    return [*rcParams["font.family"], *[name for name in _WIDE if name in there]]


def _png(figure: Figure) -> bytes:
    page = io.BytesIO()
    with warnings.catch_warnings():
        # a sign without a letter in any font is drawn as a box, which whoever looks at it sees
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from", UserWarning)
        figure.savefig(page, format="png", dpi=_DPI, bbox_inches="tight")
    return page.getvalue()
