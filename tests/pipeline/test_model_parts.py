"""Model files whose parts do not fit each other: honest hashes, and refused by the part that does not fit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import csrisk as cr
from csrisk._pipeline._archive import array_from_bytes, array_to_bytes
from csrisk._pipeline._model_files._record_rules import MAX_CELLS
from csrisk.exceptions import ModelFileError

from ._model_files import RELEASES, Members, packed, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Matrix = np.ndarray[Any, Any]


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Members:
    path = tmp_path_factory.mktemp("honest") / "m.csrisk"
    cr.RiskPipeline.load(RELEASES / "schema_1.csrisk").save(path)
    return unpacked(path)


def array(name: str, edit: Callable[[Matrix, int], Matrix]) -> Callable[[Members], Members]:
    """Change an array; `edit` is told the place of the first category."""
    member = f"arrays/{name}.npy"

    def change(members: Members) -> Members:
        columns = json.loads(members["churn.json"])["columns"]
        place = next(place for place, column in enumerate(columns) if column["kind"] == "category")
        values = np.array(array_from_bytes(members[member], member))
        return {**members, member: array_to_bytes(edit(values, place))}

    return change


def told(name: str, edit: Callable[[Any], object]) -> Callable[[Members], Members]:
    def change(members: Members) -> Members:
        value = json.loads(members[name])
        edit(value)
        return {**members, name: json.dumps(value).encode()}

    return change


def strange(values: Matrix, place: int) -> Matrix:
    values[0, place] = 99
    return values


def wide(table: Any) -> None:
    for column in table["gain"]["columns"].values():
        column += column[-1:] * (MAX_CELLS // 3)


def rename(columns: Any) -> None:
    columns[1]["name"] = columns[0]["name"]


PARTS: dict[str, tuple[Callable[[Members], Members], str]] = {
    "a category that the model does not know": (array("reference", strange), "rows hold a category that the model"),
    "the same in the book of training": (array("baseline", strange), "the baseline holds a category that the model"),
    "a column less": (array("reference", lambda x, _: x[:, 1:]), r"rows of shape \(\d+, \d+\) do not fit \d+ columns"),
    "rows of no columns": (array("reference", lambda x, _: x[:, 0]), r"rows of shape \(\d+,\) do not fit"),
    "no rows": (array("reference", lambda x, _: x[:0]), "the golden rows of churn have another shape"),
    "margins of fewer rows": (
        array("churn_margins", lambda x, _: x[1:]),
        "the golden rows of churn have another shape",
    ),
    "more rows than may be": (array("reference", lambda x, _: np.resize(x, (1001, x.shape[1]))), "1001 reference rows"),
    "distances of no column": (
        told("baseline.json", lambda value: value["usual"].update(nothing=0.1)),
        "usual distances of columns that it has not",
    ),
    "one column twice": (told("churn.json", lambda value: rename(value["columns"])), "churn.json breaks its rules"),
    "a table without end": (told("record.json", wide), f"a table of more than {MAX_CELLS} cells"),
    "more members": (lambda members: {**members, "more.json": b"{}"}, "1 of .* members|'more.json'"),
    "trees of no part": (lambda members: {**members, "trees/399.txt": members["trees/000.txt"]}, "1 of .* members"),
    "negative zero": (
        array("reference", lambda x, _: np.where(x == 0, -0.0, x)),
        "holds other rows than what was read",
    ),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_that_does_not_fit_is_named(honest: Members, name: str, tmp_path: Path) -> None:
    change, message = PARTS[name]
    with pytest.raises(ModelFileError, match=message):
        cr.RiskPipeline.load(packed(change(honest), tmp_path / "m.csrisk"))
