"""Result tables in SQLite, DuckDB and PostgreSQL: equal to the workspace's after any run, whatever was there before."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
import sqlalchemy as sa

from features.tables import CREDITS, PARTNER_SCORES, RESULT_TABLES, TABLES, Kind
from pipelines.publish import publish
from pipelines.publishing.sql import COLUMN_TYPES, declared
from pipelines.workspace import Workspace, WorkspaceError, write_frame

AT = "2026-01-02 03:04:05.678901"
Rows = list[dict[str, Any]]


def credit(deal: str, partner: str, value: float, **others: Any) -> dict[str, Any]:
    """A row of ``credits``."""
    row = {"run_id": "r1", "deal_id": deal, "partner_id": partner, "method": "model", "target": "win", "kind": "split"}
    return {**row, "credit": value, "share": value, "model_version": "m1", "scored_at": AT, **others}


def effect(partner: str, value: float) -> dict[str, Any]:
    """A row of ``partner_effects``."""
    row = {"run_id": "r1", "partner_id": partner, "method": "model", "target": "win", "quantity": "total_credit"}
    return {**row, "value": value, "n": 3}


FIRST = [credit("d1", "p1", 0.1), credit("d1", "p2", 0.2), credit("d1", "p2", 0.3, kind="overlay", rule_id="a;b'c\"d")]
SECOND = [FIRST[0], credit("d1", "p2", 0.25), credit("d2", "p1", -0.5)]


def put(workspace: Workspace, **tables: Rows) -> Workspace:
    """The workspace with these rows as its tables."""
    for name, rows in tables.items():
        frame = pd.DataFrame(rows)
        for column in TABLES[name].columns:
            if column.kind is Kind.TIMESTAMP and column.name in frame:
                frame[column.name] = pd.to_datetime(frame[column.name], utc=True)
        write_frame(frame, TABLES[name], workspace.path(name))
    return workspace


@pytest.fixture(params=["sqlite", "duckdb", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of each kind."""
    if request.param != "postgresql":
        return f"{request.param}:///{tmp_path / 'out.db'}"
    return str(request.getfixturevalue("postgres_url"))


def read(url: str, query: str) -> Rows:
    """Rows of the database, times in UTC."""
    if url.startswith("duckdb"):
        with duckdb.connect(url.removeprefix("duckdb:///")) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            frame: pd.DataFrame = connection.execute(query).df()
            return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.NullPool)
    with engine.connect() as connection:
        return [dict(row._mapping) for row in connection.execute(sa.text(query))]


def credits_in(url: str) -> list[tuple[Any, ...]]:
    rows = read(url, "SELECT deal_id, partner_id, kind, credit FROM credits")
    return sorted(tuple(row.values()) for row in rows)


def test_a_database_follows_the_workspace_row_by_row(workspace_of: Callable[..., Workspace], url: str) -> None:
    workspace = put(workspace_of(), credits=FIRST, partner_effects=[effect("p1", 1.5)])
    report = publish(workspace, url)
    assert {t.table: (t.rows, t.inserted, t.changed, t.removed) for t in report.tables} == {
        "credits": (3, 3, 0, 0),
        "partner_effects": (1, 1, 0, 0),
    }
    put(workspace, credits=SECOND, partner_effects=[effect("p1", 1.5)])
    report = publish(workspace, url)
    assert {t.table: (t.rows, t.inserted, t.changed, t.removed) for t in report.tables} == {
        "credits": (3, 1, 1, 1),
        "partner_effects": (1, 0, 0, 0),
    }
    assert credits_in(url) == [("d1", "p1", "split", 0.1), ("d1", "p2", "split", 0.25), ("d2", "p1", "split", -0.5)]


def test_publishing_again_changes_nothing(workspace_of: Callable[..., Workspace], url: str) -> None:
    workspace = put(workspace_of(), credits=FIRST)
    publish(workspace, url)
    before = credits_in(url)
    (again,) = publish(workspace, url).tables
    assert again.counts == {"inserted": 0, "changed": 0, "removed": 0}
    assert credits_in(url) == before


