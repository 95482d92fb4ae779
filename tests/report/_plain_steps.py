"""What the next steps of a card say, worked out from the raw tables with plain pandas."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from _plain import DAY, complete

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _plain import Tables

FIGURE = re.compile(r"-?\d[\d,]*\.?\d*")


def figures(text: str) -> list[float]:
    """Numbers of a text, in order."""
    return [
        float(found.replace(",", "")) for found in FIGURE.findall(text.replace("\u2212", "-").replace("\u00a0", " "))
    ]


class Steps:
    """Checks the steps of the accounts of a report; `told` gives whether each number is that of the tables."""

    def __init__(self, known: Tables, accounts: list[Any]) -> None:
        self.known, self.accounts = known, accounts
        use = known.known["usage"]
        self.use = use[(use["quantity"].isna() | (use["quantity"] > 0)) & use["account_id"].isin(accounts)]
        calls = self._calls(known.known["contacts"])
        self.people = self.use[self.use["age"] <= 90].groupby("account_id")["user_id"].nunique()
        self.people = self.people.reindex(accounts, fill_value=0).clip(lower=1)
        self.usual = (calls["account_id"].value_counts().reindex(accounts, fill_value=0) / self.people).median()

    @staticmethod
    def _calls(rows: pd.DataFrame) -> pd.DataFrame:
        return rows[(rows["age"] <= 90) & (rows["initiated_by"] != "vendor")]

    def told(self, step: dict[str, str], account: Any) -> bool:
        """Whether a step says what is so."""
        text = f"{step['action']} | {step['evidence']}"
        for words, check in self._kinds():
            if re.match(words, step["action"]):
                return check(text, account)
        raise AssertionError(f"nobody checks the step {step['action']!r}")

    def _kinds(self) -> Iterator[tuple[str, Callable[[str, Any], bool]]]:
        yield "Talk about the renewal", self._renewal
        yield "Close the", self._open
        yield "Give the case", self._same_case
        yield "Find out why they call", self._often
        yield "Act on the", self._waiting
        yield "Ask the detractor", self._detractor
        yield "Keep or renegotiate", self._promises
        yield "Talk about what they expect", self._expect
        yield "Move what they need|Find out what makes them costly", self._cost
        yield "Recover them|Decide by name", lambda text, _: figures(text) == []
        yield "Show them", self._unused
        yield "Offer", self._offer
        yield "Ask for a reference", self._fire
        yield "Check whether|Ask what they|Ask for feedback|Call them$", self._unknown
        yield ".", self._trap

    def _renewal(self, text: str, account: Any) -> bool:
        held = self.known.of("subscriptions", account)
        left = (held["planned_end"][held["end_at"].isna()].dt.normalize() - self.known.cut) / DAY
        return figures(text) == [left.min()]

    def _open(self, text: str, account: Any) -> bool:
        rows = self.known.of("contacts", account)
        open_ = rows["age"][rows["resolved_at"].isna()]
        return figures(text) == [*([len(open_)] if len(open_) > 1 else []), open_.max()]

    def _same_case(self, text: str, account: Any) -> bool:
        rows = self._calls(self.known.of("contacts", account))
        return figures(text) == [rows["case_id"].value_counts().max(), 90]

    def _often(self, text: str, account: Any) -> bool:
        rows = self._calls(self.known.of("contacts", account))
        stages = rows["stage"].value_counts()
        rate = [float(f"{number:.3g}") for number in (len(rows) / self.people[account], self.usual)]
        said = [len(rows), 90, *([stages.max()] if len(stages) else []), *rate]
        named = not len(stages) or any(f" in {name};" in text for name in stages.index[stages == stages.max()])
        return figures(text) == said and named

    def _answers(self, account: Any) -> pd.DataFrame:
        rows = self.known.of("surveys", account)
        rows = rows[rows["answered_at"].notna()]
        return rows.assign(ago=self.known.ago(rows["answered_at"]))[lambda t: t["ago"] <= 365]

    def _waiting(self, text: str, account: Any) -> bool:
        answers = self._answers(account)
        waits = answers["ago"][answers["acted_at"].isna()]
        return figures(text) == [*([len(waits)] if len(waits) > 1 else []), len(answers), waits.max()]

    def _detractor(self, text: str, account: Any) -> bool:
        answers = self._answers(account)
        nps = answers[(answers["kind"].str.lower() == "nps") & answers["score"].notna()]
        last = nps[nps["answered_at"] == nps["answered_at"].max()]
        return figures(text) == [float(f"{last['score'].mean():.3g}"), 10, last["ago"].max()]

    def _overdue(self, account: Any) -> pd.Series:
        rows = self.known.of("expectations", account)
        closed = rows["closed_at"].notna() if "closed_at" in rows else False
        late = rows["met_at"].isna() & ~closed & (rows["due_at"].dt.normalize() < self.known.cut)
        return self.known.ago(rows["due_at"])[late]

    def _promises(self, text: str, account: Any) -> bool:
        late = self._overdue(account)
        return figures(text) == [*([len(late)] if len(late) > 1 else []), late.min()]

    def _expect(self, text: str, account: Any) -> bool:
        late = len(self._overdue(account))
        return figures(text) == ([late] if late else [])

    def _cost(self, text: str, account: Any) -> bool:
        rows = self.known.of("finance", account)
        rows = rows[(rows["age"] <= 180) & rows["revenue"].notna() & rows["cost_to_serve"].notna()]
        revenue, billed = rows["revenue"].sum(), rows["revenue"].clip(lower=0).sum()
        said = [round(100 * (revenue - rows["cost_to_serve"].sum()) / revenue)] if revenue > 0 else []
        back = (billed - revenue) / billed if billed > 0 else 0.0
        said += [round(100 * back)] if back >= 0.1 else []
        calls = self.known.of("contacts", account)
        calls = calls[calls["age"] <= 180]
        stages = calls["stage"].value_counts()
        said += [stages.max(), len(calls), 180] if len(stages) else []
        return figures(text) == said

    def _used(self, column: str, days: int = 90) -> dict[Any, set[Any]]:
        rows = self.use[self.use["age"] <= days].dropna(subset=column)
        found = rows.groupby("account_id")[column].agg(set).to_dict()
        return {account: found.get(account, set()) for account in self.accounts}

    def _unused(self, text: str, account: Any) -> bool:
        used, offers = self._used("feature"), self.known.raw["features"]
        mine, held = used[account], self.known.known["subscriptions"]
        held = held[held["end_at"].isna()]
        had = held.merge(offers, on=["product", "plan"]).groupby("account_id")["feature"].agg(set)
        feature = text.split(" | ")[0].removeprefix("Show them ").replace(" ", "_")
        others = [other for other in self.accounts if other != account]
        likeness = [len(mine & used[o]) / len(mine | used[o]) if mine | used[o] else 0.0 for o in others]
        nearest = np.argsort(-np.round(likeness, 9), kind="stable")[:25]
        have = [others[at] for at in nearest if feature in had.get(others[at], set()) | used[others[at]]]
        use = [one for one in have if feature in used[one]]
        return figures(text.split(" | ")[1]) == [len(use), len(have)] and feature not in mine

    def _offer(self, text: str, account: Any) -> bool:
        offer, reason = text.split(" | ")
        if offer == "Offer seats":
            held = self.known.of("subscriptions", account)
            seats = complete(held["seats"][held["end_at"].isna()])
            rows = self.use[self.use["account_id"] == account].dropna(subset="user_id")
            now = rows["user_id"][rows["age"] <= 30].nunique()
            over = int((rows[rows["age"] <= 90].groupby("age")["user_id"].nunique() > seats).sum())
            said = [float(f"{100 * now / seats:.0f}"), seats, 30, *([over, 90] if over else [])]
            return figures(reason) == said
        used = self._used("product")
        given = re.search(r"accounts with (.+) use it too", reason).group(1)
        then = next(p for p in set.union(*used.values()) if f"Offer {p.replace('_', ' ')}" == offer)
        both = [given in products and then in products for products in used.values()]
        return [float(n) for n in re.findall(r"(\d+) of (\d+)", reason)[0]] == [
            sum(both),
            sum(given in products for products in used.values()),
        ]

    def _fire(self, text: str, account: Any) -> bool:
        rows = self.known.of("contacts", account)
        hard = rows[(rows["transfers"] >= 2) | rows["reopened"] | (rows.get("severity", pd.Series(9, rows.index)) <= 1)]
        cases = rows[rows["case_id"].isin(hard["case_id"])].groupby("case_id")["resolved_at"]
        last = cases.max()[cases.agg(lambda times: times.notna().all())]
        return any(f"{time.day} {time:%B}" in text for time in last)

    def _unknown(self, text: str, account: Any) -> bool:
        table = "usage" if "use of theirs" in text else "surveys" if "survey" in text else "advocacy"
        rows = self.known.of(table, account)
        return not len(rows) or bool(rows["age"].min() > 365)

    def _trap(self, text: str, account: Any) -> bool:
        least = re.search(r": ([\d.]+)([ \u00a0]%)? or more", text)
        name = next(words for words in TRAPS if words in text)
        value = TRAPS[name](self, account)
        return value >= float(least.group(1)) / (100 if least.group(2) else 1)

    def handler_gone(self, account: Any) -> float:
        rows = self.known.of("contacts", account)
        before = rows[(rows["age"] > 45) & (rows["age"] <= 180)]["handler"].value_counts()
        mains = before.index[before == before.max()]
        everyone = self.known.known["contacts"]
        return max(everyone["age"][everyone["handler"] == main].min() - 1 for main in mains)

    def champion_gone(self, account: Any) -> float:
        rows = self.use[self.use["account_id"] == account]
        before = rows[(rows["age"] > 45) & (rows["age"] <= 180)]["user_id"].value_counts()
        return max(rows["age"][rows["user_id"] == top].min() - 1 for top in before.index[before == before.max()])

    def asked_on(self, account: Any) -> float:
        rows = self.known.of("surveys", account)
        last = rows["acted_at"].max()
        asked = rows[rows["age"] <= 365]
        return len(asked) if pd.isna(last) else int((asked["sent_at"].dt.normalize() >= last.normalize()).sum())

    def lately(self, account: Any, days: int = 90) -> pd.DataFrame:
        rows = self.known.of("contacts", account)
        return rows[rows["age"] <= days]


def _handlers(steps: Steps, account: Any) -> float:
    rows = steps.lately(account).dropna(subset="handler")
    return rows["handler"].nunique() / len(rows)


def _idle(steps: Steps, account: Any) -> float:
    rows = steps.lately(account, 180)
    told = rows[rows["kind"] == "meeting"]["has_agenda_or_outcome"].dropna().astype(bool)
    return 1 - told.mean()


def _again(steps: Steps, account: Any) -> float:
    rows = steps.lately(account)
    return rows["information_requests"][rows["resolved_at"].notna()].mean()


def _one_user(steps: Steps, account: Any) -> float:
    rows = steps.use[(steps.use["account_id"] == account) & (steps.use["age"] <= 90)]
    return rows["user_id"].value_counts(normalize=True).max()


def _fact(name: str) -> Callable[[Steps, Any], float]:
    return lambda steps, account: steps.known.facts(account)[name]


TRAPS: dict[str, Callable[[Steps, Any], float]] = {
    "share of contacts in 90 days that the customer began": _fact("reactive_share_90d"),
    "share of use in 90 days by one person": _one_user,
    "people who handled contacts, per contact": _handlers,
    "days since the one who handled most contacts": Steps.handler_gone,
    "days of silence of the former top user": Steps.champion_gone,
    "share of meetings in 180 days without": _idle,
    "information asked again per contact": _again,
    "surveys sent since an answer was last acted upon": Steps.asked_on,
    "days without contact with the sponsor": _fact("sponsor_silent_days"),
    "invoices objected to and open": _fact("disputed_open"),
    "days that the oldest open invoice is overdue": _fact("overdue_days"),
    "times asked again within 30 days after a handover": _fact("asked_after_handover_90d"),
}
