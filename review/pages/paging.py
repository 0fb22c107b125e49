"""Which page of a long list, and the addresses of those beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query, Request

from features.shown import whole

__all__ = ["MOST_PAGES", "PageNumber", "Pager", "pager"]

MOST_PAGES = 1_000_000
PageNumber = Annotated[int, Query(ge=1, le=MOST_PAGES)]


@dataclass(frozen=True)
class Pager:
    """What is shown of how much, and the addresses of the pages before and after; empty where there are none."""

    range: str
    previous: str
    next: str


def pager(request: Request, page: int, size: int, total: int, name: str = "page") -> Pager:
    """The pager of a list of which ``size`` rows make a page; ``name`` is the page's in the address."""
    first, last = (page - 1) * size + 1, min(page * size, total)
    shown = f"{whole(first)} to {whole(last)} of {whole(total)}" if first <= last else f"none of {whole(total)}"
    return Pager(
        shown,
        _address(request, name, page - 1) if page > 1 else "",
        _address(request, name, page + 1) if last < total else "",
    )


def _address(request: Request, name: str, page: int) -> str:
    kept: dict[str, Any] = {key: value for key, value in request.query_params.items() if value and key != name}
    return f"?{urlencode({**kept, name: page})}"
