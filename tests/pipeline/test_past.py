"""The past that a report speaks of: what the model gives for earlier days, and what came of what was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

import csrisk as cr
from csrisk._pipeline._output._past import Past, PastFound, look_back
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from csrisk._explain import Explanation
    from csrisk.data import CustomerData


@pytest.fixture(scope="module")
def why(quick: cr.RiskPipeline, small_book: CustomerData) -> Explanation:
    return quick.explain(small_book)


@pytest.fixture(scope="module")
def order(why: Explanation) -> pd.Index:
    return why.index.get_level_values("account_id")


@pytest.fixture(scope="module")
def found(quick: cr.RiskPipeline, small_book: CustomerData, why: Explanation, order: pd.Index) -> PastFound:
    return look_back(quick, small_book, why, order, Past(months=8))


def test_risks_and_goals_are_those_that_the_model_gave_on_the_day(quick, small_book, order, found):
    for back in (2, 8):  # a month whose whole book is explained, and one that is followed alone
        day = small_book.end - pd.DateOffset(months=back)
        then = quick.explain(small_book, day).goals().droplevel("as_of")
        told = found.history.xs(day, level="as_of")
        assert set(told.index) == set(then.index) & set(order)
        then = then.loc[told.index]
        pd.testing.assert_series_equal(100 * told["churn_probability"], then["prediction"], check_names=False)
        first = told.index.isin(order[:25])
        for goal in ("churn", "footprint"):
            pd.testing.assert_series_equal(told.loc[first, f"{goal}_points"], then.loc[first, goal], check_names=False)
            assert told.loc[~first, f"{goal}_points"].isna().all()
    assert found.history.index.get_level_values("as_of").nunique() == 8
    assert found.previous.index.get_level_values("as_of").nunique() == 6


def test_without_kept_scores_the_model_asks_itself_and_says_so(quick, small_book, found):
    day = small_book.end - pd.Timedelta(days=90 + 30)  # the horizon, and the grace of a late renewal
    assert set(found.told.index.get_level_values("as_of")) == {day}
    assert "which flatters it" in found.told_by
    assert found.learned_until == quick.record_.facts["first and last snapshot"][-10:]
    assert pd.Timestamp(found.learned_until) <= day
    then = cr.Snapshots.of(small_book, found.told.index.to_frame(index=False), horizon="90D")
    left = cr.label_churn(small_book, then).reindex(found.told.index)
    assert found.told["left"].equals(left.astype(bool).rename("left"))
    risk = quick.explain(small_book, day).goals()["prediction"].reindex(found.told.index)
    pd.testing.assert_series_equal(100 * found.told["churn_probability"], risk, check_names=False)


def test_the_forward_test_can_stand_for_scores_that_were_kept(quick, small_book, why, order):
    found = look_back(quick, small_book, why, order, Past(history=quick.tested_, months=1))
    assert found.told_by == "Told by a model of the forward test, which knew nothing that came later."
    told = quick.tested_.loc[found.told.index, "churn_probability"]
    pd.testing.assert_series_equal(found.told["churn_probability"], told)


def test_scores_that_were_kept_come_first_and_the_last_settled_date_counts(quick, small_book, why, order):
    days = [small_book.end - pd.Timedelta(days=back) for back in (300, 200, 60)]  # of the last the outcome is open
    ids = list(order[:5])
    rows = [(name, day, 0.5, "another") for day in days for name in ids]
    kept = pd.DataFrame(rows, columns=["account_id", "as_of", "churn_probability", "model_id"])
    found = look_back(quick, small_book, why, order, Past(history=kept, months=1))
    assert set(found.told.index.get_level_values("as_of")) == {days[1]}
    assert found.told_by == "Told by the scores that were handed over, by another model than that of today."
    late = look_back(quick, small_book, why, order, Past(history=kept[kept["as_of"] == days[2]], months=1))
    assert "flatters" in late.told_by


def test_forms_of_one_report_look_back_once(quick, small_book, why, order):
    first, again = (look_back(quick, small_book, why, order, Past(months=1)) for _ in range(2))
    assert again is first
    # another account is urgent, and so has its goals told
    assert look_back(quick, small_book, why, order[::-1], Past(months=1)) is not first


def test_the_past_can_be_left_out(quick, small_book, why, order):
    found = look_back(quick, small_book, why, order, Past(months=0))
    assert found.history is None
    assert found.told is None
    assert found.previous is not None
    with pytest.raises(ConfigError, match="months=13 of the past must lie between 0 and 12"):
        look_back(quick, small_book, why, order, Past(months=13))
