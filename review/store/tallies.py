"""How many moments wait, by state, partner, type and owner: counted anew once enough has happened to be seen.

To count a hundred thousand moments for each page of the queue would be most of that page's work. So the numbers are
kept in memory, and may be behind by ``TOLERANCE`` of what waits; with fewer than 500 that wait they are exact.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from review.store.partner_names import all_names
from review.store.schema import MOMENT_STATES, deals, events, moments
from review.store.settings import EXCHANGE, kept

__all__ = ["Choice", "Choices", "by_state", "choices"]

TOLERANCE: Final = 0.002
"""Most things that may have happened since the numbers were counted, as a part of the moments that wait."""
LARGE: Final = ("waiting", "judged")
"""States that hold many moments."""
SMALL: Final = tuple(state for state in MOMENT_STATES if state not in (*LARGE, "gone"))
"""States that are counted each time."""


@dataclass(frozen=True)
class Choice:
    """One value that a filter may take, its name, and how many moments wait that have it."""

    value: str
    name: str
    count: int


@dataclass(frozen=True)
class Choices:
    """What the filters offer, by name."""

    partners: tuple[Choice, ...]
    types: tuple[Choice, ...]
    owners: tuple[Choice, ...]


@dataclass(frozen=True)
class _Tally:
    """The numbers, and when they were counted: after which event, and which exchange with the workspace."""

    newest: int
    exchange: str | None
    states: dict[str, int]
    choices: Choices

    def holds(self, newest: int, exchange: str | None) -> bool:
        """Whether no more than may be has happened since."""
        since = newest - self.newest
        return self.exchange == exchange and 0 <= since <= TOLERANCE * self.states.get("waiting", 0)


_KEPT: Final[WeakKeyDictionary[Engine, _Tally]] = WeakKeyDictionary()


def choices(connection: Connection) -> Choices:
    """Partners, types and owners of the moments that wait, by name."""
    return _tally(connection).choices


def by_state(connection: Connection) -> dict[str, int]:
    """How many moments that were flagged as help are in each state."""
    counted = {state: number for state, number in _tally(connection).states.items() if state in LARGE}
    return counted | _states(connection, moments.c.state.in_(SMALL))


def _tally(connection: Connection) -> _Tally:
    newest = connection.scalar(sa.select(sa.func.max(events.c.seq))) or 0
    exchange = kept(connection, EXCHANGE)
    found = _KEPT.get(connection.engine)
    if found is not None and found.holds(newest, exchange):
        return found
    made = _Tally(newest, exchange, _states(connection, moments.c.state.in_(LARGE)), _choices(connection))
    if not connection.get_execution_options().get("is_writer", False):  # What it sees may never be committed.
        _KEPT[connection.engine] = made
    return made


def _states(connection: Connection, which: sa.ColumnElement[bool]) -> dict[str, int]:
    query = sa.select(moments.c.state, sa.func.count()).where(moments.c.is_assist, which).group_by(moments.c.state)
    return {row.state: int(row[1]) for row in connection.execute(query)}


def _choices(connection: Connection) -> Choices:
    whose, what, owner = (_waiting(connection, moments.c[name]) for name in ("partner_id", "assist_type", "owner_id"))
    owners = sa.select(deals.c.owner_id, sa.func.max(deals.c.owner_name)).group_by(deals.c.owner_id)
    return Choices(
        partners=_by_name(whose, all_names(connection).items()),
        types=_by_name(what, ()),
        owners=_by_name(owner, connection.execute(owners)),
    )


def _waiting(connection: Connection, column: sa.ColumnElement[str | None]) -> dict[str, int]:
    """How many moments wait that have each value of the column."""
    is_in = (moments.c.state == "waiting", moments.c.is_assist, column.is_not(None))
    query = sa.select(column, sa.func.count()).where(*is_in).group_by(column)
    return {str(row[0]): int(row[1]) for row in connection.execute(query)}


def _by_name(counted: dict[str, int], named: Iterable[Any]) -> tuple[Choice, ...]:
    names = {value: name for value, name in named}  # noqa: C416 - a result takes itself for a mapping
    made = [Choice(value, names.get(value) or value, number) for value, number in counted.items()]
    return tuple(sorted(made, key=lambda choice: (choice.name.casefold(), choice.value)))
