"""The declared tables are those of the contract, and consistent in themselves."""

from __future__ import annotations

import pyarrow as pa
import pytest

from features.tables import DEALS, DIRECT, INPUT_TABLES, RESULT_TABLES, TABLES, TOUCHPOINTS, Column, Kind, Table


def columns(table: Table) -> list[str]:
    return [f"{column.name}?" if column.nullable else column.name for column in table.columns]


def test_input_tables_stand_in_the_order_in_which_they_refer_to_each_other() -> None:
    seen: set[str] = set()
    for name, table in INPUT_TABLES.items():
        seen.add(name)
        assert {c.references.split(".")[0] for c in table.columns if c.references} <= seen


def test_no_input_table_takes_the_own_team_for_a_partner() -> None:
    for table in INPUT_TABLES.values():
        named = {column for column in table.column_names if column in ("partner_id", "parent_id")}
        assert {f"{column} <> '{DIRECT}'" for column in named} <= {rule.condition for rule in table.rules}, table.name


def test_deals_have_the_columns_that_users_export() -> None:
    assert columns(DEALS)[:2] == ["deal_id", "account_id"]
    assert columns(DEALS)[-6:] == ["fx_rate?", "created_at", "closed_at?", "outcome", "stage?", "parent_deal_id?"]


def test_a_touchpoint_needs_only_what_happened_when_on_which_deal() -> None:
    needed = [column.name for column in TOUCHPOINTS.columns if not column.nullable]
    assert needed == ["touchpoint_id", "deal_id", "kind", "occurred_at"]


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_each_table_is_consistent(table: Table) -> None:
    names = table.column_names
    assert len(set(names)) == len(names)
    assert set(table.key) <= set(names)
    assert table.meaning.endswith(".")
    assert all(column.meaning.endswith(".") for column in table.columns)
    assert all(column.unit == "UTC" for column in table.columns if column.kind is Kind.TIMESTAMP)


def test_input_and_result_tables_are_apart() -> None:
    assert not set(INPUT_TABLES) & set(RESULT_TABLES)
    assert set(TABLES) == set(INPUT_TABLES) | set(RESULT_TABLES)


def test_a_references_column_exists() -> None:
    for table in TABLES.values():
        for column in table.columns:
            if column.references:
                name, target = column.references.split(".")
                assert isinstance(TABLES[name].column(target), Column)


def test_an_unknown_column_is_told_with_those_there_are() -> None:
    with pytest.raises(KeyError, match="has no column 'deal'; it has deal_id, account_id"):
        DEALS.column("deal")


def test_the_arrow_schema_has_utc_times_and_keeps_nullability() -> None:
    schema = DEALS.arrow_schema()
    assert schema.field("created_at").type == pa.timestamp("us", tz="UTC")
    assert not schema.field("deal_id").nullable
    assert schema.field("amount").nullable
