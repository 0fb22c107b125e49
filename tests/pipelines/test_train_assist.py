"""Training the model that finds assists, on a small corpus: what is judged, logged and promoted."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest

import pipelines.assist_training.examples
import pipelines.train_assist
from features.assist.notation import Corpus, parsed
from models.crossfit import TrainingDataError
from models.metrics import Estimate
from pipelines.assist_training.challenge import decided_by
from pipelines.assist_training.examples import workspace_examples
from pipelines.config import parse_config
from pipelines.detect import detect
from pipelines.tracking import ASSIST, champion_folder
from pipelines.train_assist import train_assist
from pipelines.training import Wanted, train_models
from pipelines.workspace import Workspace

Factory = Callable[..., Workspace]

CONFIG = parse_config({"assist": {"folds": 3, "bootstrap": 50}})
DAY0 = datetime(2025, 3, 1, tzinfo=UTC)
AUTHORS = ("ka", "kb", "kc")
LINES = """
PARTNER id={a}_rook name=Rook type=msp domains=rook.example aliases=Rook Security

=== CONV id={a}01 channel=call started=2025-01-01T09:00:00 industry=banks deal={a}d
[00:01] Ann Li (customer): Rook warned us about the director.
>> risk_save {a}_rook
[00:09] Bo Ek (internal): Rook was late again.
>> negative_impact {a}_rook
[00:15] Ann Li (customer): Good morning to you.
=== CONV id={a}02 channel=call started=2025-01-02T09:00:00 industry=banks deal={a}d
[00:01] Ann Li (customer): Then Rook warned the board.
>> risk_save {a}_rook
[00:09] Bo Ek (internal): Is it raining there?
"""


def corpus() -> Corpus:
    return parsed((f"{author}.conv.txt", LINES.format(a=author)) for author in AUTHORS)


@pytest.fixture(autouse=True)
def _corpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipelines.assist_training.examples, "shipped_corpus", corpus)
    monkeypatch.setattr(pipelines.train_assist, "shipped_corpus", corpus)


def reviewed(verdict: str = "rejected") -> dict[str, list[dict[str, Any]]]:
    """Two conversations in which somebody "warned", and judgements of what was made of it."""
    found = {
        "conversation_id": "x", "partner_id": "p", "assist_type": "risk_save", "journey_stage": "pre_sale",
        "quote": "q", "char_start": 0, "char_end": 1, "confidence": 0.9, "type_confidence": 0.9,
        "model_version": "m", "detected_at": DAY0,
    }  # fmt: skip
    judged = {"reviewer": "r", "role": "reviewer", "verdict": verdict, "model_version": "m", "reviewed_at": DAY0}
    return {
        "partners": [{"partner_id": "p", "name": "Talley", "partner_type": "si"}],
        "conversations": [{"conversation_id": c, "channel": "call", "started_at": DAY0} for c in ("x", "y")],
        "utterances": [
            {"utterance_id": f"{c}{n}", "conversation_id": c, "seq": n, "speaker_org": "customer", "text": text}
            for c in ("x", "y")
            for n, text in enumerate(["Talley warned nobody at all.", "Hello."])
        ],
        "moments": [found | {"moment_id": c, "conversation_id": c, "utterance_ids": [f"{c}0"]} for c in ("x", "y")],
        "reviews": [judged | {"review_id": f"r{c}", "moment_id": c} for c in ("x", "y")],
    }


@pytest.mark.slow
def test_judged_turns_are_labelled_under_ids_of_their_own(workspace_of: Factory) -> None:
    made = workspace_examples(workspace_of(**reviewed()), CONFIG.company.to_own())
    assert made.pairs[["utterance_id", "label", "weight", "review_id"]].values.tolist() == [
        ["workspace/x0", "not_an_assist", 1.0, "rx"],
        ["workspace/y0", "not_an_assist", 1.0, "ry"],
    ]
    assert made.pairs["author"].tolist() == made.pairs["conversation_id"].tolist() == ["workspace/x", "workspace/y"]
    assert made.seen["text"].str.startswith("[PARTNER] warned nobody").all()


@pytest.mark.slow
def test_moments_that_people_added_and_moved_are_learned_from_and_handed_on_judgements_count_once(
    workspace_of: Factory,
) -> None:
    given = reviewed("confirmed")
    one, two = given["moments"]
    given["judged_moments"] = [one | {"utterance_ids": ["x1"]}, two | {"moment_id": "added", "utterance_ids": ["y1"]}]
    said = given["reviews"][0]
    given["reviews"] += [
        said | {"review_id": "ra", "moment_id": "added"},
        said | {"review_id": "rb", "moment_id": "was"},
    ]
    given["utterances"] = [row | {"text": "Talley warned nobody at all."} for row in given["utterances"]]
    made = workspace_examples(workspace_of(**given), CONFIG.company.to_own())
    assert sorted(made.pairs[["utterance_id", "label", "review_id"]].values.tolist()) == [
        ["workspace/x1", "risk_save", "rx"],
        ["workspace/y0", "risk_save", "ry"],
        ["workspace/y1", "risk_save", "ra"],
    ]


@pytest.mark.slow
def test_the_first_model_is_judged_on_other_authors_logged_promoted_and_used(workspace_of: Factory) -> None:
    workspace = workspace_of(**{name: rows for name, rows in reviewed().items() if name not in {"moments", "reviews"}})
    report = train_assist(workspace, CONFIG, with_curve=True)
    assert (report.scores.n, report.scores.n_assists, report.n_authors) == (15, 6, 3)
    assert report.challenge.sentence == "Promoted: it is the first champion."
    assert report.curve["n_conversations"].tolist()[-1] == 4
    assert "Warned of a risk or saved the customer" in report.text()
    assert (champion_folder(workspace, CONFIG, ASSIST) / "held_out.parquet").exists()
    client = mlflow.MlflowClient(f"sqlite:///{workspace.root / 'mlflow.db'}")
    metrics = client.get_run(report.run_id).data.metrics
    assert {"pr_auc", "ece", "f1", "risk_save.recall"} <= set(metrics)
    kept = {f.path for name in ("plots", "tables") for f in client.list_artifacts(report.run_id, name)}
    assert kept == {
        "plots/calibration.png", "plots/confusion.png", "plots/learning_curve.png", "tables/classes.csv",
        "tables/confusion.csv", "tables/errors.csv", "tables/learning_curve.csv",
    }  # fmt: skip
    loaded = mlflow.pyfunc.load_model(str(champion_folder(workspace, CONFIG, ASSIST).parents[1]))
    turns = {"conversation_id": "c", "seq": [0.0, 1.0], "speaker_org": "customer", "partner": "Talley"}
    asked = pd.DataFrame({**turns, "text": ["Talley warned us about the director.", "Is it raining there?"]})
    sure, none = loaded.predict(asked.astype({name: object for name in asked if name != "seq"}))
    assert sure > none
    again = train_assist(workspace, CONFIG)
    assert again.challenge.sentence == f"The new model is the champion {report.model_version} itself."
    assert detect(workspace, CONFIG).model_version == report.model_version


@pytest.mark.slow
def test_reviews_are_learned_from_and_the_run_says_what_they_changed(workspace_of: Factory) -> None:
    workspace = workspace_of(**reviewed())
    report = train_models(workspace, CONFIG, Wanted(with_reviews=True))
    assert report.outcome is None
    assert report.assist is not None
    effect = report.assist.reviews
    assert effect is not None
    assert (effect.n_reviews, effect.n_examples) == (2, 2)
    assert "What reviews changed: 2 judgements of 2 turns decide" in report.text()
    assert json.loads(json.dumps(report.to_dict()))["assist"]["reviews"]["examples"] == 2
    path = mlflow.artifacts.download_artifacts(
        run_id=report.assist.run_id,
        artifact_path="tables/errors.csv",
        tracking_uri=f"sqlite:///{workspace.root / 'mlflow.db'}",
    )
    assert "warned nobody" not in Path(path).read_text(encoding="utf-8")
    assert "the model without reviews" in report.assist.challenge.sentence


@pytest.mark.slow
def test_a_model_with_reviews_is_held_against_the_champion_also_on_what_that_never_saw(workspace_of: Factory) -> None:
    workspace = workspace_of(**reviewed())
    train_assist(workspace, CONFIG)
    challenge = train_assist(workspace, CONFIG, with_reviews=True).challenge
    assert "the champion" in challenge.sentence
    assert challenge.gain is not None


@pytest.mark.slow
def test_without_a_usable_review_training_with_reviews_says_so(workspace_of: Factory) -> None:
    with pytest.raises(TrainingDataError, match="No review says what a moment is"):
        train_assist(workspace_of(**reviewed("unsure")), CONFIG, with_reviews=True)


def gains(pr_auc: tuple[float, float], ece: tuple[float, float]) -> dict[str, Estimate]:
    return {name: Estimate(sum(ends) / 2, *ends) for name, ends in (("pr_auc", pr_auc), ("ece", ece))}


@pytest.mark.parametrize(
    ("found", "promoted", "words"),
    [
        (gains((0.01, 0.03), (-0.01, 0.01)), True, "better than the champion"),
        (gains((-0.01, 0.03), (-0.01, 0.01)), False, "not better than the champion by more than chance"),
        (gains((0.01, 0.03), (0.01, 0.02)), False, "worse calibrated"),
        ({}, True, "judged on none of these turns"),
    ],
)
def test_a_model_takes_over_when_it_ranks_surely_better_and_is_not_surely_worse_calibrated(
    found: dict[str, Estimate], promoted: bool, words: str
) -> None:
    decision = decided_by(found, "the champion")
    assert decision.promote == promoted
    assert words in decision.sentence
