"""What a declaration says of a user's columns and rows, beyond their names."""

from __future__ import annotations

from csrisk.data._cures._apply import cured, unrated
from csrisk.data._cures._given import Given, givens_of, misfit
from csrisk.data._cures._where import Filtered, filtered, require_where

__all__ = ["Filtered", "Given", "cured", "filtered", "givens_of", "misfit", "require_where", "unrated"]