def test_every_value_arrives_as_it_was(workspace_of: Callable[..., Workspace], url: str) -> None:
    row = credit("d\u00fc'1", "p;DROP TABLE credits", 0.1 + 0.2, credit_lo=-1e-300, rule_id='"x"')
    publish(put(workspace_of(), credits=[row]), url)
    (found,) = read(url, "SELECT * FROM credits")
    assert found["credit"] == 0.1 + 0.2
    assert found["credit_lo"] == -1e-300
    assert pd.isna(found["credit_hi"])
    assert (found["deal_id"], found["partner_id"], found["rule_id"]) == ("d\u00fc'1", "p;DROP TABLE credits", '"x"')
    assert pd.to_datetime(found["scored_at"], utc=True) == pd.Timestamp(AT, tz="UTC")


@pytest.mark.slow
def test_input_tables_go_by_name_with_lists_and_without_a_key(workspace_of: Callable[..., Workspace], url: str) -> None:
    partners = [{"partner_id": "p1", "name": "N", "partner_type": "si", "domains": ["a.example", "b.example"]}]
    cost = {"partner_id": "p1", "kind": "funds", "amount": 5.0, "currency": "EUR", "borne_by": "vendor"}
    workspace = put(workspace_of(), partners=partners, costs=[{**cost, "incurred_at": AT}] * 2)
    for _ in range(2):
        report = publish(workspace, url, tables=["partners", "costs"])
        assert {t.table: t.rows for t in report.tables} == {"partners": 1, "costs": 2}
    (found,) = read(url, "SELECT domains FROM partners")
    assert list(found["domains"]) == ["a.example", "b.example"] or found["domains"] == '["a.example", "b.example"]'


