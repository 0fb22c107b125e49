"""Writing SQL safely: names and texts as SQL, and the few expressions that every source needs."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["first_of", "literal", "name", "text_list"]


def name(identifier: str) -> str:
    """An identifier as SQL, quoted."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str | None) -> str:
    """A text as a SQL literal; ``None`` is ``NULL``."""
    return "NULL" if text is None else "'" + text.replace("'", "''") + "'"


def text_list(texts: Iterable[str]) -> str:
    """Texts as the inside of a SQL ``IN (...)``."""
    return ", ".join(literal(text) for text in texts)


def first_of(expressions: Iterable[str]) -> str:
    """The first of the expressions that is not null; ``NULL`` text when there are none."""
    kept = [expression for expression in expressions if expression != "NULL"]
    if not kept:
        return "CAST(NULL AS VARCHAR)"
    return f"COALESCE({', '.join(kept)})"
