from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from features.assist.notation import Corpus, parsed

Module = Callable[[str], ModuleType]
TEXT = """
PARTNER id=ta_rook name=Rook Security type=msp domains=rooksec.example aliases=Rook

# getting to a buyer

=== CONV id=ta1a channel=call started=2024-06-15T13:55:00 industry=banking deal=T-1
[00:01] Ruth Ojo (internal) <ruth@us.example>: Where are we, Tom? Will Tom call?
[00:05] Tom Asher (partner:ta_rook) <tom@rooksec.example>: Rook got the buyer to see you, and rook's man sent it.
>> decision_maker_access ta_rook

=== CONV id=ta1b channel=call started=2024-06-15T13:55:00 industry=banking deal=T-2
[00:01] Ruth Ojo (internal): Could Rook Security get us to the buyer?
>> hypothetical_planned ta_rook
"""
LENT = """
PARTNER id=sa_velmor name=Velmor Systems type=si domains=velmor.example aliases=Velmor
=== CONV id=sa1 channel=call started=2024-06-15T13:55:00 industry=banking deal=S-1
[00:01] Ines Quayle (internal): Good morning.
[00:01] Bram Olsen (customer): Good morning.
"""


@pytest.fixture
def module(root: Path, monkeypatch: pytest.MonkeyPatch) -> Module:
    monkeypatch.syspath_prepend(root / "benchmarks")
    return import_module


@pytest.fixture
def corpus() -> Corpus:
    return parsed([("ta.conv.txt", TEXT)])


def decided(corpus: Corpus, module: Module, found: list[float]) -> pd.DataFrame:
    """Utterances of the corpus with these probabilities, decided at one half."""
    told: pd.DataFrame = module("assist_product").told(corpus)
    is_decided = np.array(found) >= 0.5
    label = np.where(is_decided, "decision_maker_access", "background")
    return told.assign(p_assist=found, is_decided=is_decided, decided=label, best_type="decision_maker_access")


def test_the_truth_of_an_utterance_is_its_labels_and_background_without_any(corpus: Corpus, module: Module) -> None:
    told = module("assist_product").told(corpus)
    assert told["labels"].tolist() == [("background",), ("decision_maker_access",), ("hypothetical_planned",)]
    assert told["is_assist"].tolist() == [False, True, False]
    assert told["partners"].tolist() == [(), ("ta_rook",), ()]


def test_a_pair_decided_for_an_assist_speaks_for_its_utterance_though_another_is_likelier(module: Module) -> None:
    pairs = pd.DataFrame(
        {
            "utterance_id": ["u", "u", "v"],
            "partner_id": ["a", "b", None],
            "p_assist": [0.6, 0.5, 0.1],
            "label": ["neutral_mention", "risk_save", "background"],
        }
    )
    found = module("assist_product").loudest(pairs).set_index("utterance_id")
    assert found.loc["u", ["decided", "linked", "p_assist"]].tolist() == ["risk_save", "b", 0.6]
    assert found["is_decided"].tolist() == [True, False]


@pytest.mark.parametrize(
    ("found", "both", "ranked"), [([0.1, 0.9, 0.2], 1, 1), ([0.1, 0.4, 0.2], 0, 1), ([0.9, 0.6, 0.7], 0, 0)]
)
def test_of_a_contrast_pair_both_must_be_right(
    corpus: Corpus, module: Module, found: list[float], both: float, ranked: float
) -> None:
    figures = module("assist_figures").contrast(decided(corpus, module, found))
    assert figures == {"pairs": 1, "both": both, "ranked": ranked, "groups": 1, "whole": both}


def test_binary_figures_are_those_worked_out_by_hand(corpus: Corpus, module: Module) -> None:
    figures = module("assist_figures").binary(decided(corpus, module, [0.9, 0.6, 0.2]))
    assert figures["precision"] == pytest.approx(0.5)
    assert figures["recall"] == pytest.approx(1)
    assert figures["pr_auc"] == pytest.approx(0.5)
    assert figures["roc_auc"] == pytest.approx(0.5)
    assert figures["best_f1"] == pytest.approx(2 / 3)
    assert figures["top"] == pytest.approx(1 / 3)


