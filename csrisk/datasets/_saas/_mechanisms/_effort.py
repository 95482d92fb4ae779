"""Handovers in which all is told again, meetings that nobody needs, and fires that were fought well or badly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk.datasets._saas._mechanisms._push import NEVER, NOTHING, Mechanism, Part, World, ages, fading, lasting

if TYPE_CHECKING:
    from csrisk.datasets._saas._contracts import Book
    from csrisk.datasets._saas._mechanisms._push import Levels, Push, Struck

__all__ = ["HANDOVER", "MEETINGS", "RECOVERY"]

_TEAM = {"support": "support", "onboarding": "onboarding", "meeting": "success", "billing": "billing"}
_HOURS = {1.0: 8, 2.0: 24, 3.0: 72, 4.0: 120}  # agreed time by severity


def _hand_over(book: Book, rng: np.random.Generator) -> tuple[Levels, Struck]:
    age = ages(book)
    old = (rng.random(book.shape) < 0.02) & (age > 4)
    new = (age == 1) & (rng.random(book.shape[0])[:, None] < 0.5)
    struck = old | new
    return {"handover": fading(struck, 0.7)}, {"handover": struck}


def _write_handovers(world: World, push: Push, rng: np.random.Generator) -> None:
    contacts = world.tables["contacts"]
    first_steps = (contacts["stage"] == "implement").to_numpy()
    asked = np.where(first_steps, rng.poisson(0.3, len(contacts)), contacts["information_requests"])
    world.tables["contacts"] = contacts.assign(information_requests=asked.astype(float))
    begun = world.when(push.struck["handover"], rng)
    n, young = len(begun), ages(world.book)[begun["account"], begun["month"]] <= 4
    told = [begun.assign(days=0.0, team=np.where(young, "sales", "success").astype(object), asked=0.0)]
    for low, high in ((2, 9), (10, 22)):
        told.append(begun.assign(days=rng.uniform(low, high, n), team="onboarding", asked=1.0 + rng.poisson(1.5, n)))
    rows = pd.concat([each.assign(case_id=np.arange(n)) for each in told], ignore_index=True)
    opened = rows["at"].to_numpy() + (rows["days"].to_numpy() * 86400).astype("timedelta64[s]")
    took = (rng.exponential(6.0, len(rows)) * 3600 + 900).astype("timedelta64[s]")
    world.add(
        "contacts",
        _contact(world, rows["account"], opened, opened + took, rng).assign(
            kind="onboarding",
            stage="implement",
            team=rows["team"],
            information_requests=rows["asked"],
            case_id=rows["case_id"],
            initiated_by="vendor",
        ),
        "handover",
    )


def _dress_teams(world: World, rng: np.random.Generator) -> None:  # noqa: ARG001 - as all of them
    world.fill("contacts", team=world.tables["contacts"]["kind"].map(_TEAM).astype(object))


def _contact(
    world: World, account: pd.Series, opened: np.ndarray, closed: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    n, end = len(account), world.book.months[-1].astype("datetime64[us]")
    return pd.DataFrame(
        {
            "account": account.to_numpy(),
            "opened_at": opened,
            "resolved_at": np.where(closed < end, closed, NEVER).astype("datetime64[us]"),
            "channel": "call",
            "handler": [f"agent-{i:02d}" for i in rng.integers(0, 40, n)],
            "transfers": 0.0,
            "reopened": False,
            "information_requests": 0.0,
            "self_service_first": pd.array([False] * n, dtype="boolean"),
        }
    )


HANDOVER = Mechanism(
    "handover",
    "churn",
    "contacts.team changes within a case of stage implement, and information is asked for again",
    (Part("handover", "the account was handed to another team, which asked for all again", (0.0, 1.3, 0.0, 0.0)),),
    _hand_over,
    _write_handovers,
    _dress_teams,
)


def _meet(book: Book, rng: np.random.Generator) -> tuple[Levels, Struck]:
    begun = (rng.random(book.shape) < 0.02) & (ages(book) > 2)
    many = lasting(begun, 5)
    return {"too_many_meetings": many.astype(float)}, {"many": many}


def _write_meetings(world: World, push: Push, rng: np.random.Generator) -> None:
    begun = world.when(push.struck["many"] * rng.integers(3, 6, world.book.shape), rng)
    opened, n = begun["at"].to_numpy(), len(begun)
    took = rng.integers(45, 120, n).astype("timedelta64[m]")
    world.add(
        "contacts",
        _contact(world, begun["account"], opened, opened + took, rng).assign(
            kind="meeting",
            stage="use",
            initiated_by="vendor",
            has_agenda_or_outcome=pd.array(rng.random(n) < 0.15, dtype="boolean"),
            attended=pd.array(rng.random(n) < 0.6, dtype="boolean"),
        ),
        "meeting",
    )


def _dress_attendance(world: World, rng: np.random.Generator) -> None:
    contacts = world.tables["contacts"]
    came = pd.array(rng.random(len(contacts)) < 0.92, dtype="boolean")
    came[(contacts["kind"] != "meeting").to_numpy()] = pd.NA
    world.fill("contacts", attended=came)


MEETINGS = Mechanism(
    "meetings",
    "churn",
    "three to five meetings a month that the vendor calls, mostly without agenda or outcome, and not always attended",
    (Part("too_many_meetings", "five months of too many meetings", log_odds={"churn": 0.9}),),
    _meet,
    _write_meetings,
    _dress_attendance,
)


def _burn(book: Book, rng: np.random.Generator) -> tuple[Levels, Struck]:
    fire = (rng.random(book.shape) < 0.025) & (ages(book) > 1)
    well = fire & (rng.random(book.shape) < 0.5)
    levels = {"fire": fading(fire, 0.7), "fire_well": fading(well, 0.93), "fire_badly": fading(fire & ~well, 0.9)}
    return levels, {"fire": fire, "well": well}


def _write_fires(world: World, push: Push, rng: np.random.Generator) -> None:
    begun = world.when(push.struck["fire"], rng)
    account, opened, n = begun["account"], begun["at"].to_numpy(), len(begun)
    well = push.struck["well"][account, begun["month"]]
    hours = np.where(well, rng.uniform(10, 70, n), rng.uniform(200, 480, n))
    closed = opened + (hours * 3600).astype("timedelta64[s]")
    world.add(
        "contacts",
        _contact(world, account, opened, closed, rng).assign(
            kind="support",
            stage="support",
            channel="phone",
            initiated_by="customer",
            severity=1.0,
            reopened=True,
            cause=rng.choice(["defect", "outage"], n).astype(object),
            transfers=2.0 + rng.poisson(1.0, n),
            information_requests=rng.poisson(1.0, n).astype(float),
            due_at=opened + np.timedelta64(8, "h"),
        ),
        "fire",
    )
    asked = closed + np.timedelta64(1, "h")
    answered = asked + (rng.uniform(0.2, 9.0, n) * 86400).astype("timedelta64[s]")
    says = rng.random(n) < np.where(well, 0.95, 0.7)
    score = np.where(well, rng.choice([4.0, 5.0], n, p=[0.3, 0.7]), rng.choice([1.0, 2.0, 3.0], n, p=[0.5, 0.35, 0.15]))
    answered = world.until_end(account.to_numpy(), np.where(says, answered, NEVER).astype("datetime64[us]"))
    world.add(
        "surveys",
        pd.DataFrame(
            {
                "account": account,
                "sent_at": asked,
                "answered_at": answered,
                "kind": "CSAT",
                "score": np.where(np.isnat(answered), np.nan, score),
                "respondent": [f"user-{a:04d}-000" for a in account],
            }
        ),
    )


def _dress_severity(world: World, rng: np.random.Generator) -> None:
    contacts = world.tables["contacts"]
    n, helped = len(contacts), (contacts["kind"] == "support").to_numpy()
    # severity 1 is left to fires, whose sign it is
    severity = np.where(helped, rng.choice([2.0, 3.0, 4.0], n, p=[0.15, 0.5, 0.35]), np.nan)
    cause = rng.choice(["question", "request", "defect", "outage"], n, p=[0.5, 0.25, 0.2, 0.05]).astype(object)
    hours = pd.Series(severity).map(_HOURS).to_numpy(dtype=float)
    due = contacts["opened_at"] + pd.to_timedelta(hours, unit="h")
    cause = np.where(helped, cause, np.where(contacts["kind"] == "billing", "billing", NOTHING))
    world.fill("contacts", severity=severity, cause=cause, due_at=due.astype("datetime64[us]"))


RECOVERY = Mechanism(
    "recovery",
    "advocacy",
    "a contact of severity 1 with transfers, reopened; well fought it closes in days and the answer is good",
    (
        Part("fire", "a grave case was opened", (0.0, 1.0, 0.0, 0.0)),
        Part("fire_well", "it was fought well: the customer went through the fire with us", (0.0, 0.0, 1.3, 0.0)),
        Part("fire_badly", "it was fought badly", (0.0, 0.0, -1.2, 0.0)),
    ),
    _burn,
    _write_fires,
    _dress_severity,
)
