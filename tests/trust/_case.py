"""One bad input: what is done, where, and what csrisk must answer."""

from __future__ import annotations

import traceback
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# every id, name and free text of the corpus holds one of these; none may ever be seen in a message
CANARIES = ("kanarie", "zweifelstein", "whispered")


@dataclass(frozen=True)
class Case:
    """A bad input and the answer that is expected.

    `says` is a code of the table contract or the name of an error class, `match` a part of the message. `effect` tells
    what happens; where it is not "refused", `run` gives back what was made, and `right` tells whether it is right.
    """

    area: str
    what: str
    where: str
    says: str
    run: Callable[[Any], Any]
    match: str = ""
    effect: str = "refused"
    right: Callable[[Any, Any], bool] | None = None

    @property
    def name(self) -> str:
        return f"{self.area}: {self.where}: {self.what}"


@dataclass(frozen=True)
class Answer:
    """What came of it: a result or an error, and every word that was said."""

    result: Any
    error: BaseException | None
    words: str


def ask(case: Case, ground: Any) -> Answer:
    """Run a case and write down all that a log would show."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result, error = None, None
        try:
            result = case.run(ground)
        except Exception as raised:
            error = raised
    words = [str(one.message) for one in caught]
    if error is not None:
        words += [_without_source(error)]
    return Answer(result, error, "\n".join(words))


def _without_source(error: BaseException) -> str:
    """The messages of an error and of all that led to it, as a log shows them; source lines are those of the tests."""
    told: list[str] = []
    shown = traceback.TracebackException.from_exception(error)
    chain: list[traceback.TracebackException] = [shown]
    while chain:
        one = chain.pop()
        told.extend(one.format_exception_only())
        chain += [cause for cause in (one.__cause__, None if one.__suppress_context__ else one.__context__) if cause]
    return "\n".join(told)
