from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.amount import AmountModel
from models.outcome import OutcomeModel
from models.persistence import FACTS, FORMAT, Artifact, ArtifactError, read_artifact, write_artifact

ARTIFACT = Artifact("outcome", {"seed": 1, "edges": [0.1, 2.0]}, {"fold_0": "tree\n"})


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_artifact(ARTIFACT, tmp_path / "model")
    assert read_artifact(tmp_path / "model", "outcome") == ARTIFACT
    assert sorted(p.name for p in (tmp_path / "model").iterdir()) == ["fold_0.txt", FACTS]


def test_the_version_follows_the_content() -> None:
    assert ARTIFACT.version == Artifact("outcome", {"edges": [0.1, 2.0], "seed": 1}, {"fold_0": "tree\n"}).version
    assert ARTIFACT.version != Artifact("outcome", {"seed": 2, "edges": [0.1, 2.0]}, {"fold_0": "tree\n"}).version


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    write_artifact(ARTIFACT, tmp_path)
    facts = json.loads((tmp_path / FACTS).read_text(encoding="utf-8"))
    (tmp_path / FACTS).write_text(json.dumps({**facts, "format": 99}), encoding="utf-8")
    with pytest.raises(ArtifactError, match="has format 99, but this version reads format 3"):
        read_artifact(tmp_path, "outcome")


def test_another_kind_is_refused(tmp_path: Path) -> None:
    write_artifact(ARTIFACT, tmp_path)
    with pytest.raises(ArtifactError, match="is of kind 'outcome', not 'amount'"):
        read_artifact(tmp_path, "amount")


@pytest.mark.parametrize("content", ["", "[]", "{", "null"])
def test_what_is_no_model_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / FACTS).write_text(content, encoding="utf-8")
    with pytest.raises(ArtifactError):
        read_artifact(tmp_path, "outcome")


def test_a_missing_file_or_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="holds no saved model"):
        read_artifact(tmp_path / "nowhere", "outcome")
    write_artifact(ARTIFACT, tmp_path)
    (tmp_path / "fold_0.txt").unlink()
    with pytest.raises(ArtifactError, match=r"lacks fold_0\.txt"):
        read_artifact(tmp_path, "outcome")


def test_a_file_outside_the_folder_is_not_read(tmp_path: Path) -> None:
    write_artifact(ARTIFACT, tmp_path)
    facts = json.loads((tmp_path / FACTS).read_text(encoding="utf-8"))
    (tmp_path / FACTS).write_text(json.dumps({**facts, "texts": ["../secret"]}), encoding="utf-8")
    with pytest.raises(ArtifactError, match="outside its folder"):
        read_artifact(tmp_path, "outcome")


OUTCOME_FACTS = {"accounts", "base_coder", "calibrator", "coder", "effects", "params", "selection", "spec"}
EFFECTS_FACTS = {
    "by_partner",
    "by_segment",
    "by_type",
    "common",
    "deviation_by_partner",
    "deviation_of_new",
    "intercept",
    "slope",
    "touch_weights",
}
AMOUNT_FACTS = {"coder", "params", "smearing", "spec"}


def test_what_models_save_belongs_to_the_format(deals_of: Callable[..., Any], tmp_path: Path) -> None:
    """When this fails, put ``FORMAT`` up by one together with what is saved, here as well."""
    deals = deals_of(120, seed=1)
    OutcomeModel(folds=3, max_rounds=2).fit(deals.base, deals.members, deals.won).save(tmp_path / "outcome")
    AmountModel(folds=3, max_rounds=2).fit(deals.base, deals.members, deals.base["amount"]).save(tmp_path / "amount")
    outcome = read_artifact(tmp_path / "outcome", "outcome").facts
    found = set(outcome), set(outcome["effects"]), set(read_artifact(tmp_path / "amount", "amount").facts)
    assert (FORMAT, *found) == (3, OUTCOME_FACTS, EFFECTS_FACTS, AMOUNT_FACTS)
