"""AccountContext: attributes of the account that serve no goal."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from csrisk._goals import Goal
from csrisk._labelling import SPEAKS_OF_LEAVING
from csrisk.data import CONTRACT, Breach
from csrisk.exceptions import DataWarning, FeatureError
from csrisk.features._family import Family, Measure
from csrisk.features._panel._past import Array, Facts, Past, latest, nothing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from csrisk.data import CustomerData

__all__ = ["AccountContext", "attributes_of"]

_CONTRACT = ("segment", "industry", "region")
_OUTCOME = "ended_reason"  # known only when the account has left
_SAYS = "say the same of each account as ended_reason, which is known only when it has left: they tell the outcome"
_LEAVERS = 5


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
        If an attribute is named twice, or is the reason for leaving or says the same in other words.

    Notes
    -----
    The table of accounts has no history: an attribute is taken as it stands, once the account is known. One that
    changes with the outcome (a status, a final result) tells the future, and a leakage check should see every one. An
    attribute that the table `attributes` names is read there alone, as it was at the snapshot: the value that holds
    since the last date before ``as_of``, missing before the first.

    Examples
    --------
    >>> from csrisk.features import AccountContext
    >>> [feature.name for feature in AccountContext(("segment",)).features]
    ['account_segment']
    """

    attributes: tuple[str, ...] = _CONTRACT
    goal: ClassVar[Goal] = Goal.CONTEXT
    table: ClassVar[str] = "accounts"
    counts: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if len(set(self.attributes)) != len(self.attributes):
            raise FeatureError(f"AccountContext: attributes={self.attributes!r} names one twice")
        if _OUTCOME in self.attributes:
            raise FeatureError(
                f"AccountContext: attribute {_OUTCOME!r} is known only when an account has left, so it would tell the "
                "outcome; it serves label_churn(cause=) and check_stated_reasons"
            )

    def _measures(self) -> Iterator[Measure]:
        for name in self.attributes:
            words = name.replace("_", " ")
            # a name of a column may hold braces, which would be placeholders of the sentence
            words = (words[:1].upper() + words[1:]).replace("{", "{{").replace("}", "}}")
            yield self._measure(f"account_{name}", "category", f"{words}: {{value}}", name)

    def _facts(self, past: Past) -> Facts:
        facts = nothing(past, *self.attributes)
        facts.update(account_facts(past, self.attributes))
        for name in self.attributes:
            # texts of the contract stay columns of text where they are missing; NaN would make numbers of them
            if name in _CONTRACT and name not in facts:
                facts[name] = np.full(len(past.index), None, dtype=object)
        return facts


def account_facts(past: Past, names: tuple[str, ...]) -> dict[str, Array]:
    """Attributes of accounts, for snapshots at which each was known; as they were then where it is told."""
    facts = _as_they_stand(past, names) if "accounts" in past.data.tables else {}
    for name in _with_history(past.data).keys() & set(names):
        values = _as_they_were(past, name)
        # history is kept as text; a column that holds numbers elsewhere must not become categories
        number = name in facts and facts[name].dtype == np.float64
        facts[name] = pd.to_numeric(pd.Series(values), errors="coerce").to_numpy(np.float64) if number else values
    return facts


def _as_they_were(past: Past, name: str) -> Array:
    """Values that held since the last date before each snapshot."""
    rows = past.data.lazy("attributes").filter(nw.col("name") == name)
    # of two values for one moment the one that was known later corrects the other
    place = nw.col("at_second").cast(nw.Int64) * 100_000 + nw.col("known")
    seen = past.seen(rows.select("account", "day", "known", "value", place.alias("place")))
    found = pd.Series(past.home(latest(seen, "place", nw.col("value").min().alias("value")))["value"], dtype=object)
    return found.where(found.notna(), None).to_numpy()


def _with_history(data: CustomerData) -> dict[str, int]:
    """Names of attributes whose history is told, with the number of their values."""
    if not data.has("attributes", "name"):
        return {}
    pairs = data.engine.collect(data.lazy("attributes").select("name", "value").unique())
    return {str(name): int(number) for name, number in pairs.groupby("name")["value"].nunique().items()}


