"""Users of the review page, managed from the command line."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Engine

from pipelines.console import text_table
from review.roles import Viewer
from review.security.passwords import made_up
from review.store.engine import writing
from review.store.users import add_user, all_users, change_role, disable, enable, set_password, user_named

__all__ = ["Added", "People", "added", "changed", "people"]

OPERATOR: Final = Viewer("command line", "admin")
"""Who the audit says it was."""


@dataclass(frozen=True)
class Added:
    """A user as they are now; ``password`` is one that was made up, and is shown this once."""

    name: str
    role: str
    password: str | None = None
    is_disabled: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def text(self) -> str:
        """The report in plain lines."""
        told = f"\nPassword, shown this once: {self.password}" if self.password else ""
        may = "is shut out" if self.is_disabled else f"may log in as {self.role}"
        return f"{self.name} {may}.{told}"


@dataclass(frozen=True)
class People:
    """All users: name, role, partner and state of each."""

    rows: tuple[dict[str, Any], ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"users": list(self.rows)}

    def text(self) -> str:
        """The report in plain lines."""
        if not self.rows:
            return "There are no users yet. Add one with `partnerlift review user add NAME --role admin`."
        names = ("name", "role", "partner", "state")
        return text_table(names, [[str(row[name] or "") for name in names] for row in self.rows])


def added(
    engine: Engine, name: str, role: str, partner: str | None, password: str | None, now: datetime, *, proxied: bool
) -> Added:
    """Adds a user, with a password that is made up where none is given and no proxy vouches for them."""
    made = None if password or proxied else made_up()
    with writing(engine) as connection:
        user = add_user(connection, name, password or made, role, partner, now, OPERATOR)
    return Added(user.name, user.role, made)


def changed(
    engine: Engine,
    name: str,
    now: datetime,
    *,
    role: str | None = None,
    partner: str | None = None,
    is_disabled: bool | None = None,
    password: str | None = None,
    new_password: bool = False,
) -> Added:
    """Changes a user's role, state or password; a password is made up where a new one is wanted and none is given."""
    made = made_up() if new_password and not password else None
    with writing(engine) as connection:
        if role is not None:
            change_role(connection, name, role, partner, now, OPERATOR)
        if is_disabled is not None:
            (disable if is_disabled else enable)(connection, name, now, OPERATOR)
        if password or made:
            set_password(connection, name, password or made or "", now, OPERATOR)
        found = user_named(connection, name)
    if found is None:
        raise ValueError(f"There is no user {name!r}. `partnerlift review user list` shows them.")
    return Added(found.name, found.role, made, found.disabled_at is not None)


def people(engine: Engine) -> People:
    """All users."""
    with engine.connect() as connection:
        found = all_users(connection)
    return People(
        tuple(
            {
                "name": user.name,
                "role": user.role,
                "partner": user.partner_id,
                "state": "disabled" if user.disabled_at else "may log in" if user.has_password else "by proxy only",
            }
            for user in found
        )
    )
