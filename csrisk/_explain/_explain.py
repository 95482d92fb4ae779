"""explain: contributions by goal for every snapshot."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from csrisk._deprecated import require_none_left, warn_of_name
from csrisk._explain._adapters._codes import coded
from csrisk._explain._adapters._frames import as_frame
from csrisk._explain._adapters._own import require_ends, require_own
from csrisk._explain._adapters._subject import Subject, subject_of
from csrisk._explain._altered import Asked
from csrisk._explain._answers._goals_of import Declarations, declarations_of, players_of
from csrisk._explain._answers._measured import Engine, measured_game
from csrisk._explain._answers._tables import Background, typical_values
from csrisk._explain._explanation import Explanation
from csrisk._explain._games._blocks import n_threads
from csrisk._explain._games._context_first import ContextFirst, column_of
from csrisk._explain._games._direct_engine import DirectEngine
from csrisk._explain._games._game import shapley_map
from csrisk._explain._games._link_game import Side
from csrisk._explain._games._margin_game import MarginGame
from csrisk._explain._games._tree_engine import Effort, TreeEngine
from csrisk._explain._herding import herd
from csrisk._explain._reference import Comparison, Reference
from csrisk._goals import Goal
from csrisk._text import number
from csrisk.exceptions import ExplanationError
from csrisk.features import attached
from csrisk.models._rows import hash_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from csrisk._explain._adapters._prepared import Prepared

    Matrix = NDArray[np.float64]

__all__ = ["explain"]

_COMPARED = 32  # rows that the members themselves predict as well, as they may add up in a way of their own
_HERDED_FROM = 5_000  # herding looks at a sample of so many of larger references: every step scores all of them


def explain(
    model: Any,
    X: Any,
    *,
    reference: Any = None,
    output: Literal["probability", "log_odds", "amount"] = "probability",
    declarations: Declarations = None,
    n_reference: int = 100,
    n_strongest: int = 3,
    n_jobs: int | None = None,
    **others: Any,
) -> Explanation:
    """Split each prediction over the goals of customer success, exactly.

    The game behind it: ``v(S)`` is the mean prediction when the features of the goals in S are those of the account and
    the others those of the reference snapshots, averaged over the reference. Contributions are its Shapley values;
    those of features are Owen values, so features add up to their goal and goals to the prediction.

    Parameters
    ----------
    model : object
        A fitted `ChurnModel` or `ExpansionModel`, a LightGBM model, or any estimator with ``predict_proba`` or
        ``predict`` (slower: every coalition is predicted).
    X : DataFrame
        Features of the snapshots to explain: a frame of pandas, Polars, Arrow or another library.
    reference : DataFrame or Reference, optional
        What to compare with. A frame, for example the training snapshots, is taken as ``Reference.book``; None compares
        the rows of X with each other.
    output : {"probability", "log_odds", "amount"}, default "probability"
        Scale that is explained: the calibrated probability, reported in percentage points; the margin that the trees
        add up in; or the predicted amount of an `AmountModel` or another regressor.
    declarations : iterable of Feature or mapping from column to goal, optional
        Goal of each column, beside and before the declarations that travel with X and the reference, and those of the
        builders of csrisk.
    n_reference : int, default 100
        On the probability scale, how many rows stand for the reference. They are chosen by kernel herding on the
        contributions of goals to the log-odds, which halves the error of random ones. On log-odds all rows are used.
    n_strongest : int, default 3
        On the probability scale, how many features of each goal get a number of their own; the others are one sum.
    n_jobs : int, optional
        Threads; None is 1.
    **others
        ``random_state``, the seed of the herding, as earlier releases took it; deprecated, a field of `Reference`.

    Returns
    -------
    Explanation

    Raises
    ------
    ExplanationError
        If the model is not recognised, its labels do not say which is the event, a column has no goal, a frame is
        empty, or a model of another library predicts something else for the original frames than what is explained.

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
    _require(output, n_reference, n_strongest)
    X = as_frame(X, "X")
    if not len(X):
        raise ExplanationError("X has 0 rows, at least one is needed; see how the snapshots are selected")
    frame = X if reference is None else reference
    against = frame if isinstance(frame, Reference) else Reference.book(frame)
    if "random_state" in others:
        warn_of_name("explain(random_state=...)", "reference=Reference.book(X, random_state=...), of csrisk")
        against = replace(against, random_state=others.pop("random_state"))
    require_none_left("explain", others)
    subject = subject_of(model, X, against.frame)
    # of two declarations of a name the later wins: that of X
    travelling = (*attached(against.frame), *attached(X))
    declared = declarations_of(subject.names, declarations, travelling)
    players = players_of(declared)
    column = column_of(str(against.by), declared) if against.first else None
    goal_of_feature = np.empty(len(declared), dtype=np.int64)
    for which, columns in enumerate(players.values()):
        goal_of_feature[columns] = which
    comparisons = against.comparisons(X)
    known = subject.prepared()
    rows, other = subject.encode(X), subject.encode(against.frame)
    require_own(subject, X, rows, "X")
    chosen = comparisons
    # on the margin a reference of any size enters by counts, so that nothing need be chosen
    if subject.link_for(output) is not None or known is None:
        seed = (n_reference, against.random_state)
        chosen = [_herded(c, subject, known, goal_of_feature, other, seed) for c in comparisons]
    # rows that were not chosen play no part, and the model need not predict them again
    used = np.unique(np.concatenate([comparison.reference for comparison in chosen]))
    require_own(subject, against.frame.iloc[used], other[used], "the reference")
    if known is None:
        engine: DirectEngine | TreeEngine = DirectEngine(
            subject.on(output), goal_of_feature, rows, other, tuple(chosen), n_strongest
        )
    else:
        effort = Effort(n_strongest, n_threads(n_jobs))
        engine = _tree_engine(subject, known, output, goal_of_feature, rows, other, tuple(chosen), effort)
    require_ends(subject, output, rows, other, chosen, engine.ends)
    asked = Asked(model, X, against.frame, output, declared)
    none, everyone = engine.ends
    played: Engine = engine
    if column is not None:
        # the base is the whole book, not the rows that were chosen from it
        book = np.full(len(X), subject.on(output)(other).mean())
        played, none = ContextFirst(engine, list(players).index(Goal.CONTEXT), column, none - book, len(players)), book
    return _explanation((played, none, everyone), asked, against, (comparisons, chosen), players, subject)


