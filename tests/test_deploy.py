"""What the deployment files name is there, and the commands in them are ones that the product knows."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from pipelines.cli import app
from pipelines.metrics import prometheus

VERBS = "score|train|ingest|export|report|review"
COMMAND = re.compile(rf"(?:^|/|ExecStart=)partnerlift ((?:{VERBS})\b[^>\n]*)", re.MULTILINE)


@pytest.fixture(scope="module")
def instructions(root: Path) -> list[tuple[str, str]]:
    """Each instruction of the Dockerfile and its arguments, continued lines joined."""
    text = (root / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def sources(instructions: list[tuple[str, str]]) -> list[str]:
    """Paths of the repository that the image is built from."""
    copied = [shlex.split(rest) for name, rest in instructions if name == "COPY" and "--from" not in rest]
    return [source for words in copied for source in words[:-1]]


def test_the_image_is_built_from_files_that_are_there_and_sent_to_the_builder(
    root: Path, instructions: list[tuple[str, str]]
) -> None:
    lines = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sent = [line.removeprefix("!") for line in lines if line.startswith("!")]
    assert lines[1] == "*"
    assert sorted(sent) == sorted(sources(instructions))
    assert [path for path in sent if not (root / path).exists()] == []
    packages = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    wanted = [pattern.rstrip("*") for pattern in packages["find"]["include"]]
    assert [name for name in wanted if name not in sent] == []


def test_the_image_runs_the_locked_versions_as_an_ordinary_user(
    root: Path, instructions: list[tuple[str, str]]
) -> None:
    told: dict[str, str] = dict(instructions)
    assert told["USER"] == "partnerlift"
    assert told["VOLUME"] == "/workspace"
    scripts = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert told["ENTRYPOINT"] == f'["{next(iter(scripts))}"]'
    runs = " ".join(rest for name, rest in instructions if name == "RUN")
    assert "--require-hashes --requirement /src/requirements/production.lock" in runs
    names = [name for name, _ in instructions]
    assert names.index("USER") < names.index("ENTRYPOINT")
    lock = (root / "requirements" / "production.lock").read_text(encoding="utf-8")
    assert {"duckdb", "lightgbm", "mlflow", "psycopg-binary", "sqlalchemy"} <= set(
        re.findall(r"^([a-z0-9-]+)==", lock, flags=re.MULTILINE)
    )


def test_the_locks_agree(root: Path) -> None:
    versions = [
        dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (root / "requirements" / f"{name}.lock").read_text(), re.MULTILINE))
        for name in ("dev", "production")
    ]
    assert {name: version for name, version in versions[1].items() if versions[0].get(name) != version} == {}


@pytest.mark.parametrize("name", ["partnerlift.service", "partnerlift-review.service", "crontab", "compose.yaml"])
def test_commands_that_are_scheduled_are_ones_that_the_product_knows(root: Path, name: str) -> None:
    text = (root / "docs" / "deploy" / name).read_text(encoding="utf-8")
    commands = [shlex.split(found) for found in COMMAND.findall(text)]
    if name == "compose.yaml":
        commands = [service["command"] for service in yaml.safe_load(text)["services"].values()]
    assert commands
    for verb, *options in commands:
        group: Any = typer.main.get_group(app)
        context = group.commands[verb].make_context(verb, list(options), resilient_parsing=True)
        assert context.args == []


def test_the_commands_of_the_page_are_ones_that_the_product_knows(root: Path) -> None:
    text = (root / "docs" / "production.md").read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"```\n(.*?)```", text, flags=re.DOTALL))
    commands = [shlex.split(line.removeprefix("partnerlift ")) for line in blocks.splitlines() if line[:5] == "partn"]
    assert len(commands) >= 8
    for verb, *options in commands:
        group: Any = typer.main.get_group(app)
        group.commands[verb].make_context(verb, list(options), resilient_parsing=True)


def test_alerts_and_the_page_name_metrics_that_are_written(root: Path) -> None:
    values = {
        "verb": "score",
        "phase_seconds": {"a": 1.0},
        "deals": {"in": 1},
        "published_rows": {"credits": {"inserted": 1}},
        "model_version": "m",
        "version": "1",
        "exit_code": 0,
        "run_seconds": 1.0,
        "peak_memory_bytes": 1,
        "last_run_timestamp_seconds": 1.0,
        "last_success_timestamp_seconds": 1.0,
    }
    written = set(re.findall(r"^(partnerlift_\w+)", prometheus(values), flags=re.MULTILINE))
    page = (root / "docs" / "production.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`(partnerlift_\w+)", page)) == written
    rules = yaml.safe_load((root / "docs" / "deploy" / "alerts.yaml").read_text(encoding="utf-8"))
    told = " ".join(rule["expr"] for group in rules["groups"] for rule in group["rules"])
    assert set(re.findall(r"partnerlift_\w+", told)) <= written


def test_every_environment_variable_is_on_the_page(root: Path) -> None:
    group: Any = typer.main.get_group(app)
    page = (root / "docs" / "production.md").read_text(encoding="utf-8")
    variables = {
        parameter.envvar
        for command in [group, *group.commands.values()]
        for parameter in command.params
        if parameter.envvar is not None
    }
    assert variables
    assert [name for name in variables if f"`{name}`" not in page] == []


@pytest.mark.slow
def test_systemd_accepts_the_units(root: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    for name in ("partnerlift.service", "partnerlift.timer", "partnerlift-review.service"):
        text = (root / "docs" / "deploy" / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("/opt/partnerlift/bin/partnerlift", "/bin/true"), encoding="utf-8")
    units = [str(path) for path in sorted(tmp_path.iterdir())]
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    complaints = [line for line in done.stderr.splitlines() if "partnerlift" in line]
    assert complaints == []
