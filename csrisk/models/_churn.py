"""The churn model."""

from __future__ import annotations

from csrisk.models._classifier import RiskClassifier

__all__ = ["ChurnModel"]


class ChurnModel(RiskClassifier):
    """Calibrated churn risk of a snapshot from boosted trees.

    Several members are trained, each on all accounts but those of one fold, and stopped early on that fold. Their
    margins are averaged, and a two-parameter sigmoid fitted on out-of-fold margins makes them log-odds of honest
    probabilities. Rows are put into an order of their content first: the order of rows, the names of accounts and the
    number of threads change nothing.

    Parameters
    ----------
    n_members : int, default 5
        Folds of accounts, and so members of each kind of trees; a blend deals the folds twice. Fewer where fewer
        accounts have an event.
    learning_rate : float, default 0.05
        Shrinkage of each tree.
    num_leaves : int, default 15
        Leaves of a tree.
    blend : bool or "auto", default "auto"
        Train four kinds of trees (plain, with small leaves, with random cuts, of depth 2) and let out-of-fold log-loss
        choose the share of each. "auto" does so up to 20,000 rows, where it pays; it takes up to four times as long.
    monotone : mapping of str to int, optional
        Directions that the risk must follow: 1 rises with the column, -1 falls, 0 free. Those of the declarations are
        ``{f.name: f.direction for f in csrisk.features.declared(X.columns)}``.
    min_events : int, optional
        Fewest accounts with an event, and without one, that are accepted. Default: 10 where rows belong to accounts
        (index level ``account_id`` or `groups`), 1 for plain rows.
    n_jobs : int, optional
        Members trained at the same time, and threads of prediction. None is 1.
    random_state : int or RandomState, optional
        Seed. None is one fixed seed, as in LightGBM.

    Attributes
    ----------
    boosters_ : tuple of lightgbm.Booster
        Members, with the calibration in their leaves: the mean of their raw scores is the log-odds of the risk.
    calibration_ : tuple of float
        Slope and intercept that were fitted on out-of-fold margins.
    shares_ : dict of str to float
        Share of each kind of trees in the margin.
    linear_ : None
        No linear part.
    columns_ : tuple
        How each column is encoded.
    classes_ : ndarray of shape (2,)
        Classes; the second is the event.
    n_events_ : int
        Accounts with an event.
    n_unlabelled_ : int
        Rows left out for want of a label.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Notes
    -----
    Each round sees 70 % of the rows and each node 70 % of the features; leaves hold 10 rows or more, and path smoothing
    is 10. Categorical columns are used as they are. Fewer than ten accounts with an event are refused by default: with
    ten, the standard error of an AUC of .8 is .08 (Hanley and McNeil 1982).

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from csrisk import ChurnModel
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"days_since_use": rng.exponential(20, 400), "plan": rng.choice(["basic", "pro"], 400)})
    >>> y = rng.random(400) < 1 / (1 + np.exp(3 - X["days_since_use"] / 20))
    >>> model = ChurnModel(random_state=0).fit(X, y)
    >>> risk = model.predict_proba(X)[:, 1]
    >>> bool(risk[X["days_since_use"] > 60].mean() > risk[X["days_since_use"] < 10].mean())
    True
    """

    _outcome = "churn"
