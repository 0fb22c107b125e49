"""Inputs: tables of a backend, complete and in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import duckdb
import ibis
import pytest

from features.cutoff import Cutoff
from features.frame import base, frame_spec
from features.inputs import Inputs, inputs_from
from features.tables import TABLES

DEALS = """CREATE TABLE deals AS SELECT 'd' AS deal_id, 'a' AS account_id, 'new' AS deal_type, 'won' AS outcome,
    {created} AS created_at, TIMESTAMPTZ '2024-03-02 01:00:00+00' AS closed_at, 5 AS x_seats"""
NAIVE = "TIMESTAMP '2024-03-01 01:00:00'"


def connection(zone: str = "UTC") -> Any:
    con = duckdb.connect()
    con.execute(f"SET TimeZone = '{zone}'")
    con.execute(DEALS.format(created=NAIVE))
    return con


def test_absent_tables_are_empty_and_absent_columns_null() -> None:
    made = inputs_from(connection())
    assert made.touchpoints.count().execute() == 0
    assert set(made.moments.columns) == set(TABLES["moments"].column_names)
    assert made.deals.segment.isnull().all().execute()
    assert "x_seats" in made.deals.columns


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_times_without_a_zone_are_utc_whatever_the_session_was_in(zone: str) -> None:
    created = inputs_from(connection(zone)).deals.created_at.execute()[0]
    assert created == datetime(2024, 3, 1, 1, tzinfo=UTC)


def test_deals_alone_give_a_frame() -> None:
    made = inputs_from(connection())
    row = base(made, frame_spec(made, Cutoff())).execute().iloc[0]
    assert (row["deal_age_days"], row["own_touches"], row["x_seats"]) == (1, 0, 5)


def test_deals_and_their_required_columns_must_be_there() -> None:
    with pytest.raises(KeyError, match="need the table deals, but only got none"):
        Inputs.from_tables({})
    bare = ibis.table({"deal_id": "string", "account_id": "string"}, name="deals")
    with pytest.raises(ValueError, match=r"deals lacks the column\(s\) deal_type, created_at, outcome"):
        Inputs.from_tables({"deals": bare})
