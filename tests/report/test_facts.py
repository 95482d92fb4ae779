"""Every number in the sentences and steps of a report is that of the raw tables, by plain pandas."""

from __future__ import annotations

import json
import re
import warnings
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from _plain import Tables, plain_features
from _plain_steps import Steps
from lightgbm import LGBMClassifier

import csrisk as cr
from csrisk._explain import NOT_MEASURED
from csrisk.datasets import RegimeTraits, make_agents, make_regimes, make_saas

pytestmark = pytest.mark.promise("Every number in the sentences of a report is that of the raw tables")

DAY = pd.Timestamp("2025-10-01")
WORLDS = {
    "people": lambda n: make_agents(n, 16, seed=31),
    "mechanisms": lambda n: make_saas(n, 16, seed=32, mechanisms="all"),
    "regimes": lambda n: make_regimes(n, 16, seed=33, traits=RegimeTraits(0.6, 0.5), mechanisms=["invoices"]),
}


class Said:
    """One world: what csrisk says of its accounts on a day, and what its tables say."""

    def __init__(self, name, size, tmp_path):
        world = WORLDS[name](size)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = world.data()
            X = cr.build_features(data, cr.Snapshots.at(data, DAY))
            left = world.truth.goals(DAY)["probability"].reindex(X.index.get_level_values("account_id"))
            model = LGBMClassifier(n_estimators=30, num_leaves=6, min_child_samples=5, verbose=-1, n_jobs=1)
            model.fit(X, left.to_numpy() > left.median())
            self.every = cr.explain(model, X, output="log_odds").features()
            path = cr.write_report(tmp_path / "a.json", cr.explain(model, X, n_reference=16), data=data)
        self.cards = json.loads(path.read_text("utf-8"))["cards"]
        accounts = list(X.index.get_level_values("account_id"))
        self.known, self.declared = Tables(world.tables, DAY), {f.name: f for f in cr.features.declared(X.columns)}
        self.facts = plain_features(world.tables, accounts, DAY)
        self.steps = Steps(self.known, accounts)

    def sentence(self, account, name, text):
        """Whether the value and the typical value of a sentence are right."""
        feature = self.declared[name]
        value, typical = self.facts.loc[account, name], typical_of(self.facts[name])
        text = text.replace("\u00a0", " ").replace("\u2212", "-")
        if pd.isna(value):
            found = re.fullmatch(r"No evidence for .+; typical is (.+)\.", text)
            return found is not None and same(found.group(1), typical, feature.unit)
        pattern = (
            re.escape(feature.sentence.replace("\u2212", "-"))
            .replace(r"\{value\}", "(.+)")
            .replace(r"\{typical\}", "(.+)")
        )
        found = re.fullmatch(pattern, text)
        return bool(found) and all(
            same(*pair, feature.unit) for pair in zip(found.groups(), (value, typical), strict=True)
        )


def typical_of(column):
    known = column.dropna()
    if known.empty:
        return np.nan
    return float(known.median()) if pd.api.types.is_numeric_dtype(known) else known.mode().iloc[0]


def same(printed, value, unit):
    """Whether a printed value is that value, as far as it is printed."""
    if isinstance(value, str) or pd.isna(value):
        return printed == ("unknown" if pd.isna(value) else value)
    said = float(printed.replace(",", "").split(" ")[0])
    exact = value * (100 if unit == "share" else 1)
    # three digits are printed, all before the point
    room = 0.5 if unit == "money" or abs(exact) >= 100 else 0.005 * abs(exact)
    return abs(said - exact) <= room + 1e-6


def check(name, size, tmp_path):
    """Count what is said, and list what is wrong."""
    said = Said(name, size, tmp_path)
    counted, wrong = Counter(), []
    every = said.every[said.every["feature"] != NOT_MEASURED]
    for (account, _), feature, text in every[["feature", "sentence"]].itertuples():
        counted["sentences"] += 1
        if not said.sentence(account, feature, text):
            wrong.append((account, feature, text))
    for card in said.cards:
        account = card["account"]
        parts = [(part["name"], part["sentence"]) for goal in card["goals"] for part in goal["features"]]
        for feature, text in parts:
            if feature == NOT_MEASURED:
                continue
            counted["sentences of cards"] += 1
            words = said.declared[feature].name
            told = re.sub(r"No evidence for [^;]+;", f"No evidence for {words};", text)
            if not said.sentence(account, feature, told):
                wrong.append((account, feature, text))
        for step in card["steps"]:
            counted[f"step {step['action'].split()[0]}"] += 1
            if not said.steps.told(step, account):
                wrong.append((account, step))
    return counted, wrong


def test_sentences_and_steps_are_facts(tmp_path):
    counted, wrong = check("people", 16, tmp_path)
    assert wrong == []
    assert counted["sentences"] > 1_000
    assert sum(n for kind, n in counted.items() if kind.startswith("step")) > 10


@pytest.mark.slow
def test_no_false_number_in_thousands_of_sentences_and_steps(tmp_path):
    counted, wrong = Counter(), []
    for name in WORLDS:
        more, errors = check(name, 40, tmp_path)
        counted += more
        wrong += errors
    assert wrong == []
    assert counted["sentences"] >= 5_000
    assert sum(n for kind, n in counted.items() if kind.startswith("step")) > 150
