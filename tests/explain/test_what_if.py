"""What if: the model's own answer for altered rows, split over goals, and refused where no account is like that."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest

from csrisk import explain
from csrisk.exceptions import ExplanationError

from ._fakes import FakeModel, book, goals_of

GOALS = {
    "transfers_90d": "churn",
    "transfers_per_contact_90d": "churn",
    "loops_closed_share_90d": "feedback",
    "seat_utilisation_30d": "footprint",
    "account_segment": "context",
}


class ByHand:
    """Risk of .1 + .004 transfers + .2 (1 - closed) + .001 transfers (1 - closed), and .1 more for the large."""

    feature_names_in_ = np.array(list(GOALS), dtype=object)

    def predict_proba(self, X):
        transfers, open_ = X["transfers_90d"].to_numpy(float), 1 - X["loops_closed_share_90d"].to_numpy(float)
        large = (X["account_segment"] == "large").to_numpy(float)
        risk = 0.1 + 0.004 * transfers + 0.2 * open_ + 0.001 * transfers * open_ + 0.1 * large
        risk -= 0.1 * X["seat_utilisation_30d"].to_numpy(float)
        return np.column_stack([1 - risk, risk])


def _frame():
    return pd.DataFrame(
        {
            "transfers_90d": [20.0, 0.0, 40.0, 4.0],
            "transfers_per_contact_90d": [2.0, 0.0, 4.0, 1.0],
            "loops_closed_share_90d": [0.0, 1.0, 0.5, 0.5],
            "seat_utilisation_30d": [0.2, 0.6, 0.8, 1.0],
            "account_segment": ["small", "small", "large", "large"],
        },
        index=pd.MultiIndex.from_product([pd.to_datetime(["2025-01-01"]), list("abcd")], names=["as_of", "account_id"]),
    )


@pytest.fixture(scope="module")
def by_hand():
    return explain(ByHand(), _frame(), declarations=GOALS)


@pytest.fixture(scope="module", params=[False, True], ids=["foreign", "trees"])
def why(request):
    X, y = book(200)
    model = FakeModel(linear=True).fit(X, y)
    if request.param:
        return explain(model, X.iloc[:20], reference=X, declarations=goals_of(X.columns), n_reference=10), model, X

    class Foreign:
        feature_names_in_ = model.feature_names_in_

        def predict_proba(self, frame):
            return model.predict_proba(frame)

    return explain(Foreign(), X.iloc[:5], reference=X[:3], declarations=goals_of(X.columns)), model, X


def test_parts_by_hand_add_up_and_the_effect_of_both_is_shared(by_hand):
    told = by_hand.what_if("a", {"transfers_90d": 10, "loops_closed_share_90d": 1}).iloc[0]
    # .1 + .08 + .2 + .02 - .02 = 38 %, then .1 + .04 - .02 = 12 %
    assert told["prediction"] == pytest.approx(38.0)
    assert told["what_if"] == pytest.approx(12.0)
    # transfers alone -5, loops alone -22, both -26: the point together is shared
    assert told[["churn", "feedback", "footprint", "context"]].to_list() == pytest.approx([-4.5, -21.5, 0.0, 0.0])


def test_levers_move_what_hangs_together_and_no_further_than_the_segment(by_hand):
    table = by_hand.levers("a").droplevel(["as_of", "account_id"])
    assert table["change"].to_dict() == pytest.approx(
        {"close the open loops": -22.0, "halve the transfers": -5.0, "seats in use as in the segment": -2.0}
    )
    assert "seats in use as in the segment" not in by_hand.levers("d").index.get_level_values("lever")
    assert by_hand.what_if("a", "halve the transfers")["stays"].iloc[0]


def test_least_change_takes_the_least_share_or_says_that_none_does(by_hand):
    found = by_hand.least_change("a", 0.30)
    # 22 points at full share: 8 need more than .36 of it, in twentieths .4
    assert found.reached
    assert found.changes["lever"].unique().tolist() == ["close the open loops"]
    assert found.changes["share"].iloc[0] == pytest.approx(0.4)
    assert found.after == pytest.approx(38 - 0.4 * 22)
    none = by_hand.least_change("a", 0.02)
    assert not none.reached
    assert "none does" in repr(none)
    assert none.after == pytest.approx(10 + 4 - 4)
    already = by_hand.least_change("b", 0.5)
    assert already.reached
    assert already.changes.empty
    with pytest.raises(ExplanationError, match="must be a probability"):
        by_hand.least_change("a", 30)


def test_what_no_account_shows_is_refused(by_hand):
    for changes, words in [
        ({"transfers_90d": 41}, "0 to 40"),
        ({"transfers_90d": float("nan")}, "must be a number"),
        ({"transfer_90d": 1}, "did you mean 'transfers_90d'"),
        ({"account_segment": "huge"}, "known are .*'large', 'small'"),
        ("halve transfers", "did you mean 'halve the transfers'"),
    ]:
        with pytest.raises(ExplanationError, match=words):
            by_hand.what_if("a", changes)
    assert by_hand.what_if("a", {"account_segment": "large"})["context"].iloc[0] == pytest.approx(10.0)


def test_the_answer_is_the_models_own_and_adds_up(why):
    told, model, X = why
    some = list(told.index.get_level_values("account_id")[:5])
    same = told.what_if(some, {})
    np.testing.assert_array_equal(same["change"], 0.0)
    np.testing.assert_allclose(same["prediction"], told.prediction[:5], atol=1e-9)
    changes = {"f0": X["f0"][:5].max(), "f3": X["f3"][:5].max(), "f4": X["f4"][:5].min()}
    edited = X.iloc[:5].assign(**changes)
    table = told.what_if(some, changes)
    np.testing.assert_allclose(table["what_if"], 100 * model.predict_proba(edited)[:, 1], atol=1e-9)
    parts = table[[str(goal) for goal in told.goals_present]]
    np.testing.assert_allclose(parts.sum(axis=1), table["change"], atol=1e-9)
    assert (parts["advocacy"] == 0).all()
    assert len(told.what_if(None, changes)) == len(told)
    assert told.levers(some).empty
    with pytest.raises(ExplanationError, match="feature of none"):
        told.least_change(some[0], 0.1)


def test_other_windows_of_a_measure_are_named():
    X, y = book(60, 6)
    X.columns = ["hours_30d", "hours_90d", "events_30d", "age", "hours", "seats_30d"]
    told = explain(FakeModel().fit(X, y), X, declarations=goals_of(X.columns)).what_if("acct-0000", {"hours_30d": 0.0})
    assert told["stays"].iloc[0] == "hours_90d"


def test_polars_pickles_and_categories(by_hand):
    frame = _frame().reset_index()
    told = explain(ByHand(), pl.from_pandas(frame), declarations=GOALS).levers(["a", "c"])
    np.testing.assert_allclose(told["change"], by_hand.levers(["a", "c"])["change"])
    again = pickle.loads(pickle.dumps(by_hand.asked))
    assert again.names == list(GOALS)
    typed = _frame().astype({"account_segment": "category"})
    other = explain(ByHand(), typed.iloc[:2], reference=typed, declarations=GOALS)
    assert other.what_if("a", {"account_segment": "large"})["change"].iloc[0] == pytest.approx(10.0)


def test_the_picture_shows_the_table(by_hand):
    ax = by_hand.plot_what_if("a")
    np.testing.assert_allclose([patch.get_width() for patch in ax.patches], by_hand.levers("a")["change"])
    assert [text.get_text() for text in ax.texts] == ["16.0\u00a0%", "33.0\u00a0%", "36.0\u00a0%"]
