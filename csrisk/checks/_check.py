"""What a check says, and how it says it."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

import pandas as pd

from csrisk.exceptions import LeakageWarning

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Check", "Rule", "Status", "checks_frame"]

Status = Literal["passed", "failed", "not applicable"]


@dataclass(frozen=True, slots=True)
class Check:
    """Outcome of one check.

    Parameters
    ----------
    code : str
        ``CSR001`` and so on; the same code is the same check in every version.
    name : str
        What was checked.
    status : {"passed", "failed", "not applicable"}
        What came out.
    measure : str
        What was measured, with its figure.
    threshold : str
        What it was held against.
    source : str
        Where the threshold comes from.
    next_step : str
        What to do: about a failure, or to make the check possible.
    found : tuple of str
        Columns (or goals) that the check names; never accounts.

    Examples
    --------
    >>> from csrisk.checks import Check
    >>> print(Check("CSR008", "Too few events", "passed", "140 accounts", "at least 20", "Hanley and McNeil 1982"))
    CSR008 Too few events: passed (140 accounts; threshold: at least 20)
    """

    code: str
    name: str
    status: Status
    measure: str
    threshold: str
    source: str
    next_step: str = ""
    found: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether the check failed."""
        return self.status == "failed"

    def __str__(self) -> str:
        text = f"{self.code} {self.name}: {self.status} ({self.measure}; threshold: {self.threshold})"
        return f"{text}. {self.next_step}" if self.next_step else text


@dataclass(frozen=True, slots=True)
class Rule:
    """What is the same for every outcome of one check.

    Parameters
    ----------
    code, name, source : str
        As in `Check`.
    next_step : str
        What to do about a failure.
    leakage : bool, default False
        A failure gives a `LeakageWarning`.

    Examples
    --------
    >>> from csrisk.checks import Rule
    >>> rule = Rule("CSR008", "Too few events", "Hanley and McNeil 1982", "take a longer past")
    >>> rule.judge(False, "140 accounts", "at least 20").status
    'passed'
    """

    code: str
    name: str
    source: str
    next_step: str
    leakage: bool = False

    def judge(self, failed: bool, measure: str, threshold: str, found: Iterable[str] = ()) -> Check:
        """Say passed or failed; warn where a leak was found.

        Parameters
        ----------
        failed : bool
            Whether the measure breaks the threshold.
        measure, threshold, found
            As in `Check`.

        Returns
        -------
        Check
        """
        names = tuple(str(name) for name in found)
        status: Status = "failed" if failed else "passed"
        step = self.next_step if failed else ""
        check = Check(self.code, self.name, status, measure, threshold, self.source, step, names)
        if failed and self.leakage:
            # at the line that called the check
            warnings.warn(str(check), LeakageWarning, stacklevel=3)
        return check

    def not_applicable(self, reason: str, next_step: str = "") -> Check:
        """Say why there is nothing to check.

        Parameters
        ----------
        reason, next_step : str
            What is missing, and how to bring it.

        Returns
        -------
        Check
        """
        return Check(self.code, self.name, "not applicable", reason, "none", self.source, next_step)


def checks_frame(checks: Iterable[Check]) -> pd.DataFrame:
    """Arrange checks in a table.

    Parameters
    ----------
    checks : iterable of Check
        What `run_checks` returns.

    Returns
    -------
    pandas.DataFrame
        Index code; columns name, status, measure, threshold, source, next_step and found (joined by commas).

    Examples
    --------
    >>> from csrisk.checks import Check, checks_frame
    >>> table = checks_frame([Check("CSR008", "Too few events", "passed", "140 accounts", "20", "a source")])
    >>> table.loc["CSR008", "status"]
    'passed'
    """
    names = ["code", "name", "status", "measure", "threshold", "source", "next_step", "found"]
    rows = [{**asdict(check), "found": ", ".join(check.found)} for check in checks]
    return pd.DataFrame(rows, columns=names).set_index("code")
