from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from pipelines.report.charts import (
    Dot,
    Mark,
    Segment,
    bar,
    calibration,
    columns,
    dots,
    interval,
    lane,
    span,
    stacked,
    step,
)


def test_bar_is_as_long_as_its_value_on_the_scale() -> None:
    assert 'x="0%" width="25%"' in bar(2.0, 8.0)


def test_negative_bar_hangs_to_the_left_of_zero_in_its_own_colour() -> None:
    drawn = bar(-1.0, 3.0, -1.0)
    assert 'class="negative" x="0%" width="25%"' in drawn
    assert 'class="zero" x1="25%"' in drawn


def test_stacked_parts_follow_one_another() -> None:
    drawn = stacked([Segment(1.0, "accent"), Segment(3.0, "own")], 4.0)
    assert re.findall(r'x="([\d.]+)%" width="([\d.]+)%"', drawn) == [("0", "25"), ("25", "75")]


def test_column_of_nothing_is_a_line_without_columns() -> None:
    drawn = columns(["2024", "2025"], [[Segment(0.0, "accent")], [Segment(0.0, "accent")]], "Nothing")
    assert "<rect" not in drawn
    assert 'class="axis"' in drawn


def test_negative_column_hangs_below_the_line() -> None:
    drawn = columns(["a", "b"], [[Segment(1.0, "accent")], [Segment(-1.0, "negative")]], "Up and down")
    zero = float(re.findall(r'class="axis"[^>]*y1="([\d.]+)"', drawn)[0])
    tops = {style: float(y) for style, y in re.findall(r'rect class="(\w+)"[^>]* y="([\d.]+)"', drawn)}
    assert tops["accent"] < zero
    assert tops["negative"] == pytest.approx(zero, abs=0.01)


@pytest.mark.parametrize(
    "drawn",
    [
        columns(['<b>"x"'], [[Segment(1.0, "accent")]], '"><script>'),
        lane([Mark(0.5, "accent", "touch", '<img src=x onerror="1">')], 1.0),
        calibration([Dot(0.5, 0.4, 10, 0.3, 0.5)], "a & b < c"),
        dots([Mark(0.5, "mark-model", "mark-model")], 1.0),
        interval(0.1, 0.2, 0.3, 1.0, 0.0),
        span(0.2, 0.4, 1.0),
        step(0.2, 0.1, 1.0, 0.0, "negative", joins=True),
    ],
)
def test_every_chart_is_well_formed_and_its_text_escaped(drawn: str) -> None:
    root = ET.fromstring(str(drawn))
    assert root.tag == "svg"
    assert not list(root.iter("script"))
    assert not list(root.iter("img"))


def test_chart_that_stands_alone_has_words_for_who_cannot_see_it() -> None:
    assert 'role="img" aria-label="Won deals"' in columns(["2024"], [[Segment(1.0, "accent")]], "Won deals")
    assert 'aria-hidden="true"' in bar(1.0, 2.0)


def test_many_periods_share_few_labels() -> None:
    names = [f"2020-{month:02d}" for month in range(1, 61)]
    drawn = columns(names, [[Segment(1.0, "accent")]] * 60, "Sixty months")
    assert drawn.count("<text") <= 7