def _require(output: str, n_reference: int, n_strongest: int) -> None:
    if output not in ("probability", "log_odds", "amount"):
        raise ExplanationError(f"output={output!r} must be 'probability', 'log_odds' or 'amount'")
    whole = all(isinstance(count, int | np.integer) for count in (n_reference, n_strongest))
    # 8: each feature with a number of its own doubles the coalitions of its goal
    if not whole or n_reference < 1 or not 0 <= n_strongest <= 8:
        message = (
            f"n_reference={n_reference!r} must be a whole number of at least 1, n_strongest={n_strongest!r} one "
            "between 0 and 8"
        )
        raise ExplanationError(message)


def _herded(
    comparison: Comparison,
    subject: Subject,
    known: Prepared | None,
    goal_of_feature: NDArray[np.int64],
    other: Matrix,
    seed: tuple[int, int | None],
) -> Comparison:
    """Replace a large reference by few rows that stand for it."""
    if comparison.paired or len(comparison.reference) <= seed[0]:
        return comparison
    reference = comparison.reference

    def chosen() -> NDArray[np.intp]:
        # by content: which rows stand for the reference, and so every contribution, must not hang on their order
        order = np.argsort(hash_rows(other[reference]), kind="stable")
        if len(order) > _HERDED_FROM:
            rng = np.random.default_rng(seed[1])
            order = order[np.sort(rng.choice(len(order), _HERDED_FROM, replace=False))]
        looked_at = other[reference[order]]
        if known is None:
            # without trees the contributions of goals would cost 2^K predictions for each pair of rows
            points = subject.margin(looked_at)[:, None]
        else:
            codes = coded(known.forest, looked_at)
            n_goals = int(goal_of_feature.max()) + 1
            # rows that stand for the goals have half the error of random ones, see docs/attribution.md
            game = MarginGame.against(known.forest, goal_of_feature, n_goals, codes)
            points = game.apply(codes, shapley_map(n_goals))
        return np.asarray(order[herd(points, seed[0], seed[1])])

    # without a seed another choice is asked for each time
    if known is None or seed[1] is None:
        return Comparison(comparison.rows, reference[chosen()])
    # all that the choice depends on beside the trees
    about = (other[reference], goal_of_feature, repr(seed).encode())
    return Comparison(comparison.rows, reference[known.kept.get("herded", about, chosen)])


