"""The link by which the first admin is made."""

from __future__ import annotations

import hmac
from hashlib import sha256

from review.desk import Desk
from review.store.users import has_admin

__all__ = ["is_setup_token", "setup_link"]


def setup_link(desk: Desk) -> str | None:
    """The link to make the first admin; None once there is an admin, from when on it is good for nothing."""
    with desk.engine.connect() as connection:
        is_set_up = has_admin(connection)
    return None if is_set_up else f"{desk.options.base_url}/setup?token={_token(desk.secret)}"


def is_setup_token(secret: str, token: str) -> bool:
    """Whether the token is that of the link; says nothing of whether there is an admin already."""
    return hmac.compare_digest(token.encode(), _token(secret).encode())


def _token(secret: str) -> str:
    return hmac.new(secret.encode(), b"set up the first admin", sha256).hexdigest()
