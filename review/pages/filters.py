"""The filters of the queue as they stand in an address, so that a link shows a colleague the same queue."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Query
from pydantic import AfterValidator, BeforeValidator, Field

from review.store.filters import Band, Filters, Kind, Order, State

__all__ = ["Long", "LongText", "Number", "Short", "Text", "address", "asked", "kept", "some"]

NAMES: Final = {"assist_type": "type", "owner": "rep"}
"""Fields of ``Filters`` that are called otherwise in an address."""
DEFAULT: Final = Filters()


def some(value: Any) -> Any:
    """An empty field of a form is none."""
    return None if value == "" else value


def _or(default: str) -> BeforeValidator:
    return BeforeValidator(lambda value: default if value in (None, "") else value)


def storable(value: Any) -> Any:
    """A text, if every database can hold it; what is none is judged by others."""
    if isinstance(value, str) and ("\x00" in value or any("\ud800" <= sign <= "\udfff" for sign in value)):
        raise ValueError("The text holds characters that are no text. Write it anew.")
    return value


Short = Annotated[str, Field(max_length=300), AfterValidator(storable)]
Long = Annotated[str, Field(max_length=10_000), AfterValidator(storable)]
Text = Annotated[Short | None, BeforeValidator(some)]
LongText = Annotated[Long | None, BeforeValidator(some)]
Number = Annotated[Annotated[int, Field(ge=0, le=100_000)] | None, BeforeValidator(some)]


async def asked(
    partner: Text = None,
    assist_type: Annotated[Text, Query(alias="type")] = None,
    deal: Text = None,
    owner: Annotated[Text, Query(alias="rep")] = None,
    since: Annotated[date | None, BeforeValidator(some)] = None,
    until: Annotated[date | None, BeforeValidator(some)] = None,
    band: Annotated[Band | None, BeforeValidator(some)] = None,
    state: Annotated[State, _or(DEFAULT.state)] = DEFAULT.state,
    kind: Annotated[Kind, _or(DEFAULT.kind)] = DEFAULT.kind,
    order: Annotated[Order, _or(DEFAULT.order)] = DEFAULT.order,
) -> Filters:
    """The filters that an address asks for."""
    return Filters(partner, assist_type, deal, owner, since, until, band, state, kind, order)


def kept(filters: Filters) -> list[tuple[str, str]]:
    """Names and values of the filters that are not as they are at first."""
    values = filters.__dict__.items()
    return [(NAMES.get(name, name), str(value)) for name, value in values if value != getattr(DEFAULT, name)]


def address(path: str, filters: Filters, **more: str | int | None) -> str:
    """The path with the filters and whatever else is not None."""
    given = [*kept(filters), *((name, value) for name, value in more.items() if value is not None)]
    return f"{path}?{urlencode(given)}" if given else path
