"""Small expressions that give the same numbers on DuckDB and on PySpark.

The engines differ in quiet ways: DuckDB's ``SUM`` of integers widens to 128 bits and its ``EPOCH`` is a double, Spark
reads ``3.0`` as a decimal and gives null for a count without rows. Features are written with these helpers, with
whole-number literals beside doubles, and are the same on both.
"""

from __future__ import annotations

from typing import Final

import ibis
import ibis.expr.types as ir

SECONDS_PER_DAY: Final = 86_400
MILLION: Final = 1_000_000


def seconds(at: ir.TimestampValue) -> ir.IntegerValue:
    """Whole seconds from 1970 to a moment, rounded down; null stays null."""
    return _whole(at.truncate("s").epoch_seconds())


def day(at: ir.TimestampValue) -> ir.IntegerValue:
    """Whole days from 1970 to a moment in UTC, rounded down; null stays null."""
    return _whole(days(seconds(at)).floor())


def days(span_seconds: ir.NumericValue) -> ir.FloatingValue:
    """Days of a span in seconds."""
    return span_seconds.cast("float64") / SECONDS_PER_DAY


def whole_sum(value: ir.NumericColumn) -> ir.IntegerScalar:
    """64-bit sum of whole numbers, exact up to 2**53; null when every value is null."""
    return _whole(value.sum())


def count_where(condition: ir.BooleanColumn) -> ir.IntegerScalar:
    """Rows for which the condition holds; null counts as not."""
    return whole_sum(condition.ifelse(1, 0))


def holds(condition: ir.BooleanValue) -> ir.BooleanValue:
    """The condition, false where it is null."""
    return condition.notnull() & condition


def millionths(value: ir.FloatingValue) -> ir.IntegerValue:
    """A number in whole millionths, halves rounded up, so that sums do not depend on the order of the rows."""
    return _whole((value * MILLION + ibis.literal(0.5, "float64")).floor())


def _whole(value: ir.NumericValue) -> ir.IntegerValue:
    # Through float64, because Ibis drops a cast to the type that it wrongly takes the value to have.
    return value.cast("float64").cast("int64")
