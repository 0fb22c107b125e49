"""Many reviewers at once on the review page: how fast it answers, and whether a verdict is lost.

    python benchmarks/review_load.py                                   # SQLite, 100,000 moments, 50 reviewers, 60 s
    python benchmarks/review_load.py --postgres                        # a PostgreSQL server of its own
    python benchmarks/review_load.py --url postgresql://…  --through api

Each reviewer has a session of their own and, with pauses, looks at the queue by some filter, opens the next moment,
judges it, and now and then takes the verdict back. The page is served by a process of its own on 127.0.0.1. In the end
every verdict that the page had acknowledged is looked up in the database, and the audit's chain is followed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import random
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Final

import httpx
import psutil
import sqlalchemy as sa
from review_company import OWNERS, PARTNERS, fill
from sqlalchemy.engine import Engine

from features.assist.taxonomy import taxonomy
from review.desk import Options
from review.roles import Viewer
from review.store.engine import open_engine, writing
from review.store.events import chain
from review.store.schema import judgements, moments
from review.store.sessions import open_session
from review.store.settings import secret
from review.store.users import add_user, user_named

POSTGRES: Final = Path("/usr/lib/postgresql/15/bin")
UNDONE: Final = 0.1
"""Part of the verdicts that are taken back at once."""
FILTERED: Final = 0.5
WARM_SECONDS: Final = 3.0
"""One reviewer works so long before anything is measured: pages are compiled when they are first asked for."""
PACE: Final = 100_000
"""Requests a minute that the page allows one user here: what is measured is the page, not its limit."""


@dataclass
class Tally:
    """What was asked, in milliseconds by kind of request; what went wrong; and the verdicts that were acknowledged."""

    took: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    given: set[str] = field(default_factory=set)
    undone: int = 0


class Reviewer:
    """Somebody who works through the queue."""

    def __init__(self, client: httpx.AsyncClient, name: str, tally: Tally, think: float) -> None:
        self.client, self.name, self.tally, self.think = client, name, tally, think
        self.dice = random.Random(name)

    async def work(self, until: float, step: Callable[[Reviewer], Awaitable[None]]) -> None:
        """Works until then."""
        await asyncio.sleep(self.dice.random() * self.think)
        while time.monotonic() < until:
            try:
                await step(self)
            except httpx.HTTPError as error:
                self.tally.errors[type(error).__name__] += 1

    async def ask(self, kind: str, method: str, path: str, **values: object) -> httpx.Response:
        """One request, timed, after a moment of thought."""
        await asyncio.sleep(self.dice.uniform(0.5, 1.5) * self.think)
        begun = time.perf_counter()
        answer = await self.client.request(method, path, **values)  # type: ignore[arg-type]
        self.tally.took[kind].append(1000 * (time.perf_counter() - begun))
        if answer.status_code >= 400:
            self.tally.errors[f"{kind} {answer.status_code}"] += 1
        return answer

    def filters(self) -> dict[str, str]:
        """Some filter, or none."""
        dice = self.dice
        if dice.random() > FILTERED:
            return {}
        return dice.choice(
            [
                {"partner": f"p{int(PARTNERS * dice.random() ** 3)}"},
                {"rep": f"o{dice.randrange(OWNERS)}"},
                {"type": dice.choice(taxonomy().assist_ids), "order": "confidence"},
                {"band": dice.choice(["sure", "likely", "doubtful"]), "order": "close"},
                {"state": "all", "kind": "all", "order": "close"},
                {"since": "2025-06-01", "until": "2025-06-30"},
            ]
        )


async def by_programs(one: Reviewer) -> None:
    """A round over the JSON addresses."""
    filters = one.filters()
    await one.ask("queue", "GET", "/api/queue", params=filters)
    opened = (await one.ask("next", "POST", "/api/queue/next", params=filters)).json()
    if not opened:
        return
    path = f"/api/moments/{opened['moment_id']}"
    seen = (await one.ask("moment", "GET", path)).json()
    given = {"verdict": one.dice.choice(["confirmed", "rejected", "unsure"]), "version": seen["version"]}
    judged = await one.ask("verdict", "POST", f"{path}/verdicts", json=given)
    if judged.status_code == 201:
        one.tally.given.add(judged.json()["review_id"])
    if one.dice.random() < UNDONE:
        taken = await one.ask("undo", "POST", "/api/undo")
        one.tally.undone += taken.status_code == 200


async def by_people(one: Reviewer) -> None:
    """A round over the pages, by their forms."""
    filters = one.filters()
    await one.ask("queue", "GET", "/queue", params=filters)
    opened = await one.ask("next", "GET", "/queue/start", params=filters)
    where = opened.headers.get("location", "")
    if "/moments/" not in where:
        return
    page = await one.ask("moment", "GET", where)
    path = where.split("?")[0]
    found = re.search(r'name="version" value="(\d+)"', page.text)
    form = {"verdict": one.dice.choice(["confirmed", "rejected", "unsure"]), "version": found[1] if found else ""}
    judged = await one.ask("verdict", "POST", f"{path}/verdict", params=filters, data=form)
    if judged.status_code == 303:
        one.tally.given.add(f"{one.name} {path.rsplit('/', 1)[1]}")
    if one.dice.random() < UNDONE:
        taken = await one.ask("undo", "POST", "/undo", params=filters)
        one.tally.undone += taken.status_code == 303


ROUNDS: Final = {"api": by_programs, "pages": by_people}


async def load(base: str, keys: dict[str, tuple[str, str]], through: str, seconds: float, think: float) -> Tally:
    """All reviewers at once."""
    tally, until = Tally(), time.monotonic() + seconds
    clients = [
        httpx.AsyncClient(base_url=base, timeout=60, cookies={"partnerlift": token}, headers={"X-CSRF-Token": csrf})
        for token, csrf in keys.values()
    ]
    people = [Reviewer(client, name, tally, think) for client, name in zip(clients, keys, strict=True)]
    await asyncio.gather(*(one.work(until, ROUNDS[through]) for one in people))
    await asyncio.gather(*(client.aclose() for client in clients))
    return tally


def log_in(engine: Engine, names: list[str]) -> dict[str, tuple[str, str]]:
    """Users, each with the cookie of a session and the token of its forms."""
    from review.security.csrf import token_of

    key, at, setup = secret(engine), datetime.now(UTC), Viewer("setup", "admin")
    made = {}
    with writing(engine) as connection:
        for name in names:
            if user_named(connection, name) is None:
                add_user(connection, name, None, "reviewer", None, at, setup)
            token = open_session(connection, name, at, timedelta(hours=12))
            made[name] = (token, token_of(key, token))
    return made


def serve(url: str, port: int) -> None:
    """The page, in this process."""
    import uvicorn

    from review.app import create_app

    options = Options(base_url=f"http://127.0.0.1:{port}", requests_per_minute=PACE)
    app = create_app(open_engine(url), options, lambda: datetime.now(UTC))
    uvicorn.run(app, port=port, log_level="warning", access_log=False, timeout_keep_alive=75)


@contextmanager
def served(url: str) -> Iterator[tuple[str, psutil.Process]]:
    """The address of the page, and the process of its own that serves it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([sys.executable, __file__, "--serve", str(port), "--url", url])
    try:
        for _ in range(300):
            try:
                httpx.get(f"{base}/login", timeout=5)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield base, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server of one's own, with its usual care for the disk."""
    drop = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="pl-pg-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        if drop:
            shutil.chown(folder, "nobody", "nogroup")
        data, quiet = f"{folder}/data", subprocess.DEVNULL
        make = [*drop, str(POSTGRES / "initdb"), "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8"]
        subprocess.run(make, check=True, stdout=quiet, cwd="/")
        control = [*drop, str(POSTGRES / "pg_ctl"), "-D", data, "-w", "-l", f"{folder}/log"]
        options = f"-k {folder} -c listen_addresses=''"
        subprocess.run([*control, "-o", options, "start"], check=True, stdout=quiet, cwd="/")
        try:
            yield f"postgresql://tester@/postgres?host={folder}"
        finally:
            subprocess.run([*control, "-m", "fast", "stop"], stdout=quiet, cwd="/", check=False)


