"""How objects show themselves in a notebook: a caption and a small table, all text escaped."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["html_table"]

_LONGEST = 60


def html_table(caption: str, heads: Sequence[object], rows: Iterable[Sequence[object]], note: str = "") -> str:
    """Write a table as HTML; the first cell of a row is its name, the others are aligned as figures.

    Names come from customers: each is escaped, cut, and isolated, so that neither tags nor marks of direction act on
    what stands beside it.

    Parameters
    ----------
    caption : str
        What the table shows.
    heads : sequence
        Headings.
    rows : iterable of sequence
        Cells.
    note : str, optional
        Said below.

    Returns
    -------
    str

    Examples
    --------
    >>> html_table("1 account", ["account"], [["<b>"]]).count("&lt;b&gt;")
    1
    """
    top = "".join(f'<th scope="col">{_text(head)}</th>' for head in heads)
    body = "".join(
        f'<tr><th scope="row">{_text(row[0])}</th>{"".join(f"<td>{_text(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    below = f"<p>{html.escape(note)}</p>" if note else ""
    head = f"<thead><tr>{top}</tr></thead>" if heads else ""
    # a browser breaks a caption at the width of its table, which may be small
    style = "text-align: left" + ("; white-space: nowrap" if len(caption) <= _LONGEST else "")
    above = f'<caption style="{style}">{html.escape(caption)}</caption>'
    return f"<table>{above}{head}<tbody>{body}</tbody></table>{below}"


def _text(cell: object) -> str:
    text = str(cell)
    return f"<bdi>{html.escape(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…')}</bdi>"
