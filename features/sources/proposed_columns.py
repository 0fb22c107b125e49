"""The columns of a proposed mapping: for each a line of YAML, with the evidence for it or what is unsure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb

from features.sources.dates import ISO, Judgement, companion, judge
from features.sources.guesses import is_usual, word_for
from features.sources.mapping import TO_BE_CHOSEN
from features.sources.proposed_numbers import how_written
from features.sources.sqltext import name
from features.sources.values import SPREADSHEET_DATE
from features.tables import INPUT_TABLES, Column, Kind

__all__ = ["Draft", "Export", "count", "quoted", "write_column", "write_rest"]

_WORDS_SHOWN: Final = 30
_KEPT_COVARIATES: Final = 40


@dataclass(frozen=True)
class Export:
    """A staged file of the export, its key in the mapping and the table that it looks like, if any."""

    key: str
    path: Path
    view: str
    header: tuple[str, ...]
    rows: int
    table: str | None


@dataclass
class Draft:
    """The text so far; ``unsure`` counts the lines that a person must look at."""

    con: duckdb.DuckDBPyConnection
    lines: list[str] = field(default_factory=list)
    unsure: int = 0

    def add(self, line: str, *, unsure: str | None = None, note: str | None = None) -> None:
        """A line of YAML, below a comment that tells what is unsure or worth knowing of it."""
        indent = line[: len(line) - len(line.lstrip())]
        if unsure is not None:
            self.unsure += 1
            self.lines.append(f"{indent}# UNSURE: {unsure}")
        if note is not None:
            self.lines.append(f"{indent}# {note}")
        self.lines.append(line)


def write_column(draft: Draft, file: Export, table: str, column: Column, chosen: dict[str, str]) -> None:
    """The line of one canonical column; ``chosen`` are the source columns found for the table's."""
    source = chosen.get(column.name)
    if source is None:
        _write_missing(draft, file, column, chosen)
        return
    if column.kind is Kind.TIMESTAMP:
        _write_time(draft, file, column.name, chosen)
    elif column.vocabulary:
        _write_words(draft, file, column, source)
    elif column.kind in (Kind.MONEY, Kind.NUMBER):
        _write_number(draft, file, table, column.name, source)
    elif (column.name,) == INPUT_TABLES[table].key:
        _write_key(draft, file, column.name, source)
    else:
        unsure, note = _resemblance(table, column.name, source), _damage(draft, file, source)
        draft.add(f"      {column.name}: {quoted(source)}", unsure=unsure, note=note)


def _write_missing(draft: Draft, file: Export, column: Column, chosen: dict[str, str]) -> None:
    if column.name == "currency" and "amount" in chosen:
        code = re.search(r"\b(USD|EUR|GBP|CHF|JPY|CAD|AUD)\b", chosen["amount"].upper())
        unsure = None if code else "the amounts' currency, an ISO 4217 code"
        draft.add(f"      currency: {{constant: {quoted(code[0] if code else TO_BE_CHOSEN)}}}", unsure=unsure)
    elif column.name == "closed_at":
        told = "no column looks like the close; won and lost deals need one"
        draft.add(f'      closed_at: {{constant: "{TO_BE_CHOSEN}"}}', unsure=told)
    elif column.nullable:
        return
    elif column.name in ("deal_id", "touchpoint_id"):
        prefix = column.name.removesuffix("_id")
        told = "no column looks like a key; the line number is one only as long as the file stays the same"
        draft.add(f"      {column.name}: {{row: line, prefix: {prefix}-}}", unsure=told)
    elif column.name == "account_id":
        told = "no column looks like the customer account, so each deal is one of its own"
        draft.add(f"      account_id: {quoted(chosen.get('deal_id', file.header[0]))}", unsure=told)
    elif column.name == "deal_type":
        draft.add("      deal_type: {constant: new}", unsure="no column tells new business from expansion or renewal")
    else:
        told = f"no column looks like it ({column.meaning.rstrip('.').lower()}); name a column, or a constant"
        draft.add(f'      {column.name}: {{constant: "{TO_BE_CHOSEN}"}}', unsure=told)


def _write_key(draft: Draft, file: Export, target: str, source: str) -> None:
    cell = name(source)
    empty = count(draft, f"SELECT count(*) FROM {file.view} WHERE {cell} IS NULL")
    repeated = count(draft, f"SELECT count(*) - count(DISTINCT {cell}) FROM {file.view} WHERE {cell} IS NOT NULL")
    rows = ", ".join(name(column) for column in file.header)
    copies = count(draft, f"SELECT count(*) FROM (SELECT {rows} FROM {file.view}) ") - count(
        draft, f"SELECT count(*) FROM (SELECT DISTINCT {rows} FROM {file.view})"
    )
    if repeated > copies:
        told = (
            f"{repeated:,} rows repeat a {source} of another, {copies:,} of them exactly; the digest tells them apart"
        )
        draft.add(f"      {target}: {{join: [{quoted(source)}, {{hash: all}}]}}", unsure=told)
        return
    note = f"{copies:,} rows are exact copies of another and will be rejected." if repeated else None
    unsure = f"{empty:,} rows have none and will be rejected" if empty else None
    draft.add(f"      {target}: {quoted(source)}", unsure=unsure, note=note)


