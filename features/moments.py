"""Features of the moments, found in conversations, in which a partner helped on the deal."""

from __future__ import annotations

from typing import Final

import ibis
import ibis.expr.types as ir

from features.assist.taxonomy import taxonomy
from features.portable import millionths, whole_sum

_ABOUT: Final = ("confirmed", "rejected", "partly", "relabelled")
"""Verdicts that say what a moment is; ``unsure`` and ``not_mine`` do not."""


def latest_judgements(reviews: ir.Table) -> ir.Table:
    """The latest judgement of each moment or signal that says what it is.

    Columns: ``moment_id``, ``verdict``, ``told_type`` and ``told_partner`` (the corrected ones; null: as they were).
    """
    about = reviews.filter(reviews.verdict.isin(_ABOUT))
    order = [about.reviewed_at.desc(), about.review_id.desc()]
    place = ibis.row_number().over(ibis.window(group_by=about.moment_id, order_by=order))
    ranked = about.select("moment_id", "verdict", told_type="assist_type", told_partner="partner_id", place=place)
    return ranked.filter(ranked.place == 0).drop("place")


def standing_moments(moments: ir.Table, reviews: ir.Table) -> ir.Table:
    """Moments as people left them, with ``verdict`` (null: nobody has judged).

    One whose latest judgement rejects it, or relabels it as a class that is no assist, is left out; a corrected partner
    or type takes the place of the moment's own.
    """
    latest = latest_judgements(reviews)
    judged = moments.left_join(latest, "moment_id").drop("moment_id_right")
    is_gone = (judged.verdict == "rejected") | judged.told_type.isin(taxonomy().other_ids)
    kept = judged.filter(~is_gone.fill_null(ibis.literal(value=False)))
    return kept.mutate(
        partner_id=kept.told_partner.coalesce(kept.partner_id), assist_type=kept.told_type.coalesce(kept.assist_type)
    ).drop("told_partner", "told_type")


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
