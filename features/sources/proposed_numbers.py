"""How the numbers of a column are written, told by all of them; two readings that differ are left to a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import duckdb

from features.sources.mapping import TO_BE_CHOSEN, NumberFormat
from features.sources.sqltext import name
from features.sources.values import is_number_written, plain_number

__all__ = ["Written", "how_written"]

_SIGNS: Final = "$€£¥%"
_WAYS: Final[tuple[NumberFormat, ...]] = (
    NumberFormat(),
    NumberFormat(decimal=","),
    NumberFormat(thousands=","),
    NumberFormat(decimal=",", thousands="."),
    NumberFormat(thousands=" "),
    NumberFormat(decimal=",", thousands=" "),
    NumberFormat(thousands="'"),
)
"""The simplest first."""


@dataclass(frozen=True)
class Written:
    """``yaml`` is what stands under ``number`` (nothing for plain numbers), with its evidence, or the doubt in it."""

    yaml: str = ""
    evidence: str | None = None
    doubt: str | None = None


def how_written(con: duckdb.DuckDBPyConnection, view: str, source: str) -> Written:
    """The one way of writing numbers by which all values of a column read, if there is one.

    Ways that give the same numbers count as one, the simplest. A column that is empty, or holds no numbers, is taken
    as plain.
    """
    texts = f"SELECT trim({name(source)}) AS t FROM {view} WHERE trim({name(source)}) <> ''"
    strip = "".join(s for s in _SIGNS if _one(con, f"SELECT bool_or(contains(t, '{s}')) FROM ({texts})"))
    ways = [way.model_copy(update={"strip": strip}) for way in _WAYS]
    reading: dict[float, NumberFormat] = {}
    for way in ways:
        total = f"SELECT sum(TRY_CAST({plain_number(way, 't')} AS DOUBLE)) FROM ({texts})"
        if _one(con, f"SELECT bool_and({is_number_written(way, 't')}) FROM ({texts})"):
            reading.setdefault(_one(con, total), way)
    if len(reading) == 1:
        (way,) = reading.values()
        return Written() if way == NumberFormat() else Written(_yaml(way), f"All values of {source} read so.")
    odd = con.execute(f"SELECT t FROM ({texts}) WHERE NOT {is_number_written(ways[0], 't')} ORDER BY t LIMIT 3")
    shown = ", ".join(str(row[0])[:40] for row in odd.fetchall())
    if not reading:
        return Written(
            doubt=f"not all values of {source} are numbers written in one way, e.g. {shown}" if shown else None
        )
    ways_left = " or ".join(_yaml(way) for way in reading.values())
    chosen = f'{{decimal: "{TO_BE_CHOSEN}", thousands: "{TO_BE_CHOSEN}"}}'
    return Written(chosen, doubt=f"{source} reads as {ways_left}, and differs then, e.g. {shown}")


def _yaml(way: NumberFormat) -> str:
    keys = way.model_dump(exclude_defaults=True)
    return "{" + ", ".join(f'{key}: "{value}"' for key, value in keys.items()) + "}"


def _one(con: duckdb.DuckDBPyConnection, query: str) -> float:
    row = con.execute(query).fetchone()
    assert row is not None
    return float(row[0] or 0)
