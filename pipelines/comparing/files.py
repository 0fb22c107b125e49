"""The comparison as a file: a page, a picture or a table, by the ending of its name."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib import rc_context

from features.cells import text_cell
from features.shown import clean
from features.titles import METHOD_TEXTS
from pipelines.comparing.plot import comparison_figure
from pipelines.comparing.report import TWO_ESTIMANDS, Comparison
from pipelines.plots import save
from pipelines.workspace import WorkspaceError

ENDINGS: Final = (".html", ".png", ".csv")


def write_comparison(comparison: Comparison, out: Path) -> Path:
    """Writes the comparison and returns ``out``; the file appears whole or not at all.

    ``.html`` is one page that opens offline, ``.png`` the plot alone, ``.csv`` the credited wins by partner.

    Raises
    ------
    ValueError
        For another ending.
    WorkspaceError
        When ``out`` cannot be written.
    """
    check_ending(out)
    draft = out.with_name(f".{out.stem}.draft{out.suffix}")
    try:
        if out.suffix.lower() == ".png":
            save(comparison_figure(comparison), draft)
        else:
            text = _page(comparison) if out.suffix.lower() == ".html" else _csv(comparison)
            draft.write_text(text, encoding="utf-8")
        draft.replace(out)
    except OSError as error:
        raise WorkspaceError(f"Cannot write {out}: {error.strerror}. Check that its folder exists.") from error
    finally:
        draft.unlink(missing_ok=True)
    return out


def check_ending(out: Path) -> None:
    """Raises ``ValueError`` when the file's ending is none of ``ENDINGS``."""
    if out.suffix.lower() not in ENDINGS:
        raise ValueError(f"{out} ends in none of {', '.join(ENDINGS)}. Choose one of the three endings.")


def _csv(comparison: Comparison) -> str:
    table = comparison.table()
    names = table[["partner_id", "name"]].map(lambda cell: text_cell(cell) if isinstance(cell, str) else cell)
    return pd.concat([names, table[comparison.labels]], axis=1).to_csv(index=False, lineterminator="\n")


def _page(comparison: Comparison) -> str:
    environment = Environment(
        loader=PackageLoader("pipelines.comparing", "templates"), autoescape=True, undefined=StrictUndefined
    )
    meanings = [(m.label, m.setting, METHOD_TEXTS[m.label.split(",")[0]].meaning) for m in comparison.methods]
    return environment.get_template("comparison.html.jinja").render(
        comparison=comparison,
        rows=[(clean(str(row["name"])), [row[label] for label in comparison.labels]) for row in _rows(comparison)],
        meanings=meanings,
        two_estimands=TWO_ESTIMANDS if "markov, totals" in comparison.labels else "",
        plot=_svg(comparison),
    )


def _rows(comparison: Comparison) -> list[dict[str, object]]:
    return [{str(key): value for key, value in row.items()} for row in comparison.table().to_dict("records")]


def _svg(comparison: Comparison) -> Markup:
    """The plot as SVG whose text stays text, with neither a date nor random ids in it."""
    drawn = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "partnerlift"}):
        comparison_figure(comparison).savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    svg = drawn.getvalue()
    return Markup(svg[svg.index("<svg") :])  # noqa: S704 - Matplotlib escapes the text that it draws
