"""How commands run: one clear message for an error, a log of the steps, nothing half done after a signal."""

from __future__ import annotations

import contextlib
import os
import signal
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

from csrisk.cli._logging import FORMATS, Session, logged, session
from csrisk.exceptions import CsriskError, CsriskWarning

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["CHECKS_FAILED", "Commands"]

# 2 is click's for wrong usage; 130 and 143 are 128 and the number of the signal, as shells have it
ERROR, CHECKS_FAILED, INTERRUPTED, TERMINATED = 1, 3, 130, 143
_DEBUG = "CSRISK_DEBUG"
_ROOT = Path(__file__).resolve().parents[1]  # of the package


class _Terminated(BaseException):
    """SIGTERM came; not an Exception, so that nothing but `Commands` catches it on its way out."""


class Commands(click.Group):
    """Commands whose errors are one clear message: what went wrong is said, where in the code is not."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Read the arguments; what could hold a secret among them is not repeated by any message."""
        typed = tuple(args)  # now, as click takes the list apart
        try:
            context = super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            # there is no context yet, so no session either
            raise _usage(error, Session(typed=typed)) from None
        session(context).typed = typed
        return context

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # the signature is click's
        """Name the commands in the order in which they are used."""
        return list(self.commands)

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Take a command, and give it the options that all of them share."""
        cmd.params.extend(_shared())
        super().add_command(cmd, name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's
        """List the commands with their whole first sentence."""
        rows = [(name, command.get_short_help_str(limit=1_000)) for name, command in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command, and turn what ends it into a message and an exit code."""
        told = session(ctx)
        with _terminated_in_order(), logged(told), _warnings_in_one_line(told):
            try:
                return super().invoke(ctx)
            except click.UsageError as error:
                raise _usage(error, told) from None
            # click itself turns these into messages and exit codes
            except (click.exceptions.Exit, click.Abort, click.ClickException, BrokenPipeError):
                raise
            except Exception as error:  # whatever it is, nobody needs a traceback in the night
                _fail(told, _words(error), ERROR, error)
            except KeyboardInterrupt as error:
                _fail(told, "interrupted; no file was left half-written", INTERRUPTED, error)
            except _Terminated as error:
                _fail(told, "terminated; no file was left half-written", TERMINATED, error)


def _shared() -> list[click.Parameter]:
    log_format = click.Option(
        ["--log-format"],
        type=click.Choice(FORMATS),
        default="auto",
        show_default=True,
        expose_value=False,
        callback=_set_format,
        help="Log on standard error: text or json lines, or none; auto is short steps on a terminal, text elsewhere.",
    )
    debug = click.Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        callback=_set_debug,
        help=f"Show where in the code an error arose; also {_DEBUG}=1.",
    )
    verbose = click.Option(
        ["-v", "--verbose"],
        is_flag=True,
        expose_value=False,
        callback=_set_verbose,
        help="List what is in order too, such as checks that passed.",
    )
    return [log_format, verbose, debug]


def _set_format(ctx: click.Context, param: click.Parameter, value: str) -> None:  # noqa: ARG001  # click's signature
    session(ctx).log_format = value


def _set_verbose(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: ARG001  # click's
    session(ctx).verbose = value


def _set_debug(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: ARG001  # click's
    session(ctx).debug = value


def _words(error: Exception) -> str:
    """Say what went wrong; of an error that nobody foresaw the kind and the place, as its text may hold anything."""
    if isinstance(error, CsriskError):
        return str(error)
    if isinstance(error, OSError):
        name = Path(os.fsdecode(error.filename)).name if isinstance(error.filename, str | bytes | Path) else "a file"
        return f"{name}: {error.strerror or type(error).__name__}"
    if isinstance(error, MemoryError):
        return "memory is used up; give the machine more, or score fewer accounts at a time"
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, ValueError) and _raised_here(frames[-1]):
        return str(error)
    # the innermost place in csrisk: that of a library would not tell whose fault it is
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(_ROOT)] or frames
    place = f"{Path(own[-1].filename).name}, line {own[-1].lineno}" if own else "an unknown place"
    return (
        f"{type(error).__name__} at {place}, which nobody foresaw: a fault of csrisk. Please report it to those who "
        "gave you csrisk, with this line, the version and what --debug shows; look for data of customers in it first"
    )


def _usage(error: click.UsageError, told: Session) -> click.UsageError:
    return click.UsageError(told.harmless(error.format_message()), ctx=error.ctx)


def _raised_here(frame: traceback.FrameSummary) -> bool:
    """Whether csrisk itself refused: estimators do so with a plain ValueError, in words as safe as any other's."""
    # the line itself must raise: a ValueError of float() in our file repeats the value
    return Path(frame.filename).is_relative_to(_ROOT) and (frame.line or "").startswith("raise ValueError(")


def _fail(told: Session, message: str, code: int, error: BaseException) -> NoReturn:
    if told.debug or os.environ.get(_DEBUG, "") not in ("", "0"):
        click.echo(told.harmless("".join(traceback.format_exception(error)).rstrip()), err=True)
    told.say("error", message)
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
def _warnings_in_one_line(told: Session) -> Iterator[None]:
    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,  # noqa: ARG001  # the signature is Python's
        lineno: int,  # noqa: ARG001
        file: TextIO | None = None,  # noqa: ARG001
        line: str | None = None,  # noqa: ARG001
    ) -> None:
        if issubclass(category, CsriskWarning):
            told.say("warning", str(message))

    with warnings.catch_warnings():
        # always: the default says a thing once for each place in the code, though it is another table
        warnings.simplefilter("always", CsriskWarning)
        warnings.showwarning = show
        yield
