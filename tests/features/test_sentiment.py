"""SurveySentiment by hand: account a is seen on 2025-04-01."""

from __future__ import annotations

import math

import pytest

from csrisk.exceptions import FeatureError
from csrisk.features import SurveySentiment

AS_OF = "2025-04-01"


def kind_words(texts):
    """A toy polarity: great is 1, bad is -0.5, anything else cannot be told."""
    return [{"great": 1.0, "bad": -0.5}.get(text, math.nan) for text in texts]


# number sent (age)         answered            acknowledged     acted
# 0      2024-05-01 (335)   2024-05-02 NPS 9    after 12 hours   after 10 days
# 1      2024-11-01 (151)   2024-11-05 nps 4    after 24 hours   never
# 2      2025-02-01 (59)    2025-02-03 NPS 7    never            on the day of the snapshot, which is not known
# 3      2025-02-10 (50)    2025-02-11 CSAT 5   after 6 hours    after 4 days
# 4      2025-03-01 (31)    no                                   (CES)
# 5      2025-03-10 (22)    no                                   (CES)
# 6      2025-03-25 (7)     no, and is still waited for          (CES)
# 7      2024-01-01 (456)   2024-01-02 CES 6    never            never
SURVEYS = {
    "sent_at": [
        "2024-05-01",
        "2024-11-01",
        "2025-02-01",
        "2025-02-10",
        "2025-03-01",
        "2025-03-10",
        "2025-03-25",
        "2024-01-01",
    ],
    "answered_at": ["2024-05-02", "2024-11-05", "2025-02-03", "2025-02-11", None, None, None, "2024-01-02"],
    "kind": ["NPS", "nps", "NPS", "CSAT", "CES", "CES", "CES", "CES"],
    "score": [9, 4, 7, 5, None, None, None, 6],
    "comment": ["great", "bad", "hm", "great", None, None, None, "bad"],
    "acknowledged_at": ["2024-05-02 12:00", "2024-11-06", None, "2025-02-11 06:00", None, None, None, None],
    "acted_at": ["2024-05-12", None, AS_OF, "2025-02-15", None, None, None, None],
}


@pytest.fixture(scope="module")
def row(look):
    return look(SurveySentiment(polarity=kind_words), AS_OF, surveys=SURVEYS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nps_last", 7),
        ("nps_mean_365d", (9 + 4 + 7) / 3),
        ("nps_change_365d", 7 - (9 + 4) / 2),
        ("csat_last", 5),
        ("csat_mean_365d", 5),
        ("csat_change_365d", math.nan),  # nothing to compare with
        ("ces_last", 6),
        ("ces_mean_365d", math.nan),  # answered 455 days ago
        ("ces_change_365d", math.nan),
        ("promoter_share_365d", 1 / 3),
        ("detractor_share_365d", 1 / 3),
        ("comment_polarity_last", 1.0),  # number 3; number 2 cannot be told
        ("comment_polarity_365d", (1 - 0.5 + 1) / 3),
        ("days_since_survey", 49),  # 11 February: 17 days of February, 31 of March, and 1
        # seven sent in 365 days, number 6 may still be answered: 4 of 6
        ("survey_response_rate_365d", 4 / 6),
        ("surveys_sent_365d", 7),
        ("unanswered_in_a_row", 2),
        ("hours_to_acknowledge_365d", (12 + 24 + 6) / 3),
        ("days_to_act_365d", (10 + 4) / 2),
        ("loops_acknowledged_share_365d", 3 / 4),
        ("loops_closed_share_365d", 2 / 4),
        # 180 days: number 0 is gone
        ("survey_response_rate_180d", 3 / 5),
        ("surveys_sent_180d", 6),
        ("hours_to_acknowledge_180d", (24 + 6) / 2),
        ("days_to_act_180d", 4),
        ("loops_acknowledged_share_180d", 2 / 3),
        ("loops_closed_share_180d", 1 / 3),
        # 90 days: number 1 is gone too
        ("survey_response_rate_90d", 2 / 4),
        ("surveys_sent_90d", 5),
        ("hours_to_acknowledge_90d", 6),
        ("days_to_act_90d", 4),
        ("loops_acknowledged_share_90d", 1 / 2),
        ("loops_closed_share_90d", 1 / 2),
        ("oldest_open_loop_days", 147),  # number 1, answered on 5 November
    ],
)
def test_by_hand(row, name, value):
    assert row[name] == pytest.approx(value, rel=1e-12, nan_ok=True)


def test_every_feature_is_computed_by_hand(row):
    cases = next(mark.args[1] for mark in test_by_hand.pytestmark if mark.name == "parametrize")
    assert sorted(name for name, _ in cases) == sorted(row.index)


def test_action_is_known_the_day_after(look):
    row = look(SurveySentiment(), "2025-04-02", surveys=SURVEYS)
    assert row["loops_closed_share_365d"] == 3 / 4


def test_answer_of_the_day_is_not_known(look):
    surveys = {"sent_at": ["2025-03-01"], "answered_at": [AS_OF], "kind": ["NPS"], "score": [10]}
    row = look(SurveySentiment(), AS_OF, surveys=surveys)
    assert math.isnan(row["nps_last"])
    assert row["survey_response_rate_365d"] == 0
    assert look(SurveySentiment(), "2025-04-02", surveys=surveys)["nps_last"] == 10


def test_answers_of_one_second_are_averaged(look):
    surveys = {"sent_at": ["2025-03-01"] * 2, "answered_at": ["2025-03-02"] * 2, "kind": ["NPS"] * 2, "score": [4, 9]}
    assert look(SurveySentiment(), AS_OF, surveys=surveys)["nps_last"] == 6.5


