"""How commands run: one clear message for an error, steps on a terminal, nothing half done after a signal."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

from csrisk.exceptions import CsriskError, CsriskWarning

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["CHECKS_FAILED", "Commands"]

ERROR, CHECKS_FAILED, INTERRUPTED, TERMINATED = 1, 3, 130, 143


class _Terminated(BaseException):
    """SIGTERM came; not an Exception, so that nothing but `Commands` catches it on its way out."""


class Commands(click.Group):
    """Commands whose errors are one clear message: what went wrong is said, where in the code is not."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # the signature is click's
        """Name the commands in the order in which they are used."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command, and turn what ends it into a message and an exit code."""
        with _terminated_in_order(), _steps_on_a_terminal(), _warnings_in_one_line():
            try:
                return super().invoke(ctx)
            except CsriskError as error:
                _fail(str(error), ERROR)
            except OSError as error:
                name = Path(error.filename).name if isinstance(error.filename, str | Path) else "a file"
                _fail(f"{name}: {error.strerror or error}", ERROR)
            except KeyboardInterrupt:
                _fail("interrupted; no file was left half-written", INTERRUPTED)
            except _Terminated:
                _fail("terminated; no file was left half-written", TERMINATED)


def _fail(message: str, code: int) -> NoReturn:
    click.echo(f"error: {message}", err=True)
    raise click.exceptions.Exit(code)


@contextlib.contextmanager
def _terminated_in_order() -> Iterator[None]:
    """Let SIGTERM unwind the command as an exception does, so that temporary files go."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001  # the signature is Python's
        raise _Terminated

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not the main thread: whoever runs us there decides what signals do
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _steps_on_a_terminal() -> Iterator[None]:
    """Show what is being done on a terminal; say nothing into logs and pipes."""
    logger = logging.getLogger("csrisk")
    if not sys.stderr.isatty():
        yield
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("… %(message)s"))
    handler.addFilter(lambda record: record.name == "csrisk")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@contextlib.contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,  # noqa: ARG001  # the signature is Python's
        lineno: int,  # noqa: ARG001
        file: TextIO | None = None,  # noqa: ARG001
        line: str | None = None,  # noqa: ARG001
    ) -> None:
        if issubclass(category, CsriskWarning):
            click.echo(f"warning: {message}", err=True)

    with warnings.catch_warnings():
        warnings.simplefilter("always", CsriskWarning)
        warnings.showwarning = show
        yield
