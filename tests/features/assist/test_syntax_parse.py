from __future__ import annotations

import pytest

from features.assist.syntax_parse import MASK, STAND_IN, load_english, roles_of, trees


def test_every_masked_name_keeps_its_role() -> None:
    text = "[PARTNER]'s people, [OTHER_PARTNER] and ([RIVAL]) met [NAME] of [CUSTOMER]; [VENDOR] did not."
    doc = load_english().make_doc(MASK.sub(STAND_IN, text))
    roles = roles_of(text, doc)
    assert list(roles.values()) == ["PARTNER", "OTHER_PARTNER", "RIVAL", "NAME", "CUSTOMER", "VENDOR"]
    assert {doc[token].text for token in roles} == {STAND_IN}


def test_trees_come_in_the_order_of_the_texts() -> None:
    texts = ["[PARTNER] called.", "", "[OTHER_PARTNER] called.", "They called. We called back."]
    found = list(trees(texts))
    assert [list(tree.roles.values()) for tree in found] == [["PARTNER"], [], ["OTHER_PARTNER"], []]
    assert found[0].heads == found[2].heads
    assert found[3].sentences == [(0, 3), (3, 7)]


def test_the_parser_is_loaded_once() -> None:
    assert load_english() is load_english()


@pytest.mark.slow
def test_masked_names_are_parsed_alike_alone_and_in_company() -> None:
    texts = [f"[PARTNER] moved {n} records to the new system, and they trained us." for n in range(2, 300)]
    assert [tree.heads for tree in trees(texts)] == [next(trees([text])).heads for text in texts]
