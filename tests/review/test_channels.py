"""Messages to the owners of deals, by real endpoints on this machine: a folder, a mail server, a webhook."""

from __future__ import annotations

import datetime as dt
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from review.channels.file import FileChannel
from review.channels.mail import email_of, is_email
from review.channels.message import Message, Topic, UndeliverableError, UnreachableError
from review.channels.smtp import SmtpChannel
from review.channels.webhook import WebhookChannel, chat_text, escaped, is_safe_url

pytestmark = pytest.mark.slow

AT = dt.datetime(2026, 3, 20, 9, tzinfo=dt.UTC)
MESSAGE = Message(
    message_id=7,
    recipient="ana@example.com",
    name="Ana Pires",
    topics=(Topic("Brightmere", "Contoso renewal", dt.datetime(2026, 3, 12, tzinfo=dt.UTC)),),
    asked_by=("maria",),
    link="http://127.0.0.1:8765/v/abc",
    at=AT,
    expires_at=dt.datetime(2026, 4, 3, tzinfo=dt.UTC),
)
HOSTILE = "Eve\r\nBcc: all@example.com <b>x</b> <!channel> @here https://evil.example [a](b) \u202egnp"
EVIL = replace(MESSAGE, name=HOSTILE, asked_by=(HOSTILE,), topics=(Topic(HOSTILE, HOSTILE, AT),))


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


def parts(mail: Any) -> tuple[str, str]:
    """The text and the HTML of a mail."""
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    return plain.get_content(), html.get_content()


