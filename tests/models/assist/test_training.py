from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from features.assist.documents import documents
from features.assist.examples import examples
from features.assist.links import candidates, link_partners
from features.assist.notation import Corpus, parsed
from features.assist.taxonomy import taxonomy
from features.assist.views import views
from models.assist.classifier import AssistClassifier
from models.assist.persistence import load, save
from models.assist.training import Trained, sampled, trained
from models.persistence import ArtifactError

HELP = ["{p} got us the meeting with the CFO.", "{p} opened the door to the CFO for us.", "{p} brought the CFO to us."]
PLAN = ["{p} will get us the CFO.", "{p} might bring the CFO to us.", "{p} would open a door for us."]
TALK = ["The weather is fine.", "Can you see my screen?", "I send the recap."]
NAMES = {"aa": ["Brightmere", "Kestrelton"], "bb": ["Oakhanger", "Penhallow"], "cc": ["Tollgate", "Wexmere"]}


def lines(author: str) -> str:
    partners = [f"PARTNER id={author}_{n} name={name} type=si" for n, name in enumerate(NAMES[author])]
    rows = []
    for n, name in enumerate(NAMES[author] * 4):
        for label, texts in (("decision_maker_access", HELP), ("hypothetical_planned", PLAN), (None, TALK)):
            rows.append(f"=== CONV id={author}{n}{label or 'talk'} channel=call started=2024-01-01T00:00:00")
            rows.append(f"[00:01] Ann (internal): {texts[n % 3].format(p=name)}")
            rows += [f">> {label} {author}_{n % 2}"] if label else []
    return "\n".join(partners + rows)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return parsed((author, lines(author)) for author in NAMES)


@pytest.fixture(scope="module")
def result(corpus: Corpus) -> Trained:
    return trained(sampled([(examples(corpus), 1.0)]), n_folds=3)


def said(model: AssistClassifier, partner: str, *texts: str) -> pd.DataFrame:
    turns = pd.DataFrame(
        {"utterance_id": [f"u{n}" for n in range(len(texts))], "seq": range(len(texts)), "text": texts}
    )
    turns = turns.assign(conversation_id=turns["utterance_id"], speaker_org="internal", speaker=None, partner_id=None)
    partners = pd.DataFrame({"partner_id": ["x"], "name": [partner]})
    mentions = link_partners(turns, partners, pd.DataFrame({"partner_id": [], "alias": []}))
    return model.predict(turns, mentions, candidates(turns, mentions))


def test_a_done_act_is_told_from_a_planned_one_of_a_partner_never_seen(result: Trained) -> None:
    found = said(result.model, "Zorvane", "Zorvane got us the meeting with the CFO.", "Zorvane will get us the CFO.")
    assert found["p_assist"].iloc[0] > found["p_assist"].iloc[1]
    assert found["label"].tolist()[0] == "decision_maker_access"


def test_probabilities_of_the_classes_add_up(result: Trained) -> None:
    found = said(result.model, "Zorvane", "Zorvane helped.", "Nice weather.", "")
    np.testing.assert_allclose(found[list(taxonomy().ids)].sum(axis=1), 1)
    np.testing.assert_allclose(found[list(taxonomy().assist_ids)].sum(axis=1), found["p_assist"])


def test_the_partners_name_changes_nothing(result: Trained) -> None:
    one = said(result.model, "Zorvane", "Zorvane got us the meeting with the CFO.")
    other = said(result.model, "Quillbeck", "Quillbeck got us the meeting with the CFO.")
    pd.testing.assert_frame_equal(one, other)


def test_held_out_decisions_come_from_models_that_did_not_read_the_author(result: Trained, corpus: Corpus) -> None:
    assert set(result.held["author"]) == set(NAMES)
    assert len(result.held) == len(examples(corpus).pairs)
    assert (result.held["decided"] == result.held["label"]).mean() > 0.8


def test_a_saved_model_says_the_same_and_gives_the_same_bytes(result: Trained, tmp_path: Path) -> None:
    save(result.model, tmp_path / "one")
    again = load(tmp_path / "one")
    save(again, tmp_path / "two")
    text = "Zorvane got us the meeting with the CFO."
    pd.testing.assert_frame_equal(said(again, "Zorvane", text), said(result.model, "Zorvane", text))
    assert again.version == result.model.version
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()


def test_training_again_gives_the_same_model(result: Trained, corpus: Corpus) -> None:
    assert trained(sampled([(examples(corpus), 1.0)]), n_folds=3).model.version == result.model.version


def test_a_folder_without_a_model_and_a_damaged_one_are_refused(result: Trained, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="holds no saved model"):
        load(tmp_path)
    save(result.model, tmp_path)
    (tmp_path / "weights.npy.gz").write_bytes(b"no numbers")
    with pytest.raises(ArtifactError, match="cannot be read"):
        load(tmp_path)


def test_a_users_own_encoder_is_learned_with_and_runs_only_where_it_is_allowed(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = ModuleType("own_encoder")
    own.encode = lambda texts: np.array([[1.0 if "will" in text else -1.0, 1.0] for text in texts])  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "own_encoder", own)
    model = trained(sampled([(examples(corpus), 1.0)], "own_encoder:encode"), n_folds=3).model
    assert model.linear.terms.known["encoded"] == ("0", "1")
    save(model, tmp_path)
    with pytest.raises(ArtifactError, match="trained with the encoder 'own_encoder:encode', but the configured one"):
        load(tmp_path)
    text = "Zorvane will get us the CFO."
    again = load(tmp_path, "own_encoder:encode")
    pd.testing.assert_frame_equal(said(again, "Zorvane", text), said(model, "Zorvane", text))


def test_conversations_of_one_author_cannot_be_held_out(corpus: Corpus) -> None:
    one = parsed([("aa", lines("aa"))])
    with pytest.raises(ValueError, match="have one author"):
        trained(sampled([(examples(one), 1.0)]))


def test_a_label_whose_partner_the_links_missed_goes_to_the_surest_pair() -> None:
    text = "PARTNER id=aa_0 name=Brightmere type=si\n=== CONV id=aa1 channel=call started=2024-01-01T00:00:00\n"
    made = examples(parsed([("one", text + "[00:01] Ann (internal): Somebody rang.\n>> risk_save aa_0")]))
    assert made.pairs["label"].tolist() == ["risk_save"]


def test_the_length_of_a_text_is_no_feature() -> None:
    turns = pd.DataFrame({"utterance_id": ["a"], "conversation_id": ["a"], "seq": [0], "text": ["Fine. " * 3]})
    turns = turns.assign(speaker_org="internal", speaker=None, partner_id=None)
    mentions = link_partners(
        turns, pd.DataFrame({"partner_id": [], "name": []}), pd.DataFrame({"partner_id": [], "alias": []})
    )
    pairs = candidates(turns, mentions)
    found = documents(views(turns, mentions, pairs))
    assert not any("length" in feature for rows in found.values() for feature in rows[0])
