"""What is said in public, what sales promised, and how the success manager judges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk.datasets._saas._contracts import contract_term
from csrisk.datasets._saas._mechanisms._push import NEVER, NOTHING, Mechanism, Part, World, ages, delayed, fading

if TYPE_CHECKING:
    from csrisk.datasets._saas._contracts import Book
    from csrisk.datasets._saas._mechanisms._push import Levels, Push, Struck

__all__ = ["PROMISES", "PULSE", "STANCE"]

_AGAINST = np.array(["review", "negative_review", "complaint", "legal_threat"], dtype=object)


def _speak(book: Book, rng: np.random.Generator) -> tuple[Levels, Struck]:
    mood = book.latent.states[..., 2]
    against = (rng.random(book.shape) < 0.022 * np.exp(np.clip(-0.6 * mood, -1.5, 1.5))) & (ages(book) > 1)
    return {"spoke_against": fading(against, 0.75)}, {"against": against}


def _write_stance(world: World, push: Push, rng: np.random.Generator) -> None:
    acts = world.tables["advocacy"]
    stars = np.where(acts["kind"] == "review", rng.choice([3.0, 4.0, 5.0], len(acts), p=[0.1, 0.4, 0.5]), np.nan)
    stance = np.where(rng.random(len(acts)) < 0.6, "for", NOTHING)
    # three stars are neither for nor against us
    world.tables["advocacy"] = acts.assign(stance=np.where(stars == 3.0, NOTHING, stance).astype(object), rating=stars)
    rows = world.when(push.struck["against"], rng)
    kind = _AGAINST[rng.choice(4, len(rows), p=[0.4, 0.2, 0.35, 0.05])]
    stars = np.where(np.isin(kind, _AGAINST[:2]), rng.choice([1.0, 2.0], len(rows)), np.nan)
    world.add("advocacy", rows[["account", "at"]].assign(kind=kind, stance="against", rating=stars))
    asked = world.when(rng.random(world.book.shape) < 0.012 * np.exp(-0.5 * world.book.latent.states[..., 2]), rng)
    world.add("advocacy", asked[["account", "at"]].assign(kind="reference", stance="declined", rating=np.nan))


STANCE = Mechanism(
    "stance",
    "advocacy",
    "rows of advocacy against us (stance, 1 or 2 stars, complaints), for us, and references that were declined",
    (Part("spoke_against", "the customer spoke against us in the last months", log_odds={"churn": 1.1}),),
    _speak,
    _write_stance,
)


def _promise(book: Book, rng: np.random.Generator) -> tuple[Levels, Struck]:
    age, n = ages(book), book.shape[0]
    made = ((age == 0) & (rng.random(n)[:, None] < 0.7)) | ((rng.random(book.shape) < 0.03) & (age > 2))
    broken = made & (rng.random(book.shape) < 0.45)
    due = delayed(broken, 3)  # early in the third month after it was made
    return {"sales_promise_missed": fading(due, 0.88)}, {"made": made, "broken": broken}


def _write_promises(world: World, push: Push, rng: np.random.Generator) -> None:
    plan = world.tables["expectations"]
    world.tables["expectations"] = plan.assign(kind="goal", closed_at=np.full(len(plan), NEVER))
    made = world.when(push.struck["made"], rng)
    broken = push.struck["broken"][made["account"], made["month"]]
    first = made["month"].to_numpy()
    due = (world.book.months[0].astype("datetime64[M]") + first + 3).astype("datetime64[D]") + np.timedelta64(3, "D")
    _add(world, made, due, ~broken, rng, "sales_promise")
    items = world.when(rng.random(world.book.shape) < 0.15, rng)
    due = items["at"].to_numpy().astype("datetime64[D]") + np.timedelta64(14, "D")
    effort = world.book.latent.states[items["account"], items["month"], 1]
    _add(world, items, due, rng.random(len(items)) < 1 / (1 + np.exp(-1.5 + 0.6 * effort)), rng, "action_item")
    begun = world.when(ages(world.book) == 0, rng)
    for days in (30, 60, 90):
        due = begun["at"].to_numpy().astype("datetime64[D]") + np.timedelta64(days, "D")
        _add(world, begun, due, rng.random(len(begun)) < 0.8, rng, "milestone")


def _add(
    world: World, made: pd.DataFrame, due: np.ndarray, kept: np.ndarray, rng: np.random.Generator, kind: str
) -> None:
    """Rows of promises: kept before they are due, or closed as missed within days after."""
    account, agreed, n = made["account"].to_numpy(), made["at"].to_numpy(), len(made)
    due = due.astype("datetime64[us]")
    span = np.maximum((due - agreed).astype("int64"), 1)
    met = agreed + (span * rng.uniform(0.3, 1.0, n)).astype("timedelta64[us]")
    closed = due + rng.integers(1, 10, n).astype("timedelta64[D]")
    met = np.where(kept, world.until_end(account, met), NEVER)
    says = ~kept & (rng.random(n) < 0.6)
    closed = np.where(says, world.until_end(account, closed), NEVER)
    outcome = np.where(~np.isnat(met), "met", np.where(~np.isnat(closed), "missed", NOTHING))
    world.add(
        "expectations",
        pd.DataFrame(
            {
                "account": account,
                "agreed_at": agreed,
                "due_at": due,
                "met_at": met,
                "closed_at": closed,
                "outcome": outcome.astype(object),
                "kind": kind,
            }
        ),
    )


PROMISES = Mechanism(
    "promises",
    "advocacy",
    "expectations.kind: promises of sales, action items and milestones; promises of sales that were due and not met",
    (Part("sales_promise_missed", "what sales promised was due and not met", log_odds={"churn": 0.9}),),
    _promise,
    _write_promises,
)


def _feel(book: Book, rng: np.random.Generator) -> tuple[Levels, Struck]:  # noqa: ARG001 - a sign without an effect
    return {}, {}


def _write_pulse(world: World, push: Push, rng: np.random.Generator) -> None:  # noqa: ARG001 - of the book as it was
    """Judge from 1 to 5 in most months: what drives the account, seen with noise and each manager's own bias."""
    book = world.book
    score = book.log_odds["churn"] - contract_term(book, "churn")
    # or 1: one account in one month does not differ
    spread = score[book.active].std() or 1.0
    rows = world.when(book.active & (rng.random(book.shape) < 0.7), rng)
    owner = world.tables["accounts"]["owner"].to_numpy()[rows["account"]]
    bias = pd.Series(rng.normal(0, 0.4, 12), index=[f"manager-{i:02d}" for i in range(12)])
    risk = (score[rows["account"], rows["month"]] - score[book.active].mean()) / spread
    value = 3.2 - 0.8 * risk + bias.reindex(owner).to_numpy() + 0.8 * rng.standard_normal(len(rows))
    world.add(
        "measures",
        rows[["account", "at"]].assign(
            name="csm_pulse", value=np.clip(np.round(value), 1.0, 5.0), by=owner.astype(object)
        ),
    )


PULSE = Mechanism(
    "pulse",
    "",
    "measures named csm_pulse, 1 to 5: the success manager's judgement, with noise and a bias of each manager",
    (),
    _feel,
    _write_pulse,
)
