"""The mapping file: how a flat export's columns become canonical columns, read from YAML, all faults at once.

In a mapping everything is text: ``Yes``, ``0.10`` and ``2018-01-01`` need no quotes. Only ``null`` (or ``~``) is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from features.sources.dates import format_fault
from features.sources.raw import SourceError
from features.tables import EXTRA_PREFIX, INPUT_TABLES, Column, Kind, Table

__all__ = ["Condition", "FileMap", "Join", "Mapping", "NumberFormat", "Reject", "Split", "TableMap", "Value"]

TO_BE_CHOSEN = "?"
"""Stands in a proposed mapping where only the user can decide; a mapping that still has one is refused."""

_NUMERIC = {Kind.MONEY, Kind.NUMBER, Kind.INTEGER}


class Part(BaseModel):
    """Base of every part of a mapping: frozen, and an unknown key is a fault (most are typing errors)."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class FileMap(Part):
    """One source file, or several parts with the same header."""

    path: str = Field(min_length=1, description="File name or pattern (`deals_*.csv`) inside the folder.")
    delimiter: str | None = Field(
        None, min_length=1, max_length=1, description="Column separator; found out if absent."
    )
    encoding: str | None = Field(None, description="Text encoding; found out if absent.")
    nulls: tuple[str, ...] = Field((), description="Words that mean 'empty' in every column of the file.")


class Condition(Part):
    """A test of one column; exactly one of `is`, `is_not`, `empty`."""

    column: str
    is_: tuple[str, ...] | None = Field(None, alias="is", description="True when the value is one of these.")
    is_not: tuple[str, ...] | None = Field(None, description="True when it is none of these; an empty cell is none.")
    empty: bool | None = Field(None, description="True when the cell is empty (`true`) or not (`false`).")

    @field_validator("is_", "is_not", mode="before")
    @classmethod
    def _listed(cls, words: Any) -> Any:
        return [words] if isinstance(words, str) else words

    @model_validator(mode="after")
    def _one_test(self) -> Condition:
        if sum(test is not None for test in (self.is_, self.is_not, self.empty)) != 1:
            raise ValueError("give exactly one of is, is_not, empty")
        return self


class NumberFormat(Part):
    """How numbers are written when it is not like `-1234.50`."""

    decimal: Literal[".", ","] = Field(".", description="Decimal sign.")
    thousands: Literal[".", ",", " ", "'"] | None = Field(None, description="Sign between groups of three digits.")
    strip: str = Field("", description="Signs to take off both ends, e.g. `$ ` or `%`.")

    @model_validator(mode="after")
    def _different(self) -> NumberFormat:
        if self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands are both {self.decimal!r}")
        return self


