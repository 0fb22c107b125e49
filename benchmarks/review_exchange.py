"""How long the exchange between workspace and review database takes, and how much memory.

    python benchmarks/review_exchange.py [--moments 100000] [--url postgresql://...]

A company is made up: conversations of 60 turns, moments in them, deals with touches and credit. Timed are the first
exchange, one with nothing changed, one after files were touched but hold the same, one after 1,000 changes of moments
with 1,000 judgements on the page, and one in which another tool's reviews of all moments are taken in. Each runs in a
process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import duckdb

from pipelines.config import Config
from pipelines.workspace import Workspace

NOW: Final = datetime(2026, 6, 1, 9, tzinfo=UTC)
TYPES: Final = "['technical_validation', 'pricing_quote_acceleration', 'strategy_value_case']"
STEPS: Final = ("first", "unchanged", "touched", "after 1,000 changes", "reviews of all by another tool")


def company(folder: Path, moments: int) -> None:
    """Writes the tables of a company with that many moments."""
    tables = folder / "tables"
    tables.mkdir(parents=True, exist_ok=True)
    talks, deals = moments * 3 // 10, moments // 2
    day = "TIMESTAMPTZ '2025-01-01 09:00:00+00' + to_minutes(i)"
    queries = {
        "partners": "SELECT 'p' || i AS partner_id, 'Partner ' || i AS name, 'si' AS partner_type FROM range(200) r(i)",
        "contacts": """SELECT 'o' || i AS contact_id, 'Owner ' || i AS name, 'o' || i || '@example.com' AS email,
            'internal' AS organisation FROM range(50) r(i)""",
        "deals": f"""SELECT 'd' || i AS deal_id, 'a' || i AS account_id, 'Deal ' || i AS name,
            'o' || i % 50 AS owner_id,
            'new' AS deal_type, 1000.0 + i AS amount, 'USD' AS currency, {day} AS created_at,
            {day} + INTERVAL 90 DAY AS closed_at, CASE WHEN i % 3 = 0 THEN 'won' ELSE 'lost' END AS outcome
            FROM range({deals}) r(i)""",
        "stage_history": f"""SELECT 'd' || i AS deal_id, 'stage ' || s AS stage,
            {day} + to_days(s::INT * 10) AS entered_at FROM range({deals}) r(i), range(4) t(s)""",
        "touchpoints": f"""SELECT 't' || i || '.' || s AS touchpoint_id, 'd' || i AS deal_id,
            CASE WHEN s % 3 > 0 THEN 'p' || (i + s) % 200 END AS partner_id, 'meeting' AS kind,
            {day} + to_days(s::INT) AS occurred_at FROM range({deals}) r(i), range(12) t(s)""",
        "conversations": f"""SELECT 'c' || i AS conversation_id, 'd' || i % {deals} AS deal_id, 'call' AS channel,
            {day} AS started_at FROM range({talks}) r(i)""",
        "utterances": f"""SELECT 'c' || i || '.' || s AS utterance_id, 'c' || i AS conversation_id, s AS seq,
            s * 10.0 AS start_s, s * 10.0 + 9 AS end_s, 'Speaker ' || s % 4 AS speaker, 'customer' AS speaker_org,
            md5(i || '.' || s) || ' and then the partner showed us how the ' || s || ' systems fit together, which '
            || md5(s || '-' || i) AS text FROM range({talks}) r(i), range(60) t(s)""",
        "moments": _moments(moments, talks, deals),
        "credits": f"""SELECT 'r' AS run_id, 'd' || i AS deal_id,
            CASE WHEN s = 0 THEN '__direct__' ELSE 'p' || (i + s) % 200 END AS partner_id, method, target,
            'split' AS kind, 0.25 AS credit, 0.25 AS share, 'm1' AS model_version,
            TIMESTAMPTZ '2026-01-01 00:00:00+00' AS scored_at
            FROM range({deals}) r(i), range(3) t(s), (VALUES ('win'), ('amount')) k(target),
            (VALUES ('model'), ('shap'), ('first_touch'), ('last_touch'), ('linear'), ('markov')) m(method)""",
    }
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, query in queries.items():
            connection.execute(f"COPY ({query}) TO '{tables}/{name}.parquet' (FORMAT parquet)")


def _moments(n: int, talks: int, deals: int, shift: float = 0.0, some: int = 0) -> str:
    """SQL of moments; those of the first ``some`` are surer by ``shift``."""
    return f"""SELECT 'm' || i AS moment_id, 'c' || i % {talks} AS conversation_id,
        'd' || (i % {talks}) % {deals} AS deal_id, 'p' || (i % {talks} + 1) % 200 AS partner_id,
        {TYPES}[i % 3 + 1] AS assist_type, 'pre_sale' AS journey_stage,
        ['c' || i % {talks} || '.' || i % 60] AS utterance_ids, 'the partner showed us how the systems fit' AS quote,
        33 AS char_start, 80 AS char_end,
        least(1.0, 0.5 + (i % 50) / 100.0 + CASE WHEN i < {some} THEN {shift} ELSE 0.0 END) AS confidence,
        0.9 AS type_confidence, 'm1' AS model_version, TIMESTAMPTZ '2026-01-01 00:00:00+00' AS detected_at
        FROM range({n}) r(i)"""


def change(folder: Path, step: str, moments: int) -> None:
    """Brings the workspace to where the step begins."""
    tables = folder / "tables"
    if step == "touched":
        for path in tables.glob("*.parquet"):
            os.utime(path)
    if step.startswith("after"):
        talks, deals = moments * 3 // 10, moments // 2
        query = _moments(moments, talks, deals, shift=0.001, some=1000)
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"COPY ({query}) TO '{tables}/moments.parquet' (FORMAT parquet)")
    if step.endswith("tool"):
        query = f"""SELECT 'x' || i AS review_id, 'm' || i AS moment_id, 'zoe' AS reviewer, 'reviewer' AS role,
            'confirmed' AS verdict, 'm1' AS model_version, TIMESTAMPTZ '2026-02-01 00:00:00+00' AS reviewed_at
            FROM range({moments}) r(i)"""
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"COPY ({query}) TO '{tables}/reviews.parquet' (FORMAT parquet)")


def measured(folder: Path, url: str, step: str, moments: int) -> dict[str, object]:
    """One exchange: its seconds, the process's peak memory, and what was done."""
    from pipelines.reviewing.exchange import exchange
    from review.roles import Viewer
    from review.store.engine import open_engine, writing
    from review.store.judgements import judge

    engine = open_engine(url)
    if step.startswith("after"):
        for i in range(1000):
            with writing(engine) as connection:
                judge(connection, f"m{i * 7 % moments}", Viewer("ann", "reviewer"), verdict="confirmed", at=NOW)
    change(folder, step, moments)
    workspace = Workspace.open(folder, threads=2)
    begin, began = time.perf_counter(), time.process_time()
    done = exchange(workspace, engine, Config.model_validate({"report_currency": "USD"}), NOW)
    seconds, cpu = time.perf_counter() - begin, time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {
        "step": step,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "peak_gib": round(peak, 2),
        "did": done.text().replace("\n", " "),
    }


def main() -> None:
    """Measures every step, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=100_000)
    parser.add_argument("--url", help="database; without it, SQLite in the workspace")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.step:
        print(json.dumps(measured(told.folder, told.url, told.step, told.moments)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        company(folder, told.moments)
        url = told.url or f"sqlite:///{folder}/review.db"
        for step in STEPS:
            arguments = ["--step", step, "--folder", name, "--url", url, "--moments", str(told.moments)]
            subprocess.run([sys.executable, __file__, *arguments], check=True)


if __name__ == "__main__":
    main()
