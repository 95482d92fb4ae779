"""Feature builders: what a snapshot knows of its past."""

from csrisk.features._advocacy import Advocacy
from csrisk.features._breadth import FeatureBreadth
from csrisk.features._build import Builder, build_features, declared, default_builders
from csrisk.features._context import AccountContext
from csrisk.features._declaration import Feature
from csrisk.features._depth import UsageDepth
from csrisk.features._effort import ContactEffort
from csrisk.features._expectations import Expectations
from csrisk.features._polarity import english_polarity
from csrisk.features._reference import feature_reference, feature_table
from csrisk.features._relationship import Relationship
from csrisk.features._sentiment import SurveySentiment

__all__ = [
    "AccountContext",
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
    "declared",
    "default_builders",
    "english_polarity",
    "feature_reference",
    "feature_table",
]
