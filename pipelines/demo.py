"""The whole product on a simulated company, and how far each method is from the truth that only a simulation knows."""

from __future__ import annotations

import logging
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd

from features.simulation.settings import Bias, Settings
from features.tables import DIRECT
from models.moment_recovery import MomentRecovery
from models.recovery import recovery, recovery_text
from pipelines.config import Config
from pipelines.console import text_table
from pipelines.demo_moments import found_in, moments_text
from pipelines.ingest import IngestReport, ingest
from pipelines.report import report
from pipelines.score import score
from pipelines.simulate import Written, simulate_to
from pipelines.train import train
from pipelines.workspace import Workspace

LOG: Final = logging.getLogger(__name__)
OWN_FOLDERS: Final = ("company", "workspace")
MARKER: Final = ".made-by-demo"
"""A file by which the demo knows the folders that it made itself, and may clear."""
CURRENCY: Final = "USD"
TOP: Final = 8


@dataclass
class Phases:
    """Wall-clock seconds of each phase, in order."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Times a block and says in the log that it begins."""
        LOG.info("%s ...", name)
        begin = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - begin


@dataclass(frozen=True)
class DemoReport:
    """What the demo found.

    Parameters
    ----------
    written : The company's exports and truth.
    html : The report.
    ingested : What became of the exports' rows, for the CRM, the portal and then the conversations.
    moments : Moments against the truth; ``None`` where no model of assists is installed.
    leaders : One row per partner, most credited by the model first; see ``leaders``.
    recovered : As ``models.recovery.recovery``.
    kept : How much of what coincides with partners they keep, in words.
    seconds : Wall-clock seconds of each phase.
    peak_gib : Most memory that the process held, in GiB; ``None`` where the system does not tell.
    """

    written: Written
    html: Path
    ingested: tuple[IngestReport, ...]
    moments: MomentRecovery | None
    leaders: pd.DataFrame
    recovered: pd.DataFrame
    kept: str
    seconds: dict[str, float]
    peak_gib: float | None

    def to_dict(self) -> dict[str, Any]:
        """The findings as JSON values."""
        return {
            "company": str(self.written.out),
            "report": str(self.html),
            "ingest": [one.to_dict() for one in self.ingested],
            "moments": None if self.moments is None else self.moments.to_dict(),
            "partners": self.leaders.to_dict("records"),
            "recovery": self.recovered.to_dict("records"),
            "selection": self.kept,
            "seconds": {name: round(value, 2) for name, value in self.seconds.items()},
            "peak_gib": self.peak_gib,
        }

    def text(self) -> str:
        """The findings for a person."""
        over = self.leaders.sort_values(["over_credited", "partner"], ascending=[False, True])
        rows = sum(table.rows_in for one in self.ingested for table in one.tables.values())
        rejected = sum(one.rejected for one in self.ingested)
        spent = ", ".join(f"{name} {value:.0f} s" for name, value in self.seconds.items())
        return "\n".join(
            [
                f"Read {rows:,} rows of raw exports, {rejected:,} of them bad on purpose and rejected.",
                "",
                moments_text(self.moments, self.ingested[-1].tables["conversations"].kept),
                "",
                "Partners that won the most, by the model (credited wins and amount; last touch, truth beside them):",
                _leader_lines(self.leaders.head(TOP)),
                "Ranges are 95 % intervals from the sampling of deals; they do not cover what hidden selection adds.",
                "",
                "Partners that last touch credits far more than the model does:",
                _leader_lines(over.head(3)),
                "",
                "How far each method is from the truth (shares of won deals; incremental wins of all closed deals):",
                recovery_text(self.recovered),
                "Spearman 1 and error 0 are the truth itself. Only a simulation can know this; your own data cannot.",
                self.kept,
                "",
                f"Report: {self.html}",
                f"Judge its moments: partnerlift review --workspace {self.html.parent}",
                f"Exports, and how to ingest them yourself: {self.written.out / 'README.md'}",
                f"Took {sum(self.seconds.values()):.0f} s: {spent}."
                + ("" if self.peak_gib is None else f" Peak memory {self.peak_gib:.1f} GiB."),
            ]
        )


