"""The place between promoter and saboteur, by hand; without evidence it is unknown."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk.exceptions import ConfigError
from csrisk.success import HAPPINESS_STAGES, happiness


def _book(surveys: list[dict[str, object]], **tables: pd.DataFrame) -> cr.CustomerData:
    ids = sorted({str(row["account_id"]) for row in surveys} | {"silent"})
    accounts = pd.DataFrame({"account_id": ids, "started_at": pd.Timestamp("2024-01-01")})
    return cr.CustomerData({"accounts": accounts, "surveys": pd.DataFrame(surveys), **tables}, end="2025-07-01")


def _answer(account: str, kind: str, score: float, answered: str, sent: str = "2025-06-01") -> dict[str, object]:
    return {
        "account_id": account,
        "sent_at": pd.Timestamp(sent),
        "answered_at": pd.Timestamp(answered),
        "kind": kind,
        "score": score,
    }


def _at(data: cr.CustomerData, day: str, **options: object) -> pd.DataFrame:
    table = happiness(data, cr.Snapshots.at(data, day, eligible="account"), **options)  # type: ignore[arg-type]
    return table.droplevel("as_of")


def test_position_by_hand() -> None:
    """NPS 9 on 0-10 is .9, CSAT 2 on 1-5 is .25, CES 4 on 1-7 is .5; all of the same day, so equal weights."""
    data = _book([_answer("a", kind, score, "2025-06-10") for kind, score in (("NPS", 9), ("CSAT", 2), ("CES", 4))])
    row = _at(data, "2025-07-01").loc["a"]
    assert row["position"] == pytest.approx((0.9 + 0.25 + 0.5) / 3)
    assert row["scores"] == 3
    assert row["high"] - row["position"] == pytest.approx(1.959964 * np.sqrt(0.2**2 / 3))
    assert row["stage"] == HAPPINESS_STAGES[2]


def test_old_evidence_counts_less() -> None:
    """Sent 30 and 150 days before: weights 2^-(1/2) and 2^-(5/2), which is 4 to 1."""
    data = _book(
        [_answer("a", "NPS", 10, "2025-06-02", "2025-06-01"), _answer("a", "NPS", 1, "2025-02-02", "2025-02-01")]
    )
    row = _at(data, "2025-07-01", at_least=0.1).loc["a"]
    assert row["position"] == pytest.approx((4 * 1.0 + 1 * 0.1) / 5)
    assert row["evidence"] == pytest.approx(2**-0.5 + 2**-2.5)


def test_without_evidence_the_position_is_unknown() -> None:
    data = _book([_answer("a", "NPS", 9, "2025-06-10")])
    row = _at(data, "2025-07-01", at_least=0.5).loc["silent"]
    assert np.isnan(row["position"])
    assert pd.isna(row["stage"])
    assert row["evidence"] == 0


def test_answers_of_the_future_are_not_seen() -> None:
    data = _book([_answer("a", "NPS", 9, "2025-06-10")])
    assert np.isnan(_at(data, "2025-06-10", at_least=0.1).loc["a", "position"])
    assert _at(data, "2025-06-11", at_least=0.1).loc["a", "position"] == pytest.approx(0.9)


def test_acts_and_escalations_pull_in_their_direction() -> None:
    answers = [_answer(name, "NPS", 6, "2025-06-02") for name in ("plain", "fan", "angry")]
    acts = pd.DataFrame({"account_id": ["fan"], "at": [pd.Timestamp("2025-06-20")], "kind": ["reference"]})
    contacts = pd.DataFrame(
        {
            "account_id": ["angry"],
            "opened_at": [pd.Timestamp("2025-06-20")],
            "resolved_at": [pd.Timestamp("2025-06-22")],
            "transfers": [3],
        }
    )
    table = _at(_book(answers, advocacy=acts, contacts=contacts), "2025-07-01", at_least=0.5)
    assert table.loc["angry", "position"] < table.loc["plain", "position"] < table.loc["fan", "position"]
    assert table.loc["angry", "escalations"] == 1
    assert table.loc["fan", "acts"] == 1


def test_evidence_threshold_must_be_positive(small_book: cr.CustomerData) -> None:
    with pytest.raises(ConfigError, match=r"at_least=0 must be positive"):
        happiness(small_book, at_least=0)


def test_noisy_positions_are_drawn_to_the_book(small_book: cr.CustomerData) -> None:
    table = happiness(small_book)
    known = table.dropna(subset="position")
    assert ((known["low"] <= known["position"]) & (known["position"] <= known["high"])).all()
    width = known["high"] - known["low"]
    assert width.corr(known["evidence"], method="spearman") < -0.8


def test_promises_count_when_they_are_due() -> None:
    """Goal met and goal overdue since 61 days; the third is due tomorrow and says nothing."""
    answers = [_answer("a", "NPS", 6, "2025-06-02")]
    goals = pd.DataFrame(
        {
            "account_id": ["a"] * 3,
            "agreed_at": pd.Timestamp("2025-03-01"),
            "due_at": pd.to_datetime(["2025-08-01", "2025-05-01", "2025-07-02"]),
            "met_at": pd.to_datetime(["2025-06-01", None, None]),
        }
    )
    row = _at(_book(answers, expectations=goals), "2025-07-01").loc["a"]
    assert row["promises"] == 2
    nps, overdue = 2**-0.5, 0.5 * 2 ** (-61 / 60)
    assert row["evidence"] == pytest.approx(nps + 0.5 + overdue)
    assert row["position"] == pytest.approx((nps * 0.6 + 0.5) / (nps + 0.5 + overdue))


def test_follows_true_happiness() -> None:
    """Spearman correlation with the true happiness of the month before, 95 % bound by Fisher's z over accounts."""
    book = cr.datasets.make_saas(400, 18, seed=3)
    table = happiness(book.data()).droplevel("as_of")
    truth = book.truth.months.xs(pd.Timestamp("2025-12-01"), level="month")["happiness"]
    both = pd.concat([table["position"], truth], axis=1).dropna()
    low = np.tanh(
        np.arctanh(both["position"].corr(both["happiness"], method="spearman")) - 1.959964 / np.sqrt(len(both) - 3)
    )
    assert low > 0.6


