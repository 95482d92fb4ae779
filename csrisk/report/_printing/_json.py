"""The report as JSON, and its accounts as CSV, for programs."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pandas as pd

from csrisk._text import csv_text

if TYPE_CHECKING:
    from csrisk.report._content import Report

__all__ = ["render_csv", "render_json"]


def render_json(report: Report) -> str:
    """Render a report as JSON: the content model as it stands, plain ASCII, without NaN.

    Characters that mean something in HTML are written as escapes, so the text may be embedded in a page.
    """
    content = {"format": "csrisk report 1", **dataclasses.asdict(report)}
    # JSON knows no NaN: what is unknown has to be None by now
    text = json.dumps(content, allow_nan=False, indent=1, ensure_ascii=True)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text + "\n"


def render_csv(report: Report) -> str:
    """Render the accounts as CSV, one row each, without anything that a spreadsheet would run."""
    goals = [goal.goal for goal in report.goals]
    head = ["rank", "account_id", "name", "probability", "mrr", "mrr_at_risk", "main_goal", "reference"]
    rows: list[list[object]] = []
    for card in report.cards:
        points = {part.goal: part.points for part in card.goals}
        known = [card.rank, card.account, card.name, card.probability, card.mrr, card.at_risk, card.main_goal]
        rows.append([*known, card.reference, *(points.get(goal) for goal in goals), card.reason])
    for line in report.lines:
        known = [line.rank, line.account, line.name, line.probability, line.mrr, line.at_risk, line.main_goal]
        # a line has no reference, no goals and no reason
        rows.append([*known, *[None] * (len(goals) + 2)])
    # as objects: whole numbers beside gaps would become 1.0
    return csv_text(pd.DataFrame(rows, columns=[*head, *goals, "reason"], dtype=object))
