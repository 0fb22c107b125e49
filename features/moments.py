"""Features of the moments, found in conversations, in which a partner helped on the deal."""

from __future__ import annotations

import ibis.expr.types as ir

from features.portable import millionths, whole_sum


def known_moments(moments: ir.Table, conversations: ir.Table, cutoffs: ir.Table) -> ir.Table:
    """Moments of conversations begun by the deal's cutoff (inclusive): ``deal_id``, ``partner_id``, ``confidence``.

    The conversation's start counts, not when the moment was detected: a model may read old calls. Moments of an
    unknown conversation, deal or partner are left out.
    """
    begun = conversations.select("conversation_id", "started_at")
    dated = moments.select("deal_id", "partner_id", "confidence", "conversation_id").inner_join(
        begun, "conversation_id"
    )
    dated = dated.inner_join(cutoffs.select("deal_id", "cutoff_at"), "deal_id")
    known = dated.filter(dated.started_at <= dated.cutoff_at, dated.partner_id.notnull())
    return known.select("deal_id", "partner_id", "confidence")


def moment_totals(known: ir.Table) -> ir.Table:
    """Per deal and partner: ``n_moments`` and ``certainty``, the sum of the confidences in millionths."""
    return known.group_by("deal_id", "partner_id").aggregate(
        n_moments=known.count(), certainty=whole_sum(millionths(known.confidence.cast("float64")))
    )


def moments(row: ir.Table) -> ir.IntegerColumn:
    """Moments in which the partner helped."""
    return row.n_moments.fill_null(0)


def moment_confidence(row: ir.Table) -> ir.IntegerColumn:
    """Expected number of true ones among them: the sum of their confidences, in millionths."""
    return row.certainty.fill_null(0)
