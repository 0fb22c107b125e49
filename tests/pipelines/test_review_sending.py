"""Which channel the configuration names, and the day's messages handed to it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.config import Config, parse_config
from pipelines.reviewing.sending import SendReport, channel_of, send_messages
from pipelines.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "w", create=True)


def config(**channels: Any) -> Config:
    return parse_config({"review": {"channels": channels}})


def test_messages_are_files_in_the_workspace_unless_the_configuration_says_otherwise(workspace: Workspace) -> None:
    usual, other = channel_of(workspace, Config(), {}), channel_of(workspace, config(folder="/elsewhere"), {})

    assert (usual and usual.name, getattr(usual, "folder", None)) == ("file", workspace.root / "outbox")
    assert getattr(other, "folder", None) == Path("/elsewhere")
    assert channel_of(workspace, config(kind="none"), {}) is None


def test_the_mail_servers_password_comes_from_the_environment_alone(workspace: Workspace) -> None:
    smtp = {"host": "mail.example.com", "user": "robot"}
    told = config(kind="smtp", sender="Team <team@example.com>", smtp=smtp, addresses={"u1": "ana@example.com"})

    channel: Any = channel_of(workspace, told, {"PARTNERLIFT_SMTP_PASSWORD": "hidden"})

    assert (channel.host, channel.port, channel.security, channel.user) == (
        "mail.example.com",
        587,
        "starttls",
        "robot",
    )
    assert (channel.password, channel.addresses) == ("hidden", {"u1": "ana@example.com"})
    assert "hidden" not in repr(channel)
    assert "ana@example.com" not in repr(told)


def test_a_webhook_is_taken_from_the_configuration_or_the_environment_and_never_shown(workspace: Workspace) -> None:
    url, other = "https://hooks.example.com/T0/first", "https://hooks.example.com/T0/other"
    told = config(kind="webhook", webhook=url)

    first: Any = channel_of(workspace, told, {"PARTNERLIFT_REVIEW_WEBHOOK": other})
    second: Any = channel_of(workspace, config(kind="webhook"), {"PARTNERLIFT_REVIEW_WEBHOOK": other})

    assert (first.url, second.url) == (url, other)
    assert "hooks.example" not in repr(told) + repr(first) + str(told.model_dump(mode="json"))


@pytest.mark.parametrize(
    ("channels", "fault"),
    [
        ({"kind": "smtp"}, r"smtp\.host is empty"),
        ({"kind": "smtp", "smtp": {"host": "m", "user": "robot"}}, "needs a password in PARTNERLIFT_SMTP_PASSWORD"),
        ({"kind": "smtp", "sender": "nobody", "smtp": {"host": "m"}}, "holds no e-mail address"),
        ({"kind": "file", "sender": ""}, "holds no e-mail address"),
        ({"kind": "webhook"}, "no https address"),
        ({"kind": "webhook", "webhook": "http://hooks.example.com/x"}, "no https address"),
    ],
)
def test_settings_that_cannot_work_are_refused_before_anything_is_sent(
    workspace: Workspace, channels: dict[str, Any], fault: str
) -> None:
    with pytest.raises(ValueError, match=fault):
        channel_of(workspace, config(**channels), {})


def test_no_password_is_sent_over_a_connection_that_is_not_secret(workspace: Workspace) -> None:
    told = config(kind="smtp", smtp={"host": "m", "user": "robot", "security": "none"})

    with pytest.raises(ValueError, match="security starttls or ssl"):
        channel_of(workspace, told, {"PARTNERLIFT_SMTP_PASSWORD": "hidden"})


@pytest.mark.slow
def test_what_is_due_is_sent_once_and_reported(workspace: Workspace) -> None:
    from review.desk import Options
    from review.store.engine import open_engine, writing
    from review.store.schema import verifications

    engine = open_engine(f"sqlite:///{workspace.root}/review.db")
    at = datetime(2026, 3, 20, tzinfo=UTC)
    row = {
        "verification_id": "q1",
        "moment_id": "gone",
        "recipient": "ana@example.com",
        "asked_by": "maria",
        "asked_at": at,
        "expires_at": datetime(2026, 4, 1, tzinfo=UTC),
        "state": "queued",
    }
    with writing(engine) as connection:
        connection.execute(verifications.insert().values(**row))
    channel = channel_of(workspace, Config(), {})

    first = send_messages(engine, Options(), lambda: at, channel)
    again = send_messages(engine, Options(), lambda: at, channel)
    engine.dispose()

    assert (first, again) == (SendReport("file", sent=1), SendReport("file"))
    assert first.text() == "1 sent by file, 0 refused, 0 left, 0 expired."
    assert len(list((workspace.root / "outbox").iterdir())) == 1
    assert "No channel is set up" in send_messages(engine, Options(), lambda: at, None).text()
