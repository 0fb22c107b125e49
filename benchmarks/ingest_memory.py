"""Peak memory of ingesting a large CSV against that of a small one: they should be about the same.

    python benchmarks/ingest_memory.py --rows 1000000 20000000

Each size is made in a temporary folder and ingested in a process of its own; its peak resident memory is measured
there. Takes about 20 seconds for each 2.5 million rows, and 250 bytes of disk for each row.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOUCHES_PER_DEAL = 20
KINDS = ("meeting", "demo", "introduction", "call", "referral")


def main() -> None:
    """Measure the sizes given and print rows, seconds, peak memory and the ratio to the smallest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 5_000_000], help="touchpoints in each CSV")
    parser.add_argument("--memory", default="2GB", help="limit of the query engine (engine.memory)")
    parser.add_argument("--threads", type=int, default=2, help="threads of the query engine")
    parser.add_argument("--folder", type=Path, help="where to put the temporary files (default: the system's place)")
    options = parser.parse_args()
    versions = {package: importlib.metadata.version(package) for package in ("duckdb", "pyarrow", "partnerlift")}
    print(f"Python {platform.python_version()}, {versions}, engine.memory {options.memory}, {options.threads} threads")
    peaks = []
    for rows in options.rows:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            make_export(Path(folder) / "export", rows)
            command = [sys.executable, __file__, "--child", folder, options.memory, str(options.threads)]
            told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        assert told["kept"] == rows, told
        peaks.append(told["peak_mib"])
        print(
            f"{rows:>12,} rows: {told['seconds']:8.1f} s wall, {told['cpu']:8.1f} s CPU, peak {peaks[-1]:7.0f} MiB, "
            f"{peaks[-1] / peaks[0]:.2f} x the first"
        )


def make_export(folder: Path, rows: int) -> None:
    """Writes ``deals.csv`` and ``touchpoints.csv`` with that many touches, in no order, from a fixed seed."""
    folder.mkdir()
    chance = random.Random(0)
    deals = max(1, rows // TOUCHES_PER_DEAL)
    with (folder / "deals.csv").open("w", encoding="utf-8") as file:
        file.write("deal_id,account_id,deal_type,outcome,created_at,closed_at,amount,currency\n")
        for n in range(deals):
            file.write(f"D{n},A{n // 3},new,{'won' if n % 3 else 'lost'},2024-01-02,2024-06-30,{n % 977}.50,EUR\n")
    with (folder / "touchpoints.csv").open("w", encoding="utf-8") as file:
        file.write("touchpoint_id,deal_id,partner_id,kind,occurred_at,recorded_at,minutes\n")
        for n in range(rows):
            date = f"2024-{n % 6 + 1:02d}-{chance.randrange(1, 29):02d}"
            file.write(
                f"T{chance.getrandbits(64):016x},D{chance.randrange(deals)},P{n % 500},{KINDS[n % 5]},"
                f"{date}T10:{n % 60:02d}:00Z,{date}T18:00:00Z,{n % 90}\n"
            )


def ingest_and_tell(folder: Path, memory: str, threads: int) -> None:
    """Ingests the export in ``folder`` and prints what it took, as JSON."""
    from pipelines.ingest import ingest
    from pipelines.workspace import Workspace

    start = time.perf_counter()
    workspace = Workspace.open(folder / "workspace", create=True, memory=memory, threads=threads)
    report = ingest(workspace, "tables", folder / "export")
    used = resource.getrusage(resource.RUSAGE_SELF)
    told = {
        "kept": report.tables["touchpoints"].kept,
        "seconds": time.perf_counter() - start,
        "cpu": used.ru_utime + used.ru_stime,
        "peak_mib": used.ru_maxrss / 1024,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        ingest_and_tell(Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
    else:
        main()
