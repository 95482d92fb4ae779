"""Amounts: how much a snapshot is expected to grow or shrink by."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_consistent_length, column_or_1d

from csrisk._machine import product
from csrisk._params import check_params
from csrisk.models._boosting._lightgbm import rescaled
from csrisk.models._boosting._members import assign_folds, direct_member, fold_members, raw_margin
from csrisk.models._rows._align import align, first_index, floats
from csrisk.models._rows._canonical import Sample, canonical_sample
from csrisk.models._rows._frames import FrameReader, seed_of
from csrisk.models._rows._sample import account_groups, read_weight, require_accounts

if TYPE_CHECKING:
    from csrisk.models._boosting._lightgbm import Booster

__all__ = ["AmountModel"]


class AmountModel(RegressorMixin, FrameReader):
    """Expected amount, where most rows have none: added revenue, lost seats, bought value.

    Boosted trees with the Tweedie deviance, which is at home with many zeros and a long tail, trained and stopped early
    over folds of accounts as `ChurnModel` is. Their margins are averaged, and one factor makes the out-of-fold sum
    that of the amounts: trees stopped early tell too little of the rare and large.

    Parameters
    ----------
    n_members : int, default 5
        Folds of accounts, and so members. Fewer where fewer accounts have an amount.
    learning_rate : float, default 0.05
        Shrinkage of each tree.
    num_leaves : int, default 15
        Leaves of a tree.
    power : float, default 1.1
        Variance power of the Tweedie deviance, between 1 (counts) and 2 (sizes).
    min_events : int, optional
        Fewest accounts with an amount above 0 that are accepted. Default: 10 where rows belong to accounts, 1 else.
    n_jobs : int, optional
        Members trained at the same time, and threads of prediction. None is 1.
    random_state : int or RandomState, optional
        Seed. None is one fixed seed.

    Attributes
    ----------
    boosters_ : tuple of lightgbm.Booster
        Members; the mean of their raw scores is the logarithm of the expected amount.
    bias_ : float
        Factor that was put into the leaves: sum of the amounts over the sum of out-of-fold predictions.
    n_events_, n_unlabelled_ : int
        Accounts with an amount, and rows left out for want of one.
    columns_, n_features_in_, feature_names_in_
        As in `ChurnModel`.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from csrisk.models import AmountModel
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"seat_utilisation_30d": rng.random(400)})
    >>> added = np.where(rng.random(400) < X["seat_utilisation_30d"] ** 2, rng.gamma(2.0, 100.0, 400), 0.0)
    >>> model = AmountModel(random_state=0).fit(X, added)
    >>> bool(abs(model.predict(X).sum() / added.sum() - 1) < 0.1)
    True
    """

    boosters_: tuple[Booster, ...]

    def __init__(
        self,
        n_members: int = 5,
        *,
        learning_rate: float = 0.05,
        num_leaves: int = 15,
        power: float = 1.1,
        min_events: int | None = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_members = n_members
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.power = power
        self.min_events = min_events
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any, *, groups: Any = None, sample_weight: Any = None) -> Self:
        """Fit the members, then the factor on rows that each member has not seen.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n, p)
            Features, as for `ChurnModel`.
        y : array-like of shape (n,)
            Amounts >= 0. Missing amounts of a pandas object are left out.
        groups, sample_weight
            As for `ChurnModel`.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If an amount is negative or infinite, y has another index than X, or X cannot be read.
        NotEnoughDataError
            If fewer accounts than `min_events` have an amount above 0.
        """
        check_params(self.get_params(deep=False))
        X, matrix = self._learn_matrix(X, groups)
        amount, labelled = _read_amounts(y, X)
        check_consistent_length(matrix, amount)
        weight, group = read_weight(sample_weight, X, len(amount)), account_groups(X, groups)
        # a row of weight 0 teaches nothing, but would count as an account and could make up a fold
        used = np.flatnonzero(labelled & (weight > 0))
        unit = _unit(amount[used], weight[used])
        # in single precision, as LightGBM holds it: the same amounts in cents are then the same to the last bit
        share = (amount[used] / unit).astype(np.float32).astype(np.float64)
        sample = canonical_sample(matrix[used], share, weight[used], None if group is None else group[used])
        self.n_unlabelled_ = int((~labelled).sum())
        # accounts and not rows: folds are dealt by account, and rows of one account are no evidence of their own
        self.n_events_ = len(np.unique(sample.group[sample.target > 0]))
        require_accounts(self.n_events_, "have an amount above 0", self.min_events, is_book=group is not None)
        # the checks of scikit-learn want a single row refused in the words "1 sample"
        if len(sample) < 2:
            raise ValueError("y has an amount in 1 sample alone; a model needs two or more")
        self._train(sample, unit)
        return self

    def margin(self, X: Any) -> np.ndarray:
        """Compute the logarithm of the expected amount.

        Parameters
        ----------
        X : DataFrame or array-like
            Features.

        Returns
        -------
        ndarray of shape (n,)
        """
        matrix = self.encode(X)
        return raw_margin(self.boosters_, matrix, self.n_jobs)

    def calibrate(self, margin: Any) -> np.ndarray:
        """Turn margins into expected amounts.

        Parameters
        ----------
        margin : array-like
            Margins.

        Returns
        -------
        ndarray
        """
        return np.asarray(np.exp(np.asarray(margin, dtype=np.float64)))

    def predict(self, X: Any) -> np.ndarray:
        """Predict the expected amount.

        Parameters
        ----------
        X : DataFrame or array-like
            Features.

        Returns
        -------
        ndarray of shape (n,)
        """
        return self.calibrate(self.margin(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # makes the checks of scikit-learn hand over targets above 0, as negative amounts are refused
        tags.target_tags.positive_only = True
        return tags

    def _train(self, sample: Sample, unit: float) -> None:
        seed = seed_of(self.random_state)
        params = {
            "objective": "tweedie",
            "metric": "tweedie",
            "tweedie_variance_power": self.power,
            "learning_rate": self.learning_rate,
            "num_leaves": self.num_leaves,
            "seed": seed,
        }
        # no fold without an amount: its member would have nothing to be stopped by
        n_folds = min(self.n_members, self.n_events_, int(sample.group.max()) + 1)
        # trees that have seen every row tell nothing of how far they are off, so the factor is 1
        if n_folds < 2:
            member = direct_member(sample, params, self._categories())
            self.boosters_, self.bias_ = (rescaled(member, 1.0, math.log(unit)),), 1.0
            return
        fold = assign_folds(sample, n_folds, seed)
        ((members, margin),) = fold_members(sample, fold, [params], self._categories(), self.n_jobs)
        self.bias_ = float(product(sample.weight, sample.target) / product(sample.weight, np.exp(margin)))
        # margins are averaged, so each member carries the whole logarithm of the factor
        own = math.log(self.bias_) + math.log(unit)
        self.boosters_ = tuple(rescaled(member, 1.0, own) for member in members)


def _unit(amount: np.ndarray, weight: np.ndarray) -> float:
    """Mean amount: learned in it, a model is the same whatever the currency or its cents.

    Folds are dealt by the content of rows, and LightGBM asks a leaf for a sum of second derivatives that grows with the
    amounts; both would change with the unit.
    """
    # exact sums: the order of rows changes no bit
    mean = math.fsum(weight / math.fsum(weight) * amount)
    return mean if mean > 0 else 1.0


def _read_amounts(y: Any, X: Any) -> tuple[np.ndarray, np.ndarray]:
    if y is None:
        raise ValueError("the model requires y to be passed, but the target y is None")
    y = align(y, first_index(X), "y", "X", reorder=False)
    if isinstance(y, pd.DataFrame) and y.shape[1] == 1:
        y = y.iloc[:, 0]
    if isinstance(y, pd.Series):
        labelled = y.notna().to_numpy()
        # filling missing values of an object column makes pandas guess another type for it, with a warning
        amount = floats(y.where(y.notna(), 0.0) if y.dtype == object else y.fillna(0), "y")
    else:
        amount = floats(column_or_1d(y, warn=True), "y")
        # NaN of an array may be a fault of reckoning as well as a missing amount, so it is refused below
        labelled = np.ones(len(amount), dtype=bool)
    if np.isnan(amount).any() or np.isinf(amount).any():
        raise ValueError("Input y contains NaN or infinity; leave missing amounts as pd.NA in a pandas object")
    if (amount < 0).any():
        raise ValueError(f"y: {int((amount < 0).sum())} of {len(amount)} amounts are negative; model losses as amounts")
    if not labelled.any():
        raise ValueError(f"y: none of {len(amount)} rows has an amount")
    return amount, labelled
