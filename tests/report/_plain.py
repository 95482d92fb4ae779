"""What the features mean, worked out from the raw tables with plain pandas; of csrisk only the scores of comments."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from csrisk.features import english_polarity

DAY = pd.Timedelta(days=1)
NONE = math.nan
BEGINS = {"subscriptions": "start_at", "people": "from_at", "accounts": "started_at"}
TIMES = {"usage": "at", "contacts": "opened_at", "surveys": "sent_at", "advocacy": "at", "expectations": "agreed_at"}
TIMES |= {"finance": "at", "invoices": "issued_at", **BEGINS}
PRAISE = (
    "reference",
    "referral",
    "review",
    "case_study",
    "testimonial",
    "recommendation",
    "event_speaker",
    "community",
)
COMPLAINT = ("complaint", "negative_review", "legal_threat", "detraction")
STAGES = ("evaluate", "purchase", "implement", "learn", "use", "support", "renew")


def per(above: float, below: float) -> float:
    return above / below if below and below > 0 else NONE


def complete(values: pd.Series) -> float:
    return float(values.sum()) if len(values) and values.notna().all() else NONE


class Tables:
    """Raw tables as somebody knows them on a day."""

    def __init__(self, tables: dict[str, pd.DataFrame], as_of: str | pd.Timestamp) -> None:
        self.cut = pd.Timestamp(as_of)
        self.raw = tables
        self.known = {name: self._known(name) for name in TIMES if name in tables}
        self.since = {name: self._since(rows) for name, rows in self.known.items()}

    def _known(self, name: str) -> pd.DataFrame:
        rows, time = self.raw[name], TIMES[name]
        told = rows[time] if name in BEGINS or "known_at" not in rows else rows["known_at"].fillna(rows[time])
        told = np.maximum(told, rows[time])
        seen = rows.assign(told=told)[(rows[time] < self.cut) & (told < self.cut)].copy()
        seen["age"] = (self.cut - seen[time].dt.normalize()) // DAY
        later = ("ended_at", "end_at", "resolved_at", "answered_at", "acknowledged_at", "acted_at")
        for column in (*later, "met_at", "closed_at", "to_at", "paid_at", "disputed_at"):
            if column in seen:
                seen[column] = seen[column].where(seen[column] < self.cut)
        return seen

    def _since(self, rows: pd.DataFrame) -> float:
        return (self.cut - rows["told"].min().normalize()) / DAY if len(rows) else 0.0

    def ago(self, times: pd.Series) -> pd.Series:
        return (self.cut - times.dt.normalize()) / DAY

    def of(self, name: str, account: Any) -> pd.DataFrame:
        if name not in self.known:
            return pd.DataFrame()
        rows = self.known[name]
        return rows[rows["account_id"] == account]

    def facts(self, account: Any) -> dict[str, Any]:
        use = self.of("usage", account)
        use = use[use["quantity"].isna() | (use["quantity"] > 0)]
        held = self.of("subscriptions", account)
        self.tenure = self._tenure(account, use, held)
        found = {**self._use(use, held), **self._breadth(use, held), **self._effort(account, use)}
        found |= {**self._voice(account), **self._contract(account, held), **self._public(account)}
        found |= {**self._promises(account), **self._context(account)}
        found |= self._people(account, use) if "people" in self.known else {}
        found |= self._money(account) if "invoices" in self.known else {}
        found |= self._terms(held) if "notice_at" in held else {}
        contacts = self.known["contacts"]
        found |= self._support(account) if "severity" in contacts else {}
        found |= self._handovers(account) if "team" in contacts else {}
        return found

    def _tenure(self, account: Any, use: pd.DataFrame, held: pd.DataFrame) -> float:
        starts = [*self.of("accounts", account)["started_at"], *held["start_at"], *use["told"]]
        return max(float((self.cut - start.normalize()) // DAY) for start in starts)

    def exposure(self, days: int, table: str) -> float:
        return float(min(days, self.since[table], self.tenure))

    def _use(self, use: pd.DataFrame, held: pd.DataFrame) -> dict[str, Any]:
        found: dict[str, Any] = {}
        age, day = use["age"], use["at"].dt.normalize()
        for w in (7, 30, 90, 180):
            inside = use[age <= w]
            found[f"events_{w}d"], found[f"active_days_{w}d"] = len(inside), day[age <= w].nunique()
            found[f"active_users_{w}d"] = inside["user_id"].nunique()
            found[f"quantity_{w}d"] = inside["quantity"].sum()
            found[f"spend_{w}d"] = NONE if "value" not in use else inside["value"].sum()
        found["days_since_use"] = age.min() if len(use) else NONE
        found["decayed_events_30d"] = float((0.5 ** (age[age <= 180] / 30)).sum())
        e30, e60, e90 = (self.exposure(w, "usage") for w in (30, 60, 90))
        n90, d90 = found["events_90d"], found["active_days_90d"]
        found["events_per_day_90d"], found["active_day_share_90d"] = per(n90, e90), per(d90, e90)
        found["events_per_active_day_90d"] = per(n90, d90)
        late = age[age <= 180]
        gap = per(late.max() - late.min(), found["active_days_180d"] - 1) if len(late) else NONE
        found["use_gap_180d"], found["overdue_ratio_180d"] = gap, per(found["days_since_use"], gap)
        rates = [
            per(((age > lo) & (age <= lo + 30)).sum(), e) for lo, e in ((0, e30), (30, e60 - e30), (60, e90 - e60))
        ]
        found["events_trend_30d"] = per(rates[0] - rates[1], rates[0] + rates[1])
        found["events_acceleration_30d"] = per(rates[0] - 2 * rates[1] + rates[2], sum(rates))
        now, before = set(use["user_id"][age <= 30].dropna()), set(use["user_id"][(age > 30) & (age <= 60)].dropna())
        change = per(len(now) - len(before), len(now) + len(before))
        found["active_users_trend_30d"] = change if e60 > e30 else NONE
        found["events_slope_84d"] = self._slope(age, int(self.exposure(84, "usage")))
        first = self.ago(use["told"]).max() if len(use) else NONE
        found["days_to_first_use"] = self.tenure - first if self.tenure <= self.since["usage"] else NONE
        return {**found, **self._users(use, now, e30, held)}

    @staticmethod
    def _slope(age: pd.Series, days: int) -> float:
        counts = np.bincount(age[age <= days].astype(int), minlength=days + 1)[1:]
        if days < 14 or not counts.sum():
            return NONE
        return float(-7 * np.polyfit(np.arange(1, days + 1), counts, 1)[0] / counts.mean())

    def _users(self, use: pd.DataFrame, now: set[Any], e30: float, held: pd.DataFrame) -> dict[str, Any]:
        age, named = use["age"], use.dropna(subset="user_id")
        lately, long = named[named["age"] <= 30], named[named["age"] <= 180]
        earlier = set(use["user_id"][(age > 30) & (age <= 90)].dropna())
        first = self.ago(named.groupby("user_id")["told"].min())
        counted = (
            long.groupby("user_id")["age"].agg(["size", "min"]).sort_values(["size", "min"], ascending=[False, True])
        )
        seats = complete(held.loc[held["end_at"].isna(), "seats"])
        top = named[named["age"] <= 90]["user_id"].value_counts()
        fresh = self.since["usage"] > 30 or self.tenure <= self.since["usage"]
        pairs = lately.assign(day=lately["at"].dt.normalize())[["user_id", "day"]].drop_duplicates()
        return {
            "stickiness_30d": per(len(pairs), len(now) * e30),
            "events_per_user_30d": per(len(lately), len(now)),
            "seat_utilisation_30d": per(len(now), seats),
            "new_users_30d": int((first <= 30).sum()) if fresh else NONE,
            "lost_users_30d": len(earlier - now),
            "user_retention_30d": 1 - per(len(earlier - now), len(earlier)),
            "top_user_share_90d": per(top.iloc[0], top.sum()) if len(top) else NONE,
            "top_user_silent_days_180d": counted["min"].iloc[0] if len(counted) else NONE,
        }

    def _breadth(self, use: pd.DataFrame, held: pd.DataFrame) -> dict[str, Any]:
        found: dict[str, Any] = {}
        named, everyone = use.dropna(subset="feature"), self.known["usage"]
        first = self.ago(named.groupby("feature")["told"].min())
        running = held[held["end_at"].isna()].dropna(subset="plan").sort_values(["start_at", "plan"])
        plan = (
            None
            if running.empty
            else running[running["start_at"].dt.normalize() == running["start_at"].max().normalize()]["plan"].min()
        )
        plan = plan or self.of("accounts", account_of(use, held))["plan"].iloc[0]
        offered = self.raw["features"]
        offered = (
            offered[offered["plan"].isna() | (offered["plan"] == plan)] if plan in set(offered["plan"]) else offered
        )
        for w in (30, 90):
            counts = named["feature"][named["age"] <= w].value_counts()
            shares = counts / counts.sum()
            found[f"features_used_{w}d"] = len(counts)
            found[f"feature_share_{w}d"] = min(1.0, per(len(counts), offered["feature"].nunique()))
            found[f"effective_features_{w}d"] = float(np.exp(-(shares * np.log(shares)).sum())) if len(counts) else NONE
            found[f"top_feature_share_{w}d"] = shares.max() if len(counts) else NONE
            fresh = self.since["usage"] > w or self.tenure <= self.since["usage"]
            found[f"features_adopted_{w}d"] = int((first <= w).sum()) if fresh else NONE
            found[f"products_used_{w}d"] = use["product"][use["age"] <= w].nunique()
        before = set(named["feature"][(named["age"] > 30) & (named["age"] <= 90)])
        found["features_dropped_30d"] = len(before - set(named["feature"][named["age"] <= 30]))
        found["features_ever"] = len(first)
        untouched = max(0, everyone["product"].nunique() - found["products_used_90d"])
        found["products_untouched_90d"] = untouched if len(use) else NONE
        return {**found, "plan": plan}

    def _effort(self, account: Any, use: pd.DataFrame) -> dict[str, Any]:
        rows = self.of("contacts", account)
        lately, theirs = rows[rows["age"] <= 90], rows[rows["initiated_by"] != "vendor"]
        inbound = theirs[theirs["age"] <= 90]
        found = {f"contacts_{w}d": int((rows["age"] <= w).sum()) for w in (30, 90)}
        e30, e60, e90 = (self.exposure(w, "contacts") for w in (30, 60, 90))
        rates = per((rows["age"] <= 30).sum(), e30), per(((rows["age"] > 30) & (rows["age"] <= 60)).sum(), e60 - e30)
        people = use["user_id"][use["age"] <= 90].nunique()
        by = lately["initiated_by"].value_counts()
        meetings = lately[(lately["kind"] == "meeting") & lately["has_agenda_or_outcome"].notna()]
        helped = lately["self_service_first"].dropna().astype(bool)
        waiting = rows[rows["resolved_at"].isna()]
        cases = lately.dropna(subset="case_id")["case_id"]
        found |= {
            "contacts_per_day_90d": per(len(lately), e90),
            "contacts_per_user_90d": per(len(lately), people),
            "contacts_trend_30d": per(rates[0] - rates[1], rates[0] + rates[1]),
            "reactive_share_90d": per(by.get("customer", 0), by.get("customer", 0) + by.get("vendor", 0)),
            "proactive_contacts_90d": by.get("vendor", 0),
            "self_service_first_share_90d": per(helped.sum(), len(helped)),
            "meetings_without_outcome_share_90d": per(
                (~meetings["has_agenda_or_outcome"].astype(bool)).sum(), len(meetings)
            ),
            "channels_90d": lately["channel"].nunique(),
            "open_contacts": len(waiting),
            "oldest_open_days": waiting["age"].max() if len(waiting) else NONE,
            "days_since_contact": rows["age"].min() if len(rows) else NONE,
            "contacts_per_case_90d": per(len(cases), cases.nunique()),
        }
        for days, name in ((7, "repeat_contact_share_90d"), (14, "repeat_14_contact_share_90d")):
            found[name] = per(sum(self._repeats(row, theirs, days) for row in inbound.itertuples()), len(inbound))
        for stage in STAGES:
            found[f"contacts_{stage}_180d"] = int(((theirs["stage"] == stage) & (theirs["age"] <= 180)).sum())
        return {**found, **self._closed(rows)}

    @staticmethod
    def _repeats(row: Any, rows: pd.DataFrame, days: int) -> bool:
        before = rows[rows["opened_at"] < row.opened_at]
        same = (before["case_id"] == row.case_id) & before["case_id"].notna()
        unclear = before["case_id"].isna() | pd.isna(row.case_id)
        return bool((same | (unclear & (before["opened_at"] >= row.opened_at - days * DAY))).any())

    def _closed(self, rows: pd.DataFrame) -> dict[str, Any]:
        closed = rows[rows["resolved_at"].notna()]
        closed = closed[self.ago(closed["resolved_at"]) <= 90]
        hours = (closed["resolved_at"] - closed["opened_at"]) / pd.Timedelta(hours=1)
        return {
            "transfers_90d": closed["transfers"].sum(),
            "transfers_per_contact_90d": per(closed["transfers"].sum(), closed["transfers"].notna().sum()),
            "handlers_90d": closed["handler"].nunique(),
            "reopened_share_90d": per(closed["reopened"].sum(), closed["reopened"].notna().sum()),
            "information_requests_90d": closed["information_requests"].sum(),
            "hours_to_resolve_90d": hours.mean() if len(hours) else NONE,
        }

    def _voice(self, account: Any) -> dict[str, Any]:
        rows = self.of("surveys", account)
        answers = rows[rows["answered_at"].notna()].assign(ago=lambda t: self.ago(t["answered_at"]))
        found: dict[str, Any] = {"days_since_survey": answers["ago"].min() if len(answers) else NONE}
        for kind in ("nps", "csat", "ces"):
            scores = answers[(answers["kind"].str.lower() == kind) & answers["score"].notna()]
            last, year = scores[scores["answered_at"] == scores["answered_at"].max()], scores[scores["ago"] <= 365]
            found[f"{kind}_last"] = last["score"].mean() if len(last) else NONE
            found[f"{kind}_mean_365d"] = year["score"].mean() if len(year) else NONE
            earlier = year[~year.index.isin(last.index)]["score"]
            recent = len(last) and last["ago"].max() <= 365 and len(earlier)
            found[f"{kind}_change_365d"] = last["score"].mean() - earlier.mean() if recent else NONE
            if kind == "nps":
                found["promoter_share_365d"] = per((year["score"] >= 9).sum(), len(year))
                found["detractor_share_365d"] = per((year["score"] <= 6).sum(), len(year))
        patient = rows[rows["answered_at"].notna() | (rows["age"] > 14)]
        for w in (90, 180, 365):
            asked, told = patient[patient["age"] <= w], answers[answers["ago"] <= w]
            closed = told["acted_at"].notna()
            wait = (told["acknowledged_at"] - told["answered_at"]) / pd.Timedelta(hours=1)
            act = (told["acted_at"] - told["answered_at"]) / DAY
            found[f"survey_response_rate_{w}d"] = (
                per(asked["answered_at"].notna().sum(), len(asked)) if len(rows) else NONE
            )
            found[f"surveys_sent_{w}d"] = int((rows["age"] <= w).sum())
            found[f"hours_to_acknowledge_{w}d"] = wait.mean() if wait.notna().any() else NONE
            found[f"days_to_act_{w}d"] = act.mean() if act.notna().any() else NONE
            found[f"loops_acknowledged_share_{w}d"] = per(told["acknowledged_at"].notna().sum(), len(told))
            found[f"loops_closed_share_{w}d"] = per(closed.sum(), len(told))
        found |= self._comments(answers)
        last = rows[rows["answered_at"].notna()]["sent_at"].max()
        silent = rows[rows["answered_at"].isna() & (rows["age"] > 14)]
        row = silent if pd.isna(last) else silent[silent["sent_at"] > last]
        found["unanswered_in_a_row"] = len(row) if len(rows) else NONE
        open_ = answers[answers["acted_at"].isna() & (answers["ago"] <= 365)]["ago"]
        found["oldest_open_loop_days"] = open_.max() if len(open_) else NONE
        return found

    @staticmethod
    def _comments(answers: pd.DataFrame) -> dict[str, Any]:
        said = answers.dropna(subset="comment")
        said = said.assign(kind_of=english_polarity(list(said["comment"]))).dropna(subset="kind_of")
        last = said["kind_of"][said["answered_at"] == said["answered_at"].max()].mean()
        return {"comment_polarity_last": last, "comment_polarity_365d": said["kind_of"][said["ago"] <= 365].mean()}

    def _contract(self, account: Any, held: pd.DataFrame) -> dict[str, Any]:
        now = held[held["end_at"].isna()]
        then = held[(held["age"] > 90) & (held["end_at"].isna() | (self.ago(held["end_at"]) <= 90))]
        left = (now["planned_end"].dt.normalize() - self.cut) / DAY
        found: dict[str, Any] = {
            "tenure_days": self.tenure,
            "days_to_renewal": left.min() if left.notna().any() else NONE,
            "product_count": now["product"].nunique(),
            "contracts_begun": len(held) or NONE,
        }
        for name in ("mrr", "seats"):
            found[name], before = complete(now[name]), complete(then[name])
            found[f"{name}_change_90d"] = per(found[name] - before, before)
        booked = self.of("finance", account)
        year = booked[booked["age"] <= 365]
        money = complete(year["revenue"]) if len(year) else 0.0 if len(booked) else NONE
        cost = complete(year["cost_to_serve"]) if len(year) else 0.0 if len(booked) else NONE
        return {**found, "revenue_365d": money, "cost_to_serve_share_365d": per(cost, money)}

    def _public(self, account: Any) -> dict[str, Any]:
        rows = self.of("advocacy", account)
        stance = rows["stance"] if "stance" in rows else pd.Series(None, rows.index, dtype=object)
        rating = rows["rating"] if "rating" in rows else pd.Series(np.nan, rows.index)
        pro = (stance == "for") | (stance.isna() & rows["kind"].isin(PRAISE) & (rating.isna() | (rating >= 4)))
        complaint = rating.isna() & rows["kind"].isin(COMPLAINT)
        con = (stance == "against") | (stance.isna() & ((rating <= 2) | complaint))
        year = rows["age"] <= 365
        names = {"references": "reference", "referrals": "referral", "reviews": "review", "case_studies": "case_study"}
        kinds = {f"{name}_365d": int((year & pro & (rows["kind"] == kind)).sum()) for name, kind in names.items()}
        return {
            **kinds,
            "advocacy_acts_365d": int((year & pro).sum()),
            "public_against_365d": int((year & con).sum()),
            "days_since_advocacy": rows["age"][pro].min() if pro.any() else NONE,
        }

    def _promises(self, account: Any) -> dict[str, Any]:
        rows = self.of("expectations", account)
        closed = rows["closed_at"] if "closed_at" in rows else pd.Series(pd.NaT, rows.index)
        due, met = rows["due_at"].dt.normalize(), rows["met_at"].dt.normalize()
        open_, passed = rows["met_at"].isna() & closed.isna(), due < self.cut
        taken_back = (closed.dt.normalize() <= due) & (rows["outcome"] != "missed")
        fell_due = passed & ((self.cut - due) <= 365 * DAY) & ~taken_back
        lately = (self.cut - met) <= 365 * DAY
        overdue = (self.cut - due)[open_ & passed] / DAY
        found = {
            "expectations_open": int(open_.sum()),
            "expectations_overdue": len(overdue),
            "expectations_overdue_days": overdue.max() if len(overdue) else NONE,
            "met_on_time_share_365d": per((fell_due & (met <= due)).sum(), fell_due.sum()),
            "goals_met_365d": int(lately.sum()),
            "exceeded_share_365d": per(
                (lately & (rows["outcome"] == "exceeded")).sum(), (lately & rows["outcome"].notna()).sum()
            ),
        }
        if "kind" not in rows:
            return found
        kind = rows["kind"].fillna("goal")
        broken = rows["met_at"].isna() & ((self.cut - closed.dt.normalize()) <= 365 * DAY)
        broken &= rows["outcome"].isin(["missed", "declined"])
        stones = (kind == "milestone") & (rows["met_at"].notna() | closed.isna() | (rows["outcome"] == "missed"))
        first = met[kind == "goal"].min()
        start = self.cut - self.tenure * DAY
        return found | {
            "sales_promises_unmet": int(((kind == "sales_promise") & ((open_ & passed) | broken)).sum()),
            "action_items_overdue": int(((kind == "action_item") & open_ & passed).sum()),
            "days_to_first_goal_met": NONE if pd.isna(first) else max((first - start) / DAY, 0.0),
            "milestones_done_share": per((stones & rows["met_at"].notna()).sum(), stones.sum()),
        }

    def _context(self, account: Any) -> dict[str, Any]:
        row = self.of("accounts", account).iloc[0]
        return {f"account_{name}": row[name] for name in ("segment", "industry", "region")}

    def _people(self, account: Any, use: pd.DataFrame) -> dict[str, Any]:
        rows, talks = self.of("people", account), self.of("contacts", account)
        here, sponsors = rows[rows["to_at"].isna()], rows[rows["role"] == "sponsor"]
        changes = [*self.ago(sponsors["to_at"]).dropna()]
        changes += [sponsors["age"].min()] if sponsors["age"].min() < sponsors["age"].max() else []
        came = talks[talks["attended"].fillna(True).astype(bool)] if "attended" in talks else talks
        silent = []
        for one in here[here["role"] == "sponsor"].dropna(subset="person_id").itertuples():
            heard = [*came["age"][came["person_id"] == one.person_id], *use["age"][use["user_id"] == one.person_id]]
            silent.append(min([one.age, *heard]))
        roles = {"sponsor", "champion", "decider", "admin"}
        gone = rows[(rows["role"] == "champion") & (self.ago(rows["to_at"]) <= 180)]
        found = {
            "sponsor_known": int((here["role"] == "sponsor").sum()),
            "days_since_sponsor_change": min(changes, default=NONE),
            "sponsor_silent_days": min(silent, default=NONE),
            "roles_covered": len(roles & set(here["role"])),
            "champion_left_180d": len(gone),
        }
        return {**found, **self._respondents(account, use, rows)}

    def _respondents(self, account: Any, use: pd.DataFrame, people: pd.DataFrame) -> dict[str, Any]:
        rows = self.of("surveys", account)
        told = rows[rows["answered_at"].notna() & rows["respondent"].notna()]
        told = told[self.ago(told["answered_at"]) <= 365]
        deciding = set(people.loc[people["role"].isin(["sponsor", "decider"]), "person_id"])
        users = (set(people["person_id"]) | set(use["user_id"])) - deciding
        nps = told[(told["kind"].str.lower() == "nps") & told["score"].notna()]
        theirs, ours = (nps["score"][nps["respondent"].isin(who)].mean() for who in (deciding, users))
        return {
            "respondents_365d": told["respondent"].nunique(),
            "nps_users_365d": ours,
            "nps_deciders_365d": theirs,
            "nps_decider_gap_365d": theirs - ours,
        }

    def _money(self, account: Any) -> dict[str, Any]:
        rows = self.of("invoices", account)
        due, paid = rows["due_at"].dt.normalize(), rows["paid_at"].dt.normalize()
        late = rows[rows["paid_at"].isna() & (due < self.cut)]
        lately = (self.cut - paid) <= 365 * DAY
        days = ((paid - due)[lately & due.notna()] / DAY).clip(lower=0)
        owed = late[late["amount"].isna() | (late["amount"] > 0)]
        return {
            "overdue_amount": max(0.0, complete(late["amount"])) if len(late) else 0.0,
            "overdue_days": self.ago(owed["due_at"]).max() if len(owed) else NONE,
            "days_late_mean_365d": days.mean() if len(days) else NONE,
            "disputed_open": int((rows["paid_at"].isna() & rows["disputed_at"].notna()).sum()),
            "invoices_disputed_365d": int((self.ago(rows["disputed_at"]) <= 365).sum()),
        }

    def _support(self, account: Any) -> dict[str, Any]:
        rows = self.of("contacts", account)
        closed = rows[rows["resolved_at"].notna()]
        closed = closed[self.ago(closed["resolved_at"]) <= 90]["cause"].str.lower()
        due = rows[
            rows["due_at"].notna() & (rows["due_at"].dt.normalize() < self.cut) & (self.ago(rows["due_at"]) <= 90)
        ]
        limit = due["due_at"].where(
            due["due_at"] != due["due_at"].dt.normalize(), due["due_at"] + DAY - pd.Timedelta("1s")
        )
        missed = due["resolved_at"].isna() | (due["resolved_at"].dt.floor("s") > limit.dt.floor("s"))
        meetings = rows[(rows["kind"] == "meeting") & (rows["age"] <= 180) & rows["attended"].notna()]
        return {
            "open_severe": int(((rows["severity"] <= 2) & rows["resolved_at"].isna()).sum()),
            **{f"{cause}s_90d": int((closed == cause).sum()) for cause in ("defect", "question", "outage")},
            "sla_missed_share_90d": per(missed.sum(), len(due)),
            "meetings_missed_share_180d": per((~meetings["attended"].astype(bool)).sum(), len(meetings)),
        }

    def _handovers(self, account: Any) -> dict[str, Any]:
        rows = self.of("contacts", account).dropna(subset="team")
        rows = rows[rows["age"] <= 365].sort_values(["opened_at", "team"])
        before = rows["team"].shift()
        passed = before.notna() & (before != rows["team"])
        gaps = rows["age"].shift()[passed] - rows["age"][passed]
        asked = 0.0
        last = NONE
        for row, hand in zip(rows.itertuples(), passed, strict=True):
            last = row.age if hand else last
            if (
                last <= 90
                and last - row.age <= 30
                and not pd.isna(row.resolved_at)
                and not pd.isna(row.information_requests)
            ):
                asked += row.information_requests
        found = {"handovers_365d": int(passed.sum()), "asked_after_handover_90d": asked}
        return {**found, "handover_gap_days_365d": gaps.mean() if len(gaps) else NONE}

    def _terms(self, held: pd.DataFrame) -> dict[str, Any]:
        now = held[held["end_at"].isna()]
        days = (now["planned_end"].dt.normalize() - now["start_at"].dt.normalize()) / DAY
        notice = (now["notice_at"].dt.normalize() - self.cut) / DAY
        ahead = notice[notice >= 0]
        past = (self.cut - now["planned_end"].dt.normalize()) / DAY
        renews = now["auto_renews"].dropna().astype(bool)
        listed, price = complete(now["list_price"]), complete(now["mrr"])
        return {
            "term_days": days.max(),
            "days_to_notice": ahead.min() if len(ahead) else notice.max(),
            "auto_renews": per(renews.sum(), len(renews)),
            "days_past_planned_end": max(past.max(), 0.0) if past.notna().any() else NONE,
            "discount": per(listed - price, listed),
        }


def account_of(*frames: pd.DataFrame) -> Any:
    return next(frame["account_id"].iloc[0] for frame in frames if len(frame))


def plain_features(tables: dict[str, pd.DataFrame], accounts: list[Any], as_of: str | pd.Timestamp) -> pd.DataFrame:
    """All features of some accounts."""
    known = Tables(tables, as_of)
    return pd.DataFrame([known.facts(account) for account in accounts], index=accounts)
