"""A model as plain members of an archive, and back: numbers, text and JSON, rebuilt through the grammar of trees."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from csrisk._params import check_params
from csrisk._pipeline._archive import array_from_bytes, array_to_bytes
from csrisk._pipeline._model_files._strict_json import number, read_object
from csrisk._pipeline._model_files._tree_text import checked_trees, scoring_text
from csrisk.exceptions import ModelFileError
from csrisk.models import AmountModel, ChurnModel, ExpansionModel, LongevityModel
from csrisk.models._boosting import as_text, from_text, raw_score
from csrisk.models._rows import ColumnEncoder, check_periods

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["frame_of", "model_from_members", "model_to_members", "prove", "read_json", "write_json"]

Model = ChurnModel | ExpansionModel | AmountModel | LongevityModel
_CLASSES: dict[str, type[Model]] = {
    "ChurnModel": ChurnModel,
    "ExpansionModel": ExpansionModel,
    "AmountModel": AmountModel,
    "LongevityModel": LongevityModel,
}
_PARTS = {
    "churn": "ChurnModel",
    "expansion": "ExpansionModel",
    "growth": "AmountModel",
    "shrinkage": "AmountModel",
    "longevity": "LongevityModel",
}
_MAX_COLUMNS = 50_000
_MAX_BOOSTERS = 100
_SAME = 1e-12  # sums of the same leaves in the same order; another release may add them in another one


def model_to_members(model: Model, X: pd.DataFrame, part: str) -> dict[str, bytes]:
    """Take a fitted model apart."""
    names = _names(part, len(model.boosters_))
    trees = {
        name: scoring_text(as_text(booster)).encode("ascii")
        for name, booster in zip(names, model.boosters_, strict=True)
    }
    for name, text in trees.items():
        checked_trees(text, _width(model), name)  # what could not be read back is never written
    told = {
        "class": type(model).__name__,
        "params": model.get_params(),
        "columns": [
            {"name": column.name, "kind": column.kind, "categories": list(column.categories)}
            for column in model.columns_
        ],
        "counts": {name: getattr(model, name) for name in _counts(type(model))},
        **_figures(model),
        "trees": list(trees),
    }
    return {
        f"{part}.json": write_json(told),
        **trees,
        _margins_of(part): array_to_bytes(_margins(model, X)),
    }


def model_from_members(members: Mapping[str, bytes], part: str) -> Model:
    """Put a model together; no text reaches LightGBM before every line of it obeyed the grammar."""
    told = read_json(members, f"{part}.json")
    try:
        if told["class"] != _PARTS[part]:
            raise ValueError("class of another part")
        # before the class sees them: they are a stranger's until each is of its kind
        check_params(told["params"])
        model = _CLASSES[told["class"]](**told["params"])
        model.columns_ = _columns(told["columns"])
        names = told["trees"]
        # names are worked out and not taken: no part reads the trees of another
        named = 1 <= len(names) <= _MAX_BOOSTERS and names == _names(part, len(names)) and members.keys() >= set(names)
        for name in _counts(type(model)):
            setattr(model, name, int(told["counts"][name]))
        _set_figures(model, told)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ModelFileError(f"model file: {part}.json breaks its rules; train again or fetch it anew") from error
    width = len(model.columns_)
    if not 0 < width <= _MAX_COLUMNS or not named:
        raise ModelFileError(f"model file: {part}.json names {len(names)} members of trees and {width} columns")
    texts = [checked_trees(members[name], _width(model), name) for name in names]
    model.n_features_in_ = width
    model.feature_names_in_ = np.array([column.name for column in model.columns_], dtype=object)
    model.boosters_ = tuple(from_text(text) for text in texts)
    return model


def prove(model: Model, members: Mapping[str, bytes], part: str, X: pd.DataFrame) -> None:
    """Refuse a model that does not score as it did when it was saved."""
    name = _margins_of(part)
    margins = array_from_bytes(members.get(name, b""), name)
    if not len(X) or margins.shape != (len(X),):  # without a row nothing is proved
        raise ModelFileError(f"model file: the golden rows of {part} have another shape than the model")
    if not np.allclose(_margins(model, X), margins, rtol=_SAME, atol=_SAME):
        raise ModelFileError(f"model file: {part} does not score its golden rows as it did; do not use it")


def _names(part: str, n_boosters: int) -> list[str]:
    # a hundred numbers for each part, so that parts of one archive never share a name
    first = _MAX_BOOSTERS * list(_PARTS).index(part)
    return [f"trees/{first + place:03d}.txt" for place in range(n_boosters)]


def _margins_of(part: str) -> str:
    return f"arrays/{part}_margins.npy"


def _width(model: Model) -> int:
    """Columns of the trees; those of longevity have the number of the period too."""
    return len(model.columns_) + isinstance(model, LongevityModel)


def _counts(kind: type[Model]) -> tuple[str, str]:
    return ("n_events_", "n_periods_" if kind is LongevityModel else "n_unlabelled_")


def _figures(model: Model) -> dict[str, Any]:
    if isinstance(model, AmountModel):
        return {"bias": model.bias_}
    if isinstance(model, LongevityModel):
        return {"calibration": list(model.calibration_)}
    classes = [bool(value) for value in model.classes_]
    return {"calibration": list(model.calibration_), "classes": classes, "shares": model.shares_}


def _set_figures(model: Model, told: Mapping[str, Any]) -> None:
    if isinstance(model, AmountModel):
        model.bias_ = number(told["bias"])
        return
    slope, intercept = (number(value) for value in told["calibration"])
    if isinstance(model, LongevityModel):
        model.calibration_ = (slope, intercept)
        check_periods(model.edges, model.n_periods_)
        return
    model.calibration_, model.linear_, model.classes_ = (slope, intercept), None, np.array([False, True])
    model.shares_ = {str(kind): number(share) for kind, share in told["shares"].items()}


def frame_of(model: Model, matrix: NDArray[np.float64]) -> pd.DataFrame:
    """Turn encoded rows back into features."""
    import pandas as pd

    if matrix.ndim != 2 or matrix.shape[1] != len(model.columns_):
        raise ModelFileError(f"model file: rows of shape {matrix.shape} do not fit {len(model.columns_)} columns")
    columns: dict[Any, Any] = {}
    for place, column in enumerate(model.columns_):
        values = matrix[:, place]
        if column.kind == "category":
            codes = np.where(np.isnan(values), -1, values)  # -1 is missing in codes of pandas
            # before the cast below, which would make 1 of 1.5
            if not np.isin(codes, np.arange(-1, len(column.categories))).all():
                raise ModelFileError("model file: rows hold a category that the model does not know")
            codes = codes.astype(np.intp)
            columns[column.name] = pd.Categorical.from_codes(
                codes, categories=pd.Index(column.categories, dtype=object)
            )
        else:
            columns[column.name] = values
    return pd.DataFrame(columns)


def write_json(value: Any) -> bytes:
    """Write JSON, the same for the same value."""
    return json.dumps(value, indent=1, allow_nan=False).encode()


def read_json(members: Mapping[str, bytes], name: str) -> dict[str, Any]:
    """Read a member that holds a JSON object."""
    try:
        return read_object(members[name])
    except (KeyError, ValueError) as error:
        reason = "it is missing" if isinstance(error, KeyError) else str(error)[:80]
        raise ModelFileError(f"model file: member {name!r} is missing or no JSON object ({reason})") from error


def _columns(told: list[Any]) -> tuple[ColumnEncoder, ...]:
    columns = tuple(_column(entry) for entry in told)
    if len({column.name for column in columns}) < len(columns):
        raise ValueError("name of a column")
    if any(len(set(column.categories)) < len(column.categories) for column in columns):
        raise ValueError("categories of a column")
    return columns


def _column(entry: Any) -> ColumnEncoder:
    if entry["kind"] not in ("number", "category", "empty") or not isinstance(entry["name"], str):
        raise ValueError("kind or name of a column")
    if (entry["kind"] == "category") != bool(entry["categories"]):
        raise ValueError("categories of a column")
    if not all(isinstance(value, str | int | float | bool) for value in entry["categories"]):
        raise ValueError("categories of a column")
    return ColumnEncoder(entry["name"], entry["kind"], tuple(entry["categories"]))


def _margins(model: Model, X: pd.DataFrame) -> NDArray[np.float64]:
    matrix = model.encode(X)
    rows = [matrix]
    if isinstance(model, LongevityModel):
        # each row once for each period, as its hazards are scored
        rows = [np.column_stack([matrix, np.full(len(matrix), float(at))]) for at in range(model.n_periods_)]
    scores = [raw_score(booster, part) for booster in model.boosters_ for part in rows]
    return np.asarray(np.mean(scores, axis=0), dtype=np.float64)
