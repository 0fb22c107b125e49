"""Passwords: what a good one is, and argon2 hashes that take as long for names that nobody has."""

from __future__ import annotations

import re
import secrets
import unicodedata
from functools import cache
from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

__all__ = ["LONGEST", "SHORTEST", "hash_of", "hasher", "is_right", "is_stale", "made_up", "refused"]

SHORTEST: Final = 12
LONGEST: Final = 500
GUESSED: Final = (
    "password passwort passw partnerlift admin administrator welcome letmein changeme qwerty qwertz qwertyuiop "
    "asdfghjkl abcdefgh abcdefghijkl iloveyou trustno secret summer winter spring autumn monkey dragon"
)
"""Words that are guessed first, with digits and signs around them."""
_AT_ONCE: Final = BoundedSemaphore(4)  # A hash takes 64 MiB; many log-ins at once must not take all memory.


@cache
def hasher() -> PasswordHasher:
    """How passwords are hashed: argon2id, with the library's parameters (RFC 9106, low memory)."""
    return PasswordHasher()


def hash_of(password: str) -> str:
    """The hash to keep of a password."""
    with _AT_ONCE:
        return hasher().hash(_normal(password))


def is_right(password_hash: str | None, password: str) -> bool:
    """Whether a password has that hash; without one it never has, which takes just as long to say."""
    maker = hasher()
    with _AT_ONCE:
        try:
            maker.verify(password_hash or _nobodys(maker), _normal(password)[:LONGEST])
        except (VerificationError, InvalidHashError):
            return False
    return password_hash is not None


def is_stale(password_hash: str) -> bool:
    """Whether a hash was made with other parameters than one would be now."""
    return hasher().check_needs_rehash(password_hash)


def refused(password: str, name: str) -> str | None:
    """Why a password will not do for a user of that name; None when it will."""
    plain = _normal(password)
    if len(plain) < SHORTEST:
        return f"A password has at least {SHORTEST} characters; this one has {len(plain)}. A few words make a good one."
    if len(plain) > LONGEST:
        return f"A password has at most {LONGEST} characters; this one has {len(plain)}."
    letters = re.sub(r"[\W\d_]", "", plain.lower())
    if not letters or letters in GUESSED.split():
        return "This password is one of the first that anybody would guess. A few words make a good one."
    if len(set(plain.lower())) < 5:
        return "This password has hardly any different characters. A few words make a good one."
    if len(name) > 3 and len(plain.lower().replace(name.lower(), "")) < SHORTEST // 2:
        return "This password is little more than the user's name. A few words make a good one."
    return None


def made_up() -> str:
    """A random password, of 96 bits, to be told to somebody once."""
    text = secrets.token_hex(12)
    return "-".join(text[i : i + 6] for i in range(0, 24, 6))


@cache
def _nobodys(maker: PasswordHasher) -> str:
    return maker.hash(secrets.token_urlsafe())


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)
