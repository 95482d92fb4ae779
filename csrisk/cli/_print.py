"""What commands print for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from csrisk._printable import one_line

if TYPE_CHECKING:
    import pandas as pd

    from csrisk._pipeline import RiskPipeline

__all__ = ["percent", "print_first", "print_frame", "print_json", "print_plan", "print_test"]

_MOST = 5
_NAMES = {"model": "csrisk model", "recency": "recency alone"}


def print_json(value: Any) -> None:
    """Print plain values as one line of JSON."""
    click.echo(json.dumps(value, allow_nan=False, default=str))


def print_plan(plan: dict[str, Any], *, as_json: bool) -> None:
    """Print what a dry run found."""
    if as_json:
        print_json(plan)
        return
    for name, value in plan.items():
        words = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        click.echo(f"{name}: {', '.join(map(str, value)) if isinstance(value, list) else words}")
    click.echo("dry run: nothing was fitted and nothing was written")


def print_test(pipeline: RiskPipeline) -> None:
    """Print the forward test: the model beside its baselines."""
    metrics = pipeline.record_.metrics
    if metrics is None:
        return
    counts = metrics.loc["model"]["estimate"]
    click.echo(
        f"\nForward test: {counts['n_snapshots']:,.0f} later snapshots of {counts['n_accounts']:,.0f} accounts, "
        f"{counts['n_events']:,.0f} churned"
    )
    click.echo(f"{'':16}{'AUC':>6}   95 % interval    the model is better by")
    for method, table in pipeline.record_.evaluation().items():
        row = table.loc["auc"]
        line = f"{_NAMES.get(method, method):16}{row['estimate']:6.3f}   {row['low']:.3f} to {row['high']:.3f}"
        click.echo(f"{line}   {_gain(pipeline, method)}".rstrip())
    click.echo("")


def _gain(pipeline: RiskPipeline, method: str) -> str:
    gain = pipeline.record_.gain
    if gain is None or method not in gain.index:
        return ""
    row = gain.loc[method]
    return f"{row['difference']:.3f} ({row['low']:.3f} to {row['high']:.3f})"


def print_first(scores: pd.DataFrame) -> None:
    """Print the accounts that matter most."""
    from csrisk._explain import NO_REASON
    from csrisk.report._revenue import why_listed

    as_of = scores.index.get_level_values("as_of")[0]
    click.echo(f"\nThe {min(_MOST, len(scores))} accounts of {len(scores):,} that matter most on {as_of:%Y-%m-%d}:")
    why = why_listed(scores["churn_probability"].to_numpy(), scores["mrr"].to_numpy())
    for place, row in enumerate(scores.head(_MOST).reset_index().to_dict("records")):
        money = f", {row['mrr']:,.0f} a month" if row["mrr"] == row["mrr"] else ""
        stays = row.get("expected_months")
        if stays is not None and stays == stays:  # what is missing equals nothing
            money += f", expected to stay {stays:.1f} months"
        reason = row["reason_1"] if isinstance(row["reason_1"], str) else NO_REASON
        account, listed = one_line(str(row["account_id"])), f"{words} " if (words := why[place]) else ""
        risk = percent(row["churn_probability"])
        click.echo(f"{row['priority']}. {account} ({risk} risk{money}): {listed}{one_line(reason)}")


def print_frame(table: pd.DataFrame, digits: int = 3) -> None:
    """Print a small table, aligned, without an index that is only a count."""
    shown = table.map(lambda value: f"{value:.{digits}f}" if isinstance(value, float) else _text(value))
    shown = shown.rename(index=_text, columns=_text)
    click.echo(shown.to_string(na_rep=""))


def _text(value: object) -> object:
    """Names of customers do nothing to a terminal."""
    return one_line(value) if isinstance(value, str) else value


def percent(share: float) -> str:
    """Write a share as whole percent."""
    return f"{100 * share:.0f} %"
