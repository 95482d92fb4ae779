"""The campaign ledger: one plain table of who was planned, held out and contacted, written whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from csrisk._atomic import atomic_path, write_atomically
from csrisk._days import as_midnights
from csrisk._text import csv_bare, csv_text
from csrisk.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ARMS", "as_treatments", "campaign_ledger", "check_ledger", "read_ledger", "record_contacts", "write_ledger"]

ARMS = ("contact", "hold-out")  # what the lot decided between
_KEY = ["campaign", "account_id"]
_PLANNED = ("plan", "rank", "risk", "value", "gain", "holdout", "basis")
_COLUMNS = (*_KEY, "planned_at", *_PLANNED, "uplift", "harm", "contacted_at")


def campaign_ledger(plan: pd.DataFrame, *, planned_at: object = None) -> pd.DataFrame:
    """Write down a plan before it is carried out: who is to be contacted, who is held out, and who is left.

    Parameters
    ----------
    plan : pandas.DataFrame
        As `priorities` or `plan_pilot` gives it.
    planned_at : date-like, optional
        The day of the plan, from which the effect is counted; default is ``as_of`` of the plan.

    Returns
    -------
    pandas.DataFrame
        One row for each account of the plan: ``campaign, account_id, planned_at, plan, rank, risk, value, gain,
        holdout, basis, uplift, harm, contacted_at``, the last one missing until `record_contacts`.

    Raises
    ------
    ConfigError
        If columns are missing, the day is not known, or an account stands in the plan twice.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.success import Campaign, campaign_ledger, priorities
    >>> index = pd.Index(["a", "b"], name="account_id")
    >>> risk, value = pd.Series([0.5, 0.1], index), pd.Series([1000.0, 900.0], index)
    >>> spring = Campaign(capacity=1, cost=5, name="spring", holdout=0)
    >>> plan = priorities(risk, value, campaign=spring, save_rate=0.25)
    >>> campaign_ledger(plan, planned_at="2025-04-01")[["campaign", "account_id", "plan"]].values.tolist()
    [['spring', 'a', 'contact'], ['spring', 'b', 'beyond capacity']]
    """
    missing = [name for name in (*_PLANNED, "campaign") if name not in plan]
    if missing:
        raise ConfigError(f"plan: columns {', '.join(missing)} are missing; hand in what priorities() gave")
    out = plan.reset_index()
    out = out.rename(columns={out.columns[0]: "account_id"}) if "account_id" not in out else out
    if planned_at is not None:
        out["planned_at"] = as_midnights(planned_at, "planned_at")[0]
    elif "as_of" in out:
        out["planned_at"] = out["as_of"]
    else:
        raise ConfigError("planned_at is missing, and the plan has no as_of; state the day of the plan")
    return check_ledger(out.reindex(columns=list(_COLUMNS)))


def record_contacts(ledger: pd.DataFrame, contacts: Mapping[object, object] | pd.Series) -> pd.DataFrame:
    """Write down who was contacted, and when; who was planned stays as it was.

    Parameters
    ----------
    ledger : pandas.DataFrame
        Rows of one campaign.
    contacts : mapping or pandas.Series
        Day of the first contact by account id. Accounts that were held out and contacted all the same belong in it,
        too: the effect is told by plan, and how far the plan was kept is told beside it.

    Returns
    -------
    pandas.DataFrame
        A ledger with ``contacted_at``; an earlier day that stood there stays.

    Raises
    ------
    ConfigError
        If the ledger holds several campaigns, an account is not in it, or a day is missing or before the plan.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.success import Campaign, campaign_ledger, plan_pilot, record_contacts
    >>> index = pd.Index([f"a{i}" for i in range(20)], name="account_id")
    >>> risk = pd.Series(0.5, index)
    >>> plan = plan_pilot(risk, 100 * risk, campaign=Campaign(capacity=10, cost=1), save_rate=0.5)
    >>> ledger = record_contacts(campaign_ledger(plan, planned_at="2025-04-01"), {"a1": "2025-04-03"})
    >>> int(ledger["contacted_at"].notna().sum())
    1
    """
    ledger = check_ledger(ledger)
    campaigns = ledger["campaign"].unique()
    if len(campaigns) > 1:
        raise ConfigError(f"ledger: {len(campaigns)} campaigns; hand in the rows of one")
    told = pd.Series(contacts, dtype=object)
    day = pd.Series(pd.to_datetime(told.to_numpy(), errors="coerce"), told.index.map(str)).dt.normalize()
    stranger = ~day.index.isin(ledger["account_id"])
    if stranger.any():
        raise ConfigError(f"contacts: {int(stranger.sum())} of {len(day)} accounts are not in the ledger")
    # of several contacts the first one began the play
    given = ledger["account_id"].map(day.groupby(level=0).min())
    wrong = int(day.isna().sum() + (given < ledger["planned_at"]).sum())
    if wrong:
        raise ConfigError(f"contacts: {wrong} of {len(day)} days are missing or before the plan")
    # a day that is written down already stays
    return ledger.assign(contacted_at=ledger["contacted_at"].fillna(given))


def as_treatments(ledger: pd.DataFrame, play: str, *, control: str = "control") -> pd.DataFrame:
    """Turn a ledger into rows of the table of treatments, so that the next plan learns from it.

    Parameters
    ----------
    ledger : pandas.DataFrame
        One campaign or several.
    play : str
        What a contact of these campaigns is called.
    control : str, default "control"
        What is written of the held out.

    Returns
    -------
    pandas.DataFrame
        ``account_id, at, play, assigned_at_random`` of those among whom the lot decided, as planned: who could not be
        reached counts as treated, since whom one reaches is no lot.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk.success import Campaign, as_treatments, campaign_ledger, plan_pilot
    >>> risk = pd.Series(0.5, pd.Index([f"a{i}" for i in range(40)], name="account_id"))
    >>> plan = plan_pilot(risk, 100 * risk, campaign=Campaign(capacity=20, cost=1), save_rate=0.1)
    >>> as_treatments(campaign_ledger(plan, planned_at="2025-04-01"), "call")["play"].value_counts().to_dict()
    {'control': 20, 'call': 20}
    """
    ledger = check_ledger(ledger)
    # without a hold-out no lot was drawn, and nothing can be learned from the plan
    rows = ledger[ledger["plan"].isin(ARMS) & (ledger["holdout"] > 0)]
    return pd.DataFrame(
        {
            "account_id": rows["account_id"],
            "at": rows["planned_at"],
            "play": rows["plan"].map({"contact": play, "hold-out": control}),
            "assigned_at_random": True,
        }
    ).reset_index(drop=True)


def write_ledger(path: str | Path, ledger: pd.DataFrame) -> Path:
    """Add a campaign to a ledger file, or the contacts to a campaign that stands in it; whole or not at all.

    Parameters
    ----------
    path : str or Path
        ``.csv`` or ``.parquet``; made if it is not there.
    ledger : pandas.DataFrame
        One campaign or several.

    Returns
    -------
    Path

    Raises
    ------
    ConfigError
        If a campaign that stands in the file was planned otherwise (plans are not changed afterwards), or the suffix is
        another.
    OSError
        If the file cannot be written; it is then as it was.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> from csrisk.success import Campaign, campaign_ledger, plan_pilot, read_ledger, write_ledger
    >>> risk = pd.Series(0.5, pd.Index([f"a{i}" for i in range(40)], name="account_id"))
    >>> plan = plan_pilot(risk, 100 * risk, campaign=Campaign(capacity=20, cost=1), save_rate=0.1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_ledger(f"{folder}/ledger.csv", campaign_ledger(plan, planned_at="2025-04-01"))
    ...     len(read_ledger(path))
    40
    """
    path, ledger = _known_suffix(path), check_ledger(ledger)
    if path.exists():
        ledger = _merged(read_ledger(path), ledger)
    if path.suffix.lower() == ".csv":
        write_atomically(path, csv_text(ledger).encode())
    else:
        with atomic_path(path) as part:
            ledger.to_parquet(part, index=False)
    return path


def read_ledger(path: str | Path) -> pd.DataFrame:
    """Read a ledger file.

    Parameters
    ----------
    path : str or Path
        As `write_ledger` wrote it; ``contacted_at`` may have been filled in by hand.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    ConfigError
        If it is no ledger.

    Examples
    --------
    >>> from csrisk.success import read_ledger
    >>> read_ledger("ledger.txt")
    Traceback (most recent call last):
    csrisk.exceptions.ConfigError: ledger.txt: suffix='.txt' must be .csv or .parquet
    """
    path = _known_suffix(path)
    if path.suffix.lower() == ".csv":
        words = dict.fromkeys((*_KEY, "plan", "basis"), str)
        # an account may be called NA, and 007 must not become 7
        table = pd.read_csv(path, dtype=words, keep_default_na=False, na_values=[""])
        for name in set(_KEY) & set(table):
            table[name] = table[name].map(csv_bare)
    else:
        table = pd.read_parquet(path)
    return check_ledger(table)


def check_ledger(table: pd.DataFrame) -> pd.DataFrame:
    """Give a ledger its kinds, or say what is wrong with it."""
    missing = [name for name in _COLUMNS if name not in table]
    if missing:
        raise ConfigError(f"ledger: columns {', '.join(missing)} are missing; make one with campaign_ledger()")
    out = table[list(_COLUMNS)].reset_index(drop=True).copy()
    out[_KEY] = out[_KEY].astype(str)
    try:
        for name in ("planned_at", "contacted_at"):
            # one unit for days of CSV and of Parquet, so that a ledger read again equals the one written
            out[name] = pd.to_datetime(out[name]).astype("datetime64[us]").dt.normalize()
        for name in ("risk", "value", "gain", "holdout", "uplift", "harm"):
            out[name] = out[name].astype(float)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"ledger: a column holds other values than a ledger does ({type(error).__name__})") from None
    twice, undated = int(out.duplicated(_KEY).sum()), int(out["planned_at"].isna().sum())
    if twice or undated:
        raise ConfigError(f"ledger: {twice} accounts stand twice in a campaign, {undated} rows have no planned_at")
    return out


def _merged(before: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    both = before.merge(now, on=_KEY, suffixes=("", "_now"))
    again = now["campaign"].isin(before["campaign"])
    changed = (both["plan"] != both["plan_now"]) | (both["planned_at"] != both["planned_at_now"])
    strangers = int(again.sum()) - len(both)
    if changed.any() or strangers:
        message = f"ledger: {int(changed.sum()) + strangers} rows of campaigns that stand in the file differ from it"
        raise ConfigError(f"{message}; a plan is not changed afterwards: give the new one another name")
    # only contacts may be added to a plan that stands in the file
    later = both.set_index(_KEY)["contacted_at_now"]
    contacted = before["contacted_at"].fillna(pd.Series(later.reindex(before.set_index(_KEY).index).to_numpy()))
    parts = [before.assign(contacted_at=contacted), now[~again]]
    # pandas warns of empty parts, whose types it will take into account
    return pd.concat([part for part in parts if len(part)], ignore_index=True)


def _known_suffix(path: str | Path) -> Path:
    path = Path(path)
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise ConfigError(f"{path.name}: suffix={path.suffix!r} must be .csv or .parquet")
    return path
