"""The documentation is complete, current and leads nowhere that is not there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel

from features.tables import TABLES
from pipelines.cli import app
from pipelines.config import Config
from pipelines.ingest import ingest
from pipelines.reference import pages
from pipelines.workspace import Workspace

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/numbers.md",
    "docs/methods.md",
    "docs/api.md",
    "docs/mapping.md",
    "docs/moments.md",
    "docs/report.md",
    "docs/review.md",
    "docs/measured.md",
    "docs/production.md",
    "docs/spark.md",
    "docs/ARCHITECTURE.md",
]


def keys(model: type[BaseModel]) -> Iterator[str]:
    """Names of all settings, sections' ones included."""
    for name, field in model.model_fields.items():
        yield name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys(field.annotation)


def code(page: Path) -> str:
    """Everything that the page sets as code."""
    return "\n".join(page.read_text(encoding="utf-8").split("`")[1::2])


@pytest.mark.parametrize("name", ["docs/cli.md", "docs/tables.md", "docs/features.md", "configs/default.yaml"])
def test_a_page_made_from_the_code_is_current(root: Path, name: str) -> None:
    assert (root / name).read_text(encoding="utf-8") == pages()[name], "run: make docs"


def test_every_verb_and_option_is_documented(root: Path) -> None:
    text = (root / "docs" / "cli.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"## partnerlift (\w+)\n(.*?)(?=\n## |\Z)", text, flags=re.DOTALL))
    group = typer.main.get_group(app)
    assert set(sections) == set(group.commands)
    for name, command in group.commands.items():
        for parameter in command.params:
            for option in parameter.opts:
                assert option in sections[name] or parameter.param_type_name == "argument", (name, option)


def test_every_option_has_help() -> None:
    for command in typer.main.get_group(app).commands.values():
        for parameter in command.params:
            assert getattr(parameter, "help", None), (command.name, parameter.name)


def test_every_setting_is_shown_and_explained(root: Path) -> None:
    lines = (root / "configs" / "default.yaml").read_text(encoding="utf-8").splitlines()
    for key in keys(Config):
        places = [i for i, line in enumerate(lines) if line.strip().startswith(f"{key}:")]
        assert places, key
        assert all(lines[place - 1].strip().startswith("# ") for place in places), key
        assert not any(lines[place - 1].strip() in {"#", "# None"} for place in places), key


def test_every_table_is_in_the_data_dictionary(root: Path) -> None:
    text = (root / "docs" / "tables.md").read_text(encoding="utf-8")
    for table in TABLES.values():
        section = text.split(f"### {table.name}\n")[1].split("###")[0]
        assert all(f"| `{column}`" in section for column in table.column_names)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files(root: Path, page: str) -> None:
    path = root / page
    targets = [link for link in LINK.findall(path.read_text(encoding="utf-8")) if "://" not in link]
    assert [target for target in targets if not (path.parent / target).exists()] == []


@pytest.mark.parametrize("page", [*PAGES, "docs/cli.md"])
def test_commands_shown_exist(root: Path, page: str) -> None:
    verbs = set(typer.main.get_group(app).commands)
    shown = set(re.findall(r"partnerlift ([a-z]+)\b", code(root / page)))
    assert shown <= verbs


def test_make_targets_shown_exist(root: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (root / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    for page in ("README.md", "CONTRIBUTING.md"):
        assert set(re.findall(r"make ([a-z]+)", code(root / page))) <= targets


def test_the_changelog_tells_the_current_version(root: Path) -> None:
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert f"## {version}" in (root / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_example_of_the_python_api_runs_as_it_stands(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (root / "docs" / "api.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block, names)
    assert (tmp_path / "report.html").stat().st_size > 10_000
    assert names["biggest"]["wins"].sum() == pytest.approx((names["workspace"].read("deals")["outcome"] == "won").sum())


def test_the_example_of_own_data_in_the_readme_is_accepted(root: Path, tmp_path: Path) -> None:
    text = (root / "README.md").read_text(encoding="utf-8")
    for name in ("deals", "partners", "touchpoints"):
        rows = text.split(f"`{name}.csv`")[1].split("```")[1].strip()
        (tmp_path / f"{name}.csv").write_text(rows + "\n", encoding="utf-8")
    report = ingest(Workspace.open(tmp_path / "workspace", create=True, threads=1), "tables", tmp_path)
    assert {name: (table.kept, table.rejected) for name, table in report.tables.items()} == {
        "deals": (2, 0),
        "partners": (1, 0),
        "touchpoints": (2, 0),
    }
