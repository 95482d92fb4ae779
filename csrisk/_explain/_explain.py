"""explain: contributions by goal for every snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from csrisk._explain._direct import coalition_values
from csrisk._explain._explanation import Explanation
from csrisk._explain._game import shapley_map
from csrisk._explain._goals_of import Declarations, declarations_of, players_of
from csrisk._explain._subject import Subject, subject_of
from csrisk._explain._tables import Background, typical_values
from csrisk.exceptions import ExplanationError

__all__ = ["explain"]

Matrix = NDArray[np.float64]


def explain(
    model: Any,
    X: pd.DataFrame,
    *,
    reference: pd.DataFrame,
    output: Literal["probability", "log_odds"] = "probability",
    declarations: Declarations = None,
    n_reference: int = 100,
    random_state: int | None = 0,
) -> Explanation:
    """Split each prediction over the goals of customer success, exactly.

    The game behind it: ``v(S)`` is the mean prediction when the features of the goals in S are those of the account and
    the others those of the reference snapshots, averaged over the reference. Contributions are its Shapley values.

    Parameters
    ----------
    model : object
        A fitted `ChurnModel` or `ExpansionModel`, or a LightGBM model.
    X : pd.DataFrame
        Features of the snapshots to explain.
    reference : pd.DataFrame
        Features of the snapshots to compare with, for example those of the training period.
    output : {"probability", "log_odds"}, default "probability"
        Scale that is explained; probabilities are reported in percentage points.
    declarations : iterable of Feature or mapping from column to goal, optional
        Goal of each column; default the declarations of the builders of csrisk.
    n_reference : int, default 100
        How many rows of the reference stand for it on the probability scale.
    random_state : int, default 0
        Seed of that choice.

    Returns
    -------
    Explanation

    Raises
    ------
    ExplanationError
        If the model is not recognised, a column has no goal, or a frame is empty.

    Examples
    --------
    >>> import pandas as pd
    >>> from lightgbm import LGBMClassifier
    >>> from csrisk import explain
    >>> X = pd.DataFrame({"logins": range(60), "transfers": [0, 1, 2] * 20})
    >>> model = LGBMClassifier(n_estimators=5, verbose=-1).fit(X, X["logins"] + 9 * X["transfers"] > 40)
    >>> goals = {"logins": "footprint", "transfers": "churn"}
    >>> table = explain(model, X[:2], reference=X, declarations=goals).goals()
    >>> list(table.columns)
    ['churn', 'footprint', 'reference', 'prediction']
    >>> bool(abs(table[["churn", "footprint", "reference"]].sum(axis=1) - table["prediction"]).max() < 1e-9)
    True
    """
    subject = subject_of(model)
    if not len(X) or not len(reference):
        raise ExplanationError(f"X has {len(X)} rows and reference {len(reference)}: both need at least one")
    declared = declarations_of(subject.names, declarations)
    players = players_of(declared)
    chosen = _choose(reference, n_reference, random_state)
    rows, background = subject.encode(X), subject.encode(chosen)
    values = coalition_values(subject.on(output), rows, background, list(players.values()))
    scale = 100.0 if output == "probability" else 1.0
    names = list(subject.names)
    return Explanation(
        index=X.index,
        output=output,
        goals_present=tuple(players),
        contributions=scale * values @ shapley_map(len(players)).T,
        reference=scale * values[:, 0],
        prediction=scale * values[:, -1],
        reference_words=f"{len(chosen):,} snapshots that stand for the {len(reference):,} of the reference",
        background=Background(
            declared, X[names], pd.DataFrame([typical_values(reference[names])]), np.zeros(len(X), dtype=np.intp)
        ),
        feature_game=_ProportionalFeatures(
            subject, rows, background, tuple(players.values()), scale * values @ shapley_map(len(players)).T
        ),
    )


def _choose(reference: pd.DataFrame, n_reference: int, random_state: int | None) -> pd.DataFrame:
    if len(reference) <= n_reference:
        return reference
    chosen = np.random.default_rng(random_state).choice(len(reference), n_reference, replace=False)
    return reference.iloc[np.sort(chosen)]


@dataclass(frozen=True, eq=False)
class _ProportionalFeatures:
    """Features inside a goal by one-at-a-time replacement, scaled to the goal. To be replaced by Owen values."""

    subject: Subject
    rows: Matrix
    reference: Matrix
    players: tuple[NDArray[np.intp], ...]
    contributions: Matrix

    def __call__(self, chosen: NDArray[np.intp]) -> tuple[Matrix, Matrix]:
        part = self.rows[chosen]
        typical = np.nanmedian(self.reference, axis=0)
        base = self.subject.margin(part)
        effect = np.empty(part.shape)
        for j in range(part.shape[1]):
            changed = part.copy()
            changed[:, j] = typical[j]
            effect[:, j] = base - self.subject.margin(changed)
        points = np.zeros(part.shape)
        for k, columns in enumerate(self.players):
            goal = self.contributions[chosen, k]
            own = np.abs(effect[:, columns]) + 1e-12
            points[:, columns] = goal[:, None] * own / own.sum(axis=1, keepdims=True)
        return points, np.zeros((len(chosen), len(self.players)))
