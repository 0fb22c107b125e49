"""Features of what an actor, a partner or the vendor's own team, did on a deal by its cutoff.

``known_touches`` gives the rows; every other function aggregates the rows of one deal and actor to one value. The
partner's features and the own team's are the same functions over other rows, so they mean the same.

All spans are measured in whole seconds and given in days. Nothing here sees the touches of another partner.
"""

from __future__ import annotations

from typing import Final

import ibis
import ibis.expr.types as ir

from features.cutoff import known_at
from features.portable import SECONDS_PER_DAY, count_where, days, holds, millionths, seconds, whole_sum

DOSE_TOUCHES: Final = 3
"""Touches after which a dose has reached 63 % (1 - 1/e) of its ceiling of 1."""

NEAR_DAYS: Final = 7
"""Days, inclusive, within which a partner's and the own team's touch count as near each other."""

EARLY_DAYS: Final = 30
"""Age of the deal, inclusive, up to which a touch is early."""

RATE_DAYS: Final = 30
"""Days to which rates are normalised."""


def known_touches(touchpoints: ir.Table, cutoffs: ir.Table, deals: ir.Table) -> ir.Table:
    """The touches known at their deal's cutoff, one row each.

    Beside the columns of ``touchpoints``: ``at``, ``cutoff`` and ``created`` (whole seconds since 1970).
    """
    wanted = touchpoints.select(
        "deal_id", "partner_id", "contact_id", "kind", "journey_stage", "occurred_at", "recorded_at", "minutes"
    )
    created = deals.select("deal_id", "created_at")
    known = known_at(wanted, cutoffs.inner_join(created, "deal_id"))
    return known.select(
        "deal_id",
        "partner_id",
        "contact_id",
        "kind",
        "journey_stage",
        "minutes",
        at=seconds(known.occurred_at),
        cutoff=seconds(known.cutoff_at),
        created=seconds(known.created_at),
    )


def with_gaps(touches: ir.Table) -> ir.Table:
    """Adds ``gap``: seconds since the same actor's touch before it on that deal; null for the first."""
    before = touches.at.lag().over(group_by=[touches.deal_id, touches.partner_id], order_by=[touches.at])
    return touches.mutate(gap=touches.at - before)


def with_nearness(touches: ir.Table) -> ir.Table:
    """Adds ``is_near_own_team``: whether an own-team touch on that deal lies within ``NEAR_DAYS`` before or after."""
    marked = touches.mutate(own_at=touches.partner_id.isnull().ifelse(touches.at, ibis.null("int64")))
    ordered = {"group_by": [marked.deal_id], "order_by": [marked.at]}
    seen = marked.mutate(
        own_before=marked.own_at.max().over(ibis.window(**ordered, preceding=None, following=0)),
        own_after=marked.own_at.min().over(ibis.window(**ordered, preceding=0, following=None)),
    )
    limit = NEAR_DAYS * SECONDS_PER_DAY
    before = holds(seen.at - seen.own_before <= limit)
    after = holds(seen.own_after - seen.at <= limit)
    return seen.mutate(is_near_own_team=before | after).drop("own_at", "own_before", "own_after")


def touches(rows: ir.Table) -> ir.IntegerScalar:
    """Number of touches."""
    return rows.count()


def touches_of(rows: ir.Table, kinds: tuple[str, ...]) -> ir.IntegerScalar:
    """Number of touches of the given kinds."""
    return count_where(rows.kind.isin(kinds))


def touches_in(rows: ir.Table, stage: str) -> ir.IntegerScalar:
    """Number of touches in a stage of the customer's journey."""
    return count_where(rows.journey_stage == stage)


def early_touches(rows: ir.Table) -> ir.IntegerScalar:
    """Number of touches up to ``EARLY_DAYS`` after the deal was created, earlier ones included."""
    return count_where(rows.at - rows.created <= EARLY_DAYS * SECONDS_PER_DAY)


def dose(rows: ir.Table) -> ir.IntegerScalar:
    """Saturating dose of all touches."""
    return saturating(touches(rows))


def dose_of(rows: ir.Table, kinds: tuple[str, ...]) -> ir.IntegerScalar:
    """Saturating dose of the touches of the given kinds."""
    return saturating(touches_of(rows, kinds))


def dose_in(rows: ir.Table, stage: str) -> ir.IntegerScalar:
    """Saturating dose of the touches in a stage of the customer's journey."""
    return saturating(touches_in(rows, stage))


def early_dose(rows: ir.Table) -> ir.IntegerScalar:
    """Saturating dose of the early touches."""
    return saturating(early_touches(rows))


def saturating(count: ir.IntegerValue) -> ir.IntegerValue:
    """``1 - exp(-count / DOSE_TOUCHES)`` in whole millionths: from 0 (no touch) towards 1,000,000."""
    return millionths(1 - (count.cast("float64") / -DOSE_TOUCHES).exp())


def touches_per_30_days(rows: ir.Table) -> ir.IntegerScalar:
    """Touches per 30 days of the deal's age at the cutoff, in millionths; an age below one day counts as one day."""
    age = ibis.greatest(_age(rows), SECONDS_PER_DAY)
    return millionths(touches(rows).cast("float64") * (RATE_DAYS * SECONDS_PER_DAY) / age)


def contacts(rows: ir.Table) -> ir.IntegerScalar:
    """Distinct people met; touches without a contact add none."""
    return rows.contact_id.nunique()


def touch_seconds(rows: ir.Table) -> ir.IntegerScalar:
    """Total length of the touches, each rounded to whole seconds; null when no touch tells its length."""
    return whole_sum((rows.minutes.cast("float64") * 60 + ibis.literal(0.5, "float64")).floor())


def days_since_last_touch(rows: ir.Table) -> ir.FloatingScalar:
    """Days from the last touch to the cutoff, >= 0."""
    return days(rows.cutoff.max() - rows.at.max())


def days_to_first_touch(rows: ir.Table) -> ir.FloatingScalar:
    """Days from the deal's creation to the first touch; negative for a touch before the deal."""
    return days(rows.at.min() - rows.created.max())


def first_touch_position(rows: ir.Table) -> ir.FloatingScalar:
    """Share of the deal's age at the cutoff that had passed at the first touch.

    Clipped to 0..1 (0: at or before creation, 1: at the cutoff); null for a deal without age.
    """
    elapsed = (rows.at.min() - rows.created.max()).cast("float64")
    age = _age(rows)
    return ibis.ifelse(age > 0, ibis.greatest(elapsed / age.nullif(0), ibis.literal(0.0, "float64")), None)


def span_days(rows: ir.Table) -> ir.FloatingScalar:
    """Days from the first to the last touch; 0 for a single one."""
    return days(rows.at.max() - rows.at.min())


def longest_gap_days(rows: ir.Table) -> ir.FloatingScalar:
    """Longest time between two touches that follow each other; null for a single touch."""
    return days(rows.gap.max())


def touches_near_own_team(rows: ir.Table) -> ir.IntegerScalar:
    """Touches within ``NEAR_DAYS`` of a touch by the own team."""
    return count_where(rows.is_near_own_team)


def share_near_own_team(rows: ir.Table) -> ir.FloatingScalar:
    """Share of the touches that lie within ``NEAR_DAYS`` of a touch by the own team, 0..1."""
    return touches_near_own_team(rows).cast("float64") / touches(rows)


def _age(rows: ir.Table) -> ir.IntegerScalar:
    return rows.cutoff.max() - rows.created.max()