def demo(
    out: Path, *, deals: int = 6000, partners: int = 50, seed: int = 0, bias: Bias = "moderate", threads: int = 1
) -> DemoReport:
    """Simulates a company and runs every verb on its exports, then compares credits with the truth.

    One thread by default: on a company of this size more threads wait for each other longer than they work.

    ``out`` becomes the demo's own folder: ``out/company`` (exports and truth) and ``out/workspace`` (with
    ``report.html``) are made anew. Raises ``FileExistsError`` when it holds anything that the demo did not make.
    """
    _clear(out)
    phases = Phases()
    config = Config.model_validate({"seed": seed, "report_currency": CURRENCY, "engine": {"threads": threads}})
    with phases.phase("simulate"):
        settings = Settings(n_deals=deals, n_partners=partners, bias=bias)
        written = simulate_to(out / "company", settings, seed=seed)
    workspace = Workspace.open(out / "workspace", create=True, memory=config.engine.memory, threads=threads)
    with phases.phase("ingest"):
        exports = (("salesforce", written.crm), ("tables", written.prm), ("transcripts", written.talk))
        ingested = tuple(ingest(workspace, source, folder) for source, folder in exports)
    with phases.phase("detect"):
        moments = found_in(workspace, config, _true(written.answers, "assists"))
    with phases.phase("train"):
        kept = train(workspace, config).selection.sentence
    with phases.phase("score"):
        score(workspace, config)
    with phases.phase("report"):
        html = report(workspace, config, out=out / "workspace" / "report.html")
    with phases.phase("compare"):
        recovered = recovered_by(workspace, written.answers)
        table = leaders(
            workspace.read("partner_scores"), workspace.read("partners"), _true(written.answers, "partners")
        )
    return DemoReport(written, html, ingested, moments, table, recovered, kept, phases.seconds, peak_gib())


def peak_gib() -> float | None:
    """The most memory that this process has held, in GiB; ``None`` where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


def recovered_by(workspace: Workspace, answers: Path) -> pd.DataFrame:
    """``models.recovery.recovery`` of a scored workspace and the folder of truth of the company it holds."""
    true_deals = _true(answers, "deals")
    won = true_deals.loc[true_deals["outcome"] == "won", "deal_id"]
    return recovery(workspace.read("credits"), _true(answers, "credits"), set(won))


def leaders(scores: pd.DataFrame, partners: pd.DataFrame, true_partners: pd.DataFrame) -> pd.DataFrame:
    """One row per partner with the model's credit beside last touch's and the truth.

    Returns
    -------
    ``partner`` (name), ``partner_type``, ``wins`` and ``amount`` (credited by the model, all periods; report
    currency), ``wins_lo`` and ``wins_hi`` (ends of the interval of ``wins``), ``last_touch_wins``, ``true_wins``
    (sums of shares of won deals) and ``over_credited`` (last touch less the model, wins); most wins first.
    """
    rows = scores[scores["partner_id"] != DIRECT]
    wins = rows.pivot_table(index="partner_id", columns="method", values="credited_wins", aggfunc="sum")
    ends = _ends(rows[rows["method"] == "model"])
    money = rows[rows["currency"] == CURRENCY]
    amount = money.pivot_table(index="partner_id", columns="method", values="credited_amount", aggfunc="sum")
    true_wins = true_partners.set_index("partner_id")["won_share"]
    named = partners.set_index("partner_id").reindex(wins.index)
    table = pd.DataFrame(
        {
            "partner": named["name"],
            "partner_type": named["partner_type"],
            "wins": wins["model"],
            "wins_lo": ends["lo"],
            "wins_hi": ends["hi"],
            "amount": amount["model"].reindex(wins.index),
            "last_touch_wins": wins["last_touch"],
            "true_wins": true_wins.reindex(wins.index).fillna(0.0),
            "over_credited": wins["last_touch"] - wins["model"],
        }
    )
    return table.sort_values(["wins", "partner"], ascending=[False, True]).reset_index(drop=True)


def _ends(rows: pd.DataFrame) -> pd.DataFrame:
    """``lo`` and ``hi`` of the wins by partner; a period without an interval counts as it is."""
    wins = rows["credited_wins"]
    ends = {end: rows[f"credited_wins_{end}"].fillna(wins) for end in ("lo", "hi")}
    return pd.DataFrame(ends).groupby(rows["partner_id"]).sum()


def _leader_lines(table: pd.DataFrame) -> str:
    rows = [
        [
            row["partner"],
            row["partner_type"],
            f"{row['wins']:.1f}",
            f"{row['wins_lo']:.1f} to {row['wins_hi']:.1f}",
            f"{row['amount']:,.0f} {CURRENCY}",
            f"{row['last_touch_wins']:.1f}",
            f"{row['true_wins']:.1f}",
        ]
        for row in table.to_dict("records")
    ]
    return text_table(
        ("partner", "type", "wins", "range", "amount", "last touch", "truth"), rows, right=(2, 3, 4, 5, 6)
    )


def _true(answers: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(answers / f"{name}.parquet")


def _clear(out: Path) -> None:
    """Makes the demo's own folders anew; refuses when that would take away, or mix with, anything else."""
    names = sorted(p.name for p in out.iterdir()) if out.is_dir() else []
    foreign = [name for name in names if name not in OWN_FOLDERS]
    if foreign:
        raise FileExistsError(
            f"{out} holds other files ({', '.join(foreign[:3])}). Name an empty or new folder with --out."
        )
    for folder in (out / name for name in names):
        if not (folder / MARKER).is_file():
            raise FileExistsError(
                f"{folder} was not made by the demo, which would clear it. Name an empty or new folder with --out."
            )
    for name in OWN_FOLDERS:
        shutil.rmtree(out / name, ignore_errors=True)
        (out / name).mkdir(parents=True)
        (out / name / MARKER).touch()
