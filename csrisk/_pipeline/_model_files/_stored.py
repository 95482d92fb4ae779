"""A fitted pipeline as members of an archive, and back."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from csrisk._pipeline._archive import array_from_bytes, array_to_bytes
from csrisk._pipeline._learning._amounts import Amounts
from csrisk._pipeline._learning._band import RiskBand
from csrisk._pipeline._learning._baseline import Baseline
from csrisk._pipeline._learning._lifetimes import longevity_from_members, longevity_members
from csrisk._pipeline._load import check_names
from csrisk._pipeline._model_files._model_file import (
    frame_of,
    model_from_members,
    model_to_members,
    prove,
    read_json,
    write_json,
)
from csrisk._pipeline._model_files._record import Record
from csrisk._pipeline._model_files._strict_json import difference, read_object
from csrisk._pipeline._settings._rules import inside
from csrisk._pipeline._settings._spec import RiskSpec
from csrisk.exceptions import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from csrisk._pipeline._pipeline import RiskPipeline

__all__ = ["identify", "restore", "scoring_members"]

_ID = 16  # hexadecimal digits of a sha256
_MAX_ROWS = 1000
_AS_IT_IS = ("arrays/reference.npy", "arrays/baseline.npy")
# what a pipeline may go without is in its file all the same, so that nothing can be lost unseen
_OPTIONAL, _NONE = ("expansion.json", "amounts.json", "band.json"), b"{}"


def scoring_members(pipeline: RiskPipeline) -> dict[str, bytes]:
    """Give everything that scoring, monitoring and reports depend on."""
    model, rows = pipeline.model_, pipeline.reference_
    members = {
        "spec.json": write_json(pipeline.spec_.to_dict()),
        **model_to_members(model, rows, "churn"),
        "arrays/reference.npy": array_to_bytes(model.encode(rows)),
        **pipeline.baseline_.members(model),
    }
    for name in _OPTIONAL:
        members[name] = _NONE
    if pipeline.expansion_model_ is not None:
        members |= model_to_members(pipeline.expansion_model_, rows, "expansion")
    if pipeline.amounts_ is not None:
        members |= pipeline.amounts_.members(rows)
    if pipeline.band_ is not None:
        members["band.json"] = write_json(pipeline.band_.to_dict())
    members |= longevity_members(pipeline.spec_, pipeline.longevity_model_, rows)
    members["record.json"] = write_json(pipeline.record_.to_dict())
    return members


def identify(pipeline: RiskPipeline) -> str:
    """Hash everything that scoring, monitoring and reports depend on."""
    return _hash_of(scoring_members(pipeline))


def _hash_of(members: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, content in sorted(members.items()):
        # with its length, or bytes could move from one member to the next under the same id
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:_ID]


def restore(kind: type[RiskPipeline], members: Mapping[str, bytes]) -> RiskPipeline:
    """Put a fitted pipeline together."""
    pipeline = kind(RiskSpec.from_dict(read_json(members, "spec.json")))
    pipeline.spec_ = pipeline.spec
    check_names(pipeline.spec)
    for table, entry in pipeline.spec.tables.items():
        # refused at loading, before anything is opened by these names
        inside(table, entry.file or table)
        if entry.query:
            raise ModelFileError(f"model file: tables.{table} holds a query, and no SQL of a model file is run")
    for builder in pipeline.spec.features.builders:
        if builder.path and not builder.declares:
            raise ModelFileError(f"model file: builder {builder.path!r} declares no feature, and nothing is imported")
    model = model_from_members(members, "churn")
    rows = frame_of(model, array_from_bytes(members.get("arrays/reference.npy", b""), "reference"))
    if len(rows) > _MAX_ROWS:
        raise ModelFileError(f"model file: {len(rows)} reference rows; at most {_MAX_ROWS}")
    prove(model, members, "churn", rows)
    pipeline.model_, pipeline.reference_ = model, rows
    there = {name: read_json(members, name) != {} for name in _OPTIONAL}
    pipeline.expansion_model_ = None
    if there["expansion.json"]:
        pipeline.expansion_model_ = model_from_members(members, "expansion")
        prove(pipeline.expansion_model_, members, "expansion", rows)
    pipeline.amounts_ = Amounts.from_members(members, rows) if there["amounts.json"] else None
    pipeline.band_ = RiskBand.from_dict(read_json(members, "band.json")) if there["band.json"] else None
    pipeline.longevity_model_ = longevity_from_members(pipeline.spec, members, rows)
    pipeline.baseline_ = Baseline.from_members(members, model)
    pipeline.record_ = Record.from_dict(read_json(members, "record.json"))
    # of what was read back: the id holds all that counts, and nothing that is passed over
    pipeline.model_id_ = _hash_of(_read_back(members, scoring_members(pipeline)))
    return pipeline


def _read_back(members: Mapping[str, bytes], own: Mapping[str, bytes]) -> dict[str, bytes]:
    """Refuse a file that holds more, less or other things than what was read of it; give what is hashed.

    A key that nothing reads, or that a default stood in for, would change nothing today and something tomorrow. Trees
    and margins are hashed as they are in the file: another release of LightGBM may write the same trees in other words.
    """
    unread = set(members) - set(own)
    if unread:
        raise ModelFileError(f"model file: {len(unread)} of {len(members)} members belong to no part that it names")
    for name, content in own.items():
        if name.endswith(".json"):
            found = difference(read_json(members, name), read_object(content))
            if found:
                raise ModelFileError(f"model file: {name}: {found}")
        elif name in _AS_IT_IS and members[name] != content:
            raise ModelFileError(f"model file: {name} holds other rows than what was read of it")
    return {name: own[name] if name.endswith(".json") else members[name] for name in own}
