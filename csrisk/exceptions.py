"""Errors and warnings of csrisk.

::

    CsriskError
     +-- DataContractError      tables that break the contract; lists every breach (also a ValueError)
     +-- SnapshotError          who is seen when: dates, durations, eligibility (also a ValueError)
     +-- LabelError             a label that the data cannot tell (also a ValueError)
     +-- FeatureError           columns without declaration, builders that break their promise (also a ValueError)
     +-- NotEnoughDataError     too few accounts or events for an honest answer (also a ValueError)
     +-- ExplanationError       a model or reference that cannot be explained (also a ValueError)
     +-- ConfigError            a configuration file or command that does not make sense (also a ValueError)
     +-- ModelFileError         a model file that is damaged, foreign or too new (also a ValueError)

    CsriskWarning (UserWarning)
     +-- DataWarning            rows set aside, times taken as UTC, evidence missing
     +-- LeakageWarning         a feature that seems to know the future
     +-- ScoringWarning         categories unseen in training, values outside of what the model knows
"""

from __future__ import annotations

__all__ = [
    "ConfigError",
    "CsriskError",
    "CsriskWarning",
    "DataContractError",
    "DataWarning",
    "ExplanationError",
    "FeatureError",
    "LabelError",
    "LeakageWarning",
    "ModelFileError",
    "NotEnoughDataError",
    "ScoringWarning",
    "SnapshotError",
]


class CsriskError(Exception):
    """Base of all errors that csrisk raises on purpose."""


class DataContractError(CsriskError, ValueError):
    """Tables break the contract in a way that csrisk cannot set aside.

    Parameters
    ----------
    message : str
        All breaches, one per line.
    breaches : tuple, optional
        The breaches as objects, for programs that want to act on them.
    """

    def __init__(self, message: str, breaches: tuple[object, ...] = ()) -> None:
        super().__init__(message)
        self.breaches = breaches

    def __reduce__(self) -> tuple[type[DataContractError], tuple[str, tuple[object, ...]]]:
        return type(self), (str(self), self.breaches)


class SnapshotError(CsriskError, ValueError):
    """Snapshots cannot be made as asked for."""


class LabelError(CsriskError, ValueError):
    """The data cannot tell the label that was asked for."""


class FeatureError(CsriskError, ValueError):
    """A feature has no declaration, or a builder breaks its promise."""


class NotEnoughDataError(CsriskError, ValueError):
    """Too few accounts, snapshots or events for an honest answer."""


class ExplanationError(CsriskError, ValueError):
    """A model, feature frame or reference cannot be explained."""


class ConfigError(CsriskError, ValueError):
    """A configuration does not make sense."""


class ModelFileError(CsriskError, ValueError):
    """A model file is damaged, foreign or newer than this csrisk."""


class CsriskWarning(UserWarning):
    """Base of all warnings that csrisk gives on purpose."""


class DataWarning(CsriskWarning):
    """Rows were set aside, or something in the tables deserves a look."""


class LeakageWarning(CsriskWarning):
    """A feature seems to know the future."""


class ScoringWarning(CsriskWarning):
    """Rows to be scored differ from what the model has seen."""
