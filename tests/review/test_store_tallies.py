from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from review.roles import Viewer
from review.store.engine import writing
from review.store.judgements import judge
from review.store.schema import moments
from review.store.settings import keep
from review.store.tallies import by_state, choices

AT = datetime(2026, 6, 1, 9, tzinfo=UTC)
ANN = Viewer("ann", "reviewer")


def waiting(engine: Engine) -> int:
    """How many wait, as the filters of the queue tell it."""
    with engine.connect() as connection:
        return sum(choice.count for choice in choices(connection).partners)


def copies(engine: Engine, number: int) -> None:
    """So many more moments like ``m1``."""
    with writing(engine) as connection:
        row = dict(connection.execute(sa.select(moments).where(moments.c.moment_id == "m1")).mappings().one())
        connection.execute(moments.insert(), [{**row, "moment_id": f"copy{n}"} for n in range(number)])


def test_with_few_moments_every_verdict_is_counted_at_once(filled: Engine) -> None:
    assert waiting(filled) == 5
    with writing(filled) as connection:
        judge(connection, "m1", ANN, verdict="confirmed", at=AT)
    assert waiting(filled) == 4
    with filled.connect() as connection:
        assert by_state(connection) == {"waiting": 5, "judged": 1}


def test_with_many_they_are_counted_again_after_some_verdicts(filled: Engine) -> None:
    copies(filled, 600)
    assert waiting(filled) == 605
    with writing(filled) as connection:
        judge(connection, "m1", ANN, verdict="confirmed", at=AT)
    assert waiting(filled) == 605
    with writing(filled) as connection:
        judge(connection, "m2", ANN, verdict="confirmed", at=AT)
    assert waiting(filled) == 603


def test_what_comes_from_the_workspace_is_counted_at_once(filled: Engine) -> None:
    assert waiting(filled) == 5
    copies(filled, 600)
    with writing(filled) as connection:
        keep(connection, "exchange", "anew")
    assert waiting(filled) == 605


def test_what_is_not_yet_committed_is_not_kept(filled: Engine) -> None:
    with writing(filled) as connection:
        judge(connection, "m1", ANN, verdict="confirmed", at=AT)
        assert sum(choice.count for choice in choices(connection).partners) == 4
        connection.rollback()
    assert waiting(filled) == 5
