"""Optional tables and measures in a pipeline reach model, file, explanation and report, and are missed if gone."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import csrisk as cr
from csrisk._pipeline._learning._panel import resolved
from csrisk._pipeline._model_files._stored import scoring_members
from csrisk.exceptions import ConfigError, DataContractError, DataWarning

if TYPE_CHECKING:
    from pathlib import Path

    from csrisk.datasets import SaasBook

MEASURES = {"csm_pulse": {"goal": "advocacy", "direction": -1, "sentence": "The CSM gives {value}"}}


@pytest.fixture(scope="module")
def tables(small_saas: SaasBook) -> dict[str, pd.DataFrame]:
    """The tables of the small book, with teams of contacts, sponsors and a judgement for each account."""
    found = dict(small_saas.tables)
    rng = np.random.default_rng(0)
    starts = found["subscriptions"].groupby("account_id")["start_at"].min()
    found["contacts"] = found["contacts"].assign(team=rng.choice(["sales", "support"], len(found["contacts"])))
    found["people"] = pd.DataFrame(
        {"account_id": starts.index, "person_id": "p", "role": "sponsor", "from_at": starts.to_numpy()}
    )
    pulse = {
        "account_id": starts.index,
        "at": starts.to_numpy(),
        "name": "CSM pulse",
        "value": rng.integers(1, 6, len(starts)),
    }
    found["measures"] = pd.DataFrame(pulse)
    return found


def opened(tables: dict[str, pd.DataFrame]) -> cr.CustomerData:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return cr.CustomerData(tables)


@pytest.fixture(scope="module")
def fitted(quick_spec: dict[str, Any], tables: dict[str, pd.DataFrame]) -> cr.RiskPipeline:
    return cr.RiskPipeline(quick_spec | {"measures": MEASURES}).fit(opened(tables))


def test_they_reach_model_file_and_explanation(
    fitted: cr.RiskPipeline, tables: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    names = set(fitted.model_.feature_names_in_)
    assert {
        "handovers_365d",
        "sponsor_known",
        "csm_pulse_last",
        "csm_pulse_change_90d",
        "days_since_csm_pulse",
    } <= names
    assert fitted.spec_.features.optional == ("people.role", "surveys.respondent", "contacts.team")
    fitted.save(tmp_path / "m.csrisk")
    again = cr.RiskPipeline.load(tmp_path / "m.csrisk")
    assert again.spec_ == fitted.spec_
    assert again.model_id_ == fitted.model_id_
    data = opened(tables)
    why = again.explain(data)
    told = {feature.name: feature for feature in why.declarations}
    assert str(told["csm_pulse_last"].goal) == "advocacy"
    assert told["csm_pulse_last"].sentence.startswith("The CSM gives {value}")
    pd.testing.assert_frame_equal(again.score(data, why=why), fitted.score(data))
    again.report(tmp_path / "r.md", data, why=why)
    text = (tmp_path / "r.md").read_text(encoding="utf-8")
    assert r"csm\_pulse\_last" in text
    assert "Handovers, most asked again first" in text
    # a judgement with a direction is held against the model of the forward test
    assert "judged accounts left" in fitted.record_.checks.loc["CSR016", "measure"]
    assert "csm_pulse_last" in set(again.monitor(data, why=why).drift.index)


@pytest.mark.parametrize("gone", ["people", "measures", "contacts.team"])
def test_what_is_gone_is_refused(fitted: cr.RiskPipeline, tables: dict[str, pd.DataFrame], gone: str) -> None:
    table, *column = gone.split(".")
    less = {name: frame for name, frame in tables.items() if name != table or column}
    if column:
        less[table] = less[table].drop(columns=column)
    with pytest.raises(DataContractError, match=rf"{gone}.*train a model"):
        fitted.score(opened(less))


def test_a_declared_judgement_is_held_against_the_model(fitted: cr.RiskPipeline) -> None:
    checks = fitted.record_.checks
    said = checks[checks["name"].str.contains("Judgement")]
    # in this small book too few left to tell, which is said of the judged accounts
    assert said["measure"].str.contains("judged accounts").all()
    assert len(said) == 1


def test_portfolios_without_them_are_as_before(quick: cr.RiskPipeline, small_saas: SaasBook) -> None:
    known = {feature.name for builder in cr.features.default_builders() for feature in builder.features}
    assert {name for name in quick.model_.feature_names_in_ if not name.startswith("account_")} <= known
    spec = scoring_members(quick)["spec.json"].decode()
    assert "optional" not in spec
    assert "measures" not in spec


def test_measures_that_do_not_fit_the_data_are_said(
    quick_spec: dict[str, Any], tables: dict[str, pd.DataFrame]
) -> None:
    data = opened(tables)
    with pytest.raises(ConfigError, match=r"'cs_pulse' has no value in the table measures; did you mean 'csm_pulse'"):
        cr.RiskPipeline(quick_spec | {"measures": {"cs_pulse": {"goal": "advocacy"}}}).check(data)
    n_rows = len(tables["measures"])
    with pytest.warns(DataWarning, match=rf"CSD331 table=measures column=name count={n_rows} examples=\[csm_pulse\]"):
        resolved(cr.RiskSpec.from_dict(quick_spec), data)


@pytest.mark.parametrize(
    ("declared", "match"),
    [
        ({"nps": {"goal": "advocacy"}}, r"feature 'nps_last' is one of csrisk's own; call the measure otherwise"),
        ({"CSM pulse": {"goal": "advocacy"}}, r"names \['CSM pulse'\] must be small letters"),
        ({"roi": {}}, r"measures.roi: goal must be given"),
        ({"roi": {"goal": "joy"}}, r"measures.roi: goal = 'joy' must be one of"),
        ({"roi": {"goal": "churn", "unit": "{apples}"}}, r"unit='{apples}' must be one of"),
        ({"roi": {"goal": "churn", "direction": 2}}, r"measures\.roi: direction = 2 must be -1, 0 or 1"),
        ({"roi": {"goal": "churn", "sign": 1}}, r"measures.roi: unknown key 'sign'"),
        ({"roi": {"goal": "churn", "sentence": "{value.__class__}"}}, r"sentence = .* must be text in which"),
        ({"roi": {"goal": "churn", "sentence": "{oops"}}, r"sentence = .* must be text in which"),
    ],
)
def test_declarations_that_break_a_rule_are_refused(declared: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        cr.RiskSpec.from_dict({"measures": declared})


def test_optional_columns_can_be_chosen() -> None:
    assert cr.RiskSpec.from_dict({"features": {"optional": []}}).features.optional == ()
    spec = cr.RiskSpec.from_dict({"features": {"optional": []}, "measures": MEASURES})
    assert cr.RiskSpec.from_toml(spec.to_toml()) == spec
    with pytest.raises(ConfigError, match=r"optional = 'contacts.teem' must be one of people.role"):
        cr.RiskSpec.from_dict({"features": {"optional": ["contacts.teem"]}})
