"""Tables that live in Spark or in a database: checked and brought into canonical form there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import pandas as pd

from csrisk.data._breach import Breach
from csrisk.data._contract import CONTRACT
from csrisk.data._ends import read_end, settle_ends
from csrisk.data._found import Found, check_names
from csrisk.data._native_checks import (
    check_accounts,
    check_columns,
    check_ids,
    check_repeats,
    check_unlisted,
)
from csrisk.data._native_engines import NativeEngine, is_native, native_engine
from csrisk.data._native_plan import NativePlan, plan_native
from csrisk.data._native_stage import NativeStaged, canonical, stage_native, with_defaults
from csrisk.data._source import is_polars
from csrisk.data._whole import check_zones

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NativeLoaded", "load_native"]

Lazy = nw.LazyFrame[Any]


@dataclass
class NativeLoaded(Found):
    """What came out of loading tables that stay in their engine; filled step by step.

    Parameters
    ----------
    engine : NativeEngine
        Where they are.
    """

    engine: NativeEngine
    plans: dict[str, NativePlan] = field(default_factory=dict)
    staged: dict[str, NativeStaged] = field(default_factory=dict)
    lazy: dict[str, Lazy] = field(default_factory=dict)

    def canonical(self) -> dict[str, Lazy]:
        """Canonical tables as lazy frames."""
        return self.lazy

    def rows(self, table: str) -> pd.DataFrame:
        """Bring a canonical table home, by account and day, as rows have no order in the engine."""
        frame = self.engine.collect(self.lazy[table])
        return frame.sort_values([name for name in frame if name in ("account", "day")], ignore_index=True)

    def rejected(self) -> pd.DataFrame:
        """Rows set aside, with every reason; they have no position in an engine without an order of rows."""
        parts = [pd.DataFrame({"table": [], "row": [], "code": [], "rule": []}, dtype=object)]
        parts += [staged.aside for staged in self.staged.values()]
        frame = pd.concat([part.astype({"row": "Int64"}) for part in parts], ignore_index=True)
        return frame.sort_values(["table", "code"], ignore_index=True)


def load_native(tables: Mapping[str, Any], columns: Mapping[str, Mapping[str, str]], end: object) -> NativeLoaded:
    """Check all tables in the engine of those that live in one; pandas, Polars and Arrow tables are sent there.

    Parameters
    ----------
    tables : Mapping
        As the user brought them, at least one of another engine.
    columns : Mapping
        Canonical to user's names for each table.
    end : date-like, optional
        First day that was not observed.

    Returns
    -------
    NativeLoaded
        With fatal breaches among `breaches`, the rest may be incomplete.
    """
    loaded = NativeLoaded(native_engine(next(table for table in tables.values() if is_native(table))))
    try:
        _load(loaded, tables, columns, end)
    except BaseException:
        loaded.engine.close()
        raise
    return loaded


def _load(
    loaded: NativeLoaded, tables: Mapping[str, Any], columns: Mapping[str, Mapping[str, str]], end: object
) -> None:
    read_end(loaded, end)
    check_names(loaded, tables, columns)
    for name in CONTRACT:
        if name in tables:
            _plan(loaded, name, tables[name], columns.get(name, {}))
    if not any(CONTRACT[name].has_account for name in tables if name in CONTRACT):
        loaded.breaches.append(Breach("CSD008", count=0))
    loaded.staged = {
        name: stage_native(loaded.engine, plan, end=loaded.stated_end(name)) for name, plan in loaded.plans.items()
    }
    codes, unlisted = _read_accounts(loaded)
    for name in loaded.staged:
        _keep(loaded, name, codes)
        if name in loaded.lazy and name != "accounts":
            breaches = check_unlisted(loaded.engine, loaded.staged[name], loaded.lazy[name], unlisted)
            loaded.breaches += breaches
    _check(loaded)


def _plan(loaded: NativeLoaded, name: str, brought: Any, given: Mapping[str, str]) -> None:
    adopted = _adopt(loaded.engine, brought)
    if adopted is None:
        detail = f"beside tables of {loaded.engine.name} only pandas, Polars and Arrow tables, or others of the same"
        loaded.breaches.append(Breach("CSD007", name, detail=detail + " connection"))
        return
    plan, breaches = plan_native(loaded.engine, CONTRACT[name], adopted, given)
    loaded.breaches += breaches
    if plan is not None:
        loaded.plans[name] = plan


def _adopt(engine: NativeEngine, brought: Any) -> Any:
    """Give a table of the engine, or None where it cannot be had from what was brought."""
    from csrisk.data._from_pandas import from_pandas

    if is_native(brought):
        return brought if engine.holds(brought) else None
    if isinstance(brought, pd.DataFrame):
        return engine.from_arrow(from_pandas(brought)[0]).to_native()
    if is_polars(brought):
        return engine.from_arrow(getattr(brought, "collect", lambda: brought)().to_arrow()).to_native()
    if type(brought).__module__.startswith("pyarrow") and hasattr(brought, "append_column"):
        return engine.from_arrow(brought).to_native()
    return None


def _read_accounts(loaded: NativeLoaded) -> tuple[Lazy | None, list[int]]:
    """Collect the account ids of all tables, and send their codes to the engine.

    Returns
    -------
    tuple
        Ids with their codes, and the codes that the table of accounts does not list.
    """
    parts = [
        staged.rows.select("account_id", nw.lit(int(name == "accounts")).alias("listed"))
        for name, staged in loaded.staged.items()
        if CONTRACT[name].has_account
    ]
    found: set[str] = set()
    listed: set[str] = set()
    if parts:
        ids = loaded.engine.collect(nw.concat(parts).unique()).dropna()
        found, listed = set(ids["account_id"]), set(ids.loc[ids["listed"] == 1, "account_id"])
    ordered = sorted(found)
    loaded.accounts = pd.Index(ordered, dtype="str", name="account_id")
    loaded.breaches += check_ids(loaded.plans.values(), ordered)
    if not ordered:
        return None, []
    codes = pd.DataFrame({"account_id": pd.Series(ordered, dtype=object), "account": range(len(ordered))})
    unlisted = [code for code, id_ in enumerate(ordered) if id_ not in listed] if listed else []
    return loaded.engine.from_pandas(codes), unlisted


def _keep(loaded: NativeLoaded, name: str, codes: Lazy | None) -> None:
    """Compute the canonical form of a table once, and count what is in it."""
    engine, staged = loaded.engine, loaded.staged[name]
    if CONTRACT[name].has_account and codes is None:
        rows = None
    else:
        rows = engine.materialise(canonical(staged, codes if CONTRACT[name].has_account else None))
        if name == "accounts":
            rows = check_accounts(engine, staged, rows)
    loaded.breaches += staged.breaches
    if not staged.n_rows:
        loaded.breaches.append(Breach("CSD010", name, count=0))
    elif not staged.n_left and not any(breach.fatal for breach in staged.breaches):
        loaded.breaches.append(Breach("CSD013", name, count=staged.n_rows))
    if rows is None:
        loaded.evidence[name] = {"": 0}
        return
    loaded.lazy[name] = with_defaults(staged.plan, rows)
    loaded.evidence[name], days, breaches = check_columns(engine, staged, rows)
    loaded.breaches += breaches
    if days is not None:
        loaded.days[name] = days


def _check(loaded: NativeLoaded) -> None:
    naive = [f"{name}.{column}" for name, plan in loaded.plans.items() for column in plan.naive]
    loaded.breaches += check_zones(naive)
    for name, rows in loaded.lazy.items():
        loaded.breaches += check_repeats(loaded.engine, loaded.staged[name], rows)
    settle_ends(loaded, loaded.engine, loaded.lazy)
