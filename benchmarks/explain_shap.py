"""How far popular short cuts are from the exact game of goals, on the demo book.

Usage: ``python benchmarks/explain_shap.py``. For every account of the demo book at its last date, in percentage points
of the calibrated probability, against the same 100 reference rows:

- *summed SHAP, rescaled*: interventional SHAP values on the log-odds, summed by goal, times one factor per account so
  that they add up to the difference in probability;
- *summed SHAP, as shares*: the same sums as shares of the difference in probability, by their absolute size;
- *shap "probability"*: shap's interventional values with ``model_output="probability"``, summed by goal (for one member
  of the model, because shap explains one booster at a time).

Also prints what the strongest features of each goal cost there, in CPU time per account.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd

import csrisk as cr
from csrisk._explain._games._tree_engine import TreeEngine


def main() -> None:
    data = cr.load_demo()
    past = cr.Snapshots.every(data, "1MS", horizon="90D", lead="14D")
    X, churn = cr.build_features(data, past), cr.label_churn(data, past)
    train, test = cr.ForwardSplit.at(past, "2025-07-01")
    model = cr.ChurnModel(random_state=0).fit(X.loc[train], churn.loc[train])
    rows = X.loc[test]
    rows = rows[rows.index.get_level_values("as_of") == rows.index.get_level_values("as_of").max()]
    why = cr.explain(model, rows, reference=X.loc[train])
    engine = _engine(why)
    # before what was not measured moves to context: shap knows no such rule
    exact = 100 * engine.contributions()
    change = (why.prediction - why.reference)[:, None]
    reference = X.loc[train].iloc[engine.comparisons[0].reference]
    summed = _summed_shap(model, rows, reference, engine.goal_of_feature, "raw")
    found = {"summed SHAP, rescaled": summed * change / summed.sum(axis=1, keepdims=True)}
    found["summed SHAP, as shares"] = np.abs(summed) / np.abs(summed).sum(axis=1, keepdims=True) * change
    print(f"{len(rows)} accounts, {len(why.goals_present)} goals, {why.reference_words}")
    why.feature_game(np.arange(2))  # compiles
    started = time.process_time()
    why.feature_game(np.arange(len(rows)))
    cost = 1000 * (time.process_time() - started) / len(rows)
    leaves = np.diff(engine.forest.leaf_start)
    print(f"three strongest features: {cost:.1f} ms CPU each; {len(leaves):,} trees of {leaves.mean():.1f} leaves")
    print(_table({name: (values, exact) for name, values in found.items()}).to_string(float_format="%.2f"))
    first = _Member(model, 0)
    alone = cr.explain(first, rows, reference=reference, n_reference=len(reference))
    shap_probability = 100 * _summed_shap(first, rows, reference, engine.goal_of_feature, "probability")
    print("\none member of the model alone")
    beside = _table({'shap "probability"': (shap_probability, 100 * _engine(alone).contributions())})
    print(beside.to_string(float_format="%.2f"))


def _engine(why: cr.Explanation) -> TreeEngine:
    engine = why.game.engine
    if not isinstance(engine, TreeEngine):
        raise TypeError("the demo model has trees")
    return engine


class _Member:
    """One member of a model, with the protocol of the whole."""

    def __init__(self, model: cr.ChurnModel, place: int) -> None:
        self.boosters_ = (model.boosters_[place],)
        self.feature_names_in_, self.encode, self.calibrate = model.feature_names_in_, model.encode, model.calibrate


def _summed_shap(
    model: cr.ChurnModel | _Member, rows: pd.DataFrame, reference: pd.DataFrame, goal: np.ndarray, output: str
) -> np.ndarray:
    import shap

    matrix, other = model.encode(rows), model.encode(reference)
    total = np.zeros((len(rows), int(goal.max()) + 1))
    for booster in model.boosters_:
        explainer = shap.TreeExplainer(booster, other, feature_perturbation="interventional", model_output=output)
        values = np.asarray(explainer.shap_values(matrix, check_additivity=False))
        np.add.at(total.T, goal, values.T / len(model.boosters_))
    return total


def _table(found: dict[str, tuple[np.ndarray, np.ndarray]]) -> pd.DataFrame:
    lines = {}
    for name, (values, exact) in found.items():
        off = np.abs(values - exact)
        lines[name] = {
            "mean error (points)": off.mean(),
            "largest error (points)": off.max(),
            "accounts with an error above 1 point (%)": 100 * (off.max(axis=1) > 1).mean(),
            "accounts whose first goal differs (%)": 100 * (values.argmax(axis=1) != exact.argmax(axis=1)).mean(),
        }
    return pd.DataFrame(lines).T


if __name__ == "__main__":
    main()
