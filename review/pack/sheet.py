"""The pack's page: one HTML file that asks for nothing else."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Any, Final

from markupsafe import Markup

from features.grades import GRADES
from features.titles import METHOD_TEXTS
from review.pack.rows import About, PackRows
from review.pages.deal_view import meaning_of
from review.pages.partner_view import Kind, by_grade, by_quarter, totals
from review.rendering import environment, type_name

__all__ = ["sheet", "versions"]

STYLES: Final = ("tokens.css", "style.css", "claims.css", "pack.css")


def sheet(about: About, rows: PackRows) -> str:
    """The page as text; every number in it is marked with the name by which ``README.txt`` tells how it comes about."""
    style = "\n".join((files("review") / "static" / name).read_text(encoding="utf-8") for name in STYLES)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    said: dict[str | None, list[dict[str, Any]]] = {}
    for row in rows.moments:
        said.setdefault(row["deal_id"], []).append(row)
    names = {row["deal_id"]: row["deal_name"] or row["deal_id"] for row in rows.claims}
    return (
        environment()
        .get_template("pack.html.jinja")
        .render(
            about=about,
            style=Markup(style),  # noqa: S704 - our own files, and the policy's hash is of exactly this text
            style_hash=digest,
            rows=rows,
            total=totals(rows.found),
            grades=by_grade(rows.found),
            letters=GRADES,
            quarters=by_quarter(rows.found),
            kinds=_kinds(rows),
            said=[(names.get(key, key), found) for key, found in said.items()],
            reviews=_by_moment(rows.reviews),
            questions=_by_moment(rows.questions),
            versions=versions(rows, about.method),
            meaning=meaning_of(about.method),
            says=METHOD_TEXTS[about.method].meaning if about.method in METHOD_TEXTS else "",
        )
    )


def versions(rows: PackRows, method: str) -> dict[str, list[str]]:
    """The versions of the models behind the credit by that method, and behind the moments."""
    return {
        "credit": sorted({row["model_version"] for row in rows.credits if row["method"] == method} - {None}),
        "moments": sorted({row["model_version"] for row in rows.moments} - {None}),
    }


def _kinds(rows: PackRows) -> list[Kind]:
    """Moments heard in the period by type, the most frequent first."""
    heard = [row for row in rows.moments if row["is_heard_in_period"]]
    made = []
    for kind in {row["assist_type"] for row in heard}:
        stands = [row["stands_as"] for row in heard if row["assist_type"] == kind]
        counts = (stands.count(name) for name in ("confirmed", "rejected", "open"))
        made.append(Kind(type_name(kind), len(stands), *counts))
    return sorted(made, key=lambda kind: (-kind.n, kind.name))


def _by_moment(rows: tuple[dict[str, Any], ...]) -> dict[str, list[dict[str, Any]]]:
    made: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        made.setdefault(row["moment_id"], []).append(row)
    return made
