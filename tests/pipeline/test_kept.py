"""What a pipeline keeps: a look at other tables, or a fit that fails, changes nothing of it."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk._pipeline._output._guarding import guarded


class _Any:
    """Something of which a weak reference can be had."""

    def __init__(self, **facts: Any) -> None:
        vars(self).update(facts)


@pytest.fixture
def empty_past(monkeypatch: pytest.MonkeyPatch) -> None:
    """No features are built: the specification is all that is looked at."""
    past = SimpleNamespace(X=pd.DataFrame(), churn=None, accounts=0)
    monkeypatch.setattr("csrisk._pipeline._pipeline.panel", lambda *_, **__: past)
    for name in ("tested", "check_panel"):
        monkeypatch.setattr(f"csrisk._pipeline._pipeline.training.{name}", lambda *_: None)
    monkeypatch.setattr("csrisk._pipeline._pipeline.run_backtest", lambda *_: None)


@pytest.mark.usefixtures("empty_past")
def test_a_look_at_other_tables_leaves_the_specification(quick: cr.RiskPipeline, small_book: cr.CustomerData) -> None:
    """Each resolves a specification of its own for them; who is fitted keeps what it was fitted with."""
    pipeline, before = copy.copy(quick), dict(vars(quick))
    pipeline.spec = cr.RiskSpec()
    other = cr.CustomerData({"usage": small_book.frame("usage")})
    pipeline.check(other)
    pipeline.backtest(other)
    assert pipeline.spec_ is before["spec_"]


@pytest.mark.usefixtures("empty_past")
def test_a_fit_that_fails_leaves_the_pipeline_as_it_was(
    quick: cr.RiskPipeline, small_book: cr.CustomerData, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("no memory")

    monkeypatch.setattr("csrisk._pipeline._pipeline.churn_model", fail)
    new, fitted = cr.RiskPipeline(), copy.copy(quick)
    before = dict(vars(fitted))
    for pipeline in (new, fitted):
        with pytest.raises(RuntimeError, match="no memory"):
            pipeline.fit(small_book)
    assert list(vars(new)) == ["spec"]
    assert vars(fitted) == before


def test_a_portfolio_is_judged_once_for_each_model_and_its_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same explanation with other tables, or held against another training, is another question."""
    asked: list[tuple[str, str]] = []

    def judge(pipeline: Any, data: Any, _: Any) -> tuple[()]:
        asked.append((pipeline.model_id_, data.name))
        return ()

    monkeypatch.setattr("csrisk._pipeline._output._guarding.judged", judge)
    why: Any = _Any(background=SimpleNamespace(values=np.zeros(1)))
    one, other = _Any(name="one"), _Any(name="other")
    first, loaded, later = (_Any(model_id_=name) for name in ("first", "first", "later"))
    for pipeline, data in ((first, one), (first, one), (loaded, one), (first, other), (later, one)):
        guarded(pipeline, data, why)  # type: ignore[arg-type]
    assert asked == [("first", "one"), ("first", "other"), ("later", "one")]
