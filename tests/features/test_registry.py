"""The registry: one entry a feature, found by its columns, told on one page."""

from __future__ import annotations

from collections import Counter

from features.cutoff import Cutoff
from features.frame import FrameSpec
from features.registry import FEATURES, ageing, find, pools

SPEC = FrameSpec(Cutoff(), ("e-mail", "Site visit", "touches", "near own team"), ("si", "isv"), ("segment", "x_dose"))


def columns(level: str) -> list[str]:
    return [name for feature in FEATURES if feature.level == level for name in feature.columns(SPEC.families)]


def test_every_column_has_one_feature() -> None:
    for level in ("base", "member"):
        assert max(Counter(columns(level)).values()) == 1


def test_a_member_column_is_found_by_its_name_whatever_the_kinds_are_called() -> None:
    for feature in FEATURES:
        if feature.level == "member":
            assert [find(name) for name in feature.columns(SPEC.families)] == [feature] * len(
                feature.columns(SPEC.families)
            )


def test_columns_that_are_not_registered_are_not_pooled() -> None:
    made = pools(["deal_id", "partner_id", "partner_type", "my_own", "touches", "dose_of_e_mail"])
    assert made == {
        "touches_sum": ("touches", "sum"),
        "touches_max": ("touches", "max"),
        "dose_of_e_mail_sum": ("dose_of_e_mail", "sum"),
    }


def test_what_can_be_summed_is_a_whole_number_with_a_unit() -> None:
    for feature in FEATURES:
        assert feature.unit
        assert feature.meaning.endswith(".")
        if feature.sums:
            assert not feature.unit.startswith(("days", "share")), feature.name


def test_what_grows_with_a_deals_life_is_named() -> None:
    steady = ("touches_per_30_days_sum", "own_early_dose", "segment", "partners", "x_touches", "past_deals_max")
    growing = ("touches_sum", "own_dose", "dose_of_e_mail_sum", "deal_age_days", "stage_at_cutoff", "span_days_max")
    assert ageing([*steady, *growing]) == growing
