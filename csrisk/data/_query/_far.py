"""Queries that a database behind Ibis runs itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from csrisk.data._query._allowed import refused, require_text
from csrisk.data._query._functions import CHANGING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["far_table"]

# what writes, calls, locks or reads beside the tables, wherever it stands in a statement
_NEVER = (
    *("Insert", "Update", "Delete", "Merge", "Create", "Drop", "Alter", "Command", "Set", "Copy", "Attach", "Detach"),
    *("Pragma", "Into", "Lock", "Use", "Transaction", "Commit", "Rollback", "Grant", "TruncateTable", "LoadData"),
    *("Kill", "Anonymous", "AnonymousAggFunc", "ReadCSV", "ReadParquet", "Parameter", "SessionParameter"),
    *("Placeholder", "Export"),
    *("TableSample", "Rand", "Randn", "Uuid", "CurrentTimestamp", "CurrentDate", "CurrentTime", "CurrentDatetime"),
    *("CurrentUser", "CurrentSchema", "CurrentDatabase", "Version", "Show", "Describe", "Analyze", "Cache", "Refresh"),
)


def far_table(connection: Any, query: str, there: Sequence[str]) -> Any:
    """Check a query for a database, and give its result as a table that is computed there."""
    _check(require_text(query), connection.dialect, {name.casefold() for name in there})
    try:
        return connection.sql(query)
    except Exception as error:  # each driver has errors of its own, and their text may hold values
        raise refused(f"the database says {type(error).__name__}", "run it there first") from None


def _check(query: str, dialect: Any, there: set[str]) -> None:
    import sqlglot
    from sqlglot import exp

    try:
        found = [one for one in sqlglot.parse(query, read=dialect) if one is not None]
    except sqlglot.errors.SqlglotError:
        raise refused("it cannot be parsed") from None
    except RecursionError:
        raise refused("its queries stand too deep in each other", "write them as steps of one WITH") from None
    if len(found) != 1:
        raise refused(f"it holds {len(found)} statements")
    if not isinstance(found[0], exp.Query):
        raise refused(f"it is no SELECT but {type(found[0]).__name__.upper()}")
    # versions of sqlglot know different classes
    never = tuple(kind for name in _NEVER if (kind := getattr(exp, name, None)) is not None)
    if (one := found[0].find(*never)) is not None:
        name = one.name if isinstance(one, exp.Anonymous) else type(one).__name__
        raise refused(f"it holds {name}, which is not on the list of what is allowed")
    if called := {one.sql_name().lower() for one in found[0].find_all(exp.Func)} & CHANGING:
        raise refused(f"{min(called)} differs from run to run", "write the date, so that each run gives the same rows")
    own = {one.alias.casefold() for one in found[0].find_all(exp.CTE)}
    for table in found[0].find_all(exp.Table):
        # a function in FROM is a Table to sqlglot as well
        if not isinstance(table.this, exp.Identifier) or table.db or table.catalog:
            raise refused(f"FROM {table.sql(dialect)[:60]} is no table by its name alone")
        if table.name.casefold() not in there | own:
            raise refused(f"FROM {table.name[:60]!r}: the database shows no table of this name")
