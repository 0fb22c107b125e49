"""Links that need no log-in: signed, and valid until they expire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from itsdangerous import BadData, URLSafeSerializer

__all__ = ["LONGEST", "Link", "read_link", "signed_link"]

LONGEST: Final = 2000
"""Characters of a token; a longer one is none of ours."""
_PURPOSE: Final = "partnerlift: questions to a deal's owner"


@dataclass(frozen=True)
class Link:
    """What a link names: questions to one person, and the moment from which it is valid no more."""

    verification_ids: tuple[str, ...]
    expires_at: datetime

    def has_expired(self, at: datetime) -> bool:
        """Whether it is too late; at ``expires_at`` it is."""
        return at >= self.expires_at


def signed_link(secret: str, verification_ids: Sequence[str], expires_at: datetime) -> str:
    """A token of letters, digits, ``-``, ``_`` and ``.`` that only the holder of the secret can make."""
    return str(_signer(secret).dumps([int(expires_at.timestamp()), *verification_ids]))


def read_link(secret: str, token: str) -> Link | None:
    """What a token names, whether it has expired or not; None for one that was not signed with this secret."""
    if len(token) > LONGEST or not token.isascii():
        return None
    try:
        until, *ids = _signer(secret).loads(token)
    except BadData:
        return None
    return Link(tuple(ids), datetime.fromtimestamp(until, UTC))


def _signer(secret: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt=_PURPOSE, signer_kwargs={"digest_method": sha256, "key_derivation": "hmac"})
