"""Deals: found in a list, and one with all that is known of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from features.tables import DIRECT
from review.store.partner_names import all_names
from review.store.schema import OPEN_DISPUTES, claims, deals, disputes, judgements, moments, verifications
from review.store.standing import STANDS
from review.store.verifications import unasked

__all__ = [
    "ORDERS",
    "PAGE_SIZE",
    "DealFile",
    "DealRow",
    "Order",
    "Wanted",
    "deal_file",
    "found_deals",
    "owners",
]

PAGE_SIZE: Final = 50
Order = Literal["amount", "closed", "contested"]
ORDERS: Final[tuple[Order, ...]] = ("amount", "closed", "contested")
MOST_OWNERS: Final = 500


@dataclass(frozen=True)
class Wanted:
    """Which deals of the list; an empty text means any."""

    search: str = ""
    outcome: str = ""
    owner: str = ""
    grade: str = ""
    partner: str = ""
    order: Order = "amount"
    page: int = 1

    @property
    def is_narrowed(self) -> bool:
        """Whether not every deal is wanted."""
        return any((self.search, self.outcome, self.owner, self.grade, self.partner))


@dataclass(frozen=True)
class DealRow:
    """A deal of the list, its claims by grade, and how many of its moments wait or are contested."""

    deal: RowMapping
    grades: Counter[str] = field(default_factory=Counter)
    n_waiting: int = 0
    n_contested: int = 0
    n_disputes: int = 0


@dataclass(frozen=True)
class DealFile:
    """One deal with its claims, moments, judgements and questions by moment, disputes, and partners' names.

    ``n_unasked``: confirmed moments about which no owner has been asked.
    """

    deal: RowMapping
    claims: Sequence[RowMapping]
    moments: Sequence[RowMapping]
    judgements: dict[str, list[RowMapping]]
    questions: dict[str, list[RowMapping]]
    disputes: Sequence[RowMapping]
    names: dict[str, str]
    n_unasked: int


LISTED: Final = tuple(column for column in deals.c if column.name not in ("facts", "digest"))


def found_deals(connection: Connection, wanted: Wanted) -> tuple[list[DealRow], int]:
    """One page of the deals that are wanted, and how many there are on all pages."""
    is_wanted = _is_wanted(wanted)
    total = connection.scalar(sa.select(sa.func.count()).select_from(deals).where(*is_wanted)) or 0
    contested = _contested().subquery()
    select = sa.select(deals.c.deal_id).where(*is_wanted)
    if wanted.order == "contested":
        select = select.outerjoin(contested, contested.c.deal_id == deals.c.deal_id)
    money = deals.c.worth.desc().nulls_last()
    orders = {
        "amount": (money,),
        "closed": (deals.c.closed_at.desc().nulls_last(),),
        "contested": (contested.c.n.desc().nulls_last(), money),
    }
    select = select.order_by(*orders[wanted.order], deals.c.deal_id).limit(PAGE_SIZE)
    ids = connection.scalars(select.offset((wanted.page - 1) * PAGE_SIZE)).all()
    place = {deal_id: at for at, deal_id in enumerate(ids)}
    found = connection.execute(sa.select(*LISTED).where(deals.c.deal_id.in_(ids))).mappings()
    return _counted(connection, sorted(found, key=lambda row: place[row["deal_id"]])), total


def owners(connection: Connection) -> list[tuple[str, str]]:
    """Ids and names of those who own deals."""
    name = sa.func.max(deals.c.owner_name)
    select = sa.select(deals.c.owner_id, name).where(deals.c.owner_id.is_not(None)).group_by(deals.c.owner_id)
    found = connection.execute(select.limit(MOST_OWNERS)).all()
    return sorted(((owner, name or owner) for owner, name in found), key=lambda pair: (pair[1].casefold(), pair[0]))


def deal_file(connection: Connection, deal_id: str) -> DealFile | None:
    """Everything about one deal; None where there is no such deal."""
    deal = connection.execute(sa.select(deals).where(deals.c.deal_id == deal_id)).mappings().one_or_none()
    if deal is None:
        return None
    of_moments = sa.select(moments.c.moment_id).where(moments.c.deal_id == deal_id)
    there = (moments.c.deal_id == deal_id) & (moments.c.state != "gone")
    found = _all(connection, sa.select(moments).where(there).order_by(moments.c.started_at))
    judged = sa.select(judgements).where(judgements.c.moment_id.in_(of_moments), STANDS)
    asked = sa.select(verifications).where(verifications.c.moment_id.in_(of_moments))
    return DealFile(
        deal,
        _all(connection, sa.select(claims).where(claims.c.deal_id == deal_id).order_by(claims.c.partner_id)),
        found,
        _by_moment(_all(connection, judged.order_by(judgements.c.seq))),
        _by_moment(_all(connection, asked.order_by(verifications.c.asked_at))),
        _all(
            connection,
            sa.select(disputes).where(disputes.c.deal_id == deal_id).order_by(disputes.c.dispute_id.desc()),
        ),
        all_names(connection),
        connection.scalar(sa.select(sa.func.count()).where(moments.c.deal_id == deal_id, *unasked())) or 0,
    )


def _all(connection: Connection, select: sa.Select[Any]) -> Sequence[RowMapping]:
    return connection.execute(select).mappings().all()


def _by_moment(rows: Sequence[RowMapping]) -> dict[str, list[RowMapping]]:
    grouped: dict[str, list[RowMapping]] = defaultdict(list)
    for row in rows:
        grouped[row["moment_id"]].append(row)
    return grouped


def _is_wanted(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.search:
        text = wanted.search.lower()
        conditions.append(
            sa.func.lower(sa.func.coalesce(deals.c.name, "")).contains(text, autoescape=True)
            | sa.func.lower(deals.c.deal_id).contains(text, autoescape=True)
        )
    if wanted.outcome:
        conditions.append(deals.c.outcome == wanted.outcome)
    if wanted.owner:
        conditions.append(deals.c.owner_id == wanted.owner)
    if wanted.grade or wanted.partner:
        claimed = sa.select(claims.c.deal_id)
        if wanted.grade:
            claimed = claimed.where(claims.c.grade == wanted.grade)
        if wanted.partner:
            claimed = claimed.where(claims.c.partner_id == wanted.partner)
        conditions.append(deals.c.deal_id.in_(claimed))
    return conditions


def _contested() -> sa.Select[Any]:
    """Deals with something that people disagree about, and how much."""
    moment = sa.select(moments.c.deal_id).where(moments.c.state == "contested")
    both = sa.union_all(moment, sa.select(disputes.c.deal_id).where(disputes.c.state.in_(OPEN_DISPUTES))).subquery()
    return sa.select(both.c.deal_id, sa.func.count().label("n")).group_by(both.c.deal_id)


def _counted(connection: Connection, found: Sequence[RowMapping]) -> list[DealRow]:
    ids = [row["deal_id"] for row in found]
    n = sa.func.count()
    graded = sa.select(claims.c.deal_id, claims.c.grade, n).where(
        claims.c.deal_id.in_(ids), claims.c.partner_id != DIRECT
    )
    grades: dict[str, Counter[str]] = defaultdict(Counter)
    for deal_id, letter, number in connection.execute(graded.group_by(claims.c.deal_id, claims.c.grade)):
        grades[deal_id][letter or "D"] += number
    stated = sa.select(moments.c.deal_id, moments.c.state, n).where(
        moments.c.deal_id.in_(ids), moments.c.is_assist, moments.c.state.in_(("waiting", "contested"))
    )
    states = {
        (deal_id, state): number
        for deal_id, state, number in connection.execute(stated.group_by(moments.c.deal_id, moments.c.state))
    }
    opened = sa.select(disputes.c.deal_id, n).where(disputes.c.deal_id.in_(ids), disputes.c.state.in_(OPEN_DISPUTES))
    disputed: dict[str, int] = dict(connection.execute(opened.group_by(disputes.c.deal_id)).all())
    return [
        DealRow(
            row, grades[key], states.get((key, "waiting"), 0), states.get((key, "contested"), 0), disputed.get(key, 0)
        )
        for row in found
        for key in [row["deal_id"]]
    ]
