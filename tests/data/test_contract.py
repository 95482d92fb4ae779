"""The contract and the codes hang together."""

from __future__ import annotations

import pytest

from csrisk.data import CODES, CONTRACT


@pytest.mark.parametrize("table", CONTRACT.values(), ids=list(CONTRACT))
def test_a_table_hangs_together(table) -> None:
    assert len(set(table.names)) == len(table.names)
    for order in table.orders:
        assert {order.later, order.earlier} <= set(table.times)
    if table.time is not None:
        assert table[table.time].required
        assert table[table.time].strict
    if table.has_account:
        assert table.names[0] == "account_id"
        assert "known_at" in table.times
    assert not set(table.second_times) & {"known_at", table.time, "planned_end", "due_at", "notice_at"}
    assert all(column.meaning.endswith(".") for column in table.columns)


def test_second_times_are_those_that_a_snapshot_must_not_see_early() -> None:
    found = {name: table.second_times for name, table in CONTRACT.items() if table.second_times}
    assert found == {
        "accounts": ("started_at", "ended_at"),
        "subscriptions": ("end_at", "notice_given_at"),
        "contacts": ("resolved_at",),
        "surveys": ("answered_at", "acknowledged_at", "acted_at", "declined_at"),
        "expectations": ("met_at", "closed_at"),
        "people": ("to_at",),
        "invoices": ("paid_at", "disputed_at"),
    }


def test_described_for_the_documentation() -> None:
    described = CONTRACT["surveys"].describe().set_index("column")
    assert list(described.columns) == ["kind", "rule", "meaning"]
    assert described.loc["account_id", "rule"] == "required"
    assert described.loc["kind", "rule"] == "one of NPS, CSAT, CES, idea, complaint, praise"
    assert described.loc["answered_at", "rule"] == "not before sent_at"
    assert CONTRACT["usage"]["quantity"].rule == "at least 0; 1 where missing"
    assert CONTRACT["subscriptions"]["planned_end"].rule == "agreed beforehand"


def test_an_unknown_column_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="nothing"):
        CONTRACT["usage"]["nothing"]


def test_codes_are_numbered_by_subject_and_read_as_sentences() -> None:
    assert list(CODES) == sorted(CODES)
    for code in CODES.values():
        assert code.code[:3] == "CSD"
        assert len(code.code) == 6
        assert not code.rule.endswith(".")
        assert code.next_step
        assert not code.quiet or code.effect in ("kept", "row left out")  # the latter is what the user asked for
