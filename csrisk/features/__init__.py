"""Feature builders: what a snapshot knows of its past."""

from csrisk.features._advocacy import Advocacy
from csrisk.features._breadth import FeatureBreadth
from csrisk.features._build import (
    Builder,
    all_builders,
    build_features,
    built,
    declared,
    default_builders,
    further_builders,
)
from csrisk.features._context import AccountContext
from csrisk.features._declaration import Feature
from csrisk.features._depth import UsageDepth
from csrisk.features._effort import ContactEffort
from csrisk.features._expectations import Expectations
from csrisk.features._further._declared import Measures, measure_names
from csrisk.features._further._group import AccountGroup
from csrisk.features._further._handovers import Handovers
from csrisk.features._further._invoices import Invoices
from csrisk.features._further._people import People
from csrisk.features._further._promises import PromiseKinds
from csrisk.features._further._support import Meetings, SupportCases
from csrisk.features._further._terms import ContractTerms
from csrisk.features._further._voices import Voices
from csrisk.features._history._own_life import OwnLife
from csrisk.features._history._season import Season
from csrisk.features._history._spans import ForecastSpans
from csrisk.features._polarity import english_polarity
from csrisk.features._reference import feature_reference, feature_table
from csrisk.features._relationship import Relationship
from csrisk.features._sentiment import SurveySentiment

__all__ = [
    "measure_names",
    "Handovers",
    "OwnLife",
    "ForecastSpans",
    "Season",
    "Invoices",
    "People",
    "PromiseKinds",
    "Meetings",
    "SupportCases",
    "ContractTerms",
    "Voices",
    "Measures",
    "all_builders",
    "further_builders",
    "AccountContext",
    "AccountGroup",
    "Advocacy",
    "Builder",
    "ContactEffort",
    "Expectations",
    "Feature",
    "FeatureBreadth",
    "Relationship",
    "SurveySentiment",
    "UsageDepth",
    "build_features",
    "built",
    "declared",
    "default_builders",
    "english_polarity",
    "feature_reference",
    "feature_table",
]