class Inbox:
    """A mail server's handler that keeps what it got, and refuses the recipients of ``refused``."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.envelopes: list[Any] = []
        self.refused: set[str] = set()

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if address in self.refused:
            return f"550 5.1.1 no such box {address}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.envelopes.append(envelope)
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 kept"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key and a certificate of 127.0.0.1 that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    import ipaddress

    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.fixture
def mail_server() -> Iterator[Callable[..., tuple[Inbox, int]]]:
    """A factory of real mail servers on this machine."""
    running: list[Controller] = []

    def start(**options: Any) -> tuple[Inbox, int]:
        inbox = Inbox()
        controller = Controller(inbox, hostname="127.0.0.1", port=free_port(), **options)
        controller.start()
        running.append(controller)
        return inbox, controller.port

    yield start
    for controller in running:
        controller.stop()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        opened.listen()
        yield int(opened.getsockname()[1])


def smtp(port: int, **options: Any) -> SmtpChannel:
    given = {"security": "none", "timeout": 5.0, **options}
    return SmtpChannel("127.0.0.1", port, "Partner team <partners@example.com>", **given)


def test_a_file_is_a_mail_that_only_its_owner_may_read(tmp_path: Path) -> None:
    FileChannel(tmp_path / "out").send(MESSAGE)

    (file,) = (tmp_path / "out").iterdir()
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    text, html = parts(mail)
    assert file.suffix == ".eml"
    assert file.stat().st_mode & 0o077 == 0
    assert mail["To"] == "Ana Pires <ana@example.com>"
    assert mail["Subject"] == "Did Brightmere help on Contoso renewal?"
    assert "- Brightmere on Contoso renewal, 12 Mar 2026" in text
    assert "valid until 3 Apr 2026" in text
    assert MESSAGE.link in text
    assert f'<a href="{MESSAGE.link}">' in html


def test_an_owner_without_an_address_gets_a_text_file_and_one_with_a_configured_address_a_mail(tmp_path: Path) -> None:
    channel = FileChannel(tmp_path, addresses={"u2": "ben@example.com"})

    channel.send(replace(MESSAGE, recipient="u1"))
    channel.send(replace(MESSAGE, recipient="u2", message_id=8))

    text, mail = sorted(tmp_path.iterdir())
    assert text.read_text("utf-8").startswith("To: u1\nSubject: Did Brightmere help")
    assert "To: Ana Pires <ben@example.com>" in mail.read_text("utf-8")


def test_a_folder_that_cannot_be_written_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")

    with pytest.raises(UnreachableError, match="cannot be written"):
        FileChannel(tmp_path / "taken").send(MESSAGE)


def test_a_mail_server_gets_text_and_html(mail_server: Callable[..., tuple[Inbox, int]]) -> None:
    inbox, port = mail_server()

    smtp(port).send(MESSAGE)

    (mail,) = inbox.mails
    text, html = parts(mail)
    assert inbox.envelopes[0].rcpt_tos == ["ana@example.com"]
    assert mail["From"] == "Partner team <partners@example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "changes nothing in your own split" in text
    assert MESSAGE.link in html


def test_names_add_no_header_no_recipient_and_no_markup(mail_server: Callable[..., tuple[Inbox, int]]) -> None:
    inbox, port = mail_server()

    smtp(port).send(EVIL)

    (mail,) = inbox.mails
    text, html = parts(mail)
    assert inbox.envelopes[0].rcpt_tos == ["ana@example.com"]
    assert mail["Bcc"] is None
    assert {key.lower() for key in mail} <= {
        *("subject", "from", "to", "date", "message-id", "auto-submitted", "mime-version", "content-type"),
        *("x-peer", "x-mailfrom", "x-rcptto"),
    }  # fmt: skip
    assert "<b>" not in html
    assert "&lt;b&gt;" in html
    assert "\u202e" not in text + html


def test_starttls_and_a_log_in_are_used(mail_server: Callable[..., tuple[Inbox, int]], certificate: Path) -> None:
    inbox, port = mail_server(**secured(certificate))

    smtp(port, security="starttls", ca_file=certificate, user="robot", password="right-one").send(MESSAGE)

    assert len(inbox.mails) == 1


def test_a_wrong_password_is_refused_without_being_told(
    mail_server: Callable[..., tuple[Inbox, int]], certificate: Path
) -> None:
    _, port = mail_server(**secured(certificate))
    channel = smtp(port, security="starttls", ca_file=certificate, user="robot", password="wrong-one")

    with pytest.raises(UnreachableError, match="refused the log-in") as refusal:
        channel.send(MESSAGE)

    assert "wrong-one" not in str(refusal.value) + repr(channel)


def test_a_certificate_that_nobody_trusts_ends_the_connection(
    mail_server: Callable[..., tuple[Inbox, int]], certificate: Path
) -> None:
    inbox, port = mail_server(**secured(certificate))

    with pytest.raises(UnreachableError, match="certificate is not trusted"):
        smtp(port, security="starttls", user="robot", password="right-one").send(MESSAGE)

    assert inbox.mails == []


def test_a_server_without_starttls_gets_no_password(mail_server: Callable[..., tuple[Inbox, int]]) -> None:
    inbox, port = mail_server()

    with pytest.raises(UnreachableError, match="does not offer"):
        smtp(port, security="starttls", user="robot", password="right-one").send(MESSAGE)

    assert inbox.mails == []


def test_a_connection_can_be_secret_from_its_first_byte(
    mail_server: Callable[..., tuple[Inbox, int]], certificate: Path
) -> None:
    inbox, port = mail_server(ssl_context=trust_of(certificate), server_hostname="127.0.0.1")

    smtp(port, security="ssl", ca_file=certificate).send(MESSAGE)

    assert len(inbox.mails) == 1


def test_a_refused_recipient_is_told_without_the_address(mail_server: Callable[..., tuple[Inbox, int]]) -> None:
    inbox, port = mail_server()
    inbox.refused = {"ana@example.com"}

    with pytest.raises(
        UndeliverableError, match=r"refused the recipient: 550 5\.1\.1 no such box the address"
    ) as refusal:
        smtp(port).send(MESSAGE)

    assert not isinstance(refusal.value, UnreachableError)
    assert "ana@" not in str(refusal.value)


def test_an_owner_without_a_mail_address_cannot_be_mailed() -> None:
    with pytest.raises(UndeliverableError, match=r"review\.channels\.addresses"):
        smtp(1).send(replace(MESSAGE, recipient="u1"))


def test_a_silent_mail_server_and_a_closed_port_cannot_be_used(silent_port: int) -> None:
    with pytest.raises(UnreachableError, match="did not answer in time"):
        smtp(silent_port, timeout=0.2).send(MESSAGE)
    with pytest.raises(UnreachableError, match="Connection refused"):
        smtp(free_port()).send(MESSAGE)


@pytest.mark.parametrize("text", ["", "ana", "ana@", "@b.de", "a@b\r\nBcc: c@d", "a@b, c@d", "Ana <a@b>", "a b@c.de"])
def test_what_is_no_single_address_is_none(text: str) -> None:
    assert not is_email(text)
    with pytest.raises(UndeliverableError):
        email_of(MESSAGE, text, "x@example.com")


@pytest.fixture
def room() -> Iterator[Any]:
    """A chat's webhook on this machine: ``posts`` it got, and ``status`` and ``headers`` that it answers with."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.posts.append((self.path, self.headers["Content-Type"], json.loads(body)))  # type: ignore[attr-defined]
            self.send_response(server.status)  # type: ignore[attr-defined]
            for name, value in server.headers.items():  # type: ignore[attr-defined]
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    vars(server).update(posts=[], status=200, headers={}, url=f"http://127.0.0.1:{server.server_port}/hook?key=s3")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_webhook_gets_one_text(room: Any) -> None:
    WebhookChannel(room.url).send(MESSAGE)

    ((path, kind, body),) = room.posts
    assert path == "/hook?key=s3"
    assert kind.startswith("application/json")
    assert list(body) == ["text"]
    assert "• Brightmere on Contoso renewal, 12 Mar 2026" in body["text"]
    assert f"<{MESSAGE.link}|Answer 1 question with one tap>" in body["text"]


