"""Dates as exports write them: reading a stated format, and judging which format a whole column is in.

One value can hardly ever tell ``03-04-17`` of April from that of March, so a format is never guessed value by value.
A column is judged as a whole: how many of its values each format can read, which value decides between two formats,
and in how many rows the dates keep their order (a deal closes after it was created) under each.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import duckdb

from features.sources.sqltext import literal

__all__ = [
    "ISO",
    "SPECIAL_FORMATS",
    "Fit",
    "Judgement",
    "candidates",
    "companion",
    "format_fault",
    "iso_pattern",
    "judge",
    "utc_text",
]

ISO: Final = "iso"
"""ISO 8601: ``2018-02-26``, with or without a time, a fraction and an offset; the hour may lack its leading zero."""

SPECIAL_FORMATS: Final = ("epoch_s", "epoch_ms", "excel_serial")
"""Numbers that count from a day: seconds or milliseconds since 1970, or days as spreadsheets count them."""

_LATER: Final = {"created_at": "closed_at", "valid_from": "valid_to", "installed_at": "removed_at"}

_ISO_BODY: Final = r"\d{4}-\d{1,2}-\d{1,2}(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?"
_OFFSET: Final = r"(?: ?(?:Z|z|UTC)|[+-]\d{2}(?::?\d{2})?)"
_DIRECTIVES: Final = {
    "%Y": r"\d{4}",
    "%y": r"\d{2}",
    "%m": r"\d{1,2}",
    "%d": r"\d{1,2}",
    "%b": r"[A-Za-z]{3}",
    "%B": r"[A-Za-z]{3,9}",
    "%H": r"\d{1,2}",
    "%I": r"\d{1,2}",
    "%M": r"\d{2}",
    "%S": r"\d{2}",
    "%f": r"\d{1,9}",
    "%p": r"[AaPp][Mm]",
    "%z": r"(?:Z|[+-]\d{2}:?\d{2})",
    "%%": "%",
}
_DAYS: Final = ("%d-%m-%Y", "%m-%d-%Y", "%d-%m-%y", "%m-%d-%y", "%y-%m-%d")
_NAMED_DAYS: Final = ("%d-%b-%Y", "%d-%b-%y", "%b-%d-%Y", "%d %b %Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%Y%m%d")
_TIMES: Final = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")


def candidates() -> tuple[str, ...]:
    """The formats that a column is judged by; ISO is not among them."""
    separated = [day.replace("-", separator) for day in _DAYS for separator in "-/."]
    year_first = ["%Y/%m/%d", "%Y.%m.%d"]
    days = [*separated, *year_first, *_NAMED_DAYS]
    return tuple(day + time for time in _TIMES for day in days)


def format_fault(date_format: str) -> str | None:
    """Why the text is not a date format that can be read; ``None`` when it is one."""
    if date_format == ISO or date_format in SPECIAL_FORMATS:
        return None
    directives = set(re.findall(r"%.", date_format))
    unknown = sorted(directives - set(_DIRECTIVES))
    if unknown:
        return f"{date_format!r} has {', '.join(unknown)}, which is not understood; use {' '.join(sorted(_DIRECTIVES))}"
    has_day = "%d" in directives and directives & {"%m", "%b", "%B"} and directives & {"%Y", "%y"}
    if not has_day:
        known = ", ".join((ISO, *SPECIAL_FORMATS))
        return f"{date_format!r} is not a date format: name day, month and year, e.g. '%d-%m-%Y', or one of {known}"
    return None


def iso_pattern() -> str:
    """Regular expression of an ISO 8601 date or time, as the whole text."""
    return f"{_ISO_BODY}(?:{_OFFSET})?"


def utc_text(
    value: str,
    formats: Sequence[str] = (ISO,),
    *,
    zone: str = "UTC",
    time: str | None = None,
    add_days: int = 0,
) -> str:
    """SQL: a text as UTC time ``2018-02-26T19:58:54.000000Z``; null when it fits none of the formats.

    Parameters
    ----------
    value : SQL of the text.
    formats : strptime formats, ``iso`` or one of ``SPECIAL_FORMATS``; the first that fits the whole text is used.
    zone : IANA zone of times that carry no offset of their own.
    time : ``HH:MM:SS`` to put where the text has no time of day, e.g. the end of the day.
    add_days : whole days to add.
    """
    parsed = f"COALESCE({', '.join(_parsed(value, one, zone, time) for one in formats)})"
    if add_days:
        parsed = f"({parsed} + INTERVAL {add_days} DAY)"
    return f"strftime(timezone('UTC', {parsed}), '%Y-%m-%dT%H:%M:%S.%fZ')"


def _parsed(value: str, date_format: str, zone: str, time: str | None) -> str:
    if date_format == ISO:
        return _parsed_iso(value, zone, time)
    if date_format in SPECIAL_FORMATS:
        return _parsed_number(value, date_format, zone, time)
    parsed = f"try_strptime({value}, {literal(date_format)})"
    guarded = f"CASE WHEN regexp_full_match({value}, {literal(_pattern(date_format))}) THEN {parsed} END"
    if "%z" in date_format:
        return guarded
    has_time = "%H" in date_format or "%I" in date_format
    return f"timezone({literal(zone)}, {_with_time(guarded, None if has_time else time)})"


def _parsed_iso(value: str, zone: str, time: str | None) -> str:
    naive = _with_time(f"TRY_CAST({value} AS TIMESTAMP)", time, only_when=f"NOT contains({value}, ':')")
    return (
        f"CASE WHEN regexp_full_match({value}, {literal(_ISO_BODY)}) THEN timezone({literal(zone)}, {naive}) "
        f"WHEN regexp_full_match({value}, {literal(_ISO_BODY + _OFFSET)}) THEN TRY_CAST({value} AS TIMESTAMPTZ) END"
    )


def _parsed_number(value: str, date_format: str, zone: str, time: str | None) -> str:
    number = f"TRY_CAST({value} AS DOUBLE)"
    if date_format == "excel_serial":
        bounded = f"CASE WHEN {number} BETWEEN 1 AND 109574 THEN {number} END"
        days = f"(TIMESTAMP '1899-12-30' + to_microseconds(CAST(round({bounded} * 86400) AS BIGINT) * 1000000))"
        return f"timezone({literal(zone)}, {_with_time(days, time, only_when=f'{number} = floor({number})')})"
    scale = 1_000_000 if date_format == "epoch_s" else 1_000
    bounded = f"CASE WHEN abs({number}) < {4e15 / scale:.0f} THEN CAST(round({number} * {scale}) AS BIGINT) END"
    return f"(TIMESTAMPTZ '1970-01-01 00:00:00+00' + to_microseconds({bounded}))"


def _with_time(moment: str, time: str | None, only_when: str = "true") -> str:
    if time is None:
        return moment
    return f"CASE WHEN {only_when} THEN date_trunc('day', {moment}) + INTERVAL '{time}' ELSE {moment} END"


def _pattern(date_format: str) -> str:
    parts = re.split(r"(%.)", date_format)
    return "".join(_DIRECTIVES.get(part, re.escape(part)) for part in parts)


@dataclass(frozen=True)
class Fit:
    """How well one format fits a column.

    ``ordered`` of ``pairs`` rows keep their order with the other date (created <= closed) when both are read so;
    0 of 0 when there is no other date. ``counterexample`` is a value that the format cannot read.
    """

    date_format: str
    fits: int
    earliest: str | None
    latest: str | None
    counterexample: str | None
    ordered: int = 0
    pairs: int = 0


@dataclass(frozen=True)
class Judgement:
    """What a column's values say of their format; ``fits`` has the best first, formats that fit nothing left out."""

    values: int
    fits: tuple[Fit, ...]

    @property
    def possible(self) -> tuple[str, ...]:
        """The formats that read every value."""
        return tuple(fit.date_format for fit in self.fits if fit.fits == self.values)

    @property
    def decided(self) -> str | None:
        """The only format that reads every value; ``None`` when there are several or none, or no values."""
        return self.possible[0] if self.values and len(self.possible) == 1 else None

    def evidence(self, most: int = 4) -> str:
        """The counts in one line, for an error or a comment."""
        if not self.values:
            return "the column is empty"
        if not self.fits:
            return f"none of the known formats reads any of its {self.values:,} values"
        return "; ".join(self._told(fit) for fit in self.fits[:most]) + "; " + self._conclusion()

    def _told(self, fit: Fit) -> str:
        told = f"{fit.date_format} reads {fit.fits:,} of {self.values:,} values"
        if fit.counterexample is not None:
            told += f" (not {fit.counterexample!r})"
        else:
            told += f" ({fit.earliest} to {fit.latest})"
        if fit.pairs:
            told += f", created <= closed in {fit.ordered:,} of {fit.pairs:,} rows"
        return told

    def _conclusion(self) -> str:
        if self.decided:
            return f"only {self.decided} reads them all"
        if self.possible:
            return "no value decides between " + " and ".join(self.possible)
        return "no format reads them all"


