"""Writing SQL safely: names and texts as SQL, and the few expressions that every source needs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

__all__ = ["first_of", "float_text", "literal", "name", "parquet", "text_list"]


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


def parquet(paths: Iterable[Path], options: str = "") -> str:
    """A table function that reads exactly these Parquet files, whatever brackets or asterisks their names hold."""
    files = ", ".join(literal(re.sub(r"[\[*?]", r"[\g<0>]", str(path))) for path in paths)
    return f"read_parquet([{files}]{', ' if options else ''}{options})"


def float_text(number: str) -> str:
    """A FLOAT or DOUBLE as text: a whole number without ``.0``, as ids are that a data frame turned into floats."""
    is_whole = f"{number} = trunc({number}) AND abs({number}) < 1e15"
    return f"CASE WHEN {is_whole} THEN CAST(CAST({number} AS BIGINT) AS VARCHAR) ELSE CAST({number} AS VARCHAR) END"
