"""A small made-up company with every table and result that the report reads, the same on every run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.tables import DIRECT, TABLES
from pipelines.workspace import Workspace, write_frame

START = datetime(2023, 1, 10, tzinfo=UTC)
NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
NAMES = (
    "Northwind Systems", "Aurora Cloud", "Helix Integrators", "Brightpath Advisory", "Kestrel Resale", "Mosaic Data",
    "Tidewater MSP", "Juniper Hill Consulting", "Cobalt Marketplace", "Larkspur Analytics", "Fjord Security",
    "Ostrich & Sons",
)  # fmt: skip
TYPES = ("si", "isv", "si", "advisor", "reseller", "isv", "msp", "advisor", "hyperscaler", "isv", "isv", "referral")
KINDS = ("meeting", "demo", "introduction", "workshop", "proposal_review")
STAGES = ("pre_sale", "pre_sale", "point_of_sale", "post_sale")


@dataclass
class Company:
    """Rows of the tables, to be changed by a test before they are written."""

    deals: pd.DataFrame
    partners: pd.DataFrame
    touchpoints: pd.DataFrame
    credits: pd.DataFrame
    results: dict[str, Any] = field(default_factory=dict)

    def write(self, root: Path) -> Workspace:
        """The company as a workspace; an empty table is left out."""
        workspace = Workspace.open(root, create=True, threads=1)
        workspace.tables.mkdir(exist_ok=True)
        workspace.results.mkdir(exist_ok=True)
        for name in ("deals", "partners", "touchpoints", "credits"):
            frame: pd.DataFrame = getattr(self, name)
            if len(frame):
                write_frame(frame, TABLES[name], workspace.path(name))
        for name, content in self.results.items():
            path = workspace.results / name
            if isinstance(content, pd.DataFrame):
                path.parent.mkdir(parents=True, exist_ok=True)
                content.to_parquet(path, index=False)
            else:
                path.write_text(json.dumps(content), encoding="utf-8")
        return workspace


def _deals(rng: np.random.Generator, n: int) -> pd.DataFrame:
    created = [START + timedelta(days=float(x)) for x in np.sort(rng.uniform(0, 600, n))]
    closed = [day + timedelta(days=float(x)) for day, x in zip(created, rng.uniform(20, 160, n), strict=True)]
    won = rng.random(n) < 0.4
    return pd.DataFrame(
        {
            "deal_id": [f"D-{i:04d}" for i in range(n)],
            "account_id": [f"A-{i // 2:03d}" for i in range(n)],
            "name": [f"{('Plant', 'Core', 'Edge', 'Atlas')[i % 4]} rollout {i}" for i in range(n)],
            "segment": np.where(rng.random(n) < 0.5, "enterprise", "mid_market"),
            "region": np.where(rng.random(n) < 0.6, "emea", "amer"),
            "deal_type": "new",
            "amount": np.round(rng.lognormal(11.2, 0.9, n), 2),
            "currency": "USD",
            "created_at": created,
            "closed_at": closed,
            "outcome": np.where(won, "won", "lost"),
        }
    )


def _touchpoints(rng: np.random.Generator, deals: Any, n_partners: int) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for deal in deals.itertuples():
        chosen = rng.choice(n_partners, size=min(int(rng.integers(0, 4)), n_partners), replace=False)
        for player in [None, *(f"P-{p:02d}" for p in chosen)]:
            for _ in range(rng.integers(1, 6)):
                happened = deal.created_at + (deal.closed_at - deal.created_at) * float(rng.uniform(0, 1.08))
                late = rng.random() < 0.06
                rows.append(
                    {
                        "touchpoint_id": f"T-{len(rows):05d}",
                        "deal_id": deal.deal_id,
                        "partner_id": player,
                        "kind": KINDS[rng.integers(len(KINDS))],
                        "journey_stage": STAGES[rng.integers(len(STAGES))],
                        "occurred_at": happened,
                        "recorded_at": happened + timedelta(days=90 if late else 1),
                    }
                )
    return pd.DataFrame(rows)


def _credits(rng: np.random.Generator, deals: Any, touchpoints: pd.DataFrame) -> pd.DataFrame:
    closed = deals.set_index("deal_id")
    known = touchpoints[touchpoints.occurred_at <= touchpoints.deal_id.map(closed.closed_at)]
    by_deal = {deal: frame.sort_values("occurred_at") for deal, frame in known.groupby("deal_id")}
    rows: list[dict[str, Any]] = []
    for deal in deals.itertuples():
        touches = by_deal.get(deal.deal_id, known.head(0))
        partners = sorted(touches.partner_id.dropna().unique())
        parts = [0.25 + 0.1 * rng.random(), *(float(x) for x in rng.normal(0.08, 0.07, len(partners)))]
        split = dict(zip([DIRECT, *partners], parts, strict=True))
        rows += _rows(deal, "model", split)
        rows += _rows(deal, "shap", {p: x * float(rng.uniform(0.6, 1.4)) for p, x in split.items()})
        if deal.outcome == "won":
            actors = touches.partner_id.fillna(DIRECT)
            rows += _rows(deal, "first_touch", {actors.iloc[0] if len(actors) else DIRECT: 1.0})
            rows += _rows(deal, "last_touch", {actors.iloc[-1] if len(actors) else DIRECT: 1.0})
            rows += _rows(deal, "linear", dict(actors.value_counts() / len(actors)) if len(actors) else {DIRECT: 1.0})
    return pd.DataFrame(rows)


def _rows(deal: Any, method: str, split: dict[str, float]) -> list[dict[str, Any]]:
    total = sum(split.values())
    rows = []
    cents, last = round(deal.amount * 100), list(split)[-1]
    given = 0
    for player, credit in split.items():
        common = {
            "run_id": "run-1", "deal_id": deal.deal_id, "partner_id": player, "method": method, "kind": "split",
            "share": credit / total, "model_version": "3f9c2a71", "scored_at": NOW,
        }  # fmt: skip
        ends = (
            {"credit_lo": credit - 0.05, "credit_hi": credit + 0.05} if method == "model" and player != DIRECT else {}
        )
        rows.append({**common, "target": "win", "credit": credit, **ends})
        if deal.outcome == "won":
            part = cents - given if player == last else int(cents * credit / total)
            given += part
            money = {end: bound / total * deal.amount for end, bound in ends.items()}
            rows.append({**common, "target": "amount", "credit": part / 100, **money})
    return rows


def _results(rng: np.random.Generator, deals: pd.DataFrame, credits_: pd.DataFrame) -> dict[str, Any]:
    def estimate(value: float, width: float) -> dict[str, float]:
        return {"value": value, "lo": value - width, "hi": value + width}

    names = ("roc_auc", "pr_auc", "log_loss", "brier", "ece")
    values = {
        "model": (0.742, 0.611, 0.571, 0.193, 0.021),
        "prior": (0.5, 0.398, 0.672, 0.24, 0.012),
        "logistic_without_partners": (0.688, 0.547, 0.611, 0.209, 0.026),
        "logistic_with_partners": (0.731, 0.6, 0.579, 0.196, 0.024),
    }
    drivers = [
        {
            "deal_id": deal,
            "partner_id": player,
            "feature": feature,
            "contribution": float(rng.normal(0, 0.4)),
            "value": "2",
        }
        for deal, player in credits_.loc[credits_.method == "model", ["deal_id", "partner_id"]]
        .drop_duplicates()
        .to_numpy()
        for feature in ("touches_demo_count", "days_since_last_touch")
    ]
    return {
        "evaluation.json": {
            "model_version": "3f9c2a71",
            "verdict": ["The model ranks and predicts better than every baseline by more than chance."],
            "metrics": {
                model: {name: estimate(value, 0.02) for name, value in zip(names, row, strict=True)}
                for model, row in values.items()
            },
            "trained_at": "2025-02-27T09:30:00+00:00",
            "split": {"train_deals": 150, "test_deals": 38, "dropped_deals": 12, "sentence": "By time."},
            "gain": {"prior": estimate(0.1, 0.02), "logistic_with_partners": estimate(0.05, 0.02)},
            "leaks": [{"column": "x_closed_by", "reason": "AUC 0.99 alone. Left out of the model.", "allowed": False}],
            "selection": {"part": 0.8, "deviation": 0.1, "without_hidden": 0.9, "with_equal": 0.7},
            "amount": {"sentence": "The amount model explains a third of the spread."},
        },
        "calibration.parquet": pd.DataFrame(
            {
                "predicted": np.linspace(0.08, 0.8, 10),
                "observed": np.linspace(0.06, 0.83, 10),
                "observed_lo": np.linspace(0.02, 0.75, 10),
                "observed_hi": np.linspace(0.13, 0.92, 10),
                "n": [20] * 10,
            }
        ),
        "importance.parquet": pd.DataFrame(
            {"feature": ["log_amount", "partner_effect_sum", "touches_demo_count"], "importance": [0.41, 0.28, 0.11]}
        ),
        "drivers.parquet/part-0.parquet": pd.DataFrame(drivers),
        "ingest.json": {
            "tables": {
                "deals": {
                    "source": "crm (tables)", "rows_in": len(deals) + 3, "kept": len(deals),
                    "rejected": 3, "replaced": 0,
                    "reasons": {"closed_at lies before created_at": 2, "unknown currency": 1},
                }
            },
            "flags": {"late_entries": 31},
        },
    }  # fmt: skip


def make_company(n_deals: int = 40, n_partners: int = len(NAMES)) -> Company:
    """The made-up company with that many deals and partners."""
    rng = np.random.default_rng(7)
    deals = _deals(rng, n_deals)
    touchpoints = _touchpoints(rng, deals, n_partners)
    partners = pd.DataFrame(
        {
            "partner_id": [f"P-{p:02d}" for p in range(n_partners)],
            "name": [NAMES[p % len(NAMES)] + (f" {p}" if p >= len(NAMES) else "") for p in range(n_partners)],
            "partner_type": [TYPES[p % len(TYPES)] for p in range(n_partners)],
            "tier": ["gold" if p % 3 == 0 else "silver" for p in range(n_partners)],
        }
    )
    credits_ = _credits(rng, deals, touchpoints)
    return Company(deals, partners, touchpoints, credits_, _results(rng, deals, credits_))


@pytest.fixture
def company() -> Company:
    """A made-up company of forty deals and twelve partners."""
    return make_company()


@pytest.fixture(scope="session")
def companies() -> Callable[[int, int], Company]:
    """Makes a company with that many deals and partners."""
    return make_company
