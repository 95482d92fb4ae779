"""Judgement against model: whether people, or another score, tell leaving better, and where the two disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from csrisk._text import number
from csrisk._wilson import Z_95
from csrisk.checks._association import MIN_EVENTS
from csrisk.checks._check import Rule
from csrisk.evaluation._measuring import Auc, clustered_auc
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    from csrisk._days import Duration
    from csrisk.checks._check import Check
    from csrisk.data import CustomerData
    from csrisk.features import Feature

__all__ = [
    "JUDGEMENT",
    "check_judgement",
    "declared_judgements",
    "disagreements",
    "judged_at",
    "judgement_against_model",
]

Higher: TypeAlias = Literal["safer", "riskier"]
_THIRD = 1 / 3
JUDGEMENT = Rule(
    "CSR016",
    "Judgement against model",
    "people see what no table holds; where they tell leaving better than the model, the model lacks it",
    "declare the judgement as a measure, so that the model learns from it, and look at the accounts they disagree on",
)


def judged_at(judgement: pd.DataFrame, index: pd.MultiIndex, *, max_age: Duration = "365D") -> pd.Series:
    """Give each snapshot the last judgement that was made, and known, before its date.

    Parameters
    ----------
    judgement : pandas.DataFrame
        Columns account_id, at, value, and known_at where rows were entered later.
    index : pandas.MultiIndex
        (account_id, as_of).
    max_age : str or int, default "365D"
        Age in days from which a judgement says nothing any more.

    Returns
    -------
    pandas.Series
        On `index`; missing where nothing was judged in time.

    Raises
    ------
    ConfigError
        If columns are missing, a time is none, or a value is no number.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.checks import judged_at
    >>> said = pd.DataFrame({"account_id": ["a", "a"], "at": ["2025-05-01", "2025-07-01"], "value": [3, 5]})
    >>> dates = pd.MultiIndex.from_product([["a"], pd.to_datetime(["2025-05-01", "2025-07-01"])])
    >>> judged_at(said, dates.set_names(["account_id", "as_of"])).tolist()
    [nan, 3.0]
    """
    from csrisk._days import whole_days

    missing = [name for name in ("account_id", "at", "value") if name not in judgement]
    if missing:
        raise ConfigError(f"judgement: columns {missing} are missing; it takes account_id, at and value")
    rows = judgement.dropna(subset=["account_id", "at", "value"])
    try:
        at = pd.to_datetime(rows["at"]).astype("datetime64[us]")
        value = rows["value"].astype("float64")
        known = pd.to_datetime(rows["known_at"]).astype("datetime64[us]") if "known_at" in rows else at
    except (TypeError, ValueError) as error:
        raise ConfigError(
            "judgement: at must hold times and value numbers; map words such as green to numbers"
        ) from error
    # what was entered late is known from then on
    said = pd.DataFrame({"account_id": rows["account_id"], "value": value, "at": at})
    said["seen"] = np.maximum(at, known.fillna(at))
    said = said.sort_values(["seen", "at"], kind="stable")
    pairs = index.to_frame(index=False)
    pairs["place"] = range(len(pairs))
    pairs["as_of"] = pairs["as_of"].astype("datetime64[us]")
    if not said["account_id"].isin(pairs["account_id"]).any():
        return pd.Series(np.nan, index=index, name="judgement")
    # of what was known by then the judgement made last counts, whenever it was entered
    joined = pairs.merge(said, on="account_id")
    age = joined["as_of"] - joined["at"]
    usable = (joined["seen"] < joined["as_of"]) & (age <= pd.Timedelta(days=whole_days(max_age, "max_age", minimum=1)))
    last = joined[usable].sort_values(["place", "at"], kind="stable").groupby("place")["value"].last()
    return pd.Series(last.reindex(pairs["place"]).to_numpy(np.float64), index=index, name="judgement")


def judgement_against_model(
    judgement: pd.Series | pd.DataFrame, risk: pd.Series, churn: pd.Series, *, higher: Higher = "safer"
) -> pd.DataFrame:
    """Set a dated judgement beside a model on the same later snapshots: how well either tells who leaves.

    Parameters
    ----------
    judgement : pandas.Series or pandas.DataFrame
        Numbers on (account_id, as_of), or rows as `judged_at` takes them: the pulse of a customer success manager, a
        forecast of renewal, the health score of another tool.
    risk : pandas.Series
        Probabilities of churn on (account_id, as_of), **by a model that was trained before these dates**.
    churn : pandas.Series
        Outcomes on the same index.
    higher : {"safer", "riskier"}, default "safer"
        What a higher judgement means.

    Returns
    -------
    pandas.DataFrame
        Index ``judgement``, ``model`` and ``model - judgement``: ``auc`` (the area, or its difference) with ``low`` and
        ``high`` (95 %, by accounts; that of the difference on the same rows), ``n_snapshots``, ``n_accounts`` and
        ``n_events`` (accounts that left). Areas are missing with fewer than 10 accounts of either outcome.

    Raises
    ------
    ConfigError
        If `higher` is neither, a series has no such index, or no snapshot has all three.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from csrisk.checks import judgement_against_model
    >>> index = pd.MultiIndex.from_product([range(60), [pd.Timestamp("2025-07-01")]], names=["account_id", "as_of"])
    >>> churn = pd.Series(np.arange(60) < 20, index=index)
    >>> pulse, risk = pd.Series(np.arange(60) % 5, index=index), pd.Series(1 - np.arange(60) / 60, index=index)
    >>> judgement_against_model(pulse, risk, churn)["auc"].round(2).tolist()
    [0.5, 1.0, 0.5]
    """
    rows = _together(judgement, risk, churn, higher)
    event = rows["churn"].to_numpy(bool)
    account = pd.factorize(rows.index.get_level_values("account_id"))[0]
    n_accounts, n_events = len(np.unique(account)), len(np.unique(account[event]))
    counts = {"n_snapshots": len(rows), "n_accounts": n_accounts, "n_events": n_events}
    figures = [(np.nan, np.nan, np.nan)] * 3
    if min(n_events, len(np.unique(account[~event]))) >= MIN_EVENTS:
        areas = [clustered_auc(rows[name].to_numpy(float), event, account, n_accounts) for name in ("judged", "risk")]
        # on the same accounts: what both owe to the same accounts cancels
        areas.append(Auc(areas[1].value - areas[0].value, areas[1].influence - areas[0].influence))
        # the lower bound at -z is the upper one
        figures = [(area.value, area.low(Z_95), area.low(-Z_95)) for area in areas]
    index = pd.Index(["judgement", "model", "model - judgement"], name="score")
    return pd.DataFrame(figures, columns=["auc", "low", "high"], index=index).assign(**counts)


def disagreements(judgement: pd.Series | pd.DataFrame, risk: pd.Series, *, higher: Higher = "safer") -> pd.DataFrame:
    """List the accounts that people and model see differently on the last date.

    Parameters
    ----------
    judgement, higher
        As for `judgement_against_model`.
    risk : pandas.Series
        Probabilities of churn on (account_id, as_of); its last date counts.

    Returns
    -------
    pandas.DataFrame
        Accounts judged among the safest third that the model puts among the riskiest third, riskiest first, then those
        judged among the riskiest third that the model puts among the safest third: ``judgement``, ``risk``, ``judged``
        ("safe" or "at risk"). Equal judgements stand in the middle of their places.

    Raises
    ------
    ConfigError
        As `judgement_against_model`.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.checks import disagreements
    >>> index = pd.MultiIndex.from_product([list("abc"), [pd.Timestamp("2025-07-01")]], names=["account_id", "as_of"])
    >>> told = disagreements(pd.Series([3, 2, 1], index=index), pd.Series([0.4, 0.2, 0.1], index=index))
    >>> told["judged"].tolist(), told["risk"].tolist()
    (['safe', 'at risk'], [0.4, 0.1])
    """
    rows = _together(judgement, risk, None, higher)
    dates = rows.index.get_level_values("as_of")
    rows = rows[dates == dates.max()]
    # mean place from 0 to 1, so that ties are neither above nor below where they are many
    people, model = (((rows[name].rank() - 0.5) / len(rows)) for name in ("judged", "risk"))
    safe = (people <= _THIRD) & (model >= 1 - _THIRD)
    at_risk = (people >= 1 - _THIRD) & (model <= _THIRD)
    sign = -1.0 if higher == "safer" else 1.0
    # turned back into the direction in which it was given
    table = pd.DataFrame({"judgement": sign * rows["judged"], "risk": rows["risk"]})
    table["judged"] = np.select([safe, at_risk], ["safe", "at risk"], "")
    first = table.loc[safe].sort_values("risk", ascending=False, kind="stable")
    found: pd.DataFrame = pd.concat([first, table.loc[at_risk].sort_values("risk", kind="stable")])
    return found


def check_judgement(
    judgement: pd.Series | pd.DataFrame, risk: pd.Series, churn: pd.Series, *, higher: Higher = "safer", name: str = ""
) -> Check:
    """Fail where a judgement tells leaving better than the model does, beyond chance.

    Parameters
    ----------
    judgement, risk, churn, higher
        As for `judgement_against_model`.
    name : str, optional
        What the judgement is called.

    Returns
    -------
    Check
        CSR016; not applicable with fewer than 10 accounts of either outcome.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from csrisk.checks import check_judgement
    >>> index = pd.MultiIndex.from_product([range(60), [pd.Timestamp("2025-07-01")]], names=["account_id", "as_of"])
    >>> churn = pd.Series(np.arange(60) < 20, index=index)
    >>> pulse, risk = pd.Series(np.arange(60), index=index), pd.Series(np.arange(60) % 5 / 10, index=index)
    >>> check_judgement(pulse, risk, churn).failed
    True
    """
    table = judgement_against_model(judgement, risk, churn, higher=higher)
    counts, gap = table.iloc[0], table.loc["model - judgement"]
    if np.isnan(gap["auc"]):
        reason = (
            f"{number(counts['n_events'], 0)} of {number(counts['n_accounts'], 0)} judged accounts left; {MIN_EVENTS} "
            "are needed"
        )
        return JUDGEMENT.not_applicable(reason, "judge more accounts, or wait for their outcomes")
    parts = [
        f"{words} {number(row['auc'], 3)} ({number(row['low'], 3)} to {number(row['high'], 3)})"
        for words, row in table.iterrows()
    ]
    measure = f"area for leaving on {number(counts['n_snapshots'], 0)} later snapshots: {', '.join(parts)}"
    # the whole interval: a judgement that is better by chance is no reason to distrust the model
    return JUDGEMENT.judge(bool(gap["high"] < 0), measure, "the model no worse beyond chance", [name] if name else [])


def declared_judgements(
    data: CustomerData, X: pd.DataFrame, declarations: Iterable[Feature]
) -> dict[str, tuple[pd.Series, Higher]]:
    """Give the judgements among features: the last values of measures that were declared with a direction.

    Parameters
    ----------
    data : CustomerData
        Tables with ``measures``.
    X : pandas.DataFrame
        Features.
    declarations : iterable of Feature
        Of these features.

    Returns
    -------
    dict of str to (Series, str)
        By name of the measure: its last value for each snapshot, and what a higher one means.

    Examples
    --------
    >>> import csrisk as cr
    >>> from csrisk.checks import declared_judgements
    >>> data = cr.datasets.make_saas(60, 12, seed=1).data()
    >>> declared_judgements(data, cr.build_features(data, cr.Snapshots.at(data, data.end)), ())
    {}
    """
    if not data.has("measures", "name"):
        return {}
    # as builders make the names of features from those of measures
    names = data.frame("measures")["name"].dropna().astype("str").str.lower().str.replace(r"[ -]", "_", regex=True)
    there = {f"{name}_last": name for name in sorted(set(names))}
    found: dict[str, tuple[pd.Series, Higher]] = {}
    for feature in declarations:
        # without a direction nobody says what a higher one means
        if feature.name in there and feature.name in X and feature.direction:
            found[there[feature.name]] = X[feature.name], "safer" if feature.direction < 0 else "riskier"
    return found


def _together(
    judgement: pd.Series | pd.DataFrame, risk: pd.Series, churn: pd.Series | None, higher: str
) -> pd.DataFrame:
    """Rows that have everything; a judgement counts in the direction of risk."""
    if higher not in ("safer", "riskier"):
        raise ConfigError(f"higher={higher!r} must be 'safer' or 'riskier': what a higher judgement means")
    for what, series in (("risk", risk), ("churn", churn), ("judgement", judgement)):
        if isinstance(series, pd.Series) and list(series.index.names) != ["account_id", "as_of"]:
            raise ConfigError(f"{what}: index {list(series.index.names)} must be (account_id, as_of)")
    index = pd.MultiIndex.from_frame(risk.index.to_frame(index=False))
    told = judged_at(judgement, index) if isinstance(judgement, pd.DataFrame) else judgement.reindex(risk.index)
    sign = -1.0 if higher == "safer" else 1.0
    judged = sign * told.astype("Float64").to_numpy(np.float64, na_value=np.nan)
    rows = pd.DataFrame({"judged": judged, "risk": risk.to_numpy(np.float64)}, index=index)
    if churn is not None:
        rows["churn"] = churn.reindex(risk.index).astype("Float64").to_numpy(np.float64, na_value=np.nan)
    rows = rows.dropna()
    if rows.empty:
        raise ConfigError("judgement, risk and churn share no snapshot; judge accounts before the dates of the scores")
    return rows
