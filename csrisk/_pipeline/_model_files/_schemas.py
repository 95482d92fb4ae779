"""Versions of the model file: who wrote it, what this release reads, and how an earlier one becomes the current one."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from csrisk._pipeline._model_files._strict_json import read_object
from csrisk.exceptions import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SCHEMA", "Origin", "upgraded"]

SCHEMA = 2
_OLDEST = 1
_BEFORE = "0.1.0"  # files of schema 1 do not say their release
_RELEASE = re.compile(r"\d{1,4}(\.\d{1,4}){1,3}([a-z0-9.+-]{1,30})?", re.ASCII)


class Origin(NamedTuple):
    """Release and schema that a file was written by."""

    schema: int
    csrisk: str

    @classmethod
    def here(cls) -> Origin:
        """Give what this release writes."""
        from csrisk import __version__

        return cls(SCHEMA, __version__)

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Origin:
        """Read a manifest, and refuse what this release does not read."""
        schema, release = manifest.get("schema"), manifest.get("csrisk")
        # bounded, as messages below repeat it
        if type(schema) is not int or not 0 <= schema < 10_000:
            raise ModelFileError("model file: its manifest is not that of a csrisk model: it tells no schema")
        known = isinstance(release, str) and _RELEASE.fullmatch(release) is not None
        written = f"written by {f'csrisk {release}' if known else 'an unknown release of csrisk'} (schema {schema})"
        if schema > SCHEMA:
            needed = f"csrisk {release} or later" if known else "a later csrisk"
            raise ModelFileError(
                f"model file: {written}, schema {schema} is newer than {SCHEMA}, needs {needed}: update csrisk"
            )
        if schema < _OLDEST:
            raise ModelFileError(
                f"model file: {written}, needs schema {_OLDEST} to {SCHEMA}, which is what {cls.here().words} reads: "
                "train again"
            )
        if schema > 1 and not known:
            raise ModelFileError(f"model file: {written}, needs to tell the release that wrote it; fetch it anew")
        return cls(schema, str(release) if known else _BEFORE)

    def to_dict(self) -> dict[str, Any]:
        """Give what a manifest says."""
        # manifests of schema 1 tell no release
        return {"schema": self.schema} if self.schema == 1 else {"schema": self.schema, "csrisk": self.csrisk}

    @property
    def words(self) -> str:
        """Release and schema in words."""
        return f"csrisk {self.csrisk} (schema {self.schema})"

    def __str__(self) -> str:
        here = Origin.here()
        if _release(self.csrisk) > _release(here.csrisk):
            return f"written by {self.words}, needs csrisk {self.csrisk} or later; this is {here.words}"
        return f"written by {self.words}, needs the keys and values of that release, no more and no less"


def _release(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text.split("+")[0])[:3])


# keys that every file of schema 1 has; one of them that is missing was lost, any other one is younger than the file
_SECTIONS_1: dict[str, tuple[str, ...]] = {
    "tables": (),
    "model": ("random_state",),
    "snapshots": ("frequency", "lead", "horizon", "eligible", "look_back"),
    "label": ("kind", "grace", "expansion", "expansion_at_least"),
    "features": ("monotone",),
    "test": ("trainings", "n_bootstrap"),
    "reference": ("kind", "rows"),
    "report": ("title",),
    "monitor": ("alpha", "limit", "max_age"),
}
_RECORD_1 = ("facts", "metrics", "gain", "dates", "calibration", "checks", "ages", "leads")
_PARAMS_1 = ("learning_rate", "min_events", "n_jobs", "n_members", "num_leaves", "random_state")
_OF_CLASS_1 = {"AmountModel": ("power",), "ChurnModel": ("blend", "monotone"), "ExpansionModel": ("blend",)}


def upgraded(members: Mapping[str, bytes], origin: Origin) -> dict[str, bytes]:
    """Bring members of an earlier schema to the current one.

    What a later release added gets the value that leaves everything as it was; members that lack nothing stay as they
    are, to the byte.
    """
    if origin.schema == SCHEMA:
        return dict(members)
    from csrisk._pipeline._model_files._record import Record
    from csrisk._pipeline._settings._spec import RiskSpec
    from csrisk.monitoring._judging import TableProfile

    found = dict(members)
    fresh = RiskSpec().to_dict()
    _fill(found, "spec.json", {name: value for name, value in fresh.items() if name not in _SECTIONS_1})
    for section, known in _SECTIONS_1.items():
        added = {name: value for name, value in fresh[section].items() if name not in known}
        _fill(found, "spec.json", added, section)
    _fill(found, "baseline.json", {"tables": TableProfile.empty().to_dict()})
    record = Record().to_dict()
    _fill(found, "record.json", {name: value for name, value in record.items() if name not in _RECORD_1})
    for name in ("churn.json", "expansion.json", "growth.json", "shrinkage.json"):
        _fill_params(found, name)
    return found


def _fill_params(members: dict[str, bytes], name: str) -> None:
    import csrisk.models

    kind = read_object(members[name]).get("class") if name in members else None
    if kind in _OF_CLASS_1:
        fresh = getattr(csrisk.models, kind)().get_params()
        known = {*_PARAMS_1, *_OF_CLASS_1[kind]}
        _fill(members, name, {key: value for key, value in fresh.items() if key not in known}, "params")


def _fill(members: dict[str, bytes], name: str, added: Mapping[str, Any], section: str | None = None) -> None:
    """Put keys where they are missing into a member, or a section of it."""
    told = read_object(members.get(name, b"{}"))
    place = told if section is None else told.get(section)
    if isinstance(place, dict) and (missing := {key: value for key, value in added.items() if key not in place}):
        place.update(missing)
        members[name] = json.dumps(told, indent=1, allow_nan=False).encode()
