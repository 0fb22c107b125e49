"""A run's metrics in a file, for node_exporter's textfile collector or any other reader, written whatever its end.

A file appears whole or not at all, and keeps the time of the last success when a run fails.
"""

from __future__ import annotations

import json
import logging
import os
import re
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipelines.phases import timed

logger: Final = logging.getLogger(__name__)
SUCCESS: Final = (0, 3)
"""Exit codes of a run that did its work."""
ENDINGS: Final = (".prom", ".json")
_LAST_SUCCESS: Final = "last_success_timestamp_seconds"
_HELP: Final = {
    "exit_code": "Exit code of the last run: 0 done, 3 done with some rows rejected, else failed.",
    "last_run_timestamp_seconds": "When the last run ended.",
    _LAST_SUCCESS: "When a run last succeeded.",
    "run_seconds": "Wall time of the last run.",
    "phase_seconds": "Wall time of the last run by phase.",
    "peak_memory_bytes": "Largest resident size of the last run.",
    "deals": "Closed deals of the last run: in = scored + unchanged; removed lost their credit, rejected have none.",
    "published_rows": "Rows that the last run changed in a database, by table.",
    "model_info": "The model that the last run used; the value is always 1.",
    "build_info": "The release of partnerlift; the value is always 1.",
}


if TYPE_CHECKING:
    from pipelines.scoring.report import ScoreReport


@dataclass
class Metrics:
    """What is known of a run; the verb fills it in, and ``recorded`` writes it."""

    verb: str
    files: list[Path] = field(default_factory=list)
    run_id: str | None = None
    model_version: str | None = None
    deals: dict[str, int] = field(default_factory=dict)
    published: dict[str, dict[str, int]] = field(default_factory=dict)
    exit_code: int = 0

    def note(self, report: ScoreReport) -> None:
        """Takes over what a scoring run reports."""
        self.run_id, self.model_version = report.run_id, report.model_version
        counts = {name: int(getattr(report, name)) for name in ("scored", "unchanged", "removed")}
        if report.published is not None:
            self.published = {table.table: table.counts for table in report.published.tables}
        self.deals = {"in": report.deals_in, **counts, "rejected": sum(report.rejected.values())}

    def write_to(self, files: Sequence[Path]) -> None:
        """Adds files to be written; raises ``ValueError`` when one ends neither in .prom nor in .json."""
        for file in files:
            if file.suffix not in ENDINGS:
                raise ValueError(f"The metrics file {file} ends neither in .prom nor in .json. Choose one of the two.")
        self.files += files


@contextmanager
def recorded(verb: str, files: Sequence[Path], now: Callable[[], float] = time.time) -> Iterator[Metrics]:
    """Writes the block's metrics to the files when it ends, well or by any exception, which goes on.

    An exception's ``exit_code`` is taken as the run's, 1 where it has none. A metrics file that cannot be written is
    told in the log and changes nothing else.
    """
    metrics = Metrics(verb)
    metrics.write_to(files)
    begun = time.perf_counter()
    with timed() as seconds:
        try:
            yield metrics
        except BaseException as error:
            metrics.exit_code = int(getattr(error, "exit_code", 130 if isinstance(error, KeyboardInterrupt) else 1))
            raise
        finally:
            total = time.perf_counter() - begun
            _tell(total, seconds, logging.INFO if metrics.exit_code in SUCCESS else logging.DEBUG)
            for file in metrics.files:
                _write(file, metrics, round(now(), 3), {"run_seconds": total, "phase_seconds": dict(seconds)})


def _tell(total: float, seconds: dict[str, float], level: int) -> None:
    phases = {name: round(took, 3) for name, took in seconds.items()}
    words = ", ".join(f"{name} {took:.1f} s" for name, took in phases.items())
    extra = {"seconds": round(total, 3), "phases": phases}
    logger.log(level, "Took %.1f s%s.", total, f": {words}" if words else "", extra=extra)


def _write(file: Path, metrics: Metrics, ended: float, took: dict[str, Any]) -> None:
    succeeded = ended if metrics.exit_code in SUCCESS else _last_success(file, metrics.verb)
    values: dict[str, Any] = {
        "verb": metrics.verb,
        "run_id": metrics.run_id,
        "version": version("partnerlift"),
        "model_version": metrics.model_version,
        "exit_code": metrics.exit_code,
        "last_run_timestamp_seconds": ended,
        _LAST_SUCCESS: succeeded,
        **took,
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        * (1 if sys.platform == "darwin" else 1024),
        "deals": metrics.deals,
        "published_rows": metrics.published,
    }
    text = prometheus(values) if file.suffix == ".prom" else json.dumps(_dated(values), indent=1) + "\n"
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.chmod(0o644)
        draft.replace(file)
    except OSError as error:
        logger.warning("Cannot write the metrics file %s: %s.", file, error.strerror)
    finally:
        _take_away(draft)


def prometheus(values: dict[str, Any]) -> str:
    """The values in Prometheus' text format, each with its help and type; what is not known is left out."""
    verb = values["verb"]
    lines: list[str] = []

    def add(name: str, samples: list[tuple[dict[str, str], float]]) -> None:
        if samples:
            lines.extend([f"# HELP partnerlift_{name} {_HELP[name]}", f"# TYPE partnerlift_{name} gauge"])
        for labels, value in samples:
            shown = ",".join(f'{key}="{_escaped(text)}"' for key, text in {"verb": verb, **labels}.items())
            lines.append(f"partnerlift_{name}{{{shown}}} {value!r}")

    for name in ("exit_code", "last_run_timestamp_seconds", _LAST_SUCCESS, "run_seconds", "peak_memory_bytes"):
        add(name, [({}, values[name])] if values[name] is not None else [])
    add("phase_seconds", [({"phase": name}, round(took, 6)) for name, took in values["phase_seconds"].items()])
    add("deals", [({"state": state}, n) for state, n in values["deals"].items()])
    changes = [
        ({"table": table, "change": change}, n)
        for table, counts in values["published_rows"].items()
        for change, n in counts.items()
    ]
    add("published_rows", changes)
    add("model_info", [({"model_version": values["model_version"]}, 1)] if values["model_version"] else [])
    add("build_info", [({"version": values["version"]}, 1)])
    return "\n".join(lines) + "\n"


def _dated(values: dict[str, Any]) -> dict[str, Any]:
    """The values with the two moments in ISO 8601 as well, for readers that are no Prometheus."""
    moments = {"last_run_at": values["last_run_timestamp_seconds"], "last_success_at": values[_LAST_SUCCESS]}
    texts = {
        name: None if moment is None else datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
        for name, moment in moments.items()
    }
    return {**values, **texts}


def _last_success(file: Path, verb: str) -> float | None:
    """The time of the last success that the file tells of, whichever form it has; None when it does not."""
    try:
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".json":
            found = json.loads(text)[_LAST_SUCCESS]
        else:
            pattern = rf'^partnerlift_{_LAST_SUCCESS}{{verb="{re.escape(verb)}"}} (\S+)$'
            found = re.findall(pattern, text, flags=re.MULTILINE)[0]
        return None if found is None else float(found)
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _take_away(draft: Path) -> None:
    try:
        draft.unlink(missing_ok=True)
    except OSError:
        logger.debug("Cannot take %s away.", draft)
