"""The templates and what they may call. Every value is escaped, and cleaned of characters that reorder a page."""

from __future__ import annotations

from functools import cache, partial
from typing import Any, Final
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from features import shown, titles
from features.assist.taxonomy import taxonomy
from review.desk import desk_of
from review.roles import Right, Viewer

__all__ = ["environment", "menu", "page", "segment"]


def _visible(value: object) -> object:
    """What an expression in a template shows: plain text is cleaned, markup of our own is left as it is."""
    return shown.clean(value) if type(value) is str else value


def clock_time(seconds: float | None) -> str:
    """Seconds into a call as ``4:05`` or ``1:02:03``; empty where there are none."""
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def segment(identifier: str) -> str:
    """An id as one part of an address's path; every character that means something there is quoted."""
    return quote(identifier, safe="")


def type_name(class_id: str | None) -> str:
    """The name of an assist type or other class; the id itself where it is none of the taxonomy's."""
    classes = taxonomy()
    return classes[class_id].name if class_id in classes.ids else class_id or ""


def amount(value: float | None, currency: str | None, *, exact: bool = False) -> str:
    """One sum of money, short or ``exact``; a dash where there is none."""
    if value is None:
        return "–"
    return shown.money(shown.Money.of([(currency or "", round(value * 100))]), exact=exact)


FILTERS: Final = {
    "whole": shown.whole,
    "decimal": shown.decimal,
    "percent": shown.percent,
    "day": shown.day,
    "amount": amount,
    "clock_time": clock_time,
    "type_name": type_name,
    "method_name": titles.method_name,
    "method_short": titles.method_short,
    "partner_type": titles.partner_type,
    "words": lambda name: str(name).replace("_", " "),
    "segment": segment,
    "iso": lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "money": shown.money,
    "between": shown.between,
    "exact_money": partial(shown.money, exact=True),
    "cents": lambda value, unit: shown.money(shown.Money.of([(unit, value)]), exact=True),
}


MENU: Final = (
    ("/queue", "Queue", Right.SEE),
    ("/deals", "Deals", Right.SEE),
    ("/partners", "Partners", Right.SEE_OWN),
    ("/verifications", "Verification", Right.SEE),
    ("/disputes", "Disputes", Right.SEE_OWN),
    ("/agreement", "Agreement", Right.SEE),
    ("/audit", "Audit", Right.DECIDE),
    ("/users", "Users", Right.GOVERN),
)
"""Address, name, and the right that a page needs; who may see everything needs no ``SEE_OWN``."""


def menu(viewer: Viewer) -> list[tuple[str, str]]:
    """The pages that a viewer may open."""
    own = {Right.SEE_OWN: viewer.may(Right.SEE) or viewer.may(Right.SEE_OWN)}
    return [(href, name) for href, name, right in MENU if own.get(right, viewer.may(right))]


@cache
def environment() -> Environment:
    """The templates of all pages."""
    made = Environment(
        loader=PackageLoader("review", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(FILTERS)
    made.globals.update(count=shown.count, listing=shown.listing, menu=menu, Right=Right)
    return made


def page(request: Request, template: str, viewer: Viewer | None, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A template as an answer; it knows ``viewer`` (None: nobody is logged in), ``csrf``, ``path`` and ``by_proxy``.

    ``csrf`` is the token that every form must send back; ``review.security`` puts it into the request's state.
    ``by_proxy`` says whether a proxy vouches for users, so that nobody logs in or out here.
    """
    made = environment().get_template(template)
    csrf = getattr(request.state, "csrf", "")
    by_proxy = desk_of(request).options.header is not None
    text = made.render(viewer=viewer, csrf=csrf, path=request.url.path, by_proxy=by_proxy, **values)
    return HTMLResponse(text, status)
