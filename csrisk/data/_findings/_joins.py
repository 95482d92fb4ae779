"""Whether tables belong together: ids that join, ids that nearly agree, a catalogue that is used."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import pandas as pd

from csrisk.data._engines._staging import Staged, number, positions
from csrisk.data._findings._breach import Breach
from csrisk.data._reading._readers import BLANK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from csrisk.data._engines._engine import DataEngine
    from csrisk.data._engines._planning import Plan

__all__ = ["check_catalogue", "check_ids", "check_joins", "check_unlisted"]

_HARDLY = 0.05  # share of the ids that could be shared


def check_ids(plans: Iterable[Plan], ids: Sequence[str]) -> list[Breach]:
    """Ids that nearly agree, ids of several types, and a book of one account."""
    breaches = []
    if len(ids) == 1:
        breaches.append(Breach("CSD108", column="account_id"))
    folded = pd.Series([_folded(id_) for id_ in ids], dtype=object)
    if near := int(folded.duplicated(keep=False).sum()):
        breaches.append(Breach("CSD109", column="account_id", count=near))
    textual = {plan.table.name: plan.textual for plan in plans if plan.table.has_account}
    if len(set(textual.values())) > 1:
        numbers = sorted(name for name, text in textual.items() if not text)
        breaches.append(Breach("CSD106", column="account_id", count=len(numbers), detail=f"numbers in {numbers}"))
    return breaches


def check_joins(ids: Mapping[str, set[str]]) -> list[Breach]:
    """Tables that hardly share an account with others; what accounts does not list is said of each table on its own."""
    if "accounts" in ids:
        return []
    breaches = []
    # of two tables that do not join the second is named
    for name, own in list(ids.items())[len(ids) == 2 :]:
        others = set().union(*(other for table, other in ids.items() if table != name))
        shared = len(own & others)
        # one id of a test user that all tables know makes no join; free accounts beside few contracts are ordinary
        if len(own) < 2 or not others or shared > _HARDLY * min(len(own), len(others)):
            continue
        alike = len({_folded(id_) for id_ in own} & {_folded(id_) for id_ in others}) - shared
        hint = f"; {alike} agree but for case, blanks, leading zeros or a trailing .0" if alike else ""
        effect = "refused" if alike > shared else ""
        detail = f"{shared or 'none'} of its {len(own)} ids is in another table{hint}"
        breaches.append(Breach("CSD111", name, "account_id", len(own) - shared, detail=detail, effect=effect))
    return breaches


def check_unlisted(engine: DataEngine, tables: Iterable[Staged], unlisted: Sequence[int]) -> list[Breach]:
    """Accounts that the table of accounts does not list.

    Their rows stay: accounts that left are often purged from the list first, and dropping them would hide churn.
    """
    if not unlisted:
        return []
    breaches = []
    codes = engine.from_pandas(pd.DataFrame({"account": pd.Series(unlisted, dtype="int64")}))
    for staged in tables:
        name = staged.plan.table.name
        if name == "accounts" or not staged.plan.table.has_account:
            continue
        among = staged.rows.join(codes, on="account", how="inner")
        found = engine.collect(among.group_by("account").agg(number().alias("n")))
        if found.empty:
            continue
        n_rows = int(found["n"].sum())
        without_id = [i for i, rule in enumerate(staged.rules) if rule.code in ("CSD101", "CSD112")]
        # not one match of several is a difference in writing, such as 7 and 007
        none = n_rows == staged.n_rows - staged.hits(without_id) and len(found) > 1
        detail = f"{len(found)} ids" + (", none of the table is in accounts; are they written alike?" if none else "")
        rows, effect = positions(engine, staged, among), "refused" if none else ""
        breaches.append(Breach("CSD104", name, "account_id", n_rows, rows, detail=detail, effect=effect))
    return breaches


def check_catalogue(engine: DataEngine, tables: Mapping[str, Staged]) -> list[Breach]:
    """Find a catalogue none of whose features was ever used: it is written in other words than the usage."""
    catalogue, usage = tables.get("features"), tables.get("usage")
    if catalogue is None or usage is None or "feature" not in usage.plan.names:
        return []
    offered = set(_features(engine, catalogue.kept))
    used = _features(engine, usage.kept)
    if not offered or not used or offered & set(used):
        return []
    return [Breach("CSD113", "features", "feature", len(offered), detail=f"usage has {len(used)} other features")]


def _features(engine: DataEngine, rows: nw.LazyFrame[Any]) -> list[str]:
    there = rows.filter(~nw.col("feature").is_null()).select("feature").unique()
    return [str(name) for name in engine.collect(there)["feature"]]


def _folded(id_: str) -> str:
    return re.sub(r"\.0+$", "", id_.strip(BLANK).lower()).lstrip("0")
