"""Columns of the score table: one versioned schema for CRM, warehouse, report and Spark."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "EXPANSION_COLUMNS",
    "GOALS",
    "LONGEVITY_COLUMNS",
    "REASONS",
    "SCORES_SCHEMA",
    "SCORE_COLUMNS",
    "ScoreColumn",
    "as_schema",
]

SCORES_SCHEMA = 1
GOALS = ("churn", "footprint", "advocacy", "feedback", "context")
REASONS = 3

Kind = Literal["key", "date", "whole", "number", "text"]


@dataclass(frozen=True)
class ScoreColumn:
    """One column of the score table.

    Parameters
    ----------
    name : str
        Name in the frame, and in Parquet and CSV files.
    kind : {"key", "date", "whole", "number", "text"}
        key: text or a whole number, as the accounts have it; date: midnight; whole: int64; number: float64.
    meaning : str
        What it says.
    null : str
        When it is missing; empty if never.

    Examples
    --------
    >>> from csrisk.pipeline import SCORE_COLUMNS
    >>> SCORE_COLUMNS[1].name, SCORE_COLUMNS[1].kind
    ('as_of', 'date')
    """

    name: str
    kind: Kind
    meaning: str
    null: str = ""


_NO_MODEL = "the data cannot tell expansion"
_NO_MRR = "no monthly revenue is known"
_FEWER = "fewer reasons"
_UNKNOWN = "too little is known of one side"

SCORE_COLUMNS = (
    ScoreColumn("account_id", "key", "account"),
    ScoreColumn("as_of", "date", "date of the score; nothing from that day on was used"),
    ScoreColumn(
        "priority",
        "whole",
        "1 is first: by revenue at risk (the median revenue where it is unknown), or by probability where all are",
    ),
    ScoreColumn("churn_probability", "number", "calibrated probability of churn within the horizon, after the lead"),
    ScoreColumn(
        "churn_low",
        "number",
        "95 % interval of the share that will leave among accounts told as much: what the forward test found of such "
        "accounts, carried to the next book with its error; the churn probability lies inside",
        "no forward test, or too few churned in it",
    ),
    ScoreColumn("churn_high", "number", "its upper end", "as churn_low"),
    ScoreColumn("expansion_probability", "number", "calibrated probability of expansion", _NO_MODEL),
    ScoreColumn("mrr", "number", "monthly recurring revenue known at the date", _NO_MRR),
    ScoreColumn("mrr_at_risk", "number", "churn probability times monthly revenue", _NO_MRR),
    ScoreColumn(
        "expected_mrr_change",
        "number",
        "expected change of monthly revenue until the end of the horizon: growth less shrinkage less churn",
        f"{_NO_MRR}, or {_NO_MODEL}",
    ),
    ScoreColumn("reference_points", "number", "mean risk of the reference, in percentage points"),
    *(
        ScoreColumn(
            f"{goal}_points",
            "number",
            f"contribution of the goal {goal}, in percentage points; all with reference_points sum to 100 times the "
            "churn probability"
            if goal != "context"
            else "contribution of attributes that serve no goal, and of what was not measured, in percentage points",
        )
        for goal in GOALS
    ),
    ScoreColumn(
        "main_goal",
        "text",
        "goal that raises the risk most; context only where no goal raises it",
        "nothing raises the risk by 0.05 percentage points",
    ),
    ScoreColumn(
        "driver",
        "text",
        "main goal, where it is sure enough to be the true driver",
        "no single driver can be named",
    ),
    ScoreColumn(
        "driver_probability",
        "number",
        "probability that the main goal is the true first one, as in worlds with known truth",
        "no goal raises the risk most, or it is not compared with the book",
    ),
    ScoreColumn(
        "not_measured",
        "text",
        "goals of which nothing was recorded for the account, with commas between them: they carry 0, and what the "
        "model makes of the silence is part of context",
        "something is known of every goal",
    ),
    *(
        column
        for rank in range(1, REASONS + 1)
        for column in (
            ScoreColumn(f"reason_{rank}", "text", f"sentence of reason {rank} that raises the risk", _FEWER),
            ScoreColumn(f"reason_{rank}_feature", "text", "feature that it speaks of", _FEWER),
            ScoreColumn(f"reason_{rank}_pp", "number", "its contribution, in percentage points", _FEWER),
        )
    ),
    ScoreColumn("quadrant", "text", "place in the success quadrant", _UNKNOWN),
    ScoreColumn("model_id", "text", "hash of everything that scoring depends on"),
    ScoreColumn("data_hash", "text", "hash of the features of this book"),
    ScoreColumn("schema", "whole", f"version of this schema: {SCORES_SCHEMA}"),
    ScoreColumn(
        "trained_at",
        "date",
        "first day that the model knows nothing of; a score with an earlier as_of is a look back, not a forecast",
        "the model file does not tell",
    ),
)


EXPANSION_COLUMNS = (
    ScoreColumn("expansion_reference_pp", "number", "mean expansion of the reference, in percentage points"),
    *(
        ScoreColumn(
            f"expansion_{goal}_pp",
            "number",
            f"contribution of {'the goal ' if goal != 'context' else ''}{goal} to the expansion probability; all with "
            "expansion_reference_pp sum to 100 times it",
        )
        for goal in GOALS
    ),
    ScoreColumn(
        "expansion_goal",
        "text",
        "goal that raises the expansion probability most",
        "nothing raises it by 0.05 percentage points",
    ),
    ScoreColumn(
        "expansion_reason",
        "text",
        "sentence of what raises the expansion probability most, for the 50 accounts most likely to expand",
        "later in the order, or nothing raises it",
    ),
    ScoreColumn("expansion_reason_feature", "text", "feature that it speaks of", "as expansion_reason"),
    ScoreColumn("expansion_reason_pp", "number", "its contribution, in percentage points", "as expansion_reason"),
)

_STAYS = "longevity was not asked for, or the data cannot tell it"
_NO_VALUE = f"{_STAYS}, or it is not known what the account brings"
LONGEVITY_COLUMNS = (
    ScoreColumn(
        "expected_months",
        "number",
        "months that the account is expected to stay, counted up to the months of the specification; one that stays "
        "longer counts as staying so long",
        _STAYS,
    ),
    ScoreColumn(
        "months_low",
        "number",
        "range in which four of five of such accounts leave; one in ten leaves before it, and one in ten after it",
        _STAYS,
    ),
    ScoreColumn(
        "months_high", "number", "its upper end; the last month looked at where it lies beyond", "as months_low"
    ),
    ScoreColumn(
        "expected_margin",
        "number",
        "expected months times what the account brings a month: profit where finance tells it, else its revenue",
        _NO_VALUE,
    ),
    ScoreColumn("margin_low", "number", "months and money both at the low end of their ranges", _NO_VALUE),
    ScoreColumn("margin_high", "number", "both at the high end", _NO_VALUE),
)


def as_schema(flat: pd.DataFrame, checks: list[dict[str, Any]] | None = None) -> pa.Table:
    """Give a flat score table the types of the schema."""
    import pyarrow as pa

    whole = pd.api.types.is_integer_dtype(flat["account_id"].dtype)
    types = {
        "key": pa.int64() if whole else pa.string(),
        "date": pa.timestamp("us"),
        "whole": pa.int64(),
        "number": pa.float64(),
        "text": pa.string(),
    }
    fields = [
        # a column that does not say what null means has none
        pa.field(column.name, types[column.kind], nullable=bool(column.null), metadata={"meaning": column.meaning})
        for column in (*SCORE_COLUMNS, *EXPANSION_COLUMNS, *LONGEVITY_COLUMNS)
        # those of SCORE_COLUMNS are never optional: one that is missing is to fail here
        if column.name in flat or column in SCORE_COLUMNS
    ]
    # NaN is no JSON, and other readers refuse it
    told = {} if checks is None else {"csrisk checks": json.dumps(checks, allow_nan=False)}
    schema = pa.schema(fields, metadata={"csrisk scores": str(SCORES_SCHEMA), **told})
    # without the metadata of pandas: they hold its version, and bytes would change with it
    return pa.Table.from_pandas(flat, schema=schema, preserve_index=False).replace_schema_metadata(schema.metadata)
