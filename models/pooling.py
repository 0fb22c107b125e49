"""One row a deal: base features with the members' features pooled beside them, as data frames."""

from __future__ import annotations

import ibis
import pandas as pd

from features.frame import join_base, pooled


def deal_frame(base: pd.DataFrame, members: pd.DataFrame, extra: tuple[str, ...] = ()) -> pd.DataFrame:
    """``base`` with the pooled features of its ``members`` and the sums of the ``extra`` member columns.

    Same rows, order and index as ``base``, whose ``deal_id`` must be unique; a deal without members has the features'
    declared empty values, and 0 in the extra columns.
    """
    engine = ibis.duckdb.connect()
    try:
        keys, rows = ibis.memtable(base[["deal_id"]]), ibis.memtable(_typed(members))
        joined = engine.execute(join_base(keys, pooled(rows, by=("deal_id",), extra=extra)))
    finally:
        engine.disconnect()
    by_deal: pd.DataFrame = joined.set_index("deal_id").reindex(base["deal_id"]).set_index(base.index)
    return pd.concat([base, by_deal], axis=1)


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """All-missing columns without a type as float, since the engine could not add them up."""
    untyped = [name for name in frame.columns if frame[name].dtype == object and frame[name].isna().all()]
    return frame.astype(dict.fromkeys(untyped, "float64")) if len(frame) else frame
