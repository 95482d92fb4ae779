"""The expansion model."""

from __future__ import annotations

from csrisk.models._classifier import RiskClassifier

__all__ = ["ExpansionModel"]


class ExpansionModel(RiskClassifier):
    """Calibrated probability that an account expands; the same recipe as `ChurnModel`.

    Parameters
    ----------
    n_members, learning_rate, num_leaves, blend, monotone, min_events, n_jobs, random_state
        As in `ChurnModel`.

    Attributes
    ----------
    boosters_, calibration_, shares_, linear_, columns_, classes_, n_events_, n_unlabelled_
        As in `ChurnModel`.
    n_features_in_, feature_names_in_
        As in `ChurnModel`.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from csrisk import ExpansionModel
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"seat_utilisation_30d": rng.random(400)})
    >>> y = rng.random(400) < X["seat_utilisation_30d"] ** 2
    >>> model = ExpansionModel(random_state=0).fit(X, y)
    >>> model.predict_proba(X).shape
    (400, 2)
    """

    _outcome = "expansion"
