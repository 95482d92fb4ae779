"""Judgement against model: what was said before a date, either area with its interval, and where the two disagree."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk.checks import (
    ForwardEvidence,
    check_judgement,
    declared_judgements,
    disagreements,
    judged_at,
    judgement_against_model,
    run_checks,
)
from csrisk.exceptions import ConfigError

DAY = pd.Timestamp("2025-07-01")


def _index(n: int, dates: int = 1) -> pd.MultiIndex:
    days = [DAY + pd.DateOffset(months=k) for k in range(dates)]
    return pd.MultiIndex.from_product([range(n), days], names=["account_id", "as_of"])


def test_the_last_judgement_before_the_date_counts() -> None:
    """On the day itself nothing was said yet; what was entered later is known later; what is old says nothing."""
    said = pd.DataFrame(
        {
            "account_id": [0, 0, 0, 1, 2, 2, 3],
            "at": ["2025-01-01", "2025-06-30", DAY, DAY, "2025-06-01", "2025-05-01", "2024-06-01"],
            "value": [1.0, 2.0, 9.0, 9.0, 9.0, 4.0, 5.0],
            "known_at": [None, None, None, None, "2025-07-03", "2025-06-20", None],
        }
    )
    found = judged_at(said, _index(5))
    assert found.tolist()[:1] == [2.0]
    assert found.tolist()[2] == 4.0
    assert found.isna().tolist() == [False, True, False, True, True]
    # a month later the one made in June is known, though it was entered after the one made in May
    assert judged_at(said, _index(5, 2)).loc[(2, DAY + pd.DateOffset(months=1))] == 9.0
    assert judged_at(said, _index(5), max_age="2D").tolist()[0] == 2.0
    assert judged_at(said.assign(account_id="x"), _index(5)).isna().all()


def test_areas_by_hand() -> None:
    """Twelve of 24 left. The judgement ranks 9 of 12 x 12 pairs wrong; the model none."""
    index = _index(24)
    left = pd.Series(np.arange(24) < 12, index=index)
    pulse = pd.Series(np.arange(24, dtype=float), index=index)
    # three that left are judged safer than three that stayed
    pulse.iloc[[9, 10, 11]], pulse.iloc[[12, 13, 14]] = [12.0, 13.0, 14.0], [9.0, 10.0, 11.0]
    risk = pd.Series(1 - np.arange(24) / 24, index=index)
    found = judgement_against_model(pulse, risk, left)
    assert found["auc"].tolist() == pytest.approx([1 - 9 / 144, 1.0, 9 / 144])
    assert (found["n_accounts"].iloc[0], found["n_events"].iloc[0]) == (24, 12)
    # by Hanley: placements of those that left are 9/12 for three and 1 for nine, and so for those that stayed
    placed = np.array([0.75] * 3 + [1.0] * 9)
    error = np.sqrt(2 * ((placed - placed.mean()) ** 2).sum() / 144 * 24 / 23)
    assert found.loc["judgement", "high"] - found.loc["judgement", "auc"] == pytest.approx(1.959964 * error)
    # the model has no spread, so that the difference has that of the judgement
    assert found.loc["model - judgement", "low"] == pytest.approx(9 / 144 - 1.959964 * error)


def test_direction_turns_the_judgement_round() -> None:
    index = _index(40)
    left = pd.Series(np.arange(40) < 15, index=index)
    score, risk = pd.Series(np.arange(40), index=index), pd.Series(0.5, index=index)
    safer, riskier = (judgement_against_model(score, risk, left, higher=way)["auc"] for way in ("safer", "riskier"))
    assert (safer["judgement"], riskier["judgement"]) == (1.0, 0.0)
    assert safer["model"] == 0.5


def test_rows_without_a_judgement_count_for_neither() -> None:
    index = _index(60)
    left = pd.Series(np.arange(60) % 3 == 0, index=index)
    pulse = pd.Series(np.arange(60.0), index=index).where(np.arange(60) < 40)
    found = judgement_against_model(pulse, pd.Series(0.1, index=index), left)
    assert set(found["n_snapshots"]) == {40}


def test_snapshots_of_one_account_count_as_one() -> None:
    """Four dates with the same figures are no more evidence than one."""
    rng = np.random.default_rng(0)
    n = 80
    left, pulse, risk = rng.random(n) < 0.4, rng.random(n), rng.random(n)
    one, four = (
        judgement_against_model(*(pd.Series(np.repeat(v, k), index=_index(n, k)) for v in (pulse, risk, left)))
        for k in (1, 4)
    )
    np.testing.assert_allclose(one[["auc", "low", "high"]], four[["auc", "low", "high"]])


def test_disagreements_are_listed_of_the_last_date() -> None:
    """Green and 40 %: judged among the safest third, told among the riskiest; and the other way round."""
    index = _index(9, 2)
    pulse = pd.Series(np.repeat([9, 8, 7, 6, 5, 4, 3, 2, 1], 2), index=index)
    risk = pd.Series(np.repeat([0.4, 0.1, 0.2, 0.15, 0.2, 0.16, 0.3, 0.35, 0.05], 2), index=index)
    found = disagreements(pulse, risk)
    assert found.index.tolist() == [(0, DAY + pd.DateOffset(months=1)), (8, DAY + pd.DateOffset(months=1))]
    assert found[["judgement", "risk", "judged"]].to_numpy().tolist() == [[9, 0.4, "safe"], [1, 0.05, "at risk"]]
    assert disagreements(-pulse, risk, higher="riskier")["judged"].tolist() == ["safe", "at risk"]


def test_where_all_are_judged_alike_nobody_disagrees() -> None:
    index = _index(30)
    risk = pd.Series(np.arange(30) / 30, index=index)
    assert disagreements(pd.Series(3.0, index=index), risk).empty


def test_the_check_fails_where_people_know_better() -> None:
    index = _index(60)
    left = pd.Series(np.arange(60) < 20, index=index)
    knows, blind = (
        pd.Series(np.arange(60.0), index=index),
        pd.Series((np.arange(60) * 7 % 10).astype(float), index=index),
    )
    failed = check_judgement(knows, blind / 10, left, name="csm_pulse")
    assert (failed.code, failed.status, failed.found) == ("CSR016", "failed", ("csm_pulse",))
    assert "judgement 1.000 (1.000 to 1.000)" in failed.measure
    assert check_judgement(blind, 1 - knows / 60, left).status == "passed"
    few = check_judgement(knows, blind / 10, left & (np.arange(60) < 9))
    assert few.status == "not applicable"
    assert few.measure == "9 of 60 judged accounts left; 10 are needed"


def test_run_checks_holds_judgements_against_later_risks() -> None:
    index = _index(80)
    rng = np.random.default_rng(1)
    X = pd.DataFrame({"a": rng.normal(size=80)}, index=index)
    left = pd.Series(np.arange(80) < 30, index=index)
    risk = pd.Series(rng.random(80), index=index)
    codes = {check.code: check for check in run_checks(X, left, forward=ForwardEvidence(risk=risk))}
    assert codes["CSR016"].status == "not applicable"
    pulse = (pd.Series(np.arange(80), index=index), "safer")
    judged = run_checks(X, left, forward=ForwardEvidence(risk=risk, judgements={"pulse": pulse}))
    assert next(check for check in judged if check.code == "CSR016").failed


def test_judgements_are_the_last_values_of_declared_measures() -> None:
    """`pulse` has a direction and rows; `tickets` has no rows, `size` no direction, `nps_last` is no measure."""
    said = pd.DataFrame({"account_id": ["0", "1"], "at": ["2025-05-01", "2025-05-02"], "value": 3.0})
    said["name"] = ["CSM Pulse", "size"]
    usage = pd.DataFrame({"account_id": ["0", "1"], "at": ["2025-05-01", "2025-05-02"]})
    data = cr.CustomerData({"measures": said, "usage": usage})
    X = pd.DataFrame({f"{name}_last": [1.0, 2.0] for name in ("csm_pulse", "tickets", "size", "nps")}, index=_index(2))
    told = [
        cr.Feature(f"{name}_last", "advocacy", "score", "It is {value}", way)
        for name, way in (("csm_pulse", -1), ("tickets", 1), ("size", 0), ("nps", -1))
    ]
    found = declared_judgements(data, X, told)
    assert list(found) == ["csm_pulse"]
    assert found["csm_pulse"][1] == "safer"
    assert found["csm_pulse"][0].tolist() == [1.0, 2.0]


def test_what_cannot_be_held_together_is_refused() -> None:
    index = _index(30)
    risk = pd.Series(0.1, index=index)
    with pytest.raises(ConfigError, match=r"higher='up' must be 'safer' or 'riskier'"):
        disagreements(risk, risk, higher="up")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"judgement: index \[None\] must be \(account_id, as_of\)"):
        disagreements(pd.Series([1.0]), risk)
    with pytest.raises(ConfigError, match=r"columns \['value'\] are missing"):
        disagreements(pd.DataFrame({"account_id": [1], "at": ["2025-01-01"]}), risk)
    with pytest.raises(ConfigError, match="map words such as green to numbers"):
        disagreements(pd.DataFrame({"account_id": [1], "at": ["2025-01-01"], "value": ["green"]}), risk)
    with pytest.raises(ConfigError, match="share no snapshot"):
        disagreements(pd.DataFrame({"account_id": [99], "at": ["2025-01-01"], "value": [1]}), risk)
