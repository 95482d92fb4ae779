"""Arguments under the names of earlier releases, for the one version in which they still work."""

from __future__ import annotations

import warnings
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["grouped", "require_none_left", "warn_of_name"]

Group = TypeVar("Group")


def grouped(
    call: str,
    name: str,
    kind: type[Group],
    given: Group | None,
    others: dict[str, Any],
    *,
    renamed: Mapping[str, str] | None = None,
) -> Group | None:
    """Take what belongs in a group and was told by its earlier name out of `others`, with a warning."""
    earlier = {field: old for old, field in (renamed or {}).items()}
    names = [one.name for one in fields(kind)]  # type: ignore[arg-type]  # each is a dataclass
    mine = {one: others.pop(old) for one in names if (old := earlier.get(one, one)) in others}
    if not mine:
        return given
    room = kind.__module__.split(".")[1].lstrip("_")
    olds, news = (", ".join(f"{one}=..." for one in told) for told in ([earlier.get(one, one) for one in mine], mine))
    warn_of_name(f"{call}({olds})", f"{name}={kind.__name__}({news}), of csrisk.{room}", level=4)
    return kind(**mine) if given is None else replace(given, **mine)  # type: ignore[type-var]


def warn_of_name(old: str, new: str, *, level: int = 3) -> None:
    """Warn at the line that called the function whose argument this is."""
    warnings.warn(f"{old} is deprecated; say {new}", DeprecationWarning, stacklevel=level)


def require_none_left(call: str, others: Mapping[str, Any]) -> None:
    """Refuse what is the name of no argument, in the words of Python: ``**others`` would swallow a slip of the pen."""
    for name in others:
        raise TypeError(f"{call}() got an unexpected keyword argument {name!r}")
