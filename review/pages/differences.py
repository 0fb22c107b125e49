"""What changed between two states of a thing, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from review.rendering import type_name

__all__ = ["Change", "changes"]

HIDDEN: Final = ("version", "review_ids")
"""Counters and ids that say nothing to people."""
TYPES: Final = ("assist_type", "told_type")
NONE: Final = "none"
NAMES: Final = {"deal_id": "deal", "partner_id": "partner", "moment_id": "moment", "assist_type": "type"}
"""Shorter names of what is told of most often."""


@dataclass(frozen=True)
class Change:
    """A named value and what became of it; ``before`` is None where none is told of."""

    name: str
    before: str | None
    after: str | None


def changes(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[Change]:
    """What is told of an event: values that were given, then those that are now other than before.

    ``after`` may hold what was given beside what now stands (under ``now``); only the latter is compared.
    """
    told = dict(after or {})
    now = told.pop("now", None)
    if isinstance(now, Mapping):
        changed = _changed(dict(_flat(before or {})), dict(_flat(now)))
        return [*_given(told, {change.name for change in changed}), *changed]
    return _changed(dict(_flat(before or {})), dict(_flat(told)))


def _given(told: Mapping[str, Any], changed: set[str]) -> list[Change]:
    return [
        Change(_name(name), None, _text(name, value))
        for name, value in _flat(told)
        if value is not None and name not in HIDDEN and _name(name) not in changed
    ]


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    names = [*before, *(name for name in after if name not in before)]
    return [
        Change(_name(name), _side(before, name), _side(after, name))
        for name in names
        if name not in HIDDEN and _is_told(before, after, name)
    ]


def _is_told(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> bool:
    if name in before and name in after:
        return bool(before[name] != after[name])
    return any(side.get(name) not in (None, "") for side in (before, after))


def _side(values: Mapping[str, Any], name: str) -> str | None:
    return _text(name, values[name]) if name in values else None


def _flat(values: Mapping[str, Any], stem: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{stem}{name} ")
        else:
            yield f"{stem}{name}", value


def _name(name: str) -> str:
    return NAMES.get(name, name.replace("_", " "))


def _text(name: str, value: Any) -> str:
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_text(name, inner) for inner in value) or NONE
    return type_name(str(value)) if name in TYPES else str(value)
