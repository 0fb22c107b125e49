"""The frames of a workspace's closed deals, in memory, in the order of their ids."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np
import pandas as pd

from features.cutoff import Cutoff
from features.frame import FrameSpec, base, frame_spec, members
from features.inputs import Inputs, inputs_from
from pipelines.provenance import data_fingerprint
from pipelines.workspace import Workspace

INPUT_TABLES: Final = tuple(field.name for field in fields(Inputs))


@dataclass(frozen=True)
class Frames:
    """What models are fitted on.

    Attributes
    ----------
    base : a row a closed deal that reached its cutoff, sorted by ``deal_id``.
    members : a row a deal x partner known at the cutoff, sorted by ``deal_id`` and ``partner_id``.
    money : indexed as ``base``: ``currency`` and ``fx_rate`` of each deal.
    spec : how they were built.
    fingerprint : hash of the input tables.
    """

    base: pd.DataFrame
    members: pd.DataFrame
    money: pd.DataFrame
    spec: FrameSpec
    fingerprint: str


def read_frames(workspace: Workspace, built_by: Cutoff | FrameSpec, ignore: tuple[str, ...] = ()) -> Frames:
    """Builds the frames by a spec, or by what the data ask for at a cutoff, without the covariates in ``ignore``.

    Raises ``ValueError`` when the workspace lacks a column that the spec names.
    """
    with workspace.connect() as connection:
        inputs = inputs_from(connection)
        spec = built_by if isinstance(built_by, FrameSpec) else frame_spec(inputs, built_by)
        spec = replace(spec, covariates=tuple(name for name in spec.covariates if name not in ignore))
        missing = [name for name in spec.covariates if name not in inputs.deals.columns]
        if missing:
            raise ValueError(f"The deals of {workspace.root} have no column {', '.join(missing)}.")
        deals = base(inputs, spec).execute().sort_values("deal_id", ignore_index=True)
        partners = members(inputs, spec).execute().sort_values(["deal_id", "partner_id"], ignore_index=True)
        money = inputs.deals.select("deal_id", "currency", "fx_rate").execute().set_index("deal_id")
        fingerprint = data_fingerprint(connection, INPUT_TABLES)
    return Frames(deals, partners, money.reindex(deals["deal_id"]).set_index(deals.index), spec, fingerprint)


def comparable_amounts(frames: Frames) -> tuple[pd.Series, str]:
    """Amounts of the deals in one currency, NaN where there is none, and which currency, in words.

    In the deals' own currency when they share one; converted by ``fx_rate`` where most deals have one; else only those
    in the most frequent currency.
    """
    amount, money = frames.base["amount"].astype("float64"), frames.money
    named = money["currency"][amount.notna()].dropna()
    if len(set(named)) <= 1:
        return amount, str(named.iloc[0]) if len(named) else "the deals' currency"
    if money["fx_rate"][amount.notna()].notna().mean() > 0.5:
        return amount * money["fx_rate"].astype("float64"), "the report currency"
    main = str(named.value_counts().sort_index().idxmax())
    return amount.where(money["currency"] == main, np.nan), main
