"""Builders and declarations of what a portfolio may have beyond the usual: optional columns and the user's measures."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import narwhals.stable.v2 as nw

from csrisk._days import whole_days
from csrisk._pipeline._settings._spec_features import declared_measures
from csrisk.data import Breach
from csrisk.data._findings import did_you_mean
from csrisk.exceptions import ConfigError, DataContractError, DataWarning
from csrisk.features import Measures, declared, further_builders, measure_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from csrisk._pipeline._settings._spec import RiskSpec
    from csrisk.data import CustomerData
    from csrisk.features import Builder, Feature

__all__ = ["declarations", "further", "goals_told", "optional_columns", "own_declarations", "require_measures"]


def optional_columns(data: CustomerData) -> tuple[str, ...] | None:
    """Give the optional columns that families read and that have values; None where there are none."""
    found = dict.fromkeys(name for family in further_builders() for name in family.found_in(data))
    return tuple(found) or None


def further(spec: RiskSpec, data: CustomerData) -> list[Builder]:
    """Make the builders of the optional columns and measures of a specification that is resolved."""
    wanted = spec.features.optional or ()
    # names without a point are families that join by name alone, such as season
    absent = [name for name in wanted if "." in name and not data.given(*name.split("."))]
    if absent:
        raise DataContractError(
            f"columns {absent} are read by the features of the model and are not in the tables; bring or map them, or "
            "train a model without them: [features] optional = [...]"
        )
    asked = whole_days(spec.snapshots.lead, "lead"), whole_days(spec.snapshots.horizon, "horizon", minimum=1)
    families: list[Builder] = [family.for_question(*asked) for family in further_builders() if family.joins(wanted)]
    return [*families, Measures(declared_measures(spec.measures))] if spec.measures else families


def own_declarations(spec: RiskSpec) -> dict[str, Feature]:
    """Give the declarations that names of columns do not tell: of measures, and of builders that were chosen."""
    chosen = {feature.name: feature for entry in spec.features.builders for feature in entry.features}
    return chosen | {feature.name: feature for feature in Measures(declared_measures(spec.measures)).features}


def declarations(spec: RiskSpec, columns: Iterable[str]) -> tuple[Feature, ...]:
    """Look up the declarations of columns, those of the user's measures and builders among them."""
    own = own_declarations(spec)
    names = [str(name) for name in columns]
    usual = iter(declared([name for name in names if name not in own]))  # all at once: a look-up for each column costs
    return tuple(own[name] if name in own else next(usual) for name in names)


def goals_told(spec: RiskSpec, columns: Iterable[str]) -> dict[str, str] | None:
    """Give the goal of each feature where measures or builders of the user are among them; else the names say it."""
    if not spec.measures and not spec.features.builders:
        return None
    return {feature.name: str(feature.goal) for feature in declarations(spec, columns)}


def require_measures(spec: RiskSpec, data: CustomerData) -> None:
    """Refuse declared measures that the data do not have, and say which of the data are not declared."""
    counts: dict[str, int] = {}
    if data.has("measures", "value"):
        rows = measure_names(data.lazy("measures")).filter(~nw.col("value").is_null())
        table = data.engine.collect(rows.group_by("name").agg(nw.len().cast(nw.Int64).alias("n")))
        counts = {str(name): int(n) for name, n in zip(table["name"], table["n"], strict=True)}
    if absent := [name for name in spec.measures if name not in counts]:
        raise ConfigError(
            f"measures: {absent[0]!r} has no value in the table measures; {did_you_mean(absent[0], sorted(counts))}"
        )
    if unused := sorted(name for name in counts if name not in spec.measures):
        shown = tuple(name[:24] for name in unused[:5])
        breach = Breach("CSD331", "measures", "name", sum(counts[name] for name in unused), examples=shown)
        warnings.warn(str(breach), DataWarning, stacklevel=5)
