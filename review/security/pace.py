"""How fast anybody may ask, and how often one may try to log in."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, ip_address, ip_network

from fastapi import HTTPException, Request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter, SlidingWindowCounterRateLimiter
from starlette.requests import HTTPConnection

from review.desk import Options, desk_of

__all__ = ["Pace", "address_of", "count_attempt", "pace_of"]


class Pace:
    """Counts in memory; both methods raise a 429 beyond what the options allow in a minute."""

    def __init__(self, options: Options) -> None:
        storage = MemoryStorage()
        self._requests = SlidingWindowCounterRateLimiter(storage)
        self._attempts = MovingWindowRateLimiter(storage)
        self._most_requests = RateLimitItemPerMinute(options.requests_per_minute, namespace="requests")
        self._most_attempts = RateLimitItemPerMinute(options.attempts_per_minute, namespace="attempts")

    def request(self, whose: str) -> None:
        """Counts a request of a user or address."""
        if not self._requests.hit(self._most_requests, whose):
            raise _too_fast("requests", self._most_requests)

    def attempt(self, keys: Iterable[str]) -> None:
        """Counts an attempt under each key (an address, a name) until one of them has made too many."""
        for key in keys:
            if not self._attempts.hit(self._most_attempts, key):
                raise _too_fast("attempts", self._most_attempts)


def pace_of(request: Request) -> Pace:
    """The counters of the page that serves a request."""
    pace: Pace = request.app.state.pace
    return pace


def address_of(request: HTTPConnection, options: Options) -> str:
    """Whose address a request comes from; of IPv6 the network, since one line has more addresses than one can count.

    Where a proxy stands in front (the options say so by HTTPS, or by a header for who somebody is), the last address
    of ``X-Forwarded-For`` that is none of the proxies'.
    """
    peer = request.client.host if request.client else ""
    if peer not in options.proxies or not (options.is_https or options.header):
        return _line(peer)
    named = map(str.strip, ",".join(request.headers.getlist("x-forwarded-for")).split(","))
    return _line(next((host for host in reversed(list(named)) if host and host not in options.proxies), peer))


def count_attempt(request: Request, name: str | None = None) -> None:
    """Counts an attempt of an address, and one for a name; raises a 429 for too many of either in a minute."""
    keys = [f"address:{address_of(request, desk_of(request).options)}"]
    pace_of(request).attempt(keys if name is None else [*keys, f"name:{name.strip().lower()[:100]}"])


def _line(address: str) -> str:
    """An IPv4 address, or the /64 network of an IPv6 one; anything else as it is."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv4Address) or parsed.ipv4_mapped:
        return str(getattr(parsed, "ipv4_mapped", None) or parsed)
    return str(ip_network((parsed, 64), strict=False))


def _too_fast(what: str, most: RateLimitItemPerMinute) -> HTTPException:
    seconds = str(most.get_expiry())
    return HTTPException(429, f"More than {most.amount} {what} in a minute. Wait a minute.", {"Retry-After": seconds})
