"""Features of the moments, found in conversations, in which a partner helped on the deal."""

from __future__ import annotations

from typing import Final

import ibis
import ibis.expr.types as ir

from features.assist.taxonomy import taxonomy
from features.inputs import IBIS_TYPES
from features.judgements import ABOUT, DECIDES, DISPUTED, OWNER
from features.portable import holds, millionths, whole_sum
from features.tables import MOMENTS

_CORRECTED: Final = ("assist_type", "partner_id")
_RANKS: Final = {DECIDES: 0, "reviewer": 1}
"""Whose judgement comes before whose; the owner's comes last."""
_SEPARATOR: Final = "\x1f"


def standing_judgements(reviews: ir.Table) -> ir.Table:
    """What people's judgements of each moment or signal come to, as ``features.judgements.standing`` says.

    Columns: ``moment_id``, ``verdict``, ``told_type`` and ``told_partner`` (the corrected ones; null: as they were),
    ``is_confirmed`` and ``is_verified``. What nobody has judged has no row.
    """
    latest = _latest(reviews.filter(reviews.verdict.isin(ABOUT)), ["moment_id", "reviewer", "role"])
    is_help = (latest.verdict != "rejected") & ~latest.assist_type.fill_null("").isin(taxonomy().other_ids)
    rank = ibis.cases(*((latest.role == role, rank) for role, rank in _RANKS.items()), else_=len(_RANKS))
    marked = latest.mutate(rank=rank, is_help=is_help, said=_said(latest), whose=latest.partner_id.fill_null(""))
    of_moment = ibis.window(group_by="moment_id")
    by_reviewer = (marked.role == "reviewer").ifelse(marked.said, ibis.null("string"))
    is_split = holds(by_reviewer.min().over(of_moment) != by_reviewer.max().over(of_moment))
    is_split |= marked.is_help.ifelse(1, 0).min().over(of_moment) != marked.is_help.ifelse(1, 0).max().over(of_moment)
    first_of_moment = ibis.window(group_by="moment_id", order_by=[marked["rank"], *_newest(marked)])
    marked = marked.mutate(is_of_partner=marked.whose == marked.whose.first().over(first_of_moment))
    helping = {
        "is_confirmed": marked.is_help & (marked.role != OWNER),
        "is_verified": marked.is_help & (marked.role == OWNER) & marked.is_of_partner,
    }
    judged = marked.mutate(
        is_disputed=is_split & (marked["rank"].min().over(of_moment) != _RANKS[DECIDES]),
        **{name: is_so.ifelse(1, 0).max().over(of_moment) == 1 for name, is_so in helping.items()},
    )
    first = _latest(judged, ["moment_id"], judged["rank"])
    stands = ~first.is_disputed
    return first.select(
        "moment_id",
        verdict=stands.ifelse(first.verdict, DISPUTED),
        told_type=stands.ifelse(first.assist_type, ibis.null("string")),
        told_partner=stands.ifelse(first.partner_id, ibis.null("string")),
        is_confirmed=stands & first.is_help & first.is_confirmed,
        is_verified=stands & first.is_help & first.is_verified,
    )


def standing_moments(moments: ir.Table, signals: ir.Table, judged_moments: ir.Table, reviews: ir.Table) -> ir.Table:
    """Moments as people left them, with ``verdict`` (null: nobody has judged), ``is_confirmed`` and ``is_verified``.

    A row of ``judged_moments`` takes the place of the found one with its id. A corrected partner or type takes the
    place of the moment's own. A signal told to be an assist is a moment; a moment that was rejected, or told to be no
    assist, is none. What people disagree about is as it was found, with the verdict ``disputed``: a row that is in
    ``judged_moments`` alone is then left out.
    """
    told = standing_judgements(reviews)
    disputed = told.filter(told.verdict == DISPUTED)
    unfounded = disputed.anti_join(moments, "moment_id").anti_join(signals, "moment_id")
    helping = signals.semi_join(told.filter(told.told_type.isin(taxonomy().assist_ids)), "moment_id")
    kept = [rows.anti_join(judged_moments, "moment_id") for rows in (moments, helping)]
    rows = ibis.union(*map(_plain, (*kept, judged_moments.anti_join(unfounded, "moment_id"))))
    judged = rows.left_join(told, "moment_id").drop("moment_id_right")
    judged = judged.mutate(
        partner_id=judged.told_partner.coalesce(judged.partner_id),
        assist_type=judged.told_type.coalesce(judged.assist_type),
        is_confirmed=holds(judged.is_confirmed),
        is_verified=holds(judged.is_verified),
    ).drop("told_partner", "told_type")
    is_gone = holds(judged.verdict == "rejected") | judged.assist_type.isin(taxonomy().other_ids)
    return judged.filter(~is_gone)


def _plain(rows: ir.Table) -> ir.Table:
    """The declared columns, of the same types wherever they come from."""
    return rows.select(**{c.name: rows[c.name].cast(IBIS_TYPES[c.kind]) for c in MOMENTS.columns})


def _latest(rows: ir.Table, keys: list[str], *before: ir.Value) -> ir.Table:
    """Of each group the first row by ``before``, of equal ones the latest."""
    order = [*before, *_newest(rows)]
    placed = rows.mutate(place=ibis.row_number().over(ibis.window(group_by=keys, order_by=order)))
    return placed.filter(placed.place == 0).drop("place")


def _newest(rows: ir.Table) -> list[ir.Value]:
    return [rows.reviewed_at.desc(), rows.review_id.desc()]


def _said(rows: ir.Table) -> ir.StringValue:
    """What a judgement says a moment is, as one text."""
    parts = [rows[name].notnull().ifelse(ibis.literal("=").concat(rows[name]), "-") for name in _CORRECTED]
    return (rows.verdict == "rejected").ifelse("", parts[0].concat(_SEPARATOR, parts[1]))


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