def test_without_times_of_answers_a_score_counts_when_known(look):
    surveys = {"sent_at": ["2025-03-01"], "known_at": ["2025-03-20"], "kind": ["NPS"], "score": [8]}
    assert math.isnan(look(SurveySentiment(), "2025-03-20", surveys=surveys)["nps_last"])
    row = look(SurveySentiment(), AS_OF, surveys=surveys)
    assert row["nps_last"] == 8
    assert row["days_since_survey"] == 12


def test_never_asked_is_unknown_and_asked_in_vain_is_zero(look):
    accounts = {"account_id": ["a", "b"]}
    surveys = {"account_id": ["b"], "sent_at": ["2025-03-01"], "kind": ["NPS"], "answered_at": [None]}
    a = look(SurveySentiment(), AS_OF, "a", surveys=surveys, accounts=accounts)
    b = look(SurveySentiment(), AS_OF, "b", surveys=surveys, accounts=accounts)
    assert math.isnan(a["survey_response_rate_365d"])
    assert a["surveys_sent_365d"] == 0
    assert b["survey_response_rate_365d"] == 0
    assert b["unanswered_in_a_row"] == 1
    assert math.isnan(a["unanswered_in_a_row"])


@pytest.mark.parametrize("known", [{}, {"known_at": ["2025-03-20"]}])
def test_without_answered_at_who_answers_is_unknown(look, known):
    row = look(SurveySentiment(), AS_OF, surveys={"sent_at": ["2025-03-01"], "kind": ["NPS"], "score": [8]} | known)
    unknown = [
        "survey_response_rate_90d",
        "survey_response_rate_365d",
        "unanswered_in_a_row",
        "hours_to_acknowledge_90d",
    ]
    assert row[unknown].isna().all()
    assert row["surveys_sent_90d"] == 1


def test_without_surveys_nothing_is_known(look):
    assert look(SurveySentiment(), AS_OF, usage={"at": ["2025-01-05"]}).isna().all()


def test_english_lexicon_tells_kind_from_unkind():
    pytest.importorskip("textblob")
    from csrisk.features import english_polarity

    kind, unkind, neither = english_polarity(["A great product, we love it.", "Terrible and slow support.", "A table."])
    assert kind > 0.3
    assert unkind < -0.3
    assert math.isnan(neither)


@pytest.mark.parametrize("wrong", [lambda _texts: [0.0], lambda texts: [7.0] * len(texts)])
def test_broken_polarity_is_refused(look, wrong):
    with pytest.raises(FeatureError, match=r"polarity: must give 3 scores from -1 to 1"):
        look(SurveySentiment(polarity=wrong), AS_OF, surveys=SURVEYS)


def test_missing_lexicon_is_said(look, monkeypatch):
    import importlib.util

    from csrisk.exceptions import DataWarning

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "textblob" else find(name))
    with pytest.warns(DataWarning, match=r"3 comments are not scored; pip install 'csrisk\[text\]'"):
        row = look(SurveySentiment(), AS_OF, surveys=SURVEYS)
    assert math.isnan(row["comment_polarity_365d"])
    assert row["nps_last"] == 7


# three answers: acted upon, declined with the reason after three days, neither; and an idea that nobody asked for
LOOPS = {
    "sent_at": ["2025-01-01", "2025-01-02", "2025-01-03", "2025-02-01"],
    "answered_at": ["2025-01-02", "2025-01-03", "2025-01-04", None],
    "acted_at": ["2025-01-10", None, None, None],
    "declined_at": [None, "2025-01-06", None, "2025-02-10"],
    "kind": ["NPS", "NPS", "NPS", "Idea"],
}


def test_a_no_with_its_reason_closes_a_loop(look):
    row = look(SurveySentiment(), AS_OF, surveys=LOOPS)
    assert row["loops_closed_share_365d"] == 3 / 4
    assert row["oldest_open_loop_days"] == 87  # the answer of 4 January
    assert row["survey_response_rate_365d"] == 1  # nobody asked for the idea
    later = {**LOOPS, "declined_at": [None, AS_OF, None, "2025-02-10"]}
    assert look(SurveySentiment(), AS_OF, surveys=later)["loops_closed_share_365d"] == 2 / 4


def test_declined_alone_is_evidence_of_closing(look):
    alone = {name: LOOPS[name] for name in ("sent_at", "answered_at", "declined_at", "kind")}
    assert look(SurveySentiment(), AS_OF, surveys=alone)["loops_closed_share_365d"] == 2 / 4


def test_scores_of_one_second_that_became_known_apart_have_no_change_once_the_first_is_too_old(look):
    """The last two are one answer: 396 and 304 days old, so that it is older than 365 days."""
    surveys = {
        "sent_at": ["2024-02-01", "2024-02-01", "2024-01-01", "2023-12-01"],
        "known_at": ["2024-03-01", "2024-06-01", "2024-07-01", "2024-08-01"],
        "kind": ["NPS"] * 4,
        "score": [8, 6, 10, 9],
    }
    row = look(SurveySentiment(), AS_OF, surveys=surveys)
    assert row["nps_last"] == 7
    assert math.isnan(row["nps_change_365d"])
    assert row["nps_mean_365d"] == pytest.approx((6 + 10 + 9) / 3)


def test_the_oldest_open_loop_is_declared_over_the_longest_window():
    window = {feature.name: feature.window for feature in SurveySentiment(loop_windows=(30, 200, 90)).features}
    assert window["oldest_open_loop_days"] == 200
