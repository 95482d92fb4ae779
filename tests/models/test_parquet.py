"""Training on a Parquet file: what LightGBM reads through sequences is what it reads from an array."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

import csrisk.models._boosting._parquet as module
from csrisk import ChurnModel
from csrisk.exceptions import NotEnoughDataError
from csrisk.models._boosting._blend import train_ensemble
from csrisk.models._rows._canonical import Sample
from csrisk.scale import fit_parquet


def made(n_accounts=150, each=8, seed=0):
    rng = np.random.default_rng(seed)
    days = pd.date_range("2025-01-01", periods=each, freq="30D").as_unit("us")
    index = pd.MultiIndex.from_product([[f"a{i:03d}" for i in range(n_accounts)], days], names=["account_id", "as_of"])
    n = len(index)
    X = pd.DataFrame(
        {
            "days_since_use": rng.exponential(20, n),
            "events_30d": rng.poisson(5, n).astype(float),
            "plan": pd.Categorical(rng.choice(["basic", "pro", "max"], n)),
            "never": np.full(n, np.nan),
            "nps_last": np.where(rng.random(n) < 0.5, np.nan, rng.integers(0, 11, n)),
        },
        index=index,
    )
    risk = 1 / (1 + np.exp(3 - X["days_since_use"] / 20 - (X["plan"] == "basic")))
    y = pd.Series(rng.random(n) < risk, index=index, dtype="boolean", name="churn")
    y[rng.random(n) < 0.1] = pd.NA
    return X, y


def written(X, path, rows=173):
    pq.write_table(pa.Table.from_pandas(X), path, row_group_size=rows)
    return path


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    X, y = made()
    path = written(X, tmp_path_factory.mktemp("train") / "X.parquet")
    return X, y, path, fit_parquet(ChurnModel(n_members=3, random_state=1), path, y)


def text_of(model):
    return [booster.model_to_string() for booster in model.boosters_]


def test_trees_are_those_of_the_same_rows_in_memory(fitted, monkeypatch):
    _, y, path, model = fitted

    class Whole(module._Rows):
        def sequences(self):
            return np.concatenate(list(self.matrices()))

    monkeypatch.setattr(module, "_Rows", Whole)
    assert text_of(fit_parquet(ChurnModel(n_members=3, random_state=1), path, y)) == text_of(model)


def test_row_groups_do_not_matter(fitted, tmp_path):
    X, y, _, model = fitted
    other = fit_parquet(ChurnModel(n_members=3, random_state=1), written(X, tmp_path / "X.parquet", rows=11), y)
    assert text_of(other) == text_of(model)


def test_model_is_as_good_as_the_one_in_memory(fitted):
    X, y, _, model = fitted
    there = y.notna().to_numpy()
    memory = ChurnModel(n_members=3, blend=False, random_state=1).fit(X, y)
    for name in ("classes_", "n_events_", "n_unlabelled_", "n_features_in_", "columns_", "shares_"):
        assert np.array_equal(np.asarray(getattr(model, name), object), np.asarray(getattr(memory, name), object)), name
    assert list(model.feature_names_in_) == list(X)
    fresh, truth = made(seed=9)
    truth, fresh = truth.dropna(), fresh[truth.notna()]
    left, right = (roc_auc_score(truth.astype(int), m.predict_proba(fresh)[:, 1]) for m in (model, memory))
    assert abs(left - right) < 0.02
    mean = model.predict_proba(X)[there, 1].mean()
    assert mean == pytest.approx(y[there].astype(float).mean(), abs=0.02)


@pytest.mark.parametrize("n_members", [2, 5])
def test_probabilities_are_those_of_the_same_rows_and_folds_in_memory(fitted, n_members, monkeypatch):
    _, y, path, _ = fitted
    model = ChurnModel(n_members=n_members, random_state=3)
    by_file = fit_parquet(model, path, y)
    there = y.notna().to_numpy()
    rows = module._Rows(path, there, y.index)
    sample = Sample(np.concatenate(list(rows.matrices())), y[there].to_numpy(float), np.ones(there.sum()), rows.groups)
    memory = train_ensemble(sample, n_members, {"plain": model._member_params()}, [2], 1)
    assert by_file.calibration_ == pytest.approx(memory.calibration, rel=1e-12)
    assert text_of(by_file) == [booster.model_to_string() for booster in memory.boosters]
    # single members are noisier than their mean, whose slope is steeper; two members do not tell by how much
    monkeypatch.setattr(module, "spread_of_members", lambda *_: 0.0)
    flat = fit_parquet(model, path, y).calibration_[0]
    assert memory.calibration[0] > flat if n_members > 2 else memory.calibration[0] == pytest.approx(flat)


def test_keys_of_file_and_labels_must_agree(fitted, tmp_path):
    X, y, path, _ = fitted
    with pytest.raises(ValueError, match=r"y has 1199 rows, X\.parquet has 1200"):
        fit_parquet(ChurnModel(), path, y.iloc[1:])
    with pytest.raises(ValueError, match="its index is not that of the file, row by row"):
        fit_parquet(ChurnModel(), path, y.iloc[::-1])
    with pytest.raises(ValueError, match="blend=True: kinds of trees are chosen in memory"):
        fit_parquet(ChurnModel(blend=True), path, y)
    plain = tmp_path / "plain.parquet"
    pq.write_table(pa.Table.from_pandas(X.reset_index(drop=True)), plain)
    with pytest.raises(ValueError, match=r"plain\.parquet: columns \['account_id', 'as_of'\] are missing"):
        fit_parquet(ChurnModel(), plain, y)


def test_too_few_events_are_refused(fitted):
    _, y, path, _ = fitted
    with pytest.raises(NotEnoughDataError, match="min_events=100000"):
        fit_parquet(ChurnModel(min_events=100_000), path, y)
    with pytest.raises(ValueError, match="y holds one class"):
        fit_parquet(ChurnModel(), path, y.mask(y == True))  # noqa: E712  # pd.NA is neither