def test_an_owner_can_have_a_webhook_a_member_id_or_a_name_of_their_own(room: Any) -> None:
    own = room.url.replace("hook", "own")
    channel = WebhookChannel(room.url, {"u1": own, "u2": "U024BE7LH", "u3": "@ana.pires"})

    for recipient in ("u1", "u2", "u3"):
        channel.send(replace(MESSAGE, recipient=recipient))

    first, second, third = room.posts
    assert first[0] == "/own?key=s3"
    assert second[2]["text"].startswith("<@U024BE7LH>, maria asks")
    assert third[2]["channel"] == "@ana.pires"


def test_names_mention_nobody_in_a_chat_and_make_no_link() -> None:
    text = chat_text(EVIL).replace(f"<{EVIL.link}|", "")

    assert "<" not in text
    assert not any(word in text for word in ("@here", "@channel", "https://evil", "](", "\u202e"))
    assert escaped("<!channel> & <@U1>") == "&lt;!channel&gt; &amp; &lt;@\u200bU1&gt;"


def test_a_webhook_that_refuses_or_sends_elsewhere_has_not_taken_the_message(room: Any) -> None:
    room.status = 500
    with pytest.raises(UndeliverableError, match="status 500"):
        WebhookChannel(room.url).send(MESSAGE)
    room.status, room.headers = 302, {"Location": room.url}
    with pytest.raises(UndeliverableError, match="status 302"):
        WebhookChannel(room.url).send(MESSAGE)

    assert len(room.posts) == 2


def test_a_silent_webhook_and_a_closed_port_cannot_be_used(silent_port: int) -> None:
    with pytest.raises(UnreachableError, match="did not answer in time") as silence:
        WebhookChannel(f"http://127.0.0.1:{silent_port}/", timeout=0.2).send(MESSAGE)
    with pytest.raises(UnreachableError, match="Connection refused") as closed:
        WebhookChannel(f"http://localhost:{free_port()}/").send(MESSAGE)

    assert (silence.value.is_unsent, closed.value.is_unsent) == (False, True)


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [
        ("https://hooks.example.com/services/T/B/x", True),
        ("http://127.0.0.1:8080/x", True),
        ("http://localhost/x", True),
        ("http://[::1]/x", True),
        ("http://hooks.example.com/x", False),
        ("http://127.0.0.1.example.com/x", False),
        ("ftp://127.0.0.1/x", False),
        ("https://host:port/x", False),
        ("https:///x", False),
        ("https://example.com/ x", False),
        ("https://example.com/\r\nHost: y", False),
        ("", False),
    ],
)
def test_a_webhook_is_https_or_on_this_machine(url: str, is_safe: bool) -> None:
    assert is_safe_url(url) is is_safe


def test_a_webhook_shows_its_address_nowhere() -> None:
    channel = WebhookChannel("http://hooks.example.com/s3cret", {"u1": "https://x.example/s4cret"})

    with pytest.raises(UndeliverableError, match="neither https nor on this machine") as refusal:
        channel.send(MESSAGE)
    assert "cret" not in str(refusal.value) + repr(channel)


def trust_of(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def secured(certificate: Path) -> dict[str, Any]:
    """A mail server that asks for STARTTLS and a log-in."""

    def checked(_server: Any, _session: Any, _envelope: Any, _mechanism: Any, said: Any) -> AuthResult:
        is_right = isinstance(said, LoginPassword) and said == LoginPassword(b"robot", b"right-one")
        return AuthResult(success=is_right, handled=False)

    return {
        "tls_context": trust_of(certificate),
        "require_starttls": True,
        "auth_required": True,
        "authenticator": checked,
    }