def _as_they_stand(past: Past, names: tuple[str, ...]) -> dict[str, Array]:
    table, there = _attributes(past.data, names)
    if copies := _copies(past.data, table, there):
        raise FeatureError(f"attributes {copies} {_SAYS}; leave them out: [features] attributes = [...]")
    # rows of one account must not multiply those of its snapshots
    table = table.drop_duplicates("account")
    table = table.set_index("account").reindex(past.account)
    # without a day of being known an account was always known
    late = table["known"].to_numpy(dtype=np.float64, na_value=-np.inf) >= past.cut
    facts: dict[str, Array] = {}
    for name, stored in there.items():
        column = table[stored]
        if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
            values: Array = column.to_numpy(dtype=np.float64, na_value=np.nan)
            facts[name] = np.where(late, np.nan, values)
        else:
            known = column.notna().to_numpy() & ~late
            facts[name] = column.astype(object).where(known, None).to_numpy()
    return facts


def attributes_of(data: CustomerData, most: int = 100) -> tuple[str, ...]:
    """Attributes of the accounts table that can serve as context.

    Names, owners, times and texts with more than `most` different values are left out; what says the same as the
    reason for leaving, or speaks of leaving by its name, is left out with a warning. What has a history is taken.
    """
    told = _with_history(data)
    followed = {name for name, n in told.items() if n <= most and name not in CONTRACT["accounts"].names}
    if "accounts" not in data.tables:
        return (*_CONTRACT, *sorted(followed))
    table, there = _attributes(data, [name for name in data.attributes if name not in told])
    kept = [
        name
        for name, stored in there.items()
        if table[stored].notna().any()
        and (pd.api.types.is_numeric_dtype(table[stored]) or table[stored].nunique() <= most)
    ]
    copies = _copies(data, table, there)
    leaving = [name for name in kept if name not in copies and SPEAKS_OF_LEAVING.search(name.replace("_", " "))]
    for code, names in (("CSD333", copies), ("CSD334", leaving)):
        if names:
            warnings.warn(str(Breach(code, "accounts", ", ".join(names), len(names))), DataWarning, stacklevel=4)
    return (*_CONTRACT, *sorted(set(kept) - {*copies, *leaving} | followed))


def _copies(data: CustomerData, table: pd.DataFrame, there: dict[str, str]) -> list[str]:
    """Name attributes that say the same of each account as the reason for leaving, whatever their words."""
    if not data.has("accounts", _OUTCOME):
        return []
    reason = data.engine.collect(data.lazy("accounts").select("account", _OUTCOME)).drop_duplicates("account")
    told = table.drop_duplicates("account").set_index("account")
    why = reason.set_index("account")[_OUTCOME].reindex(told.index)
    # missing is a value here: an attribute that is filled for leavers alone gives them away too
    codes = pd.Series(pd.factorize(why, use_na_sentinel=False)[0])
    if why.notna().sum() < _LEAVERS or codes.nunique() < 2:
        return []  # so few may agree by chance
    found = []
    for name, stored in there.items():
        values = pd.Series(pd.factorize(told[stored], use_na_sentinel=False)[0])
        pairs = len(pd.DataFrame({"reason": codes, "value": values}).drop_duplicates())
        # one to one: as many pairs as values on either side
        if pairs == codes.nunique() == values.nunique():
            found.append(name)
    return found


def _attributes(data: CustomerData, names: Iterable[str]) -> tuple[pd.DataFrame, dict[str, str]]:
    """Account, day of being known and attributes, and for each that is there its column."""
    rows = data.lazy("accounts")
    stored = {column: column for column in CONTRACT["accounts"].names} | data.attributes
    there = {name: stored[name] for name in names if stored.get(name) in rows.collect_schema().names()}
    return data.engine.collect(rows.select("account", "known", *there.values())), there
