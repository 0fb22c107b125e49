"""Log lines for people and for machines."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.logs import bind, bound, failed, is_for_people, set_up_logging
from pipelines.phases import phase, timed

logger = logging.getLogger("pipelines.test")


@pytest.fixture(autouse=True)
def _quiet_afterwards() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers, root.level = handlers, level
    logging.captureWarnings(capture=False)


def test_a_json_line_has_time_level_message_and_what_is_bound(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(debug=False, form="json")
    with bound(verb="score"):
        bind(run_id="0123")
        logger.info("Scored %s deals.", 7, extra={"bucket": 2, "seconds": 0.5, "unheard_of": "x"})
    logger.warning("two\nlines")
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert first.pop("time").endswith("+00:00")
    assert first == {
        "level": "info",
        "logger": "pipelines.test",
        "message": "Scored 7 deals.",
        "verb": "score",
        "run_id": "0123",
        "bucket": 2,
        "seconds": 0.5,
    }
    assert (second["message"], "run_id" in second) == ("two\nlines", False)


def test_a_traceback_stays_in_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(debug=False, form="json")
    try:
        raise KeyError("lost")
    except KeyError:
        logger.exception("It went wrong.")
    (line,) = capsys.readouterr().err.splitlines()
    assert "KeyError: 'lost'" in json.loads(line)["traceback"]


def test_a_log_file_is_dated_appended_to_and_opened_anew_after_rotation(tmp_path: Path) -> None:
    file = tmp_path / "run.log"
    set_up_logging(debug=False, file=file)
    logger.info("one")
    file.rename(tmp_path / "run.log.1")
    logger.info("two")
    assert file.read_text(encoding="utf-8").endswith("Z INFO two\n")
    assert "Z INFO one\n" in (tmp_path / "run.log.1").read_text(encoding="utf-8")


def test_why_a_run_ended_is_on_stderr_wherever_the_log_goes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(debug=False)
    failed("No.", 1)
    assert capsys.readouterr().err == "No.\n"
    set_up_logging(debug=False, form="json", file=tmp_path / "run.log")
    failed("No.", 1)
    assert capsys.readouterr().err == "No.\n"
    assert json.loads((tmp_path / "run.log").read_text(encoding="utf-8"))["exit_code"] == 1
    set_up_logging(debug=False, form="json")
    failed("No.", 1)
    assert json.loads(capsys.readouterr().err)["message"] == "No."


def test_only_plain_lines_on_stderr_are_for_people(tmp_path: Path) -> None:
    set_up_logging(debug=False)
    assert is_for_people()
    set_up_logging(debug=False, form="json")
    assert not is_for_people()
    set_up_logging(debug=False, file=tmp_path / "run.log")
    assert not is_for_people()


def test_phases_of_one_name_add_up_also_when_they_fail() -> None:
    with timed() as seconds:
        with phase("a"):
            pass
        with pytest.raises(ValueError, match="x"), phase("b"):
            raise ValueError("x")
        once = seconds["a"]
        with phase("a"):
            pass
    assert list(seconds) == ["a", "b"]
    assert seconds["a"] > once
    with phase("outside"):
        pass
    assert "outside" not in seconds