class Value(Part):
    """How one canonical value is made: one source, then what is done to it, in the order of the fields."""

    column: str | None = Field(None, description="A source column, or a joined one as `file.column`.")
    constant: str | None = Field(None, description="The same text in every row.")
    join: tuple[Value, ...] | None = Field(None, description="Several values, joined; null if one is.")
    hash: tuple[str, ...] | Literal["all"] | None = Field(None, description="Digest of these columns' content.")
    row: Literal["line", "file_and_line"] | None = Field(None, description="Where the row stands in its file.")
    first: tuple[Value, ...] | None = Field(None, description="The first of these that is not empty.")

    separator: str = Field("-", description="Between the values of `join`.")
    when: Condition | None = Field(None, description="The value is empty in rows where this is not true.")
    nulls: tuple[str, ...] = Field((), description="Words that mean 'empty' in this column.")
    repairs: dict[str, str] = Field({}, description="Source words to replace; others stay.")
    values: dict[str, str | None] | None = Field(
        None, description="Source word to canonical word; others are rejected."
    )
    otherwise: str | None = Field(None, description="What `values` gives for other words instead of a reject.")
    number: NumberFormat | None = Field(None, description="How numbers are written.")
    date: tuple[str, ...] | None = Field(None, description="Date format(s); ISO 8601 if absent; or `auto`.")
    time: str | None = Field(
        None, pattern=r"^([01]\d|2[0-3]):[0-5]\d:[0-5]\d$", description="Time of day for dates that have none."
    )
    add_days: int = Field(0, description="Days to add to the date.")
    prefix: str = Field("", description="Text put before the value.")
    damage: Literal["reject", "keep"] = Field(
        "reject", description="What to do with values that a spreadsheet changed."
    )

    @model_validator(mode="before")
    @classmethod
    def _named_column(cls, given: Any) -> Any:
        return {"column": given} if isinstance(given, str) else given

    @field_validator("date", "nulls", mode="before")
    @classmethod
    def _listed(cls, words: Any) -> Any:
        return [words] if isinstance(words, str) else words

    @field_validator("date")
    @classmethod
    def _known_format(cls, formats: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if formats is None or formats == ("auto",):
            return formats
        if TO_BE_CHOSEN in formats:
            raise ValueError("choose a date format; the comment beside it in a proposed mapping has the evidence")
        faults = [fault for one in formats if (fault := format_fault(one))]
        if faults:
            raise ValueError("; ".join(faults))
        return formats

    @model_validator(mode="after")
    def _one_source(self) -> Value:
        sources = (self.column, self.constant, self.join, self.hash, self.row, self.first)
        if sum(source is not None for source in sources) != 1:
            raise ValueError("give exactly one of column, constant, join, hash, row, first")
        if () in (self.join, self.first, self.hash):
            raise ValueError("join, first and hash need at least one part")
        if self.constant == TO_BE_CHOSEN or TO_BE_CHOSEN in (self.values or {}).values():
            raise ValueError("'?' is still to be chosen")
        if self.has_otherwise and self.values is None:
            raise ValueError("otherwise needs values")
        return self

    @property
    def has_otherwise(self) -> bool:
        """Whether `otherwise` was given; it may have been given as null."""
        return "otherwise" in self.model_fields_set

    def columns(self) -> Iterator[str]:
        """The source columns that it reads."""
        if self.column is not None:
            yield self.column
        if self.hash is not None and self.hash != "all":
            yield from self.hash
        for part in (*(self.join or ()), *(self.first or ())):
            yield from part.columns()
        if self.when is not None:
            yield self.when.column

    def results(self) -> Iterator[str]:
        """The canonical words that it is sure to give in some row."""
        if self.constant is not None:
            yield self.constant
        yield from (word for word in (self.values or {}).values() if word is not None)
        if self.otherwise is not None:
            yield self.otherwise
        for part in self.first or ():
            yield from part.results()


class Reject(Part):
    """Rows that must not be used, and why."""

    when: Condition
    reason: str = Field(min_length=1, description="The reason, as it will stand in the rejects.")


class Split(Part):
    """A cell that holds several values: the row is read once for each."""

    column: str
    separator: str = Field(min_length=1, description="Between the values, e.g. `;`.")


class Join(Part):
    """Columns looked up in another file; they are then named `file.column`."""

    file: str
    on: dict[str, str] = Field(description="Column of this file to column of the other.")
    ignore: tuple[Literal["blanks", "case"], ...] = Field((), description="Differences that do not count.")
    unmatched: Literal["reject", "keep"] = Field("reject", description="A row whose key the other file lacks.")
    unused: Literal["ignore", "reject"] = Field("ignore", description="A row of the other file that none asks for.")

    @model_validator(mode="after")
    def _has_keys(self) -> Join:
        if not self.on:
            raise ValueError("on is empty")
        return self


class TableMap(Part):
    """How rows of one file become rows of one canonical table."""

    table: str
    from_: str = Field(alias="from", description="Name of a file in `files`.")
    only: tuple[Condition, ...] = Field((), description="The rows that this table is about; all must be true.")
    reject: tuple[Reject, ...] = Field((), description="Rows to reject, with the reason.")
    split: Split | None = Field(None, description="A cell that holds several values.")
    joins: tuple[Join, ...] = Field((), description="Columns looked up in other files.")
    distinct: bool = Field(default=False, description="Rows with equal canonical values are one row.")
    columns: dict[str, Value] = Field(description="Canonical column to how it is made.")

    @model_validator(mode="after")
    def _fits_the_table(self) -> TableMap:
        if self.table not in INPUT_TABLES:
            raise ValueError(f"there is no table {self.table!r}; there are {', '.join(INPUT_TABLES)}")
        table = INPUT_TABLES[self.table]
        faults = [fault for column, value in self.columns.items() for fault in _column_faults(table, column, value)]
        missing = [c.name for c in table.columns if not c.nullable and c.name not in self.columns]
        if missing:
            faults.append(f"{self.table} needs {', '.join(missing)}")
        joined = [join.file for join in self.joins]
        if len(set(joined)) < len(joined):
            faults.append("a file is joined twice; give it a second name in `files`")
        if faults:
            raise ValueError("; ".join(faults))
        return self


class Mapping(Part):
    """A whole mapping file."""

    timezone: str = Field(description="IANA zone of times without an offset, e.g. UTC or Europe/Vienna.")
    files: dict[str, FileMap]
    tables: tuple[TableMap, ...]

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (OSError, KeyError, ValueError) as error:
            raise ValueError(
                f"there is no time zone {zone!r}; use an IANA name such as UTC or Europe/Vienna"
            ) from error
        return zone

    @field_validator("files")
    @classmethod
    def _plain_names(cls, files: dict[str, FileMap]) -> dict[str, FileMap]:
        odd = [file for file in files if not re.fullmatch(r"[A-Za-z]\w*", file)]
        if odd:
            raise ValueError(f"file names must be letters, digits and '_': {', '.join(odd)}")
        return files

    @model_validator(mode="after")
    def _known_files(self) -> Mapping:
        if not self.tables:
            raise ValueError("tables is empty")
        used = {file for table in self.tables for file in (table.from_, *(join.file for join in table.joins))}
        unknown = sorted(used - set(self.files))
        if unknown:
            raise ValueError(f"tables use {', '.join(unknown)}, which `files` does not have")
        whole = {table.from_ for table in self.tables if not table.only and table.split is None}
        partial = sorted({table.from_ for table in self.tables} - whole)
        if partial:
            raise ValueError(
                f"rows of {', '.join(partial)} that meet no `only` would vanish unseen; let one table take all rows of "
                "the file, and use `reject` with a reason for those it must not keep"
            )
        return self


def load_mapping(path: Path) -> Mapping:
    """The mapping in a YAML file; raises ``SourceError`` that lists every fault with its place."""
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), Loader=_TextLoader)  # noqa: S506 - makes text only
    except OSError as error:
        raise SourceError(f"Cannot read the mapping {path}: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(values, dict):
        raise SourceError(f"{path} must hold the keys timezone, files and tables. See docs/mapping.md.")
    return parse_mapping(values, str(path))


def parse_mapping(values: dict[str, Any], origin: str = "mapping") -> Mapping:
    """The mapping in nested dictionaries; raises ``SourceError`` that lists every fault with its place."""
    try:
        return Mapping.model_validate(values)
    except ValidationError as error:
        faults = [_told(fault) for fault in error.errors()]
        raise SourceError(f"{origin}: {len(faults)} fault(s): {'; '.join(faults)}. See docs/mapping.md.") from error


def _told(fault: Any) -> str:
    place = ".".join(str(part) for part in fault["loc"]) or "(top)"
    if fault["type"] == "extra_forbidden":
        return f"{place}: unknown key"
    if fault["type"] == "value_error":
        return f"{place}: {fault['ctx']['error']}"
    shown = "" if fault["type"] == "missing" else f" (is {fault['input']!r})"
    return f"{place}: {fault['msg']}{shown}"


def _column_faults(table: Table, column: str, value: Value) -> Iterator[str]:
    declared = _declared(table, column)
    if declared is None:
        extra = f" or {EXTRA_PREFIX}..." if table.allows_extra else ""
        yield f"{table.name} has no column {column!r}; it has {', '.join(table.column_names)}{extra}"
        return
    if declared.kind is not Kind.TIMESTAMP and (value.date or value.time or value.add_days):
        yield f"{column} is not a time, so date, time and add_days mean nothing there"
    if value.first is not None and value.date:
        yield f"{column}: state date inside the parts of first"
    if any(part.date == ("auto",) for part in value.join or ()):
        yield f"{column}: state date beside join, not inside it"
    if declared.kind not in _NUMERIC and not column.startswith(EXTRA_PREFIX) and value.number:
        yield f"{column} is not a number, so number means nothing there"
    wrong = sorted(set(value.results()) - set(declared.vocabulary)) if declared.vocabulary else []
    if wrong:
        yield f"{column} cannot be {', '.join(wrong)}; it is one of {', '.join(declared.vocabulary)}"


def _declared(table: Table, column: str) -> Column | None:
    if table.allows_extra and re.fullmatch(EXTRA_PREFIX + r"\w+", column):
        return Column(column, Kind.TEXT, "A covariate.", nullable=True)
    return table.column(column) if column in table.column_names else None


class _TextLoader(yaml.SafeLoader):
    """Reads every scalar as text but for null, and refuses a key that is given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        keys = [key.value for key, _ in node.value]
        twice = sorted({str(key) for key in keys if keys.count(key) > 1})
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"given twice: {', '.join(twice)}", node.start_mark)
        return super().construct_mapping(node, deep)


_TextLoader.yaml_implicit_resolvers = {}
_TextLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:null|~|)$"), ["n", "~", ""])
