"""The frames a model reads: ``base`` (a row per deal), ``members`` (per deal × partner), ``pooled``, and both joined.

All are Ibis expressions on the engine of their inputs; nothing is computed before ``execute``, and a caller that reads
one frame often should store it first. Rows come in no particular order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import ibis
import ibis.expr.types as ir

from features import deals as deal_features
from features import history, moments, partners, registry, touchpoints
from features.coalitions import COALITION
from features.cutoff import Cutoff, cutoffs
from features.inputs import Inputs
from features.money import AS_NAMED, Unit, comparable
from features.portable import whole_sum
from features.records import Records
from features.tables import JOURNEY_STAGES

MAX_KINDS: Final = 12
"""Touch kinds that have columns of their own; rarer ones still count in the totals."""
MAX_TIERS: Final = 8
"""Partner tiers that have columns of their own."""


@dataclass(frozen=True)
class FrameSpec:
    """What the columns of the frames are; kept with a model, so that scoring builds the features that it was fitted on.

    ``kinds``: touch kinds with columns of their own. ``partner_types``: the same for partner types. ``covariates``:
    columns of ``deals`` taken as they are. ``tiers``: partner tiers with columns of their own. ``unit``: the currency
    of ``amount``.
    """

    cutoff: Cutoff
    kinds: tuple[str, ...]
    partner_types: tuple[str, ...]
    covariates: tuple[str, ...]
    tiers: tuple[str, ...] = ()
    unit: Unit = AS_NAMED

    @property
    def families(self) -> dict[registry.Each, dict[str, Any]]:
        """For each family of features: label in the column's name, and what it stands for."""
        return {
            "kind": _by_label(self.kinds),
            "stage": {stage: stage for stage in JOURNEY_STAGES},
            "partner_type": {partner_type: partner_type for partner_type in self.partner_types},
            "tier": _by_label(self.tiers),
            "covariate": {name: name for name in self.covariates},
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "cutoff": self.cutoff.to_dict(),
            "unit": self.unit.to_dict(),
            **{n: list(getattr(self, n)) for n in _LISTS},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The spec that ``to_dict`` gave."""
        lists = {name: tuple(values[name]) for name in _LISTS}
        return cls(cutoff=Cutoff.from_dict(values["cutoff"]), unit=Unit(**values["unit"]), **lists)


_LISTS: Final = ("kinds", "partner_types", "covariates", "tiers")


def frame_spec(inputs: Inputs, cutoff: Cutoff, report_currency: str | None = None) -> FrameSpec:
    """The columns that the data ask for: its most frequent touch kinds, its partner types, its covariates.

    Kinds and types are counted over the touches known at the cutoffs, and tiers over the partners that made them (both
    tie by name). Amounts are converted to ``report_currency`` where it is given. This reads the data.
    """
    known = _touches(inputs, cutoff)
    by_kind = known.group_by("kind").aggregate(n=known.count())
    kinds = by_kind.order_by(by_kind.n.desc(), by_kind.kind).limit(MAX_KINDS).execute()["kind"]
    acting = known.filter(known.partner_id.notnull()).select("partner_id").distinct()
    typed = _beside(acting, partners.listed(inputs.partners), ("partner_id",))
    types = typed.select(partner_type=partners.partner_type(typed)).distinct().execute()["partner_type"]
    tiered = typed.filter(typed.listed_tier.notnull())
    by_tier = tiered.group_by("listed_tier").aggregate(n=tiered.count())
    tiers = by_tier.order_by(by_tier.n.desc(), by_tier.listed_tier).limit(MAX_TIERS).execute()["listed_tier"]
    return FrameSpec(
        cutoff,
        tuple(kinds),
        tuple(sorted(types)),
        deal_features.covariate_columns(inputs.deals),
        tuple(tiers),
        Unit.of(inputs.deals, report_currency),
    )


def base(inputs: Inputs, spec: FrameSpec, records: Records | None = None) -> ir.Table:
    """Base features: a row per closed deal that reached its cutoff, ``registry.KEYS`` first.

    For a deal without own-team touches the own team's sums are 0, and what they cannot tell is null. ``records`` are
    the past records of these deals where they are known already; they come from all deals, whichever are in ``inputs``.
    """
    row = _dated_deals(inputs, spec.cutoff)
    record = history.deal_history(history.closings(inputs.deals), row) if records is None else records.deals
    known = _touches(inputs, spec.cutoff)
    own = _aggregated(touchpoints.with_gaps(known.filter(known.partner_id.isnull())), ("deal_id",), "base", spec)
    amounts = comparable(inputs.deals, spec.unit)
    for facts in (deal_features.stage_progress(inputs.stage_history, row), record, own, amounts):
        row = _beside(row, facts, ("deal_id",))
    return row.select(*registry.KEYS, **_selected(row, "base", spec), **_own_columns(row, spec))


def members(inputs: Inputs, spec: FrameSpec, records: Records | None = None) -> ir.Table:
    """Member features: a row per deal and partner with a touch known at the cutoff, ``registry.MEMBER_KEYS`` first.

    A row depends on no other partner's touches on the deal. ``records`` as for ``base``.
    """
    known = touchpoints.with_nearness(_touches(inputs, spec.cutoff))
    partner_touches = touchpoints.with_gaps(known.filter(known.partner_id.notnull()))
    touched = _aggregated(partner_touches, ("deal_id", "partner_id"), "member", spec)
    deals = _dated_deals(inputs, spec.cutoff)
    # Two separate uses of the aggregate itself: so the engine gets it once, as a common table expression.
    asked = touched.select("deal_id", "partner_id").inner_join(
        deals.select("deal_id", "account_id", "cutoff_at"), "deal_id"
    )
    touch_names = [name for name in touched.columns if name not in registry.MEMBER_KEYS]
    row = touched
    for facts in _member_facts(inputs, deals, asked, records):
        row = _beside(row, facts, tuple(key for key in ("deal_id", "partner_id") if key in facts.columns))
    return row.select(*registry.MEMBER_KEYS, *touch_names, **_selected(row, "member", spec))


def pooled(members: ir.Table, by: tuple[str, ...] = ("deal_id",), extra: tuple[str, ...] = ()) -> ir.Table:
    """Members added up over each group of ``by``: ``partners`` (their number) and every pool of every member feature.

    ``members`` has registered member columns, further whole-number columns ``extra`` (of which ``<name>_sum`` is made)
    and any others, which are left out. A group without rows has no row: ``join_base`` fills it in.
    """
    made: dict[str, ir.Scalar] = {registry.COUNT: members.count()}
    for name, (column, pool) in registry.pools(c for c in members.columns if c not in extra).items():
        made[name] = whole_sum(members[column]) if pool == "sum" else getattr(members[column], pool)()
    made |= {f"{column}_sum": whole_sum(members[column]) for column in extra}
    return members.group_by(*by).aggregate(**made)


def join_base(base: ir.Table, pooled: ir.Table) -> ir.Table:
    """Base features with the pooled ones beside them, a row for each row of ``pooled`` and each deal without one.

    Where a deal has no row in ``pooled``, sums, counts and the coalition are 0, and minima and maxima are null.
    """
    joined = _beside(base, pooled, ("deal_id",))
    is_empty = joined[registry.COUNT].isnull()
    zeroed = {
        name: is_empty.ifelse(ibis.literal(0, "int64"), joined[name])
        for name in pooled.columns
        if name in {registry.COUNT, COALITION} or name.endswith("_sum")
    }
    return joined.mutate(**zeroed)


def _touches(inputs: Inputs, cutoff: Cutoff) -> ir.Table:
    dated = cutoffs(inputs.deals, inputs.stage_history, cutoff)
    return touchpoints.known_touches(inputs.touchpoints, dated, inputs.deals)


def _dated_deals(inputs: Inputs, cutoff: Cutoff) -> ir.Table:
    return inputs.deals.inner_join(cutoffs(inputs.deals, inputs.stage_history, cutoff), "deal_id")


def _aggregated(touches: ir.Table, keys: tuple[str, ...], level: registry.Level, spec: FrameSpec) -> ir.Table:
    prefix = registry.OWN if level == "base" else ""
    made = {
        prefix + name: feature.value(touches, *arguments)
        for feature in registry.features(level, "touches")
        for name, arguments in feature.columns(spec.families).items()
    }
    return touches.group_by(*keys).aggregate(**made)


def _selected(row: ir.Table, level: registry.Level, spec: FrameSpec) -> dict[str, ir.Column]:
    return {
        name: feature.value(row, *arguments)
        for feature in registry.features(level, "row")
        for name, arguments in feature.columns(spec.families).items()
    }


def _own_columns(row: ir.Table, spec: FrameSpec) -> dict[str, ir.Column]:
    is_absent = row[f"{registry.OWN}touches"].isnull()
    made = {}
    for feature in registry.features("base", "touches"):
        for name in feature.columns(spec.families):
            own = row[registry.OWN + name]
            made[registry.OWN + name] = is_absent.ifelse(ibis.literal(0, "int64"), own) if feature.sums else own
    return made


def _member_facts(inputs: Inputs, deals: ir.Table, asked: ir.Table, records: Records | None) -> list[ir.Table]:
    if records is None:
        overall = history.overall_history(history.closings(inputs.deals), deals)
        by_partner = history.partner_history(history.participations(inputs.deals, inputs.touchpoints), asked)
    else:
        overall = records.deals.select("deal_id", "overall_past_deals", "overall_past_wins")
        by_partner = records.partners
    return [
        deals.select("deal_id", "account_id", segment_of_deal="segment"),
        partners.listed(inputs.partners),
        overall,
        by_partner,
        partners.installed(inputs.integrations, asked),
        partners.registrations(inputs.leads, asked),
        moments.moment_totals(moments.known_moments(_standing(inputs), inputs.conversations, deals)),
    ]


def _standing(inputs: Inputs) -> ir.Table:
    return moments.standing_moments(inputs.moments, inputs.signals, inputs.judged_moments, inputs.reviews)


def _beside(left: ir.Table, right: ir.Table, keys: tuple[str, ...]) -> ir.Table:
    return left.left_join(right, list(keys)).drop(*(f"{key}_right" for key in keys))


def _by_label(kinds: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Kinds by their label in column names; those that differ only in case or punctuation share one."""
    labels: dict[str, tuple[str, ...]] = {}
    for kind in sorted(kinds):
        label = re.sub(r"\W+", "_", kind.lower()).strip("_") or "other"
        labels[label] = (*labels.get(label, ()), kind)
    return labels
