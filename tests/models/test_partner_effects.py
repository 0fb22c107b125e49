from __future__ import annotations

import numpy as np
import pandas as pd

from models.dose import TouchWeights
from models.partner_effects import PartnerEffects, structured_margin

LOG2 = float(np.log(2))
EFFECTS = PartnerEffects(
    intercept=-1.0,
    slope=1.0,
    common=0.4,
    by_type={"si": 0.5},
    by_partner={"P0": 2.0},
    by_segment={"si": {"large": 0.25}},
    touch_weights=TouchWeights({"touches_of_demo": LOG2}, rest=0.0),
    deviation_by_partner={"P0": 0.1},
    deviation_of_new=0.6,
)
"""A single demo is half a dose."""


def members(partners: list[str], types: list[str], segments: list[str | None]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "partner_id": partners,
            "partner_type": types,
            "deal_segment": segments,
            "touches": 1,
            "touches_of_demo": 1,
        }
    )


def test_unseen_partners_have_their_types_effect_and_unseen_types_the_common_one() -> None:
    rows = members(["P0", "P9", "P8"], ["si", "si", "isv"], [None] * 3)
    assert EFFECTS.of(rows).tolist() == [2.0, 0.5, 0.4]
    assert EFFECTS.encoded(rows).tolist() == [1_000_000, 250_000, 200_000]


def test_a_type_has_more_effect_in_some_segments() -> None:
    rows = members(["P0", "P0", "P8"], ["si", "si", "isv"], ["large", "small", "large"])
    assert EFFECTS.of(rows).tolist() == [2.25, 2.0, 0.4]


def test_effects_of_partners_that_were_not_seen_are_less_certain() -> None:
    rows = members(["P0", "P9"], ["si", "si"], [None, None])
    np.testing.assert_allclose(EFFECTS.deviations(rows), [0.05, 0.3])


def test_members_without_rows_are_encoded_to_nothing() -> None:
    assert EFFECTS.encoded(members([], [], [])).tolist() == []


def test_effects_survive_json() -> None:
    assert PartnerEffects.from_dict(EFFECTS.to_dict()) == EFFECTS


def test_the_structured_margin_adds_up() -> None:
    np.testing.assert_allclose(structured_margin(EFFECTS, np.array([0.5]), np.array([2.0])), [1.5])
