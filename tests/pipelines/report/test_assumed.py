from __future__ import annotations

from dataclasses import replace

import pytest

from features.shown import Interval
from pipelines.report.assumed import assumed, kept_sentence, selection_sentence
from pipelines.report.views import Assumed, Kept, ModelQuality

KEPT = Kept(part=0.8, deviation=0.1, without_hidden=0.9, with_equal=0.7)
QUALITY = ModelQuality(
    version="v1", verdict=(), n_test=20, has_signal=True, beats_baselines=True, models=(), metrics=(), calibration=(),
    importance=(), leaks=(), notes=(), amount=(), facts=(), kept=KEPT,
)  # fmt: skip
FOUND = Assumed(wins=8.0, interval=Interval(6.0, 10.0), face_value=10.0, without_hidden=9.0, with_equal=7.0)


def test_credited_wins_follow_the_part_that_partners_would_keep() -> None:
    found = assumed(8.0, QUALITY, "model", "v1")
    assert found is not None
    assert (found.wins, found.face_value, found.without_hidden, found.with_equal) == pytest.approx(
        (8.0, 10.0, 9.0, 7.0)
    )
    assert (found.interval.lo, found.interval.hi) == pytest.approx((8.0 - 1.96, 8.0 + 1.96), abs=1e-3)


def test_negative_wins_keep_the_ends_of_their_interval_in_order() -> None:
    found = assumed(-8.0, QUALITY, "model", "v1")
    assert found is not None
    assert found.interval.lo < found.interval.hi


@pytest.mark.parametrize(
    ("quality", "method", "model"),
    [
        (None, "model", "v1"),
        (QUALITY, "model", "v2"),
        (QUALITY, "model", "v1, v2"),
        (QUALITY, "shap", "v1"),
        (replace(QUALITY, kept=None), "model", "v1"),
        (replace(QUALITY, kept=Kept(1.0, 0.0, 1.0, 1.0)), "model", "v1"),
        (replace(QUALITY, kept=Kept(0.0, 0.1, 0.1, 0.0)), "model", "v1"),
    ],
)
def test_nothing_is_said_of_credit_that_another_model_computed_or_that_was_not_adjusted(
    quality: ModelQuality | None, method: str, model: str
) -> None:
    assert assumed(8.0, quality, method, model) is None


def test_sentence_gives_face_value_credit_and_both_other_assumptions() -> None:
    assert selection_sentence(FOUND, 1) == (
        "At face value partners would have 10.0 wins; 2.0 are taken off, because they also join deals that look good "
        "by themselves. If no hidden reason drew them to good deals, 9.0 would stay; if hidden reasons drew them as "
        "strongly as recorded ones, 7.0."
    )


def test_sentence_says_when_wins_are_added_or_nothing_changes() -> None:
    assert "2.0 are added, because they also join deals that look worse" in selection_sentence(
        replace(FOUND, face_value=6.0), 1
    )
    assert "nothing is taken off" in selection_sentence(replace(FOUND, face_value=8.04), 1)


def test_sentence_of_the_model_speaks_of_parts() -> None:
    said = kept_sentence(KEPT)
    assert said.startswith(
        "Partners keep 80% of what coincides with them (standard deviation by the sampling of deals: 10%)"
    )
    assert said.endswith(
        "keep 90% if nothing unrecorded drew them to good deals, and 70% if that drew them as strongly "
        "as what is recorded."
    )
