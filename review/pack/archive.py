"""The pack as one ZIP: the same rows give the same bytes."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from typing import Any, Final

from features.shown import slug
from review.pack.columns import COLUMNS, csv_text
from review.pack.readme import readme
from review.pack.rows import About, PackRows
from review.pack.sheet import sheet, versions

__all__ = ["archive", "archive_name"]

FORMAT: Final = "partnerlift evidence pack 1"
READABLE: Final = 0o644 << 16


def archive(about: About, rows: PackRows) -> bytes:
    """The ZIP's bytes."""
    texts = {"index.html": sheet(about, rows), "README.txt": readme(about)}
    texts |= {f"data/{table}.csv": csv_text(table, getattr(rows, table)) for table in COLUMNS}
    contents = {name: text.encode() for name, text in texts.items()}
    contents["manifest.json"] = _manifest(about, rows, contents)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as file:
        for name, content in sorted(contents.items()):
            entry = zipfile.ZipInfo(name, about.made_at.timetuple()[:6])
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, READABLE, 3
            file.writestr(entry, content)
    return made.getvalue()


def archive_name(about: About) -> str:
    """A file name of letters, digits, hyphens and a dot."""
    days = [str(day) for day in (about.period.since, about.period.until) if day]
    return "-".join([slug("evidence", about.partner_id), *days]) + ".zip"


def _manifest(about: About, rows: PackRows, contents: dict[str, bytes]) -> bytes:
    told: dict[str, Any] = {
        "format": FORMAT,
        "partner_id": about.partner_id,
        "partner": about.partner_name,
        "period": {"from": _day(about.period.since), "until": _day(about.period.until)},
        "method": about.method,
        "report_currency": about.report_currency or None,
        "model_versions": versions(rows, about.method),
        "made_at": about.made_at.isoformat(),
        "made_by": about.made_by,
        "files": [
            {"path": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in sorted(contents.items())
        ],
    }
    return (json.dumps(told, indent=2) + "\n").encode()


def _day(day: object) -> str | None:
    return str(day) if day else None
