"""What people and programs are told when something cannot be done: a page, a part of one, or JSON."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from review.rendering import page
from review.security.access import looking
from review.security.asking import wants_json, wants_part
from review.security.headers import protect

__all__ = ["PROBLEMS", "Problem", "problem", "tell_of_errors"]

TITLES: Final = {
    400: "That did not arrive as it should",
    401: "You are logged out",
    403: "This is not open to you",
    404: "There is nothing here",
    405: "That cannot be done here",
    409: "Somebody was faster",
    413: "That is too much at once",
    422: "Something is not filled in as it should be",
    429: "That was too fast",
    500: "Something went wrong on our side",
}
DETAILS: Final = {
    404: "Nothing has this address, or it is gone.",
    405: "This address takes no such request.",
}
INTERNAL: Final = (
    "Go back, look whether it was done, and try again. If it stays so, whoever runs this page finds the reason in "
    "what it logs."
)
UNSTORABLE: Final = "A value is too large, or holds characters that cannot be kept. Nothing was changed. Correct it."
LOG: Final = logging.getLogger(__name__)


class Problem(BaseModel):
    """What programs are told."""

    detail: str | list[dict[str, Any]]


PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": Problem, "description": TITLES[status]} for status in (400, 401, 403, 404, 409, 413, 422, 429)
}
"""What every address may answer with beside its own answer."""


def problem(
    request: Request, status: int, detail: str | list[dict[str, Any]], headers: Mapping[str, str] | None = None
) -> Response:
    """An answer that says what is wrong, as JSON, a part of a page or a page."""
    if wants_json(request):
        return JSONResponse({"detail": detail}, status, headers)
    viewer = getattr(request.state, "viewer", None)
    template = "problem_part.html.jinja" if wants_part(request) else "problem.html.jinja"
    title = TITLES.get(status, "That cannot be done")
    lines = [_line(fault) for fault in detail] if isinstance(detail, list) else [str(detail)]
    answer = page(request, template, viewer, status=status, title=title, lines=lines, number=status)
    answer.headers.update(headers or {})
    return answer


def tell_of_errors(app: FastAPI) -> None:
    """Makes the application tell of every error in the one way."""

    @app.exception_handler(HTTPException)
    def told(request: Request, error: HTTPException) -> Response:
        if error.status_code < 400:
            return Response(None, error.status_code, error.headers)
        if not hasattr(request.state, "viewer"):
            looking(request)
        is_plain = error.detail in ("Not Found", "Method Not Allowed")
        detail = DETAILS.get(error.status_code, error.detail) if is_plain else error.detail
        return problem(request, error.status_code, detail, error.headers)

    @app.exception_handler(RequestValidationError)
    def not_valid(request: Request, error: RequestValidationError) -> Response:
        return problem(request, 422, [_fault(found) for found in error.errors()])

    @app.exception_handler(DataError)
    @app.exception_handler(OverflowError)
    @app.exception_handler(UnicodeEncodeError)
    def not_storable(request: Request, error: Exception) -> Response:
        LOG.warning("%s %s: %s", request.method, request.url.path, type(error).__name__)
        return problem(request, 422, UNSTORABLE)

    @app.exception_handler(Exception)
    def broken(request: Request, error: Exception) -> Response:  # noqa: ARG001
        answer = problem(request, 500, INTERNAL)
        protect(answer.headers, request.url.path, request.app.state.desk.options)
        return answer


def _fault(found: Mapping[str, Any]) -> dict[str, Any]:
    """One fault of what was sent, without the value, which may be anything."""
    return {"loc": [str(step) for step in found["loc"]], "msg": str(found["msg"]), "type": str(found["type"])}


def _line(fault: Mapping[str, Any]) -> str:
    where = " ".join(fault["loc"][1:]).replace("_", " ")
    return f"{where}: {fault['msg']}" if where else fault["msg"]
