"""The verb `review`: the page on which people judge moments, its exchange with the workspace, its users and backups."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.config import Config, ReviewConfig
from pipelines.reviewing.place import database_file, database_url, opened_database
from pipelines.workspace import Workspace, WorkspaceError

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from pipelines.reviewing.backup import Copied
    from pipelines.reviewing.exchange import Exchanged
    from pipelines.reviewing.sending import SendReport
    from review.desk import Desk, Options

__all__ = [
    "Serving",
    "backup_review",
    "export_audit",
    "page_options",
    "restore_review",
    "review_database",
    "send_review",
    "serve_review",
    "sync_review",
]


@dataclass(frozen=True)
class Serving:
    """A page that takes requests: where, how many moments wait, and the link to set it up while there is no admin."""

    address: str
    waiting: int
    setup_link: str | None

    def text(self) -> str:
        """What somebody who started it is told."""
        lines = [f"The review page is at {self.address}", f"{self.waiting:,} moments wait to be judged."]
        if self.setup_link:
            lines.append(f"There is no admin yet. Make the first one at {self.setup_link}")
        return "\n".join([*lines, "Stop it with Ctrl-C."])


def serve_review(
    workspace: Workspace, config: Config, started: Callable[[Serving], None], *, allow_http: bool = False
) -> None:
    """Serves the page until it is told to stop by SIGINT or SIGTERM, and exchanges with the workspace meanwhile.

    Parameters
    ----------
    started : called once the page takes requests.
    allow_http : listen beyond this machine although passwords would go over the network unencrypted.

    Raises
    ------
    WorkspaceError
        When the address cannot be listened on, or should not; when the database cannot be used, or its file is served
        already; or when another run holds the workspace and nothing has been copied from it before.
    """
    _check_address(config.review, allow_http=allow_http)
    file = database_file(database_url(workspace, config))
    with opened_database(workspace, config) as engine:
        from pipelines.reviewing.backup import held
        from pipelines.reviewing.sending import channel_of
        from pipelines.reviewing.serving import listening, serve
        from pipelines.reviewing.timer import Chores, ticking
        from review.app import create_app

        review = config.review
        with listening(review.host, review.port) as listener, nullcontext() if file is None else held(file):
            address = _address(review.host, listener.getsockname()[1])
            _note_address(engine, address)
            options = page_options(review, config.report_currency, address)
            channel = channel_of(workspace, config)
            app = create_app(engine, options, _now, channel)
            chores = Chores(workspace, engine, config, options, _now, channel)
            chores.begin()
            with ticking(chores, review.sync_seconds):
                serve(app, listener, lambda: started(_serving(app.state.desk)))


def sync_review(
    workspace: Workspace, config: Config, *, wait: float = 0.0, adopt: bool = False, now: datetime | None = None
) -> Exchanged:
    """Exchanges once, whether or not the page is served at the time; see ``pipelines.reviewing.exchange.exchange``."""
    with opened_database(workspace, config) as engine:
        from pipelines.reviewing.exchange import exchange

        return exchange(workspace, engine, config, now or _now(), wait=wait, adopt=adopt)


def send_review(workspace: Workspace, config: Config) -> SendReport:
    """Sends the messages that are due by the configured channel, once; raises ``ValueError`` where it cannot work.

    Without ``review.base_url``, links lead to where the page was last served.
    """
    with opened_database(workspace, config) as engine:
        from pipelines.reviewing.sending import channel_of, send_messages

        review = config.review
        address = _noted_address(engine) or _address(review.host, review.port)
        options = page_options(review, config.report_currency, address)
        return send_messages(engine, options, _now, channel_of(workspace, config))


def backup_review(workspace: Workspace, config: Config, out: Path) -> Copied:
    """Copies the database to a file while it is in use; see ``pipelines.reviewing.backup.backed_up``."""
    url = database_url(workspace, config)
    from pipelines.reviewing.backup import backed_up

    return backed_up(url, out)


def restore_review(
    workspace: Workspace, config: Config, source: Path, *, force: bool = False, now: datetime | None = None
) -> Copied:
    """Puts a backup in the database's place; see ``pipelines.reviewing.backup.restored``."""
    url = database_url(workspace, config)
    from pipelines.reviewing.backup import restored

    return restored(url, source, now or _now(), force=force)


def export_audit(workspace: Workspace, config: Config, out: Path) -> int:
    """Writes the audit as CSV, or as JSON lines where the file's name ends so; how many rows it has.

    Raises ``WorkspaceError`` when it is broken (the file is written all the same) or the file cannot be written.
    """
    with opened_database(workspace, config) as engine:
        from review.pages.audit_files import as_csv, as_json_lines
        from review.store.audit import AuditFilters, all_events
        from review.store.engine import reading
        from review.store.events import chain

        written = as_json_lines if out.suffix in (".jsonl", ".json") else as_csv
        with reading(engine) as connection:
            with out.open("w", encoding="utf-8", newline="") as file:
                file.writelines(written(all_events(connection, AuditFilters())))
            followed = chain(connection)
    if not followed.is_whole:
        raise WorkspaceError(f"The audit is broken at row {followed.first_break}: it was changed from outside.")
    return followed.rows


@contextmanager
def review_database(workspace: Workspace, config: Config) -> Iterator[tuple[Engine, datetime]]:
    """The opened database and the present moment, to manage users with ``pipelines.reviewing.people``."""
    with opened_database(workspace, config) as engine:
        yield engine, _now()


def page_options(review: ReviewConfig, report_currency: str | None, address: str) -> Options:
    """What the page is told of the configuration; ``address`` is where it listens."""
    from review.desk import Options

    base_url = (review.base_url or address).rstrip("/")
    return Options(
        base_url=base_url,
        session_hours=review.session_hours,
        link_days=review.link_days,
        remind_days=review.remind_days,
        most_reminders=review.most_reminders,
        header=review.header,
        proxies=review.proxies,
        is_https=base_url.startswith("https://"),
        attempts_per_minute=review.attempts_per_minute,
        requests_per_minute=review.requests_per_minute,
        second_share=review.second_share,
        report_currency=report_currency or "",
    )


def _note_address(engine: Engine, address: str) -> None:
    """Keeps where the page is served, for links in messages that another process sends."""
    from review.store.engine import writing
    from review.store.settings import keep

    with writing(engine) as connection:
        keep(connection, "address", address)


def _noted_address(engine: Engine) -> str | None:
    from review.store.settings import kept

    with engine.connect() as connection:
        return kept(connection, "address")


def _serving(desk: Desk) -> Serving:
    import sqlalchemy as sa

    from review.security.setup import setup_link
    from review.store.schema import moments

    waits = (moments.c.state == "waiting") & moments.c.is_assist
    with desk.engine.connect() as connection:
        waiting = connection.scalar(sa.select(sa.func.count()).select_from(moments).where(waits)) or 0
    return Serving(desk.options.base_url, waiting, setup_link(desk))


def _check_address(review: ReviewConfig, *, allow_http: bool) -> None:
    """Refuses to take passwords from other machines in the clear."""
    is_safe = review.header is not None or (review.base_url or "").startswith("https://")
    if _is_loopback(review.host) or is_safe or allow_http:
        return
    raise WorkspaceError(
        f"{review.host} can be reached from other machines, and without HTTPS passwords and judgements would travel "
        "unencrypted. Put a proxy with HTTPS in front and set review.base_url (or review.header) as docs/review.md "
        "tells, or give --allow-http if the network is your own."
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _address(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _now() -> datetime:
    return datetime.now(UTC)
