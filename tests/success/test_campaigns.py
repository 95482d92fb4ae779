"""Campaigns by hand: the ledger, the effect against the held out, and a pilot with its power."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk.exceptions import ConfigError, NotEnoughDataError
from csrisk.success import (
    Campaign,
    EarlierPlays,
    as_treatments,
    campaign_ledger,
    campaign_power,
    detectable_effect,
    evaluate_campaign,
    plan_campaign,
    plan_pilot,
    priorities,
    read_ledger,
    record_contacts,
    write_ledger,
)

if TYPE_CHECKING:
    from pathlib import Path

IDS = [f"a{i:02d}" for i in range(40)]
PLANNED = pd.Timestamp("2025-04-01")
LARGE = Campaign(capacity=400, cost=1)


def _pilot(campaign: str = "pilot") -> pd.DataFrame:
    """Twenty are contacted, twenty held out; each is worth 100 and has a risk of one half."""
    risk = pd.Series(0.5, pd.Index(IDS, name="account_id"))
    plan = plan_pilot(risk, 200 * risk, campaign=Campaign(capacity=20, cost=1, name=campaign), save_rate=0.2)
    return campaign_ledger(plan, planned_at=PLANNED)


def _arms(ledger: pd.DataFrame) -> tuple[list[str], list[str]]:
    return [ledger.loc[ledger["plan"] == plan, "account_id"].tolist() for plan in ("contact", "hold-out")]


def _data(left: list[str], ids: list[str] = IDS, end: str = "2025-12-01", **early: str) -> cr.CustomerData:
    ends = dict.fromkeys(left, "2025-05-01") | early
    rows = {"account_id": ids, "start_at": "2025-01-01", "end_at": [ends.get(one) for one in ids], "mrr": 100.0}
    return cr.CustomerData({"subscriptions": pd.DataFrame(rows)}, end=end)


def test_power_by_the_book() -> None:
    """z(.975) + z(.8) = 2.8016; n = 2.8016^2 (.3 x .7 + .2 x .8) / .1^2 = 290.4 of each: 290 fall short, 291 do not."""
    assert campaign_power(290, 290, churn=0.3, effect=0.1) < 0.8 <= campaign_power(291, 291, churn=0.3, effect=0.1)
    # distance 0: the chance that an interval of 95 % lies wholly on one side by accident
    assert campaign_power(50, 50, churn=0.2, effect=0.0) == pytest.approx(0.025)
    # sqrt(.05 x .95 / 100 + .09 x .91 / 100) = .035972; 1.95996 - .04 / .035972 = .84799, beyond which lie .19822
    assert campaign_power(100, 100, churn=0.09, effect=0.04) == pytest.approx(0.19822, abs=1e-5)
    found = detectable_effect(300, 150, churn=0.2)
    assert campaign_power(300, 150, churn=0.2, effect=found) == pytest.approx(0.8)
    assert np.isnan(detectable_effect(20, 20, churn=0.05))
    with pytest.raises(ConfigError, match=r"power=0.01 must lie in \(0.05, 1\)"):
        detectable_effect(20, 20, churn=0.05, power=0.01)


def test_a_pilot_takes_the_fewest_that_show_the_effect() -> None:
    """Risk .3 for all, a third of it saved: effect .1, so 290 against 291; all the same risk, so the lot decides."""
    risk = pd.Series(0.3, pd.Index([f"a{i}" for i in range(900)], name="account_id"))
    plan = plan_pilot(risk, 1000 * risk, campaign=LARGE, save_rate=1 / 3)
    counts = plan["plan"].value_counts()
    assert counts[["contact", "hold-out", "not in the pilot"]].tolist() == [290, 291, 319]
    assert plan.attrs["pilot"]["power"] == pytest.approx(0.8002, abs=1e-4)
    assert plan.attrs["pilot"]["campaigns"] == 1
    assert set(plan["basis"]) == {"randomised pilot"}
    assert plan_pilot(risk[::-1], 1000 * risk[::-1], campaign=LARGE, save_rate=1 / 3)["plan"].equals(plan["plan"])


def test_a_portfolio_too_small_says_how_many_pilots_it_takes() -> None:
    """With 50 of each: (.21 + .16) / 50 = .0074, .1 / sqrt(.0074) = 1.1625; (2.8016 / 1.1625)^2 = 5.81, so six."""
    risk = pd.Series(0.3, pd.Index([f"a{i}" for i in range(100)], name="account_id"))
    facts = plan_pilot(risk, 1000 * risk, campaign=LARGE, save_rate=1 / 3).attrs["pilot"]
    assert (facts["n_contact"], facts["n_holdout"], facts["campaigns"]) == (50, 50, 6)
    assert facts["power"] == pytest.approx(0.2127, abs=1e-3)
    # 3 contacts of 10 make no pilot
    with pytest.raises(NotEnoughDataError, match=r"100 accounts with risk and value, capacity=3: a pilot needs"):
        plan_pilot(risk, risk, campaign=Campaign(capacity=3, cost=1), save_rate=0.3)


def test_few_contacts_are_held_against_more_who_are_left_alone() -> None:
    risk = pd.Series(0.5, pd.Index([f"a{i}" for i in range(300)], name="account_id"))
    facts = plan_pilot(risk, 1000 * risk, campaign=Campaign(capacity=30, cost=1), save_rate=0.5).attrs["pilot"]
    assert facts["n_contact"] == 30
    assert facts["n_holdout"] > 30
    assert campaign_power(30, facts["n_holdout"], churn=0.5, effect=0.25) >= 0.8
    assert campaign_power(30, facts["n_holdout"] - 1, churn=0.5, effect=0.25) < 0.8


def test_effect_by_hand() -> None:
    """2 of 20 planned left and 10 of 20 held out: .5 - .1 = .4. Wilson: .1 in (.0279, .3010), .5 in (.2993, .7007).
    Newcombe: .4 - hypot(.5 - .2993, .3010 - .1) = .1159; .4 + hypot(.7007 - .5, .1 - .0279) = .6132.
    Value 100 each, risk .5: losses less the expected are +50 or -50, means -40 and 0, so that 40 is kept for each.
    Squares about the means: 18 x 10^2 + 2 x 90^2 = 18,000 and 20 x 50^2 = 50,000, together 68,000 / 38 = 1,789.5;
    half width t(.975, 19) x sqrt(1,789.5 x .1) = 2.0930 x 13.377 = 27.998."""
    ledger = _pilot()
    planned, held = _arms(ledger)
    data = _data(planned[:2] + held[:10])
    table = evaluate_campaign(ledger, data, horizon="90D")
    assert table.loc["kept"].to_numpy() == pytest.approx([0.4, 0.1159, 0.6132], abs=1e-4)
    assert table.loc["value_kept"].to_numpy() == pytest.approx([40, 40 - 27.998, 40 + 27.998], abs=1e-2)
    assert table.loc[["kept_in_total", "value_kept_in_total"], "estimate"].tolist() == pytest.approx([8, 800])
    counts = ["n_contact", "n_holdout", "left_contact", "left_holdout", "n_contacted"]
    assert table.loc[counts, "estimate"].tolist() == [20, 20, 2, 10, 0]
    # nobody wrote down a contact: what one is worth is not guessed
    assert table.loc[["kept_per_contact", "save_rate"], "estimate"].isna().all()

    # 12 of 20 reached, and 2 of those held out called by mistake: .6 - .1 = .5, so .4 / .5 = .8 for each contact;
    # of the half that leaves, 1.6: more than all, which the interval says, too
    reached = record_contacts(ledger, dict.fromkeys(planned[:12] + held[:2], "2025-04-03"))
    told = evaluate_campaign(reached, data, horizon="90D")
    assert told.loc["kept"].equals(table.loc["kept"])
    assert told.loc[["kept_per_contact", "value_kept_per_contact"], "estimate"].tolist() == pytest.approx([0.8, 80])
    assert told.loc["save_rate", "estimate"] == pytest.approx(1.6)
    assert told.loc[["n_contacted", "n_holdout_contacted"], "estimate"].tolist() == [12, 2]


def test_what_was_not_seen_is_counted_and_not_guessed() -> None:
    """One planned left before the plan, one held out is not in the tables: both are counted, neither has stayed."""
    ledger = _pilot()
    planned, held = _arms(ledger)
    data = _data([held[0]], [one for one in IDS if one != held[1]], **{planned[0]: "2025-02-01"})
    table = evaluate_campaign(ledger, data, horizon="90D")["estimate"]
    assert table[["n_contact", "n_holdout", "not_at_risk_contact", "not_in_data_holdout"]].tolist() == [19, 19, 1, 1]
    assert table["kept"] == pytest.approx(1 / 19)
    with pytest.raises(NotEnoughDataError, match=r"no outcome of 40 accounts is known \(40 not observed\).*2025-07-30"):
        evaluate_campaign(ledger, _data([held[0]], end="2025-06-01"), horizon="90D")


def test_campaigns_are_compared_within_themselves() -> None:
    """Two campaigns: in one all left but nobody was saved, in the other nobody left. Pooled without strata that would
    be an effect wherever the arms differ in size; within them it is none."""
    first, second = _pilot("first"), _pilot("second")
    second["account_id"] = "b" + second["account_id"]
    extra = second.index[second["plan"] == "hold-out"][:10]
    both = pd.concat([first, second.drop(extra)], ignore_index=True)
    data = _data(IDS, both["account_id"].tolist())
    table = evaluate_campaign(both, data, horizon="90D")
    assert table.loc["kept", "estimate"] == 0
    assert table.loc["value_kept", "estimate"] == pytest.approx(0)
    alone = evaluate_campaign(both, data, horizon="90D", campaign="first")
    assert alone.loc["n_contact", "estimate"] == 20
    # half the weight each: MOVER halves the two distances and adds their squares
    other = evaluate_campaign(both, data, horizon="90D", campaign="second")
    half = np.hypot(alone.loc["kept", "low"], other.loc["kept", "low"]) / 2
    assert table.loc["kept", "low"] == pytest.approx(-half)


def test_without_a_hold_out_nothing_is_told() -> None:
    risk = pd.Series(0.5, pd.Index(IDS, name="account_id"))
    plan = priorities(risk, 200 * risk, campaign=Campaign(capacity=40, cost=1, holdout=0), save_rate=0.2)
    with pytest.raises(NotEnoughDataError, match=r"40 accounts planned and 0 held out: both are needed"):
        evaluate_campaign(campaign_ledger(plan, planned_at=PLANNED), _data([]), horizon="90D")
    assert as_treatments(campaign_ledger(plan, planned_at=PLANNED), "call").empty


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_ledger_comes_back_as_it_was(tmp_path: Path, suffix: str) -> None:
    path, ledger = tmp_path / f"ledger.{suffix}", _pilot()
    ledger.loc[0, "account_id"], ledger.loc[1, "account_id"] = "=1+1", "'=x"  # what a spreadsheet would run
    write_ledger(path, ledger)
    pd.testing.assert_frame_equal(read_ledger(path), ledger)
    if suffix == "csv":
        assert "\npilot,'=1+1," in path.read_text()
    later = record_contacts(ledger, {"=1+1": "2025-04-05"})
    write_ledger(path, later)
    pd.testing.assert_frame_equal(read_ledger(path), later)
    write_ledger(path, _pilot("summer"))
    assert read_ledger(path)["campaign"].value_counts().to_dict() == {"pilot": 40, "summer": 40}
    assert read_ledger(path)["contacted_at"].notna().sum() == 1


def test_a_plan_is_not_changed_afterwards(tmp_path: Path) -> None:
    path, ledger = tmp_path / "ledger.csv", _pilot()
    write_ledger(path, ledger)
    before = path.read_bytes()
    changed = ledger.assign(plan=ledger["plan"].where(ledger.index > 0, "not in the pilot"))
    with pytest.raises(ConfigError, match=r"1 rows of campaigns that stand in the file differ.*not changed afterwards"):
        write_ledger(path, changed)
    with pytest.raises(ConfigError, match=r"1 rows of campaigns"):
        write_ledger(path, pd.concat([ledger, ledger.tail(1).assign(account_id="new")]))
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["ledger.csv"]


def test_contacts_must_fit_the_plan() -> None:
    ledger = _pilot()
    with pytest.raises(ConfigError, match=r"1 of 2 accounts are not in the ledger"):
        record_contacts(ledger, {"a01": "2025-04-02", "z": "2025-04-02"})
    with pytest.raises(ConfigError, match=r"2 of 2 days are missing or before the plan"):
        record_contacts(ledger, {"a01": "2025-03-31", "a02": None})
    with pytest.raises(ConfigError, match=r"ledger: columns .* are missing"):
        evaluate_campaign(ledger[["account_id"]], _data([]), horizon="90D")


def test_the_next_plan_learns_from_the_ledger() -> None:
    rows = as_treatments(_pilot(), "call")
    assert rows["play"].value_counts().to_dict() == {"call": 20, "control": 20}
    assert rows["assigned_at_random"].all()
    tables = {"subscriptions": _data([]).frame("subscriptions"), "treatments": rows}
    _, treated = cr.success.treated_snapshots(cr.CustomerData(tables, end="2025-12-01"), "call", horizon="90D")
    assert treated.sum() == 20


def _trial(n: int, saved: float, campaign: str) -> tuple[cr.CustomerData, pd.DataFrame, pd.DataFrame]:
    """Half of all would leave; of the contacted that are high, `saved` fewer do."""
    ids = [f"a{i:03d}" for i in range(n)]
    risk = pd.Series(0.5, pd.Index(ids, name="account_id"))
    plan = plan_pilot(risk, 200 * risk, campaign=Campaign(capacity=n // 2, cost=1, name=campaign), save_rate=0.01)
    ledger = campaign_ledger(plan, planned_at=PLANNED)
    ledger = record_contacts(ledger, dict.fromkeys(ledger.loc[ledger["plan"] == "contact", "account_id"], PLANNED))
    chance = np.random.default_rng(0).random(n)
    high = np.arange(n) % 2 == 0
    left = chance < np.where(high & (ledger["plan"] == "contact"), 0.5 - saved, 0.5)
    data = _data(ledger.loc[left, "account_id"].tolist(), ledger["account_id"].tolist())
    day = pd.Timestamp("2025-12-01")
    now = pd.MultiIndex.from_arrays([ledger["account_id"], [day] * n], names=["account_id", "as_of"])
    return data, ledger, pd.DataFrame({"high": high.astype(float)}, index=now).sort_index()


def _next(data: cr.CustomerData, ledger: pd.DataFrame | None, X: pd.DataFrame, **change: object) -> pd.DataFrame:
    risk = pd.Series(0.5, X.index)
    campaign = Campaign(capacity=40, cost=1, name="next")
    earlier = EarlierPlays(ledger=ledger, **change)  # type: ignore[arg-type]
    return plan_campaign(data, X, risk, 200 * risk, campaign=campaign, save_rate=0.2, earlier=earlier)


def test_after_a_lot_the_order_is_by_uplift() -> None:
    data, ledger, X = _trial(400, 0.45, "first")
    columns = {"high": dict(zip(ledger["account_id"], (np.arange(400) % 2 == 0).astype(float), strict=True))}

    def features(seen: cr.Snapshots) -> pd.DataFrame:
        accounts = seen.index.get_level_values("account_id")
        return pd.DataFrame({"high": accounts.map(columns["high"])}, index=seen.index)

    plan = _next(data, ledger, X, features=features)
    assert set(plan["basis"]) == {"uplift, from plays drawn by lot"}
    assert (X.loc[plan.index[plan["plan"] == "contact"], "high"] == 1).all()
    assert plan.attrs["uplift"].loc["saved_at_capacity", "low"] > 0
    assert "400 accounts drawn by lot" in plan.attrs["why"]
    # before the horizon was over nobody knew: the same ledger, looked at in May
    early = X.set_axis(pd.MultiIndex.from_arrays([X.index.get_level_values(0), [pd.Timestamp("2025-05-01")] * 400],
                                                 names=X.index.names))  # fmt: skip
    assert set(_next(data, ledger, early)["basis"]) == {"randomised pilot"}


def test_too_few_for_uplift_the_save_rate_is_the_measured_one() -> None:
    """1 of 20 contacted left and 10 of 20 held out: .45 of the .5 that leave are kept, .9 of them. Each is worth 100 at
    a risk of .5, so that a contact gains .9 x 50 - 1 = 44. Eleven events are too few to learn whom it keeps."""
    ledger = _pilot()
    planned, held = _arms(ledger)
    ledger = record_contacts(ledger, dict.fromkeys(planned, PLANNED))
    index = pd.MultiIndex.from_product([IDS, [pd.Timestamp("2025-12-01")]], names=["account_id", "as_of"])
    X = pd.DataFrame({"high": 1.0}, index=index)
    data = _data([planned[0], *held[:10]])
    plan = _next(data, ledger, X, features=lambda seen: pd.DataFrame({"high": 1.0}, index=seen.index))
    assert set(plan["basis"]) == {"risk ranking, save rate measured on a hold-out"}
    assert plan["gain"].to_numpy() == pytest.approx(44)
    assert "keeps 90\u00a0% of those who would leave" in plan.attrs["why"]


def test_where_nothing_is_shown_the_next_plan_is_a_pilot() -> None:
    data, ledger, X = _trial(40, 0.0, "first")
    plan = _next(data, ledger, X)
    assert set(plan["basis"]) == {"randomised pilot"}
    assert "does not show an effect yet" in plan.attrs["why"]
    assert (
        _next(data, None, X).attrs["why"].startswith("no play was drawn by lot: a pilot of 20 contacts and 20 held out")
    )