def companion(column: str) -> tuple[str | None, bool]:
    """The canonical time of the same row that never lies before this one, or never after it; and whether before."""
    sooner = {later: earlier for earlier, later in _LATER.items()}
    return _LATER.get(column, sooner.get(column)), column in _LATER


def judge(
    con: duckdb.DuckDBPyConnection, values: str, *, other: str | None = None, other_is_later: bool = True
) -> Judgement:
    """Judges the format of a whole column.

    Parameters
    ----------
    values : SQL query whose rows are the source's rows, with the text in column ``value`` (null where empty) and,
        when ``other`` is given, the text of the other date in column ``other``.
    other : name of the other date's column in ``values``, read by the same format; ``None`` when there is none.
    other_is_later : whether the other date must not lie before this one (it is the close), or not after it.
    """
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE judged AS SELECT value, {other or 'NULL::VARCHAR'} AS other, count(*) AS n "
        f"FROM ({values}) WHERE value IS NOT NULL GROUP BY ALL"
    )
    fits = [_fit(con, one, other_is_later=other_is_later) for one in _plausible(con)]
    ranked = sorted((fit for fit in fits if fit.fits), key=lambda fit: (-fit.fits, fit.pairs - fit.ordered))
    total = con.execute("SELECT coalesce(sum(n), 0)::BIGINT FROM judged").fetchone()
    con.execute("DROP TABLE judged")
    assert total is not None
    return Judgement(int(total[0]), tuple(ranked))