def filled(engine: Engine) -> bool:
    """Whether the database holds moments already, of an earlier run."""
    with engine.connect() as connection:
        return connection.scalar(sa.select(moments.c.moment_id).limit(1)) is not None


def lost(engine: Engine, tally: Tally) -> int:
    """How many acknowledged verdicts the database lacks."""
    with engine.connect() as connection:
        rows = connection.execute(sa.select(judgements.c.review_id, judgements.c.reviewer, judgements.c.moment_id))
        kept = {name for row in rows for name in (row.review_id, f"{row.reviewer} {row.moment_id}")}
    return len(tally.given - kept)


def tell(tally: Tally, seconds: float) -> None:
    """The times by kind of request."""
    print(f"{'request':<10}{'n':>8}{'p50':>9}{'p95':>9}{'p99':>9}{'most':>9}   ms")
    every = [value for values in tally.took.values() for value in values]
    for kind, values in [*tally.took.items(), ("all", every)]:
        ordered = sorted(values)
        at = [ordered[min(int(part * len(ordered)), len(ordered) - 1)] for part in (0.5, 0.95, 0.99, 1)]
        print(f"{kind:<10}{len(ordered):>8,}" + "".join(f"{value:>9.1f}" for value in at))
    print(f"{len(every) / seconds:.1f} requests/s, errors: {dict(tally.errors) or 0}, undone: {tally.undone}")


