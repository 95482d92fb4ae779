"""Presets: what the exports of common tools call the columns of the contract, declared as data."""

from csrisk.data._presets._fit import fitted
from csrisk.data._presets._preset import Preset, matching_presets, preset, presets, read_preset

__all__ = ["Preset", "fitted", "matching_presets", "preset", "presets", "read_preset"]
