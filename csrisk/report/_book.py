"""The book as arrays: what the explanation and the tables say, brought into one order and checked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from csrisk._goals import Goal
from csrisk._snapshots import Snapshots
from csrisk._text import number
from csrisk.exceptions import ExplanationError
from csrisk.report._figures._revenue import at_stake, find_revenue, why_listed
from csrisk.report._names import clean, pseudonym

if TYPE_CHECKING:
    from collections.abc import Mapping

    from csrisk._explain import Explanation
    from csrisk.data import CustomerData

__all__ = ["Book", "book_features", "describe", "figure_at", "read_book"]

Floats = npt.NDArray[np.float64]
_FACTS = ("segment", "plan", "industry", "region")
# percentage points: room for the rounding of sums, far below the tenth of a point that is printed
_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Book:
    """All accounts scored at one ``as_of`` (NaT: rows of a table without dates), in order of priority.

    ``rows`` are positions in the explanation, ``points`` percentage points by goal, ``evidence`` says where at least
    something is known of a goal, and ``sizes`` counts the features of each goal.
    """

    why: Explanation
    as_of: pd.Timestamp
    rows: npt.NDArray[np.intp]
    keys: tuple[Any, ...]
    accounts: tuple[str, ...]
    names: tuple[str, ...]
    facts: tuple[tuple[str, ...], ...]
    points: pd.DataFrame
    evidence: pd.DataFrame
    sizes: Mapping[str, int]
    reference: Floats
    prediction: Floats
    mrr: Floats | None

    @property
    def probability(self) -> Floats:
        """Calibrated probabilities."""
        return self.prediction / 100

    @property
    def at_risk(self) -> Floats | None:
        """Expected loss of monthly revenue by account; NaN where its revenue is unknown."""
        return None if self.mrr is None else self.probability * self.mrr

    @property
    def stake(self) -> Floats:
        """What the accounts are ordered by."""
        return at_stake(self.probability, self.mrr)

    @property
    def listed(self) -> tuple[str, ...]:
        """Say of each account that stands high for its revenue alone that it does."""
        return why_listed(self.probability, self.mrr)

    @property
    def unpriced(self) -> int:
        """Accounts of unknown revenue, where that of others is known."""
        return 0 if self.mrr is None else int(np.isnan(self.mrr).sum())

    def snapshots(self, data: CustomerData) -> Snapshots | None:
        """Give the accounts of the book as snapshots of the data; None where it holds none of them."""
        # the explanation may hold accounts that the tables do not
        known = [key for key in self.keys if key in data.accounts]
        if not known:
            return None
        return Snapshots.of(data, pd.DataFrame({"account_id": known, "as_of": self.as_of}))

    @property
    def dated(self) -> bool:
        """Whether the accounts were seen at a date; rows of a flat table were not."""
        return not pd.isna(self.as_of)

    @property
    def present(self) -> tuple[Goal, ...]:
        """The goals that the model has features for."""
        return tuple(Goal(name) for name in self.points.columns)


def read_book(
    why: Explanation,
    data: CustomerData | None = None,
    *,
    mrr: pd.Series | None = None,
    pseudonymise: bool | str = False,
) -> Book:
    """Bring an explanation and the tables about its accounts into one order and check the sums.

    Accounts come by expected loss of monthly revenue (probability times MRR; where it is unknown, times the median of
    what is known), by probability where no revenue is known, and by account id where these are equal.
    """
    table = why.goals()
    ids, as_of = _keys_of(table.index)
    if data is not None and pd.isna(as_of):
        raise ExplanationError(
            "data=...: the explained rows have no dates to see the tables at; give the frame the index levels "
            "account_id and as_of, or leave the tables out"
        )
    _check_unit(why, table)
    goals = [str(goal) for goal in why.goals_present]
    points = table[goals].to_numpy(np.float64)
    reference, prediction = (table[name].to_numpy(np.float64) for name in ("reference", "prediction"))
    _check_sum(points, reference, prediction)
    money = find_revenue(why, data, mrr)
    # per cent instead of probabilities: the order is the same
    weight = at_stake(prediction, money)
    # the last key leads: expected loss, then risk, then id, as text, so that ids of any type have an order
    order = np.lexsort((np.asarray(ids.map(str)), -prediction, -weight))
    keys = tuple(ids[order])
    names, facts = describe(data, keys)
    accounts = tuple(str(key) for key in keys)
    if pseudonymise:
        # the id goes too: it leads to the account as surely as its name
        names = accounts = tuple(pseudonym(key, rank, pseudonymise) for rank, key in enumerate(keys, start=1))
    return Book(
        why=why,
        as_of=as_of,
        rows=order,
        keys=keys,
        accounts=accounts,
        names=names,
        facts=facts,
        points=pd.DataFrame(points[order], columns=goals),
        evidence=why.measured().iloc[order].reset_index(drop=True),
        sizes=Counter(str(feature.goal) for feature in why.declarations),
        reference=reference[order],
        prediction=prediction[order],
        mrr=None if money is None else money[order],
    )


def _keys_of(index: pd.Index) -> tuple[pd.Index, pd.Timestamp]:
    """Give the accounts and their one date; NaT for the rows of a flat table."""
    if index.nlevels == 1:
        repeated = int(index.duplicated().sum())
        if repeated:
            raise ExplanationError(
                f"index: {repeated} of {len(index)} rows repeat an account; a report shows each once. Set the "
                "column of the key as the index, or number the rows with reset_index(drop=True)"
            )
        return index, cast("pd.Timestamp", pd.NaT)
    if not {"account_id", "as_of"} <= set(index.names):
        names = list(index.names)
        raise ExplanationError(f"index has the levels {names}; a report needs account_id and as_of, or one level alone")
    return index.get_level_values("account_id"), _one_date(index.get_level_values("as_of"))


def _one_date(times: pd.Index) -> pd.Timestamp:
    dates = times.unique()
    if len(dates) != 1:
        message = (
            f"as_of holds {len(dates)} dates; a report shows one book. Explain the snapshots of one date, as in "
            f"Snapshots.at(data, date), and hand earlier books over as previous=..."
        )
        raise ExplanationError(message)
    return pd.Timestamp(dates[0])


def _check_unit(why: Explanation, table: pd.DataFrame) -> None:
    output = getattr(why, "output", "probability")
    if output != "probability":
        message = f"output={output!r}: a report speaks in percentage points; explain(..., output='probability')"
        raise ExplanationError(message)
    # not between rather than below or above: NaN is outside too
    outside = ~table["prediction"].between(-_TOLERANCE, 100 + _TOLERANCE)
    if outside.any():
        message = f"prediction lies outside of 0 to 100 percentage points in {int(outside.sum())} rows"
        raise ExplanationError(message)


def _check_sum(points: Floats, reference: Floats, prediction: Floats) -> None:
    gap = np.abs(reference + points.sum(axis=1) - prediction)
    # not at most rather than above: a gap of NaN is off too
    off = ~(gap <= _TOLERANCE)
    if off.any():
        message = (
            f"reference + goals differs from prediction by up to {number(float(np.nanmax(gap)))} percentage points in "
            f"{int(off.sum())} of {len(off)} rows; a report prints only what adds up. Explain the rows again"
        )
        raise ExplanationError(message)


def book_features(why: Explanation) -> pd.DataFrame:
    """Give the explained features, columns in the order of the declarations."""
    return why.background.values  # noqa: PD011  # a frame by that name, not the array of a frame


def describe(
    data: CustomerData | None, keys: tuple[object, ...]
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Give name and a few attributes by account; the id where there is no name."""
    ids = tuple(clean(key) or "(no name)" for key in keys)
    if data is None or not data.has("accounts"):
        return ids, ((),) * len(ids)
    # one row of each, as reindex refuses an index that repeats
    table = data.frame("accounts").drop_duplicates("account_id").set_index("account_id").reindex(list(keys))
    attributes: Mapping[str, Any] = {c: table[c].map(clean).tolist() for c in ("name", *_FACTS) if c in table}
    names = attributes.get("name", [""] * len(ids))
    facts = [attributes[c] for c in _FACTS if c in attributes]
    return (
        tuple(name or key for name, key in zip(names, ids, strict=True)),
        # what segment and plan both say is said once
        tuple(tuple(dict.fromkeys(filter(None, row)))[:3] for row in zip(*facts, strict=True)) or ((),) * len(ids),
    )


def figure_at(values: Floats | None, position: int) -> float | None:
    """Give one figure of the accounts, None where it is unknown: tables leave it out, and JSON has no word for NaN."""
    return None if values is None or np.isnan(values[position]) else float(values[position])
