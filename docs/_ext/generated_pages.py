"""Pages written from the code before Sphinx reads: table contract, command line, configuration."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path
from typing import Any

import click
import promises
from numpydoc.docscrape import ClassDoc

from csrisk import exceptions
from csrisk._pipeline._settings import _spec
from csrisk.checks import RULES
from csrisk.checks._check import Rule
from csrisk.cli import main
from csrisk.data import CODES, CONTRACT
from csrisk.data import presets as known_presets
from csrisk.evaluation._measuring import METRICS
from csrisk.monitoring._judging import _guards as guards
from csrisk.monitoring._judging import _rules as monitoring_rules

TABLES = """Every table but one dated table is optional. What is missing is named in the report as "no evidence" for
its goal; it is never filled with zeros. A table may be a pandas, Polars or PyArrow frame, a DuckDB relation, a Parquet
or CSV path, a PySpark frame, or an Ibis table; those of Spark and of databases stay there, and only features come home.
In these, times are of a type of time, not text, save in SQLite, which has no other. Columns are mapped by name. Any
table may have `known_at`; a row that became known at or after a snapshot does not exist for it (of subscriptions,
accounts and people: only its end), and a later time in a row (resolved, answered, acknowledged, ended) is masked at the
snapshot.

`account_id` may be text or a whole number, and one kind throughout. Times without a zone are taken as UTC."""

PRESETS = """What exports of common tools call their columns, as the vendor or a public package of the vendor's tables
documents it; where that was not to be found there is no preset. `preset = "zendesk.tickets"` under `[tables.contacts]`
reads them, and what stands under `columns` goes before it. Case, blanks and underscores of names do not matter. Nothing
is read that was final, or known, only at the export: a priority or a price of today tells the future of an earlier
date."""

ERRORS = """Every refusal is one message: what is wrong, where, how often, the rule, and the next step. Messages never
hold names, ids or free text, so they can be copied into a ticket. Codes never change their meaning."""

FAMILIES = {
    "0": "Tables and columns",
    "1": "Keys",
    "2": "Times",
    "3": "Values",
}


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def _table(heads: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    return "\n".join([_row(*heads), _row(*("---" for _ in heads)), *(_row(*row) for row in rows)])


def tables() -> str:
    """The contract as a page."""
    parts = ["# Tables", TABLES]
    for table in CONTRACT.values():
        rows = [
            (f"**`{c.name}`**" if c.required else f"`{c.name}`", c.kind, _range(c), c.meaning) for c in table.columns
        ]
        parts += [
            f"## {table.name}",
            table.meaning,
            _table(("column (required bold)", "kind", "range", "meaning"), rows),
        ]
        if table.orders:
            rules = ", ".join(f"`{order.later}` is not before `{order.earlier}`" for order in table.orders)
            parts.append(f"Rules: {rules}.")
    return "\n\n".join(parts)


def _range(column: Any) -> str:
    low, high = ("" if bound is None else f"{bound:g}" for bound in (column.low, column.high))
    bounds = f"{low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}" if high else ""
    if column.values:
        return f"one of {', '.join(column.values)}"
    return f"{bounds}; {column.default:g} where missing" if column.default is not None else bounds


def errors() -> str:
    """Codes of the table contract and of the checks, and the tree of errors."""
    tree = inspect.getdoc(exceptions) or ""
    parts = [
        "# Errors and their codes",
        ERRORS,
        "## Kinds of errors",
        "```text",
        tree.split("::", 1)[1].strip("\n"),
        "```",
    ]
    parts += ["Every error is a `CsriskError` and most are a `ValueError` too, so either can be caught."]
    parts += [
        "## Codes of the table contract",
        "Found by `CustomerData`, listed in `data.breaches`; refused means an error.",
    ]
    for digit, heading in FAMILIES.items():
        rows = [
            (f"`{code.code}`", code.rule, code.effect, code.next_step)
            for code in CODES.values()
            if code.code[3] == digit
        ]
        parts += [f"### {heading}", _table(("code", "what should hold", "what csrisk does", "what to do"), rows)]
    checks = [(f"`{rule.code}`", rule.name, rule.next_step, rule.source) for rule in RULES]
    parts += [
        "## Codes of the checks",
        "Found by `csrisk check` and `csrisk.checks.run_checks`; exit code 3 if one fails.",
    ]
    heads = ("code", "what is checked", "what to do", "source of the threshold")
    parts += [_table(heads, checks), "## Codes of monitoring", "Found by `csrisk monitor`; exit code 3 if one fails."]
    watched = sorted(
        (v for part in (monitoring_rules, guards) for v in vars(part).values() if isinstance(v, Rule)),
        key=lambda rule: rule.code,
    )
    parts += [_table(heads, [(f"`{rule.code}`", rule.name, rule.next_step, rule.source) for rule in watched])]
    return "\n\n".join(parts)


def presets() -> str:
    """Exports whose columns are known, from their declarations."""
    parts = ["# Presets", PRESETS]
    for name, row in known_presets().iterrows():
        parts += [f"## {name}", f"Table `{row['table']}`. {row['export']} {row['note']}"]
        say = f"You say: `{row['you say']}`. " if row["you say"] else ""
        reads = ", ".join(f"`{column}`" for column in row["reads"].split(", "))
        sources = "; ".join(f"<{one}>" if one.startswith("http") else f"`{one}`" for one in row["source"].split("; "))
        parts += [f"{say}Columns that are read: {reads}.", f"Names as in {sources}."]
    return "\n\n".join(parts)


def metrics() -> str:
    """Metrics of risks, from their entries."""
    better = {1: "more", -1: "less", 0: ""}
    rows = [(f"`{one.name}`", one.label, one.meaning, better[one.direction]) for one in METRICS]
    return _table(("row", "name", "what it says", "better"), rows)


def command_line() -> str:
    """The help texts of all commands."""
    top = main.make_context("csrisk", ["demo"], resilient_parsing=True)
    parts = ["```text", top.get_help(), "```"]
    for name, command in main.commands.items():
        parts += [f"## csrisk {name}", "```text", click.Context(command, parent=top, info_name=name).get_help(), "```"]
    return "\n".join(parts)


def configuration() -> str:
    """Keys, defaults and meanings, from the docstrings of the specification."""
    parts = []
    named = {f"{name}.NAME": kind for name, kind in _spec._NAMED.items()}
    for section in (*named, "snapshots", "label", "features", "model", "test", "reference", "report", "monitor"):
        kind = named.get(section) or _spec._SECTIONS.get(section)
        parts.append(f"### [{section}]")
        if kind is None:
            parts.append("Parameters of {class}`csrisk.ChurnModel`, by name; `random_state` is 0 where not given.")
            continue
        defaults = {f.name: _default(f) for f in dataclasses.fields(kind)}
        documented = [(entry, " ".join(p.desc)) for p in ClassDoc(kind)["Parameters"] for entry in p.name.split(", ")]
        parts.append(_table(("key", "default", "meaning"), [(f"`{n}`", defaults[n], text) for n, text in documented]))
    return "\n\n".join(parts)


def _default(entry: dataclasses.Field[Any]) -> str:
    if entry.default is None or entry.default is dataclasses.MISSING or entry.default == ():
        return ""
    return f"`{entry.default!r}`".replace("'", '"')


def write(app: Any) -> None:
    """Write every page, where it changed."""
    folder = Path(app.srcdir) / "generated"
    folder.mkdir(exist_ok=True)
    for name, page in {
        "tables": tables,
        "presets": presets,
        "cli": command_line,
        "config": configuration,
        "metrics": metrics,
        "errors": errors,
        "promises": promises.page,
    }.items():
        path, text = folder / f"{name}.md", inspect.cleandoc(page()) + "\n"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Register the hook."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True}
