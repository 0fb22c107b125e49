"""Messages as files in a folder, to be looked at or mailed by another program."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile

from features.shown import slug
from review.channels.mail import email_of, is_email
from review.channels.message import Message, UnreachableError
from review.channels.wording import plain, subject

__all__ = ["FileChannel"]


@dataclass(frozen=True)
class FileChannel:
    """Writes one ``.eml`` for a recipient with an e-mail address, and one ``.txt`` for another.

    Only the owner of the process may read them, because each holds a link that answers in a person's name.
    """

    folder: Path
    sender: str = "partnerlift@localhost"
    addresses: Mapping[str, str] = field(default_factory=dict)
    name: str = "file"

    def send(self, message: Message) -> None:
        """Writes the file, whole or not at all; raises ``UnreachableError`` when the folder cannot be written."""
        to = message.address(self.addresses)
        if is_email(to):
            suffix, content = ".eml", bytes(email_of(message, to, self.sender))
        else:
            suffix, content = ".txt", f"To: {to}\nSubject: {subject(message)}\n\n{plain(message)}".encode()
        name = f"{message.at:%Y-%m-%d}-{message.message_id}-{slug('', message.recipient)}{suffix}"
        try:
            self._write(name, content)
        except OSError as error:
            raise UnreachableError(
                f"The folder {self.folder} cannot be written: {error.strerror}. Make it, or name another one.",
                is_unsent=True,
            ) from error

    def _write(self, name: str, content: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=self.folder, prefix=".", delete=False) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(self.folder / name)
