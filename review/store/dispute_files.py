"""Disputes as a viewer may see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from features.tables import DIRECT
from review.roles import MAY, ROLES, Right, Viewer
from review.store.partner_names import veil
from review.store.schema import (
    DISPUTE_STATES,
    OPEN_DISPUTES,
    claims,
    deals,
    dispute_entries,
    disputes,
    moments,
    partners,
    users,
)

__all__ = [
    "PAGE_SIZE",
    "STALE",
    "Contested",
    "DisputeFile",
    "assignable",
    "dispute_file",
    "dispute_row",
    "listed",
    "numbers",
    "sees_moment",
    "subject",
]

Row = Mapping[Any, Any]
STALE: Final = timedelta(days=14)
"""Age from which an open dispute has lain too long."""
PAGE_SIZE: Final = 50
ROW: Final = (*disputes.c, users.c.partner_id.label("opener_of"))
"""A dispute, with the partner whose person opened it (None: one of our own people did)."""


@dataclass(frozen=True)
class Contested:
    """What a dispute is about, with names; the moment is None where it is about the claim as a whole."""

    deal: Row
    partner: Row
    claim: Row | None
    moment: Row | None


@dataclass(frozen=True)
class DisputeFile:
    """A dispute, what it is about, and what was said, the earliest first."""

    row: RowMapping
    about: Contested
    entries: Sequence[RowMapping]

    @property
    def is_open(self) -> bool:
        """Whether it awaits a decision."""
        return self.row["state"] in OPEN_DISPUTES


def listed(
    connection: Connection,
    viewer: Viewer,
    *,
    state: str | None = None,
    partner_id: str | None = None,
    owner: str | None = None,
    page: int = 1,
) -> list[Row]:
    """A page of the disputes that the viewer may see: open ones first, the oldest on top; then closed, the newest."""
    is_open = disputes.c.state.in_(OPEN_DISPUTES)
    opened = sa.case((is_open, disputes.c.opened_at))
    query = (
        sa.select(*ROW, deals.c.name.label("deal_name"), partners.c.name.label("partner_name"))
        .select_from(disputes)
        .outerjoin(users, users.c.name == disputes.c.opened_by)
        .outerjoin(deals, deals.c.deal_id == disputes.c.deal_id)
        .outerjoin(partners, partners.c.partner_id == disputes.c.partner_id)
        .where(*_seen(viewer), *_narrowed(state, partner_id, owner))
        .order_by(
            sa.case((is_open, 0), else_=1), opened.asc(), disputes.c.closed_at.desc(), disputes.c.dispute_id.desc()
        )
    )
    rows = connection.execute(query.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)).mappings()
    veiled = veil(connection, viewer)
    return [{**row, "deal_name": veiled(row["deal_name"] or "")} for row in rows]


def numbers(
    connection: Connection, viewer: Viewer, *, partner_id: str | None = None, owner: str | None = None
) -> dict[str, int]:
    """How many disputes of each state the viewer may see."""
    is_in = (*_seen(viewer), *_narrowed(None, partner_id, owner))
    query = sa.select(disputes.c.state, sa.func.count()).where(*is_in).group_by(disputes.c.state)
    found = {row.state: int(row[1]) for row in connection.execute(query)}
    return {state: found.get(state, 0) for state in DISPUTE_STATES}


def subject(
    connection: Connection, viewer: Viewer, deal_id: str, partner_id: str, moment_id: str | None = None
) -> Contested:
    """What a dispute would be about; raises ``LookupError`` for what is not there, or not the viewer's to see."""
    deal = connection.execute(sa.select(deals).where(deals.c.deal_id == deal_id)).mappings().first()
    partner = connection.execute(sa.select(partners).where(partners.c.partner_id == partner_id)).mappings().first()
    is_it = (claims.c.deal_id == deal_id) & (claims.c.partner_id == partner_id)
    claim = connection.execute(sa.select(claims).where(is_it)).mappings().first()
    is_hidden = not viewer.sees(partner_id) or (claim is None and not viewer.may(Right.SEE))
    if deal is None or partner is None or is_hidden:
        raise LookupError("There is no such claim. Open the dispute from the page of the deal or the partner.")
    moment = _moment(connection, moment_id, deal_id, partner_id) if moment_id else None
    if moment is not None and not sees_moment(viewer, moment):
        raise _no_moment(moment["moment_id"])
    return _readable(connection, viewer, Contested(deal, partner, claim, moment))


