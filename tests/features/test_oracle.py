"""Every feature against slow, plain Python that shares no code with it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.coalitions import coalition_members, players
from features.cutoff import Cutoff
from features.frame import FrameSpec, base, join_base, members, pooled
from features.inputs import Inputs
from features.money import Unit

pytestmark = pytest.mark.slow

Row = dict[str, Any]
Tables = dict[str, list[Row]]
Build = Callable[[Tables], Inputs]

CUTOFFS = {
    "at_close": Cutoff(),
    "before": Cutoff("days_before_close", days=4.5),
    "stage": Cutoff("stage_entry", stage="Proposal"),
    "age": Cutoff("age_days", days=10),
}
TYPES = ("isv", "msp", "si", "unknown")
TIERS = ("gold", "silver")
STAGES = ("pre_sale", "point_of_sale", "post_sale")
KINDS = {"call": {"Call", "call!"}, "demo": {"Demo"}, "e_mail": {"e-mail"}}


def whole_seconds(moment: datetime) -> int:
    return math.floor(moment.timestamp())


def rounded(value: float) -> int:
    return math.floor(value + 0.5)


def dose(count: int) -> int:
    return rounded((1 - math.exp(-count / 3)) * 1_000_000)


class Oracle:
    """The features of one company at one cutoff, by loops over lists."""

    def __init__(self, tables: Tables, cutoff: Cutoff) -> None:
        self.tables = tables
        self.cutoff = cutoff
        self.types = {p["partner_id"]: p["partner_type"] for p in tables["partners"]}

    def closed(self) -> Iterator[Row]:
        return (deal for deal in self.tables["deals"] if deal["outcome"] != "open")

    def cutoff_at(self, deal: Row) -> datetime | None:
        closed, created = deal["closed_at"], deal["created_at"]
        if self.cutoff.kind == "at_close":
            return closed  # type: ignore[no-any-return]
        if self.cutoff.kind == "days_before_close":
            moment = closed - timedelta(days=self.cutoff.days or 0)
            return moment if moment >= created else None
        if self.cutoff.kind == "age_days":
            moment = created + timedelta(days=self.cutoff.days or 0)
        else:
            history = (s for s in self.tables["stage_history"] if s["deal_id"] == deal["deal_id"])
            entries = [s["entered_at"] for s in history if s["stage"] == self.cutoff.stage]
            if not entries:
                return None
            moment = min(entries)
        return moment if moment <= closed else None

    def dated(self) -> Iterator[tuple[Row, datetime]]:
        for deal in self.closed():
            moment = self.cutoff_at(deal)
            if moment is not None:
                yield deal, moment

    def known(self, deal: Row, at: datetime) -> list[Row]:
        touches = (t for t in self.tables["touchpoints"] if t["deal_id"] == deal["deal_id"])
        return [t for t in touches if t["occurred_at"] <= at and (t["recorded_at"] or t["occurred_at"]) <= at]

    def base(self) -> Iterator[Row]:
        for deal, at in self.dated():
            own = [t for t in self.known(deal, at) if t["partner_id"] is None]
            row = {key: deal.get(key) for key in ("deal_id", "account_id", "outcome", "closed_at")}
            row |= {
                "cutoff_at": at,
                "amount": self.amount(deal),
                **self.covariates(deal),
                **self.progress(deal, at),
                **self.records(deal, at),
            }
            yield row | {f"own_{name}": value for name, value in self.touched(own, deal, at).items()}

    def amount(self, deal: Row) -> float | None:
        rate: float | None = 1.0 if deal["currency"] == "EUR" else deal["fx_rate"]
        return None if rate is None or deal["amount"] is None else rate * deal["amount"]

    def covariates(self, deal: Row) -> Row:
        names = ("segment", "industry", "region", "deal_type", "source", "solution", "route", "x_score", "x_label")
        flag = deal["x_flag"]
        return {name: deal.get(name) for name in names} | {"x_flag": None if flag is None else float(flag)}

    def progress(self, deal: Row, at: datetime) -> Row:
        entries = [s for s in self.tables["stage_history"] if s["deal_id"] == deal["deal_id"] and s["entered_at"] < at]
        last = max(entries, key=lambda s: (s["entered_at"], s["stage"])) if entries else None
        return {
            "deal_age_days": (whole_seconds(at) - whole_seconds(deal["created_at"])) / 86400,
            "cutoff_quarter": (at.month + 2) // 3,
            "stages_entered": len({s["stage"] for s in entries}) if entries else None,
            "stage_at_cutoff": last and last["stage"],
            "days_in_stage": (whole_seconds(at) - whole_seconds(last["entered_at"])) / 86400 if last else None,
        }

    def records(self, deal: Row, at: datetime) -> Row:
        before = [d for d in self.closed() if d["closed_at"] < at]
        account = [d for d in before if d["account_id"] == deal["account_id"]]
        owner = [d for d in before if d["owner_id"] == deal["owner_id"]] if deal["owner_id"] else None
        return {
            "overall_win_rate": self.overall(at),
            "account_past_deals": len(account),
            "account_past_wins": self.wins(account),
            "account_past_win_rate": self.shrunk(account, at),
            "owner_past_deals": None if owner is None else len(owner),
            "owner_past_win_rate": None if owner is None else self.shrunk(owner, at),
        }

    def wins(self, deals: list[Row]) -> int:
        return sum(deal["outcome"] == "won" for deal in deals)

    def overall(self, at: datetime) -> float | None:
        before = [d for d in self.closed() if d["closed_at"] < at]
        return self.wins(before) / len(before) if before else None

    def shrunk(self, deals: list[Row], at: datetime) -> float | None:
        overall = self.overall(at)
        return None if overall is None else (self.wins(deals) + 10 * overall) / (len(deals) + 10)

    def touched(self, touches: list[Row], deal: Row, at: datetime) -> Row:
        moments = sorted(whole_seconds(t["occurred_at"]) for t in touches)
        created, cutoff = whole_seconds(deal["created_at"]), whole_seconds(at)
        age = cutoff - created
        early = sum(m <= created + 30 * 86400 for m in moments)
        timed = [t["minutes"] for t in touches if t["minutes"] is not None]
        row = {
            "touches": len(touches),
            "dose": dose(len(touches)),
            "touches_per_30_days": rounded(len(touches) * 30 * 86400 / max(age, 86400) * 1_000_000),
            "early_touches": early,
            "early_dose": dose(early),
            "contacts": len({t["contact_id"] for t in touches} - {None}),
            "touch_seconds": sum(rounded(m * 60) for m in timed) if timed or not touches else None,
        }
        return row | self.timing(moments, created, cutoff) | self.by_family(touches)

    def timing(self, moments: list[int], created: int, cutoff: int) -> Row:
        if not moments:
            names = ("days_since_last_touch", "days_to_first_touch", "first_touch_position", "span_days")
            return dict.fromkeys((*names, "longest_gap_days"))
        first, last, age = moments[0], moments[-1], cutoff - created
        gaps = [after - before for before, after in pairwise(moments)]
        return {
            "days_since_last_touch": (cutoff - last) / 86400,
            "days_to_first_touch": (first - created) / 86400,
            "first_touch_position": max(0.0, (first - created) / age) if age > 0 else None,
            "span_days": (last - first) / 86400,
            "longest_gap_days": max(gaps) / 86400 if gaps else None,
        }

    def by_family(self, touches: list[Row]) -> Row:
        counts = {f"of_{label}": sum(t["kind"] in kinds for t in touches) for label, kinds in KINDS.items()}
        counts |= {f"in_{stage}": sum(t["journey_stage"] == stage for t in touches) for stage in STAGES}
        return {f"touches_{k}": n for k, n in counts.items()} | {f"dose_{k}": dose(n) for k, n in counts.items()}

    def members(self) -> Iterator[Row]:
        for deal, at in self.dated():
            known = self.known(deal, at)
            own = [t for t in known if t["partner_id"] is None]
            for partner in sorted({t["partner_id"] for t in known} - {None}):
                yield self.member(deal, at, partner, [t for t in known if t["partner_id"] == partner], own)

    def member(self, deal: Row, at: datetime, partner: str, touches: list[Row], own: list[Row]) -> Row:
        row = {"deal_id": deal["deal_id"], "account_id": deal["account_id"], "partner_id": partner}
        row |= self.touched(touches, deal, at) | self.nearness(touches, own)
        row |= self.who(partner, row["dose"]) | self.standing(deal, at, partner) | self.past(deal, at, partner)
        moments = self.moments(deal, at, partner)
        return row | {"moments": len(moments), "moment_confidence": sum(rounded(m * 1_000_000) for m in moments)}

    def nearness(self, touches: list[Row], own: list[Row]) -> Row:
        own_moments = [whole_seconds(t["occurred_at"]) for t in own]
        near = 0
        for touch in touches:
            near += any(abs(whole_seconds(touch["occurred_at"]) - o) <= 7 * 86400 for o in own_moments)
        return {"touches_near_own_team": near, "share_near_own_team": near / len(touches)}

    def who(self, partner: str, dose: int) -> Row:
        kind = self.types.get(partner, "unknown")
        tiers = {p["partner_id"]: p["tier"] for p in self.tables["partners"]}
        flags = {f"partners_by_{t}": int(t == kind) for t in TYPES}
        flags |= {f"partners_of_tier_{tier}": int(tiers.get(partner) == tier) for tier in TIERS}
        return (
            {"partner_type": kind, "tier": tiers.get(partner)}
            | flags
            | {f"dose_by_{t}": dose if t == kind else 0 for t in TYPES}
        )

    def standing(self, deal: Row, at: datetime, partner: str) -> Row:
        installed = any(
            i["account_id"] == deal["account_id"]
            and i["partner_id"] == partner
            and i["installed_at"] <= at
            and (i["removed_at"] is None or i["removed_at"] > at)
            for i in self.tables["integrations"]
        )
        leads = [
            lead
            for lead in self.tables["leads"]
            if lead["deal_id"] == deal["deal_id"]
            and lead["partner_id"] == partner
            and lead["direction"] == "from_partner"
            and lead["registered_at"] is not None
            and lead["registered_at"] <= at
        ]
        return {"deal_segment": deal["segment"], "has_integration": int(installed), "registered_leads": len(leads)}

    def past(self, deal: Row, at: datetime, partner: str) -> Row:
        earlier = [d for d in self.closed() if d["closed_at"] < at and self.took_part(d, partner, at)]
        here = [d for d in earlier if d["account_id"] == deal["account_id"]]
        return {
            "past_deals": len(earlier),
            "past_deals_at_account": len(here),
            "past_win_rate": self.shrunk(earlier, at),
        }

    def took_part(self, deal: Row, partner: str, at: datetime) -> bool:
        return any(
            t["deal_id"] == deal["deal_id"]
            and t["partner_id"] == partner
            and t["occurred_at"] <= deal["closed_at"]
            and (t["recorded_at"] or t["occurred_at"]) < at
            for t in self.tables["touchpoints"]
        )

    def moments(self, deal: Row, at: datetime, partner: str) -> list[float]:
        begun = {c["conversation_id"] for c in self.tables["conversations"] if c["started_at"] <= at}
        found = (m for m in self.tables["moments"] if m["deal_id"] == deal["deal_id"] and m["partner_id"] == partner)
        return [m["confidence"] for m in found if m["conversation_id"] in begun]

    def pooled(self, rows: Iterable[Row]) -> Row:
        rows = list(rows)
        made: Row = {"partners": len(rows)}
        for name in POOLED:
            column, pool = name.rsplit("_", 1)
            values = [row[column] for row in rows if row[column] is not None]
            if pool == "sum":
                made[name] = sum(values) if values or not rows else None
            else:
                made[name] = ({"min": min, "max": max}[pool])(values) if values else None
        return made


FAMILY_SUMS = [f"{w}_of_{k}" for w in ("touches", "dose") for k in KINDS]
FAMILY_SUMS += [f"{w}_in_{s}" for w in ("touches", "dose") for s in STAGES]
FAMILY_SUMS += [f"{w}_by_{t}" for w in ("partners", "dose") for t in TYPES]
FAMILY_SUMS += [f"partners_of_tier_{tier}" for tier in TIERS]
POOLED = [
    *(f"{name}_{pool}" for name in ("touches", "dose", "touches_per_30_days", "contacts") for pool in ("sum", "max")),
    *(f"{name}_{pool}" for name in ("past_deals", "past_deals_at_account") for pool in ("sum", "max")),
    *(f"{name}_{pool}" for name in ("days_since_last_touch", "first_touch_position") for pool in ("min", "max")),
    *(f"past_win_rate_{pool}" for pool in ("min", "max")),
    *("early_touches_sum", "early_dose_sum", "touch_seconds_sum", "touches_near_own_team_sum"),
    *("days_to_first_touch_min", "span_days_max", "longest_gap_days_max", "share_near_own_team_max"),
    *("has_integration_sum", "registered_leads_sum", "moments_sum", "moment_confidence_sum"),
    *(f"{name}_sum" for name in FAMILY_SUMS),
]


def assert_same(frame: pd.DataFrame, rows: Iterable[Row], keys: list[str]) -> None:
    """The frame holds exactly the rows, in any order, with exactly their columns: whole numbers exactly equal."""
    expected = {tuple(row[key] for key in keys): row for row in rows}
    found = {tuple(row[key] for key in keys): row for row in frame.to_dict("records")}
    assert found.keys() == expected.keys()
    assert len(found) == len(frame)
    for key, row in expected.items():
        assert set(frame.columns) == set(row)
        for name, value in row.items():
            assert_equal(found[key][name], value, f"{name} of {key}")


def assert_equal(found: Any, expected: Any, what: str) -> None:
    if expected is None:
        assert pd.isna(found), f"{what}: {found} instead of nothing"
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-12), what
    else:
        assert found == expected, f"{what}: {found} instead of {expected}"


def spec_for(cutoff: Cutoff) -> FrameSpec:
    covariates = ("segment", "industry", "region", "deal_type", "source", "solution", "route")
    kinds = tuple(sorted(kind for label in KINDS.values() for kind in label))
    extra = ("x_flag", "x_label", "x_score")
    return FrameSpec(cutoff, kinds, TYPES, (*covariates, *extra), TIERS, Unit("EUR", report_currency="EUR"))


def of_deal(rows: Iterable[Row], deal_id: str) -> list[Row]:
    return [row for row in rows if row["deal_id"] == deal_id]


def coalitions(rows: list[Row]) -> Iterator[tuple[int, list[Row]]]:
    """Every coalition but the empty one, of one deal's members in the order of their ids."""
    for mask in range(1, 2 ** len(rows)):
        yield mask, [row for place, row in enumerate(rows) if mask & (1 << place)]


