from __future__ import annotations

import numpy as np
import pytest

from features.assist.syntax import Clause, dense_names, read_clauses, read_syntax


def acts(text: str, side: str = "internal") -> set[tuple[str, str, str]]:
    """(actor, act, status) of each clause."""
    return {(one.actor, one.act, one.status) for one in read_clauses([text], [side])[0]}


def clause_of(text: str, actor: str, side: str = "internal") -> Clause:
    return next(one for one in read_clauses([text], [side])[0] if one.actor == actor)


@pytest.mark.parametrize(
    ("text", "side", "expected"),
    [
        ("[PARTNER] introduced us to the CFO last week.", "internal", ("PARTNER", "introduce", "happened")),
        ("It was [PARTNER]'s team that moved all the records.", "customer", ("PARTNER", "move", "happened")),
        ("The demo was run by [PARTNER] on our data.", "customer", ("PARTNER", "demo", "happened")),
        ("[PARTNER] will run the demo next week.", "internal", ("PARTNER", "demo", "planned")),
        ("[PARTNER] offered to train the users.", "internal", ("PARTNER", "train", "planned")),
        ("[PARTNER] did not introduce us to anybody.", "internal", ("PARTNER", "introduce", "denied")),
        ("Did [PARTNER] introduce you to the CFO?", "internal", ("PARTNER", "introduce", "asked")),
        ("If [PARTNER] migrates the data, we will sign.", "customer", ("PARTNER", "migrate", "conditional")),
        ("If [PARTNER] hadn't flagged it, we would have lost them.", "internal", ("PARTNER", "flag", "happened")),
        ("We moved the data with the help of [PARTNER].", "internal", ("PARTNER", "move", "happened")),
        ("Our integrator compared the three of you.", "customer", ("GENERIC", "compare", "happened")),
        ("It was not built by [PARTNER] but by [OTHER_PARTNER].", "internal", ("OTHER_PARTNER", "build", "happened")),
        ("It was not built by [PARTNER] but by [OTHER_PARTNER].", "internal", ("PARTNER", "build", "denied")),
        ("It was not [PARTNER] who called.", "internal", ("PARTNER", "call", "denied")),
        ("[PARTNER], not [OTHER_PARTNER], trained them.", "internal", ("OTHER_PARTNER", "train", "denied")),
        ("We migrated the data last night.", "partner", ("PARTNER_SELF", "migrate", "happened")),
        ("We migrated the data last night.", "internal", ("WE", "migrate", "happened")),
        ("We migrated the data last night.", "customer", ("CUSTOMER", "migrate", "happened")),
        ("You migrated the data last night.", "customer", ("WE", "migrate", "happened")),
    ],
)
def test_a_clause_tells_who_acted_and_whether_it_happened(text: str, side: str, expected: tuple[str, str, str]) -> None:
    assert expected in acts(text, side)


def test_what_both_did_together_is_joint() -> None:
    assert clause_of("We built the business case together with [PARTNER].", "PARTNER").joint


def test_an_act_without_a_partner_is_denied_of_it_but_not_what_would_not_have_been() -> None:
    assert clause_of("We built the case without [PARTNER].", "PARTNER").status == "denied"
    assert clause_of("This would never have been signed without [PARTNER].", "PARTNER").status == "happened"


def test_the_same_words_with_roles_exchanged_differ_in_the_roles_alone() -> None:
    text = "[PARTNER] built the pilot and [OTHER_PARTNER] watched."
    swapped = "[OTHER_PARTNER] built the pilot and [PARTNER] watched."
    ours, theirs = read_syntax([text, swapped], ["internal"] * 2).strings
    exchanged = {"who=PARTNER": "who=OTHER_PARTNER", "who=OTHER_PARTNER": "who=PARTNER"}
    plain = {name for name in ours if name.count("=") == 2 and name.split("|")[0] in exchanged}
    assert plain
    assert {"|".join([exchanged[name.split("|")[0]], *name.split("|")[1:]]) for name in plain} <= set(theirs)


def test_no_name_that_was_left_in_the_text_becomes_a_feature() -> None:
    names = read_syntax(["I met Xanthippe at Brightmere, and Kestral Systems ran the demo."], ["internal"]).strings[0]
    assert not [name for name in names if any(leak in name.lower() for leak in ("xanthippe", "brightmere", "kestral"))]


def test_features_do_not_depend_on_the_order_or_the_company_of_utterances() -> None:
    texts = ["[PARTNER] ran the demo.", "They promised a quote.", "", "No.", "Who brought this in, [PARTNER]?"]
    sides = ["internal", "customer", "unknown", "partner", "internal"]
    together = read_syntax(texts, sides)
    backward = read_syntax(texts[::-1], sides[::-1])
    assert together.strings == backward.strings[::-1]
    assert together.strings == [read_syntax([text], [side]).strings[0] for text, side in zip(texts, sides, strict=True)]
    np.testing.assert_array_equal(together.dense, backward.dense[::-1])


def test_no_utterances_give_an_empty_table() -> None:
    assert read_syntax([], []).dense.shape == (0, len(dense_names()))


def test_a_side_is_needed_for_each_text() -> None:
    with pytest.raises(ValueError, match="2 texts but 1 speakers' sides"):
        read_syntax(["a", "b"], ["internal"])
