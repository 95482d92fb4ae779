"""One factor behind several measures: known loadings are found again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from csrisk.success._advocacy._one_factor import fit_one_factor


def _book(n: int = 20_000, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series, np.ndarray]:
    """Loadings .3, .2, .1 and 0; own parts 0, .1, .2 and .3; noise .4 a piece, of one to four; a third missing."""
    rng = np.random.default_rng(seed)
    factor = rng.standard_normal(n)
    loading, own = np.array([0.3, 0.2, 0.1, 0.0]), np.array([0.0, 0.1, 0.2, 0.3])
    pieces = rng.integers(1, 5, (n, 4)).astype(float)
    mean = factor[:, None] * loading + rng.standard_normal((n, 4)) * np.sqrt(own**2 + 0.16 / pieces)
    mean[rng.random((n, 4)) < 1 / 3] = np.nan
    names = list("abcd")
    return (
        pd.DataFrame(mean, columns=names),
        pd.DataFrame(pieces, columns=names),
        pd.Series(0.16, index=names),
        factor,
    )


def test_loadings_are_found_again() -> None:
    mean, weight, within, _ = _book()
    found = fit_one_factor(mean, weight, within)
    assert found is not None
    np.testing.assert_allclose(found.loading, [0.3, 0.2, 0.1, 0.0], atol=0.03)


def test_score_is_the_best_linear_one_and_knows_its_error() -> None:
    """The variance left is the mean squared error; the score beats every single kind and the plain mean."""
    mean, weight, within, factor = _book()
    found = fit_one_factor(mean, weight, within)
    assert found is not None
    error = (factor - found.score) ** 2
    assert error.mean() == pytest.approx(found.variance.mean(), rel=0.05)
    halves = found.variance < np.median(found.variance)
    assert error[halves].mean() == pytest.approx(found.variance[halves].mean(), rel=0.08)
    correlation = np.corrcoef(found.score, factor)[0, 1]
    plain = mean.mean(axis=1)
    known = plain.notna()
    assert correlation > np.corrcoef(plain[known], factor[known])[0, 1] + 0.05


def test_without_evidence_the_variance_is_whole() -> None:
    mean, weight, within, _ = _book(500)
    mean.iloc[0] = np.nan
    found = fit_one_factor(mean, weight, within)
    assert found is not None
    assert (found.score[0], found.variance[0]) == (0.0, 1.0)


def test_kinds_that_do_not_move_together_have_no_factor() -> None:
    rng = np.random.default_rng(1)
    one = pd.DataFrame({"a": rng.standard_normal(300)})
    assert fit_one_factor(one, one * 0 + 1, pd.Series({"a": 0.1})) is None
    against = pd.DataFrame({"a": one["a"], "b": -one["a"]})
    assert fit_one_factor(against, against * 0 + 1, pd.Series({"a": 0.1, "b": 0.1})) is None