@pytest.mark.slow
def test_a_failure_in_the_midst_leaves_the_database_as_it_was(
    workspace_of: Callable[..., Workspace], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = put(workspace_of(), credits=FIRST, partner_effects=[effect("p1", 1.5)])
    publish(workspace, url)
    before = credits_in(url)
    put(workspace, credits=SECOND, partner_effects=[effect("p1", 9.0)])
    module = "duck" if url.startswith("duckdb") else "sql"
    check = f"pipelines.publishing.{module}._check_columns"

    def broken(*arguments: Any) -> None:
        if "partner_effects" in str(arguments[1]):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(check, broken)
        with pytest.raises(KeyboardInterrupt):
            publish(workspace, url)
    assert credits_in(url) == before
    publish(workspace, url)
    assert credits_in(url) != before
    assert read(url, "SELECT value FROM partner_effects") == [{"value": 9.0}]


@pytest.mark.slow
def test_a_table_of_another_shape_is_refused_with_the_ways_out(
    workspace_of: Callable[..., Workspace], tmp_path: Path
) -> None:
    with sqlite3.connect(tmp_path / "out.db") as connection:
        connection.execute("CREATE TABLE credits (deal_id TEXT, mine TEXT)")
    connection.close()
    workspace = put(workspace_of(), credits=FIRST)
    with pytest.raises(WorkspaceError, match=r"lacks the column\(s\) run_id, partner_id.*--schema"):
        publish(workspace, f"sqlite:///{tmp_path / 'out.db'}")
    with duckdb.connect(str(tmp_path / "out.duckdb")) as database:
        database.execute("CREATE TABLE credits (deal_id TEXT, mine TEXT)")
    with pytest.raises(WorkspaceError, match=r"lacks the column\(s\) run_id"):
        publish(workspace, f"duckdb:///{tmp_path / 'out.duckdb'}")
    publish(workspace, f"duckdb:///{tmp_path / 'out.duckdb'}", schema="of partners")
    assert read(f"duckdb:///{tmp_path / 'out.duckdb'}", 'SELECT count(*) AS n FROM "of partners".credits') == [{"n": 3}]


@pytest.mark.parametrize("bad", ["nowhere", "nosuch://host/x", "duckdb://"])
def test_an_url_that_is_none_is_refused_without_repeating_it(workspace_of: Callable[..., Workspace], bad: str) -> None:
    workspace = put(workspace_of(), credits=FIRST)
    with pytest.raises(ValueError, match="duckdb:///FILE") as caught:
        publish(workspace, bad)
    assert bad not in str(caught.value).replace("duckdb:///FILE", "")


def test_a_database_that_refuses_is_told_in_a_line_without_password_or_data(
    workspace_of: Callable[..., Workspace], tmp_path: Path
) -> None:
    workspace = put(workspace_of(), credits=FIRST)
    with pytest.raises(WorkspaceError, match=r"Cannot publish to sqlite:///.*Nothing was changed there") as caught:
        publish(workspace, f"sqlite:///{tmp_path / 'no' / 'folder' / 'x.db'}")
    assert "\n" not in str(caught.value)
    with pytest.raises(WorkspaceError, match="Cannot publish to postgresql://localhost/deals") as caught:
        publish(workspace, "postgresql://boss:s3cret@localhost:1/deals")
    assert "s3cret" not in str(caught.value)


def test_tables_that_are_not_there_are_named(workspace_of: Callable[..., Workspace], tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'out.db'}"
    with pytest.raises(ValueError, match="no table 'credit'"):
        publish(workspace_of(), url, tables=["credit"])
    with pytest.raises(WorkspaceError, match="has no result table yet"):
        publish(workspace_of(), url)
    with pytest.raises(WorkspaceError, match="has no moments yet"):
        publish(workspace_of(), url, tables=["moments"])
    assert not (tmp_path / "out.db").exists()


def test_a_workspace_in_use_is_not_published(workspace_of: Callable[..., Workspace], tmp_path: Path) -> None:
    workspace = put(workspace_of(), credits=FIRST)
    with workspace.lock("score"), pytest.raises(WorkspaceError, match="in use by process"):
        publish(workspace, f"sqlite:///{tmp_path / 'out.db'}")


def test_columns_and_keys_are_those_of_the_declarations() -> None:
    scores = declared(PARTNER_SCORES, sa.MetaData(schema="crm"))
    assert [column.name for column in scores.primary_key] == ["partner_id", "period", "method", "currency"]
    assert scores.fullname == "crm.partner_scores"
    with_empty_keys = declared(CREDITS, sa.MetaData())
    assert not list(with_empty_keys.primary_key)
    (index,) = with_empty_keys.indexes
    assert [column.name for column in index.columns] == ["deal_id", "partner_id", "method", "target", "kind"]
    for table in RESULT_TABLES.values():
        made = declared(table, sa.MetaData())
        assert [column.name for column in made.columns] == list(table.column_names)
        assert all(made.c[column.name].nullable is column.nullable for column in table.columns)
    assert set(COLUMN_TYPES) == set(Kind)


@pytest.mark.slow
def test_postgresql_takes_a_schema_and_lets_a_second_writer_wait(
    workspace_of: Callable[..., Workspace], postgres_server: str
) -> None:
    workspace = put(workspace_of(), credits=FIRST)
    publish(workspace, postgres_server, schema='of "partners"')
    table = '"of ""partners""".credits'
    engine = sa.create_engine(postgres_server.replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.NullPool)
    with engine.connect() as connection:
        assert connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar() == 3
        kinds = connection.execute(
            sa.text("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'credits'")
        ).all()
    assert ("scored_at", "timestamp with time zone") in {tuple(row) for row in kinds}
    assert ("credit", "double precision") in {tuple(row) for row in kinds}
    impatient = f"{postgres_server}&options=-c%20lock_timeout%3D200"
    with engine.begin() as other:
        other.execute(sa.text(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"))
        with pytest.raises(WorkspaceError, match="lock timeout"):
            publish(workspace, impatient, schema='of "partners"')
    assert publish(workspace, impatient, schema='of "partners"').tables[0].counts["inserted"] == 0
