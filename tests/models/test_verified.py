"""Credit that people stand behind."""

from __future__ import annotations

from typing import Final

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.tables import DIRECT
from models.credit import credit_rows, players_of
from models.verified import verified_credit

DEALS: Final = pd.DataFrame({"deal_id": ["w", "l"], "outcome": ["won", "lost"], "amount": [100.01, 50.0]})
COLUMNS: Final = ["deal_id", "partner_id", "credit", "total", "credit_lo", "credit_hi"]


def wins(**credit: float) -> pd.DataFrame:
    """Model credit of both deals, alike; each bound is 0.1 away."""
    total = sum(credit.values())
    rows = [(d, p, c, total, c - 0.1, c + 0.1) for d in ("w", "l") for p, c in credit.items()]
    return pd.DataFrame(rows, columns=COLUMNS)


def claims(*backed: str, other: tuple[str, ...] = ()) -> pd.DataFrame:
    rows = [("w", name, "B", True) for name in backed] + [("w", name, "D", False) for name in other]
    return pd.DataFrame(rows, columns=["deal_id", "partner_id", "grade", "is_backed"])


def test_what_people_confirmed_stays_and_the_rest_is_the_own_teams() -> None:
    made = verified_credit(wins(p=0.2, q=0.1, __direct__=0.5), DEALS, claims("p", other=("q",)))
    assert made["deal_id"].unique().tolist() == ["w"]
    assert made.set_index("partner_id")["credit"].to_dict() == {"p": 0.25, "q": 0.0, DIRECT: 0.75}
    is_kept = made["partner_id"] == "p"
    assert made.loc[is_kept, ["credit_lo", "credit_hi"]].to_numpy().tolist() == [pytest.approx([0.125, 0.375])]
    assert made.loc[~is_kept, "credit_lo"].isna().all()


def test_without_any_judgement_all_is_the_own_teams() -> None:
    made = verified_credit(wins(p=0.2, __direct__=0.5), DEALS, claims(other=("p",)))
    assert made.set_index("partner_id")["credit"].to_dict() == {"p": 0.0, DIRECT: 1.0}
    assert verified_credit(wins(p=0.2, __direct__=-0.2), DEALS, claims("p"))["credit"].tolist() == [0.0, 1.0]


credits_ = st.floats(-0.4, 0.4, allow_subnormal=False)


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(p=credits_, q=credits_, own=st.floats(0.9, 1.0), backed=st.sets(st.sampled_from(["p", "q"])))
def test_shares_add_up_to_one_and_money_to_the_cent(p: float, q: float, own: float, backed: set[str]) -> None:
    made = verified_credit(wins(p=p, q=q, __direct__=own), DEALS, claims(*sorted(backed)))
    touches = pd.DataFrame({"deal_id": "w", "partner_id": ["p", "q"], "occurred_at": 0, "touchpoint_id": ["1", "2"]})
    rows = credit_rows(made, players_of(DEALS, touches), DEALS, "verified", "1")
    win, money = (rows[rows["target"] == target] for target in ("win", "amount"))
    assert win["share"].sum() == pytest.approx(1, rel=1e-12)
    assert round(money["credit"].sum() * 100) == 10_001
    assert (win.loc[~win["partner_id"].isin({*backed, DIRECT}), "credit"] == 0).all()
