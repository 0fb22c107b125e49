"""A message as an e-mail."""

from __future__ import annotations

from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr

from review.channels.message import Message, UndeliverableError, one_line
from review.channels.wording import html, plain, subject

__all__ = ["email_of", "is_email", "sender_address"]


def is_email(text: str) -> bool:
    """Whether it is one address with a local part and a domain, and nothing else."""
    try:
        address = Address(addr_spec=text)
    except (ValueError, IndexError, MessageError):
        return False
    return bool(address.username and address.domain) and text.isprintable() and " " not in text


def sender_address(sender: str) -> str:
    """The address in ``Name <address>``, or the address alone."""
    return parseaddr(sender)[1]


def email_of(message: Message, to: str, sender: str) -> EmailMessage:
    """The e-mail, with a part of plain text and one of HTML.

    No name can add a header: names are brought onto one line, and each header is made from its parts.

    Raises
    ------
    UndeliverableError
        When ``to`` is no e-mail address.
    """
    if not is_email(to):
        raise UndeliverableError(
            "There is no e-mail address of the deal's owner. Give it under review.channels.addresses."
        )
    mail = EmailMessage()
    mail["Subject"] = subject(message)
    mail["From"] = Address(one_line(parseaddr(sender)[0]), addr_spec=sender_address(sender))
    mail["To"] = Address(one_line(message.name or ""), addr_spec=to)
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = make_msgid(str(message.message_id), domain=mail["From"].addresses[0].domain)
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(plain(message))
    mail.add_alternative(html(message), subtype="html")
    return mail
