"""Judgements that come in about a moment after `detect` has handed it on: they follow to the one found in its place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy.engine import Connection, Engine

from features.assist.carried import FROM, carried
from features.tables import MOMENTS, REVIEWS
from pipelines.workspace import Workspace
from review.store.claims import regrade_all
from review.store.engine import writing
from review.store.workspace_tables import judged_moments, review_ids, reviews, take_reviews

__all__ = ["followed", "handed_on"]


def followed(workspace: Workspace, engine: Engine, now: datetime) -> int:
    """Takes judgements of moments that were handed on for the ones in their place as well; how many there were."""
    with engine.connect() as reader:
        made, known = _pairs(workspace, reader), review_ids(reader)
    fresh = made[~made["review_id"].isin(known)]
    if len(fresh):
        with writing(engine) as writer:
            take_reviews(writer, list(_rows(fresh)), now)
            regrade_all(writer)
    return len(fresh)


def handed_on(workspace: Workspace, reader: Connection) -> set[str]:
    """The judged moments whose judgements another moment has now, so that they count no more themselves."""
    return set(_pairs(workspace, reader)[FROM])


def _pairs(workspace: Workspace, reader: Connection) -> pd.DataFrame:
    """Rows of ``carried`` from moments that handed on a judgement before, an undone one or not."""
    left = pd.DataFrame(judged_moments(reader), columns=list(MOMENTS.column_names))
    if left.empty:
        return pd.DataFrame(columns=[*REVIEWS.column_names, FROM])
    with workspace.connect() as connection:
        connection.register("talked", left[["conversation_id"]].astype("string"))
        both = "SELECT * FROM moments UNION ALL BY NAME SELECT * FROM signals"
        current = connection.execute(f"SELECT * FROM ({both}) SEMI JOIN talked USING (conversation_id)").df()
    is_found = left["moment_id"].isin(current["moment_id"])
    gone, moved = left[~is_found], left[is_found]
    # A moment whose words were moved, as one that was split, shares nothing with what was split off from it.
    stays = current[~current["moment_id"].isin(moved["moment_id"])]
    current = pd.concat([part.astype(object) for part in (stays, moved)], ignore_index=True).infer_objects()
    said = pd.DataFrame(reviews(reader) if len(gone) else [], columns=list(REVIEWS.column_names))
    made = carried(said, gone, current) if len(said) and len(current) else said.assign(**{FROM: None})
    before = made[made["review_id"].isin(review_ids(reader))]
    return made.merge(before[[FROM, "moment_id"]].drop_duplicates(), on=[FROM, "moment_id"])


def _rows(made: pd.DataFrame) -> Iterator[dict[str, Any]]:
    plain = made[list(REVIEWS.column_names)].astype(object)
    for row in plain.where(plain.notna(), None).to_dict("records"):
        yield {str(name): value for name, value in row.items()} | {
            "reviewed_at": row["reviewed_at"].to_pydatetime(),
            "span": None,
        }
