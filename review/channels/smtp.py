"""Messages by a mail server."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from review.channels.mail import email_of
from review.channels.message import Message, UndeliverableError, UnreachableError, one_line

__all__ = ["Security", "SmtpChannel"]

Security = Literal["starttls", "ssl", "none"]


@dataclass(frozen=True)
class SmtpChannel:
    """Hands messages to a mail server, each by a connection of its own.

    host, port : of the server.
    sender : e.g. ``Partner team <partners@example.com>``.
    security : ``starttls``, ``ssl`` from the first byte, or ``none``, by which no password is ever sent.
    user, password : for the log-in; without a user there is none.
    ca_file : certificates to trust in place of the system's.
    timeout : seconds for each step.
    addresses : recipient to e-mail address, where the recipient is none.
    """

    host: str
    port: int
    sender: str
    security: Security = "starttls"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    timeout: float = 20.0
    addresses: Mapping[str, str] = field(default_factory=dict)
    name: str = "smtp"

    def send(self, message: Message) -> None:
        """Sends the message; raises ``UndeliverableError``, or ``UnreachableError`` when no message can be sent."""
        to = message.address(self.addresses)
        mail = email_of(message, to, self.sender)
        with self._connected() as server:
            try:
                server.send_message(mail)
            except smtplib.SMTPRecipientsRefused as error:
                code, reason = next(iter(error.recipients.values()))
                raise UndeliverableError(f"The mail server refused the recipient: {_said(code, reason, to)}") from error
            except smtplib.SMTPResponseException as error:
                raise UndeliverableError(
                    f"The mail server refused the message: {_said(error.smtp_code, error.smtp_error, to)}"
                ) from error
            except smtplib.SMTPNotSupportedError as error:
                raise UndeliverableError("The mail server takes no addresses with such characters.") from error

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        place = f"The mail server {self.host}:{self.port}"
        try:
            server = self._opened()
        except smtplib.SMTPAuthenticationError as error:
            told = f"{place} refused the log-in (code {error.smtp_code}). Check user and password."
            raise UnreachableError(told, is_unsent=True) from error
        except (OSError, smtplib.SMTPException) as error:
            raise UnreachableError(f"{place} cannot be used: {_reason(error)}.", is_unsent=True) from error
        try:
            yield server
        except (OSError, smtplib.SMTPServerDisconnected) as error:
            raise UnreachableError(f"{place} broke off: {_reason(error)}.", is_unsent=False) from error
        else:
            with suppress(OSError):  # The message has been taken by now, whatever becomes of the farewell.
                server.quit()
        finally:
            server.close()

    def _opened(self) -> smtplib.SMTP:
        trust = ssl.create_default_context(cafile=self.ca_file)
        if self.security == "ssl":
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout, context=trust)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=self.timeout)
        try:
            if self.security == "starttls":
                server.starttls(context=trust)
            if self.user is not None and self.security != "none":
                server.login(self.user, self.password or "")
        except BaseException:
            server.close()
            raise
        return server


def _said(code: int, reason: bytes | str, address: str) -> str:
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
    return one_line(f"{code} {text.replace(address, 'the address')}", 200)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "it closed the connection"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return "it does not offer what the settings ask for (STARTTLS or a log-in)"
    return one_line((error.strerror if isinstance(error, OSError) else None) or type(error).__name__, 120)
