"""All that guards the page, put in front of it."""

from __future__ import annotations

from fastapi import FastAPI

from review.security.csrf import Forms
from review.security.errors import tell_of_errors
from review.security.headers import Protection
from review.security.pace import Pace

__all__ = ["guard"]


def guard(app: FastAPI) -> None:
    """Guards an application: counts requests, checks forms and hosts, sets headers, tells of errors.

    It has its desk already, and its routers depend on ``review.security.access.paced``.
    """
    app.state.pace = Pace(app.state.desk.options)
    tell_of_errors(app)
    app.add_middleware(Forms)
    app.add_middleware(Protection)
