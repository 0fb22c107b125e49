from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pandas as pd
import pytest

from features.simulation.settings import Settings
from pipelines.simulate import simulate_to

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
    written = simulate_to(tmp_path, SMALL)
    assert {p.name for p in tmp_path.iterdir()} == {"crm", "prm", "truth", "README.md"}
    assert {p.stem for p in written.answers.iterdir()} == {"credits", "partners", "deals", "pairs", "planted"}
    assert f"ingest --from salesforce {tmp_path}/crm" in (tmp_path / "README.md").read_text()
    for name, rows in written.rows.items():
        path = tmp_path / name
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
