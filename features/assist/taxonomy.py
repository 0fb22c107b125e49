"""The partner-assist taxonomy: assist types, look-alike classes and the stages at which they happen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import Final

import yaml

__all__ = ["BACKGROUND", "Taxonomy", "TypeEntry", "taxonomy"]

BACKGROUND: Final = "background"
"""The class of an utterance in which no partner is named, implied or speaking."""


@dataclass(frozen=True)
class TypeEntry:
    """One class: ``id``, its ``name``, the default ``stage`` of its moments and its ``definition``."""

    id: str
    name: str
    stage: str
    definition: str


@dataclass(frozen=True)
class Taxonomy:
    """``assists`` and ``others`` (the non-assist classes, background among them), in the order of the file."""

    assists: tuple[TypeEntry, ...]
    others: tuple[TypeEntry, ...]

    @cached_property
    def assist_ids(self) -> tuple[str, ...]:
        """Ids of the assist types."""
        return tuple(entry.id for entry in self.assists)

    @cached_property
    def other_ids(self) -> tuple[str, ...]:
        """Ids of the classes that are no assist."""
        return tuple(entry.id for entry in self.others)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """All ids, assists first."""
        return self.assist_ids + self.other_ids

    def __getitem__(self, class_id: str) -> TypeEntry:
        """The entry of an id; ``KeyError`` for an unknown one."""
        return self._by_id[class_id]

    @cached_property
    def _by_id(self) -> dict[str, TypeEntry]:
        return {entry.id: entry for entry in self.assists + self.others}


@cache
def taxonomy() -> Taxonomy:
    """The shipped taxonomy."""
    text = resources.files("features.assist").joinpath("taxonomy.yaml").read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    return Taxonomy(_entries(content["assist_types"]), _entries(content["non_assist_classes"]))


def _entries(rows: list[dict[str, str]]) -> tuple[TypeEntry, ...]:
    return tuple(TypeEntry(row["id"], row["name"], row["stage"], row["definition"].strip()) for row in rows)
