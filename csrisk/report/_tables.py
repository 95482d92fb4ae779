"""Tables of a report, arranged from the tables that evaluation, checks and backtests return."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from csrisk._text import number
from csrisk.evaluation._measuring import metric_of
from csrisk.report._content import Calibration, Cell, Column, Interval, Kind, Table
from csrisk.report._names import clean

__all__ = ["calibration_points", "checks_table", "frame_table", "glossary_table", "provenance_table", "quality_table"]

_CHECK_COLUMNS = (
    ("code", "Code", "code"),
    ("name", "Check", "text"),
    ("status", "Status", "status"),
    ("measure", "Measured", "text"),
    ("threshold", "Threshold", "text"),
    ("source", "Source", "text"),
    ("next_step", "Next step", "text"),
)
_GLOSSARY = (
    ("Account", "The customer whose risk is modelled."),
    ("Snapshot", "One account seen at the start of one day; only what was known before that day counts."),
    ("Book", "All accounts scored at one date."),
    (
        "Goal",
        "One of the four goals of customer success: churn, footprint, advocacy, feedback loop. Context holds "
        "what serves no goal, such as segment and region.",
    ),
    ("Churn", "Minimise churn and maximise longevity: effort of staying, contract, tenure."),
    ("Footprint", "Depth and breadth of use."),
    ("Advocacy", "Expectations set, met and exceeded; what customers say of the vendor."),
    ("Feedback loop", "Listen, acknowledge, act: what was asked, answered and done about it."),
    ("Reference", "The snapshots that an account is compared with; their mean probability is where a card starts."),
    (
        "Contribution",
        "The signed share of a goal or feature in the distance between the reference and the account, in "
        "percentage points of the calibrated probability: its Shapley value.",
    ),
    (
        "Lead and horizon",
        "Churn is forecast for the days from date + lead up to, not including, date + lead + horizon.",
    ),
    ("MRR at risk", "Monthly recurring revenue times the probability of churn, summed over accounts."),
    ("No evidence", "No data speak about the goal. It is not filled with zeros and it is not good news."),
)
# of a table without dates; what is empty does not occur in its report
_UNDATED = {
    "Snapshot": "",
    "Lead and horizon": "",
    "Book": "All rows of the table that are explained.",
    "Reference": "The rows that an account is compared with; their mean probability is where a card starts.",
}


def quality_table(evaluation: pd.DataFrame | Mapping[str, pd.DataFrame], *, later: bool = True) -> Table:
    """Arrange metrics with their intervals, the model first and baselines beside it."""
    tables = {"Model": evaluation} if isinstance(evaluation, pd.DataFrame) else dict(evaluation)
    first = next(iter(tables.values()))
    rows = []
    for metric in first.index:
        entry = metric_of(str(metric))
        label, meaning = (str(metric).replace("_", " "), "") if entry is None else (entry.label, entry.meaning)
        # a table without dates has no snapshots
        label = label if later else label.replace("Snapshots", "Rows")
        cells = [_interval(table, metric) for table in tables.values()]
        rows.append((label, *cells, meaning))
    columns = (Column("Measure"), *(Column(_heading(name), "number", 3) for name in tables), Column("What it says"))
    note = "Ranges are 95 % intervals of each measure, from resampling accounts." if "low" in first else ""
    seen = "later data" if later else "rows"
    return Table(f"How good the model is on {seen} it has not seen", columns, tuple(rows), note)


def checks_table(checks: pd.DataFrame | Iterable[object]) -> Table:
    """Arrange the results of checks: failed first, then passed, then not applicable."""
    records = checks.reset_index().to_dict("records") if isinstance(checks, pd.DataFrame) else list(checks)
    order = {"failed": 0, "passed": 1, "not applicable": 2}
    read = [tuple(_field(record, name) for name, _, _ in _CHECK_COLUMNS) for record in records]
    read.sort(key=lambda row: (order.get(str(row[2]), 3), str(row[0])))
    columns = tuple(Column(label, kind) for _, label, kind in _CHECK_COLUMNS)  # type: ignore[arg-type]
    if not any(row[2] == "failed" for row in read):  # what is next is said of what failed
        columns, read = columns[:-1], [row[:-1] for row in read]
    return Table("What was checked", columns, tuple(tuple(_cell(value) for value in row) for row in read))


def frame_table(frame: pd.DataFrame, caption: str, *, note: str = "", limit: int = 500) -> Table:
    """Arrange any small frame as a printed table."""
    flat = _with_intervals(frame.reset_index() if any(name is not None for name in frame.index.names) else frame)
    columns = tuple(Column(_heading(name), _kind(flat[name]), _digits(flat[name])) for name in flat.columns)
    rows = tuple(tuple(_cell(value) for value in row) for row in flat.head(limit).itertuples(index=False, name=None))
    if len(flat) > limit:
        note = " ".join(filter(None, (note, f"The first {limit} of {number(len(flat), 0)} rows.")))
    return Table(caption, columns, rows, note)


def provenance_table(provenance: Mapping[str, object] | None, always: Mapping[str, object]) -> Table:
    """Arrange versions, seeds, hashes and configuration as facts; nested mappings become longer names."""
    facts = [*_flat(provenance or {}), *_flat(always)]
    return Table("Where these figures come from", (Column("Fact"), Column("Value", "code")), tuple(facts))


def glossary_table(*, dated: bool = True) -> Table:
    """Words of the report and what they mean; a table without dates has others."""
    words = _GLOSSARY if dated else tuple((word, _UNDATED.get(word, told)) for word, told in _GLOSSARY)
    rows = tuple((word, told) for word, told in words if told)
    return Table("Words used in this report", (Column("Word"), Column("Meaning")), rows)


def calibration_points(table: pd.DataFrame | None) -> Calibration | None:
    """Read a calibration table, one row per level of risk."""
    if table is None or table.empty:
        return None
    known = table.rename(columns={"mean_risk": "predicted", "event_rate": "observed", "n_snapshots": "n"})
    ordered = known.sort_values("predicted")
    observed = ordered["observed"]
    counts = ordered.get("n", observed * 0)
    return Calibration(
        predicted=_floats(ordered["predicted"]),
        observed=_floats(observed),
        # without bounds the interval shrinks to the point
        low=_floats(ordered.get("low", observed)),
        high=_floats(ordered.get("high", observed)),
        count=tuple(int(value) for value in counts),
    )


def _interval(table: pd.DataFrame, metric: object) -> Cell:
    found = table.index.get_indexer(pd.Index([metric]))[0]
    if found < 0:
        return None
    row = table.iloc[found]
    values = {name: _cell(row[name]) for name in ("estimate", "low", "high") if name in row.index}
    estimate = values.get("estimate")
    if not isinstance(estimate, int | float):
        return None
    # counts have no range
    if str(metric).startswith("n_"):
        return int(estimate)
    low, high = values.get("low"), values.get("high")
    return Interval(float(estimate), *(float(x) if isinstance(x, int | float) else None for x in (low, high)))


def _with_intervals(flat: pd.DataFrame) -> pd.DataFrame:
    """Fold ``x, x_low, x_high`` (or a single estimate, ``low, high``) into one column of intervals."""
    folded = flat.copy()
    single = [name for name in ("estimate", "difference", "value") if name in flat]
    bounds = {str(name): (f"{name}_low", f"{name}_high") for name in flat.columns}
    # bounds without a name belong to one estimate, the first
    bounds |= dict.fromkeys(single[:1], ("low", "high"))
    for name, (low, high) in bounds.items():
        if low in flat and high in flat:
            rows = zip(*([_cell(value) for value in flat[part]] for part in (name, low, high)), strict=True)
            cells = [None if row[0] is None else Interval(*row) for row in rows]
            folded[name] = pd.Series(cells, index=flat.index, dtype=object)
            folded = folded.drop(columns=[low, high])
    return folded


def _field(record: object, name: str) -> Any:
    return record.get(name) if isinstance(record, Mapping) else getattr(record, name, None)


def _flat(facts: Mapping[str, object], prefix: str = "") -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = []
    for name, value in facts.items():
        label = f"{prefix}{str(name).replace('_', ' ')}"
        if isinstance(value, Mapping):
            rows += _flat(value, f"{label} ")
        elif isinstance(value, Sequence) and not isinstance(value, str):
            rows.append((clean(label), ", ".join(clean(item) for item in value)))
        else:
            rows.append((clean(label), clean(value, longest=400)))
    return rows


def _heading(name: object) -> str:
    if entry := metric_of(str(name)):
        return entry.label
    text = clean(name).replace("_", " ")
    return text[:1].upper() + text[1:]


def _kind(column: pd.Series) -> Kind:
    if pd.api.types.is_bool_dtype(column):
        return "text"
    if pd.api.types.is_integer_dtype(column):
        return "integer"
    if pd.api.types.is_float_dtype(column) or column.map(lambda value: isinstance(value, Interval)).any():
        return "number"
    return "text"


def _digits(column: pd.Series) -> int | None:
    """Digits that all intervals between -1 and 1 share, so that they stand below each other; None for other columns."""
    cells = [value for value in column if isinstance(value, Interval)]
    return 3 if cells and all(abs(x) <= 1 for cell in cells for x in (cell.low, cell.high) if x is not None) else None


def _cell(value: Any) -> Cell:
    """Make a plain Python value of whatever a frame holds; missing is None."""
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    # before whole numbers, as True is one of them
    if isinstance(value, bool | Interval):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        figure = float(value)
        return None if math.isnan(figure) else figure
    if isinstance(value, pd.Timestamp):
        return str(value.date()) if value == value.normalize() else str(value)
    return clean(value, longest=400)


def _floats(column: pd.Series) -> tuple[float, ...]:
    return tuple(float(value) for value in column)
