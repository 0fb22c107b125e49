from __future__ import annotations

import pytest

from features.cutoff import Cutoff
from features.frame import FrameSpec
from pipelines.config import Config
from pipelines.visible import left_out

NAMES = ("touches_sum", "early_dose_sum", "amount", "route", "cutoff_quarter", "overall_win_rate")


def seen(cutoff: Cutoff, partner_types: tuple[str, ...], ignore: tuple[str, ...] = ()) -> set[str]:
    config = Config.model_validate({"outcome": {"ignore": ignore}})
    return set(NAMES) - set(left_out(FrameSpec(cutoff, (), partner_types, ("route",)), config, NAMES))


def test_a_route_to_market_is_seen_only_where_no_partner_has_touches() -> None:
    assert "route" in seen(Cutoff(), ())
    assert "route" not in seen(Cutoff(), ("si",))


@pytest.mark.parametrize("cutoff", [Cutoff(), Cutoff("days_before_close", 7)])
def test_before_a_close_neither_its_date_nor_the_length_of_life_is_seen(cutoff: Cutoff) -> None:
    assert seen(cutoff, ("si",)) == {"early_dose_sum", "amount"}


def test_at_a_landmark_the_final_amount_is_not_seen() -> None:
    assert seen(Cutoff("age_days", 30), ("si",)) == {"touches_sum", "early_dose_sum", "cutoff_quarter"}


def test_what_is_ignored_is_not_seen() -> None:
    assert seen(Cutoff(), ("si",), ("amount",)) == {"early_dose_sum"}
