"""Arguments and options that commands share, and what they are turned into."""

from __future__ import annotations

import functools
import logging
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from csrisk.cli._print import print_plan
from csrisk.exceptions import ConfigError, SnapshotError

if TYPE_CHECKING:
    from collections.abc import Callable

    from csrisk._pipeline import RiskPipeline, RiskSpec
    from csrisk.data import CustomerData

__all__ = [
    "DATE",
    "Book",
    "Out",
    "as_json",
    "config",
    "dry_run",
    "end",
    "history",
    "of_a_book",
    "opened",
    "overrides",
    "read_spec",
    "source",
    "strict",
]

_logger = logging.getLogger("csrisk")
# what a fitted model may be told anew: where tables are, how it is shown, when it alarms
_LATE = ("tables", "report", "monitor")
# where a command keeps which option writes which file
_WRITTEN = "csrisk.cli.written"


class _Date(click.ParamType):  # type: ignore[type-arg]  # generic in new releases of click alone
    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from csrisk._days import as_midnight

        try:
            return as_midnight(str(value), "date").date().isoformat()
        except SnapshotError:
            self.fail(f"{value!r} is not a date; write it as 2025-07-01", param, ctx)


class _Override(click.ParamType):  # type: ignore[type-arg]  # generic in new releases of click alone
    name = "key=value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[tuple[str, ...], Any]:
        if isinstance(value, tuple):  # click may hand over what is converted already
            return value
        key, sign, text = str(value).partition("=")
        path = tuple(key.strip().split("."))
        if not sign or len(path) < 2 or not all(path):
            self.fail(f"{value!r} is no override; write it as snapshots.horizon=60D", param, ctx)
        try:
            # numbers, lists and truth values as in the file
            return path, tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            return path, text.strip()  # words need no quotes here


class Out(click.Path):
    """A file to write, refused before any work is done if it could not be written."""

    def __init__(self, *suffixes: str) -> None:
        super().__init__(path_type=Path)
        self.suffixes = suffixes

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Give the path, or say what is wrong with it."""
        path = Path(str(super().convert(value, param, ctx)))
        if self.suffixes and path.suffix.lower() not in self.suffixes:
            raise ConfigError(f"{path.name}: suffix={path.suffix!r} must be one of {', '.join(self.suffixes)}")
        if not path.parent.is_dir():
            raise ConfigError(f"{path.name}: No such file or directory: folder {path.parent.name!r} must exist")
        if path.is_dir():
            raise ConfigError(f"{path.name}: Is a directory; name a file in it")
        if ctx is not None and param is not None:
            _require_own_file(ctx, param, path)
        return path


def _require_own_file(ctx: click.Context, param: click.Parameter, path: Path) -> None:
    """Refuse a file that another option writes: the second would overwrite the first, and both be called written."""
    taken = ctx.meta.setdefault(_WRITTEN, {})
    other = taken.setdefault(path.resolve(), param.opts[0])
    if other != param.opts[0]:
        raise ConfigError(f"{param.opts[0]} {path.name!r}: {other} writes this file; give each a file of its own")


class _Existing(click.Path):
    """A path to read: what is missing tonight is a failed run, not a misspelt command."""

    def __init__(self, what: str) -> None:
        super().__init__(path_type=Path)
        self.what = what

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Give the path, or say that nothing is there."""
        path = Path(str(super().convert(value, param, ctx)))
        if not path.exists():
            raise ConfigError(f"{self.what} {path.name!r}: No such file or directory; look at the path")
        if self.what != "history" and path.is_dir():  # a history may be a folder of score files
            raise ConfigError(f"{self.what} {path.name!r}: Is a directory; name the file")
        return path


