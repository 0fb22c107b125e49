"""The member features of ``features.frame.members`` by hand in pandas, as one would write them: for comparison.

What comes from touches, partners and the past is here, and equals the frame's to 1e-12 on the benchmark's company.
Integrations, leads, moments and tiers, which that company has not, are left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

PLAYER: Final = ["deal_id", "partner_id"]
DAY: Final = 86_400
MILLION: Final = 1_000_000
STAGES: Final = ("pre_sale", "point_of_sale", "post_sale")


def members(folder: Path) -> pd.DataFrame:
    """A row a deal and partner, sorted by both, from the Parquet tables in ``folder``."""
    deals = pd.read_parquet(folder / "deals.parquet")
    known = _known(pd.read_parquet(folder / "touchpoints.parquet"), deals)
    kinds = sorted(known["kind"].unique())
    near = _near_own_team(known)
    touches = known[known["partner_id"].notna()].assign(near=near[known["partner_id"].notna()])
    rows = _of_touches(touches, kinds).merge(deals[["deal_id", "account_id", "closed_at"]], on="deal_id")
    listed = pd.read_parquet(folder / "partners.parquet")
    rows = rows.merge(listed[["partner_id", "partner_type"]], on="partner_id", how="left")
    for name in sorted(listed["partner_type"].unique()):
        rows[f"partners_by_{name}"] = (rows["partner_type"] == name).astype("int64")
        rows[f"dose_by_{name}"] = np.where(rows["partner_type"] == name, rows["dose"], 0)
    return _with_past(rows, deals).sort_values(PLAYER, ignore_index=True)


def _known(touches: pd.DataFrame, deals: pd.DataFrame) -> pd.DataFrame:
    dated = touches.merge(deals[["deal_id", "created_at", "closed_at"]], on="deal_id")
    seen = dated["recorded_at"].isna() | (dated["recorded_at"] <= dated["closed_at"])
    known = dated[(dated["occurred_at"] <= dated["closed_at"]) & seen].sort_values(["deal_id", "occurred_at"])
    moments = {"at": "occurred_at", "cutoff": "closed_at", "created": "created_at"}
    return known.assign(**{name: _seconds(known[column]) for name, column in moments.items()}).reset_index(drop=True)


def _near_own_team(known: pd.DataFrame) -> pd.Series:
    own = known["at"].where(known["partner_id"].isna())
    before, after = own.groupby(known["deal_id"]).ffill(), own.groupby(known["deal_id"]).bfill()
    return (known["at"] - before <= 7 * DAY) | (after - known["at"] <= 7 * DAY)


def _of_touches(touches: pd.DataFrame, kinds: list[str]) -> pd.DataFrame:
    early = touches["at"] - touches["created"] <= 30 * DAY
    marks = {f"touches_of_{kind.replace('-', '_')}": touches["kind"] == kind for kind in kinds}
    marks |= {f"touches_in_{stage}": touches["journey_stage"] == stage for stage in STAGES}
    marks |= {"early_touches": early, "touches_near_own_team": touches["near"]}
    touches = touches.assign(**marks, gap=touches.groupby(PLAYER)["at"].diff())
    touches["seconds"] = np.floor(touches["minutes"] * 60 + 0.5)
    grouped = touches.groupby(PLAYER, sort=False)
    rows = grouped.agg(
        touches=("at", "size"),
        contacts=("contact_id", "nunique"),
        first=("at", "min"),
        last=("at", "max"),
        cutoff=("cutoff", "max"),
        created=("created", "max"),
        longest_gap_days=("gap", "max"),
        **{name: (name, "sum") for name in marks},
    )
    rows["touch_seconds"] = grouped["seconds"].sum(min_count=1)
    age = rows["cutoff"] - rows["created"]
    rows["dose"] = _dose(rows["touches"])
    rows["early_dose"] = _dose(rows["early_touches"])
    for name in [*marks][: len(kinds) + len(STAGES)]:
        rows[name.replace("touches_", "dose_")] = _dose(rows[name])
    rows["touches_per_30_days"] = np.floor(rows["touches"] * 30 * DAY / age.clip(lower=DAY) * MILLION + 0.5)
    rows["days_since_last_touch"] = (rows["cutoff"] - rows["last"]) / DAY
    rows["days_to_first_touch"] = (rows["first"] - rows["created"]) / DAY
    rows["first_touch_position"] = ((rows["first"] - rows["created"]) / age.where(age > 0)).clip(lower=0)
    rows["span_days"] = (rows["last"] - rows["first"]) / DAY
    rows["longest_gap_days"] /= DAY
    rows["share_near_own_team"] = rows["touches_near_own_team"] / rows["touches"]
    return rows.drop(columns=["first", "last", "cutoff", "created"]).reset_index()


def _with_past(rows: pd.DataFrame, deals: pd.DataFrame) -> pd.DataFrame:
    closings = deals.assign(won=(deals["outcome"] == "won").astype("int64"))[["deal_id", "closed_at", "won"]]
    overall = _record(closings.assign(key=0), rows.assign(key=0), ["key"])
    events = rows[[*PLAYER, "account_id"]].merge(closings, on="deal_id")
    anywhere, here = _record(events, rows, ["partner_id"]), _record(events, rows, ["partner_id", "account_id"])
    prior = overall["won"] / overall["n"].where(overall["n"] > 0)
    return rows.assign(
        past_deals=anywhere["n"],
        past_deals_at_account=here["n"],
        past_win_rate=(anywhere["won"] + 10 * prior) / (anywhere["n"] + 10),
    ).drop(columns="closed_at")


def _record(events: pd.DataFrame, rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Events, and won ones, of each row's keys strictly before its close; indexed as ``rows``."""
    at = events.groupby([*keys, "closed_at"])["won"].agg(["size", "sum"]).sort_index()
    running = at.groupby(level=keys).cumsum() if len(keys) else at.cumsum()
    before = running - at
    index = pd.MultiIndex.from_frame(rows[[*keys, "closed_at"]])
    found = before.reindex(index)
    return pd.DataFrame({"n": found["size"].to_numpy(), "won": found["sum"].to_numpy()}, index=rows.index)


def _dose(count: pd.Series) -> pd.Series:
    return np.floor((1 - np.exp(count / -3)) * MILLION + 0.5).astype("int64")


def _seconds(at: pd.Series) -> pd.Series:
    return (
        at.dt.floor("s").astype("int64") // 10**6 if at.dt.unit == "us" else at.dt.floor("s").astype("int64") // 10**9
    )
