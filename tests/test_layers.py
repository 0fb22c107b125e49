"""Imports point downwards only, and the packages' names are ours alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

PACKAGES = ("features", "models", "pipelines", "review", "configs")
ALLOWED = {
    "features": {"features"},
    "models": {"models", "features"},
    "review": {"review", "features"},
    "configs": {"configs"},
}
ONLY_IN_PIPELINES = {"mlflow", "typer", "rich", "filelock"}


def imports(source: str) -> Iterator[str]:
    """Top-level names of every import in the source, wherever it stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the layer"
            yield (node.module or "").split(".")[0]


def modules(root: Path, package: str) -> list[Path]:
    """Python files of one package."""
    return sorted((root / package).rglob("*.py"))


def refused(package: str, source: str) -> set[str]:
    """Imports in the source that a module of that package must not have."""
    found = set(imports(source))
    upward = found & set(PACKAGES) - ALLOWED[package]
    return upward | (found & ONLY_IN_PIPELINES)


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_a_package_imports_only_what_lies_below_it(root: Path, package: str) -> None:
    faults = {
        str(path.relative_to(root)): names
        for path in modules(root, package)
        if (names := refused(package, path.read_text(encoding="utf-8")))
    }
    assert not faults


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("features", "import models.outcome"),
        ("models", "def f():\n    from pipelines.config import Config"),
        ("models", "import mlflow.pyfunc"),
        ("review", "from models import credit"),
    ],
)
def test_an_upward_import_would_be_noticed(package: str, source: str) -> None:
    assert refused(package, source)


def test_the_clock_and_the_environment_are_read_only_in_pipelines(root: Path) -> None:
    readers = ("datetime.now(", "time.time(", "date.today(", "os.environ", "os.getenv", "Timestamp.now(")
    faults = [
        f"{path.relative_to(root)}: {reader}"
        for package in ALLOWED
        for path in modules(root, package)
        for reader in readers
        if reader in path.read_text(encoding="utf-8")
    ]
    assert not faults


def test_nothing_is_pickled(root: Path) -> None:
    picklers = {"pickle", "joblib", "cloudpickle", "dill"}
    faults = [
        str(path.relative_to(root))
        for package in PACKAGES
        for path in modules(root, package)
        if picklers & set(imports(path.read_text(encoding="utf-8")))
    ]
    assert not faults


def test_no_other_distribution_ships_our_package_names() -> None:
    owners = packages_distributions()
    assert {name: set(owners.get(name, ())) for name in PACKAGES if set(owners.get(name, ())) - {"partnerlift"}} == {}
