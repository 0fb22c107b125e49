"""The company's partner portal: partners, what they cost, leads, installed products and how customers fared.

The frames are canonical tables, as a portal's scheduled export would give them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.simulation.company import Company
from features.simulation.deals import DAY, START, export_second
from features.simulation.people import domains
from features.simulation.text import taken, time_text, where
from features.simulation.vocabulary import CURRENCIES, PARTNER_KINDS, SOURCES, TIERS

INTENTS = {"reseller": "resale", "distributor": "resale", "referral": "referral", "msp": "delivery", "si": "delivery"}
YEARLY_COST = (60_000.0, 30_000.0, 12_000.0, 3_000.0)
"""What the programme pays for a partner of each tier in a year, US dollars."""


def portal(company: Company) -> dict[str, pd.DataFrame]:
    """Canonical table name -> rows."""
    rng = np.random.default_rng([company.seed, 200])
    return {
        "partners": _partners(company),
        "partner_aliases": _aliases(company),
        "costs": pd.concat([_programme_costs(company, rng), _margins(company, rng)], ignore_index=True),
        "leads": _leads(company, rng),
        "integrations": _integrations(company, rng),
        "outcomes": _outcomes(company, rng),
    }


def _kind_names(company: Company) -> np.ndarray:
    return np.array([PARTNER_KINDS[k].name for k in company.partners.frame["kind"]], dtype=object)


def _partners(company: Company) -> pd.DataFrame:
    frame = company.partners.frame
    joined = START + (frame["joins"].to_numpy() * company.settings.years * 365 * DAY).astype(np.int64)
    return pd.DataFrame(
        {
            "partner_id": frame["partner_id"],
            "name": frame["name"],
            "partner_type": _kind_names(company),
            "tier": frame["tier"],
            "intent": [INTENTS.get(kind, "co_sell") for kind in _kind_names(company)],
            "joined_at": time_text(joined),
            "domains": domains(company),
        }
    )


def _aliases(company: Company) -> pd.DataFrame:
    frame = company.partners.frame
    return pd.DataFrame({"partner_id": frame["partner_id"], "alias": frame["name"].str.split().str[0]})


def _programme_costs(company: Company, rng: np.random.Generator) -> pd.DataFrame:
    """A programme line and a funds line a quarter for each partner, in US dollars."""
    frame = company.partners.frame
    quarters = np.arange(company.settings.years * 4)
    partner, quarter = (a.ravel() for a in np.meshgrid(np.arange(len(frame)), quarters, indexing="ij"))
    yearly = np.array([YEARLY_COST[TIERS.index(tier)] for tier in frame["tier"]])[partner]
    lines = []
    for kind, part in (("program", 0.6), ("funds", 0.4)):
        amount = (yearly / 4 * part * rng.lognormal(0.0, 0.2, len(partner))).round(2)
        lines.append(
            pd.DataFrame(
                {
                    "partner_id": frame["partner_id"].to_numpy()[partner],
                    "kind": kind,
                    "amount": amount,
                    "currency": "USD",
                    "incurred_at": time_text(START + (quarter * 91 + 45) * DAY),
                    "deal_id": None,
                    "borne_by": "vendor",
                }
            )
        )
    return pd.concat(lines, ignore_index=True)


def _on_won_deals(company: Company) -> pd.DataFrame:
    """``deal``, ``partner`` of won deals, partners with a touch before close."""
    is_won = (company.deals["outcome"] == "won").to_numpy()
    return company.doses.loc[is_won[company.doses["deal"]], ["deal", "partner"]].reset_index(drop=True)


def _margins(company: Company, rng: np.random.Generator) -> pd.DataFrame:
    """Resale margin of 8 to 15 % on won deals with a reseller, distributor or MSP, in the deal's currency."""
    pairs = _on_won_deals(company)
    resells = np.isin(_kind_names(company), ("reseller", "distributor", "msp"))
    pairs = pairs[resells[pairs["partner"]]].drop_duplicates("deal")
    deals = company.deals.iloc[pairs["deal"]]
    return pd.DataFrame(
        {
            "partner_id": company.partners.frame["partner_id"].to_numpy()[pairs["partner"]],
            "kind": "margin",
            "amount": (deals["amount"].to_numpy() * rng.uniform(0.08, 0.15, len(pairs))).round(2),
            "currency": taken(CURRENCIES, deals["region"]),
            "incurred_at": time_text(deals["closed"].to_numpy()),
            "deal_id": deals["deal_id"].to_numpy(),
            "borne_by": "vendor",
        }
    )


