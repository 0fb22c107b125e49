"""The verb `review`: the page on which people judge moments, its exchange with the workspace, its users and backups."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipelines.config import Config, ReviewConfig
from pipelines.reviewing.place import opened_database
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    from pipelines.reviewing.exchange import Exchanged
    from review.desk import Options

__all__ = ["serve_review", "sync_review"]


def serve_review(workspace: Workspace, config: Config, started: Callable[[str], None]) -> None:
    """Serves the page until it is told to stop by SIGINT or SIGTERM.

    Parameters
    ----------
    started : called with the page's address once it takes requests.
    """
    with opened_database(workspace, config) as engine:
        from pipelines.reviewing.exchange import exchange
        from pipelines.reviewing.serving import listening, serve
        from review.app import create_app

        review = config.review
        with listening(review.host, review.port) as listener:
            address = f"http://{review.host}:{listener.getsockname()[1]}"
            exchange(workspace, engine, config, datetime.now(UTC))
            options = page_options(review, config.report_currency, address)
            app = create_app(engine, options, lambda: datetime.now(UTC))
            serve(app, listener, proxies=",".join(review.proxies), started=lambda: started(options.base_url))


def sync_review(workspace: Workspace, config: Config, *, wait: float = 0.0, now: datetime | None = None) -> Exchanged:
    """Exchanges once, whether or not the page is served at the time."""
    with opened_database(workspace, config) as engine:
        from pipelines.reviewing.exchange import exchange

        return exchange(workspace, engine, config, now or datetime.now(UTC), wait=wait)


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
        report_currency=report_currency or "",
    )
