from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from review.store.engine import open_engine, writing
from review.store.filters import Filters
from review.store.neighbours import neighbours
from review.store.partner_names import named, partners_like
from review.store.queue import next_moment, queue_page
from review.store.schema import partners


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def engine(request: pytest.FixtureRequest, tmp_path: Path, empty_database: Path) -> Iterator[Engine]:
    """An empty database of each kind."""
    is_sqlite = request.param == "sqlite"
    path = tmp_path / "review.db"
    if is_sqlite:
        shutil.copy(empty_database, path)
    made = open_engine(f"sqlite:///{path}" if is_sqlite else request.getfixturevalue("postgres_url"))
    yield made
    made.dispose()


@pytest.mark.parametrize("order", ["stake", "close", "confidence"])
@pytest.mark.parametrize("kind", ["moments", "all"])
def test_neighbours_are_those_of_the_queue(filled: Engine, order: str, kind: str) -> None:
    filters = Filters(order=order, kind=kind)  # type: ignore[arg-type]
    with filled.connect() as connection:
        ids = [row.moment_id for row in queue_page(connection, filters)]
        found = [neighbours(connection, filters, moment_id) for moment_id in ids]
    assert len(ids) == (7 if kind == "all" else 6)
    assert [each.before for each in found] == [None, *ids[:-1]]
    assert [each.after for each in found] == [*ids[1:], None]


def test_the_next_moment_is_behind_the_one_just_judged_and_then_the_first(filled: Engine, desk_clock: object) -> None:
    with writing(filled) as connection:
        ids = [row.moment_id for row in queue_page(connection, Filters())]
        now = desk_clock()  # type: ignore[operator]
        assert next_moment(connection, Filters(), "ann", now, after=ids[2]) == ids[3]
        assert next_moment(connection, Filters(), "ann", now, after=ids[-1]) == ids[0]
        assert next_moment(connection, Filters(), "bea", now, after=ids[2]) == ids[4]


def test_an_unknown_moment_has_no_neighbours(filled: Engine) -> None:
    with filled.connect() as connection:
        assert neighbours(connection, Filters(), "unknown").after is None


def test_partners_are_found_by_letters_first_those_on_the_deal(filled: Engine) -> None:
    with filled.connect() as connection:
        assert [each.partner_id for each in partners_like(connection, "")] == ["bk", "nw"]
        assert [each.partner_id for each in partners_like(connection, "", own=["nw"])] == ["nw", "bk"]
        assert [each.is_on_deal for each in partners_like(connection, "ck", deal_id="d1")] == [True]
        assert partners_like(connection, "%") == []


def test_partners_whose_names_begin_with_the_letters_come_first(filled: Engine) -> None:
    with filled.begin() as connection:
        connection.execute(partners.insert(), [{"partner_id": name, "name": name} for name in ("Bexlum", "Lumari")])
        assert [each.name for each in partners_like(connection, "lum")] == ["Lumari", "Bexlum"]


def test_a_partner_is_named_by_its_whole_name(filled: Engine) -> None:
    with filled.connect() as connection:
        assert named(connection, " northwind ") == "nw"
        assert named(connection, "North") is None
