"""What is said to speak for a moment's class."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.assist.documents import FAMILIES
from features.assist.lexis import grams, tokens
from features.assist.taxonomy import taxonomy
from models.assist.cues import Cue, cues
from models.assist.persistence import load
from models.assist.terms import Terms

KINDS = taxonomy()


def told(text: str, weights: dict[str, float], label: str) -> list[Cue]:
    """Cues of one text under a model that knows these words and clauses, each with a weight for the label alone."""
    clauses = tuple(feature for feature in weights if "|" in feature)
    words = tuple(feature for feature in weights if "|" not in feature)
    terms = Terms(
        {"words": words, "clauses": clauses}, {"words": np.ones(len(words)), "clauses": np.ones(len(clauses))}
    )
    matrix = np.zeros((len(weights), len(KINDS.ids)), dtype=np.float32)
    matrix[:, KINDS.ids.index(label)] = [weights[feature] for feature in (*words, *clauses)]
    found = {family: [list[str]()] for family in FAMILIES} | {
        "words": [grams(tokens(text), 1, 3)],
        "clauses": [list(clauses)],
    }
    return cues(terms, matrix, [text], found, [label])[0]


def test_neighbouring_words_that_speak_for_the_class_make_one_phrase() -> None:
    found = told(
        "They drew up the business case for us", {"business": 2.0, "case": 2.0, "us": 0.01}, "strategy_value_case"
    )
    assert [(cue.kind, cue.text) for cue in found] == [("words", "business case")]


def test_the_part_of_a_run_of_words_falls_to_its_words() -> None:
    found = told("They drew up the business case", {"the business case": 3.0}, "strategy_value_case")
    assert [cue.text for cue in found] == ["the business case"]
    assert found[0].weight == pytest.approx(3.0, abs=0.001)


def test_words_that_speak_against_the_class_are_no_cue() -> None:
    assert told("They drew up nothing", {"nothing": -2.0, "drew": 0.05}, "strategy_value_case") == []


def test_a_clause_says_who_did_what_and_whether_it_happened() -> None:
    found = told(
        "They showed it", {"who=PARTNER|did=happened|act=show": 1.0, "act=show|did=happened": 0.5}, KINDS.assist_ids[0]
    )
    assert [(cue.kind, cue.text) for cue in found] == [("clause", "the partner “show”: it happened")]


def test_names_stand_by_role_and_figures_alone_are_no_phrase() -> None:
    found = told("[PARTNER] sent 40", {"[partner]": 1.0, "40": 5.0}, KINDS.assist_ids[0])
    assert [cue.text for cue in found] == ["(partner)"]


@pytest.mark.slow
def test_the_shipped_model_names_the_words_of_the_act() -> None:
    model = load(Path(str(resources.files("models.assist").joinpath("shipped"))))
    text = "Kestrel drew up the business case with our controller, and the board signed it."
    turns = pd.DataFrame(
        {"utterance_id": ["u"], "conversation_id": ["c"], "seq": [0], "text": [text], "speaker_org": ["customer"]}
    ).assign(speaker=None, partner_id=None)
    mentions = pd.DataFrame(
        {"utterance_id": ["u"], "partner_id": ["p"], "char_start": [0], "char_end": [7], "kind": ["name"]}
    ).assign(confidence=1.0, reason="named")
    pairs = pd.DataFrame({"utterance_id": ["u"], "partner_id": ["p"], "link_kind": ["name"], "link_confidence": [1.0]})
    (found,) = model.why(turns, mentions, pairs, ["strategy_value_case"])
    assert any("business case" in cue.text for cue in found)