DATE = _Date()
source = click.argument("source")
config = click.option(
    "--config",
    type=_Existing("configuration"),
    help="TOML file: column names, label, dates; default fits a usual book.",
)
overrides = click.option(
    "--set",
    "overrides",
    type=_Override(),
    multiple=True,
    metavar="KEY=VALUE",
    help="Override one key of the configuration, such as snapshots.horizon=60D; may be repeated.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
_as_of = click.option("--as-of", type=DATE, metavar="DATE", help="Date to score at; default is the end of the data.")
end = click.option(
    "--end", type=DATE, metavar="DATE", help="First day not observed; default is the day after the last event."
)
strict = click.option(
    "--strict", is_flag=True, help="Exit code 3 if tables or book differ from what training saw; files are written."
)
dry_run = click.option(
    "--dry-run", is_flag=True, help="Read and check everything, say what would be done, fit and write nothing."
)
# --config as of training, but of its tables alone: a model keeps how it was trained
_tables = click.option(
    "--config",
    type=_Existing("configuration"),
    help="TOML file whose [tables] are taken in the place of those of the model, which holds no query.",
)
_model = click.option("--model", type=_Existing("model file"), required=True, help="What `csrisk train` wrote.")
_sha256 = click.option("--sha256", help="Hash that the model file must have.")
_builders = click.option(
    "--builder",
    "builders",
    multiple=True,
    metavar="MODULE:NAME",
    help="A builder of features that the model names and you trust: it is imported and run; may be repeated.",
)
history = click.option(
    "--history",
    type=_Existing("history"),
    help="Earlier scores, a file or a folder of Parquet or CSV: what they told is held against what came.",
)


def read_spec(config: Path | None, overrides: tuple[tuple[tuple[str, ...], Any], ...]) -> RiskSpec:
    """Read a configuration, and put overrides over it."""
    from csrisk._pipeline import RiskSpec

    spec = RiskSpec() if config is None else RiskSpec.from_toml(config)
    return _overridden(spec, overrides) if overrides else spec


def opened(source: str, spec: RiskSpec, end: str | None) -> CustomerData:
    """Open the tables of a source, and log how many rows there are."""
    from csrisk._pipeline import open_source

    # the source itself is not repeated: it may be an address with a password
    if not source.strip() or not source.isprintable():
        raise ConfigError("source: empty or with characters that no path has; give a folder, a file or a connection")
    data = open_source(source, spec, end=end)
    facts = {"rows": data.rows, "accounts": len(data.accounts), "end": f"{data.end:%Y-%m-%d}"}
    _logger.info("read %s rows of %s tables", f"{sum(data.rows.values()):,}", len(data.rows), extra={"csrisk": facts})
    return data


@dataclass(frozen=True)
class Book:
    """What a command works on that uses a fitted model."""

    pipeline: RiskPipeline
    data: CustomerData
    as_of: str | None
    as_json: bool


def of_a_book(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the arguments of all that use a model; it gets the `Book` that they name, or is only planned."""

    @source
    @_model
    @_sha256
    @_as_of
    @end
    @_tables
    @_builders
    @overrides
    @dry_run
    @as_json
    @functools.wraps(command)
    def run(
        source: str,
        model: Path,
        sha256: str | None,
        as_of: str | None,
        end: str | None,
        config: Path | None,
        builders: tuple[str, ...],
        overrides: tuple[Any, ...],
        *,
        dry_run: bool,
        as_json: bool,
        **own: Any,
    ) -> None:
        from csrisk._pipeline import plan_book, with_own

        pipeline = _load(model, sha256, config, overrides)
        # last, as overrides read the specification anew
        pipeline.spec = pipeline.spec_ = with_own(pipeline.spec_, builders)
        data = opened(source, pipeline.spec, end)
        if not dry_run:
            command(Book(pipeline, data, as_of, as_json), **own)
            return
        out = own.get("out")
        written = {} if out is None else {"would write": str(out)}
        print_plan({**plan_book(pipeline, data, as_of), **written}, as_json=as_json)

    return run


def _load(
    path: Path, sha256: str | None, config: Path | None, overrides: tuple[tuple[tuple[str, ...], Any], ...]
) -> RiskPipeline:
    """Read a fitted pipeline, and tell it anew what does not change its scores."""
    from csrisk._pipeline import RiskPipeline

    pipeline = RiskPipeline.load(path, expected_sha256=sha256)
    _logger.info("model loaded", extra={"csrisk": {"model_id": pipeline.model_id_}})
    # anything else would describe a model other than the one that was trained
    fixed = sorted({key[0] for key, _ in overrides} - set(_LATE))
    if fixed:
        raise ConfigError(f"--set {fixed[0]}: the model was trained with it; only {', '.join(_LATE)} can be overridden")
    if config is not None:
        # table by table: what the configuration does not name stays as the model has it
        tables = {**pipeline.spec_.tables, **read_spec(config, ()).tables}
        pipeline.spec = pipeline.spec_ = replace(pipeline.spec_, tables=tables)
    if overrides:
        pipeline.spec = pipeline.spec_ = _overridden(pipeline.spec_, overrides)
    return pipeline


def _overridden(spec: RiskSpec, overrides: tuple[tuple[tuple[str, ...], Any], ...]) -> RiskSpec:
    from csrisk._pipeline import RiskSpec

    values = spec.to_dict()
    for path, value in overrides:
        place = values
        for key in path[:-1]:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise ConfigError(f"--set {'.'.join(path)}: {key!r} is a value, not a section")
        place[path[-1]] = value
    # read anew, so that an override keeps the rules of the file
    return RiskSpec.from_dict(values)