def sees_moment(viewer: Viewer, moment: Row) -> bool:
    """Whether the viewer may see the moment: a partner sees one no more that became another's."""
    return viewer.sees(moment["told_partner"] or moment["partner_id"] or DIRECT)


def dispute_file(connection: Connection, viewer: Viewer, dispute_id: int) -> DisputeFile:
    """One dispute, without internal entries for a partner; raises ``LookupError`` for one that the viewer sees not."""
    row = dispute_row(connection, viewer, dispute_id)
    about = subject(connection, viewer, row["deal_id"], row["partner_id"])
    moment = _found_moment(connection, row["moment_id"]) if row["moment_id"] else None
    query = sa.select(dispute_entries).where(dispute_entries.c.dispute_id == dispute_id)
    if not viewer.may(Right.SEE):
        query = query.where(~dispute_entries.c.is_internal)
    entries = connection.execute(query.order_by(dispute_entries.c.entry_id)).mappings().all()
    return DisputeFile(row, _readable(connection, viewer, replace(about, moment=moment)), entries)


def dispute_row(connection: Connection, viewer: Viewer, dispute_id: int) -> RowMapping:
    """The row of a dispute that the viewer may see; raises ``LookupError``."""
    joined = disputes.outerjoin(users, users.c.name == disputes.c.opened_by)
    query = sa.select(*ROW).select_from(joined).where(disputes.c.dispute_id == dispute_id, *_seen(viewer))
    found = connection.execute(query).mappings().first()
    if found is None:
        raise LookupError(f"There is no dispute {dispute_id}.")
    return found


def assignable(connection: Connection) -> list[str]:
    """Names of the users who can look into a dispute."""
    roles = [role for role in ROLES if Right.JUDGE in MAY[role]]
    query = sa.select(users.c.name).where(users.c.role.in_(roles), users.c.disabled_at.is_(None))
    return list(connection.scalars(query.order_by(users.c.name)))


def _readable(connection: Connection, viewer: Viewer, about: Contested) -> Contested:
    """The same with what others called deals and said in the words that the viewer may read."""
    veiled = veil(connection, viewer)
    deal = {**about.deal, "name": veiled(about.deal["name"] or "")}
    return replace(about, deal=deal, moment=about.moment and {**about.moment, "quote": veiled(about.moment["quote"])})


def _seen(viewer: Viewer) -> list[sa.ColumnElement[bool]]:
    return [] if viewer.may(Right.SEE) else [disputes.c.partner_id == (viewer.partner_id or "")]


def _narrowed(state: str | None, partner_id: str | None, owner: str | None) -> list[sa.ColumnElement[bool]]:
    given = [(disputes.c.state, state), (disputes.c.partner_id, partner_id), (disputes.c.owner, owner)]
    return [column == value for column, value in given if value is not None]


def _moment(connection: Connection, moment_id: str, deal_id: str, partner_id: str) -> RowMapping:
    """A moment of the claim, by the found partner or the corrected one."""
    found = _found_moment(connection, moment_id)
    if found is None or found["deal_id"] != deal_id or partner_id not in (found["partner_id"], found["told_partner"]):
        raise _no_moment(moment_id)
    return found


def _no_moment(moment_id: str) -> LookupError:
    return LookupError(f"The claim has no moment {moment_id!r}.")


def _found_moment(connection: Connection, moment_id: str) -> RowMapping | None:
    return connection.execute(sa.select(moments).where(moments.c.moment_id == moment_id)).mappings().first()
