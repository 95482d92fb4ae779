"""Lists by name: owners with what lies on them, and value reviews that are due."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd

import csrisk as cr

if TYPE_CHECKING:
    from pathlib import Path


def _tables(why: Any, tmp_path: Path, contacts: pd.DataFrame) -> dict[str, Any]:
    ids = [f"acct-{i:05d}" for i in range(60)]
    owners = ["Ada"] * 30 + ["Bert"] * 29 + [None]
    accounts = pd.DataFrame({"account_id": ids, "started_at": "2024-01-01", "owner": owners})
    contracts = pd.DataFrame({"account_id": ids, "start_at": "2024-01-01", "mrr": range(100, 160)})
    data = cr.CustomerData({"accounts": accounts, "subscriptions": contracts, "contacts": contacts}, end="2025-12-01")
    report = json.loads(cr.write_report(tmp_path / "a.json", why, data=data).read_text())
    return {table["caption"]: table for table in report["success"]["more"]} | {"cards": report["cards"]}


def _contacts(rows: list[tuple[str, str, str, int]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["account_id", "opened_at", "kind", "transfers"])
    opened = pd.to_datetime(table["opened_at"])
    return table.assign(opened_at=opened, resolved_at=opened + pd.Timedelta(days=1))


def test_owners_with_steps_and_escalations(why: Any, tmp_path: Path) -> None:
    """Two cases of Ada's were handed on twice, one of Bert's once; one account has two open cases."""
    rows = [("acct-00001", "2025-08-01", "support", 2), ("acct-00002", "2025-08-01", "support", 3)]
    rows += [("acct-00031", "2025-08-01", "support", 1), ("acct-00032", "2025-09-11", "support", 0)]
    rows.append(("acct-00032", "2025-09-12", "support", 0))
    contacts = _contacts(rows)
    contacts.loc[3:, "resolved_at"] = pd.NaT
    found = _tables(why, tmp_path, contacts)
    table = {row[0]: row for row in found["Accounts by owner"]["rows"]}
    assert {name: row[1] for name, row in table.items()} == {"Ada": 30, "Bert": 29, "nobody": 1}
    assert {name: row[6] for name, row in table.items()} == {"Ada": 2, "Bert": 0, "nobody": 0}
    steps = {card["account"]: len(card["steps"]) for card in found["cards"]}
    assert steps["acct-00032"] >= 1
    assert table["Bert"][5] == sum(steps[f"acct-{i:05d}"] for i in range(30, 59))
    assert table["Ada"][3] == sum(range(100, 130))


def test_value_reviews_that_are_due(why: Any, tmp_path: Path) -> None:
    """58 had none, one had one too long ago; the one of 30 days ago is not named. Who pays most comes first."""
    rows = [("acct-00059", "2025-09-01", "business review", 0), ("acct-00058", "2025-01-01", "Value-Report", 0)]
    rows.append(("acct-00057", "2025-09-20", "support", 0))
    table = _tables(why, tmp_path, _contacts(rows))["Value reviews that are due"]
    assert len(table["rows"]) == 10
    assert [row[1] for row in table["rows"][:2]] == ["273 days ago", "never"]
    assert [row[2] for row in table["rows"][:3]] == [158, 157, 156]
    assert table["note"].startswith("59 of 60 accounts: no business review")


def test_without_reviews_nobody_is_late(why: Any, tmp_path: Path) -> None:
    found = _tables(why, tmp_path, _contacts([("acct-00057", "2025-09-20", "support", 0)]))
    assert "Value reviews that are due" not in found
    silent = dict(found["Parts without evidence"]["rows"])
    assert silent["value reviews"] == "contacts of kind business_review or value_report"


def test_accounts_judged_otherwise_than_told(tmp_path: Path) -> None:
    """The model holds the pulse for a danger, the managers for a safety: who is green is told the highest risk."""
    from lightgbm import LGBMClassifier

    ids = [f"acct-{i:05d}" for i in range(60)]
    index = pd.MultiIndex.from_product([ids, [pd.Timestamp("2025-10-01")]], names=["account_id", "as_of"])
    X = pd.DataFrame({"csm_pulse_last": [float(i % 6) for i in range(60)]}, index=index)
    model = LGBMClassifier(n_estimators=5, min_child_samples=5, verbose=-1).fit(X, X["csm_pulse_last"] > 2)
    pulse = cr.Feature("csm_pulse_last", "advocacy", "score", "The CSM gives {value}", -1)
    why = cr.explain(model, X, reference=X, declarations=[pulse])
    said = pd.DataFrame(
        {"account_id": ids, "at": "2025-09-01", "name": "CSM pulse", "value": X["csm_pulse_last"].to_list()}
    )
    usage = pd.DataFrame({"account_id": ids, "at": "2025-09-15"})
    data = cr.CustomerData({"measures": said, "usage": usage}, end="2025-12-01")
    report = json.loads(cr.write_report(tmp_path / "a.json", why, data=data).read_text())
    table = next(t for t in report["success"]["more"] if t["caption"] == "Judgement against model: where they disagree")
    assert {(row[1], row[2]) for row in table["rows"]} <= {("csm pulse: safe", 5.0), ("csm pulse: safe", 4.0)}
    assert len(table["rows"]) == 10
