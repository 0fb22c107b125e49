"""The people of a simulated company, its customers and its partners, and who takes part in each touch."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from features.simulation.company import Company
from features.simulation.deals import DAY, N_OWNERS, START
from features.simulation.partners import record_id
from features.simulation.vocabulary import FIRST_NAMES, FUNCTIONS, LAST_NAMES

AT_PARTNER: Final = 4
"""People at each partner."""
AT_CUSTOMER: Final = 3
"""People at each customer."""


def contacts(company: Company, rng: np.random.Generator) -> pd.DataFrame:
    """People at partners, then at customers: their ids, organisations, names, e-mail, function and ``created``."""
    partner_ids = company.partners.frame["partner_id"].to_numpy()
    account_ids = company.accounts["account_id"].to_numpy()
    organisation = np.concatenate([np.repeat(partner_ids, AT_PARTNER), np.repeat(account_ids, AT_CUSTOMER)])
    domain = np.concatenate(
        [np.repeat(domains(company), AT_PARTNER), np.repeat(customer_domains(company), AT_CUSTOMER)]
    )
    n = len(organisation)
    first, last = rng.choice(FIRST_NAMES, n), rng.choice(LAST_NAMES, n)
    frame = pd.DataFrame({"contact_id": [record_id("003", i + 1) for i in range(n)], "organisation_id": organisation})
    names = pd.Series(first).str.lower() + "." + pd.Series(last).str.lower()
    return frame.assign(
        first_name=first,
        last_name=last,
        email=names + (pd.Series(np.arange(n) % 97)).astype(str) + "@" + pd.Series(domain),
        function=rng.choice(FUNCTIONS, n),
        created=START + rng.integers(0, 30 * DAY, n),
    )


def users() -> pd.DataFrame:
    """The own team: ``user_id``, ``first_name``, ``last_name``, one for each owner of deals."""
    return pd.DataFrame(
        {
            "user_id": [record_id("005", i + 1) for i in range(N_OWNERS)],
            "first_name": [FIRST_NAMES[i] for i in range(N_OWNERS)],
            "last_name": [LAST_NAMES[-1 - i] for i in range(N_OWNERS)],
        }
    )


def who(company: Company, people: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """The contact of each of the company's touches: the partner's person, or the customer's for the own team's."""
    partner = company.touches["partner"].to_numpy()
    account = company.deals["account"].to_numpy()[company.touches["deal"]]
    at_partner = partner * AT_PARTNER + rng.integers(0, AT_PARTNER, len(partner))
    first_customer = len(company.partners.frame) * AT_PARTNER
    at_customer = first_customer + account * AT_CUSTOMER + rng.integers(0, AT_CUSTOMER, len(partner))
    return people["contact_id"].to_numpy()[np.where(partner >= 0, at_partner, at_customer)]


def domains(company: Company) -> np.ndarray:
    """The e-mail domain of each partner."""
    names = company.partners.frame["name"].str.lower().str.replace(" ", "-", regex=False)
    return (names + ".example").to_numpy(dtype=object)


def customer_domains(company: Company) -> np.ndarray:
    """The e-mail domain of each customer."""
    return np.array([f"customer{i + 1}.example" for i in range(len(company.accounts))], dtype=object)
