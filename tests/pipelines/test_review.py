"""The verb `review`: what it refuses, what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from pipelines.cli import app
from pipelines.config import Config, parse_config
from pipelines.review import page_options, review_database, send_review, serve_review, sync_review
from pipelines.reviewing.place import database_url
from pipelines.reviewing.serving import listening
from pipelines.reviewing.timer import Chores, ticking
from pipelines.workspace import Workspace, WorkspaceError
from review.channels.message import Message
from review.desk import Options
from review.store.engine import open_engine

MAIN = "from pipelines.cli import main; main()"
NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    return Workspace.open(tmp_path / "workspace", create=True, threads=1)


def review(**settings: Any) -> Config:
    """A configuration of the page."""
    return Config.model_validate({"review": settings})


def run(*arguments: str | Path, **options: Any) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], **options)


def never(_serving: Any) -> None:
    raise AssertionError("it must not start")


def test_the_page_does_not_listen_beyond_this_machine_without_encryption(workspace: Workspace) -> None:
    with pytest.raises(WorkspaceError, match="without HTTPS passwords"):
        serve_review(workspace, review(host="0.0.0.0"), never)
    with pytest.raises(WorkspaceError, match="without HTTPS passwords"):
        serve_review(workspace, review(host="review.example.com", base_url="http://review.example.com"), never)


def test_an_option_before_the_verb_that_it_is_meant_for_is_refused(workspace: Workspace) -> None:
    told = run("review", "--workspace", workspace.root, "sync")
    assert (told.exit_code, "give it after sync" in told.stderr) == (2, True)


def test_a_taken_port_is_told() -> None:
    with (
        listening("127.0.0.1", 0) as first,
        pytest.raises(WorkspaceError, match="Give another port with --port"),
        listening("127.0.0.1", first.getsockname()[1]),
    ):
        pass


@pytest.mark.parametrize("url", ["mysql://ann:secret@db/review", "no url with secret"])
def test_an_url_of_no_use_is_refused_without_being_shown(workspace: Workspace, url: str) -> None:
    with pytest.raises(ValueError, match=r"review\.url") as told:
        database_url(workspace, review(url=url))
    assert "secret" not in str(told.value)


def test_the_database_is_a_file_of_the_workspace_unless_another_is_named(workspace: Workspace) -> None:
    assert database_url(workspace, Config()).database == str(workspace.root / "review.db")
    assert database_url(workspace, review(url="postgresql://ann@db/review")).host == "db"


def test_an_https_address_makes_cookies_secure() -> None:
    assert page_options(review(base_url="https://r.example.com/").review, "USD", "http://127.0.0.1:1") == Options(
        base_url="https://r.example.com", is_https=True, report_currency="USD"
    )
    assert page_options(Config().review, None, "http://127.0.0.1:1").base_url == "http://127.0.0.1:1"


def test_chores_are_done_while_the_page_is_served_and_once_more_at_the_end() -> None:
    done: list[float] = []
    with ticking(lambda: done.append(time.monotonic()), 0.005):
        deadline = time.monotonic() + 5
        while len(done) < 2 and time.monotonic() < deadline:
            time.sleep(0.005)
    assert len(done) >= 3


class Outbox:
    """A channel that keeps what it is given."""

    name = "outbox"

    def __init__(self) -> None:
        self.sent: list[Message] = []

    def send(self, message: Message) -> None:
        """Keeps a message."""
        self.sent.append(message)


def chores(workspace: Workspace, **settings: Any) -> Chores:
    engine = open_engine(f"sqlite:///{workspace.root}/review.db")
    return Chores(workspace, engine, review(**settings), Options(), lambda: NOW, None)


@pytest.mark.slow
def test_a_workspace_in_use_is_exchanged_with_later(workspace: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    work = chores(workspace)
    with workspace.lock("score"):
        work()
        assert "in use by process" in caplog.text
        with pytest.raises(WorkspaceError, match="in use"):
            work.begin()
    work()
    with workspace.lock("score"):
        work.begin()


@pytest.mark.slow
def test_a_database_that_cannot_be_reached_stops_the_verb_that_needs_it(workspace: Workspace) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        with pytest.raises(WorkspaceError, match=r"Cannot use the review database 127.0.0.1/review") as told:
            sync_review(workspace, review(url=f"postgresql://ann:secret@127.0.0.1:{port}/review"))
    assert "secret" not in str(told.value)


@pytest.mark.slow
def test_users_are_managed_from_the_command_line(workspace: Workspace) -> None:
    here = ("--workspace", workspace.root)
    assert run("review", "user", "list", *here).output.startswith("There are no users yet.")
    made = run("review", "user", "add", "Ann", "--role", "admin", "--json", *here)
    assert len(json.loads(made.stdout)["password"]) > 20
    words = "four words of mine\n"
    assert run("review", "user", "add", "bo", "--role", "viewer", "--password-stdin", *here, input=words).exit_code == 0
    assert run("review", "user", "add", "cy", "--role", "viewer", "--no-password", *here).output == (
        "cy may log in as viewer.\n"
    )
    assert run("review", "user", "role", "bo", "--role", "reviewer", *here).exit_code == 0
    assert run("review", "user", "disable", "bo", *here).output == "bo is shut out.\n"
    assert run("review", "user", "reset", "bo", *here).output.startswith("bo is shut out.\nPassword")
    assert "shown this once" in run("review", "user", "reset", "ann", *here).output
    refused = run("review", "user", "disable", "ann", *here)
    assert (refused.exit_code, "last admin" in refused.stderr) == (1, True)
    listed = json.loads(run("review", "user", "list", "--json", *here).stdout)["users"]
    assert [(row["name"], row["role"], row["state"]) for row in listed] == [
        ("Ann", "admin", "may log in"), ("cy", "viewer", "by proxy only"), ("bo", "reviewer", "disabled")
    ]  # fmt: skip


@pytest.mark.slow
def test_the_environment_names_the_database(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARTNERLIFT_REVIEW_URL", f"sqlite:///{tmp_path}/elsewhere.db")
    assert run("review", "sync", "--workspace", workspace.root).exit_code == 0
    assert (tmp_path / "elsewhere.db").exists()
    assert not (workspace.root / "review.db").exists()


@pytest.fixture
def served(workspace: Workspace, tmp_path: Path) -> Callable[..., subprocess.Popen[bytes]]:
    """A factory of pages that are served by processes of their own, and have begun."""

    def start(*options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", MAIN, "review", "--workspace", str(workspace.root), "--port", "0"]
        with (tmp_path / "out.txt").open("wb") as out:
            process = subprocess.Popen([*command, *options], stdout=out, stderr=subprocess.PIPE, env=dict(os.environ))
        deadline = time.monotonic() + 60
        while b"Stop it" not in (tmp_path / "out.txt").read_bytes() and time.monotonic() < deadline:
            assert process.poll() is None, process.communicate()
            time.sleep(0.1)
        return process

    return start


@pytest.mark.slow
def test_links_in_messages_lead_to_where_the_page_was_last_served(
    served: Callable[..., subprocess.Popen[bytes]],
    workspace: Workspace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    process = served()
    address = (tmp_path / "out.txt").read_text(encoding="utf-8").split()[5]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    used: list[str] = []

    def sent(_: Any, options: Options, *__: Any) -> None:
        used.append(options.base_url)

    monkeypatch.setattr("pipelines.reviewing.sending.send_messages", sent)
    send_review(workspace, Config())
    send_review(workspace, parse_config({"review": {"base_url": "https://review.example.com"}}))
    assert used == [address, "https://review.example.com"]


@pytest.mark.slow
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_page_that_is_told_to_stop_ends_with_exit_code_0(
    served: Callable[..., subprocess.Popen[bytes]], workspace: Workspace, tmp_path: Path, by: signal.Signals
) -> None:
    process = served()
    told = (tmp_path / "out.txt").read_text(encoding="utf-8").splitlines()
    address = told[0].removeprefix("The review page is at ")
    assert told[1] == "0 moments wait to be judged."
    assert told[2].startswith(f"There is no admin yet. Make the first one at {address}/setup?token=")
    with urllib.request.urlopen(f"{address}/login", timeout=30) as answer:
        assert answer.status == 200
    again = run("review", "--workspace", workspace.root, "--port", "0")
    assert (again.exit_code, "being served by another" in again.stderr) == (1, True)
    process.send_signal(by)
    _, log = process.communicate(timeout=60)
    assert (process.returncode, log) == (0, b"")


@pytest.mark.slow
def test_review_database_is_opened_at_the_present_schema(workspace: Workspace) -> None:
    with review_database(workspace, Config()) as (engine, _):
        assert "moments" in sa.inspect(engine).get_table_names()