def run(url: str, asked: argparse.Namespace) -> None:
    """Builds the database, loads the page and prints what came of it."""
    begun = time.perf_counter()
    engine = open_engine(url)
    if not filled(engine):
        fill(engine, asked.moments)
    keys = log_in(engine, [f"reviewer{i}" for i in range(asked.reviewers)])
    database = f"SQLite {sqlite3.sqlite_version}" if engine.dialect.name == "sqlite" else "PostgreSQL 15"
    print(f"{database}, {asked.moments:,} moments made in {time.perf_counter() - begun:.0f} s, through {asked.through}")
    with served(url) as (base, process):
        asyncio.run(load(base, dict(list(keys.items())[:1]), asked.through, WARM_SECONDS, 0.0))
        before = process.cpu_times()
        tally = asyncio.run(load(base, keys, asked.through, asked.seconds, asked.think))
        after, memory = process.cpu_times(), process.memory_info().rss
    tell(tally, asked.seconds)
    spent = after.user + after.system - before.user - before.system
    n_asked = sum(map(len, tally.took.values()))
    print(f"the page: {1000 * spent / n_asked:.1f} ms of a processor a request, {memory / 2**20:.0f} MiB")
    with engine.connect() as connection:
        audit = chain(connection)
    print(f"verdicts acknowledged: {len(tally.given):,}, lost: {lost(engine, tally)}")
    print(f"audit: {audit.rows:,} rows, {'whole' if audit.is_whole else f'broken at {audit.first_break}'}")
    names = ("fastapi", "starlette", "uvicorn", "sqlalchemy", "jinja2")
    shown = ", ".join(f"{name} {version(name)}" for name in names)
    print(f"Python {platform.python_version()}, {shown}; {os.cpu_count()} cores, {platform.machine()}")


def main() -> None:
    """Reads what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a database, empty or of an earlier run; default: SQLite in a temporary folder")
    parser.add_argument("--postgres", action="store_true", help="a PostgreSQL server of its own")
    parser.add_argument("--moments", type=int, default=100_000)
    parser.add_argument("--reviewers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--think", type=float, default=1.0, help="seconds between two requests of a reviewer")
    parser.add_argument("--through", choices=sorted(ROUNDS), default="pages")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.url, asked.serve)
    elif asked.postgres:
        with postgres() as url:
            run(url, asked)
    else:
        with tempfile.TemporaryDirectory() as folder:
            run(asked.url or f"sqlite:///{folder}/review.db", asked)


if __name__ == "__main__":
    main()
