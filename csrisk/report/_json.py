"""The report as JSON, and its accounts as CSV, for programs."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from typing import TYPE_CHECKING

from csrisk.report._names import csv_safe

if TYPE_CHECKING:
    from csrisk.report._content import Report

__all__ = ["render_csv", "render_json"]


def render_json(report: Report) -> str:
    """Render a report as JSON: the content model as it stands, plain ASCII, without NaN.

    Characters that mean something in HTML are written as escapes, so the text may be embedded in a page.

    Parameters
    ----------
    report : Report
        What the report says.

    Returns
    -------
    str
    """
    content = {"format": "csrisk report 1", **dataclasses.asdict(report)}
    text = json.dumps(content, allow_nan=False, indent=1, ensure_ascii=True)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text + "\n"


def render_csv(report: Report) -> str:
    """Render the accounts as CSV, one row each, without anything that a spreadsheet would run.

    Parameters
    ----------
    report : Report
        What the report says.

    Returns
    -------
    str
    """
    goals = [goal.goal for goal in report.goals]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(
        ["rank", "account_id", "name", "probability", "mrr", "mrr_at_risk", "main_goal", "reference", *goals, "reason"]
    )
    for card in report.cards:
        points = {part.goal: part.points for part in card.goals}
        known = [card.rank, csv_safe(card.account), csv_safe(card.name), card.probability, card.mrr, card.at_risk]
        split = [card.reference, *(points.get(goal) for goal in goals)]
        writer.writerow([*known, card.main_goal, *split, csv_safe(card.reason)])
    for line in report.lines:
        known = [line.rank, csv_safe(line.account), csv_safe(line.name), line.probability, line.mrr, line.at_risk]
        writer.writerow([*known, line.main_goal])
    return out.getvalue()