_AGAINST = {
    "one star": {"kind": "review", "rating": 1.0},
    "complaint": {"kind": "complaint"},
    "legal threat": {"kind": "legal_threat"},
    "stance": {"kind": "webinar", "stance": "against"},
}


@pytest.mark.parametrize("accounts", [40, 260])
def test_who_speaks_against_us_is_placed_lower(accounts: int) -> None:
    """With few accounts (weighted means) and with many (common factor): against counts down, for counts up."""
    made = cr.datasets.make_saas(accounts, 12, seed=3)
    data = made.data()
    before = happiness(data).droplevel("as_of")["position"].dropna()
    account = before.sort_values().index[len(before) // 2]
    at = data.end - pd.Timedelta(days=20)

    def after(**columns: object) -> float:
        rows = pd.DataFrame({"account_id": account, "at": [at] * 3, **columns})
        tables = {**made.tables, "advocacy": pd.concat([made.tables["advocacy"], rows], ignore_index=True)}
        return float(happiness(cr.CustomerData(tables, end=data.end)).droplevel("as_of").loc[account, "position"])

    assert after(kind="reference") > before[account]
    found = {name: after(**row) for name, row in _AGAINST.items()}
    assert {name: position for name, position in found.items() if position >= before[account]} == {}


def test_no_comment_in_the_window_is_no_error() -> None:
    """Comments long past are text without a polarity: the position rests on what else is known, here on nothing."""
    row = _answer("a", "NPS", 9, "2023-06-10", sent="2023-06-01") | {"comment": "Great service, thank you."}
    assert _at(_book([row]), "2025-07-01")["position"].isna().all()
