"""Invented names and short comments for the simulated book."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FEATURES", "account_names", "comments"]

_FIRST = (
    "Alder Amber Anchor Apex Arbor Argent Aspen Atlas Aurora Baltic Beacon Birch Blue Bramble Bright Cedar Cinder "
    "Clear Cobalt Copper Coral Crane Crest Crown Delta Drift Eagle Echo Elm Ember Falcon Fern Fjord Flint Forge "
    "Garnet Glacier Golden Granite Harbor Hazel Helix Heron Hollow Indigo Iron Ivory Jasper Juniper Kestrel "
    "Lantern Larch Laurel Linden Lumen Maple Marble Meridian Mica Mistral Moss Nimbus North Nova Oak Onyx Opal "
    "Orchard Otter Pebble Pine Pioneer Quartz Quill Raven Ridge River Rowan Saffron Sage Silver Slate Solar "
    "Spruce Sterling Summit Swift Tern Thistle Timber Topaz Umber Vale Vector Velvet Verity Vista Walnut Willow "
    "Winter Wren Zephyr"
)
_SECOND = (
    "Analytics Apparel Bakery Biotech Brewing Capital Ceramics Charter Chemicals Clinics Components Consulting "
    "Courier Dairy Dental Dynamics Education Electric Energy Engineering Farms Finance Foods Freight Furniture "
    "Games Glass Health Holdings Homes Hotels Instruments Insurance Kitchens Labs Leasing Lighting Logistics "
    "Machines Marine Media Medical Metals Mobility Motors Networks Optics Outfitters Packaging Paper Partners "
    "Payments Pharma Plastics Press Printing Properties Publishing Rail Realty Recycling Research Retail Robotics "
    "Schools Security Shipping Software Sports Staffing Studios Systems Telecom Textiles Tools Toys Trading "
    "Transport Travel Utilities Ventures Wines Works"
)

# feature, product, cheapest plan that has it, how popular it is
FEATURES = (
    ("login_dashboard", "core", "starter", 3.0),
    ("records", "core", "starter", 2.6),
    ("search", "core", "starter", 2.2),
    ("import_export", "core", "starter", 1.2),
    ("comments", "core", "starter", 1.4),
    ("mobile_app", "core", "starter", 0.9),
    ("notifications", "core", "starter", 0.7),
    ("custom_fields", "core", "growth", 0.9),
    ("approvals", "core", "growth", 0.7),
    ("api", "core", "growth", 0.5),
    ("single_sign_on", "core", "enterprise", 0.6),
    ("audit_log", "core", "enterprise", 0.1),
    ("reports", "analytics", "starter", 1.5),
    ("scheduled_reports", "analytics", "growth", 0.6),
    ("forecasts", "analytics", "growth", 0.3),
    ("benchmarks", "analytics", "enterprise", 0.0),
    ("rules", "automation", "starter", 1.3),
    ("templates", "automation", "starter", 0.8),
    ("webhooks", "automation", "growth", 0.4),
    ("bots", "automation", "enterprise", 0.2),
)

_PHRASES = {
    "bad": (
        "I am really frustrated",
        "this is far too slow",
        "we had to explain the problem again and again",
        "nobody got back to us",
        "we were promised more than we got",
        "support is a disappointment",
        "it keeps breaking",
        "we are looking at other vendors",
        "our team has stopped using it",
        "a waste of our time",
        "the last update made it worse",
    ),
    "plain": (
        "it is okay",
        "does what it should",
        "some parts are good, others confusing",
        "no strong opinion yet",
        "works for the basics",
        "we use it when we have to",
        "average experience",
        "could be faster",
    ),
    "good": (
        "we love it",
        "great support, quick answers",
        "it saves us hours every week",
        "easy to use",
        "the best tool we have bought in years",
        "you listened and fixed it",
        "excellent onboarding",
        "happy to recommend it",
        "reliable and helpful",
        "our team is delighted",
    ),
}


def account_names(n: int, rng: np.random.Generator) -> list[str]:
    """Draw `n` different invented company names."""
    first, second = _FIRST.split(), _SECOND.split()
    pairs = len(first) * len(second)
    rounds, rest = divmod(n, pairs)
    # permutations: a name comes again only when all are used, and then with a number
    codes = np.concatenate([rng.permutation(pairs) for _ in range(rounds)] + [rng.permutation(pairs)[:rest]])
    names = [f"{first[code // len(second)]} {second[code % len(second)]}" for code in codes]
    return [name if i < pairs else f"{name} {i // pairs + 1}" for i, name in enumerate(names)]


def comments(mood: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.object_]:
    """Write one short comment per mood."""
    n = len(mood)
    out = np.full(n, "", dtype=object)
    for part in range(2):
        felt = mood + 0.25 * rng.standard_normal(n)
        kind = np.where(felt < -0.3, "bad", np.where(felt > 0.35, "good", "plain"))
        speaks = rng.random(n) < (1.0, 0.4)[part]
        for name, phrases in _PHRASES.items():
            rows = np.flatnonzero((kind == name) & speaks)
            said = np.array(phrases, dtype=object)[rng.integers(len(phrases), size=len(rows))]
            out[rows] = [f"{old}; {new}" if old else new for old, new in zip(out[rows], said, strict=True)]
    return np.array([text[:1].upper() + text[1:] + "." for text in out], dtype=object)
