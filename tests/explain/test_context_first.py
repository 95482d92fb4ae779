"""Context first: the segment explains how it differs from the book, and the goals how the account differs from it."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from csrisk import Reference, explain
from csrisk.exceptions import ExplanationError

from ._fakes import FakeModel, book

GOALS = ["churn", "footprint", "advocacy", "feedback"]
X, Y = book(200, 6, seed=2)
X = X.assign(segment=np.repeat([0.0, 1.0, 2.0, np.nan], [90, 60, 42, 8]))
Y = Y | (X["segment"] == 1.0).to_numpy()
DECLARED = dict(zip(X.columns, [*GOALS, "churn", "context", "context"], strict=True))
TREES = FakeModel(linear=True).fit(X, Y)
FOREIGN = HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(X, Y)
FIRST = Reference.book(X, first="segment")


@pytest.mark.parametrize(("model", "output"), [(TREES, "probability"), (TREES, "log_odds"), (FOREIGN, "probability")])
def test_context_takes_the_way_from_the_book_to_the_segment_and_the_goals_the_rest(model, output):
    rows, told = X[X["segment"].notna()].iloc[::20], {"output": output, "declarations": DECLARED, "n_reference": 30}
    why = explain(model, rows, reference=FIRST, **told)
    within = explain(model, rows, reference=Reference.segment(X, by="segment"), **told)
    own = explain(model, X, reference=X, **told).prediction  # of all rows of the book
    assert why.reference == pytest.approx(np.full(len(rows), own.mean()), abs=1e-11)
    np.testing.assert_allclose(why.reference + why.contributions.sum(axis=1), why.prediction, rtol=0, atol=1e-11)
    expected = within.goals()[GOALS]
    pd.testing.assert_frame_equal(why.goals()[GOALS], expected, rtol=0, atol=1e-11)
    shift = within.reference - own.mean()
    np.testing.assert_allclose(why.goals()["context"], within.goals()["context"] + shift, rtol=0, atol=1e-11)
    # the segment is the same within itself: what it carries is the shift
    points = why.features("context")
    segment = points.loc[points["feature"] == "segment", "points"]
    np.testing.assert_allclose(segment.reindex(rows.index), shift, rtol=0, atol=1e-11)
    for goal in why.goals_present:
        parts = why.features(goal)["points"].groupby(level=[0, 1]).sum().reindex(rows.index)
        np.testing.assert_allclose(parts, why.goals()[str(goal)], rtol=0, atol=1e-9)
        np.testing.assert_allclose(why.interactions()[str(goal)].sum(axis=1), why.goals()[str(goal)], atol=1e-9)
    without = within.without()
    np.testing.assert_allclose(why.without()["context"], without["context"] + shift, rtol=0, atol=1e-9)
    np.testing.assert_allclose(why.without()[GOALS], without[GOALS], rtol=0, atol=1e-9)


def test_a_segment_of_few_rows_or_none_is_held_against_the_book():
    few = X.assign(segment=X["segment"].replace(2.0, 9.0))
    rows = few[few["segment"].isna()]
    why = explain(TREES, rows, reference=Reference.book(few, first="segment"), output="log_odds", declarations=DECLARED)
    plain = explain(TREES, rows, reference=few, output="log_odds", declarations=DECLARED)
    np.testing.assert_allclose(why.contributions, plain.contributions, rtol=0, atol=1e-11)
    comparisons = Reference.book(few[:150].assign(segment=[0.0] * 121 + [7.0] * 29), first="segment").comparisons(
        few[:3].assign(segment=[0.0, 7.0, 8.0])
    )
    assert [(c.rows.tolist(), len(c.reference)) for c in comparisons] == [([0], 121), ([1, 2], 150)]


def test_a_model_that_reads_the_segment_from_use_gives_the_segment_what_is_its_own():
    # half of the book are small businesses, which use 3 on the mean where others use 0; the model sees use alone
    frame = pd.DataFrame({"use": [-1.0, 0.0, 1.0, 2.0, 3.0, 4.0] * 30, "segment": [0.0, 0.0, 0.0, 1.0, 1.0, 1.0] * 30})
    model = LogisticRegression().fit(frame, frame["use"] > 1)
    model.coef_, model.intercept_ = np.array([[0.5, 0.0]]), np.array([0.0])
    told = {"declarations": {"use": "footprint", "segment": "context"}, "output": "log_odds", "n_reference": 180}
    account = frame.iloc[[3]]  # uses more than the book, and less than its segment
    plain, first = (explain(model, account, reference=r, **told).goals() for r in (frame, Reference.book(frame)))
    pd.testing.assert_frame_equal(plain, first)
    assert plain[["footprint", "context"]].to_numpy() == pytest.approx(np.array([[0.5 * (2 - 1.5), 0.0]]))
    found = explain(model, account, reference=Reference.book(frame, first="segment"), **told).goals()
    assert found[["footprint", "context"]].to_numpy() == pytest.approx(np.array([[0.5 * (2 - 3), 0.5 * (3 - 1.5)]]))


def test_what_comes_first_must_be_context_of_the_model():
    with pytest.raises(ExplanationError, match="first='zzz': no such column in the reference, which has 7 columns"):
        Reference.book(X, first="zzz")
    with pytest.raises(ExplanationError, match="first='f0' serves the goal churn; name a feature of the model whose"):
        explain(TREES, X[:2], reference=Reference.book(X, first="f0"), declarations=DECLARED)
    more = X.assign(other=1.0)
    with pytest.raises(ExplanationError, match="first='other' is no feature of the model"):
        explain(TREES, more[:2], reference=Reference.book(more, first="other"), declarations=DECLARED)
