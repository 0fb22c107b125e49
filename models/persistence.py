"""Models on disk: one JSON file of facts and LightGBM's own text, so that loading one runs no code of the file's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

FORMAT: Final = 3
"""Goes up with every change of what a model saves; ``tests/models/test_persistence.py`` knows what belongs to it."""
FACTS: Final = "model.json"


class ArtifactError(ValueError):
    """A saved model that cannot be read; the message says why and what to do."""


@dataclass(frozen=True)
class Artifact:
    """Everything that decides a model's predictions: JSON-ready facts and named LightGBM texts."""

    kind: str
    facts: dict[str, Any]
    texts: dict[str, str]

    @cached_property
    def version(self) -> str:
        """Twelve hex digits of a hash of the content."""
        content = json.dumps([FORMAT, self.kind, self.facts, self.texts], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:12]


def write_artifact(artifact: Artifact, directory: Path) -> None:
    """Writes ``model.json`` and one ``.txt`` a text into ``directory``, which is made when missing."""
    directory.mkdir(parents=True, exist_ok=True)
    header = {"format": FORMAT, "kind": artifact.kind, "texts": sorted(artifact.texts)}
    facts = json.dumps({**header, "facts": artifact.facts}, sort_keys=True, indent=1)
    (directory / FACTS).write_text(facts, encoding="utf-8")
    for name, text in artifact.texts.items():
        (directory / f"{name}.txt").write_text(text, encoding="utf-8")


def read_artifact(directory: Path, kind: str) -> Artifact:
    """The artifact in ``directory``; raises ``ArtifactError`` when it is none, of another kind or unknown format."""
    try:
        content = json.loads((directory / FACTS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtifactError(
            f"{directory} holds no saved model ({error}). Train one with `partnerlift train`."
        ) from error
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        raise ArtifactError(
            f"The model in {directory} has format {found!r}, but this version reads format {FORMAT}. "
            "Train again with `partnerlift train`, or install the version that wrote it."
        )
    if content["kind"] != kind:
        raise ArtifactError(f"The model in {directory} is of kind {content['kind']!r}, not {kind!r}.")
    return Artifact(kind, content["facts"], {name: _text(directory, name) for name in content["texts"]})


@contextmanager
def whole(directory: Path) -> Iterator[None]:
    """Turns a missing or misshapen fact, met while a model is rebuilt, into an ``ArtifactError``."""
    try:
        yield
    except (KeyError, TypeError, IndexError) as error:
        raise ArtifactError(
            f"The model in {directory} is incomplete ({error!r}). Train again with `partnerlift train`."
        ) from error


def saved_kind(directory: Path) -> str:
    """Kind of the model in ``directory``, e.g. ``outcome``; raises ``ArtifactError`` when there is none."""
    try:
        return str(json.loads((directory / FACTS).read_text(encoding="utf-8"))["kind"])
    except (OSError, ValueError, KeyError) as error:
        raise ArtifactError(
            f"{directory} holds no saved model ({error}). Train one with `partnerlift train`."
        ) from error


def _text(directory: Path, name: str) -> str:
    if Path(name).name != name:
        raise ArtifactError(f"The model in {directory} names the file {name!r} outside its folder.")
    try:
        return (directory / f"{name}.txt").read_text(encoding="utf-8")
    except OSError as error:
        raise ArtifactError(
            f"The model in {directory} lacks {name}.txt. Train again with `partnerlift train`."
        ) from error