@pytest.mark.parametrize(
    "name", ["at_close", "age", *(pytest.param(name, marks=pytest.mark.slow) for name in ("before", "stage"))]
)
def test_every_base_and_member_feature_equals_the_oracle(
    name: str, inputs: Build, company: Callable[[int], Tables]
) -> None:
    tables, cutoff = company(1), CUTOFFS[name]
    made, oracle = inputs(tables), Oracle(tables, cutoff)
    assert_same(base(made, spec_for(cutoff)).execute(), oracle.base(), ["deal_id"])
    assert_same(members(made, spec_for(cutoff)).execute(), oracle.members(), ["deal_id", "partner_id"])


def test_every_pooled_feature_equals_the_oracle(inputs: Build, company: Callable[[int], Tables]) -> None:
    tables, cutoff = company(2), Cutoff()
    made, oracle = inputs(tables), Oracle(tables, cutoff)
    rows = list(oracle.members())
    expected = [row | oracle.pooled(of_deal(rows, row["deal_id"])) for row in oracle.base()]
    assert any(row["partners"] == 0 for row in expected)
    frame = join_base(base(made, spec_for(cutoff)), pooled(members(made, spec_for(cutoff))))
    assert_same(frame.execute(), expected, ["deal_id"])


def test_every_coalition_equals_the_oracle(inputs: Build, company: Callable[[int], Tables]) -> None:
    tables, cutoff = company(3), Cutoff()
    oracle = Oracle(tables, cutoff)
    rows = list(oracle.members())
    expected = [
        {"deal_id": deal_id, "coalition": mask} | oracle.pooled(inside)
        for deal_id in sorted({row["deal_id"] for row in rows})
        for mask, inside in coalitions(of_deal(rows, deal_id))
    ]
    member_frame = members(inputs(tables), spec_for(cutoff))
    found = pooled(coalition_members(member_frame, 10), ("deal_id", "coalition")).execute()
    assert_same(found, expected, ["deal_id", "coalition"])


def test_players_equal_the_oracle(inputs: Build, company: Callable[[int], Tables]) -> None:
    tables = company(4)
    closed_at = {deal["deal_id"]: deal["closed_at"] for deal in tables["deals"] if deal["outcome"] != "open"}
    touches = [t for t in tables["touchpoints"] if t["deal_id"] in closed_at and t["partner_id"]]
    expected = {(t["deal_id"], t["partner_id"]) for t in touches if t["occurred_at"] <= closed_at[t["deal_id"]]}
    found = players(inputs(tables)).execute()
    assert set(found.itertuples(index=False, name=None)) == expected
    assert len(found) == len(expected)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(10, 10**6), name=st.sampled_from(sorted(CUTOFFS)))
def test_features_of_any_company_equal_the_oracle(
    seed: int, name: str, inputs: Build, company: Callable[[int], Tables]
) -> None:
    tables, cutoff = company(seed), CUTOFFS[name]
    made, oracle = inputs(tables), Oracle(tables, cutoff)
    assert_same(base(made, spec_for(cutoff)).execute(), oracle.base(), ["deal_id"])
    assert_same(members(made, spec_for(cutoff)).execute(), oracle.members(), ["deal_id", "partner_id"])
