"""The web application, put together."""

from __future__ import annotations

from importlib.resources import files

from fastapi import Depends, FastAPI
from fastapi.staticfiles import StaticFiles
from sqlalchemy.engine import Engine

from review.channels.message import Channel
from review.desk import Clock, Desk, Options
from review.pages import (
    account,
    agreement,
    answer,
    api_moments,
    audit,
    deals,
    disputes,
    moment,
    pack,
    partner_answers,
    partners,
    queue,
    users,
    verdicts,
    verifications,
)
from review.security.access import paced
from review.security.errors import PROBLEMS
from review.security.guard import guard
from review.store.engine import writing
from review.store.second import keep_share
from review.store.settings import secret

__all__ = ["create_app"]


def create_app(engine: Engine, options: Options, clock: Clock, channel: Channel | None = None) -> FastAPI:
    """The application over a database that ``review.store.engine.open_engine`` has opened.

    ``channel`` is how messages reach the owners of deals; without one their questions wait.
    """
    app = FastAPI(
        title="partnerlift review",
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(paced)],
        responses=PROBLEMS,
    )
    with writing(engine) as connection:
        keep_share(connection, options.second_share)
    app.state.desk = Desk(engine, options, clock, secret(engine), channel)
    guard(app)
    app.mount("/static", StaticFiles(directory=str(files("review") / "static")), name="static")
    app.include_router(account.router)
    app.include_router(agreement.router)
    app.include_router(answer.router)
    app.include_router(api_moments.router)
    app.include_router(audit.router)
    app.include_router(disputes.router)
    app.include_router(verifications.router)
    app.include_router(queue.router)
    app.include_router(moment.router)
    app.include_router(verdicts.router)
    app.include_router(users.router)
    app.include_router(deals.router)
    app.include_router(pack.router)
    app.include_router(partners.router)
    app.include_router(partner_answers.router)
    return app
