"""Explanation: why each prediction differs from the reference, by goal and by feature."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from csrisk._explain import _altered
from csrisk._explain._answers import _plots, _shap, _shown, _steps, _tables
from csrisk._explain._answers._drivers import find_drivers
from csrisk._explain._answers._reasons import least_told, main_goals
from csrisk._goals import Goal
from csrisk.exceptions import ExplanationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from csrisk._explain._answers._measured import Game
    from csrisk.features import Feature

__all__ = ["Explanation"]

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Explanation(_altered.Alterable):
    """Why each prediction differs from the mean of its reference. Made by `csrisk.explain`.

    Every number is in `unit`: percentage points of the calibrated probability, log-odds, or amounts. For every snapshot
    ``reference + sum of goals = prediction``, and the features of a goal (with the rest) add up to the goal.

    Parameters
    ----------
    index : pd.Index
        Snapshots, as in the feature frame.
    output : {"probability", "log_odds", "amount"}
        Scale that is explained.
    goals_present : tuple of Goal
        Goals that have at least one feature in the model.
    contributions : ndarray of shape (n, K)
        Contribution of each goal.
    reference, prediction : ndarray of shape (n,)
        Mean of the reference and prediction.
    reference_words : str
        What is compared with, in words.
    background : _tables.Background
        Values, declarations and typical values for sentences.
    game : object
        The engine, for features and interactions.
    reference_kind : {"book", "segment", "best", "self"}
        Kind of the reference.
    asked : object, optional
        The model and its frames, for `what_if`.

    Attributes
    ----------
    unit : str
        ``"percentage points"``, ``"log-odds"`` or ``"amount"``.

    Notes
    -----
    Tables, all indexed like the feature frame (account_id, as_of):

    - `goals`: one column per goal present (``churn``, ``footprint``, ...), ``reference``, ``prediction``.
    - `features`: one row per snapshot and feature, columns ``goal, feature, points, value, typical, sentence``;
      strongest first; the last row of a goal may be ``feature="(rest)"``, the features not shown one by one.
    - `account`: the same for one snapshot, the goal that matters most first.
    - `to_frame`: one row per snapshot with the goals, the main one and the strongest reasons.

    Examples
    --------
    >>> import pandas as pd
    >>> from lightgbm import LGBMClassifier
    >>> from csrisk import explain
    >>> X = pd.DataFrame({"logins": range(60), "transfers": [0, 1, 2] * 20})
    >>> model = LGBMClassifier(n_estimators=5, verbose=-1).fit(X, X["logins"] + 9 * X["transfers"] > 40)
    >>> why = explain(model, X[:2], reference=X, declarations={"logins": "footprint", "transfers": "churn"})
    >>> why.unit
    'percentage points'
    >>> list(why.account(0)["feature"])
    ['logins', 'transfers']
    """

    index: pd.Index
    output: str
    goals_present: tuple[Goal, ...]
    contributions: Matrix
    reference: Matrix
    prediction: Matrix
    reference_words: str
    background: _tables.Background = field(repr=False)
    game: Game = field(repr=False)
    reference_kind: str = "book"
    asked: _altered.Asked | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.index)

    def __repr__(self) -> str:
        return _shown.explanation_words(self)

    def _repr_html_(self) -> str:
        """Show the highest predictions with their parts in a notebook."""
        return _shown.explanation_html(self)

    @property
    def unit(self) -> str:
        """Unit of every number."""
        return {"probability": "percentage points", "log_odds": "log-odds"}.get(self.output, "amount")

    @property
    def declarations(self) -> tuple[Feature, ...]:
        """Declarations of the features, in the order of the model."""
        return self.background.declarations

    def goals(self) -> pd.DataFrame:
        """Contribution of each goal.

        Returns
        -------
        pd.DataFrame
            One column per goal present, then ``reference`` and ``prediction``; the goals and the reference add up to
            the prediction.
        """
        table = pd.DataFrame(self.contributions, index=self.index, columns=[str(goal) for goal in self.goals_present])
        return table.assign(reference=self.reference, prediction=self.prediction)

    def measured(self) -> pd.DataFrame:
        """Say whether anything is known of each goal of each account.

        Returns
        -------
        pd.DataFrame
            One boolean column per goal present. A goal of which nothing is known carries 0; what the model makes of the
            silence is part of context, as it says what kind of account it is and not what happened to it.
        """
        return pd.DataFrame(~self.game.silent, index=self.index, columns=[str(goal) for goal in self.goals_present])

    @cached_property
    def silence(self) -> Matrix:
        """Part of context that comes from goals of which nothing is known, for each row."""
        return np.asarray(self._scale * self.game.moved())

    def interactions(self) -> pd.DataFrame:
        """Split the contribution of each goal into its own effect and what it does together with each other goal.

        Returns
        -------
        pd.DataFrame
            Columns ``(goal, with)``; those of one goal add up to its contribution. ``(a, b)`` and ``(b, a)`` are each
            half of the Shapley interaction index of the pair (Grabisch and Roubens 1999), ``(a, a)`` is what remains,
            as in shap's interaction values.
        """
        return _tables.interaction_table(self, self._scale * self.game.interactions())

    def without(self) -> pd.DataFrame:
        """Say how the prediction would change if one goal alone looked like the reference.

        Returns
        -------
        pd.DataFrame
            One column per goal: prediction minus the mean prediction with the features of this goal taken from the
            reference. Unlike contributions these do not add up: what two goals do together counts for both.
        """
        values = self._scale * self.game.without()
        return pd.DataFrame(values, index=self.index, columns=[str(goal) for goal in self.goals_present])

    def features(self, goal: Goal | str | None = None) -> pd.DataFrame:
        """Contribution of each feature, under its goal.

        Parameters
        ----------
        goal : Goal or str, optional
            One goal only; default all.

        Returns
        -------
        pd.DataFrame
            Columns ``goal, feature, points, value, typical, sentence``; per snapshot the goals in their order and the
            strongest feature of each first. The points of a goal add up to its contribution.

        Raises
        ------
        ExplanationError
            If the goal has no feature in the model.
        """
        wanted = self.goals_present if goal is None else (self._known(goal),)
        points, rest = self._all_features
        return _tables.features_of(self, np.arange(len(self)), points, rest, wanted)

    def account(self, account_id: Any, as_of: Any = None) -> pd.DataFrame:
        """Everything about one account: what moves its risk, with sentences.

        Parameters
        ----------
        account_id : label
            Account.
        as_of : date, optional
            Which snapshot; default the latest.

        Returns
        -------
        pd.DataFrame
            As `features`, for one snapshot; goals and features with the largest contribution first.

        Raises
        ------
        ExplanationError
            If there is no such snapshot.
        """
        row = np.array([self.position(account_id, as_of)])
        points, rest = self.feature_game(row)
        order = np.argsort(-np.abs(self.contributions[row[0]]), kind="stable")
        return _tables.features_of(self, row, points, rest, tuple(self.goals_present[k] for k in order))

    def position(self, account_id: Any, as_of: Any = None) -> int:
        """Row position of an account, by default at its latest snapshot."""
        return _tables.row_of(self.index, account_id, as_of)

    def to_frame(self, n_reasons: int = 3) -> pd.DataFrame:
        """One row per snapshot, for a CRM or a warehouse.

        Parameters
        ----------
        n_reasons : int, default 3
            How many of the features that raise the prediction most to add as ``reason_1``, ``reason_1_points``, ...

        Returns
        -------
        pd.DataFrame
            `goals`, ``main_goal`` and the reasons. Attributes (context), features without a value and what would be
            printed as 0.0 points are no reasons; a row with fewer reasons has missing values.
        """
        goals, reasons = self.goals(), self.reasons(np.arange(len(self)), n_reasons)
        main = pd.Series(self.main_goals, index=goals.index, dtype="str")
        names = [f"reason_{rank}{part}" for rank in range(1, n_reasons + 1) for part in ("", "_points")]
        return goals.assign(main_goal=main, **{name: reasons[name].to_numpy() for name in names})

    @property
    def main_goals(self) -> NDArray[np.object_]:
        """Goal that raises each prediction most; None where nothing raises it by what is printed."""
        return main_goals(self.goals()[[str(goal) for goal in self.goals_present]], self._least)

    def drivers(self) -> pd.DataFrame:
        """Say which goal drives each account, how sure that is, and why none can be named where none can.

        Returns
        -------
        pd.DataFrame
            ``goal`` that raises the risk most (as ``main_goal``; missing where it serves no goal), ``probability`` that
            it is the true first one, ``named``: is that enough to name it, and ``why_not``. The probability is that of
            worlds with known truth, for churn; see the documentation of exact attribution.

        Raises
        ------
        ExplanationError
            If amounts are explained.
        """
        return self._drivers.copy()  # what is kept is shared: a user may write into the table

    @cached_property
    def _drivers(self) -> pd.DataFrame:
        return find_drivers(self)  # scores, cards and JSON ask for the same

    def reasons(self, rows: NDArray[np.intp], n_reasons: int = 3, points: Matrix | None = None) -> pd.DataFrame:
        """Say which features raise the predictions of some rows most, as scores, command line and report print it.

        Parameters
        ----------
        rows : ndarray of int
            Row positions.
        n_reasons : int, default 3
            Most reasons of a row.
        points : ndarray, optional
            Contributions of these rows as `feature_game` gives them, where they are known already.

        Returns
        -------
        pd.DataFrame
            One row per position; for each rank ``reason_1`` (sentence), ``reason_1_feature``, ``reason_1_points``.
        """
        points = self.feature_game(rows)[0] if points is None else points
        return _tables.reason_table(self.background, rows, points, n_reasons, self._least)

    @property
    def _least(self) -> float:
        """Contribution below which nothing is said to raise a prediction."""
        return least_told(self.output, self.prediction)

    def to_shap(self, level: Literal["goal", "feature"] = "goal") -> Any:
        """Hand over to shap's plots.

        Parameters
        ----------
        level : {"goal", "feature"}, default "goal"
            What the columns are. Features without a number of their own are summed by goal as ``rest of <goal>``.

        Returns
        -------
        shap.Explanation
            ``base_values`` is the mean of the reference; values and base add up to the prediction.

        Raises
        ------
        ExplanationError
            If `level` is neither.
        """
        return _shap.to_shap(self, level)

    def steps(self, account_id: Any, as_of: Any = None, *, goal: Goal | str | None = None) -> pd.DataFrame:
        """List the steps from the mean of the reference to the prediction of one account, as `plot_account` draws them.

        Parameters
        ----------
        account_id : label
            Account.
        as_of : date, optional
            Which snapshot; default the latest.
        goal : Goal or str, optional
            Open one goal: its features instead of one step.

        Returns
        -------
        pd.DataFrame
            Columns ``label, goal, start, points, shown``; ``shown`` is rounded so that the printed numbers add up.

        Raises
        ------
        ExplanationError
            If there is no such snapshot or goal.
        """
        opened = None if goal is None else self._known(goal)
        return _steps.account_steps(self, self.position(account_id, as_of), opened)

    def plot_account(
        self, account_id: Any, as_of: Any = None, *, goal: Goal | str | None = None, ax: Any = None
    ) -> Any:
        """Draw one account: from the mean of the reference, goal by goal, to the prediction.

        Parameters
        ----------
        account_id : label
            Account.
        as_of : date, optional
            Which snapshot; default the latest.
        goal : Goal or str, optional
            Open one goal: its features instead of one bar.
        ax : matplotlib.axes.Axes, optional
            Where to draw; default a new figure.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        ExplanationError
            If there is no such snapshot or goal.
        """
        steps = self.steps(account_id, as_of, goal=goal)
        return _plots.waterfall(steps, self.position(account_id, as_of), self, ax)

    def plot_goals(
        self,
        kind: Literal["bars", "beeswarm"] = "beeswarm",
        *,
        most: int = 25,
        accounts: Sequence[Any] | None = None,
        ax: Any = None,
    ) -> Any:
        """Draw the book: contributions of the goals, account by account or as a swarm.

        Parameters
        ----------
        kind : {"bars", "beeswarm"}, default "beeswarm"
            One stacked bar per account, highest prediction first; or one dot per snapshot and goal.
        most : int, default 25
            Most accounts to show as bars.
        accounts : sequence of labels, optional
            These alone, each by its latest snapshot, as bars in this order.
        ax : matplotlib.axes.Axes, optional
            Where to draw; default a new figure.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        ExplanationError
            If `kind` is neither, or there is no such account.
        """
        return _plots.book(self, kind, most, accounts, ax)

    def to_json(self) -> str:
        """Everything as JSON: unit, reference, and per snapshot its goals and features."""
        # allow_nan: NaN is not JSON, and a reader elsewhere would fail instead of this line
        return json.dumps(_tables.as_plain(self), allow_nan=False)

    def _known(self, goal: Goal | str) -> Goal:
        if goal not in [str(present) for present in self.goals_present]:
            message = f"goal={str(goal)!r}: the model has features of {[str(g) for g in self.goals_present]} only"
            raise ExplanationError(message)
        return Goal(goal)

    def feature_game(self, rows: NDArray[np.intp]) -> tuple[Matrix, Matrix]:
        """Contributions of features as plain arrays, for programs.

        Parameters
        ----------
        rows : ndarray of int
            Row positions.

        Returns
        -------
        points : ndarray of shape (rows, features)
            In the order of `declarations`; NaN where a feature belongs to the rest of its goal.
        rest : ndarray of shape (rows, goals)
            Contribution of the rest of each goal.
        """
        # the dear part is kept once it is known for all
        if "_all_features" in vars(self) or np.array_equal(rows, np.arange(len(self))):
            points, rest = self._all_features
            return points[rows], rest[rows]
        return self._played(rows)

    def opened_game(self, rows: NDArray[np.intp]) -> tuple[Matrix, Matrix]:
        """Contributions of features, those of the rest too until the named ones carry 80 % of each goal.

        What `feature_game` gives stays as it is: the rest alone is split further. It costs about as much again for 25
        rows as `feature_game` for 300.

        Parameters
        ----------
        rows : ndarray of int
            Row positions.

        Returns
        -------
        points, rest : ndarray
            As `feature_game`.
        """
        return self._played(rows, opened=True)

    def _played(self, rows: NDArray[np.intp], *, opened: bool = False) -> tuple[Matrix, Matrix]:
        points, rest = self.game.features(rows, opened=opened)
        return self._scale * points, self._scale * rest

    @property
    def _scale(self) -> float:
        return 100.0 if self.output == "probability" else 1.0

    @cached_property
    def _all_features(self) -> tuple[Matrix, Matrix]:
        return self._played(np.arange(len(self)))
