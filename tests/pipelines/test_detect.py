"""The verb detect, with a model that goes by two words: which conversations it reads and what it writes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pipelines.detect
from features.assist.taxonomy import taxonomy
from features.tables import TABLES
from models.assist.cues import Cue
from pipelines.config import parse_config
from pipelines.detect import detect
from pipelines.detecting.report import DetectReport
from pipelines.export import export
from pipelines.workspace import Workspace, write_frame

Factory = Callable[..., Workspace]
Rows = list[dict[str, Any]]

DAY0 = datetime(2025, 3, 1, 9, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CONFIG = parse_config({})
STEPS = parse_config({"assist": {"chunk_utterances": 3}})
TABLE_NAMES = ("moments", "signals", "moment_cues")


class Words:
    """Whoever "warned" helped, and whoever was "late" harmed; "perhaps" is unsure."""

    def __init__(self, version: str = "words") -> None:
        self.version, self.read = version, 0

    def predict(self, utterances: pd.DataFrame, mentions: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
        self.read += utterances["conversation_id"].nunique()
        text = pairs["utterance_id"].map(utterances.set_index("utterance_id")["text"])
        label = np.select(
            [text.str.contains("warned"), text.str.contains("late")], ["risk_save", "negative_impact"], "background"
        )
        said = pd.DataFrame(0.0, index=pairs.index, columns=list(taxonomy().ids))
        for name in set(label):
            said.loc[label == name, name] = 0.9
        p_assist = np.where(label == "risk_save", 0.9, np.where(text.str.contains("perhaps"), 0.3, 0.01))
        return said.assign(label=label, p_assist=p_assist)

    def why(
        self, utterances: pd.DataFrame, mentions: pd.DataFrame, pairs: pd.DataFrame, labels: Sequence[str]
    ) -> list[list[Cue]]:
        words = {"risk_save": "warned", "negative_impact": "late"}
        return [[Cue("words", words.get(label, "perhaps"), 1.0)] for label in labels]


@pytest.fixture(autouse=True)
def model(monkeypatch: pytest.MonkeyPatch) -> Words:
    words = Words()
    monkeypatch.setattr(pipelines.detect, "assist_model", lambda workspace, config: words)
    return words


def tables() -> dict[str, Rows]:
    said = {
        "c1": ["Rook Security warned us about the director.", "Good.", "Was Talley Group late, perhaps?"],
        "c2": ["Talley Group and Rook Security warned us.", "> nothing"],
        "c3": ["Hello.", "Bye."],
        "c4": ["A partner of yours warned us, perhaps."],
    }
    return {
        "deals": [
            {"deal_id": "d1", "account_id": "a", "deal_type": "new", "created_at": DAY0 - timedelta(30),
             "closed_at": DAY0 + timedelta(5), "outcome": "won"},
        ],
        "stage_history": [{"deal_id": "d1", "stage": "Proposal", "entered_at": DAY0 - timedelta(1)}],
        "partners": [
            {"partner_id": "p1", "name": "Rook Security", "partner_type": "msp"},
            {"partner_id": "p2", "name": "Talley Group", "partner_type": "si"},
        ],
        "conversations": [
            {"conversation_id": name, "account_id": "a" if name != "c4" else None, "channel": "call",
             "started_at": DAY0 + timedelta(10 * n)}
            for n, name in enumerate(said)
        ],
        "utterances": [
            {"utterance_id": f"{name}-{n}", "conversation_id": name, "seq": n, "speaker": "Ann Li",
             "speaker_org": "customer", "text": text}
            for name, texts in said.items() for n, text in enumerate(texts)
        ],
    }  # fmt: skip


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, DetectReport]]:
    """The workspace after a first detection, and what that reported; read only."""
    workspace = Workspace.open(tmp_path_factory.mktemp("first"), threads=1)
    workspace.tables.mkdir()
    for name, rows in tables().items():
        write_frame(pd.DataFrame(rows), TABLES[name], workspace.path(name))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipelines.detect, "assist_model", lambda workspace, config: Words())
        yield workspace, detect(workspace, CONFIG, now=NOW)


def written(workspace: Workspace) -> dict[str, bytes]:
    return {name: workspace.path(name).read_bytes() for name in TABLE_NAMES}


def test_moments_have_partner_stage_deal_quote_and_span(first: tuple[Workspace, DetectReport]) -> None:
    workspace, report = first
    moments = workspace.read("moments")
    found = moments[["conversation_id", "partner_id", "deal_id", "journey_stage"]].astype(object)
    assert found.where(found.notna(), None).values.tolist() == [
        ["c1", "p1", "d1", "point_of_sale"],
        *[["c2", name, "d1", "post_sale"] for name in moments["partner_id"].iloc[1:3]],
        ["c4", None, None, "post_sale"],
    ]
    assert set(moments["partner_id"].iloc[1:3]) == {"p1", "p2"}
    assert moments["quote"].iloc[0] == "Rook Security warned us about the director."
    assert moments["char_end"].iloc[0] == len(moments["quote"].iloc[0])
    assert (report.conversations, report.detected, report.moments, report.without_deal) == (4, 4, 4, 1)
    assert report.by_partner == {"Rook Security": 2, "(partner not known)": 1, "Talley Group": 1}


def test_what_is_no_assist_is_a_signal_and_background_is_none(first: tuple[Workspace, DetectReport]) -> None:
    workspace, _ = first
    signals = workspace.read("signals")
    assert signals[["conversation_id", "assist_type", "confidence"]].values.tolist() == [["c1", "negative_impact", 0.3]]


@pytest.mark.slow
def test_each_moment_and_signal_says_why_it_was_found(first: tuple[Workspace, DetectReport]) -> None:
    cues = first[0].read("moment_cues")
    found = {name for table in ("moments", "signals") for name in first[0].read(table)["moment_id"]}
    assert set(cues["moment_id"]) == found
    assert cues["place"].tolist() == [1, 2] * len(found)
    assert cues["kind"].tolist() == ["partner", "words"] * len(found)
    assert set(cues.loc[cues["kind"] == "words", "cue"]) <= {"warned", "late", "perhaps"}


def test_only_new_and_changed_conversations_are_read_again(workspace_of: Factory, model: Words) -> None:
    given = tables()
    workspace = workspace_of(**given)
    detect(workspace, CONFIG, now=NOW)
    before, model.read = written(workspace), 0
    assert detect(workspace, CONFIG, now=NOW + timedelta(1)).unchanged == 4
    assert (model.read, written(workspace)) == (0, before)
    given["utterances"][-1]["text"] = "Nothing at all."
    given["conversations"].append(given["conversations"][0] | {"conversation_id": "c5"})
    workspace = workspace_of(**given)
    report = detect(workspace, CONFIG, now=NOW)
    assert (report.detected, model.read) == (2, 1)
    assert "c4" not in set(workspace.read("moments")["conversation_id"])


@pytest.mark.slow
@pytest.mark.parametrize("change", ["model", "threshold", "partners", "deal"])
def test_another_model_setting_partner_or_close_reads_again(workspace_of: Factory, model: Words, change: str) -> None:
    given = tables()
    workspace = workspace_of(**given)
    detect(workspace, CONFIG, now=NOW)
    config = CONFIG
    if change == "model":
        model.version = "other"
    elif change == "threshold":
        config = parse_config({"assist": {"threshold": 0.2}})
    elif change == "partners":
        given["partner_aliases"] = [{"partner_id": "p1", "alias": "Rook"}]
    else:
        given["deals"][0]["closed_at"] = DAY0 - timedelta(1)
    report = detect(workspace_of(**given), config, now=NOW)
    assert report.detected == (4 if change in {"model", "threshold", "partners"} else 1)


@pytest.mark.slow
def test_all_reads_everything(workspace_of: Factory, model: Words) -> None:
    workspace = workspace_of(**tables())
    detect(workspace, CONFIG, now=NOW)
    report = detect(workspace, CONFIG, all_conversations=True, now=NOW)
    assert report.detected == 4


@pytest.mark.slow
def test_a_conversation_that_is_gone_loses_its_moments(workspace_of: Factory) -> None:
    given = tables()
    detect(workspace_of(**given), CONFIG, now=NOW)
    given["conversations"] = given["conversations"][1:]
    workspace = workspace_of(**given)
    assert detect(workspace, CONFIG, now=NOW).removed == 1
    assert "c1" not in set(workspace.read("moments")["conversation_id"])


@pytest.mark.slow
def test_the_order_of_rows_changes_no_byte(workspace_of: Factory) -> None:
    given = tables()
    workspace = workspace_of(**given)
    detect(workspace, CONFIG, now=NOW)
    before = written(workspace)
    (workspace.results / "detected.parquet").unlink()
    dice = random.Random(1)
    workspace = workspace_of(**{name: dice.sample(rows, len(rows)) for name, rows in given.items()})
    detect(workspace, CONFIG, now=NOW)
    assert written(workspace) == before


@pytest.mark.slow
def test_a_run_that_dies_between_its_steps_goes_on_and_ends_in_the_same_tables(
    workspace_of: Factory, model: Words, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = workspace_of(**tables())
    detect(workspace, STEPS, now=NOW)
    before = written(workspace)
    for path in workspace.results.iterdir():
        path.unlink()
    fine, calls = model.predict, []

    def dying(*args: Any) -> pd.DataFrame:
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return fine(*args)

    monkeypatch.setattr(model, "predict", dying)
    with pytest.raises(KeyboardInterrupt):
        detect(workspace, STEPS, all_conversations=True, now=NOW)
    monkeypatch.setattr(model, "predict", fine)
    model.read = 0
    report = detect(workspace, STEPS, all_conversations=True, now=NOW + timedelta(1))
    assert (report.detected, report.detected_at) == (4, NOW)
    assert written(workspace) == before
    assert not (workspace.results / "detect_run.json").exists()
    assert model.read == 3


def test_an_empty_workspace_gets_empty_tables(workspace_of: Factory) -> None:
    workspace = workspace_of()
    report = detect(workspace, CONFIG, now=NOW)
    assert report.text().startswith("There are no conversations.")
    assert [len(workspace.read(name)) for name in TABLE_NAMES] == [0, 0, 0]
    assert all(workspace.has(name) for name in TABLE_NAMES)


@pytest.mark.slow
def test_columns_that_nobody_declared_and_missing_optional_ones_do_no_harm(workspace_of: Factory) -> None:
    given = tables()
    workspace = workspace_of(**given)
    bare = pd.DataFrame(given["utterances"])[["utterance_id", "conversation_id", "seq", "speaker_org", "text"]]
    bare.assign(mood="fine").to_parquet(workspace.path("utterances"))
    assert detect(workspace, CONFIG, now=NOW).moments == 4


@pytest.mark.slow
def test_redaction_takes_people_out_of_quotes_and_leaves_spans_and_ids(workspace_of: Factory) -> None:
    given = tables()
    given["utterances"][0]["text"] = "Rook Security warned Ann Li, ring 020 7946 0958."
    workspace = workspace_of(**given)
    detect(workspace, CONFIG, now=NOW)
    plain = workspace.read("moments")
    report = detect(workspace, CONFIG, redact=True, now=NOW)
    private = workspace.read("moments")
    assert report.detected == 4
    assert private["quote"].iloc[0] == "Rook Security warned [NAME], ring [PHONE]."
    assert private.drop(columns="quote").equals(plain.drop(columns="quote"))


@pytest.mark.slow
def test_a_judged_moment_that_is_found_no_more_is_kept_for_training(workspace_of: Factory, model: Words) -> None:
    given = tables()
    workspace = workspace_of(**given)
    detect(workspace, CONFIG, now=NOW)
    judged = workspace.read("moments")["moment_id"].iloc[0]
    given["reviews"] = [
        {"review_id": "r", "moment_id": judged, "reviewer": "x", "role": "rep", "verdict": "rejected",
         "model_version": "words", "reviewed_at": NOW}
    ]  # fmt: skip
    workspace = workspace_of(**given)
    detect(workspace, parse_config({"assist": {"threshold": 0.95, "floor": 0.95}}), now=NOW)
    assert workspace.read("moments").empty
    assert pd.read_parquet(workspace.path("judged_moments"))["moment_id"].tolist() == [judged]


@pytest.mark.slow
def test_a_judged_moment_that_is_found_as_another_hands_its_judgement_on_and_counts_once(
    workspace_of: Factory, model: Words, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = tables()
    workspace = workspace_of(**given)
    detect(workspace, CONFIG, now=NOW)
    judged, untouched = workspace.read("moments")["moment_id"].iloc[[0, 1]]
    said = {"reviewer": "x", "role": "reviewer", "verdict": "confirmed", "model_version": "words", "reviewed_at": NOW}
    given["reviews"] = [said | {"review_id": "r", "moment_id": judged}]
    moments = workspace.read("moments")
    added = moments.iloc[[1]].assign(moment_id="added", char_end=9)
    for name, frame in {"judged_moments": added, "moments": moments}.items():
        given[name] = [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]
    workspace = workspace_of(**given)
    monkeypatch.setattr(pipelines.detect, "assist_model", lambda workspace, config: Tracks("tracks"))
    for _ in range(2):
        detect(workspace, CONFIG, all_conversations=True, now=NOW)
        moments, reviews = workspace.read("moments"), workspace.read("reviews")
        found = moments[moments["conversation_id"] == "c1"].iloc[0]
        assert found["assist_type"] == "outcome_tracking"
        assert (len(reviews), judged in set(moments["moment_id"])) == (2, False)
        handed = reviews.set_index("moment_id").loc[found["moment_id"]]
        assert (handed["verdict"], handed["assist_type"], handed["reviewer"]) == ("relabelled", "risk_save", "x")
        assert workspace.read("judged_moments")["moment_id"].tolist() == ["added"]
    monkeypatch.setattr(pipelines.detect, "assist_model", lambda workspace, config: model)
    detect(workspace, CONFIG, all_conversations=True, now=NOW)
    assert len(workspace.read("reviews")) == 2
    assert {judged, untouched} <= set(workspace.read("moments")["moment_id"])


class Tracks(Words):
    """Whoever "warned" kept track."""

    def predict(self, utterances: pd.DataFrame, mentions: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
        said = super().predict(utterances, mentions, pairs)
        said = said.rename(columns={"risk_save": "outcome_tracking", "outcome_tracking": "risk_save"})
        return said.assign(label=said["label"].replace("risk_save", "outcome_tracking"))


def test_the_report_says_what_was_found_and_where_to_look(first: tuple[Workspace, DetectReport]) -> None:
    _, report = first
    text = report.text()
    assert "4 conversations (8 utterances)." in text
    assert "Warned of a risk or saved the customer  4" in text
    assert "Signals that may be assists after all: 1 (" in text
    assert "Moments that belong to no deal: 1." in text
    assert json.loads(json.dumps(report.to_dict()))["by_signal"] == {"negative_impact": 1}


def test_moments_are_exported_with_the_list_of_their_utterances(
    first: tuple[Workspace, DetectReport], tmp_path: Path
) -> None:
    workspace, _ = first
    assert export(workspace, "moments", tmp_path / "moments.csv") == 4
    rows = pd.read_csv(tmp_path / "moments.csv")
    assert json.loads(rows["utterance_ids"].iloc[0]) == ["c1-0"]


@pytest.mark.slow
def test_tables_divided_into_part_files_are_replaced_as_a_whole(workspace_of: Factory) -> None:
    workspace = workspace_of(**tables())
    detect(workspace, CONFIG, now=NOW)
    before = workspace.read("moments")
    workspace.path("moments").unlink()
    workspace.path("moments").mkdir()
    write_frame(before, TABLES["moments"], workspace.path("moments") / "1.parquet")
    detect(workspace, CONFIG, all_conversations=True, now=NOW)
    assert workspace.path("moments").is_file()
    assert workspace.read("moments").equals(before)


@pytest.mark.slow
def test_conversations_without_words_have_no_moments(workspace_of: Factory) -> None:
    given = tables()
    silent = given["utterances"][0] | {"text": " ", "conversation_id": "c9", "utterance_id": "c9-0"}
    talk = [given["conversations"][0] | {"conversation_id": name} for name in ("c8", "c9")]
    workspace = workspace_of(partners=given["partners"], conversations=talk, utterances=[silent])
    report = detect(workspace, parse_config({"assist": {"chunk_utterances": 1}}), now=NOW)
    assert (report.detected, report.moments, report.signals) == (2, 0, 0)
    workspace.path("utterances").unlink()
    assert detect(workspace, CONFIG, all_conversations=True, now=NOW).moments == 0
