"""The metrics of a run, written whatever its end."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer

from pipelines.metrics import Metrics, prometheus, recorded
from pipelines.phases import phase
from pipelines.publishing.report import Published, PublishReport
from pipelines.scoring.report import ScoreReport

REPORT = ScoreReport(
    run_id="0123",
    scored_at=datetime(2026, 1, 1, tzinfo=UTC),
    model_version='m"1',
    methods=("model",),
    deals_in=10,
    scored=7,
    unchanged=3,
    removed=1,
    rejected={"a": 2, "b": 1},
    published=PublishReport("sqlite:///x", (Published("credits", 9, 5, 1, 2),)),
)


def run(files: list[Path], at: float, error: BaseException | None = None) -> None:
    """A run that ends at that time, well or by the error."""
    with recorded("score", files, now=lambda: at) as metrics:
        with phase("features"):
            metrics.note(REPORT)
        if error is not None:
            raise error


def values(file: Path) -> dict[str, float]:
    """Sample to value, comments left out."""
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines}


def test_a_run_is_told_to_prometheus_and_as_json(tmp_path: Path) -> None:
    prom, plain = tmp_path / "score.prom", tmp_path / "score.json"
    run([prom, plain], 1e9)
    told = values(prom)
    assert told['partnerlift_exit_code{verb="score"}'] == 0
    assert told['partnerlift_last_success_timestamp_seconds{verb="score"}'] == 1e9
    assert told['partnerlift_deals{verb="score",state="in"}'] == 10
    assert told['partnerlift_deals{verb="score",state="rejected"}'] == 3
    assert told['partnerlift_published_rows{verb="score",table="credits",change="removed"}'] == 2
    assert told['partnerlift_model_info{verb="score",model_version="m\\"1"}'] == 1
    assert told['partnerlift_phase_seconds{verb="score",phase="features"}'] >= 0
    assert told['partnerlift_peak_memory_bytes{verb="score"}'] > 1e7
    read = json.loads(plain.read_text(encoding="utf-8"))
    assert (read["run_id"], read["model_version"], read["deals"]["scored"]) == ("0123", 'm"1', 7)
    assert read["last_success_at"] == "2001-09-09T01:46:40+00:00"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["score.json", "score.prom"]


def test_every_sample_has_help_and_type_once(tmp_path: Path) -> None:
    run([tmp_path / "score.prom"], 1e9)
    lines = (tmp_path / "score.prom").read_text(encoding="utf-8").splitlines()
    names = [line.split("{")[0] for line in lines if not line.startswith("#")]
    for kind in ("HELP", "TYPE"):
        told = [line.split()[2] for line in lines if line.startswith(f"# {kind} ")]
        assert told == list(dict.fromkeys(names))


@pytest.mark.parametrize(
    ("error", "code"),
    [(RuntimeError("no"), 1), (KeyboardInterrupt(), 130), (typer.BadParameter("no"), 2), (SystemExit(1), 1)],
)
def test_a_failed_run_tells_its_code_and_keeps_the_last_success(
    tmp_path: Path, error: BaseException, code: int
) -> None:
    files = [tmp_path / "score.prom", tmp_path / "score.json"]
    with pytest.raises(type(error)):
        run(files, 0.5e9, error)
    assert not any("last_success" in sample for sample in values(files[0]))
    assert json.loads(files[1].read_text(encoding="utf-8"))["last_success_at"] is None
    run(files, 1e9)
    with pytest.raises(type(error)):
        run(files, 2e9, error)
    told, read = values(files[0]), json.loads(files[1].read_text(encoding="utf-8"))
    assert told['partnerlift_exit_code{verb="score"}'] == read["exit_code"] == code
    assert told['partnerlift_last_success_timestamp_seconds{verb="score"}'] == 1e9
    assert told['partnerlift_last_run_timestamp_seconds{verb="score"}'] == 2e9
    assert read["last_success_timestamp_seconds"] == 1e9


def test_done_with_some_rejected_is_a_success(tmp_path: Path) -> None:
    with recorded("score", [tmp_path / "score.prom"], now=lambda: 1e9) as metrics:
        metrics.exit_code = 3
    told = values(tmp_path / "score.prom")
    assert told['partnerlift_exit_code{verb="score"}'] == 3
    assert told['partnerlift_last_success_timestamp_seconds{verb="score"}'] == 1e9


def test_a_damaged_file_is_replaced(tmp_path: Path) -> None:
    for name in ("score.prom", "score.json"):
        (tmp_path / name).write_bytes(b"\xff{")
        with pytest.raises(RuntimeError):
            run([tmp_path / name], 1e9, RuntimeError())
        assert "exit_code" in (tmp_path / name).read_text(encoding="utf-8")


def test_a_file_that_cannot_be_written_changes_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run([tmp_path / "nowhere" / "score.prom", tmp_path / "score.json"], 1e9)
    assert "Cannot write the metrics file" in caplog.text
    assert (tmp_path / "score.json").exists()


def test_another_ending_is_refused() -> None:
    with pytest.raises(ValueError, match=r"ends neither in \.prom nor in \.json"):
        Metrics("score").write_to([Path("score.txt")])


def test_labels_are_escaped() -> None:
    unknown = dict.fromkeys(
        (
            "exit_code",
            "last_run_timestamp_seconds",
            "last_success_timestamp_seconds",
            "run_seconds",
            "peak_memory_bytes",
        )
    )
    text = prometheus(
        {**unknown, "verb": "v", "phase_seconds": {'a"\n\\': 1.0}, "deals": {}, "published_rows": {}}
        | {"model_version": None, "version": "1"}
    )
    assert 'partnerlift_phase_seconds{verb="v",phase="a\\"\\n\\\\"} 1.0' in text
