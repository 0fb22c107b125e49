"""Users: who may log in, and as what. Every change is in the audit, and there is always an admin."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from review.roles import ROLES, Role, Viewer
from review.security import passwords
from review.store.events import Event, record
from review.store.schema import events, partners, sessions, users

__all__ = [
    "User",
    "add_user",
    "all_users",
    "change_role",
    "disable",
    "enable",
    "has_admin",
    "keep_hash",
    "set_password",
    "user_history",
    "user_name",
    "user_named",
]

_NAME: Final = re.compile(r"\w[\w.@+'-]*( [\w.@+'-]+)*")
LONGEST_NAME: Final = 100


@dataclass(frozen=True)
class User:
    """A row of ``users``."""

    name: str
    role: Role
    partner_id: str | None
    password_hash: str | None
    created_at: datetime
    disabled_at: datetime | None

    @property
    def viewer(self) -> Viewer:
        """The user, looking."""
        return Viewer(self.name, self.role, self.partner_id)

    @property
    def has_password(self) -> bool:
        """Whether the user can log in with a password; without one only a proxy can vouch for them."""
        return self.password_hash is not None


def user_name(text: str) -> str:
    """A user's name as it is kept: composed letters, single spaces; raises ``ValueError`` for what is none."""
    name = " ".join(unicodedata.normalize("NFKC", text).split())
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(name):
        raise ValueError(
            f"{text[:LONGEST_NAME]!r} cannot be a user's name. "
            f"Begin with a letter or digit; then also spaces and . @ + - _ ' may stand; {LONGEST_NAME} at most."
        )
    return name


def has_admin(connection: Connection) -> bool:
    """Whether somebody may say who else logs in; once there is an admin, there always is one."""
    return connection.scalar(sa.select(users.c.name).where(users.c.role == "admin").limit(1)) is not None


def user_named(connection: Connection, name: str) -> User | None:
    """The user of that name, in capitals or not; None where there is none."""
    try:
        wanted = user_name(name)
    except ValueError:
        return None
    found = _rows(connection, users.c.name == wanted)
    if not found:  # What letters are the same databases do not agree on; Python says it.
        same = [known for known in connection.scalars(sa.select(users.c.name)) if _folded(known) == _folded(wanted)]
        found = _rows(connection, users.c.name.in_(same)) if same else []
    return found[0] if found else None


def all_users(connection: Connection) -> list[User]:
    """All users by name, the disabled ones last."""
    return _rows(connection)


def user_history(connection: Connection, name: str) -> Sequence[Row[Any]]:
    """The latest rows of the audit about a user that are more than a log-in, newest first."""
    is_about = sa.and_(events.c.subject == "user", events.c.subject_id == name, events.c.action != "logged_in")
    return connection.execute(sa.select(events).where(is_about).order_by(events.c.seq.desc()).limit(50)).all()


def add_user(
    connection: Connection,
    name: str,
    password: str | None,
    role: str,
    partner_id: str | None,
    at: datetime,
    by: Viewer,
) -> User:
    """Adds a user; without a password only a proxy in front of the page can vouch for them.

    Raises
    ------
    ValueError
        For a name that is taken or none, an unknown role or partner, or a password that will not do.
    """
    user = User(user_name(name), _role(role), _partner(connection, role, partner_id), None, at, None)
    if password is not None:
        user = replace(user, password_hash=_password_hash(password, user.name))
    taken = user_named(connection, user.name)
    if taken is not None:
        raise ValueError(f"There is a user {taken.name!r} already. Choose another name.")
    connection.execute(users.insert().values(**user.__dict__))
    after = {"role": user.role, "partner_id": user.partner_id, "has_password": user.has_password}
    record(connection, Event(by.name, by.role, "added", "user", user.name, after=after), at)
    return user


