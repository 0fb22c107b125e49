"""Clauses as numbers: how many of each actor, status and class, for trees that split on counts."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.assist.syntax_actors import PARTNERISH
from features.assist.syntax_classes import WORDS, act_class
from features.assist.syntax_clauses import Clause

GROUPS = {
    "PARTNER": "partner",
    "PARTNER_SELF": "partner_self",
    "OTHER_PARTNER": "other_partner",
    "GENERIC": "generic",
    "THEY": "they",
    "WE": "we",
    "I_WE": "i_we",
    "YOU": "you",
    "CUSTOMER": "customer",
    "RIVAL": "rival",
    "NAME": "name",
    "SOMEBODY": "somebody",
    "NOBODY": "nobody",
    "NONE": "none",
    "IT": "thing",
    "OTHER": "thing",
}
STATUSES = ("happened", "present", "planned", "denied", "conditional", "asked", "open")
ROUTES = ("subject", "by", "through", "with", "from", "without", "thanks", "owner", "cleft", "notcleft", "relative")
MARKS = ("joint", "contrast", "reported", "hedged", "counterfactual", "passive", "progressive")
ANY_PARTNER = PARTNERISH - {"RIVAL"}


def dense_names() -> list[str]:
    """Names of the columns of ``counts``, in their order."""
    actors = tuple(dict.fromkeys(GROUPS.values()))
    return [
        *(f"n_{who}_{status}" for who in actors for status in STATUSES),
        *(f"n_any_partner_{status}" for status in STATUSES),
        *(f"n_any_partner_{kind}_happened" for kind in (*WORDS, "other")),
        *(f"n_any_partner_by_{route}" for route in ROUTES),
        *(f"n_any_partner_{mark}" for mark in MARKS),
        "n_any_partner_for_others",
        "n_any_partner_as_object",
        "n_clauses",
    ]


COLUMNS = tuple(dense_names())


def counts(clauses: Sequence[Clause]) -> NDArray[np.float32]:
    """Counts of clauses of one utterance, shape (columns,), as ``dense_names`` lists them."""
    row = dict.fromkeys(COLUMNS, 0.0)
    for clause in clauses:
        _count(row, f"n_{GROUPS[clause.actor]}_{clause.status}")
        if clause.actor in ANY_PARTNER:
            _count_partner(row, clause)
        if clause.object in ANY_PARTNER or clause.target in ANY_PARTNER:
            _count(row, "n_any_partner_as_object")
        _count(row, "n_clauses")
    return np.fromiter(row.values(), np.float32, len(row))


def _count_partner(row: dict[str, float], clause: Clause) -> None:
    _count(row, f"n_any_partner_{clause.status}")
    _count(row, f"n_any_partner_by_{clause.route}")
    kind = act_class(clause.act)
    if clause.status in {"happened", "present"}:
        _count(row, f"n_any_partner_{kind}_happened")
    if clause.object in {"WE", "CUSTOMER", "YOU", "I_WE"} or clause.target in {"WE", "CUSTOMER", "YOU", "I_WE"}:
        _count(row, "n_any_partner_for_others")
    marks = (clause.joint, clause.mood.contrast, clause.mood.reported, clause.mood.hedged, clause.mood.counterfactual)
    for mark, holds in zip(MARKS, (*marks, clause.mood.passive, clause.mood.progressive), strict=True):
        if holds:
            _count(row, f"n_any_partner_{mark}")


def _count(row: dict[str, float], name: str) -> None:
    if name in row:
        row[name] += 1.0
