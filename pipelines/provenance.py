"""Where a result comes from: a fingerprint of the input tables, and the version of the code."""

from __future__ import annotations

import hashlib
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Final

import duckdb

PACKAGE: Final = "partnerlift"
_HERE: Final = Path(__file__).resolve()


def data_fingerprint(connection: duckdb.DuckDBPyConnection, tables: tuple[str, ...]) -> str:
    """Sixteen hex digits of a hash of the content of the named tables, whatever the order of their rows."""
    parts = []
    for name in sorted(tables):
        query = f'SELECT count(*), coalesce(sum(md5_number_lower(to_json(t)::VARCHAR)::HUGEINT), 0) FROM "{name}" AS t'
        parts.append(f"{name}:{connection.execute(query).fetchall()[0]}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def code_version() -> str:
    """Version of the installed package and, where this file is tracked by git, the commit: ``0.1.0+1a2b3c4``."""
    try:
        version = metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        version = "unknown"
    commit = _commit()
    return f"{version}+{commit}" if commit else version


def _commit() -> str | None:
    if _git("ls-files", "--error-unmatch", _HERE.name) is None:
        return None
    return _git("rev-parse", "--short", "HEAD")


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments
            ["git", *arguments],  # noqa: S607 - whichever git the user has
            cwd=_HERE.parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
