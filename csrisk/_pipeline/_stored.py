"""A fitted pipeline as members of an archive, and back."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from csrisk._pipeline._amounts import Amounts
from csrisk._pipeline._archive import array_from_bytes, array_to_bytes
from csrisk._pipeline._band import RiskBand
from csrisk._pipeline._baseline import Baseline
from csrisk._pipeline._model_file import frame_of, model_from_members, model_to_members, read_json, write_json
from csrisk._pipeline._record import Record
from csrisk._pipeline._spec import RiskSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from csrisk._pipeline._pipeline import RiskPipeline

__all__ = ["identify", "restore", "scoring_members"]

_ID = 16


def scoring_members(pipeline: RiskPipeline) -> dict[str, bytes]:
    """Give everything that scoring and monitoring depend on.

    Parameters
    ----------
    pipeline : RiskPipeline
        Fitted.

    Returns
    -------
    dict of str to bytes
    """
    model, rows = pipeline.model_, pipeline.reference_
    members = {
        "spec.json": write_json(pipeline.spec_.to_dict()),
        **model_to_members(model, rows, "churn"),
        "arrays/reference.npy": array_to_bytes(model.encode(rows)),
        **pipeline.baseline_.members(model),
    }
    if pipeline.expansion_model_ is not None:
        members |= model_to_members(pipeline.expansion_model_, rows, "expansion")
    if pipeline.amounts_ is not None:
        members |= pipeline.amounts_.members(rows)
    if pipeline.band_ is not None:
        members["band.json"] = write_json(pipeline.band_.to_dict())
    return members


def identify(pipeline: RiskPipeline) -> str:
    """Hash everything that scoring and monitoring depend on.

    Parameters
    ----------
    pipeline : RiskPipeline
        Fitted.

    Returns
    -------
    str
        The first 16 hexadecimal digits of a sha256.
    """
    digest = hashlib.sha256()
    for name, content in sorted(scoring_members(pipeline).items()):
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:_ID]


def restore(kind: type[RiskPipeline], members: Mapping[str, bytes]) -> RiskPipeline:
    """Put a fitted pipeline together.

    Parameters
    ----------
    kind : type
        RiskPipeline, or a class derived from it.
    members : mapping of str to bytes
        Members whose hashes were checked.

    Returns
    -------
    RiskPipeline

    Raises
    ------
    ModelFileError
        If a part is missing or breaks its rules.
    """
    pipeline = kind(RiskSpec.from_dict(read_json(members, "spec.json")))
    pipeline.spec_ = pipeline.spec
    model = model_from_members(members, "churn")
    pipeline.model_ = model
    pipeline.expansion_model_ = model_from_members(members, "expansion") if "expansion.json" in members else None
    pipeline.amounts_ = Amounts.from_members(members)
    pipeline.band_ = RiskBand.from_dict(read_json(members, "band.json")) if "band.json" in members else None
    pipeline.reference_ = frame_of(model, array_from_bytes(members.get("arrays/reference.npy", b""), "reference"))
    pipeline.baseline_ = Baseline.from_members(members, model)
    pipeline.record_ = Record.from_dict(read_json(members, "record.json"))
    pipeline.model_id_ = identify(pipeline)
    return pipeline
