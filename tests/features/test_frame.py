"""Frames: what changes them, and what never does."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import ibis
import pandas as pd
import pytest

from features.cutoff import Cutoff
from features.frame import FrameSpec, base, frame_spec, join_base, members, pooled
from features.inputs import Inputs
from features.money import Unit
from features.registry import KEYS, MEMBER_KEYS

pytestmark = pytest.mark.slow

Tables = dict[str, list[dict[str, Any]]]
Build = Callable[[Tables], Inputs]
Frames = dict[str, pd.DataFrame]

SPEC = FrameSpec(Cutoff(), ("Call", "call!", "Demo"), ("isv", "si", "msp"), ("segment", "x_score"))
LATER = timedelta(days=500)


def frames(made: Inputs) -> Frames:
    """Base and members, rows sorted by their ids."""
    found = {"base": base(made, SPEC).execute(), "members": members(made, SPEC).execute()}
    keys = {"base": ["deal_id"], "members": ["deal_id", "partner_id"]}
    return {name: frame.sort_values(keys[name], ignore_index=True) for name, frame in found.items()}


@pytest.fixture(scope="module")
def expected(inputs: Build, company: Callable[[int], Tables]) -> Frames:
    """The frames of the company that the tests change."""
    return frames(inputs(company(7)))


def assert_same(found: Frames, expected: Frames) -> None:
    for name, frame in expected.items():
        pd.testing.assert_frame_equal(found[name], frame, check_exact=True)


def after_close(row: dict[str, Any], at: str, suffix: str, key: str | None) -> dict[str, Any]:
    return row | {at: row[at] + LATER} | ({key: row[key] + suffix} if key else {})


def with_later_rows(tables: Tables) -> Tables:
    """The tables with a copy of every event moved far behind every close."""
    moved = {
        "touchpoints": ("occurred_at", "touchpoint_id"),
        "stage_history": ("entered_at", None),
        "integrations": ("installed_at", None),
        "leads": ("registered_at", "lead_id"),
    }
    later = dict(tables)
    for name, (at, key) in moved.items():
        rows = [row | {"removed_at": None} if name == "integrations" else row for row in tables[name]]
        copies = [after_close(row, at, "+", key) for row in rows if row[at] is not None]
        later[name] = tables[name] + [row | {"recorded_at": None} if name == "touchpoints" else row for row in copies]
    return later


def with_late_records(tables: Tables) -> Tables:
    """The tables with a copy of every touch that happened when it did, but was recorded far behind every close."""
    touches = tables["touchpoints"]
    late = [t | {"touchpoint_id": t["touchpoint_id"] + "+", "recorded_at": t["occurred_at"] + LATER} for t in touches]
    return tables | {"touchpoints": touches + late}


def with_later_deals(tables: Tables) -> Tables:
    """The tables with a copy of every closed deal and its touches, closing at or after all others."""
    last = max(deal["closed_at"] for deal in tables["deals"] if deal["closed_at"])
    copies = [d | {"deal_id": "new " + d["deal_id"], "closed_at": last} for d in tables["deals"] if d["closed_at"]]
    touches = [
        t | {"deal_id": "new " + t["deal_id"], "touchpoint_id": "new " + t["touchpoint_id"]}
        for t in tables["touchpoints"]
    ]
    return tables | {"deals": tables["deals"] + copies, "touchpoints": tables["touchpoints"] + touches}


def shuffled(tables: Tables) -> Tables:
    generator = random.Random(3)
    return {name: generator.sample(rows, len(rows)) for name, rows in tables.items()}


@pytest.mark.parametrize("change", [with_later_rows, with_late_records, shuffled], ids=lambda c: c.__name__)
def test_what_was_not_known_and_the_order_of_rows_change_nothing(
    change: Callable[[Tables], Tables], inputs: Build, company: Callable[[int], Tables], expected: Frames
) -> None:
    assert_same(frames(inputs(change(company(7)))), expected)


def test_deals_that_close_later_change_nothing(
    inputs: Build, company: Callable[[int], Tables], expected: Frames
) -> None:
    found = frames(inputs(with_later_deals(company(7))))
    ours = {
        name: frame[~frame["deal_id"].str.startswith("new ")].reset_index(drop=True) for name, frame in found.items()
    }
    assert len(ours["base"]) < len(found["base"])
    assert_same(ours, expected)


def test_renamed_partners_change_only_their_names(
    inputs: Build, company: Callable[[int], Tables], expected: Frames
) -> None:
    names = {"p1": "zeta", "p2": "alpha", "p3": "__x", "p4": "Ω", "unlisted": "0", None: None}
    renamed = {
        table: [row | {"partner_id": names[row["partner_id"]]} if "partner_id" in row else row for row in rows]
        for table, rows in company(7).items()
    }
    found = frames(inputs(renamed))
    back = {new: old for old, new in names.items()}
    found["members"]["partner_id"] = found["members"]["partner_id"].map(back)
    found["members"] = found["members"].sort_values(["deal_id", "partner_id"], ignore_index=True)
    assert_same(found, expected)


def test_a_frame_begins_with_its_keys(inputs: Build, company: Callable[[int], Tables]) -> None:
    made = inputs(company(7))
    assert tuple(base(made, SPEC).columns[: len(KEYS)]) == KEYS
    assert tuple(members(made, SPEC).columns[: len(MEMBER_KEYS)]) == MEMBER_KEYS


def test_kinds_and_types_come_from_known_touches_most_frequent_first(inputs: Build) -> None:
    start = datetime(2024, 3, 1, tzinfo=UTC)
    keys = {"deal_id": "d", "account_id": "a", "deal_type": "new", "outcome": "won"}
    deal = {**keys, "created_at": start, "closed_at": start + timedelta(days=9)}
    acted = [("demo", "p", 1), ("call", "q", 1), ("call", None, 2), ("visit", "r", 10), ("audit", "q", 3)]
    rows = [
        {"touchpoint_id": str(i), "deal_id": "d", "kind": kind, "partner_id": who, "occurred_at": start + timedelta(n)}
        for i, (kind, who, n) in enumerate(acted)
    ]
    ranks = (("q", "si", "Gold"), ("r", "isv", "silver"))
    listed = [{"partner_id": p, "name": p, "partner_type": kind, "tier": tier} for p, kind, tier in ranks]
    spec = frame_spec(inputs({"deals": [deal], "touchpoints": rows, "partners": listed}), Cutoff())
    assert spec.kinds == ("call", "audit", "demo")
    assert spec.partner_types == ("si", "unknown")
    assert spec.tiers == ("Gold",)
    assert spec.families["tier"] == {"gold": ("Gold",)}


def test_a_spec_survives_json() -> None:
    spec = replace(SPEC, tiers=("Gold",), unit=Unit("USD", "EUR"))
    assert FrameSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_kinds_that_differ_only_in_case_or_punctuation_share_a_column() -> None:
    families = FrameSpec(Cutoff(), ("e-mail", "E Mail", "会議", "???"), (), ()).families
    assert families["kind"] == {"e_mail": ("E Mail", "e-mail"), "会議": ("会議",), "other": ("???",)}


def test_a_deal_without_members_has_zero_sums_and_missing_extremes() -> None:
    deals = ibis.memtable(pd.DataFrame({"deal_id": ["with", "without"], "account_id": ["a", "b"]}))
    rows = pd.DataFrame({"deal_id": ["with", "with"], "partner_id": ["p", "q"], "touches": [2, 3], "effect": [-5, 2]})
    joined = join_base(deals, pooled(ibis.memtable(rows), extra=("effect",))).execute().set_index("deal_id")
    assert joined.loc["with", ["partners", "touches_sum", "touches_max", "effect_sum"]].tolist() == [2, 5, 3, -3]
    assert joined.loc["without", ["partners", "touches_sum", "effect_sum"]].tolist() == [0, 0, 0]
    assert pd.isna(joined.loc["without", "touches_max"])


def test_a_sum_that_is_not_known_stays_missing() -> None:
    deals = ibis.memtable(pd.DataFrame({"deal_id": ["d"]}))
    rows = ibis.memtable(
        {"deal_id": ["d"], "touch_seconds": [None]}, schema={"deal_id": "string", "touch_seconds": "int64"}
    )
    assert pd.isna(join_base(deals, pooled(rows)).execute().loc[0, "touch_seconds_sum"])
