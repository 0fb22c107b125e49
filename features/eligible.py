"""Which touches of a closed deal count for rules and path methods, and when the deal's milestones were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import ibis
import ibis.expr.types as ir

from features.cutoff import closed_deals
from features.inputs import Inputs
from features.portable import SECONDS_PER_DAY, holds
from features.tables import DIRECT


@dataclass(frozen=True)
class Eligibility:
    """Which touches count; all that happened at or before their deal's close (inclusive), unless told otherwise.

    kinds : the kinds of touch that count; empty means all.
    lookback_days : days (> 0) before the close beyond which a touch does not count; exactly as many still count. None
        means no limit.
    lookback_days_by_kind : the same for single kinds, in place of ``lookback_days``.
    late_entries : ``drop`` leaves out what was recorded after the deal had closed.
    """

    kinds: tuple[str, ...] = ()
    lookback_days: float | None = None
    lookback_days_by_kind: Mapping[str, float] = field(default_factory=dict)
    late_entries: Literal["count", "drop"] = "count"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "lookback_days_by_kind": dict(sorted(self.lookback_days_by_kind.items()))}


@dataclass(frozen=True)
class MilestoneStages:
    """The stages whose first entry is a milestone; None means what ``milestones`` takes without one."""

    lead: str | None = None
    opportunity: str | None = None


def is_eligible(touches: ir.Table, eligibility: Eligibility) -> ir.BooleanValue:
    """Whether a touch counts.

    ``touches`` has ``kind``, ``occurred_at``, ``recorded_at`` and the ``closed_at`` of the touch's deal.
    """
    counts = touches.occurred_at <= touches.closed_at
    if eligibility.kinds:
        counts &= touches.kind.isin(eligibility.kinds)
    if eligibility.late_entries == "drop":
        counts &= ~holds(touches.recorded_at > touches.closed_at)
    special = eligibility.lookback_days_by_kind
    for kind, days in sorted(special.items()):
        counts &= (touches.kind != kind) | _within(touches, days)
    if eligibility.lookback_days is not None:
        within = _within(touches, eligibility.lookback_days)
        counts &= (touches.kind.isin(sorted(special)) | within) if special else within
    return holds(counts)


def eligible_touches(inputs: Inputs, eligibility: Eligibility) -> ir.Table:
    """The touches of closed deals that count: ``deal_id``, ``partner_id``, ``occurred_at``.

    Those of the own team stand under ``__direct__``.
    """
    closed = closed_deals(inputs.deals).select("deal_id", "closed_at")
    dated = inputs.touchpoints.inner_join(closed, "deal_id")
    counted = dated.filter(is_eligible(dated, eligibility))
    return counted.select("deal_id", "occurred_at", partner_id=counted.partner_id.fill_null(DIRECT))


def milestones(inputs: Inputs, stages: MilestoneStages = MilestoneStages()) -> ir.Table:
    """When each closed deal's lead and opportunity were created: ``deal_id``, ``lead_at``, ``opportunity_at`` (UTC).

    The lead's moment is the deal's first ``leads.given_at``, in whichever direction the lead went; the opportunity's is
    the deal's ``created_at``. Where ``stages`` names a stage, it is the deal's first entry into it instead. Null where
    there is no such row.
    """
    closed = closed_deals(inputs.deals)
    leads = inputs.leads.filter(inputs.leads.deal_id.notnull())
    given = leads.group_by("deal_id").aggregate(at=leads.given_at.min())
    created = closed.select("deal_id", at=closed.created_at)
    lead = given if stages.lead is None else _entries(inputs, stages.lead)
    opportunity = created if stages.opportunity is None else _entries(inputs, stages.opportunity)
    joined = closed.select("deal_id").left_join(lead, "deal_id").drop("deal_id_right").rename(lead_at="at")
    joined = joined.left_join(opportunity, "deal_id").drop("deal_id_right").rename(opportunity_at="at")
    return joined.select("deal_id", "lead_at", "opportunity_at")


def _entries(inputs: Inputs, stage: str) -> ir.Table:
    entered = inputs.stage_history.filter(inputs.stage_history.stage == stage)
    return entered.group_by("deal_id").aggregate(at=entered.entered_at.min())


def _within(touches: ir.Table, days: float) -> ir.BooleanValue:
    return touches.occurred_at >= touches.closed_at - ibis.interval(seconds=round(days * SECONDS_PER_DAY))
