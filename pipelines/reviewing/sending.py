"""The day's messages to the owners of deals: by which channel, and handed to it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from pipelines.config import ChannelsConfig, Config
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from review.channels.message import Channel
    from review.desk import Clock, Options

__all__ = ["PASSWORD", "WEBHOOK", "SendReport", "channel_of", "send_messages"]

PASSWORD: Final = "PARTNERLIFT_SMTP_PASSWORD"  # noqa: S105 - the name of a variable
WEBHOOK: Final = "PARTNERLIFT_REVIEW_WEBHOOK"
FOLDER: Final = "outbox"


@dataclass(frozen=True)
class SendReport:
    """What one sending did.

    sent, failed : messages that the channel took, and that it refused.
    left : messages that wait, because the channel could not be used.
    expired : questions whose time was over.
    error : why the last message was not taken.
    """

    channel: str | None
    sent: int = 0
    failed: int = 0
    left: int = 0
    expired: int = 0
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def text(self) -> str:
        """The report in plain lines."""
        if self.channel is None:
            return "No channel is set up, so nothing was sent. Choose one with review.channels.kind."
        lines = [
            f"{self.sent} sent by {self.channel}, {self.failed} refused, {self.left} left, {self.expired} expired."
        ]
        return "\n".join([*lines, *([f"The last was not taken: {self.error}"] if self.error else [])])


def channel_of(workspace: Workspace, config: Config, environment: Mapping[str, str] | None = None) -> Channel | None:
    """The channel that is configured; None where it is ``none``.

    Secrets come from the environment: the mail server's password from nowhere else, the webhook's address if the
    configuration has none. Raises ``ValueError`` for settings that cannot work.
    """
    told = config.review.channels
    known = os.environ if environment is None else environment
    if told.kind == "none":
        return None
    if told.kind == "webhook":
        return _webhook(told, known.get(WEBHOOK))
    from review.channels.mail import is_email, sender_address

    if not is_email(sender_address(told.sender)):
        raise ValueError(f"review.channels.sender {told.sender!r} holds no e-mail address, as Team <team@example.com>.")
    if told.kind == "smtp":
        return _smtp(told, known.get(PASSWORD))
    from review.channels.file import FileChannel

    return FileChannel(told.folder or workspace.root / FOLDER, told.sender, _addresses(told))


def send_messages(engine: Engine, options: Options, clock: Clock, channel: Channel | None) -> SendReport:
    """Sends what is due today; for the command line and the serving page's timer.

    It can be called as often as one likes, by several servers at once: nobody gets more than one message a day.
    """
    if channel is None:
        return SendReport(None)
    from review.channels.delivery import deliver
    from review.desk import Desk
    from review.store.settings import secret

    done = deliver(Desk(engine, options, clock, secret(engine), channel), channel)
    return SendReport(channel.name, done.sent, done.failed, done.left, done.expired, done.error)


def _smtp(told: ChannelsConfig, password: str | None) -> Channel:
    from review.channels.smtp import SmtpChannel

    server = told.smtp
    if not server.host:
        raise ValueError("review.channels.smtp.host is empty. Name the mail server, or choose another kind of channel.")
    if server.user is not None and (server.security == "none" or not password):
        raise ValueError(
            f"review.channels.smtp.user needs a password in {PASSWORD}, and security starttls or ssl to send it by."
        )
    return SmtpChannel(
        server.host,
        server.port,
        told.sender,
        server.security,
        server.user,
        password,
        server.ca_file,
        told.timeout_seconds,
        _addresses(told),
    )


def _webhook(told: ChannelsConfig, from_environment: str | None) -> Channel:
    from review.channels.webhook import WebhookChannel, is_safe_url

    url = told.webhook.get_secret_value() if told.webhook is not None else from_environment or ""
    if not is_safe_url(url):
        raise ValueError(
            f"review.channels.webhook is no https address (nor http on this machine). Set it there, or in {WEBHOOK}."
        )
    return WebhookChannel(url, _addresses(told), told.timeout_seconds)


def _addresses(told: ChannelsConfig) -> dict[str, str]:
    return {owner: address.get_secret_value() for owner, address in told.addresses.items()}
