"""Uplift: who stays because of a play, learned from plays that were assigned at random."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from csrisk._params import check_params
from csrisk._snapshots import Snapshots
from csrisk.exceptions import ConfigError, DataWarning, NotEnoughDataError
from csrisk.models._boosting import regressor
from csrisk.models._rows import FrameReader, as_features, first_index
from csrisk.success._plans._overlap import fit_propensity, read_sides

if TYPE_CHECKING:
    from typing import Self

    from csrisk._days import Duration
    from csrisk.data import CustomerData

__all__ = ["UpliftModel", "treated_snapshots"]

_TREES: dict[str, Any] = {
    "n_estimators": 120,
    "learning_rate": 0.03,
    "num_leaves": 6,
    "min_child_samples": 30,
    "verbose": -1,
}
_AT_LEAST = 20  # events on either side


def treated_snapshots(
    data: CustomerData,
    play: str,
    *,
    horizon: Duration,
    control: str = "control",
    by_choice: Literal["refuse", "warn"] = "refuse",
) -> tuple[Snapshots, pd.Series]:
    """Take the days on which chance decided who got a play, as snapshots.

    Parameters
    ----------
    data : CustomerData
        Tables with treatments.
    play : str
        The play whose effect is wanted.
    horizon : str or int
        How long after the day the label looks.
    control : str, default "control"
        What the play is called for accounts that were drawn but left alone.
    by_choice : {"refuse", "warn"}, default "refuse"
        What happens where people chose whom to treat. With "warn" the rows are given all the same: look at `overlap`
        and `covariate_balance` first, and fit `UpliftModel` with ``method="dr"`` and
        ``propensity="estimated"``: it corrects for what the features show and for nothing else.

    Returns
    -------
    snapshots : Snapshots
        One per account and day; what happened on the day itself is not seen.
    treated : pandas.Series
        Boolean, on ``snapshots.index``.

    Raises
    ------
    NotEnoughDataError
        If treatments are missing, were not assigned at random, or one side is empty.
    ConfigError
        If `by_choice` is unknown.

    Warns
    -----
    DataWarning
        If treatments were not assigned at random and ``by_choice="warn"``.

    Examples
    --------
    >>> import pandas as pd
    >>> import csrisk as cr
    >>> from csrisk.success import treated_snapshots
    >>> calls = pd.DataFrame({"account_id": ["a", "b"], "at": "2025-01-10", "play": ["call", "control"]})
    >>> use = pd.DataFrame({"account_id": ["a", "b"], "at": "2025-01-02"})
    >>> tables = {"treatments": calls.assign(assigned_at_random=True), "usage": use}
    >>> snapshots, treated = treated_snapshots(cr.CustomerData(tables, end="2025-06-01"), "call", horizon="30D")
    >>> treated.tolist()
    [True, False]
    """
    if by_choice not in ("refuse", "warn"):
        raise ConfigError(f"by_choice={by_choice!r} must be 'refuse' or 'warn'")
    if not data.has("treatments", "play"):
        raise NotEnoughDataError("no treatments with a play: uplift cannot be told; the order of priorities is by risk")
    rows = data.frame("treatments")
    rows = rows[rows["play"].isin([play, control])]
    chance = rows["assigned_at_random"].astype("boolean").fillna(False)
    if not chance.all():
        message = f"play={play!r}: {int((~chance).sum())} of {len(rows)} rows were not assigned at random"
        message += "; whom people chose to treat tells no effect: log a randomised campaign"
        if by_choice == "refuse":
            raise NotEnoughDataError(message)
        warnings.warn(f"{message}; look at overlap() before any figure", DataWarning, stacklevel=2)
    treated = rows["play"] == play
    if not treated.any() or treated.all():
        message = f"play={play!r}: {int(treated.sum())} treated and {int((~treated).sum())} {control!r} rows"
        raise NotEnoughDataError(message + "; both are needed: hold some accounts out at random")
    index = pd.MultiIndex.from_arrays([rows["account_id"], rows["at"].dt.normalize()], names=["account_id", "as_of"])
    drawn = pd.Series(treated.to_numpy(), index=index).groupby(level=[0, 1]).agg(["min", "max"])
    side: pd.Series = drawn["max"][drawn["min"] == drawn["max"]]  # drawn for both on one day: belongs to neither
    snapshots = Snapshots.of(
        data, pd.MultiIndex.from_tuples(list(side.index), names=["account_id", "as_of"]), horizon=horizon
    )
    return snapshots, side.reindex(snapshots.index).astype(bool).rename("treated")


class UpliftModel(FrameReader):
    """Learn by how much a play lowers the probability of churn of each account.

    The T-learner fits one model to the treated and one to the others and takes the difference. The DR-learner
    [1]_ makes an unbiased, noisy effect of each row from cross-fitted outcome models and the known share of treated,
    and regresses it on the features. The X-learner [2]_ holds each row's outcome against what a model of the other side
    expects of it, learns that gap on either side, and weighs the two by the share of treated. In all of them trees
    (LightGBM) and a ridge regression are averaged: effects are far fainter than risks, and a straight line often says
    more about them than a tree.

    Parameters
    ----------
    method : {"dr", "t", "x"}, default "dr"
        The learner.
    n_folds : int, default 5
        Folds of accounts for cross-fitting.
    random_state : int, default 0
        Seed.
    propensity : {"known", "estimated"}, default "known"
        Whether the share of treated is the same for all, as in a randomised campaign, or estimated from the features,
        where people chose whom to treat; then it is cut at .05 and .95, and what the features do not show still
        biases the effect. For ``method="dr"`` only.

    Attributes
    ----------
    share_treated_ : float
        Share of treated among the rows fitted.

    References
    ----------
    .. [1] Kennedy, E. H. (2023). Towards optimal doubly robust estimation of heterogeneous causal effects. Electronic
       Journal of Statistics 17, 3008-3049.
    .. [2] Künzel, S. R., Sekhon, J. S., Bickel, P. J. and Yu, B. (2019). Metalearners for estimating heterogeneous
       treatment effects using machine learning. Proceedings of the National Academy of Sciences 116, 4156-4165.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from csrisk.success import UpliftModel
    >>> chance = np.random.default_rng(0)
    >>> X = pd.DataFrame({"tickets": chance.poisson(2, 600)})
    >>> treated = pd.Series(chance.random(600) < 0.5)
    >>> left = pd.Series(chance.random(600) < np.where(treated, 0.1, 0.5))  # the play helps everyone by .4
    >>> model = UpliftModel(n_folds=2).fit(X, left, treated)
    >>> bool(0.25 < model.predict(X).mean() < 0.55)
    True
    """

    def __init__(
        self,
        method: Literal["dr", "t", "x"] = "dr",
        *,
        n_folds: int = 5,
        random_state: int = 0,
        propensity: Literal["known", "estimated"] = "known",
    ) -> None:
        self.method = method
        self.n_folds = n_folds
        self.random_state = random_state
        self.propensity = propensity

    def fit(self, X: Any, y: Any, treated: Any) -> Self:
        """Fit to rows that chance has treated or not.

        Parameters
        ----------
        X : pandas.DataFrame
            Features on the snapshot index.
        y : pandas.Series
            Churn, true or false; rows without a label are left out.
        treated : pandas.Series
            Boolean. Churn and treated are brought to the rows of X by their index.

        Returns
        -------
        UpliftModel
            Itself.

        Raises
        ------
        ConfigError
            If `method` or `propensity` is unknown, or another learner than DR is asked for an estimated propensity.
        NotEnoughDataError
            If there are fewer than 20 events among the treated or among the others.
        ValueError
            If a parameter is out of range, indexes hold other rows, or a side is missing.
        """
        if self.method not in ("dr", "t", "x"):
            raise ConfigError(f"method={self.method!r} must be 'dr', 't' or 'x'")
        if self.propensity not in ("known", "estimated") or (self.method != "dr" and self.propensity != "known"):
            message = f"propensity={self.propensity!r} must be 'known' or 'estimated', the latter with method='dr'"
            raise ConfigError(message)
        check_params(self.get_params(deep=False))
        X, matrix = self._learn_matrix(X)
        target, side, known, codes = read_sides(X, y, treated)
        matrix = matrix[known]
        events = int(target[side == 1].sum()), int(target[side == 0].sum())
        if min(events) < _AT_LEAST:
            message = (
                f"events={events[0]} among the treated and {events[1]} among the others: at least {_AT_LEAST} of each"
            )
            raise NotEnoughDataError(message + " are needed; wait for later labels or draw more accounts")
        self.share_treated_ = float(side.mean())
        share = np.full(len(side), self.share_treated_)
        if self.propensity == "estimated":
            estimated = fit_propensity(matrix, side, codes, self._categories(), self.n_folds, self.random_state)
            # one over a share near 0 would let a single row decide
            share = np.clip(estimated, 0.05, 0.95)
        self.effect_ = self._effect(matrix, target, side, share, codes)
        return self

    def predict(self, X: Any) -> pd.Series:
        """Give the drop of the probability of churn that the play brings.

        Parameters
        ----------
        X : pandas.DataFrame
            Features, columns as in `fit`.

        Returns
        -------
        pandas.Series
            Named ``uplift``: positive, the play keeps; negative, it drives away (do not contact).
        """
        X = as_features(X)
        # the effect is on churn; an uplift is what the play keeps
        return pd.Series(-self.effect_(self.encode(X)), index=first_index(X), name="uplift")

    def _effect(
        self, matrix: np.ndarray, y: np.ndarray, side: np.ndarray, share: np.ndarray, groups: np.ndarray
    ) -> _Effect:
        """Learn what the play adds to the probability of churn."""
        if self.method == "dr":
            return _Effect([(1.0, self._dr(matrix, y, side, share, groups))])
        ours, others = side == 1, side == 0
        treated, other = (self._regressors(matrix[rows], y[rows]) for rows in (ours, others))
        if self.method == "t":
            return _Effect([(1.0, treated), (-1.0, other)])
        # what a row's own outcome says against the one that the other side expects of it
        on_treated = self._regressors(matrix[ours], y[ours] - _average(other, matrix[ours]))
        on_others = self._regressors(matrix[others], _average(treated, matrix[others]) - y[others])
        # each gap is weighed by the share of the other side, on which its expectation rests
        weight = float(side.mean())
        return _Effect([(1 - weight, on_treated), (weight, on_others)])

    def _dr(
        self, matrix: np.ndarray, y: np.ndarray, side: np.ndarray, share: np.ndarray, groups: np.ndarray
    ) -> list[Any]:
        treated, other = np.empty(len(y)), np.empty(len(y))
        # a row's outcome must not be in the model that says what to expect of it, nor its account's
        folds = GroupKFold(min(self.n_folds, len(np.unique(groups))), shuffle=True, random_state=self.random_state)
        for rest, part in folds.split(matrix, y, groups):
            for mean, value in ((treated, 1), (other, 0)):
                rows = rest[side[rest] == value]
                # regressions of 0 and 1 may leave the scale of probabilities
                mean[part] = np.clip(_average(self._regressors(matrix[rows], y[rows]), matrix[part]), 0, 1)
        own = np.where(side == 1, treated, other)
        # the doubly robust score: the difference expected, and the residual over the share of its side
        return self._regressors(matrix, treated - other + (side - share) / (share * (1 - share)) * (y - own))

    def _regressors(self, matrix: np.ndarray, y: np.ndarray) -> list[Any]:
        trees = regressor(**_TREES, random_state=self.random_state)
        line = make_pipeline(
            SimpleImputer(strategy="median", keep_empty_features=True),
            StandardScaler(),
            _Clipped(),
            # strong penalties only: effects are far fainter than risks
            RidgeCV(np.logspace(1, 5, 9)),
        )
        return [trees.fit(matrix, y), line.fit(matrix, y)]


@dataclass(frozen=True)
class _Effect:
    """A weighted sum of averages of models."""

    parts: list[tuple[float, list[Any]]]

    def __call__(self, matrix: np.ndarray) -> np.ndarray:
        return np.asarray(sum(weight * _average(models, matrix) for weight, models in self.parts))


class _Clipped(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Cut standardised values at three, so that no single account bends the line."""

    def fit(self, X: np.ndarray, y: object = None) -> Self:
        del X, y
        self.fitted_ = True
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        return np.asarray(np.clip(X, -3, 3))


def _average(models: list[Any], matrix: np.ndarray) -> np.ndarray:
    return np.asarray(np.mean([model.predict(matrix) for model in models], axis=0))
