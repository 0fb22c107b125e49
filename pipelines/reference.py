"""The pages of reference that are made from the code, so that they cannot disagree with it.

``python -m pipelines.reference`` writes them; a test fails when one is out of date.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from features.page import feature_page
from features.tables import INPUT_TABLES, RESULT_TABLES, Column, Table
from pipelines.cli import app
from pipelines.config import Config

MADE: Final = "<!-- Made by `make docs`; edit the code instead. -->"


def pages() -> dict[str, str]:
    """Path in the repository to text, for every page that is made from the code."""
    return {
        "docs/cli.md": cli_page(),
        "docs/tables.md": tables_page(),
        "docs/features.md": feature_page(),
        "configs/default.yaml": default_config(),
    }


def tables_page() -> str:
    """The data dictionary as Markdown: every table, its key, rules and columns."""
    lines = [
        "# Tables",
        "",
        MADE,
        "",
        "Times are UTC, ids are text, money is in the deal's currency. A column with `?` may be empty. A table that",
        "you do not have may be absent or empty; everything that does not need it still works.",
        "",
        "`partnerlift ingest` fills `DIR/tables/<name>.parquet`. Another program may put a file, or a folder of part",
        "files, there itself: the order and case of its columns, other columns and types do not matter as long as the",
        "values can be read (times without a zone are UTC, NaN is missing, whole numbers are good as ids). To have its",
        "rows checked, ingest them: `partnerlift ingest --from tables DIR/tables`.",
        "",
    ]
    for heading, tables in (("Input tables", INPUT_TABLES), ("Result tables", RESULT_TABLES)):
        lines += [f"## {heading}", ""]
        for table in tables.values():
            lines += _table_lines(table)
    return "\n".join(lines).rstrip("\n") + "\n"


def cli_page() -> str:
    """Every verb of the command line with its options, as Markdown."""
    command = typer.main.get_group(app)
    context = command.context_class(command, info_name="partnerlift")
    lines = ["# Command line", "", MADE, "", *_paragraphs(command.help or ""), *_option_lines(command, context)]
    for name in command.list_commands(context):
        lines += _chapter(command.commands[name], context, level=2)
    return "\n".join(lines).rstrip("\n") + "\n"


def default_config() -> str:
    """The default configuration as YAML, each key under a comment that says what it is."""
    lines = [
        "# Every key with its default. Copy what you want to change into a file of your own and pass it with --config;",
        "# an unknown key is refused. Made by `make docs` from pipelines/config.py.",
        *_config_lines(Config, indent=""),
    ]
    return "\n".join(lines) + "\n"


def _table_lines(table: Table) -> list[str]:
    key = ", ".join(f"`{name}`" for name in table.key) or "none; equal rows are kept"
    lines = [f"### {table.name}", "", table.meaning, "", f"Key: {key}."]
    lines += [f"Refused: {rule.reason}." for rule in table.rules]
    if table.allows_extra:
        lines.append("Further columns that begin with `x_` are kept: your own numeric or categorical covariates.")
    lines += ["", "| column | type | unit or values | meaning |", "| --- | --- | --- | --- |"]
    return [*lines, *(_column_line(column) for column in table.columns), ""]


def _column_line(column: Column) -> str:
    allowed = " ".join(f"`{value}`" for value in column.vocabulary) or column.unit
    if column.minimum is not None:
        upper = "" if column.maximum is None else f" and <= {column.maximum:g}"
        allowed = f"{allowed}, >= {column.minimum:g}{upper}".removeprefix(", ")
    meaning = column.meaning + (f" Must be in `{column.references}`." if column.references else "")
    return f"| `{column.name}`{'?' if column.nullable else ''} | {column.kind} | {allowed} | {meaning} |"


def _paragraphs(text: str) -> list[str]:
    return [*text.strip().splitlines(), ""]


def _chapter(verb: Any, parent: Any, level: int) -> list[str]:
    """A verb with its options, and then the verbs below it."""
    context = verb.context_class(verb, info_name=verb.name, parent=parent)
    lines = [f"{'#' * level} {context.command_path}", "", *_verb_lines(verb, parent)]
    for name in verb.list_commands(context) if hasattr(verb, "list_commands") else ():
        lines += _chapter(verb.commands[name], context, level + 1)
    return lines


def _verb_lines(verb: Any, parent: Any) -> list[str]:
    commands = [line.strip() for line in (verb.epilog or "").splitlines()[2:]]
    context = verb.context_class(verb, info_name=verb.name, parent=parent)
    shown = ["```", *commands, "```", ""] if commands else []
    return [*_paragraphs(verb.help), *shown, *_option_lines(verb, context)]


def _option_lines(command: Any, context: Any) -> list[str]:
    records = [record for parameter in command.get_params(context) if (record := parameter.get_help_record(context))]
    rows = [f"| `{_cell(names)}` | {_cell(words)} |" for names, words in records]
    return ["| option | meaning |", "| --- | --- |", *rows, ""]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _config_lines(model: type[BaseModel], indent: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield f"{indent}# {(field.annotation.__doc__ or '').strip()}"
            yield f"{indent}{name}:"
            yield from _config_lines(field.annotation, indent + "  ")
            continue
        yield f"{indent}# {field.description}{_choices(field)}"
        yield f"{indent}{name}: {json.dumps(field.get_default(call_default_factory=True), default=list)}"


def _choices(field: FieldInfo) -> str:
    names = [name for name in _literals(field.annotation) if isinstance(name, str)]
    return f" One of: {', '.join(names)}." if names else ""


def _literals(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    elif get_origin(annotation) in {Union, UnionType, tuple}:
        for part in get_args(annotation):
            yield from _literals(part)


def write(root: Path) -> None:
    """Writes every page under ``root``."""
    for name, text in pages().items():
        (root / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path.cwd())
