"""Partners found by letters of their names, and names kept from other partners."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from review.roles import Right, Viewer
from review.store.schema import claims, partners

__all__ = ["MOST", "Named", "all_names", "name_of", "named", "partners_like", "veil"]

MOST: Final = 20
ANOTHER: Final = "[another partner]"


@dataclass(frozen=True)
class Named:
    """A partner by name; ``is_on_deal`` tells whether it has a claim on the deal in question."""

    partner_id: str
    name: str
    partner_type: str | None
    is_on_deal: bool


def partners_like(
    connection: Connection, text: str, *, deal_id: str | None = None, own: Sequence[str] = ()
) -> list[Named]:
    """Partners whose names hold the text, at most 20: ``own`` first, then those on the deal, then by name.

    Of each, names that begin with the text come first.
    """
    query, letters, lower = _query(deal_id), text.strip().lower(), sa.func.lower(partners.c.name)
    if letters:
        query = query.where(lower.contains(letters, autoescape=True))
    is_own = sa.case((partners.c.partner_id.in_(own), 0), (claims.c.deal_id.is_not(None), 1), else_=2)
    begins = sa.case((lower.startswith(letters, autoescape=True), 0), else_=1)
    ordered = query.order_by(is_own, begins, lower, partners.c.partner_id).limit(MOST)
    return [Named(**row) for row in connection.execute(ordered).mappings()]


def all_names(connection: Connection) -> dict[str, str]:
    """Every partner's name by its id, in the order of the names, capitals or not."""
    found: dict[str, str] = dict(connection.execute(sa.select(partners.c.partner_id, partners.c.name)).all())
    return dict(sorted(found.items(), key=lambda pair: (pair[1].casefold(), pair[0])))


def name_of(connection: Connection, partner_id: str) -> str | None:
    """The name of a partner; None for an unknown one."""
    return connection.scalar(sa.select(partners.c.name).where(partners.c.partner_id == partner_id))


def named(connection: Connection, name: str) -> str | None:
    """The id of the only partner of that name, or that has it as its id; None for none, or for several."""
    is_it = (sa.func.lower(partners.c.name) == name.strip().lower()) | (partners.c.partner_id == name.strip())
    found = connection.scalars(sa.select(partners.c.partner_id).where(is_it).limit(2)).all()
    return found[0] if len(found) == 1 else None


def veil(connection: Connection, viewer: Viewer) -> Callable[[str], str]:
    """What makes of a text one that the viewer may read: a partner reads no names of others, but its own.

    Names are known as the list of partners has them; how people shorten them is not known here.
    """
    if viewer.may(Right.SEE):
        return str
    known = all_names(connection)
    own = known.get(viewer.partner_id or "", "").casefold()
    names = sorted(filter(str.strip, known.values()), key=len, reverse=True)  # The longest that fits is meant.
    if not names:
        return str
    any_name = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)", re.IGNORECASE)
    return lambda text: any_name.sub(lambda found: found[0] if found[0].casefold() == own else ANOTHER, text)


def _query(deal_id: str | None) -> sa.Select[Any]:
    on_deal = (claims.c.partner_id == partners.c.partner_id) & (claims.c.deal_id == deal_id)
    joined = partners.outerjoin(claims, on_deal)
    is_on_deal = claims.c.deal_id.is_not(None).label("is_on_deal")
    return sa.select(partners.c.partner_id, partners.c.name, partners.c.partner_type, is_on_deal).select_from(joined)
