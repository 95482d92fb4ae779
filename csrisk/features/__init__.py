"""Feature builders: what a snapshot knows of its past."""

from csrisk.features._attached import attached
from csrisk.features._build import (
    Builder,
    all_builders,
    build_features,
    built,
    declared,
    default_builders,
    further_builders,
)
from csrisk.features._declaration import Feature
from csrisk.features._families._advocacy import Advocacy
from csrisk.features._families._breadth import FeatureBreadth
from csrisk.features._families._context import AccountContext
from csrisk.features._families._depth import UsageDepth
from csrisk.features._families._effort import ContactEffort
from csrisk.features._families._expectations import Expectations
from csrisk.features._families._further._declared import Measures, measure_names
from csrisk.features._families._further._group import AccountGroup
from csrisk.features._families._further._handovers import Handovers
from csrisk.features._families._further._invoices import Invoices
from csrisk.features._families._further._people import People
from csrisk.features._families._further._promises import PromiseKinds
from csrisk.features._families._further._support import Meetings, SupportCases
from csrisk.features._families._further._terms import ContractTerms
from csrisk.features._families._further._voices import Voices
from csrisk.features._families._history._own_life import OwnLife
from csrisk.features._families._history._season import Season
from csrisk.features._families._history._spans import ForecastSpans
from csrisk.features._families._polarity import english_polarity
from csrisk.features._families._relationship import Relationship
from csrisk.features._families._sentiment import SurveySentiment
from csrisk.features._reference import feature_reference, feature_table

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
    "attached",
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
