from __future__ import annotations

import math
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from features.shown import (
    Interval,
    Money,
    MoneyInterval,
    between,
    clean,
    coded,
    count,
    decimal,
    listing,
    money,
    money_between,
    percent,
    rounded_parts,
    slug,
)


@pytest.mark.parametrize(
    ("cents", "short", "exact"),
    [
        (123_456_789, "$1.23M", "$1,234,568"),
        (1_234_500, "$12.3k", "$12,345"),
        (-999_999, "\u2212$10.0k", "\u2212$10,000"),
        (1_25, "$1", "$1.25"),
        (99_999_999_999, "$1.00B", "$1,000,000,000"),
        (0, "$0", "$0"),
    ],
)
def test_money_is_short_for_reading_and_exact_for_tables(cents: int, short: str, exact: str) -> None:
    value = Money.of([("USD", cents)])
    assert money(value) == short
    assert money(value, exact=True) == exact


def test_different_currencies_stand_side_by_side_and_are_never_added() -> None:
    value = Money.of([("USD", 100_00), ("EUR", 300_00), ("USD", 50_00), ("CHF", 1_00), ("SEK", 2_00)])
    assert value.parts[0] == ("EUR", 300_00)
    assert money(value, exact=True) == "€300 + $150 + SEK\u00a02 + 1 more currency"


def test_negative_sum_in_a_second_currency_is_taken_away() -> None:
    assert money(Money.of([("USD", 500_00), ("EUR", -20_00)])) == "$500 \u2212 €20"


def test_currency_that_the_data_does_not_name_is_not_invented() -> None:
    assert money(Money.of([("", 1_000_00)]), exact=True) == "1,000"
    assert money(Money.of([("", 1_000_00), ("EUR", 5_00)]), exact=True) == "1,000 (no currency) + €5"


def test_percent_of_almost_nothing_is_not_written_as_nothing() -> None:
    assert percent(0.001) == "<1%"
    assert percent(0.0) == "0%"
    assert percent(-0.0001) == "0%"
    assert percent(0.1234, 1) == "12.3%"


def test_negative_zero_has_no_sign() -> None:
    assert decimal(-0.04) == "0.0"
    assert decimal(-0.06) == "\u22120.1"


def test_counts_and_lists_read_as_prose() -> None:
    assert count(1, "deal") == "1 deal"
    assert count(2000, "deal") == "2,000 deals"
    assert listing(["A"]) == "A"
    assert listing(["A", "B", "C"]) == "A, B and C"
    assert listing([]) == ""


@example([0.95], 1)
@given(st.lists(st.floats(-1e6, 1e6), max_size=30), st.integers(0, 2))
def test_rounded_parts_add_up_to_the_rounded_sum(values: list[float], places: int) -> None:
    parts = rounded_parts(values, places)
    assert math.isclose(sum(parts), round(sum(values), places), abs_tol=1.1 * 10**-places * 0.01 + 1e-6)
    assert all(abs(part - value) <= 10**-places + 1e-6 for part, value in zip(parts, values, strict=True))


@given(st.text(max_size=60))
def test_slug_is_safe_in_an_attribute_whatever_the_id(identifier: str) -> None:
    assert re.fullmatch(r"deal(-[a-z0-9-]+)?", slug("deal", identifier))


def test_ids_that_differ_only_in_signs_have_different_slugs() -> None:
    assert slug("deal", "A/1") != slug("deal", "A:1")


def test_control_and_direction_characters_are_taken_out() -> None:
    assert clean("ab\u202ecd\x00e\u2066f\tg") == "abcd ef g"
    assert clean("Zoë 東京 👩\u200d💻") == "Zoë 東京 👩\u200d💻"


def test_words_between_backticks_become_code_and_everything_is_escaped() -> None:
    assert coded("run `a <b>` & go") == "run <code>a &lt;b&gt;</code> &amp; go"
    assert coded("one ` alone") == "one ` alone"


def test_intervals_are_written_from_end_to_end() -> None:
    assert between(Interval(-0.04, 16.44)) == "0.0 to 16.4"
    assert money_between(MoneyInterval(Money.of([("USD", -5_00)]), Money.of([("USD", 164_000_00)]))) == (
        "\u2212$5 to $164k"
    )
