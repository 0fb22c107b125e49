from __future__ import annotations

from features.assist.lexis import CLASS_SIZES, characters, classes, grams, neighbours, tokens


def test_words_are_lower_case_and_roles_are_words() -> None:
    assert tokens("[PARTNER] didn’t call Anna's boss, did they?") == [
        "[partner]", "did", "n't", "call", "anna", "'s", "boss", ",", "did", "they", "?",
    ]  # fmt: skip


def test_words_of_like_meaning_share_a_coarse_class_and_function_words_stand_for_themselves() -> None:
    first, second, pronoun, number, unknown = classes(["monday", "tuesday", "we", "42", "qzxqzx"], 150)
    assert first == second
    assert (pronoun, number, unknown) == ("we", "#", "?word")


def test_classes_of_all_sizes_are_told_apart() -> None:
    assert len({classes(["contract"], size)[0] for size in CLASS_SIZES}) == len(CLASS_SIZES)


def test_runs_of_words_are_all_of_the_asked_lengths() -> None:
    assert grams(["a", "b", "c"], 1, 2) == ["a", "b", "c", "a b", "b c"]
    assert grams(["a"], 2, 3) == []


def test_characters_are_those_of_content_words() -> None:
    assert characters(["they", "ran"], 3, 3) == [" ra", "ran", "an "]


def test_a_role_is_paired_with_the_words_on_either_side() -> None:
    assert neighbours(["yesterday", "[partner]", "called"]) == ["yesterday<partner", "partner>called"]
