"""How well claims of help are evidenced: independent records beside moments, and the grade of a partner on a deal."""

from __future__ import annotations

from typing import Final

import ibis
import ibis.expr.types as ir

from features.grades import NEAR_DAYS, grade
from features.inputs import IBIS_TYPES, Inputs
from features.judgements import DISPUTED
from features.moments import standing_moments
from features.portable import count_where, holds
from features.tables import Kind

__all__ = ["NEAR_DAYS", "claims", "graded", "recorded"]

_WITNESSES: Final = ("is_confirmed", "is_verified", "has_record")
_CLAIM: Final = ["deal_id", "partner_id"]


def recorded(moments: ir.Table, inputs: Inputs) -> ir.Table:
    """The moments with ``has_record``: whether a record other than the conversation shows the partner on the deal.

    That is a touchpoint of the partner on the deal at most ``NEAR_DAYS`` days (inclusive) before or after the
    conversation began, unless it is proved by that very conversation; or a lead or a quote of the partner on the deal,
    given or requested at or before its close (any, while it is open). A moment without a known deal and partner has
    none.

    Parameters
    ----------
    moments : ``moment_id``, ``conversation_id``, ``deal_id``, ``partner_id``; other columns stay.
    inputs : its ``conversations``, ``deals``, ``touchpoints``, ``leads`` and ``quotes`` are read.
    """
    claimed = moments.filter(moments.deal_id.notnull(), moments.partner_id.notnull())
    asked = claimed.select("moment_id", "conversation_id", *_CLAIM)
    proved = _near(asked, inputs).union(_given(asked, inputs)).distinct().mutate(has_record=ibis.literal(value=True))
    joined = moments.left_join(proved, "moment_id").drop("moment_id_right")
    return joined.mutate(has_record=joined.has_record.fill_null(ibis.literal(value=False)))


def graded(moments: ir.Table) -> ir.Table:
    """The moments with ``witnesses`` (0 to 3) and ``grade``, as ``features.grades.grade`` gives it.

    ``moments`` needs ``is_confirmed``, ``is_verified`` and ``has_record``.
    """
    counted = moments.mutate(witnesses=sum(moments[name].ifelse(1, 0) for name in _WITNESSES))
    return counted.mutate(grade=_grade(counted.witnesses))


def claims(inputs: Inputs) -> ir.Table:
    """Each partner's claim on a deal: a row per ``deal_id`` and ``partner_id`` with a standing moment.

    Columns: ``grade`` (the best of its moments), ``n_moments``, ``n_confirmed`` (by a reviewer), ``n_verified`` (by the
    deal's owner) and ``is_backed`` (by either of them). Every other claim has the lowest grade, and what people
    disagree about supports none.
    """
    standing = standing_moments(inputs.moments, inputs.signals, inputs.judged_moments, inputs.reviews)
    found = recorded(standing, inputs)
    found = found.mutate(has_record=found.has_record & ~holds(found.verdict == DISPUTED))
    rows = graded(found).filter(lambda t: t.deal_id.notnull() & t.partner_id.notnull())
    counted = rows.group_by(*_CLAIM).aggregate(
        witnesses=rows.witnesses.max(),
        n_moments=rows.count(),
        n_confirmed=count_where(rows.is_confirmed),
        n_verified=count_where(rows.is_verified),
    )
    is_backed = (counted.n_confirmed > 0) | (counted.n_verified > 0)
    return counted.mutate(grade=_grade(counted.witnesses), is_backed=is_backed).drop("witnesses")


def _near(asked: ir.Table, inputs: Inputs) -> ir.Table:
    """Moments that a touch from another source bears out."""
    begun = asked.inner_join(inputs.conversations.select("conversation_id", "started_at"), "conversation_id")
    touches = inputs.touchpoints.select(*_CLAIM, "occurred_at", proved_by="conversation_id")
    beside = begun.inner_join(touches, _CLAIM)
    is_other = beside.proved_by.isnull() | (beside.proved_by != beside.conversation_id)
    near = ibis.interval(days=NEAR_DAYS)
    is_near = beside.occurred_at.between(beside.started_at - near, beside.started_at + near)
    return beside.filter(is_other, is_near).select("moment_id")


def _given(asked: ir.Table, inputs: Inputs) -> ir.Table:
    """Moments that a lead or a quote bears out."""
    leads, quotes = (
        rows.select(*_CLAIM, at=rows[name].cast(IBIS_TYPES[Kind.TIMESTAMP]))
        for rows, name in ((inputs.leads, "given_at"), (inputs.quotes, "requested_at"))
    )
    closing = inputs.deals.select("deal_id", "closed_at")
    beside = asked.inner_join(leads.union(quotes), _CLAIM).inner_join(closing, "deal_id")
    return beside.filter(beside.closed_at.isnull() | (beside["at"] <= beside.closed_at)).select("moment_id")


def _grade(witnesses: ir.IntegerValue) -> ir.StringValue:
    names = [grade(is_confirmed=n > 0, is_verified=n > 1, has_record=n > 2) for n in range(len(_WITNESSES))]
    best = grade(is_confirmed=True, is_verified=True, has_record=True)
    return ibis.cases(*((witnesses == n, name) for n, name in enumerate(names)), else_=best)
