"""The templates and what they may call; the result is one HTML text without any outside reference."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from features import shown as numbers
from features import titles
from features.grades import GRADE_TEXTS
from pipelines.report import definitions, figures, text
from pipelines.report.assumed import kept_sentence
from pipelines.report.board import board
from pipelines.report.charts import symbol
from pipelines.report.views import Report

FILTERS: Final = {
    "whole": numbers.whole,
    "decimal": numbers.decimal,
    "percent": numbers.percent,
    "money": numbers.money,
    "between": numbers.between,
    "money_between": numbers.money_between,
    "day": numbers.day,
    "method_name": titles.method_name,
    "method_short": titles.method_short,
    "words": lambda name: str(name).replace("_", " "),
    "partner_type": titles.partner_type,
    "feature": definitions.feature_name,
    "quantity": definitions.quantity_name,
    "coded": numbers.coded,
}


def render(report: Report) -> str:
    """The report as HTML. Every value is escaped and freed of characters that would reorder or break the page."""
    environment = _environment()
    colours = files("review").joinpath("static/tokens.css").read_text(encoding="utf-8")
    style, script = colours + _source(environment, "style.css"), _source(environment, "script.js.jinja")
    return environment.get_template("report.html.jinja").render(
        report=report,
        board=board(report),
        mark=symbol,
        figures=figures,
        numbers=numbers,
        sentences=text,
        kept_sentence=kept_sentence,
        definitions=definitions,
        method_texts=titles.METHOD_TEXTS,
        grade_texts=GRADE_TEXTS,
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        policy=_policy(style, script),
    )


def visible(value: object) -> object:
    """What an expression in a template shows: plain text is cleaned, markup of our own is left as it is."""
    return numbers.clean(value) if type(value) is str else value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("pipelines.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    return environment


def _source(environment: Environment, name: str) -> str:
    loader: Any = environment.loader
    source: str = loader.get_source(environment, name)[0]
    return source


def _policy(style: str, script: str) -> str:
    """A content security policy that allows this style and script and nothing else: no request can leave the page."""
    hashes = [base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in (style, script)]
    return (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
