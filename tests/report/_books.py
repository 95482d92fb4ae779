"""Books for the tests of the report: real explanations of a small model over declared features."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier

import csrisk as cr
from csrisk import CustomerData, Feature
from csrisk.evaluation import Backtest

AS_OF = pd.Timestamp("2025-10-01")
HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</style><svg onload=alert(1)>",
    "\"><a href='javascript:alert(1)'>x</a>",
    "{{ 7 * 7 }}{% raw %}",
    "Acme\u202etxt.exe\u2066",
    '=HYPERLINK("http://evil.example","x")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1+1)",
    "\t=1+1",
    "[link](https://evil.example) **bold** `code` | pipe",
    "line\nbreak\r\n| a | b |",
    "zero\x00byte\x1b[31m",
    "Zażółć gęślą jaźń \u6f22\u5b57 \U0001f600",
    "x" * 5000,
)
FEATURES = (
    Feature("tenure_days", "churn", "days", "Customer for {value}; typical is {typical}.", -1),
    Feature("contacts_90d", "churn", "count", "{value} contacts in 90 days; typical is {typical}.", 1),
    Feature("transfers_90d", "churn", "count", "Passed on {value} times in 90 days; typical is {typical}.", 1),
    Feature(
        "repeat_contact_share_90d", "churn", "share", "{value} of the contacts came back; typical is {typical}.", 1
    ),
    Feature("days_since_use", "footprint", "days", "Last used {value} ago; typical is {typical}.", 1),
    Feature("active_users_30d", "footprint", "count", "{value} active users in 30 days; typical is {typical}.", -1),
    Feature("seat_utilisation_30d", "footprint", "share", "{value} of the seats in use; typical is {typical}.", -1),
    Feature("feature_share_90d", "footprint", "share", "{value} of the features in use; typical is {typical}.", -1),
    Feature("nps_last", "advocacy", "score", "Last NPS answer {value}; typical is {typical}.", -1),
    Feature("csat_last", "advocacy", "score", "Last satisfaction score {value}; typical is {typical}.", -1),
    Feature("survey_response_rate_365d", "feedback", "share", "{value} of surveys answered; typical is {typical}.", -1),
    Feature("loops_closed_share_365d", "feedback", "share", "{value} of answers acted on; typical is {typical}.", -1),
    Feature("account_segment", "context", "category", "Segment {value}; the most frequent is {typical}."),
)
SEGMENTS = ("Enterprise", "Mid market", "Small business")


def frame(n: int, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Features of `n` accounts and whether they churned."""
    rng = np.random.default_rng(seed)
    health = rng.normal(size=n)
    columns = {}
    for feature in FEATURES:
        noisy = rng.normal(size=n) - 0.8 * feature.direction * health
        if feature.unit == "share":
            columns[feature.name] = np.round(1 / (1 + np.exp(-noisy)), 3)
        elif feature.unit == "category":
            columns[feature.name] = pd.Categorical(rng.choice(SEGMENTS, n), SEGMENTS)
        elif feature.unit == "score":
            columns[feature.name] = np.clip(np.round(6 + 2 * noisy), 0, 10)
        else:
            columns[feature.name] = np.round(np.exp(1.5 + noisy))
    ids = [f"acct-{i:05d}" for i in range(n)]
    index = pd.MultiIndex.from_product([ids, [AS_OF]], names=["account_id", "as_of"])
    X = pd.DataFrame(columns, index=index)
    silent = rng.random(n) < 0.4
    X.loc[silent, ["nps_last", "csat_last", "loops_closed_share_365d"]] = np.nan
    churned = rng.random(n) < 1 / (1 + np.exp(1.6 + 1.5 * health))
    return X, churned.astype(int)


class SmallModel:
    """Keeps to the protocol of explanations: one booster, a sigmoid."""

    linear_ = None

    def fit(self, X, y):
        self.feature_names_in_ = np.array(X.columns, dtype=object)
        trees = LGBMClassifier(n_estimators=40, num_leaves=8, verbose=-1, n_jobs=1, learning_rate=0.08)
        self.boosters_ = (trees.fit(self.encode(X), y).booster_,)
        return self

    def encode(self, X):
        coded = X.assign(account_segment=X["account_segment"].cat.codes)
        return coded[list(self.feature_names_in_)].to_numpy(float)

    def calibrate(self, margin):
        return 1 / (1 + np.exp(-np.asarray(margin)))


def explanation(n: int = 60, *, seed: int = 0, blind: tuple[str, ...] = (), n_reference: int = 40):
    """Explain `n` accounts; the features of the goals in `blind` are all missing."""
    X, churned = frame(max(n, 300), seed)
    for feature in FEATURES:
        if feature.goal in blind:
            X[feature.name] = np.nan
    model = SmallModel().fit(X, churned)
    return cr.explain(model, X.iloc[:n], reference=X, declarations=FEATURES, n_reference=n_reference)


