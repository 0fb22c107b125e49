"""CPU time and memory of the feature frames, against pandas making the same member features.

    python benchmarks/feature_frames.py --deals 100000

Makes a company with 28 touches a deal in a temporary folder, then runs each frame in a process of its own: CPU seconds
and peak resident memory are that process's, imports included. ``pandas_members`` is what the frame ``members`` is to be
compared with.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

TOUCHES_PER_DEAL = 28
PARTNERS = 200
MEMORY = "2GB"
JOBS = ("base", "members", "joined", "pandas")

DEALS = """COPY (
    SELECT 'd' || i AS deal_id, 'a' || (i % ({n} // 3)) AS account_id, 'o' || (i % 50) AS owner_id,
        ['smb', 'mid', 'enterprise'][1 + i % 3] AS segment, 'new' AS deal_type, 1000.0 * (i % 97) AS amount,
        TIMESTAMPTZ '2020-01-01 00:00:00+00' + to_hours((i * 7919 % 43800)::INT) AS created_at,
        created_at + to_hours((240 + i * 104729 % 4000)::INT) AS closed_at,
        CASE WHEN (hash(i, 0) >> 2)::BIGINT % 3 = 0 THEN 'won' ELSE 'lost' END AS outcome
    FROM range({n}) t(i)) TO '{folder}/deals.parquet'"""
TOUCHES = """COPY (
    SELECT 't' || i AS touchpoint_id, 'd' || (i % {n}) AS deal_id,
        CASE WHEN h % 5 < 2 THEN NULL ELSE 'p' || ((i % {n} * 31 + h % 4 * 47) % {partners}) END AS partner_id,
        'c' || (h // 7 % 3000) AS contact_id,
        ['call', 'demo', 'e-mail', 'meeting', 'workshop'][1 + h // 11 % 5] AS kind,
        ['pre_sale', 'point_of_sale', NULL][1 + h // 13 % 3] AS journey_stage,
        TIMESTAMPTZ '2020-01-01 00:00:00+00' + to_hours(((i % {n}) * 7919 % 43800)::INT)
            + to_seconds(h // 17 % 14400000) AS occurred_at,
        CASE WHEN h % 20 = 0 THEN occurred_at + to_days(30) END AS recorded_at, (h // 19 % 600) / 10.0 AS minutes
    FROM (SELECT i, (hash(i, 1) >> 2)::BIGINT AS h FROM range({n} * {touches}) t(i))
    ) TO '{folder}/touchpoints.parquet'"""
LISTED = """COPY (
    SELECT 'p' || i AS partner_id, 'Partner ' || i AS name, ['si', 'isv', 'msp', 'reseller'][1 + i % 4] AS partner_type
    FROM range({partners}) t(i)) TO '{folder}/partners.parquet'"""


def main() -> None:
    """Make the company, run each job in a process of its own and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deals", type=int, default=100_000, help="deals of the company")
    parser.add_argument("--threads", type=int, default=2, help="threads of DuckDB")
    parser.add_argument("--folder", type=Path, help="where to put the temporary files (default: the system's place)")
    parser.add_argument("--job", choices=JOBS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        print(run(options.job, options.folder, options.threads))
        return
    versions = {package: importlib.metadata.version(package) for package in ("duckdb", "ibis-framework", "pandas")}
    print(f"Python {platform.python_version()}, {versions}, memory limit {MEMORY}, {options.threads} threads")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        make(Path(folder), options.deals)
        print(f"{options.deals:,} deals, {options.deals * TOUCHES_PER_DEAL:,} touches, {PARTNERS} partners")
        for job in JOBS:
            measure(job, Path(folder), options.threads)


def make(folder: Path, deals: int) -> None:
    """Write the company's tables as Parquet."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for statement in (DEALS, TOUCHES, LISTED):
            connection.execute(statement.format(n=deals, touches=TOUCHES_PER_DEAL, partners=PARTNERS, folder=folder))


def measure(job: str, folder: Path, threads: int) -> None:
    """Run one job in a process of its own and print its rows, seconds and peak memory."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    command = [sys.executable, __file__, "--job", job, "--folder", str(folder), "--threads", str(threads)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    wall, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    shape, peak = done.stdout.split(";")
    print(f"{job:8} {shape:>22} {cpu:7.1f} CPU s {wall:7.1f} s wall {int(peak) / 1024:8.0f} MiB peak")


def run(job: str, folder: Path, threads: int) -> str:
    """Do one job; returns its shape and peak resident memory (KiB)."""
    shape = with_pandas(folder) if job == "pandas" else with_frames(job, folder, threads)
    return f"{shape};{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}"


def with_frames(job: str, folder: Path, threads: int) -> str:
    """Compute a frame on DuckDB into a Parquet file."""
    import ibis

    from features.cutoff import Cutoff
    from features.frame import base, frame_spec, join_base, members, pooled
    from features.inputs import inputs_from

    with duckdb.connect() as connection:
        connection.execute(
            f"SET memory_limit = '{MEMORY}'; SET threads = {threads}; SET preserve_insertion_order = false"
        )
        connection.execute(f"SET temp_directory = '{folder}/spill'")
        for name in ("deals", "touchpoints", "partners"):
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{folder}/{name}.parquet')")
        inputs = inputs_from(connection)
        spec = frame_spec(inputs, Cutoff())
        made = {"base": base, "members": members}.get(job)
        frame = made(inputs, spec) if made else join_base(base(inputs, spec), pooled(members(inputs, spec)))
        connection.execute(f"COPY ({ibis.to_sql(frame, dialect='duckdb')}) TO '{folder}/{job}.parquet'")
        rows = connection.execute(f"SELECT count(*) FROM '{folder}/{job}.parquet'").fetchall()[0][0]
    return f"{rows:,} x {len(frame.columns)}"


def with_pandas(folder: Path) -> str:
    """Compute the members as one would by hand."""
    from pandas_members import members

    frame = members(folder)
    frame.to_parquet(folder / "pandas.parquet")
    return f"{len(frame):,} x {len(frame.columns)}"


if __name__ == "__main__":
    main()
