from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pandas as pd
import pytest

from features.simulation.settings import Settings
from features.tables import DIRECT
from pipelines.ingest import IngestReport, ingest
from pipelines.simulate import Written, simulate_to
from pipelines.workspace import Workspace

pytestmark = pytest.mark.slow

SMALL = Settings(n_deals=150, n_partners=12)


def digest(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    simulate_to(tmp_path / "company", SMALL, seed=5)
    first = digest(tmp_path / "company")
    simulate_to(tmp_path / "company", SMALL, seed=5)
    assert digest(tmp_path / "company") == first
    simulate_to(tmp_path / "company", SMALL, seed=6)
    assert digest(tmp_path / "company") != first


def test_exports_truth_and_a_readme_are_written_side_by_side(tmp_path: Path) -> None:
    out = tmp_path / "a company"
    written = simulate_to(out, SMALL)
    assert {p.name for p in out.iterdir()} == {"crm", "prm", "talk", "truth", "README.md"}
    assert {p.stem for p in written.answers.iterdir()} == {
        "credits",
        "partners",
        "deals",
        "pairs",
        "planted",
        "assists",
    }
    assert f"ingest --from salesforce '{out}/crm'\n" in (out / "README.md").read_text()
    for name, rows in written.rows.items():
        path = out / name
        if name.startswith("talk/"):
            assert path.stat().st_size > 100 * rows
            continue
        frame = pd.read_csv(path, low_memory=False) if path.suffix == ".csv" else pd.read_parquet(path)
        assert len(frame) == rows
    assert "Opportunity.csv" in written.text()


def test_without_dirt_no_row_is_planted(tmp_path: Path) -> None:
    simulate_to(tmp_path, Settings(n_deals=150, n_partners=12, dirty=False))
    assert len(pd.read_parquet(tmp_path / "truth" / "planted.parquet")) == 0
    assert pd.read_csv(tmp_path / "crm" / "Opportunity.csv")["Id"].is_unique


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(FileExistsError, match=r"holds other files \(thesis\.docx\)"):
        simulate_to(tmp_path, SMALL)


def test_only_the_demo_reads_the_truth(root: Path) -> None:
    """What is known only in a simulation must never be in reach of the product's own verbs."""
    named = [
        str(path.relative_to(root))
        for folder in ("pipelines", "models", "review", "features")
        for path in sorted((root / folder).rglob("*.py"))
        if re.search(r"features\.simulation|[\"']truth|truth/", path.read_text(encoding="utf-8"))
    ]
    allowed = (
        "features/simulation/",
        "pipelines/simulate.py",
        "pipelines/demo.py",
        "pipelines/cli/",
        "models/recovery.py",
    )
    assert [name for name in named if not name.startswith(allowed)] == []


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Written, list[IngestReport]]:
    folder = tmp_path_factory.mktemp("simulated")
    written = simulate_to(folder / "company", SMALL, seed=1)
    workspace = Workspace.open(folder / "workspace", create=True, threads=1)
    exports = (("salesforce", written.crm), ("tables", written.prm), ("transcripts", written.talk))
    reports = [ingest(workspace, source, folder) for source, folder in exports]
    return workspace, written, reports


def test_exactly_the_planted_rows_are_rejected(
    ingested: tuple[Workspace, Written, list[IngestReport]],
) -> None:
    _, written, reports = ingested
    planted = pd.read_parquet(written.answers / "planted.parquet")
    table_of = {"Opportunity": "deals", "Task": "touchpoints"}
    expected = planted.groupby(planted["file"].replace(table_of))["rows"].sum().to_dict()
    rejected = {name: table.rejected for report in reports for name, table in report.tables.items() if table.rejected}
    assert rejected == expected


def test_the_ingested_company_has_the_deals_partners_and_players_of_the_truth(
    ingested: tuple[Workspace, Written, list[IngestReport]],
) -> None:
    workspace, written, _ = ingested
    deals, touches = workspace.read("deals"), workspace.read("touchpoints")
    closed = deals[deals["outcome"] != "open"].set_index("deal_id")["closed_at"]
    true = pd.read_parquet(written.answers / "credits.parquet")
    assert set(closed.index) == set(true["deal_id"])
    known = touches[touches["partner_id"].notna() & touches["deal_id"].isin(closed.index)]
    known = known[known["occurred_at"] <= known["deal_id"].map(closed)]
    players = true[true["partner_id"] != DIRECT]
    assert set(zip(known["deal_id"], known["partner_id"], strict=True)) == set(
        zip(players["deal_id"], players["partner_id"], strict=True)
    )


def test_no_closing_stage_is_known_before_the_close(
    ingested: tuple[Workspace, Written, list[IngestReport]],
) -> None:
    workspace, _, _ = ingested
    stages = workspace.read("stage_history").merge(workspace.read("deals")[["deal_id", "closed_at"]], on="deal_id")
    closing = stages[stages["stage"].str.startswith("Closed")]
    assert len(closing) > 100
    assert (closing["entered_at"] >= closing["closed_at"]).all()


def test_what_is_said_of_partners_is_read_in_on_the_deal_and_in_the_words_of_the_truth(
    ingested: tuple[Workspace, Written, list[IngestReport]],
) -> None:
    workspace, written, _ = ingested
    true = pd.read_parquet(written.answers / "assists.parquet")
    turns = workspace.read("utterances").merge(true, on=["conversation_id", "text"])
    assert len(turns) == len(true) > 4
    assert true["is_assist"].any()
    talks = workspace.read("conversations").set_index("conversation_id")
    calls = true[true["conversation_id"].str.startswith("gong-")]
    assert (talks.loc[calls["conversation_id"], "deal_id"].to_numpy() == calls["deal_id"].to_numpy()).all()
    touches = workspace.read("touchpoints")
    when = set(zip(touches["deal_id"], touches["partner_id"], touches["occurred_at"].dt.date, strict=True))
    days = talks.loc[true["conversation_id"], "started_at"].dt.date
    told = zip(true["deal_id"], true["partner_id"], days, strict=True)
    assert {row for row in told if pd.notna(row[1])} <= when