def customers(n: int = 60, *, names: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> CustomerData:
    """Tables about the same accounts; the first ones carry the names handed over."""
    rng = np.random.default_rng(5)
    ids = [f"acct-{i:05d}" for i in range(n)]
    called = [*names, *(f"Company {i:05d} Ltd" for i in range(len(names), n))][:n]
    mrr = np.round(np.exp(rng.normal(7, 1, n)), 2)
    when = AS_OF - pd.to_timedelta(rng.integers(1, 90, n), unit="D")
    tables = {
        "accounts": pd.DataFrame(
            {
                "account_id": ids,
                "name": called,
                "segment": rng.choice(SEGMENTS, n),
                "plan": rng.choice(["Pro", "Team"], n),
                "owner": [f"Manager {i % 4}" for i in range(n)],
            }
        ),
        "subscriptions": pd.DataFrame({"account_id": ids, "start_at": pd.Timestamp("2024-01-01"), "mrr": mrr}),
        "usage": pd.DataFrame({"account_id": ids, "at": when}),
        "contacts": pd.DataFrame({"account_id": ids, "opened_at": when}),
        "surveys": pd.DataFrame({"account_id": ids, "sent_at": when, "answered_at": when, "kind": "nps", "score": 7.0}),
        "advocacy": pd.DataFrame({"account_id": ids, "at": when, "kind": "review"}),
        "expectations": pd.DataFrame({"account_id": ids, "agreed_at": when}),
    }
    return CustomerData({name: table for name, table in tables.items() if name not in without}, end=AS_OF)


def evaluation() -> dict[str, pd.DataFrame]:
    """Tables in the shape of `evaluate`."""
    rows = [
        "auc",
        "average_precision",
        "log_loss",
        "brier",
        "calibration_slope",
        "lift_at_10",
        "n_snapshots",
        "n_events",
    ]
    model = [[0.81, 0.77, 0.85], [0.46, 0.38, 0.55], [0.31, 0.28, 0.34], [0.094, 0.083, 0.107]]
    model += [[1.04, 0.86, 1.22], [4.1, 3.2, 5.0], [2400, np.nan, np.nan], [310, np.nan, np.nan]]
    table = pd.DataFrame(model, index=pd.Index(rows, name="metric"), columns=["estimate", "low", "high"])
    recency = table.copy()
    recency.loc["auc":"lift_at_10"] *= 0.8
    return {"Model": table, "Health score": recency.drop(index=["log_loss", "brier"]), "Recency": recency * 0.97}


def calibration() -> pd.DataFrame:
    """Ten bins of predicted and observed churn."""
    predicted = np.array([0.01, 0.02, 0.035, 0.05, 0.07, 0.1, 0.14, 0.2, 0.31, 0.55])
    observed = predicted * np.array([1.4, 0.7, 1.1, 0.9, 1.2, 0.95, 1.1, 0.92, 1.05, 0.93])
    spread = 1.6 * np.sqrt(observed * (1 - observed) / 240)
    low, high = np.clip(observed - spread, 0, 1), np.clip(observed + spread, 0, 1)
    return pd.DataFrame({"mean_risk": predicted, "event_rate": observed, "low": low, "high": high, "n_snapshots": 240})


def backtest() -> Backtest:
    """One model, 40 accounts, two dates; it ranks every churner first, recency ranks at random."""
    rng = np.random.default_rng(0)
    dates = pd.to_datetime(["2025-01-01", "2025-02-01"])
    accounts = [f"a{i}" for i in range(40)]
    index = pd.MultiIndex.from_product([dates[:1], accounts, dates], names=["trained_at", "account_id", "as_of"])
    outcome = rng.random(80) < 0.4
    model = 0.3 + 0.3 * outcome + 0.1 * rng.random(80)
    columns = {"age": [0, 31] * 40, "outcome": outcome.astype(float), "model": model, "recency": rng.random(80)}
    return Backtest(pd.DataFrame(columns, index=index), n_bootstrap=10)


def earlier(why):
    """The same book a month before, when one account had another footprint."""
    contributions = why.contributions.copy()
    contributions[7] = [0.0, -4.0, 0.0, 0.0, 0.0]
    index = why.index.set_levels([pd.Timestamp("2025-09-01")], level="as_of")
    prediction = why.reference + contributions.sum(axis=1)
    return replace(why, contributions=contributions, prediction=prediction, index=index)


def checks() -> pd.DataFrame:
    """Results in the shape of checks."""
    rows = [
        ("CSR001", "Future rows", "passed", 0.0, 0.0, "contract", ""),
        (
            "CSR010",
            "A feature that knows the future",
            "failed",
            0.97,
            0.95,
            "single-feature AUC",
            "Drop the feature or mask it at as_of.",
        ),
        ("CSR020", "Calibration on later data", "passed", 1.04, 1.2, "slope", ""),
        (
            "CSR030",
            "Drift of features",
            "not applicable",
            np.nan,
            0.1,
            "no earlier book",
            "Hand over the training features.",
        ),
    ]
    return pd.DataFrame(rows, columns=["code", "name", "status", "measure", "threshold", "source", "next_step"])