def _plausible(con: duckdb.DuckDBPyConnection) -> Sequence[str]:
    """Formats whose shape some value has; the shapes are looked for in two thousand values from all over the order."""
    rows = con.execute("SELECT DISTINCT value FROM judged ORDER BY hash(value), value LIMIT 2000").fetchall()
    sample = [str(row[0]) for row in rows]
    shapes = {ISO: iso_pattern()} | {one: _pattern(one) for one in candidates()}
    written = [one for one, shape in shapes.items() if any(re.fullmatch(shape, text) for text in sample)]
    # Bare numbers count as days or seconds only when nothing else fits: 20180226 is rather a date than seconds.
    return written or SPECIAL_FORMATS


def _fit(con: duckdb.DuckDBPyConnection, date_format: str, *, other_is_later: bool) -> Fit:
    this, that = (_parsed(column, date_format, "UTC", None) for column in ("value", "other"))
    earlier, later = ("this", "that") if other_is_later else ("that", "this")
    row = con.execute(
        f"SELECT coalesce(sum(n) FILTER (WHERE this IS NOT NULL), 0)::BIGINT, "
        f"min(this)::DATE::VARCHAR, max(this)::DATE::VARCHAR, min(value) FILTER (WHERE this IS NULL), "
        f"coalesce(sum(n) FILTER (WHERE {earlier} <= {later}), 0)::BIGINT, "
        f"coalesce(sum(n) FILTER (WHERE this IS NOT NULL AND that IS NOT NULL), 0)::BIGINT "
        f"FROM (SELECT n, value, {this} AS this, {that} AS that FROM judged)"
    ).fetchone()
    assert row is not None
    fits, earliest, latest, counterexample, ordered, pairs = row
    return Fit(date_format, fits, earliest, latest, counterexample, ordered, pairs)
