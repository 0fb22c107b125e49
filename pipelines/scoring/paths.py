"""Rules and path methods in scoring: what their credit rests on, and what the journeys of all closed deals tell.

A Markov chain and the rate of a Shapley game are learned from every closed deal of the workspace, whichever deals are
scored: one new deal may change the credit of all. So both are learned anew in each run that asks for the method, and a
digest of what was learned is part of each deal's fingerprint.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import ibis
import numpy as np
import pandas as pd

from features.eligible import MilestoneStages, eligible_touches, milestones
from features.inputs import Inputs
from features.tables import DIRECT
from models.journeys import MILESTONES, NEVER, Flags, Journeys
from models.markov import MARKOV_VERSION, Removals, markov_split, removals
from models.path_shapley import PATHS_VERSION, Rates, equal_split, rate_split
from models.rules import RULES, RULES_VERSION, WITH_MILESTONES, Split, rule_split
from pipelines.config import CreditConfig

PATH_METHODS: Final = ("markov", "shapley_paths")
REMOVAL: Final = "removal_effect"
TOTAL: Final = "total_credit"

_DEALS: Final = """
CREATE OR REPLACE TEMP TABLE path_deals AS
SELECT deal_id, row_number() OVER (ORDER BY deal_id) - 1 AS deal, outcome = 'won' AS is_won,
    epoch_us(closed_at) AS closed, coalesce(epoch_us(lead_at), $never) AS lead,
    coalesce(epoch_us(opportunity_at), $never) AS opportunity
FROM deals LEFT JOIN ({milestones}) USING (deal_id) WHERE outcome <> 'open' AND closed_at IS NOT NULL
"""
_PLAYERS: Final = """
CREATE OR REPLACE TEMP TABLE path_players AS
SELECT partner_id, row_number() OVER (ORDER BY partner_id) AS player
FROM (SELECT DISTINCT partner_id FROM path_touches WHERE partner_id <> $own)
"""
_CODES: Final = """
SELECT d.deal::INTEGER AS deal, coalesce(p.player, 0)::INTEGER AS player, epoch_us(t.occurred_at) AS time
FROM path_touches t JOIN path_deals d USING (deal_id) LEFT JOIN path_players p USING (partner_id)
"""


@dataclass(frozen=True)
class Paths:
    """What the journeys of all closed deals tell; ``players`` are their players, numbered."""

    players: pd.Index
    removals: Removals | None = None
    rates: Rates | None = None

    def split(self, method: str, journeys: Journeys) -> Split:
        """How each of some won deals is divided; their players are among ``players``."""
        numbers = self.players.get_indexer(pd.Index(journeys.players))
        assert (numbers >= 0).all(), "a deal's players are among those of all deals"
        if method == "markov":
            assert self.removals is not None
            return markov_split(journeys, self.removals.effect[numbers])
        assert self.rates is not None
        renumbered = replace(self.rates, marks=self.rates.marks[numbers])
        return rate_split(journeys, renumbered)

    def digest(self, method: str) -> str:
        """Changes whenever a deal's credit by the method may."""
        learned = self.removals if method == "markov" else self.rates
        assert learned is not None
        parts = [learned.effect] if isinstance(learned, Removals) else [learned.keys, learned.won, learned.closed]
        content = "\n".join(self.players).encode() + b"".join(np.ascontiguousarray(part).tobytes() for part in parts)
        return hashlib.sha256(content).hexdigest()

    def effects(self) -> pd.DataFrame:
        """Rows of ``partner_effects`` without ``run_id``: removal effects and the totals by them."""
        if self.removals is None:
            return pd.DataFrame()
        values = {REMOVAL: self.removals.effect, TOTAL: self.removals.total_credit}
        rows = pd.DataFrame({"partner_id": self.players, "n": self.removals.journeys, **values})
        rows = rows[rows["n"] > 0].melt(["partner_id", "n"], var_name="quantity", value_name="value")
        return rows.assign(method="markov", target="win", lo=None, hi=None)


def learned(connection: Any, credit: CreditConfig, methods: tuple[str, ...]) -> Paths | None:
    """What the methods asked for need to know of all closed deals; None when it is nothing.

    Raises
    ------
    ValueError
        When a chain or game of that size cannot be solved; the message says what to change.
    """
    if not _asked(credit, methods):
        return None
    return paths_of(*all_journeys(connection, credit), credit, methods)