def _leads(company: Company, rng: np.random.Generator) -> pd.DataFrame:
    """One lead from a partner before each deal that a partner referred, and as many that came to nothing."""
    deals = company.deals
    referred = np.flatnonzero(deals["source"].to_numpy() == SOURCES.index("Partner Referral"))
    first = company.doses.drop_duplicates("deal").set_index("deal")["partner"].reindex(referred).dropna().astype(int)
    deal, partner = first.index.to_numpy(), first.to_numpy()
    idle = rng.integers(0, len(company.partners.frame), len(deal))
    given = deals["created"].to_numpy()[deal] - (rng.uniform(1, 20, len(deal)) * DAY).astype(np.int64)
    account = company.accounts["account_id"].to_numpy()
    empty = np.full(len(deal), None, dtype=object)
    unanswered = rng.random(len(deal)) < 0.5
    return pd.DataFrame(
        {
            "lead_id": [f"L{i + 1:06d}" for i in range(2 * len(deal))],
            "direction": np.where(np.arange(2 * len(deal)) % 20 == 0, "to_partner", "from_partner"),
            "partner_id": company.partners.frame["partner_id"].to_numpy()[np.concatenate([partner, idle])],
            "account_id": np.concatenate([account[deals["account"].to_numpy()[deal]], rng.choice(account, len(deal))]),
            "deal_id": np.concatenate([deals["deal_id"].to_numpy()[deal], empty]),
            "given_at": time_text(np.concatenate([given, given])),
            "accepted_at": np.concatenate(
                [time_text(given + DAY).astype(object), where(~unanswered, time_text(given + 3 * DAY))]
            ),
            "registered_at": np.concatenate([time_text(given + DAY).astype(object), empty]),
            "expires_at": np.concatenate([time_text(given + 181 * DAY).astype(object), empty]),
        }
    )


def _integrations(company: Company, rng: np.random.Generator) -> pd.DataFrame:
    """Products of software and cloud partners, installed after some of the won deals they worked on."""
    pairs = _on_won_deals(company)
    has_product = np.isin(_kind_names(company), ("isv", "hyperscaler"))
    pairs = pairs[has_product[pairs["partner"]] & (rng.random(len(pairs)) < 0.6)]
    account = company.deals["account"].to_numpy()[pairs["deal"]]
    installed = company.deals["closed"].to_numpy()[pairs["deal"]] + rng.integers(10, 60, len(pairs)) * DAY
    removed = installed + rng.integers(60, 500, len(pairs)) * DAY
    export = export_second(company.settings)
    is_removed = (rng.random(len(pairs)) < 0.15) & (removed < export)
    rows = pd.DataFrame(
        {
            "account_id": company.accounts["account_id"].to_numpy()[account],
            "partner_id": company.partners.frame["partner_id"].to_numpy()[pairs["partner"]],
            "installed_at": time_text(installed),
            "removed_at": where(is_removed, time_text(removed)),
        }
    )
    return rows[installed < export].drop_duplicates(["account_id", "partner_id", "installed_at"], ignore_index=True)


def _outcomes(company: Company, rng: np.random.Generator) -> pd.DataFrame:
    """Satisfaction ninety days after a won deal and, a year after, whether the customer stayed.

    Customers for whom a partner worked after the close are a little happier; the partner is named.
    """
    deals = company.deals[company.deals["outcome"] == "won"]
    after = company.touches[company.touches["occurred"] > company.deals["closed"].to_numpy()[company.touches["deal"]]]
    helper = after.drop_duplicates("deal").set_index("deal")["partner"].reindex(deals.index)
    is_helped = helper.notna().to_numpy()
    ids = company.partners.frame["partner_id"].to_numpy()
    mood = deals["quality"].to_numpy() * 0.3 + 0.5 * is_helped + rng.standard_normal(len(deals))
    measures = {
        "csat": (np.clip(np.round(3.6 + 0.6 * mood), 1, 5), 90),
        "nps": (np.clip(np.round(7.0 + 1.5 * mood), 0, 10), 90),
        "churned": ((rng.random(len(deals)) < 1 / (1 + np.exp(1.8 + 0.5 * mood))).astype(float), 365),
    }
    parts = []
    for metric, (value, days) in measures.items():
        observed = deals["closed"].to_numpy() + days * DAY
        rows = pd.DataFrame(
            {
                "account_id": company.accounts["account_id"].to_numpy()[deals["account"]],
                "deal_id": deals["deal_id"].to_numpy(),
                "partner_id": where(is_helped, ids[helper.fillna(0).astype(int)]),
                "metric": metric,
                "value": value,
                "observed_at": time_text(observed),
            }
        )
        parts.append(rows[observed < export_second(company.settings)])
    return pd.concat(parts, ignore_index=True)
