"""Polarity of comments: how kind or unkind a text is, from -1 to 1."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd

from csrisk.exceptions import DataWarning, FeatureError
from csrisk.features._families._english import reads_as_english

__all__ = ["Polarity", "english_polarity", "score_comments"]

_FEW, _SHARE = 5, 0.2  # comments that are not English: more of both are said

Polarity: TypeAlias = Callable[[Sequence[str]], Sequence[float]]


def english_polarity(texts: Sequence[str]) -> list[float]:
    """Score English texts with the lexicon that TextBlob ships (the extra ``text``); nothing is downloaded.

    Parameters
    ----------
    texts : sequence of str
        English texts.

    Returns
    -------
    list of float
        From -1 (unkind) to 1 (kind); NaN for a text that is not clearly English, or in which the lexicon rates no word.

    Raises
    ------
    ImportError
        If TextBlob is not installed.

    Notes
    -----
    The lexicon rates adjectives and handles negation and intensifiers (De Smedt and Daelemans, "Pattern for Python",
    Journal of Machine Learning Research 13, 2012). It does not see irony, and knows nothing of products. Words such as
    "super" and "total" are in it and in other languages, whose complaints would come as praise: only a text whose words
    are English words is scored.

    Examples
    --------
    >>> from csrisk.features import english_polarity
    >>> kind, unkind = english_polarity(["This is a great product.", "The support was very bad."])
    >>> kind > 0 > unkind
    True
    """
    # an optional extra: nothing is loaded before there is a text
    from textblob.en import sentiment

    scores, foreign = [], 0
    for text in texts:
        english = reads_as_english(text)
        foreign += not english
        polarity, subjectivity = sentiment(text) if english else (0.0, 0.0)
        # 0 and 0 is what the lexicon gives for a text without a word that it rates
        scores.append(float(polarity) if polarity or subjectivity else np.nan)
    if foreign > _FEW and foreign > _SHARE * len(texts):
        message = (
            f"surveys.comment: {foreign} of {len(texts)} comments do not read as English and are not scored; "
            "hand over a polarity of their language, SurveySentiment(polarity=...)"
        )
        warnings.warn(message, DataWarning, stacklevel=2)
    return scores


def score_comments(comments: Sequence[str], polarity: Polarity | None) -> pd.DataFrame:
    """Score each comment once; comments that cannot be scored are left out."""
    if polarity is None:
        # without a comment nobody needs to hear of a missing extra
        if comments and importlib.util.find_spec("textblob") is None:
            message = (
                f"surveys.comment: {len(comments)} comments are not scored; pip install 'csrisk[text]' for English"
            )
            warnings.warn(message, DataWarning, stacklevel=2)
            comments = []
        polarity = english_polarity
    scores = np.asarray(polarity(list(comments)) if comments else [], dtype=np.float64)
    if scores.shape != (len(comments),) or np.any(np.abs(scores) > 1):
        message = (
            f"polarity: must give {len(comments)} scores from -1 to 1, one for each text; NaN where it cannot tell"
        )
        raise FeatureError(message)
    # without a single comment the column would have no type of its own
    frame = pd.DataFrame({"comment": pd.Series(list(comments), dtype="str"), "polarity": scores})
    return frame[frame["polarity"].notna()].reset_index(drop=True)
