"""What churn and expansion models have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from scipy.special import expit
from sklearn.base import ClassifierMixin

from csrisk._params import check_params
from csrisk.models._boosting._blend import BLEND_ROWS, Ensemble, kinds_of_trees, train_ensemble
from csrisk.models._boosting._members import direct_member, raw_margin
from csrisk.models._rows._frames import FrameReader, directions, seed_of
from csrisk.models._rows._sample import account_groups, read_sample, require_accounts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from csrisk.models._rows._canonical import Sample

__all__ = ["RiskClassifier"]


class RiskClassifier(ClassifierMixin, FrameReader):
    """Classifier of accounts at risk; `ChurnModel` and `ExpansionModel` say what its parameters mean."""

    _outcome = "events"

    def __init__(
        self,
        n_members: int = 5,
        *,
        learning_rate: float = 0.05,
        num_leaves: int = 15,
        blend: bool | Literal["auto"] = "auto",
        monotone: Mapping[str, int] | None = None,
        min_events: int | None = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_members = n_members
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.blend = blend
        self.monotone = monotone
        self.min_events = min_events
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any, *, groups: Any = None, sample_weight: Any = None) -> Self:
        """Fit the members, then the probabilities on rows that each member has not seen.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n, p)
            Features: numbers, booleans, strings or categories; NaN is "no evidence".
        y : array-like of shape (n,)
            True for the event, or 1 beside 0 or -1. Labels that do not say which of them is the event, as two words or
            1 and 2, are refused beside a frame: name it, as in ``y.map({"churned": True, "retained": False})``; beside
            a plain array they are warned of. Missing labels of a pandas object are left out. The rows of y are those
            of X, in the same order.
        groups : array-like, optional
            Account of each row; default is the index level ``account_id``, else rows with equal features belong
            together.
        sample_weight : array-like, optional
            Weights >= 0. A row of weight 0 is left out. Whole weights that sum to at most 20,000 are counts of rows; of
            others only the ratios matter.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter is out of range, X holds infinite values or unreadable columns, y is not binary, does not say
            which label is the event or has another index, or weights are negative.
        NotEnoughDataError
            If fewer accounts than `min_events` have an event, or are without one.

        Warns
        -----
        DataWarning
            If a column is text that holds numbers, an id, or a category that hardly repeats.
        """
        check_params(self.get_params(deep=False))
        X, matrix = self._learn_matrix(X, groups)
        sample, self.classes_, self.n_unlabelled_ = read_sample(
            X, matrix, y, groups=groups, sample_weight=sample_weight
        )
        self._require_events(sample, is_book=account_groups(X, groups) is not None)
        self.n_events_ = sample.n_accounts_with(1)
        self.linear_ = None
        trained = self._train(sample)
        self.boosters_, self.calibration_, self.shares_ = trained.boosters, trained.calibration, trained.shares
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Log-odds of the event, averaged over the members.

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
        """Turn margins into probabilities.

        The slope and intercept fitted on out-of-fold margins are already in the leaves of ``boosters_``, so the margin
        is the log-odds of the calibrated probability.

        Parameters
        ----------
        margin : array-like
            Margins.

        Returns
        -------
        ndarray
            Probabilities of the event, strictly increasing in the margin.
        """
        return np.asarray(expit(np.asarray(margin, dtype=np.float64)))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of both classes.

        Parameters
        ----------
        X : DataFrame or array-like
            Features.

        Returns
        -------
        ndarray of shape (n, 2)
            Columns in the order of ``classes_``; the second is the risk.
        """
        risk = self.calibrate(self.decision_function(X))
        return np.column_stack([1 - risk, risk])

    def predict(self, X: Any) -> np.ndarray:
        """Class whose probability is above one half.

        Parameters
        ----------
        X : DataFrame or array-like
            Features.

        Returns
        -------
        ndarray of shape (n,)
        """
        margin = self.decision_function(X)
        # at even odds the first class, as the largest of predict_proba gives it
        return np.asarray(self.classes_[(margin > 0).astype(int)])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def _require_events(self, sample: Sample, *, is_book: bool) -> None:
        for outcome, word in ((1, "with"), (0, "without")):
            what = f"{word} {self._outcome} in {len(sample)} labelled rows"
            require_accounts(sample.n_accounts_with(outcome), what, self.min_events, is_book=is_book)

    def _train(self, sample: Sample) -> Ensemble:
        params = self._member_params()
        # each fold needs accounts of both outcomes, or its member would be stopped by one class
        n_folds = min(self.n_members, sample.n_accounts_with(1), sample.n_accounts_with(0))
        # nothing is unseen that could calibrate, so the margins stay as they are
        if n_folds < 2:
            return Ensemble((direct_member(sample, params, self._categories()),), (1.0, 0.0), {"plain": 1.0})
        several = len(sample) <= BLEND_ROWS if self.blend == "auto" else bool(self.blend)
        return train_ensemble(sample, n_folds, kinds_of_trees(params, several=several), self._categories(), self.n_jobs)

    def _member_params(self) -> dict[str, Any]:
        params: dict[str, Any] = {"learning_rate": self.learning_rate, "num_leaves": self.num_leaves}
        params["seed"] = seed_of(self.random_state)
        if self.monotone:
            params["monotone_constraints"] = directions(self.columns_, self.monotone)
        return params
