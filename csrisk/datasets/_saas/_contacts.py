"""Contacts of the simulated book: support cases, repeat contacts, onboarding, meetings, billing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk.datasets._saas._usage import times, users

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from csrisk.datasets._saas._contracts import Book

__all__ = ["contacts", "days_in_month", "lives"]

_CHANNELS = np.array(["email", "chat", "phone", "portal"], dtype=object)
_LATE = 0.12  # share of rows that reach the warehouse days or weeks later


def contacts(book: Book, ids: NDArray[np.object_], rng: np.random.Generator) -> pd.DataFrame:
    """Write the contacts table."""
    cases = _cases(book, rng)
    cases["case"] = np.arange(len(cases))
    frame = pd.concat([cases, _repeats(cases, rng)], ignore_index=True)
    frame = frame[lives(book, frame["account"].to_numpy(), frame["day"].to_numpy())].reset_index(drop=True)
    frame["opened_at"] = times(frame["day"].to_numpy().astype("datetime64[D]"), rng)
    # numbers of contacts follow this order
    frame = frame.sort_values(["opened_at", "account", "case"], kind="stable").reset_index(drop=True)
    return _work(book, frame, ids, rng)


def days_in_month(
    book: Book, account: NDArray[np.int64], month: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.datetime64]:
    """Draw a working day within the month, or the Monday after a weekend."""
    length = np.diff(book.months).astype(int)
    day = book.months[month] + np.floor(rng.random(len(account)) * length[month]).astype("timedelta64[D]")
    # + 3: day 0 of datetime64, 1 January 1970, was a Thursday
    weekday = (day.astype(int) + 3) % 7
    return np.asarray(np.where(weekday >= 5, day + (7 - weekday).astype("timedelta64[D]"), day))


def lives(book: Book, account: NDArray[np.int64], day: NDArray[np.datetime64]) -> NDArray[np.bool_]:
    """Whether accounts run on some days."""
    day = day.astype("datetime64[D]")
    return np.asarray((day >= book.start_day[account]) & (day < book.until[account]) & (day < book.months[-1]))


def _draw(book: Book, rate: NDArray[np.floating[Any]], kind: str, rng: np.random.Generator) -> pd.DataFrame:
    count = rng.poisson(np.where(book.active, rate, 0.0))
    account, month = np.nonzero(count)
    repeat = count[account, month]
    account, month = np.repeat(account, repeat), np.repeat(month, repeat)
    day = days_in_month(book, account, month, rng)
    return pd.DataFrame({"account": account, "month": month, "day": day, "kind": kind})


def _cases(book: Book, rng: np.random.Generator) -> pd.DataFrame:
    effort, loop = book.latent.states[..., 1], book.latent.states[..., 3]
    size = np.sqrt(users(book) / 8.0)
    age = np.arange(book.shape[1]) - book.first_month[:, None]
    fresh = (age >= 0) & (age < 3)
    big = np.array([0.10, 0.22, 0.5])[book.segment][:, None]
    parts = [
        _draw(book, 1.0 * size * np.exp(np.clip(0.6 * effort, -2, 1.6)), "support", rng),
        _draw(book, 1.1 * fresh * np.exp(0.2 * effort), "onboarding", rng),
        _draw(book, big * np.exp(0.25 * loop), "meeting", rng),
        _draw(book, np.full(effort.shape, 0.05) * np.exp(0.3 * effort), "billing", rng),
    ]
    return pd.concat(parts, ignore_index=True)


def _repeats(cases: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    again = cases[cases["kind"].isin(["support", "billing"])]
    return again.assign(day=again["day"] + pd.to_timedelta(rng.integers(1, 12, len(again)), unit="D"), repeat=True)


def _work(book: Book, frame: pd.DataFrame, ids: NDArray[np.object_], rng: np.random.Generator) -> pd.DataFrame:
    account, month = frame["account"].to_numpy(), frame["month"].to_numpy()
    effort = book.latent.states[account, month, 1]
    # isin: concat left NaN where nothing repeats, and NaN is true
    is_repeat = frame.get("repeat", pd.Series(False, frame.index)).isin([True]).to_numpy()
    # every case has a repeat so far; effort decides which of them come
    keep = ~is_repeat | (rng.random(len(frame)) < 1 / (1 + np.exp(1.3 - 1.0 * effort)))
    frame, account, effort = frame[keep].reset_index(drop=True), account[keep], effort[keep]
    n, kind = len(frame), frame["kind"].to_numpy()
    served = np.isin(kind, ["support", "billing"])
    hours = np.exp(np.log(np.where(served, 14.0, 3.0)) + 0.55 * effort + 0.7 * rng.standard_normal(n))
    opened = frame["opened_at"].to_numpy().astype("datetime64[us]")
    resolved = opened + (hours * 3600).astype("timedelta64[s]")
    # what ends after the last day is not seen
    unresolved = (resolved >= book.months[-1]) | (rng.random(n) < 0.003)
    out: dict[str, Any] = {
        "account_id": ids[account],
        "opened_at": opened,
        "resolved_at": np.where(unresolved, np.datetime64("NaT", "us"), resolved).astype("datetime64[us]"),
        "contact_id": [f"contact-{i:06d}" for i in range(n)],
        "case_id": [f"case-{case:06d}" for case in frame["case"]],
        "channel": np.where(kind == "meeting", "call", _CHANNELS[rng.integers(4, size=n)]),
        "kind": kind,
        "initiated_by": _initiator(book, frame, rng),
        "handler": _handlers(account, effort, served, len(ids), rng),
    }
    out |= _burden(effort, served, kind, rng)
    out["stage"] = _stage(book, frame, rng)
    late = rng.random(n) < _LATE
    known = opened + (rng.integers(1, 21, n) * 86400).astype("timedelta64[s]")
    out["known_at"] = np.where(late, known, np.datetime64("NaT", "us")).astype("datetime64[us]")
    return pd.DataFrame(out)


def _initiator(book: Book, frame: pd.DataFrame, rng: np.random.Generator) -> NDArray[np.object_]:
    loop = book.latent.states[frame["account"].to_numpy(), frame["month"].to_numpy(), 3]
    kind = frame["kind"].to_numpy()
    vendor = np.select([kind == "support", kind == "billing"], [0.05, 0.3], 0.7)
    chance = 1 / (1 + np.exp(-(np.log(vendor / (1 - vendor)) + 0.4 * loop)))
    return np.where(rng.random(len(frame)) < chance, "vendor", "customer").astype(object)


def _handlers(
    account: NDArray[np.int64],
    effort: NDArray[np.float64],
    served: NDArray[np.bool_],
    n_accounts: int,
    rng: np.random.Generator,
) -> NDArray[np.object_]:
    """One usual agent per account; the more effort, the more often somebody else."""
    n = len(account)
    usual = rng.integers(0, 40, n_accounts)[account]
    other = rng.random(n) < 1 / (1 + np.exp(0.4 - 1.2 * effort))
    agent = np.where(other, rng.integers(0, 40, n), usual)
    names = [f"agent-{i:02d}" for i in range(40)]
    managers = [f"manager-{i:02d}" for i in range(40)]
    return np.where(served, np.array(names, dtype=object)[agent], np.array(managers, dtype=object)[usual])


def _burden(
    effort: NDArray[np.float64], served: NDArray[np.bool_], kind: NDArray[np.object_], rng: np.random.Generator
) -> dict[str, Any]:
    n = len(effort)
    strain = np.exp(np.clip(0.75 * effort, -2, 1.8))
    agenda = rng.random(n) < 1 / (1 + np.exp(-1.2 + 0.8 * effort))
    first = rng.random(n) < 0.35
    return {
        "transfers": np.where(served, rng.poisson(0.45 * strain), 0).astype(float),
        "reopened": served & (rng.random(n) < 1 / (1 + np.exp(2.4 - 0.8 * effort))),
        "information_requests": np.where(served, rng.poisson(0.6 * strain), 0).astype(float),
        "self_service_first": pd.array(served & first, dtype="boolean"),
        "has_agenda_or_outcome": _only(agenda, kind == "meeting"),
    }


def _only(values: NDArray[np.bool_], where: NDArray[np.bool_]) -> Any:
    out = pd.array(values, dtype="boolean")
    out[~where] = pd.NA
    return out


def _stage(book: Book, frame: pd.DataFrame, rng: np.random.Generator) -> NDArray[np.object_]:
    account, month, kind = frame["account"].to_numpy(), frame["month"].to_numpy(), frame["kind"].to_numpy()
    age = month - book.first_month[account]
    soon = np.roll(book.renews, -2, axis=1) | np.roll(book.renews, -1, axis=1)
    near = soon[account, month]
    dice = rng.random(len(frame))
    return np.select(
        [
            (kind == "onboarding") & (dice < 0.55),
            kind == "onboarding",
            (kind == "billing") & (age <= 1),
            (kind == "billing") | (near & (kind == "meeting")),
            (kind == "support") & (age < 4) & (dice < 0.5),
            (kind == "support") & (dice < 0.15),
            kind == "support",
        ],
        ["implement", "learn", "purchase", "renew", "learn", "use", "support"],
        "use",
    ).astype(object)
