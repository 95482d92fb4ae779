"""The log of a command on standard error: steps for people on a terminal, lines for machines off it."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from csrisk._text import masked, one_line, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FORMATS", "Session", "logged", "session"]

FORMATS = ("auto", "text", "json", "none")
_logger = logging.getLogger("csrisk")


@dataclass
class Session:
    """How one run of a command line speaks; options set it while they are read."""

    log_format: str = "auto"
    debug: bool = False
    verbose: bool = False
    typed: tuple[str, ...] = ()
    began: float = field(default_factory=time.monotonic)

    @property
    def shape(self) -> str:
        """Format in use: steps, text, json or none."""
        if self.log_format != "auto":
            return self.log_format
        return "steps" if sys.stderr.isatty() else "text"  # the log goes there, whatever stdout is

    def say(self, level: str, message: str) -> None:
        """Print a warning or an error: one line for people, an object for machines."""
        if self.shape == "json":
            click.echo(self.line(level, message, {}), err=True)
        else:
            click.echo(f"{level}: {self.harmless(message)}", err=True)

    def harmless(self, text: str) -> str:
        """Take secrets that were typed, and what acts on a terminal, out of a text."""
        # masked first: what printable changes would no longer be found
        return printable(masked(text, self.typed))

    def line(self, level: str, message: str, more: dict[str, Any]) -> str:
        """Write a line of JSON."""
        told = {"time": _now(), "seconds": self.seconds, "level": level, "message": message}
        # the whole line, as facts could hold a secret, too
        return masked(json.dumps({**told, **more}, default=str), self.typed)

    @property
    def seconds(self) -> float:
        """Seconds since the command began."""
        return round(time.monotonic() - self.began, 1)


def session(ctx: click.Context | None = None) -> Session:
    """Give the session of the command that runs."""
    # one for the whole run: options of the command are read in a context below the one of the group
    root = (ctx or click.get_current_context()).find_root()
    if not isinstance(root.obj, Session):
        root.obj = Session()
    return root.obj


class _Handler(logging.Handler):
    """Writes each record as the session has it by then, to the standard error of that moment."""

    def __init__(self, told: Session) -> None:
        super().__init__()
        self.told = told

    def emit(self, record: logging.LogRecord) -> None:
        told, shape = self.told, self.told.shape
        facts = dict(getattr(record, "csrisk", {}))
        message = record.getMessage()
        if shape == "steps" and record.name == "csrisk":
            click.echo(f"… {one_line(told.harmless(message))} ({told.seconds:.1f} s)", err=True)
        elif shape == "json":
            click.echo(told.line(record.levelname.lower(), message, facts), err=True)
        elif shape == "text":
            words = " ".join(f"{name}={value}" for name, value in facts.items())
            line = f"{_now()} {record.levelname} {told.seconds:.1f}s {one_line(message)}"
            click.echo(told.harmless(f"{line} {one_line(words)}".rstrip()), err=True)


@contextlib.contextmanager
def logged(told: Session) -> Iterator[None]:
    """Send what csrisk logs to standard error while a command runs."""
    handler, level, disabled = _Handler(told), _logger.level, _logger.disabled
    _logger.addHandler(handler)
    _logger.setLevel(logging.INFO)
    # a library that reads a configuration of logging, as for migrations of a database, disables all loggers there are
    _logger.disabled = False
    try:
        yield
    finally:
        _logger.removeHandler(handler)
        _logger.setLevel(level)
        _logger.disabled = disabled


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
