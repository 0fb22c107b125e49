"""What a run prints: JSON that any parser takes, aligned tables, and no bar in a pipe."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.console import text_table, to_json, working
from pipelines.logs import set_up_logging


def test_json_has_null_where_a_number_is_not_finite() -> None:
    value = {"auc": float("nan"), "lo": float("-inf"), "rows": [1, 2.5], "path": Path("a/b")}
    assert json.loads(to_json(value)) == {"auc": None, "lo": None, "rows": [1, 2.5], "path": "a/b"}


def test_json_tells_times_as_text() -> None:
    assert json.loads(to_json({"at": datetime(2025, 1, 2, tzinfo=UTC)})) == {"at": "2025-01-02 00:00:00+00:00"}


def test_a_table_is_aligned() -> None:
    assert text_table(["table", "rows"], [["deals", "7"], ["partners", "12"]], right=[1]).splitlines() == [
        "table     rows",
        "--------  ----",
        "deals        7",
        "partners    12",
    ]


def test_in_a_pipe_log_lines_are_plain_and_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    root, library = logging.getLogger(), logging.getLogger("a_library")
    before = root.handlers[:], root.level
    library.setLevel(logging.INFO)
    try:
        set_up_logging(debug=False)
        with working("Scoring"):
            logging.getLogger("pipelines.score").info("chunk %d of %d", 1, 2)
            library.warning("noise of a library")
        captured = capsys.readouterr()
    finally:
        root.handlers, root.level = before
        logging.captureWarnings(capture=False)
    assert captured.out == ""
    assert captured.err == "chunk 1 of 2\n"
