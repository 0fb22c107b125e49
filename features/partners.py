"""Features of who the partner is, and of how it stood with the account at the deal's cutoff."""

from __future__ import annotations

from typing import Final

import ibis
import ibis.expr.types as ir

UNLISTED: Final = "unknown"
"""Type of a partner that has touches but no row in ``partners``."""


def listed(partners: ir.Table) -> ir.Table:
    """What ``partners`` says of each: ``partner_id``, ``listed_type``, ``listed_tier``."""
    return partners.select("partner_id", listed_type="partner_type", listed_tier="tier")


def installed(integrations: ir.Table, members: ir.Table) -> ir.Table:
    """The members whose product was installed at the account at the cutoff: ``deal_id``, ``partner_id``, ``installed``.

    Installed at or before the cutoff, and removed after it or never. ``members`` has ``deal_id``, ``partner_id``,
    ``account_id``, ``cutoff_at``.
    """
    wanted = members.select("deal_id", "partner_id", "account_id", "cutoff_at")
    joined = wanted.inner_join(integrations, ["account_id", "partner_id"])
    still_there = joined.removed_at.isnull() | (joined.removed_at > joined.cutoff_at)
    there = joined.filter(joined.installed_at <= joined.cutoff_at, still_there)
    return there.select("deal_id", "partner_id").distinct().mutate(installed=ibis.literal(1, "int64"))


def registrations(leads: ir.Table, members: ir.Table) -> ir.Table:
    """Leads of the partner registered for the deal by its cutoff: ``deal_id``, ``partner_id``, ``leads``."""
    wanted = members.select("deal_id", "partner_id", "cutoff_at")
    joined = wanted.inner_join(leads.filter(leads.direction == "from_partner"), ["deal_id", "partner_id"])
    registered = joined.filter(joined.registered_at <= joined.cutoff_at)
    return registered.group_by("deal_id", "partner_id").aggregate(leads=registered.count())


def partner_type(row: ir.Table) -> ir.StringColumn:
    """The partner's type, ``unknown`` for a partner that is not listed."""
    return ibis.coalesce(row.listed_type, UNLISTED)


def tier(row: ir.Table) -> ir.StringColumn:
    """The partner's programme tier; null when it has none."""
    return row.listed_tier


def partners_by(row: ir.Table, wanted: str) -> ir.IntegerColumn:
    """1 for a partner of the given type, else 0."""
    return (partner_type(row) == wanted).ifelse(ibis.literal(1, "int64"), ibis.literal(0, "int64"))


def of_tier(row: ir.Table, wanted: tuple[str, ...]) -> ir.IntegerColumn:
    """1 for a partner of one of the given tiers, else 0."""
    is_one = row.listed_tier.isin(wanted).fill_null(ibis.literal(value=False))
    return is_one.ifelse(ibis.literal(1, "int64"), ibis.literal(0, "int64"))


def dose_by(row: ir.Table, wanted: str) -> ir.IntegerColumn:
    """The partner's dose if it is of the given type, else 0."""
    return (partner_type(row) == wanted).ifelse(row.dose, ibis.literal(0, "int64"))


def has_integration(row: ir.Table) -> ir.IntegerColumn:
    """1 when the partner's product was installed at the account, else 0."""
    return row.installed.fill_null(0)


def registered_leads(row: ir.Table) -> ir.IntegerColumn:
    """Leads that the partner had registered for the deal."""
    return row.leads.fill_null(0)
