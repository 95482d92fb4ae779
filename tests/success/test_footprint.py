"""What similar accounts use and an account does not: lift by hand, within plan and product."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk.exceptions import ConfigError
from csrisk.success import co_adoption, unused_features

USED = {"a": "xy", "b": "xyz", "c": "xyz", "d": "w", "e": "w"}


@pytest.fixture
def data() -> cr.CustomerData:
    rows = [(account, feature, "p" if feature in "xy" else "q") for account, used in USED.items() for feature in used]
    usage = pd.DataFrame(rows, columns=["account_id", "feature", "product"]).assign(at=pd.Timestamp("2025-06-20"))
    return cr.CustomerData({"usage": usage}, end="2025-07-01")


def test_similar_accounts_tell_what_is_missing(data: cr.CustomerData) -> None:
    """The two most similar of a (xy) are b and c (xyz): both use z, neither w."""
    table = (
        unused_features(data, cr.Snapshots.at(data, "2025-07-01"), neighbours=2, at_least=1).loc["a"].droplevel("as_of")
    )
    assert table["share"].to_dict() == {"z": 1.0, "w": 0.0}
    assert table["similar"].tolist() == [2, 2]
    # Wilson for 2 of 2: 1 / (1 + z2 / n)
    assert table.loc["z", "low"] == pytest.approx(1 / (1 + 1.959964**2 / 2))


def test_only_what_plan_and_product_offer(small_book: cr.CustomerData, small_saas: cr.datasets.SaasBook) -> None:
    table = unused_features(small_book).reset_index()
    offered = small_saas.tables["features"]
    running = small_saas.tables["subscriptions"]
    running = running[running["end_at"].isna() | (running["end_at"] >= small_book.end)]
    reach = running.merge(offered, on=["product", "plan"])[["account_id", "feature"]].drop_duplicates()
    assert len(table.merge(reach, on=["account_id", "feature"])) == len(table)
    assert table["share"].between(0, 1).all()


def test_lift_by_hand(data: cr.CustomerData) -> None:
    """Product p is used by a, b, c; q by b, c, d, e; both by b, c: share 2/3 against a base of 4/5."""
    table = co_adoption(data, cr.Snapshots.at(data, "2025-07-01"), min_support=2)
    row = table[(table["given"] == "p") & (table["then"] == "q")].iloc[0]
    assert (row["accounts"], row["of"]) == (2, 3)
    assert row["lift"] == pytest.approx((2 / 3) / (4 / 5))
    assert row["low"] == pytest.approx(row["lift"] * np.exp(-1.959964 * np.sqrt(1 / 2 - 1 / 3 + 1 / 4 - 1 / 5)))
    assert co_adoption(data, cr.Snapshots.at(data, "2025-07-01"), min_support=3).empty


def test_arguments_are_checked(data: cr.CustomerData) -> None:
    with pytest.raises(ConfigError, match=r"what='plan' must be 'product' or 'feature'"):
        co_adoption(data, what="plan")
    with pytest.raises(ConfigError, match=r"min_support=0 must be 1 or more"):
        co_adoption(data, min_support=0)
    with pytest.raises(ConfigError, match=r"neighbours=0 and at_least=5 must be 1 or more"):
        unused_features(data, neighbours=0)


def test_without_use_nothing_is_recommended() -> None:
    accounts = pd.DataFrame({"account_id": ["a", "b"], "started_at": pd.Timestamp("2024-01-01")})
    data = cr.CustomerData({"accounts": accounts}, end="2025-07-01")
    snapshots = cr.Snapshots.at(data, "2025-07-01", eligible="account")
    assert unused_features(data, snapshots).empty
    assert co_adoption(data, snapshots).empty
