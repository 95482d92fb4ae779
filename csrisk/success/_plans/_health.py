"""The hand-weighted health score of customer-success tools, as the baseline that a model has to beat."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk.exceptions import ConfigError, FeatureError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["HEALTH_WEIGHTS", "Vital", "health_band", "health_components", "health_score"]


@dataclass(frozen=True, slots=True)
class Vital:
    """One measure of a component: worth 0 points at `red`, 100 points at `green`, straight between and flat outside.

    Parameters
    ----------
    feature : str
        Column of the feature frame.
    red, green : float
        Value of a customer in trouble and of a healthy one; the order tells the direction.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.success import Vital
    >>> Vital("nps_last", red=4, green=9).points(pd.Series([4.0, 6.5, 10.0])).tolist()
    [0.0, 50.0, 100.0]
    """

    feature: str
    red: float
    green: float

    def points(self, values: pd.Series) -> pd.Series:
        """Translate values into points.

        Parameters
        ----------
        values : pandas.Series
            Values of the feature; missing stays missing.

        Returns
        -------
        pandas.Series
            In [0, 100].
        """
        return ((values.astype(float) - self.red) / (self.green - self.red)).clip(0, 1) * 100


_COMPONENTS: Mapping[str, tuple[Vital, ...]] = MappingProxyType(
    {
        "usage": (
            Vital("seat_utilisation_30d", 0.1, 0.7),
            Vital("events_trend_30d", -0.5, 0.1),
            Vital("days_since_use", 30, 2),
        ),
        "breadth": (Vital("feature_share_90d", 0.1, 0.6),),
        "effort": (
            Vital("contacts_per_user_90d", 2.0, 0.2),
            Vital("repeat_contact_share_90d", 0.5, 0.0),
            Vital("transfers_per_contact_90d", 1.5, 0.0),
        ),
        "sentiment": (Vital("nps_last", 4, 9), Vital("csat_last", 2, 5)),
        "relationship": (Vital("survey_response_rate_365d", 0.1, 0.7), Vital("advocacy_acts_365d", 0, 2)),
    }
)
HEALTH_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {"usage": 0.25, "breadth": 0.15, "effort": 0.20, "sentiment": 0.25, "relationship": 0.15}
)


def health_components(X: pd.DataFrame) -> pd.DataFrame:
    """Give the points of each component of the health score.

    Parameters
    ----------
    X : pandas.DataFrame
        Features of snapshots, as `build_features` makes them; a component uses those of its columns that are there.

    Returns
    -------
    pandas.DataFrame
        Points in [0, 100], higher is healthier: ``usage, breadth, effort, sentiment, relationship``; missing where a
        component has no evidence. The mean of its measures counts.

    Raises
    ------
    FeatureError
        If no column of any component is there.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.success import health_components
    >>> health_components(pd.DataFrame({"nps_last": [4.0, 9.0], "csat_last": [3.5, None]}))["sentiment"].tolist()
    [25.0, 100.0]
    """
    parts = {
        name: [vital.points(X[vital.feature]) for vital in vitals if vital.feature in X.columns]
        for name, vitals in _COMPONENTS.items()
    }
    if not any(parts.values()):
        wanted = [vital.feature for vitals in _COMPONENTS.values() for vital in vitals]
        message = f"X has none of the columns {wanted} that a health score rests on; make X with build_features"
        raise FeatureError(message)
    empty = pd.Series(np.nan, index=X.index)
    return pd.DataFrame({name: pd.concat(part, axis=1).mean(axis=1) if part else empty for name, part in parts.items()})


def health_score(X: pd.DataFrame, *, weights: Mapping[str, float] | None = None) -> pd.Series:
    """Weight features by hand into a health score, as customer-success tools do.

    A baseline for models, not a model: anchors and weights are fixed beforehand and know nothing of who left. Published
    calculators give 35 to 40 % to use, 20 to 30 % to support and 25 to 30 % to NPS [1]_ [2]_; here use and breadth
    together have 40 %, support effort 20 %, sentiment 25 %, relationship 15 %. Missing components are left out and the
    others weigh more.

    Parameters
    ----------
    X : pandas.DataFrame
        Features of snapshots, as `build_features` makes them.
    weights : Mapping of str to float, optional
        Weight of each component, 0 or more; by default `HEALTH_WEIGHTS`. Components not named have weight 0.

    Returns
    -------
    pandas.Series
        Named ``health``, on the index of X, in [0, 100]: **higher is healthier**, so that ``100 - health`` is a risk.
        Missing where there is no evidence at all.

    Raises
    ------
    FeatureError
        If X has no column that the score rests on.
    ConfigError
        If weights name an unknown component, are negative or all 0.

    References
    ----------
    .. [1] https://saastainednumbers.com/es/churn-retention/customer-health-score-calculator/ (use 35 %, NPS 25 %,
       support 20 %, engagement 20 %).
    .. [2] "Health Score Calculation", a template for customer-success teams on notion.site (use 40, support 30, NPS 30
       of 100 points).

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.success import health_score
    >>> X = pd.DataFrame({"feature_share_90d": [0.1, 0.6, None], "nps_last": [9.0, 9.0, 4.0]})
    >>> health_score(X).tolist()  # (.15 x 0 + .25 x 100) / .40, all points, sentiment alone
    [62.5, 100.0, 0.0]
    """
    chosen = dict(HEALTH_WEIGHTS if weights is None else weights)
    unknown = sorted(set(chosen) - set(_COMPONENTS))
    if unknown or min(chosen.values(), default=0) < 0 or sum(chosen.values()) <= 0:
        message = f"weights={chosen!r} must give 0 or more to components of {list(_COMPONENTS)}, and not 0 to all"
        raise ConfigError(message)
    points = health_components(X)
    weight = pd.Series({name: chosen.get(name, 0.0) for name in points.columns})
    # weights of what is known, so that a missing component does not count as 0 points
    told = points.notna() * weight
    return ((points * weight).sum(axis=1) / told.sum(axis=1).replace(0, np.nan)).rename("health")


def health_band(score: pd.Series, *, red: float = 40.0, green: float = 60.0) -> pd.Series:
    """Sort health scores into bands.

    Parameters
    ----------
    score : pandas.Series
        As `health_score` gives it.
    red, green : float
        Below `red` is red, from `green` on is green, between is yellow. The defaults, 40 and 60, are a choice
        and no standard: the sources of the weights name no bands, and vendors draw the lines elsewhere.

    Returns
    -------
    pandas.Series
        Ordered categories red, yellow, green; missing stays missing.

    Raises
    ------
    ConfigError
        If the limits are not in order within [0, 100].

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.success import health_band
    >>> health_band(pd.Series([10.0, 50.0, 60.0])).tolist()
    ['red', 'yellow', 'green']
    """
    if not 0 <= red < green <= 100:
        raise ConfigError(f"red={red!r} and green={green!r} must be in order within 0 and 100")
    edges = [-np.inf, red, green, np.inf]
    # closed below: 60 points are green
    return pd.cut(score, edges, right=False, labels=["red", "yellow", "green"]).rename("band")
