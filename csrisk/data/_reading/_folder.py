"""The one reader of folders: which file is which table, and what is there besides."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from csrisk._text import shown
from csrisk.data._declared._contract import CONTRACT
from csrisk.data._declared._kinds import FOREIGN_ENDINGS
from csrisk.data._findings._breach import Breach, did_you_mean
from csrisk.data._reading._parts import near_name, skipped
from csrisk.data._reading._workbook import FILE_ENDINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from csrisk.data._query import Answers

__all__ = ["FolderTables", "find_tables"]

# files of tables in forms that csrisk does not read; reports, models and configurations beside them are no tables
_FOREIGN = (*FOREIGN_ENDINGS, ".gz")
_MOST = 10


class FolderTables(dict[str, Any]):
    """Paths by table, as they were found in a folder."""

    def __init__(self, paths: Mapping[str, Any], breaches: Sequence[Breach]) -> None:
        super().__init__(paths)
        self.breaches = tuple(breaches)


def find_tables(
    folder: str | os.PathLike[str],
    named: Mapping[str, str | Sequence[str]] | None = None,
    answers: Answers | None = None,
) -> FolderTables:
    """Find the tables of a folder: ``<table>.parquet``, ``.csv`` or ``.csv.gz``, or a folder ``<table>`` of parts.

    Upper and lower case are alike; hidden names and marks such as ``_SUCCESS`` are left out. What is no table is noted.
    """
    asked, read = answers or ({}, frozenset())
    named = named or {}
    names, refused = _listed(Path(folder))
    if refused:
        return FolderTables({}, [Breach("CSD009", count=0, detail=refused)])
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(_table(name, Path(folder, name).is_dir()), []).append(name)
    # what is named for one table is not another one by what it is called
    claimed = {name for files in named.values() for name in ([files] if isinstance(files, str) else files)}
    paths: dict[str, Any] = {}
    breaches = []
    for table in CONTRACT:
        if table in asked:
            continue
        if table in named:
            paths[table] = _inside(Path(folder), named[table])
        elif len(own := [name for name in found.get(table, []) if name not in claimed]) > 1:
            told = f"there are {', '.join(map(_quoted, own))}; keep one, or say which in [tables]"
            breaches.append(Breach("CSD009", table, count=len(own), detail=told))
        elif own:
            paths[table] = Path(folder, own[0])
    used = read | {name for path in paths.values() for name in _heads(path, Path(folder))}
    unused = [name for name in names if name not in used and _table(name, False) not in paths and _is_table(name)]
    unused += [name for table in named for name in found.get(table, []) if name not in used]
    if unused:
        breaches.append(Breach("CSD021", count=len(unused), detail=_named(unused)))
    paths |= asked
    if not paths and not any(breach.fatal for breach in breaches):
        breaches.append(_nothing(folder))
    return FolderTables(paths, breaches)


def _listed(folder: Path) -> tuple[list[str], str]:
    """Names in a folder, or why there are none."""
    try:
        # the file system gives names in any order, and messages list them
        names = sorted(name for name in os.listdir(folder) if not skipped(name))
    except NotADirectoryError:
        return [], f"{shown(folder, 'the source')} is no folder"
    except FileNotFoundError:
        return [], f"the folder {shown(folder, 'that was given')} does not exist{near_name(folder)}"
    except OSError as error:
        return [], f"the folder {shown(folder, 'that was given')} cannot be read: {error.strerror}"
    return names, ""


def _nothing(folder: str | os.PathLike[str]) -> Breach:
    detail = f"the folder {shown(folder, 'that was given')} holds no table; tables are {list(CONTRACT)}"
    return Breach("CSD009", count=0, detail=detail)


def _table(name: str, is_folder: bool) -> str:
    """Name the table that a file would be; empty for none."""
    stem = name.lower().removesuffix(".gz")
    ending = next((ending for ending in FILE_ENDINGS if stem.endswith(ending)), "")
    known = stem.removesuffix(ending) if ending else stem
    return known if known in CONTRACT and (ending or is_folder) else ""


def _is_table(name: str) -> bool:
    return name.lower().removesuffix(".gz").endswith((*FILE_ENDINGS, *_FOREIGN)) or name.lower().endswith(_FOREIGN)


def _inside(folder: Path, names: str | Sequence[str]) -> Any:
    return folder / names if isinstance(names, str) else [folder / name for name in names]


def _heads(path: Any, folder: Path) -> Iterable[str]:
    """Names in the folder that paths and patterns lead to."""
    for one in path if isinstance(path, list) else [path]:
        relative = one.relative_to(folder)
        yield from (hit.relative_to(folder).parts[0] for hit in folder.glob(str(relative)))
        yield relative.parts[0]


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    hints = [hint for name in names if (hint := did_you_mean(Path(name).stem, CONTRACT)).startswith("did")]
    return ", ".join(map(_quoted, names[:_MOST])) + more + (f"; {hints[0]}" if len(names) == 1 and hints else "")


def _quoted(name: str) -> str:
    return shown(name, "a file")
