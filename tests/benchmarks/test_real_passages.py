from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
import yaml

from features.tables import TABLES


@pytest.fixture
def real(root: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(root / "benchmarks")
    return import_module("real_passages")


@pytest.fixture
def labels(real: ModuleType) -> pd.DataFrame:
    return pd.read_csv(real.LABELS, dtype={"document": "string", "sentence": "string"})


def test_the_labels_hold_ids_and_hashes_but_no_text(labels: pd.DataFrame) -> None:
    assert list(labels) == ["dataset", "document", "sentence", "stratum", "half", "sha1", "assist", "label", "unsure"]
    assert labels["sha1"].str.fullmatch("[0-9a-f]{12}").all()
    assert labels["sentence"].str.fullmatch(r"\d+:\d+").all()
    assert not labels["document"].str.contains(" ").any()


def test_each_sentence_is_labelled_once_and_all_of_a_document_lie_in_one_half(
    real: ModuleType, labels: pd.DataFrame
) -> None:
    assert not labels.duplicated(real.KEY).any()
    assert (labels["half"] == labels["document"].map(real.half)).all()


def test_random_sentences_are_as_many_as_drawn(real: ModuleType, labels: pd.DataFrame) -> None:
    drawn = labels.loc[labels["stratum"] == "random", "dataset"].value_counts()
    assert drawn.to_dict() == real.SAMPLED


def test_classes_that_are_no_assists_are_marked_as_none(labels: pd.DataFrame) -> None:
    none = {"background", "competitor_action", "hypothetical_planned", "internal_action"}
    none |= {"negated_unfulfilled", "negative_impact", "neutral_mention", "reverse_assist"}
    assert (labels["assist"] == ~labels["label"].isin(none)).all()


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ('One. Two? "Three" 4 ends. Mr. Ash left.', ["One.", "Two?", '"Three" 4 ends.', "Mr. Ash left."]),
        ("A line\nAnother  line    far off", ["A line", "Another line", "far off"]),
    ],
)
def test_sentences_end_at_full_stops_lines_and_wide_gaps(real: ModuleType, text: str, pieces: list[str]) -> None:
    assert real._cut(text) == pieces


def test_what_quoted_printable_left_in_a_mail_is_decoded(real: ModuleType) -> None:
    assert real._decoded("the ne= xt step=20 is=  ours") == "the next step  is ours"
    assert real._decoded("x = y") == "x = y"


def test_cues_in_a_row_by_one_speaker_become_one_turn(real: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "talk.vtt"
    cues = ["Ann: One.", "Ann: Two.", "Bo: Yes: three.", "no name"]
    body = [f"{i}\n00:00:0{i}.000 --> 00:00:0{i}.500\n{cue}" for i, cue in enumerate(cues, start=1)]
    file.write_text("\n\n".join(["WEBVTT", *body]), encoding="utf-8")
    with file.open(encoding="utf-8") as lines:
        turns = list(real._merged("talk", lines))
    said = [(t["seq"], t["speaker"], t["text"], t["start_s"], t["end_s"]) for t in turns]
    assert said == [
        (0, "Ann", "One. Two.", 1.0, 2.5),
        (1, "Bo", "Yes: three.", 3.0, 3.5),
        (2, None, "no name", 4.0, 4.5),
    ]


@pytest.mark.slow
def test_every_labelled_sentence_is_found_unchanged_and_the_random_ones_are_those_drawn(
    real: ModuleType, shared_data: Path
) -> None:
    found = real.passages(shared_data)
    assert found["text"].str.len().gt(0).all()
    drawn = real.sample(shared_data).set_index(real.KEY).index
    labelled = found[found["stratum"] == "random"].set_index(real.KEY).index
    assert drawn.sort_values().equals(labelled.sort_values())


@pytest.mark.slow
def test_labels_are_ids_of_the_shared_taxonomy(labels: pd.DataFrame, shared_data: Path) -> None:
    taxonomy = yaml.safe_load((shared_data.parent / "taxonomy.yaml").read_text(encoding="utf-8"))
    known = {row["id"] for kind in ("assist_types", "non_assist_classes") for row in taxonomy[kind]}
    assert set(labels["label"]) <= known


@pytest.mark.slow
def test_another_release_of_a_data_set_is_refused_with_the_way_out(
    real: ModuleType, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = real.sentences(shared_data)
    monkeypatch.setattr(real, "sentences", lambda folder: texts.assign(text=texts["text"] + "!"))
    with pytest.raises(ValueError, match="label again"):
        real.passages(shared_data)


@pytest.mark.slow
def test_false_alarm_corpora_have_the_declared_columns_and_unique_ids(real: ModuleType, shared_data: Path) -> None:
    corpora = real.false_alarm_corpora(shared_data)
    assert set(corpora) == {real.CALLS, real.MAIL, real.MEETINGS, real.ZOOM}
    for tables in corpora.values():
        for name, frame in tables.items():
            assert tuple(frame) == TABLES[name].column_names
        utterances = tables["utterances"]
        assert utterances["utterance_id"].is_unique
        assert set(utterances["conversation_id"]) == set(tables["conversations"]["conversation_id"])
