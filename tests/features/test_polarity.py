"""Polarity of comments on labelled English texts in the style of product reviews."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from csrisk import CustomerData, Snapshots, build_features
from csrisk.exceptions import DataWarning
from csrisk.features import SurveySentiment, english_polarity

KIND = [
    "This is the best coffee we ever had, rich and fresh.",
    "Great service, quick answers, very happy with the support.",
    "I love these cookies, they taste wonderful.",
    "Excellent product at a good price, will order again.",
    "The team was friendly and the setup was easy.",
    "Delicious, and my dog loves it too.",
    "Perfect for our office, everybody is pleased.",
    "A nice tool that works well and looks beautiful.",
    "Not bad at all, we are satisfied.",
    "Amazing flavour and a lovely smell.",
    "Very useful reports, and the new dashboard is fantastic.",
    "Good quality, arrived fresh and early.",
]
UNKIND = [
    "Terrible taste, I threw the whole box away.",
    "The support is slow and the answers are useless.",
    "Awful smell, stale and disgusting.",
    "Very disappointed, the product arrived broken.",
    "Not good, the export fails again and again.",
    "The worst tea I ever bought, bitter and weak.",
    "Boring interface and horrible performance.",
    "Too expensive for such poor quality.",
    "It made my cat sick, bad ingredients.",
    "The update is a mess, everything is complicated now.",
    "Hate the new packaging, it is annoying.",
    "Cheap and nasty, never again.",
]


def test_kind_and_unkind_texts_are_told_apart():
    pytest.importorskip("textblob", reason="the extra text is not installed")
    scores = np.array(english_polarity(KIND + UNKIND))
    truth = np.repeat([1, 0], [len(KIND), len(UNKIND)])
    told = ~np.isnan(scores)
    assert told.mean() > 0.9
    assert np.abs(scores[told]).max() <= 1
    assert roc_auc_score(truth[told], scores[told]) > 0.9
    # negation turns the word round
    good, not_good, not_bad = english_polarity(["good", "not good", "not bad"])
    assert not_good < 0 < min(good, not_bad)


def test_texts_of_another_language_are_not_guessed_at():
    pytest.importorskip("textblob", reason="the extra text is not installed")
    assert np.isnan(english_polarity(["Der Kundendienst antwortet langsam", "Das Werkzeug ist brauchbar", ""])).all()


def test_another_language_brings_a_polarity_of_its_own():
    words = {"gut": 1.0, "schlecht": -1.0}

    def german(texts):
        return [np.mean([words[w] for w in text.split() if w in words] or [np.nan]) for text in texts]

    surveys = {
        "account_id": ["a", "b"],
        "sent_at": ["2025-01-01", "2025-01-01"],
        "answered_at": ["2025-01-02", "2025-01-02"],
        "kind": ["NPS", "NPS"],
        "score": [9.0, 3.0],
        "comment": ["alles gut", "schlecht erreichbar"],
    }
    frame = pd.DataFrame(surveys)
    data = CustomerData(
        {"surveys": frame.astype({"sent_at": "datetime64[us]", "answered_at": "datetime64[us]"})}, end="2025-02-01"
    )
    pairs = pd.MultiIndex.from_product([data.accounts, pd.to_datetime(["2025-01-03"])], names=["account_id", "as_of"])
    found = build_features(data, Snapshots.of(data, pairs), [SurveySentiment(polarity=german)])
    assert found["comment_polarity_last"].tolist() == [1.0, -1.0]


OTHER = [
    "Der Support ist super langsam und total inkompetent",
    "Total unzuverlässig",
    "Ein super Fehler nach dem anderen",
    "Kein Vergleich, ideal ist anders",
    "Alles gut",
    "Brutal gut",
    "Le service client est vraiment mauvais",
    "Support incompétent, original mais inutile",
    "Produit nul, service horrible, client pas content",
    "Grande delusione, supporto super lento",
    "El soporte es fatal y la aplicación muy lenta",
    "No me gusta nada, super caro",
    "O suporte é horrível e nunca responde",
    "De support is super traag en niet te bereiken",
    "Supporten är super dålig och svarar inte",
    "Obsługa jest super słaba",
    "Поддержка ужасная",
    "サポートが遅い",
    "Pelayanan super buruk",
    "Quick and dirty, aber leider nicht gut",
]


@pytest.mark.parametrize("text", OTHER)
def test_words_that_languages_share_are_not_scored_in_another(text):
    pytest.importorskip("textblob", reason="the extra text is not installed")
    assert np.isnan(english_polarity([text])).all()


@pytest.mark.parametrize(
    "text", ["Great API", "Excellent onboarding", "AWFUL", "We\u2019re not happy with the SSO login"]
)
def test_short_english_is_scored(text):
    pytest.importorskip("textblob", reason="the extra text is not installed")
    assert not np.isnan(english_polarity([text])).any()


def test_many_comments_of_another_language_are_said():
    pytest.importorskip("textblob", reason="the extra text is not installed")
    with pytest.warns(DataWarning, match=r"20 of 24 comments do not read as English .*polarity="):
        english_polarity(OTHER + KIND[:4])
