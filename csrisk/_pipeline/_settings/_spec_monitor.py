"""When monitoring alarms."""

from __future__ import annotations

from dataclasses import dataclass

from csrisk._pipeline._settings import _rules as rule

__all__ = ["MonitorSpec"]


@dataclass(frozen=True)
class MonitorSpec:
    """When monitoring alarms."""

    alpha: float = 0.01
    limit: float = 0.1
    max_age: str | int = "365D"

    def __post_init__(self) -> None:
        for name in ("alpha", "limit"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < 1:
                raise rule.wrong(name, value, "a share between 0 and 1, such as 0.01")
        rule.duration(self, "max_age", 1)
