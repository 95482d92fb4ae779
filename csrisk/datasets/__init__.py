"""Portfolios to try csrisk on: the bundled demo, and simulated worlds whose truth is known."""

from csrisk.datasets._agents import make_agents
from csrisk.datasets._demo import demo_folder, load_demo
from csrisk.datasets._regimes import RegimeTraits, make_regimes
from csrisk.datasets._saas import MECHANISMS, SaasBook, SaasTruth, make_saas

__all__ = [
    "MECHANISMS",
    "RegimeTraits",
    "SaasBook",
    "SaasTruth",
    "demo_folder",
    "load_demo",
    "make_agents",
    "make_regimes",
    "make_saas",
]
