"""Rows that cannot be used, planted on purpose, and the list of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pandas as pd

from features.simulation.partners import record_id

Frames = dict[str, pd.DataFrame]

REFUSED: Final = "refused"
SKIPPED: Final = "skipped"


@dataclass(frozen=True)
class Soiled:
    """Exports with bad rows in them.

    ``planted`` has one row per kind of fault: ``system`` (``crm`` or ``prm``), ``file``, ``fault``, ``rows``, and
    ``expected``: ``refused`` (each row must be rejected) or ``skipped`` (deleted in the source; must not come in).
    """

    crm: Frames
    prm: Frames
    planted: pd.DataFrame


def soiled(crm: Frames, prm: Frames) -> Soiled:
    """Copies of the exports with about one bad row of each kind for every two thousand deals, three at least.

    Bad rows are added; every good row stays.
    """
    n = max(3, len(crm["Opportunity"]) // 2000)
    deals, tasks, costs = crm["Opportunity"], crm["Task"], prm["costs"]
    late = deals.tail(n).assign(Id=_new_ids("006", n, 1), CloseDate="2019-12-31", IsClosed=True, IsWon=False)
    strange = deals.head(n).assign(Id=_new_ids("006", n, 2), CurrencyIsoCode="XQZ")
    negative = deals.head(n).assign(Id=_new_ids("006", n, 3), Amount=-1.0)
    deleted = deals.head(n).assign(Id=_new_ids("006", n, 4), IsDeleted=True)
    lost = tasks.head(n).assign(Id=_new_ids("00T", n, 1), WhatId=_new_ids("006", n, 5))
    orphans = tasks.head(n).assign(Id=_new_ids("00T", n, 2), WhatId=deleted["Id"].to_numpy())
    binned = tasks.head(n).assign(Id=_new_ids("00T", n, 3), IsDeleted=True)
    plan = [
        ("crm", "Opportunity", "closed before it was created", late, REFUSED),
        ("crm", "Opportunity", "unknown currency", strange, REFUSED),
        ("crm", "Opportunity", "negative amount", negative, REFUSED),
        ("crm", "Opportunity", "exact duplicate", deals.head(n), REFUSED),
        ("crm", "Opportunity", "deleted in the source", deleted, SKIPPED),
        ("crm", "Task", "for an unknown deal", lost, REFUSED),
        ("crm", "Task", "for a deleted deal", orphans, REFUSED),
        ("crm", "Task", "exact duplicate", tasks.tail(n), REFUSED),
        ("crm", "Task", "deleted in the source", binned, SKIPPED),
        ("prm", "costs", "unknown currency", costs.head(n).assign(currency="XQZ"), REFUSED),
        ("prm", "outcomes", "exact duplicate", prm["outcomes"].head(n), REFUSED),
    ]
    frames = {"crm": dict(crm), "prm": dict(prm)}
    for system, file, _, rows, _ in plan:
        frames[system][file] = pd.concat([frames[system][file], rows], ignore_index=True)
    planted = pd.DataFrame(
        [(system, file, fault, len(rows), expected) for system, file, fault, rows, expected in plan],
        columns=["system", "file", "fault", "rows", "expected"],
    )
    return Soiled(frames["crm"], frames["prm"], planted)


def _new_ids(prefix: str, n: int, block: int) -> list[str]:
    """Ids that no good row has."""
    return [record_id(prefix, 800_000_000_000 + 1_000_000 * block + i) for i in range(n)]
