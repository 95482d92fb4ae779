"""People: sponsors of the customer who fall silent or go, and the one of ours who knew an account and leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk.datasets._saas._mechanisms._push import Mechanism, Part, World, ages, delayed, fading, lasting
from csrisk.datasets._saas._usage import users

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from csrisk.datasets._saas._contracts import Book
    from csrisk.datasets._saas._mechanisms._push import Levels, Push, Struck

__all__ = ["KEY_PERSON", "SPONSOR", "roles"]

_SILENT_MONTHS = 4


def _go(book: Book, rng: np.random.Generator) -> tuple[Levels, Struck]:
    begun = (rng.random(book.shape) < 0.03) & (ages(book) > 2)
    silent = lasting(begun, _SILENT_MONTHS)
    gone = (delayed(begun, _SILENT_MONTHS) > 0) & (rng.random(book.shape) < 0.6)
    level = delayed(silent, 1) * silent  # a month without a talk is an ordinary month
    return {"sponsor_silent": level, "sponsor_changed": fading(gone, 0.8)}, {"silent": silent | gone, "gone": gone}


def _write_people(world: World, push: Push, rng: np.random.Generator) -> None:
    book = world.book
    left = world.when(push.struck["gone"], rng)
    left["to_at"] = left["at"].dt.floor("D")
    follows = left["to_at"] + pd.to_timedelta(rng.integers(1, 45, len(left)), unit="D")
    account = np.arange(book.shape[0])
    start = book.start_day.astype("datetime64[us]")
    sponsor = (
        pd.concat(
            [
                pd.DataFrame({"account": account, "from_at": start}),
                pd.DataFrame({"account": left["account"], "from_at": follows}),
            ]
        )
        .sort_values(["account", "from_at"], kind="stable")
        .reset_index(drop=True)
    )
    place = sponsor.groupby("account").cumcount()
    sponsor["person_id"] = [f"person-{a:04d}-{k:02d}" for a, k in zip(sponsor["account"], place, strict=True)]
    ends = left.sort_values(["account", "to_at"], kind="stable")
    # who goes first is the first sponsor, and so on
    ends = ends.assign(place=ends.groupby("account").cumcount())[["account", "place", "to_at"]]
    sponsor = sponsor.assign(place=place, role="sponsor").merge(ends, on=["account", "place"], how="left")
    fixed = [
        pd.DataFrame(
            {
                "account": account,
                "from_at": start,
                "role": role,
                "person_id": [f"person-{a:04d}-{role}" for a in account],
            }
        )
        for role in ("decider", "admin")
    ]
    rows = pd.concat([sponsor.drop(columns="place"), _champions(world, rng), *fixed], ignore_index=True)
    world.tables["people"] = roles(book, world.ids, rows)
    _write_talks(world, push, sponsor, rng)


def roles(book: Book, ids: NDArray[np.object_], rows: pd.DataFrame) -> pd.DataFrame:
    """Write the people table from positions of accounts: roles that began while the account ran."""
    rows = rows[rows["from_at"].to_numpy() < book.until[rows["account"]]].reset_index(drop=True)
    to_at = rows["to_at"].where(rows["to_at"].to_numpy() < book.until[rows["account"]])
    rows = rows.assign(account_id=ids[rows["account"]], to_at=to_at.astype("datetime64[us]"))
    rows = rows[["account_id", "person_id", "role", "from_at", "to_at"]]
    return rows.sort_values(["from_at", "account_id"], kind="stable").reset_index(drop=True)


def _champions(world: World, rng: np.random.Generator) -> pd.DataFrame:
    """Name the user who comes most often; the next one follows where the champion was lost."""
    book = world.book
    lost = world.when(book.latent.shocks["champion_lost"], rng)[["account", "month", "at"]]
    account = np.arange(book.shape[0])
    first = pd.DataFrame({"account": account, "from_at": book.start_day.astype("datetime64[us]")})
    day = lost["at"].dt.floor("D")
    rows = pd.concat([first, lost[["account"]].assign(from_at=day)]).sort_values(["account", "from_at"], kind="stable")
    rows["to_at"] = rows.groupby("account")["from_at"].shift(-1)
    place = rows.groupby("account").cumcount()
    rows["person_id"] = [f"user-{a:04d}-000-{k:02d}" for a, k in zip(rows["account"], place, strict=True)]
    return rows.assign(role="champion")


def _write_talks(world: World, push: Push, sponsor: pd.DataFrame, rng: np.random.Generator) -> None:
    """Talks of sponsors while they are not silent."""
    talks = world.when(~push.struck["silent"] & (rng.random(world.book.shape) < 0.7), rng)
    # one unit of time on both sides, or merge_asof refuses them
    spans = sponsor[["account", "from_at", "to_at", "person_id"]].assign(
        from_at=sponsor["from_at"].astype("datetime64[us]")
    )
    talks = pd.merge_asof(
        talks.sort_values("at"), spans.sort_values("from_at"), left_on="at", right_on="from_at", by="account"
    )
    # merge_asof takes the latest who came, who may have gone before a successor is there
    talks = talks[talks["person_id"].notna() & ~(talks["to_at"] <= talks["at"])].reset_index(drop=True)
    n, opened = len(talks), talks["at"].to_numpy()
    world.add(
        "contacts",
        pd.DataFrame(
            {
                "account": talks["account"],
                "opened_at": opened,
                "resolved_at": opened + rng.integers(20, 60, n).astype("timedelta64[m]"),
                "channel": "call",
                "kind": "meeting",
                "stage": "use",
                "initiated_by": rng.choice(["vendor", "customer"], n).astype(object),
                "handler": [f"manager-{i:02d}" for i in talks["account"] % 40],
                "transfers": 0.0,
                "reopened": False,
                "information_requests": 0.0,
                "has_agenda_or_outcome": pd.array(rng.random(n) < 0.75, dtype="boolean"),
                "person_id": talks["person_id"],
            }
        ),
        "sponsor",
    )


def _dress_people(world: World, rng: np.random.Generator) -> None:
    """Users take part and answer under the id of their use; one survey in six of NPS goes to the decider."""
    contacts = world.tables["contacts"]
    account = pd.Index(world.ids).get_indexer(pd.Index(contacts["account_id"]))
    month = world.month_of(contacts["opened_at"].to_numpy())
    slot = np.floor(users(world.book)[account, month] * rng.random(len(contacts)) ** 1.5).astype(int)
    users_at = [f"user-{a:04d}-{p:03d}-00" for a, p in zip(account, slot, strict=True)]
    world.fill("contacts", person_id=np.array(users_at, dtype=object))
    surveys = world.tables["surveys"]
    decides = (surveys["kind"] == "NPS").to_numpy() & (rng.random(len(surveys)) < 1 / 6)
    number = surveys["account_id"].str.removeprefix("acct-")
    who = np.where(decides, "person-" + number + "-decider", surveys["respondent"] + "-00")
    world.tables["surveys"] = surveys.assign(respondent=who.astype(object))


SPONSOR = Mechanism(
    "sponsor",
    "churn",
    "people with roles, from when to when; contacts.person_id: the sponsor is in no talk for four months, then may go",
    (
        Part("sponsor_silent", "the sponsor has been silent for a month or more", log_odds={"churn": 0.8}),
        Part("sponsor_changed", "the sponsor went in the last months", log_odds={"churn": 1.2}),
    ),
    _go,
    _write_people,
    _dress_people,
)

_AGENTS, _KEY_SHARE, _OTHER_SHARE = 40, 0.9, 0.35


def _lose_ours(book: Book, rng: np.random.Generator) -> tuple[Levels, Struck]:
    """Half of the accounts lean on one of our people, who leaves for good at some time, as people do."""
    agent = rng.integers(0, _AGENTS, book.shape[0])
    leaves = rng.random((_AGENTS, book.shape[1])) < 0.025
    single = rng.random(book.shape[0]) < 0.5
    struck = leaves[agent] & single[:, None] & (ages(book) > 2)
    return {"key_person_left": fading(struck, 0.85)}, {"agent": agent, "leaves": leaves, "single": single}


def _write_handlers(world: World, push: Push, rng: np.random.Generator) -> None:
    """Say who handles each contact: the key person, as long as that one is there, or anybody else."""
    contacts, agent = world.tables["contacts"], push.struck["agent"]
    account = pd.Index(world.ids).get_indexer(pd.Index(contacts["account_id"]))
    month = world.month_of(contacts["opened_at"].to_numpy())
    share = np.where(push.struck["single"], _KEY_SHARE, _OTHER_SHARE)[account]
    who = np.where(rng.random(len(contacts)) < share, agent[account], rng.integers(0, _AGENTS, len(contacts)))
    turn = push.struck["leaves"].cumsum(axis=1)[who, month]  # the seat is filled again, by somebody else
    names = [f"agent-{w:02d}-{t}" for w, t in zip(who, turn, strict=True)]
    world.tables["contacts"] = contacts.assign(handler=np.array(names, dtype=object))


KEY_PERSON = Mechanism(
    "key_person",
    "churn",
    "contacts.handler: one of our people handles nine of ten contacts of half of the accounts, and is never seen again",
    (Part("key_person_left", "the one of ours who knew the account left the company", log_odds={"churn": 1.0}),),
    _lose_ours,
    _write_handlers,
)
