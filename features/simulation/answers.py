"""The truth of a simulated company as tables: who really moved which deal, and by how much."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.simulation.company import Company
from features.simulation.text import taken
from features.simulation.vocabulary import PARTNER_KINDS, SEGMENTS
from features.tables import DIRECT


def answers(company: Company) -> dict[str, pd.DataFrame]:
    """``credits``, ``partners``, ``deals`` and ``pairs`` of the closed deals.

    Returns
    -------
    ``credits`` : One row per closed deal x player: ``deal_id``, ``partner_id`` (``__direct__`` for the own team),
        ``credit`` (probability), ``share`` (of the deal's win probability), ``dose`` (NaN for the own team).
    ``partners`` : One row per partner: ``partner_id``, ``name``, ``partner_type``, ``role``, ``effect_<segment>``
        (log-odds of a full dose), ``deals`` and ``won_deals`` with a touch before close, ``credit`` (sum over closed
        deals, in wins), ``won_share`` (sum of shares of won deals).
    ``deals`` : One row per closed deal: ``deal_id``, ``outcome``, ``win_probability``, ``direct_probability``,
        ``hidden_quality``, ``died_early``.
    ``pairs`` : One row per two partners that change each other's effect and met: ``partner_id``,
        ``other_partner_id``, ``synergy`` (log-odds of two full doses), ``only_together``, ``deals``.
    """
    credited = _credits(company)
    return {
        "credits": credited,
        "partners": _partners(company, credited),
        "deals": _deals(company),
        "pairs": _pairs(company),
    }


def _credits(company: Company) -> pd.DataFrame:
    deals, ids = company.deals, company.partners.frame["partner_id"].to_numpy()
    rows = company.credits.merge(company.doses, on=["deal", "partner"], how="left")
    rows = rows[(deals["outcome"] != "open").to_numpy()[rows["deal"]]].reset_index(drop=True)
    partner = rows["partner"].to_numpy()
    return pd.DataFrame(
        {
            "deal_id": deals["deal_id"].to_numpy()[rows["deal"]],
            "partner_id": np.where(partner < 0, DIRECT, ids[partner]),
            "credit": rows["credit"],
            "share": rows["credit"] / deals["probability"].to_numpy()[rows["deal"]],
            "dose": rows["dose"],
        }
    )


def _partners(company: Company, credited: pd.DataFrame) -> pd.DataFrame:
    frame = company.partners.frame
    won = set(company.deals.loc[company.deals["outcome"] == "won", "deal_id"])
    rows = credited.assign(is_won=credited["deal_id"].isin(won))
    rows = rows.assign(won_share=rows["share"].where(rows["is_won"], 0.0))
    sums = rows.groupby("partner_id").agg(
        deals=("deal_id", "size"), won_deals=("is_won", "sum"), credit=("credit", "sum"), won_share=("won_share", "sum")
    )
    effects = {f"effect_{name}": company.partners.effect[:, i] for i, name in enumerate(SEGMENTS)}
    kinds = taken([kind.name for kind in PARTNER_KINDS], frame["kind"])
    table = frame[["partner_id", "name"]].assign(partner_type=kinds, role=frame["role"], **effects)
    table = table.merge(sums, left_on="partner_id", right_index=True, how="left")
    counts = table[["deals", "won_deals"]].fillna(0).astype("int64")
    return table.assign(**counts, credit=table["credit"].fillna(0.0), won_share=table["won_share"].fillna(0.0))


def _deals(company: Company) -> pd.DataFrame:
    own = company.credits.loc[company.credits["partner"] < 0].set_index("deal")["credit"]
    deals = company.deals
    table = pd.DataFrame(
        {
            "deal_id": deals["deal_id"],
            "outcome": deals["outcome"],
            "win_probability": deals["probability"],
            "direct_probability": own.reindex(deals.index),
            "hidden_quality": deals["quality"],
            "died_early": deals["died_early"],
        }
    )
    return table[table["outcome"] != "open"].reset_index(drop=True)


def _pairs(company: Company) -> pd.DataFrame:
    ids = company.partners.frame["partner_id"].to_numpy()
    closed = (company.deals["outcome"] != "open").to_numpy()
    rows = company.doses.loc[closed[company.doses["deal"]], ["deal", "partner"]]
    met = rows.merge(rows, on="deal", suffixes=("", "_other"))
    met = met[met["partner"] < met["partner_other"]]
    counts = met.groupby(["partner", "partner_other"], as_index=False).size()
    first, other = counts["partner"].to_numpy(), counts["partner_other"].to_numpy()
    role = company.partners.frame["role"].to_numpy()
    table = pd.DataFrame(
        {
            "partner_id": ids[first],
            "other_partner_id": ids[other],
            "synergy": company.partners.synergy[first, other],
            "only_together": (role[first] == "only_in_pairs") & (role[other] == "only_in_pairs"),
            "deals": counts["size"],
        }
    )
    return table[table["synergy"] != 0].reset_index(drop=True)
