"""Whether a query is one that is run: an allow-list over what the parser of the engine makes of it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from csrisk.data._query._functions import CHANGING, FUNCTIONS, TABLE_FUNCTIONS, TELLING
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["refused", "require_text", "tables_of"]

_MOST_TEXT = 20_000
_SYSTEM = re.compile("(duckdb|pragma|sqlite|pg)_")
# classes of expressions
# an allow-list, so that what a later version of the engine adds is refused until it was looked at
_CLASSES = frozenset(
    {
        *("BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION"),
        *("LAMBDA", "LAMBDA_REF", "OPERATOR", "POSITIONAL_REFERENCE", "STAR", "SUBQUERY", "TYPE", "WINDOW"),
    }
)
# kinds of queries, of what stands in FROM, and of what stands behind
_FORMS = frozenset(
    {
        *("SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE", "BASE_TABLE", "JOIN", "SUBQUERY"),
        *("EMPTY", "EMPTY_FROM", "EXPRESSION_LIST", "PIVOT", "TABLE_FUNCTION", "ORDER_MODIFIER", "LIMIT_MODIFIER"),
        *("LIMIT_PERCENT_MODIFIER", "DISTINCT_MODIFIER", "ORDER_DEFAULT", "ASCENDING", "DESCENDING"),
    }
)


def refused(
    reason: str, instead: str = "one SELECT over the tables of the source is run, and nothing else"
) -> ConfigError:
    """Say why a query is not run."""
    return ConfigError(f"query refused: {reason}; {instead}")


def require_text(query: object) -> str:
    """Require the text of a query."""
    if not isinstance(query, str) or not query.strip() or len(query) > _MOST_TEXT or "\0" in query:
        raise ConfigError(f"query must be the text of one SELECT, at most {_MOST_TEXT:,} characters")
    return query


def tables_of(query: str) -> list[str]:
    """Check a query, and name the tables that it reads."""
    tree = _parsed(require_text(query))
    named: dict[str, str] = {}
    own = {str(key).casefold() for node in _nodes(tree) for key in _own_names(node)}
    # scopes are not followed here: beyond that of the WITH the name would be the view of the engine
    if system := sorted(name for name in own if _SYSTEM.match(name)):
        raise refused(f"WITH {system[0]} is called like a view of the engine", "call it otherwise")
    for node in _nodes(tree):
        _check(node)
        if node.get("type") == "BASE_TABLE":
            name = str(node["table_name"])
            # files may differ in case alone, tables of the engine do not
            if named.setdefault(name.casefold(), name) != name:
                raise refused(f"{name!r} and {named[name.casefold()]!r} differ in case alone", "write them alike")
    return [name for folded, name in named.items() if folded not in own]


def _parsed(query: str) -> Any:
    import duckdb

    sealed: Any = {"enable_external_access": "false", "lock_configuration": "true"}
    with duckdb.connect(":memory:", config=sealed) as connection:
        try:
            found = connection.extract_statements(query)
        except duckdb.Error as error:
            hint = ' (a column called at stands in quotes: "at")' if re.search(r"\bat\b(?!\")", query, re.I) else ""
            raise refused(f"it cannot be parsed: {str(error).splitlines()[0][:120]}{hint}") from None
        if len(found) != 1:
            raise refused(f"it holds {len(found)} statements")
        kind = found[0].type.name
        if kind != "SELECT":
            # DuckDB makes several statements of a PIVOT whose columns it has to look up first
            what = "PIVOT; write it as SUM(...) FILTER (WHERE ...), or with IN" if kind == "MULTI" else kind
            raise refused(f"it is no SELECT but {what}")
        text = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [query]).fetchall()[0][0]
    try:
        told = json.loads(text)
    except RecursionError:
        raise refused("its queries stand too deep in each other", "write them as steps of one WITH") from None
    if told.get("error"):
        raise refused(f"it cannot be taken apart: {str(told.get('error_message'))[:120]}")
    return told["statements"][0]


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    # no recursion: queries in each other may go deeper than Python does
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield node
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


def _own_names(node: dict[str, Any]) -> Iterator[str]:
    """Give the names of a WITH."""
    entries = node.get("cte_map")
    for entry in entries.get("map", []) if isinstance(entries, dict) else []:
        yield entry["key"]


def _check(node: dict[str, Any]) -> None:
    kind, of = node.get("class"), node.get("type")
    if isinstance(kind, str):
        if kind not in _CLASSES:
            raise refused(f"it holds {kind}")
    elif isinstance(of, str) and of not in _FORMS and not of.endswith("_TYPE_INFO"):
        raise refused(f"it holds {of.removesuffix('_QUERY_NODE').removesuffix('_REF')}")
    # current_date needs no brackets, and is parsed as a column
    if kind == "COLUMN_REF" and (name := node["column_names"][-1].lower()) in CHANGING | TELLING:
        raise refused(f"{name} differs from run to run", "write the date, so that each run gives the same rows")
    if node.get("sample") or node.get("at_clause"):
        raise refused("it takes rows at random, or of another time", "each run is to give the same rows")
    if isinstance(node.get("function_name"), str):
        _check_function(node)
    if of == "BASE_TABLE" and (node.get("schema_name") or node.get("catalog_name")):
        raise refused(
            f"{node['table_name']!r} is in a schema or database of its own", "name the table alone, or the file"
        )
    if of == "TABLE_FUNCTION":
        name = str(node["function"].get("function_name", "")).lower()
        if name not in TABLE_FUNCTIONS:
            raise refused(f"FROM {name}(...) reads something else", "name a file of the folder: FROM 'plans.csv'")


def _check_function(node: dict[str, Any]) -> None:
    name = node["function_name"].lower()
    if node.get("schema") or node.get("catalog"):
        raise refused(f"{name} is in a schema of its own")
    if name in CHANGING:
        raise refused(f"{name} differs from run to run", "write the date, so that each run gives the same rows")
    if name not in FUNCTIONS | TABLE_FUNCTIONS:
        raise refused(f"the function {name} is not on the list of those that are allowed")