def _write_time(draft: Draft, file: Export, target: str, chosen: dict[str, str]) -> None:
    source = chosen[target]
    judgement = _judged(draft, file, target, chosen)
    if judgement.decided == ISO or not judgement.values:
        draft.add(f"      {target}: {quoted(source)}", unsure=None if judgement.values else "the column is empty")
    elif judgement.decided:
        written = f"{{column: {quoted(source)}, date: {quoted(judgement.decided)}}}"
        draft.add(f"      {target}: {written}", note=judgement.evidence())
    else:
        written = f'{{column: {quoted(source)}, date: "{TO_BE_CHOSEN}"}}'
        draft.add(f"      {target}: {written}", unsure=judgement.evidence())


def _judged(draft: Draft, file: Export, target: str, chosen: dict[str, str]) -> Judgement:
    of_row, other_is_later = companion(target)
    other = chosen.get(of_row) if of_row else None
    texts = f"SELECT nullif(trim({name(chosen[target])}), '') AS value"
    texts += f", nullif(trim({name(other)}), '') AS other" if other else ""
    return judge(
        draft.con, f"{texts} FROM {file.view}", other="other" if other else None, other_is_later=other_is_later
    )


def _write_number(draft: Draft, file: Export, table: str, target: str, source: str) -> None:
    written = how_written(draft.con, file.view, source)
    resembles, damage = _resemblance(table, target, source), _damage(draft, file, source)
    unsure = "; ".join(told for told in (resembles, written.doubt) if told) or None
    note = " ".join(told for told in (written.evidence, damage) if told) or None
    value = f"{{column: {quoted(source)}, number: {written.yaml}}}" if written.yaml else quoted(source)
    draft.add(f"      {target}: {value}", unsure=unsure, note=note)


def _resemblance(table: str, target: str, source: str) -> str | None:
    return None if is_usual(table, target, source) else f"{source} only sounds like {target}"


def _write_words(draft: Draft, file: Export, column: Column, source: str) -> None:
    counted = draft.con.execute(
        f"SELECT trim({name(source)}) AS word, count(*) AS n FROM {file.view} WHERE {name(source)} IS NOT NULL "
        "GROUP BY word ORDER BY n DESC, word"
    ).fetchall()
    words = [str(row[0]) for row in counted[:_WORDS_SHOWN]]
    guessed = {word: word if word in column.vocabulary else word_for(column.name, word) for word in words}
    unknown = "null" if column.nullable else f'"{TO_BE_CHOSEN}"'
    pairs = ", ".join(f"{quoted(w)}: {quoted(g) if g else unknown}" for w, g in guessed.items())
    found = ", ".join(f"{_cut(str(word))} {n:,}" for word, n in counted[:_WORDS_SHOWN])
    told = f"the words' meaning. Found: {found}" + (", and more" if len(counted) > _WORDS_SHOWN else "")
    sure = all(word in column.vocabulary for word in words) and len(counted) <= _WORDS_SHOWN
    written = quoted(source) if sure else f"{{column: {quoted(source)}, values: {{{pairs}}}}}"
    draft.add(f"      {column.name}: {written}", unsure=None if sure else told)


def write_rest(draft: Draft, file: Export, rest: list[str]) -> None:
    """The source columns that no canonical column takes, as covariates that are commented out."""
    if not rest:
        return
    draft.lines.append(
        "      # Columns left over. Uncomment, as covariates of the model, only what was known before the close:"
    )
    draft.lines.append(
        "      # anything that is entered or changes with the result makes a model look good and be useless."
    )
    for source in rest[:_KEPT_COVARIATES]:
        if damage := _damage(draft, file, source):
            draft.lines.append(f"      # {damage}")
        folded = re.sub(r"\W+", "_", source.lower()).strip("_") or "column"
        draft.lines.append(f"      # x_{folded}: {quoted(source)}")
    if len(rest) > _KEPT_COVARIATES:
        draft.lines.append(f"      # and {len(rest) - _KEPT_COVARIATES} more")


def _damage(draft: Draft, file: Export, source: str) -> str | None:
    damaged = draft.con.execute(
        f"SELECT trim({name(source)}) AS word, count(*) AS n FROM {file.view} "
        f"WHERE regexp_full_match(trim({name(source)}), ?) GROUP BY word ORDER BY n DESC, word LIMIT 5",
        [SPREADSHEET_DATE],
    ).fetchall()
    if not damaged:
        return None
    found = ", ".join(f"{word} ({n})" for word, n in damaged)
    return f"{source} was damaged by a spreadsheet: {found}. Say under repairs what stood there, e.g. May-20: 5-20."


def count(draft: Draft, query: str) -> int:
    """The one number that a query gives."""
    row = draft.con.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def _cut(word: str) -> str:
    return repr(word if len(word) <= 40 else word[:39] + "…")


def quoted(text: str) -> str:
    """A text as YAML, plain where that is safe."""
    if re.fullmatch(r"[A-Za-z][\w.-]*( [\w.-]+)*", text) and text.lower() not in ("null", "true", "false", "yes", "no"):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'