def change_role(connection: Connection, name: str, role: str, partner_id: str | None, at: datetime, by: Viewer) -> None:
    """Gives a user another role, and the company of one of role ``partner``; raises ``ValueError`` as ``add_user``."""
    user = _found(connection, name)
    new = {"role": _role(role), "partner_id": _partner(connection, role, partner_id)}
    if role != "admin":
        _keep_an_admin(connection, user)
    before = {"role": user.role, "partner_id": user.partner_id}
    if new == before:
        return
    connection.execute(users.update().where(users.c.name == user.name).values(**new))
    record(connection, Event(by.name, by.role, "role_changed", "user", user.name, before, new), at)


def disable(connection: Connection, name: str, at: datetime, by: Viewer) -> None:
    """Shuts a user out at once; raises ``ValueError`` for the last admin."""
    user = _found(connection, name)
    _keep_an_admin(connection, user)
    if user.disabled_at is not None:
        return
    connection.execute(users.update().where(users.c.name == user.name).values(disabled_at=at))
    connection.execute(sessions.delete().where(sessions.c.user == user.name))
    record(connection, Event(by.name, by.role, "disabled", "user", user.name), at)


def enable(connection: Connection, name: str, at: datetime, by: Viewer) -> None:
    """Lets a disabled user in again; does nothing to another."""
    user = _found(connection, name)
    if user.disabled_at is None:
        return
    connection.execute(users.update().where(users.c.name == user.name).values(disabled_at=None))
    record(connection, Event(by.name, by.role, "enabled", "user", user.name), at)


def set_password(connection: Connection, name: str, password: str, at: datetime, by: Viewer) -> None:
    """Gives a user another password and ends all the user's sessions; raises ``ValueError`` for one that won't do."""
    user = _found(connection, name)
    password_hash = _password_hash(password, user.name)
    keep_hash(connection, user.name, password_hash)
    connection.execute(sessions.delete().where(sessions.c.user == user.name))
    record(connection, Event(by.name, by.role, "password_changed", "user", user.name), at)


def keep_hash(connection: Connection, name: str, password_hash: str) -> None:
    """Keeps another hash of the same password."""
    connection.execute(users.update().where(users.c.name == name).values(password_hash=password_hash))


def _rows(connection: Connection, *which: sa.ColumnElement[bool]) -> list[User]:
    columns = (users.c[field.name] for field in fields(User))
    query = sa.select(*columns).where(*which).order_by(users.c.disabled_at.is_not(None), users.c.name)
    return [User(**row) for row in connection.execute(query).mappings()]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name.casefold())


def _found(connection: Connection, name: str) -> User:
    user = user_named(connection, name)
    if user is None:
        raise ValueError(f"There is no user {name[:LONGEST_NAME]!r}. The page of users lists them.")
    return user


def _keep_an_admin(connection: Connection, user: User) -> None:
    is_admin = sa.and_(users.c.role == "admin", users.c.disabled_at.is_(None))
    others = sa.select(users.c.name).where(is_admin, users.c.name != user.name).limit(1)
    if user.role == "admin" and user.disabled_at is None and connection.scalar(others) is None:
        raise ValueError(f"{user.name!r} is the last admin. Make somebody else an admin first.")


def _role(role: str) -> Role:
    for known in ROLES:
        if role == known:
            return known
    raise ValueError(f"{role[:40]!r} is no role. Roles: {', '.join(ROLES)}.")


def _partner(connection: Connection, role: str, partner_id: str | None) -> str | None:
    if role != "partner":
        return None
    if not partner_id:
        raise ValueError("A user of role 'partner' needs a partner, whose rows they see. Choose one.")
    if connection.scalar(sa.select(partners.c.partner_id).where(partners.c.partner_id == partner_id)) is None:
        raise ValueError(f"There is no partner {partner_id[:LONGEST_NAME]!r}. Choose one of the list.")
    return partner_id


def _password_hash(password: str, name: str) -> str:
    reason = passwords.refused(password, name)
    if reason:
        raise ValueError(reason)
    return passwords.hash_of(password)
