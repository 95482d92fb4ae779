"""Room to grow, worth of features and adoption of releases, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk.exceptions import ConfigError
from csrisk.features import UsageDepth
from csrisk.success import History, feature_worth, growth_advice, release_adoption, unused_features

END = pd.Timestamp("2025-07-01")


def _uses(account: str, user: str, ages: list[int], feature: str = "f", product: str = "core") -> pd.DataFrame:
    at = [END - pd.Timedelta(days=age) for age in ages]
    return pd.DataFrame({"account_id": account, "at": at, "user_id": user, "feature": feature, "product": product})


def _advice(data: cr.CustomerData, position: dict[str, float], risk: dict[str, float]) -> pd.DataFrame:
    today = cr.Snapshots.at(data, END, eligible="account")
    ids = today.index.get_level_values("account_id")
    told = [pd.Series([values[i] for i in ids], index=today.index) for values in (position, risk)]
    return growth_advice(data, *told, today).droplevel("as_of")


def test_seats_are_offered_to_the_safe_and_happy() -> None:
    """All of 2 seats in use by a, b (at risk) and c (not happy); d uses 1 of 2; e states no seats in one contract."""
    usage = pd.concat([_uses(a, f"{a}-{u}", [5, 6]) for a in "abce" for u in (1, 2)] + [_uses("d", "d-1", [5])])
    usage = pd.concat([usage, _uses("a", "a-3", [6]), _uses("a", "a-4", [40])])
    contracts = pd.DataFrame({"account_id": [*"abcde", "e"], "start_at": "2024-01-01", "seats": [2.0] * 5 + [None]})
    accounts = pd.DataFrame({"account_id": list("abcde"), "started_at": "2024-01-01"})
    data = cr.CustomerData({"accounts": accounts, "usage": usage, "subscriptions": contracts}, end=END)
    found = _advice(data, dict.fromkeys("abde", 0.9) | {"c": 0.5}, dict.fromkeys("acde", 0.1) | {"b": 0.3})
    assert found["users"].tolist() == [3, 2, 2, 1, 2]
    assert found["seat_utilisation"].tolist()[:4] == [1.5, 1.0, 1.0, 0.5]
    assert found["seats"].isna().tolist() == [False] * 4 + [True]
    # on day 6 three people used the two seats of a, on day 5 two
    assert found["over_days"].tolist()[:4] == [1, 0, 0, 0]
    assert found["offer"].dropna().to_dict() == {"a": "seats"}
    assert found.loc["a", "reason"] == "150\u00a0% of 2 seats in use in 30 days, more people than seats on 1 of 90 days"
    assert found["ready"].tolist() == [True, False, False, True, True]


def test_seats_agree_with_the_feature(small_book: cr.CustomerData) -> None:
    today = cr.Snapshots.at(small_book, small_book.end)
    same = pd.Series(0.5, index=today.index)
    ours = growth_advice(small_book, same, same, today)["seat_utilisation"]
    theirs = UsageDepth().build(small_book, today)["seat_utilisation_30d"]
    both = ours.notna() & theirs.notna()
    assert both.sum() > 20
    np.testing.assert_allclose(ours[both], theirs[both])


def test_a_product_next_door_is_offered() -> None:
    """Twenty use core and extra, twenty neither but other; one uses core alone."""
    usage = [_uses(f"a{i}", f"u{i}", [5], product=p) for i in range(20) for p in ("core", "extra")]
    usage += [_uses(f"b{i}", f"v{i}", [5], product="other") for i in range(20)] + [_uses("c", "w", [5])]
    data = cr.CustomerData({"usage": pd.concat(usage)}, end=END)
    today = cr.Snapshots.at(data, END)
    index = today.index
    found = growth_advice(data, pd.Series(0.9, index=index), pd.Series(0.1, index=index), today).droplevel("as_of")
    assert found["offer"].dropna().to_dict() == {"c": "extra"}
    assert found.loc["c", "reason"] == "20 of 21 accounts with core use it too"
    with pytest.raises(ConfigError, match="position and risk must be on the index of the snapshots"):
        growth_advice(data, pd.Series([0.9]), pd.Series([0.1]), today)


def _worth_data(n: int = 200) -> tuple[cr.CustomerData, History]:
    """Half are deep (60 days of use) and half are not (6); the deep use `export` four times as often.

    Whoever uses `export` leaves half as often at the same depth: 10 of 80 and 20 of 80 among the others.
    """
    rows, left = [], []
    for i in range(n):
        deep = i < n // 2
        place = i % (n // 2)
        uses = place < (80 if deep else 20)
        ages = list(range(1, 61, 1 if deep else 10))
        rows.append(_uses(f"a{i:03d}", "u", ages))
        if uses:
            rows.append(_uses(f"a{i:03d}", "u", ages[:1], feature="export"))
        left.append(place % 8 == 0 if uses else place % 4 == 0)
    data = cr.CustomerData({"usage": pd.concat(rows)}, end=END + pd.Timedelta(days=200))
    snapshots = cr.Snapshots.at(data, END, horizon=90)
    return data, History(snapshots, np.array(left))


def test_worth_within_fifths_by_hand() -> None:
    data, history = _worth_data()
    row = feature_worth(data, history).loc["export"]
    left = history.churned
    use = np.arange(200) % 100 < np.where(np.arange(200) < 100, 80, 20)
    # two groups of depth; ranks in a group are ties, so that either group is one fifth
    gaps, weights = [], []
    for deep in (True, False):
        inside = (np.arange(200) < 100) == deep
        a, b = inside & use, inside & ~use
        gaps.append(left[a].mean() - left[b].mean())
        weights.append(a.sum() * b.sum() / (a.sum() + b.sum()))
    assert row["churn_difference"] == pytest.approx(np.average(gaps, weights=weights))
    assert (row["users"], row["others"]) == (100, 100)
    # one row an account: the variance of Greenland and Robins, p (1 - p) / n of each cell
    w = np.array(weights) / sum(weights)
    cells = []
    for deep in (True, False):
        inside = (np.arange(200) < 100) == deep
        cells.append(sum(left[s].var() / s.sum() for s in (inside & use, inside & ~use)))
    error = np.sqrt((w**2 * cells).sum() * 200 / 199)
    assert row["churn_high"] - row["churn_difference"] == pytest.approx(1.959964 * error)
    assert row["growth_p"] != row["growth_p"]  # no contract tells growth


def test_depth_alone_is_worth_nothing() -> None:
    """Those that use more leave less often, whatever they use; the feature goes with depth alone."""
    rng = np.random.default_rng(3)
    n = 400
    depth = rng.integers(1, 60, n)
    rows = [_uses(f"a{i:03d}", "u", list(range(1, depth[i] + 1))) for i in range(n)]
    uses = rng.random(n) < depth / 60
    rows += [_uses(f"a{i:03d}", "u", [1], feature="export") for i in np.flatnonzero(uses)]
    data = cr.CustomerData({"usage": pd.concat(rows)}, end=END + pd.Timedelta(days=200))
    left = rng.random(n) < 0.5 - depth / 130
    assert left[uses].mean() < left[~uses].mean() - 0.05
    found = feature_worth(data, History(cr.Snapshots.at(data, END, horizon=90), left)).loc["export"]
    assert found["churn_q"] > 0.05
    assert found["worth"] == 0


def test_few_say_nothing() -> None:
    data, history = _worth_data()
    few = History(history.snapshots, np.arange(200) < 9)
    assert feature_worth(data, few)["churn_difference"].isna().all()
    assert feature_worth(data, history, at_least=101)["churn_difference"].isna().all()
    with pytest.raises(ConfigError, match="at_least=0 must be 1 or more"):
        feature_worth(data, history, at_least=0)


def test_unused_features_come_by_likeness_and_worth() -> None:
    """Of 20 alike 19 use f1 and 18 use f2; what is worth more comes first."""
    rows = [_uses(f"a{i:02d}", "u", [5], feature=f) for i in range(20) for f in ("f0", "f1", "f2")]
    rows = [r for i, r in enumerate(rows) if not (i % 3 == 1 and i // 3 == 0) and not (i % 3 == 2 and i // 3 < 2)]
    data = cr.CustomerData({"usage": pd.concat(rows)}, end=END)
    today = cr.Snapshots.at(data, END)
    by_fit = unused_features(data, today).loc["a00"].reset_index()["feature"].tolist()
    assert by_fit == ["f1", "f2"]
    found = unused_features(data, today, worth=pd.Series({"f2": 3.0})).loc["a00"].reset_index()
    assert found["feature"].tolist() == ["f2", "f1"]
    assert found["worth"].tolist() == [3.0, 0.0]


def _released() -> cr.CustomerData:
    """Feature `new` came 100 days before the end, `late` after it, `old` a year before; plan basic lacks `new`."""
    catalogue = pd.DataFrame(
        {
            "feature": ["f", "old", "new", "late"],
            "plan": ["basic", "full", "full", "full"],
            "known_at": [None, *(END - pd.to_timedelta([365, 100, -10], unit="D"))],
        }
    )
    contracts = pd.DataFrame(
        {"account_id": list("abcd"), "start_at": "2024-01-01", "plan": ["full", "full", "full", "basic"]}
    )
    usage = [_uses(a, a, [1, 50]) for a in "abcd"] + [_uses("a", "a", [70, 10], feature="new")]
    usage += [_uses("b", "b", [90], feature="new"), _uses("c", "c", [90], feature="old")]
    tables = {"usage": pd.concat(usage), "features": catalogue, "subscriptions": contracts}
    return cr.CustomerData(tables, end=END + pd.Timedelta(days=60))


def test_adoption_of_releases_by_hand() -> None:
    data = _released()
    found = release_adoption(data, cr.Snapshots.at(data, END, eligible="contract"))
    assert found.index.tolist() == ["new"]
    row = found.iloc[0]
    assert (row["accounts"], row["adopted"], row["released"]) == (3, 2, END - pd.Timedelta(days=100))
    assert row["share"] == pytest.approx(2 / 3)
    assert row["days_to_use"] == pytest.approx((30 + 10) / 2)
    everything = release_adoption(data, cr.Snapshots.at(data, END, eligible="contract"), window="400D")
    assert everything.index.tolist() == ["new", "old"]


def test_what_is_not_released_is_not_within_reach() -> None:
    """A feature of today's catalogue did not exist for the accounts of last year."""
    rows = [_uses(f"a{i:02d}", "u", [5], feature=f) for i in range(12) for f in ("f0", "f1")][:-1]
    contracts = pd.DataFrame({"account_id": [f"a{i:02d}" for i in range(12)], "start_at": "2024-01-01", "plan": "p"})
    catalogue = pd.DataFrame({"feature": ["f0", "f1"], "plan": "p", "known_at": [None, None]})
    seen = []
    for released in (END - pd.Timedelta(days=30), END):
        catalogue["known_at"] = [pd.NaT, released]
        data = cr.CustomerData({"usage": pd.concat(rows), "features": catalogue, "subscriptions": contracts}, end=END)
        seen.append(len(unused_features(data, cr.Snapshots.at(data, END))))
    assert seen == [1, 0]


def test_without_a_catalogue_nothing_is_new() -> None:
    data = cr.CustomerData({"usage": pd.concat([_uses(a, a, [1]) for a in "ab"])}, end=END)
    assert release_adoption(data).empty