def _tree_engine(
    subject: Subject,
    known: Prepared,
    output: str,
    goal_of_feature: NDArray[np.int64],
    rows: Matrix,
    other: Matrix,
    comparisons: tuple[Comparison, ...],
    effort: Effort,
) -> TreeEngine:
    linear = subject.linear

    def side(matrix: Matrix) -> Side:
        terms = None if linear is None else linear.terms(matrix)
        codes = coded(known.forest, matrix)
        return Side(codes, terms, _margin(subject, known, matrix, codes))

    return TreeEngine(
        forest=known.forest,
        link=subject.link_for(output),
        intercept=0.0 if linear is None else float(linear.intercept),
        goal_of_feature=goal_of_feature,
        rows=side(rows),
        reference=known.kept.get("reference", (other,), lambda: side(other)),
        comparisons=comparisons,
        effort=effort,
        kept=known.kept,
    )


def _margin(subject: Subject, known: Prepared, matrix: Matrix, codes: NDArray[Any]) -> Matrix:
    """Margins that the model itself gives, to the bit, from the codes where that is faster."""
    means = known.member_means(codes)
    if means is not None:
        found, few = subject.margin(matrix, means), slice(_COMPARED)
        if np.array_equal(found[few], subject.margin(matrix[few])):
            return found
    return subject.margin(matrix)


def _explanation(
    told: tuple[Engine, Matrix, Matrix],
    asked: Asked,
    against: Reference,
    comparisons: tuple[list[Comparison], list[Comparison]],
    players: Any,
    subject: Subject,
) -> Explanation:
    X, declared, output = asked.X, asked.declarations, asked.output
    scale = 100.0 if output == "probability" else 1.0
    names, labels = list(subject.names), list(subject.labels)
    # labels may be anything that names a column, names are text
    frame, values = (each[labels].set_axis(names, axis=1) for each in (against.frame, X))
    comparison_of = np.empty(len(X), dtype=np.intp)
    if comparisons[0][0].paired:
        typical = frame.iloc[comparisons[0][0].reference].reset_index(drop=True)
        comparison_of[:] = np.arange(len(X))
    else:
        # typical of the whole reference, not of the rows chosen to stand for it
        typical = pd.DataFrame([typical_values(frame.iloc[c.reference]) for c in comparisons[0]], columns=names)
        for which, comparison in enumerate(comparisons[0]):
            comparison_of[comparison.rows] = which
    if against.first:  # within a segment every account has the same: it is held against the book
        typical[str(against.by)] = typical_values(frame[[str(against.by)]])[str(against.by)]
    engine, none, everyone = told
    words = against.words
    if not comparisons[0][0].paired and any(
        len(a.reference) != len(b.reference) for a, b in zip(*comparisons, strict=True)
    ):
        used = max(len(c.reference) for c in comparisons[1])
        words += (
            f", represented by {number(used, 0)} of them"
            if len(comparisons[0]) == 1
            else f", by up to {number(used, 0)} each"
        )
    game = measured_game(engine, players, declared, values)
    return Explanation(
        index=X.index,
        output=output,
        goals_present=game.goals,
        contributions=scale * game.contributions(),
        reference=scale * none,
        prediction=scale * everyone,
        reference_words=words,
        background=Background(
            declared, values, typical, comparison_of, "before it was" if against.kind == "self" else "typical is"
        ),
        game=game,
        reference_kind=against.kind,
        asked=asked,
    )
