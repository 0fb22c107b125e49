"""Features of the deal itself, whoever worked on it: its covariates, its age and how far it had come by its cutoff."""

from __future__ import annotations

from typing import Final

import ibis
import ibis.expr.types as ir

from features.portable import days, seconds
from features.tables import EXTRA_PREFIX

COVARIATES: Final = ("segment", "industry", "region", "deal_type", "source", "solution", "route")
"""Columns of ``deals`` that are taken as they are; ``stage`` and ``amount`` are not among them."""


def covariate_columns(deals: ir.Table) -> tuple[str, ...]:
    """Columns of ``deals`` that go into the model as they are: the known ones, and text or number columns ``x_...``."""
    extra = (name for name in deals.columns if name.startswith(EXTRA_PREFIX) and _is_usable(deals[name]))
    return (*COVARIATES, *sorted(extra))


def covariate(row: ir.Table, name: str) -> ir.Column:
    """A column of ``deals``; numbers and true/false as float, text as it is."""
    column = row[name]
    if column.type().is_boolean():
        return column.cast("int64").cast("float64")
    return column.cast("float64") if column.type().is_numeric() else column


def amount(row: ir.Table) -> ir.FloatingColumn:
    """The deal's amount in the frame's one currency; null when it is in another and has no rate."""
    return row.comparable_amount


def deal_age_days(row: ir.Table) -> ir.FloatingColumn:
    """Days from the deal's creation to its cutoff."""
    return days(seconds(row.cutoff_at) - seconds(row.created_at))


def cutoff_quarter(row: ir.Table) -> ir.IntegerColumn:
    """Calendar quarter (1..4, UTC) of the cutoff."""
    return row.cutoff_at.quarter().cast("float64").cast("int64")


def days_in_stage(row: ir.Table) -> ir.FloatingColumn:
    """Days since the deal entered its stage at the cutoff; null without a stage."""
    return days(seconds(row.cutoff_at) - seconds(row.stage_entered_at))


def stages_entered(row: ir.Table) -> ir.IntegerColumn:
    """Distinct stages entered strictly before the cutoff; null for a deal without a stage history."""
    return row.n_stages


def stage_at_cutoff(row: ir.Table) -> ir.StringColumn:
    """The stage entered last, strictly before the cutoff; of two at the same moment the last by name."""
    return row.stage_then


def stage_progress(stage_history: ir.Table, cutoffs: ir.Table) -> ir.Table:
    """Stages before the cutoff: ``deal_id``, ``n_stages``, ``stage_then``, ``stage_entered_at``.

    Strictly before, since the entry into a closed stage at the close is the outcome itself.
    """
    dated = stage_history.inner_join(cutoffs.select("deal_id", "cutoff_at"), "deal_id")
    entered = dated.filter(dated.entered_at < dated.cutoff_at)
    return entered.group_by("deal_id").aggregate(
        n_stages=entered.stage.nunique(),
        stage_then=entered.stage.argmax(ibis.struct({"at": entered.entered_at, "stage": entered.stage})),
        stage_entered_at=entered.entered_at.max(),
    )


def _is_usable(column: ir.Column) -> bool:
    dtype = column.type()
    return bool(dtype.is_numeric() or dtype.is_string() or dtype.is_boolean())


def deal_segment(row: ir.Table) -> ir.StringColumn:
    """The customer segment of the deal."""
    return row.segment_of_deal
