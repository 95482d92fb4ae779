"""Unknown revenue is never 0: in the order, the sums and the words of a report, and in the score table."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk.exceptions import ConfigError, DataWarning
from csrisk.report._figures._revenue import at_stake
from csrisk.success import company_happiness

pytestmark = pytest.mark.promise("Unknown revenue is never 0")


def write(tmp_path, why, name="risk.json", **parts):
    text = cr.write_report(tmp_path / name, why, **parts).read_text("utf-8")
    return json.loads(text) if name.endswith("json") else text


def ids_of(why):
    return why.index.get_level_values("account_id")


def test_a_series_of_other_accounts_is_refused(tmp_path, why):
    strangers = pd.Series(100.0, index=range(len(why)))
    with pytest.raises(ConfigError, match=rf"mrr: none of the {len(why)} accounts of the report is in its index"):
        write(tmp_path, why, mrr=strangers)


def test_a_series_that_names_an_account_twice_or_owes_money_is_refused(tmp_path, why):
    mrr = pd.Series(100.0, index=ids_of(why))
    with pytest.raises(ConfigError, match=r"1 of .* ids of its index are repeated"):
        write(tmp_path, why, mrr=pd.concat([mrr, mrr.iloc[:1]]))
    with pytest.raises(ConfigError, match=r"2 of .* are negative"):
        write(tmp_path, why, mrr=mrr.where(np.arange(len(mrr)) > 1, -1.0))


@pytest.mark.parametrize("hole", ["absent", "missing", "infinite"])
def test_half_a_series_leaves_the_other_half_unknown(tmp_path, why, hole):
    mrr = pd.Series(100.0, index=ids_of(why))
    half = np.arange(len(mrr)) % 2 == 0
    mrr = mrr[half] if hole == "absent" else mrr.where(half, np.nan if hole == "missing" else np.inf)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        report = write(tmp_path, why, mrr=mrr)
        page = write(tmp_path, why, "risk.html", mrr=mrr)
        words = write(tmp_path, why, "risk.md", mrr=mrr)
    n_known, n = int(half.sum()), len(half)
    assert report["summary"]["mrr"] == 100.0 * n_known
    assert report["summary"]["unpriced"] == n - n_known
    cards = report["cards"]
    assert sum(card["mrr"] is None for card in cards) == sum(card["at_risk"] is None for card in cards) == n - n_known
    expected = sum(card["probability"] * 100.0 for card in cards if card["mrr"] is not None)
    assert report["summary"]["mrr_at_risk"]["expected"] == pytest.approx(expected)
    # all have the same revenue, or its median
    assert [card["probability"] for card in cards] == sorted((card["probability"] for card in cards), reverse=True)
    assert f"without {n - n_known} of unknown revenue" in page
    assert f"without {n - n_known} of unknown revenue" in words


def test_half_a_series_is_said(tmp_path, why):
    mrr = pd.Series(100.0, index=ids_of(why)[::2])
    with pytest.warns(DataWarning, match=r"mrr: unknown for \d+ of \d+ accounts of the report"):
        write(tmp_path, why, mrr=mrr)


def test_a_series_by_snapshot_is_taken(tmp_path, why):
    by_id = write(tmp_path, why, "a.json", mrr=pd.Series(7.0, index=ids_of(why)))
    assert write(tmp_path, why, "b.json", mrr=pd.Series(7.0, index=why.index)) == by_id


def test_without_any_revenue_none_is_printed(tmp_path, why):
    with pytest.warns(DataWarning, match="unknown for"):
        report = write(tmp_path, why, mrr=pd.Series(np.nan, index=ids_of(why)))
    assert report["summary"]["mrr"] is report["summary"]["mrr_at_risk"] is None
    assert report == write(tmp_path, why, "b.json")


def test_unknown_revenue_is_ordered_by_the_median():
    stake = at_stake(np.array([0.5, 0.5, 0.5]), np.array([10.0, np.nan, 30.0]))
    assert stake.tolist() == [5.0, 10.0, 15.0]
    assert at_stake(np.array([0.5]), np.array([np.nan])).tolist() == [0.5]


@pytest.mark.parametrize(("amount", "expected"), [(50.0, 150.0), (None, np.nan)])
def test_what_a_company_earns_is_unknown_with_an_unknown_part(amount, expected):
    subscriptions = pd.DataFrame(
        {
            "account_id": ["a", "a", "a", "b"],
            "product": ["x", "y", "z", "x"],
            "start_at": "2025-01-01",
            "end_at": [None, None, "2025-02-01", None],
            "mrr": [100.0, amount, None, 10.0],
        }
    )
    data = cr.CustomerData({"subscriptions": subscriptions}, end="2025-06-01")
    value = company_happiness(data)["value"].droplevel("as_of")
    assert value["b"] == 10
    assert value["a"] == pytest.approx(expected, nan_ok=True)