def test_decisions_that_change_are_counted_by_utterance_whatever_their_order(corpus: Corpus, module: Module) -> None:
    before = decided(corpus, module, [0.9, 0.6, 0.2])
    after = decided(corpus, module, [0.9, 0.4, 0.2]).sample(frac=1, random_state=0)
    assert module("assist_figures").changed(before, after)["decisions"] == pytest.approx(1 / 3)


def test_all_names_of_partners_and_speakers_are_swapped_alike(corpus: Corpus, module: Module) -> None:
    lent = parsed([("sa.conv.txt", LENT)])
    other = module("assist_changes").with_other_names(corpus, lent, 0, coined=True)
    assert other.partners["name"].tolist() == ["Velmor Systems"]
    assert other.partners["domains"].tolist() == [["velmorsystems.example"]]
    assert other.partner_aliases["alias"].tolist() == ["Velmor Systems", "Velmor"]
    people = dict(zip(corpus.utterances["speaker"], other.utterances["speaker"], strict=True))
    tom = people["Tom Asher"].split()[0]
    assert set(people.values()) in ({"Ines Quayle", "Bram Olsen"}, {"Ines Olsen", "Bram Quayle"})
    assert other.utterances["text"].tolist() == [
        f"Where are we, {tom}? Will {tom} call?",
        "Velmor got the buyer to see you, and velmor's man sent it.",
        "Could Velmor Systems get us to the buyer?",
    ]
    assert other.utterances["speaker_email"].tolist()[1] == "tom@velmorsystems.example"


def test_about_the_given_share_of_words_is_misheard_and_none_at_zero(corpus: Corpus, module: Module) -> None:
    changes = module("assist_changes")
    many = Corpus(
        corpus.conversations,
        pd.concat([corpus.utterances] * 60),
        corpus.partners,
        corpus.partner_aliases,
        corpus.labels,
    )
    _, share = changes.misheard(many, 0.2, 0, bare=False)
    assert share == pytest.approx(0.2, abs=0.03)
    same, none = changes.misheard(corpus, 0.0, 0, bare=False)
    assert none == 0
    assert same.utterances["text"].tolist() == corpus.utterances["text"].tolist()


def test_bare_words_keep_apostrophes_and_the_dots_of_addresses(module: Module) -> None:
    stripped = module("assist_changes").stripped
    assert stripped("Well, Tom's at acme.example. Yes: 3 of 4!") == "well tom's at acme.example yes 3 of 4"


@pytest.mark.parametrize(("one", "other"), [("their", "there"), ("buyer", "buyer's"), ("meet", "meat")])
def test_words_that_sound_alike_have_one_sound(module: Module, one: str, other: str) -> None:
    sound = module("assist_changes").sound
    assert (sound(one) == sound(other)) == (one != "buyer")


def test_mixed_up_speakers_keep_the_affiliations_of_their_conversation(corpus: Corpus, module: Module) -> None:
    changes = module("assist_changes")
    mixed, share = changes.with_shuffled_speakers(corpus, 1)
    assert sorted(mixed.utterances["speaker_org"]) == sorted(corpus.utterances["speaker_org"])
    assert mixed.utterances["text"].tolist() == corpus.utterances["text"].tolist()
    assert share in (0, pytest.approx(2 / 3))
    unknown = changes.with_unknown_speakers(corpus).utterances
    assert set(unknown["speaker_org"]) == {"unknown"}
    assert unknown["partner_id"].isna().all()


def test_utterances_are_drawn_in_whole_conversations_under_ids_of_their_own(corpus: Corpus, module: Module) -> None:
    turns = module("assist_speed").drawn(corpus.utterances, 20, 3)
    assert len(turns) == 20
    assert turns["utterance_id"].is_unique
    begun = turns.groupby("conversation_id", sort=False)["seq"].agg(["min", "max", "size"])
    assert (begun["min"] == 0).all()
    assert (begun["max"] + 1 == begun["size"]).iloc[:-1].all()
