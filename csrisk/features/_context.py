"""AccountContext: attributes of the account that serve no goal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd

from csrisk._goals import Goal
from csrisk.exceptions import FeatureError
from csrisk.features._family import Family, Measure
from csrisk.features._past import Array, Facts, Past, nothing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from csrisk.data import CustomerData

__all__ = ["AccountContext", "attributes_of"]

_CONTRACT = ("segment", "industry", "region")
_NO_CONTEXT = {"name", "owner", "plan", "account", "day", "known"}


@dataclass(frozen=True)
class AccountContext(Family):
    """Attributes of the account that serve no goal: segment, industry, region and whatever else is there.

    Parameters
    ----------
    attributes : tuple of str, default ("segment", "industry", "region")
        Columns of the accounts table; a feature is called ``account_<attribute>``.

    Raises
    ------
    FeatureError
        If an attribute is named twice.

    Notes
    -----
    The table has no history: an attribute is taken as it stands, once the account is known. An attribute that changes
    with the outcome (a status, a final result) tells the future, and a leakage check should see every one.

    Examples
    --------
    >>> from csrisk.features import AccountContext
    >>> [feature.name for feature in AccountContext(("segment",)).features]
    ['account_segment']
    """

    attributes: tuple[str, ...] = _CONTRACT
    goal: ClassVar[Goal] = Goal.CONTEXT

    def __post_init__(self) -> None:
        if len(set(self.attributes)) != len(self.attributes):
            raise FeatureError(f"AccountContext: attributes={self.attributes!r} names one twice")

    def _measures(self) -> Iterator[Measure]:
        for name in self.attributes:
            words = name.replace("_", " ")
            words = words[:1].upper() + words[1:]
            yield self._measure(f"account_{name}", "category", f"{words}: {{value}}", name)

    def _facts(self, past: Past) -> Facts:
        facts = nothing(past)
        facts.update(account_facts(past, self.attributes))
        for name in self.attributes:
            if name in _CONTRACT and name not in facts:
                facts[name] = np.full(len(past.index), None, dtype=object)
        return facts


def account_facts(past: Past, names: tuple[str, ...]) -> dict[str, Array]:
    """Attributes of the accounts, for snapshots at which the account was known."""
    if "accounts" not in past.data.tables:
        return {}
    rows = past.data.lazy("accounts")
    there = [name for name in names if name in rows.collect_schema().names()]
    table = past.data.engine.collect(rows.select("account", "known", *there)).drop_duplicates("account")
    table = table.set_index("account").reindex(past.account)
    late = table["known"].to_numpy(dtype=np.float64, na_value=-np.inf) >= past.cut
    facts: dict[str, Array] = {}
    for name in there:
        column = table[name]
        if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
            values: Array = column.to_numpy(dtype=np.float64, na_value=np.nan)
            facts[name] = np.where(late, np.nan, values)
        else:
            known = column.notna().to_numpy() & ~late
            facts[name] = column.astype(object).where(known, None).to_numpy()
    return facts


def attributes_of(data: CustomerData, most: int = 100) -> tuple[str, ...]:
    """Attributes of the accounts table that can serve as context.

    Names, owners, times and texts with more than `most` different values are left out.
    """
    if "accounts" not in data.tables:
        return _CONTRACT
    rows = data.lazy("accounts")
    extra = [
        name
        for name in rows.collect_schema().names()
        if name not in _NO_CONTEXT and name not in _CONTRACT and not name.endswith(("_day", "_second"))
    ]
    if not extra:
        return _CONTRACT
    table = data.engine.collect(rows.select(*extra))
    kept = [
        name
        for name in extra
        if table[name].notna().any() and (pd.api.types.is_numeric_dtype(table[name]) or table[name].nunique() <= most)
    ]
    return (*_CONTRACT, *sorted(kept))
