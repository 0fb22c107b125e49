"""A reader of conversations as they come from files, without a workspace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., dict[str, list[dict[str, Any]]]]:
    """``read(path, kind)``: rows of text of each table that an importer fills, in the order in which they came."""
    from features.sources.talk.reader import canonical

    staging = tmp_path / "staging"
    staging.mkdir()

    def rows(path: Path, kind: str = "transcripts") -> dict[str, list[dict[str, Any]]]:
        with duckdb.connect(config={"threads": 1}) as con:
            selects, ignored = canonical(con, path, staging, kind)
            found = {t: con.sql(query).to_df().astype(object) for t, query in selects.items()}
        tables = {t: f.where(f.notna(), None).to_dict("records") for t, f in found.items()}
        return {**tables, "ignored": [{"file": name} for name in ignored]}

    return rows
