"""Writes a simulated company to disk: its systems' exports, and the truth in a folder of its own."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from features.simulation.answers import answers
from features.simulation.company import Company, simulate
from features.simulation.crm import crm
from features.simulation.dirt import Soiled, soiled
from features.simulation.portal import portal
from features.simulation.recordings import recordings, spoken
from features.simulation.settings import Settings

README = """# A simulated company

{n_deals} deals, {n_partners} partners, selection bias "{bias}", seed {seed}. Everything in here is made up.

| folder | what it is |
| --- | --- |
| `crm/` | the CRM as its data loader exports it, one CSV for each Salesforce object |
| `prm/` | the partner portal's export: partners, costs, leads, installed products, customer outcomes |
| `talk/` | calls as Gong's API gives them, and partners' mails as a mailbox: what people say about partners |
| `truth/` | what no system knows: each deal's true credit, and where a partner helped. Ingest never reads it |

Type next:

    partnerlift ingest --from salesforce {crm}
    partnerlift ingest --from tables {prm}
    partnerlift ingest --from transcripts {talk}
    partnerlift detect
    partnerlift train
    partnerlift score
    partnerlift report

`ingest` ends with exit code 3 here: a few rows are bad on purpose{n_bad}. They are listed in `truth/planted.parquet`.

`truth/credits.parquet` has the exact Shapley value of every player of every closed deal under the win probability from
which the outcomes were drawn; `truth/partners.parquet` each partner's effect and role, `truth/deals.parquet` the
probabilities and hidden quality, `truth/pairs.parquet` which partners change each other's effect.
`truth/assists.parquet` has every turn in `talk/` that speaks of a partner, with what the partner did in it. Those words
were written for the simulation; the shipped model of assists has not learned from them.
"""


@dataclass(frozen=True)
class Written:
    """What was written: the four folders, and rows (of ``talk``, conversations) by ``folder/file``."""

    out: Path
    rows: dict[str, int]

    @property
    def crm(self) -> Path:
        """The CRM's export."""
        return self.out / "crm"

    @property
    def prm(self) -> Path:
        """The partner portal's export."""
        return self.out / "prm"

    @property
    def talk(self) -> Path:
        """What people said, as the systems that recorded it export it."""
        return self.out / "talk"

    @property
    def answers(self) -> Path:
        """The folder that ingest must not be pointed at."""
        return self.out / "truth"

    def to_dict(self) -> dict[str, Any]:
        """The folder and the rows of each file, as JSON values."""
        return {"out": str(self.out), "rows": self.rows}

    def text(self) -> str:
        """Lines for a person."""
        lines = [f"  {name:<40}{count:>10,} rows" for name, count in self.rows.items()]
        return "\n".join([f"Wrote a simulated company to {self.out}:", *lines, f"Read {self.out / 'README.md'} next."])


def simulate_to(out: Path, settings: Settings, *, seed: int = 0) -> Written:
    """Writes ``crm/*.csv``, ``prm/*.csv``, ``talk/*``, ``truth/*.parquet`` and ``README.md`` under ``out``.

    The same settings and seed give the same bytes. Raises ``FileExistsError`` when ``out`` holds other files.
    """
    _check_free(out)
    company = simulate(settings, seed)
    exports = _exports(company)
    rows = {}
    for folder, frames in (("crm", exports.crm), ("prm", exports.prm)):
        for name, frame in frames.items():
            _write_csv(frame, out / folder / f"{name}.csv")
            rows[f"{folder}/{name}.csv"] = len(frame)
    said, assists = spoken(company)
    for name, recording in recordings(company, said).items():
        _write_text(recording.content, out / "talk" / name)
        rows[f"talk/{name}"] = recording.conversations
    for name, frame in (answers(company) | {"assists": assists, "planted": exports.planted}).items():
        path = out / "truth" / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path)
        rows[f"truth/{name}.parquet"] = len(frame)
    (out / "README.md").write_text(_readme(out, settings, seed, exports.planted), encoding="utf-8")
    return Written(out, rows)


def _exports(company: Company) -> Soiled:
    clean_crm, clean_prm = crm(company), portal(company)
    if company.settings.dirty:
        return soiled(clean_crm, clean_prm)
    return Soiled(clean_crm, clean_prm, pd.DataFrame(columns=["system", "file", "fault", "rows", "expected"]))


def _readme(out: Path, settings: Settings, seed: int, planted: pd.DataFrame) -> str:
    n_bad = int(planted["rows"].sum())
    return README.format(
        n_deals=f"{settings.n_deals:,}",
        n_partners=settings.n_partners,
        bias=settings.bias,
        seed=seed,
        crm=shlex.quote(str(out / "crm")),
        prm=shlex.quote(str(out / "prm")),
        talk=shlex.quote(str(out / "talk")),
        n_bad=f" ({n_bad} in all)" if n_bad else ", when `dirty` is on",
    )


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.csv.write_csv(pa.Table.from_pandas(frame, preserve_index=False), path)


def _write_text(content: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content, indent=1)
    path.write_text(text, encoding="utf-8", newline="\n")


def _check_free(out: Path) -> None:
    foreign = (
        sorted(
            p.name
            for p in out.iterdir()
            if p.name not in {"crm", "prm", "talk", "truth", "README.md"} and not p.name.startswith(".")
        )
        if out.is_dir()
        else []
    )
    if foreign:
        raise FileExistsError(
            f"{out} holds other files ({', '.join(foreign[:3])}). Name an empty or new folder with --out."
        )
