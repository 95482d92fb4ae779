"""Claims on your own data, by hand on small tables and on portfolios whose process is known."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import csrisk as cr
from csrisk._wilson import Z_95, share_interval
from csrisk.exceptions import ConfigError
from csrisk.success import CLAIMS, claims, growth_by_stage, past_outcomes, plot_claims
from csrisk.success._measured_claims._shares import Estimate, auc_lead, difference_of, mean_of, ratio_of, share_of

N = 60
IDS = [f"a{i:02d}" for i in range(N)]
END = pd.Timestamp("2025-12-01")
# the year begins 365 days before the grace of 30 days before the end
YEAR_AGO = END - pd.Timedelta(days=395)


def _tables() -> dict[str, pd.DataFrame]:
    """Of 60 accounts 30 answer 10 and 30 answer 1; of the happy 6 leave in the year, of the unhappy 12."""
    sent = YEAR_AGO - pd.Timedelta(days=20)
    surveys = pd.DataFrame(
        {
            "account_id": IDS,
            "sent_at": sent,
            "answered_at": sent + pd.Timedelta(days=1),
            "kind": "NPS",
            "score": [10.0] * 30 + [1.0] * 30,
        }
    )
    leaves = [i < 6 or 30 <= i < 42 for i in range(N)]
    contracts = pd.DataFrame(
        {
            "account_id": IDS,
            "start_at": pd.Timestamp("2023-01-01"),
            "end_at": [pd.Timestamp("2025-03-01") if gone else pd.NaT for gone in leaves],
            "planned_end": pd.Timestamp("2026-12-01"),
            "mrr": 100.0,
        }
    )
    return {"surveys": surveys, "subscriptions": contracts}


def _row(name: str, **tables: pd.DataFrame) -> pd.Series:
    data = cr.CustomerData(_tables() | tables, end=END)
    return claims(data, horizon="90D", lead=0).loc[name]


def test_satisfied_who_left_and_dissatisfied_who_stayed() -> None:
    """6 of 30 are .2, as claimed; of the unhappy 18 of 30 stayed, .6 where .28 is claimed."""
    left, stayed = _row("satisfied_left"), _row("dissatisfied_stayed")
    assert left[["value", "n", "accounts", "events", "beside"]].tolist() == pytest.approx([0.2, 30, 30, 6, 0.4])
    low, high = share_interval(np.array([6]), np.array([30]))
    # the variance between accounts has 29 in its denominator
    assert (left["low"], left["high"]) == pytest.approx((low[0], high[0]), rel=0.02)
    assert left["verdict"] == "too little"  # .095 to .373 is wider than .25
    assert stayed["value"] == pytest.approx(18 / 30)
    assert stayed["verdict"] == "differ"


def test_who_spoke_within_the_year() -> None:
    """12 of the 30 promoters gave a reference in the year, 3 of the 30 detractors complained, one after the year."""
    within, after = YEAR_AGO + pd.Timedelta(days=100), YEAR_AGO + pd.Timedelta(days=366)
    acts = pd.DataFrame(
        {
            "account_id": [*IDS[:12], *IDS[30:33], IDS[33]],
            "at": [within] * 15 + [after],
            "kind": ["reference"] * 12 + ["complaint"] * 4,
        }
    )
    assert _row("promoters_spoke", advocacy=acts)["value"] == pytest.approx(12 / 30)
    against = _row("detractors_spoke", advocacy=acts)
    assert against[["value", "events"]].tolist() == pytest.approx([3 / 30, 3])
    assert against["verdict"] == "differ"
    spread = _row("bad_news_travels", advocacy=acts)
    assert spread["value"] == pytest.approx(3 / 30 - 12 / 30)
    assert spread["verdict"] == "differ"
    only_good = acts[acts["kind"] == "reference"]
    assert _row("detractors_spoke", advocacy=only_good)[["n", "verdict"]].tolist() == [0, "too little"]


def test_scores_after_contacts() -> None:
    """With a contact shortly before 24 fell and 6 rose, 4 to 1; without one 10 fell and 20 rose: 4 / .5 = 8."""
    first, second = pd.Timestamp("2025-01-01"), pd.Timestamp("2025-06-01")
    called, fell = np.arange(N) < 30, (np.arange(N) < 24) | ((np.arange(N) >= 30) & (np.arange(N) < 40))
    answers = [
        pd.DataFrame({"account_id": IDS, "sent_at": day, "answered_at": day, "kind": "CSAT", "score": score})
        for day, score in ((first, 3.0), (second, np.where(fell, 2.0, 4.0)))
    ]
    contacts = pd.DataFrame(
        {
            "account_id": [*np.array(IDS)[called], IDS[59], IDS[58], IDS[57]],
            # too early, begun by the vendor, on the day of the answer
            "opened_at": [second - pd.Timedelta(days=3)] * 30 + [pd.Timestamp("2025-04-01"), second, second],
            "initiated_by": ["customer"] * 31 + ["vendor", "customer"],
        }
    )
    surveys = pd.concat(answers, ignore_index=True)
    row = _row("fell_after_contact", surveys=surveys, contacts=contacts)
    assert row[["value", "beside", "n"]].tolist() == pytest.approx([4.0, 0.5, 30])
    against = _row("contact_against_none", surveys=surveys, contacts=contacts)
    assert against["value"] == pytest.approx(8.0)
    # one row an account: the log odds ratio has the variance 1/24 + 1/6 + 1/10 + 1/20, but for 60/59
    half = 1.959964 * np.sqrt((1 / 24 + 1 / 6 + 1 / 10 + 1 / 20) * 60 / 59)
    assert against["low"] == pytest.approx(8 / np.exp(half))
    assert against["verdict"] == "agree"


def test_self_service_counts_what_customers_began() -> None:
    contacts = pd.DataFrame(
        {
            "account_id": IDS * 2,
            "opened_at": [END - pd.Timedelta(days=9)] * N + [END - pd.Timedelta(days=400)] * N,
            "initiated_by": ["customer"] * 40 + ["vendor"] * 20 + ["customer"] * N,
            "self_service_first": [True] * 32 + [False] * 88,
        }
    )
    row = _row("tried_themselves", contacts=contacts)
    assert row[["value", "n"]].tolist() == pytest.approx([32 / 40, 40])
    assert row["verdict"] == "agree"  # .65 to .89


def test_share_of_features_used() -> None:
    """Each used one of the eight that anybody uses, but for the last, who used two: (41 + 2) / 8 / 42."""
    # the last date with a known outcome lies 90 days and another window before the end, as the grace is not over
    uses = [(a, END - pd.Timedelta(days=185 + i % 8), f"f{i % 8}") for i, a in enumerate(IDS)]
    uses += [(IDS[-1], END - pd.Timedelta(days=190), "f0")]
    usage = pd.DataFrame(uses, columns=["account_id", "at", "feature"])
    row = _row("features_used", usage=usage)
    # those that left before the last date are not looked at
    assert row["n"] == 42
    assert row["value"] == pytest.approx(43 / 8 / 42)
    assert row["verdict"] == "agree"


def test_growth_of_the_happy_and_of_captives() -> None:
    """Of the 24 happy that are still there 12 grew in the last window, of the 18 unhappy, who are bound, one."""
    tables = _tables()
    last = END - pd.Timedelta(days=120)
    answers = tables["surveys"].assign(sent_at=last - pd.Timedelta(days=9), answered_at=last - pd.Timedelta(days=8))
    grown = [*IDS[6:18], IDS[42]]
    more = pd.DataFrame({"account_id": grown, "start_at": last + pd.Timedelta(days=40), "mrr": 50.0})
    data = cr.CustomerData(
        {"surveys": answers, "subscriptions": pd.concat([tables["subscriptions"], more], ignore_index=True)}, end=END
    )
    history = past_outcomes(data, horizon=90, lead=0, dates=1, until=END - pd.Timedelta(days=30))
    found = claims(data, history=history)
    happy, captive = found.loc["happy_buy_more"], found.loc["captives_buy_less"]
    assert happy[["value", "beside"]].tolist() == pytest.approx([12 / 24 - 1 / 18, 1 / 18])
    assert happy["verdict"] == "too little"  # below 20 accounts in one group
    assert captive[["value", "beside", "accounts"]].tolist() == pytest.approx([1 / 18 - 12 / 24, 12 / 24, 18])
    stages = growth_by_stage(data, history)
    assert (stages["n"].sum(), stages["grew"].sum(), stages["left"].sum()) == (42, 13, 0)


def test_effort_against_delight() -> None:
    """All with hard contacts leave, whatever their answers: the area of effort is 1, that of delight by hand .5."""
    last = END - pd.Timedelta(days=120)
    day = last - pd.Timedelta(days=10)
    gone = np.arange(N) < 20
    contacts = pd.DataFrame(
        {"account_id": IDS, "opened_at": day, "resolved_at": day + pd.Timedelta(days=1), "transfers": gone * 2}
    )
    surveys = pd.DataFrame(
        {"account_id": IDS, "sent_at": day, "answered_at": day, "kind": "NPS", "score": [2.0, 9.0] * 30}
    )
    contracts = pd.DataFrame(
        {
            "account_id": IDS,
            "start_at": pd.Timestamp("2023-01-01"),
            "end_at": [last + pd.Timedelta(days=30) if left else pd.NaT for left in gone],
        }
    )
    data = cr.CustomerData({"contacts": contacts, "surveys": surveys, "subscriptions": contracts}, end=END)
    history = past_outcomes(data, horizon=90, lead=0, dates=1, until=END - pd.Timedelta(days=30))
    row = claims(data, history=history).loc["effort_over_delight"]
    assert row[["value", "beside", "n", "events"]].tolist() == pytest.approx([0.5, 0.5, N, 20])
    assert row["verdict"] == "agree"


@pytest.mark.parametrize(
    ("name", "found", "verdict"),
    [
        ("satisfied_left", Estimate(0.3, 0.25, 0.35, accounts=50), "differ"),
        ("satisfied_left", Estimate(0.3, 0.15, 0.45, accounts=50), "too little"),
        ("satisfied_left", Estimate(0.2, 0.15, 0.25, accounts=50), "agree"),
        ("satisfied_left", Estimate(0.3, 0.25, 0.35, accounts=19), "too little"),
        ("happy_buy_more", Estimate(0.1, 0.05, 0.15, accounts=50, events=9), "too little"),
        ("happy_buy_more", Estimate(0.1, 0.05, 0.15, accounts=50, events=10), "agree"),
        ("happy_buy_more", Estimate(0.1, -0.05, 0.25, accounts=50, events=10), "too little"),
        ("captives_buy_less", Estimate(0.1, 0.05, 0.15, accounts=50, events=10), "differ"),
        ("fell_after_contact", Estimate(4, 1.5, 10, accounts=50, events=10), "too little"),
        ("fell_after_contact", Estimate(4, 3, 5, accounts=50, events=10), "agree"),
        ("features_used", Estimate(0.14, 0.13, 0.16, accounts=50), "agree"),
        ("features_used", Estimate(accounts=50), "too little"),
    ],
)
def test_verdicts(name: str, found: Estimate, verdict: str) -> None:
    assert next(claim for claim in CLAIMS if claim.name == name).verdict(found) == verdict


def test_rows_of_one_account_count_as_one() -> None:
    """Each row four times over tells no more than once."""
    hit, account = np.arange(40) < 12, np.arange(40)
    once, often = share_of(hit, account), share_of(np.tile(hit, 4), np.tile(account, 4))
    low, high = share_interval(np.array([12]), np.array([40]))
    assert once[:3] == pytest.approx((0.3, low[0], high[0]), rel=0.02)
    assert often[:3] == pytest.approx(once[:3])
    assert (often.n, often.accounts, often.events) == (160, 40, 12)
    assert mean_of(np.tile(hit, 4), np.tile(account, 4))[:3] == pytest.approx(mean_of(hit, account)[:3])
    fell = ratio_of(np.tile(hit, 4), np.tile(~hit, 4), np.tile(account, 4))
    assert fell[:3] == pytest.approx(ratio_of(hit, ~hit, account)[:3])


def test_identities() -> None:
    hit, account = np.arange(40) % 3 == 0, np.arange(40)
    assert share_of(hit[:0], account[:0]) == Estimate()
    assert share_of(hit[:0] | True, account[:0]).n == 0
    same = auc_lead(account, account, hit, account)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    assert same.beside == pytest.approx(0.5, abs=0.1)
    there, back = difference_of(hit, account < 20, account), difference_of(hit, account >= 20, account)
    assert (there.value, there.low) == (pytest.approx(-back.value), pytest.approx(-back.high))
    assert np.isnan(ratio_of(hit, hit & False, account).value)


def test_effort_in_a_model_needs_features() -> None:
    data = cr.CustomerData(_tables(), end=END)
    with pytest.raises(ConfigError, match="model and X go together"):
        claims(data, model=object())


def test_a_model_that_knows_effort_alone_loses_by_it_alone(small_book: cr.CustomerData) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    seen = cr.Snapshots.every(small_book, "2MS", horizon="90D", lead="14D")
    X = cr.build_features(small_book, seen)[["contacts_90d", "nps_last"]].astype("float64").fillna(0.0)
    left = cr.label_churn(small_book, seen)
    known = left.notna()
    only = make_pipeline(FunctionTransformer(lambda frame: frame[["contacts_90d"]]), LogisticRegression())
    only.fit(X[known], left[known].astype(bool))
    row = claims(small_book, model=only, X=X).loc["effort_in_model"]
    # without delight nothing is lost, so that the difference is what is lost without effort
    assert row["n"] == known.sum()
    assert row["value"] + row["beside"] > 0.5


def test_nothing_from_after_the_date_counts(small_book: cr.CustomerData) -> None:
    until = small_book.end - pd.Timedelta(days=100)
    cut = {name: small_book.frame(name) for name in small_book.tables}
    times = {"surveys": "sent_at", "contacts": "opened_at", "advocacy": "at", "usage": "at"}
    for name, column in times.items():
        if name in cut:
            cut[name] = cut[name][cut[name][column] < until]
    earlier = cr.CustomerData(cut, end=small_book.end)
    pd.testing.assert_frame_equal(claims(small_book, until=until), claims(earlier, until=until))


def test_a_portfolio_without_evidence_says_too_little() -> None:
    usage = pd.DataFrame({"account_id": ["a", "b"] * 30, "at": pd.date_range("2024-01-01", periods=60, freq="7D")})
    found = claims(cr.CustomerData({"usage": usage}))
    assert set(found["verdict"]) == {"too little"}
    assert len(plot_claims(found)[0].texts) == 0


def test_the_demo_says_what_its_process_says(demo: cr.CustomerData) -> None:
    """Happiness keeps and grows in the simulated process, contacts do not move scores, and no act speaks against."""
    found = claims(demo)
    assert found["verdict"]["happy_buy_more"] == "agree"
    assert found["verdict"]["fell_after_contact"] == "differ"
    assert found["verdict"]["detractors_spoke"] == "too little"
    stayed = found.loc["dissatisfied_stayed"]
    assert stayed["value"] < stayed["beside"]
    stages = growth_by_stage(demo)
    assert stages["left_share"].dropna().is_monotonic_decreasing
    shares, differences, ratios = plot_claims(found)
    assert [len(ax.get_yticks()) for ax in (shares, differences, ratios)] == [6, 6, 2]


def test_one_constant_tells_how_wide_95_percent_are() -> None:
    """The quantile itself, and nowhere a rounded one beside it."""
    assert pytest.approx(norm.ppf(0.975), rel=1e-15) == Z_95
    package = Path(cr.__file__).parent
    assert [path.name for path in package.rglob("*.py") if re.search(r"\b1\.96", path.read_text("utf-8"))] == []