def paths_of(journeys: Journeys, is_won: Flags, credit: CreditConfig, methods: tuple[str, ...]) -> Paths | None:
    """What the journeys of all closed deals tell the methods asked for; None when they need to know nothing.

    Raises as ``learned`` does.
    """
    asked = _asked(credit, methods)
    if not asked:
        return None
    found = removals(journeys, is_won, credit.markov_order, credit.markov_removal) if "markov" in asked else None
    return Paths(pd.Index(journeys.players), found, Rates.of(journeys, is_won) if "shapley_paths" in asked else None)


def _asked(credit: CreditConfig, methods: tuple[str, ...]) -> set[str]:
    """The methods among those asked for that rest on all closed deals."""
    resting = {"markov"} | ({"shapley_paths"} if credit.shapley_value == "rate" else set())
    return resting & set(methods)


def all_journeys(connection: Any, credit: CreditConfig) -> tuple[Journeys, Flags]:
    """The journeys of every closed deal of the workspace by its eligible touches, and which of them were won."""
    inputs = Inputs.from_backend(ibis.duckdb.from_connection(connection))
    touches = ibis.to_sql(eligible_touches(inputs, credit.eligibility()), dialect="duckdb")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE path_touches AS {touches}")
    dated = ibis.to_sql(milestones(inputs, credit.milestone_stages()), dialect="duckdb")
    connection.execute(_DEALS.format(milestones=dated), {"never": NEVER})
    connection.execute(_PLAYERS, {"own": DIRECT})
    columns = connection.execute("SELECT * FROM path_deals ORDER BY deal").fetchnumpy()
    names = connection.execute("SELECT partner_id FROM path_players ORDER BY player").fetchall()
    codes = connection.execute(_CODES).fetchnumpy()
    for table in ("touches", "players", "deals"):
        connection.execute(f"DROP TABLE path_{table}")
    journeys = Journeys.from_codes(
        _plain(codes["deal"]),
        _plain(codes["player"]),
        _plain(codes["time"]),
        _plain(columns["closed"]),
        np.asarray(columns["deal_id"], dtype=object),
        np.array([DIRECT, *(name for (name,) in names)], dtype=object),
        {name: _plain(columns[name]) for name in MILESTONES},
    )
    return journeys, _plain(columns["is_won"]).astype(np.bool_)


def path_split(method: str, journeys: Journeys, credit: CreditConfig, paths: Paths | None) -> Split:
    """How each of some won deals is divided by a rule or path method; ``paths`` is what was ``learned`` for it."""
    if method in RULES:
        return rule_split(method, journeys, credit.rule_settings())
    if method == "shapley_paths" and credit.shapley_value == "conversions":
        return equal_split(journeys)
    assert paths is not None
    return paths.split(method, journeys)


def version_of_method(method: str) -> str:
    """The version of a rule or path method, as it stands in ``credits``."""
    return {"markov": MARKOV_VERSION, "shapley_paths": PATHS_VERSION}.get(method, RULES_VERSION)


def settings_of(method: str, credit: CreditConfig, paths: Paths | None) -> Mapping[str, Any]:
    """Everything but the data that a rule or path method's credit rests on."""
    rules = credit.rule_settings()
    own: dict[str, Mapping[str, Any]] = {
        "last_touch": {"scope": rules.last_touch_scope},
        "time_decay": {"half_life_days": rules.half_life_days},
        "shapley_paths": {"value": credit.shapley_value},
    }
    if method in WITH_MILESTONES:
        stages = stages_of(method, credit)
        own[method] = {"weights": getattr(rules, method), "stages": stages and vars(stages)}
    if method == "markov":
        learned_by = {"order": credit.markov_order, "removal": credit.markov_removal}
        own[method] = {**learned_by, "seen": _seen(method, paths)}
    if method == "shapley_paths" and credit.shapley_value == "rate":
        own[method] = {"value": credit.shapley_value, "seen": _seen(method, paths)}
    return {"eligible": credit.eligibility().to_dict(), **own.get(method, {})}


def _seen(method: str, paths: Paths | None) -> str:
    assert paths is not None, "what all deals tell is learned before anything is scored"
    return paths.digest(method)


def stages_of(method: str, credit: CreditConfig) -> MilestoneStages | None:
    """Where a rule finds its milestones; None when it looks at none."""
    if method not in WITH_MILESTONES:
        return None
    weights = getattr(credit.rule_settings(), method)
    is_asked = any(weights.get(milestone, 0) > 0 for milestone in ("lead", "opportunity"))
    return credit.milestone_stages() if is_asked else None


def _plain(column: Any) -> Any:
    """A column without missing values as an array that is not masked."""
    return np.asarray(column.data if isinstance(column, np.ma.MaskedArray) else column)
