from __future__ import annotations

from features.assist.syntax import syntax_features


def test_features_range_from_the_exact_act_to_the_mere_actor() -> None:
    [found] = syntax_features(["[PARTNER] introduced us to the buyer."], ["internal"])
    assert {
        "who=PARTNER|did=happened",
        "who=PARTNER|did=happened|act=introduce",
        "who=PARTNER|did=happened|class=introduce",
        "who=PARTNER|did=happened|object=WE",
        "who=a partner|did=happened",
        "role=PARTNER|nsubj||introduce",
    } <= set(found)


def test_features_are_sorted_and_come_once() -> None:
    [found] = syntax_features(["They called, they called, and [PARTNER] called."], ["unknown"])
    assert found == sorted(set(found))


def test_a_short_answer_is_seen() -> None:
    yes, no = syntax_features(["Yes, they did.", "No, nothing to do with them."], ["internal", "internal"])
    assert "answer=yes" in yes
    assert "answer=no" in no
