"""The one list of features: name, level, unit, meaning and how each is pooled.

To add a feature, write one function in the room that it belongs to (``touchpoints``, ``deals``, ``partners``,
``history``, ``moments``) and one entry here; ``features/frame.py`` builds whatever stands in the list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import ibis.expr.types as ir

from features import deals, history, moments, partners, touchpoints

Level = Literal["base", "member", "pooled"]
Pool = Literal["sum", "min", "max"]
Each = Literal["kind", "stage", "partner_type", "tier", "covariate"]

KEYS: Final = ("deal_id", "account_id", "outcome", "closed_at", "cutoff_at")
"""Columns of ``base`` that identify a deal or tell its end: never features."""

MEMBER_KEYS: Final = ("deal_id", "account_id", "partner_id")
"""Columns of ``members`` that identify a row: never features."""

OWN: Final = "own_"
"""Prefix of the own team's features."""

COUNT: Final = "partners"
"""The pooled feature that counts the members."""


@dataclass(frozen=True)
class Feature:
    """One feature, or a family of them with one column for each kind, stage, partner type or covariate.

    ``value`` makes it: from the touches of one deal and actor (``source`` "touches", an aggregate), or from the row of
    a deal or member with the facts of all rooms beside it ("row"); a family's also takes the member of the family.
    ``pools`` are the reducers over a deal's members, and ``own`` says that the own team has the feature as well.
    ``ages`` marks what grows with a deal's life or tells how far it came: where won and lost deals live unequally long
    and the cutoff hangs on the close, it can leak the outcome (immortal time).
    """

    name: str
    level: Level
    unit: str
    meaning: str
    value: Callable[..., ir.Value]
    source: Literal["touches", "row"] = "row"
    each: Each | None = None
    pools: tuple[Pool, ...] = ()
    own: bool = False
    ages: bool = False

    @property
    def sums(self) -> bool:
        """Whether it can be added up; then it is 0, not missing, where there is nothing to add."""
        return "sum" in self.pools

    def columns(self, families: Mapping[Each, Mapping[str, Any]]) -> dict[str, tuple[Any, ...]]:
        """Column name to the further arguments of ``value``, in order; a family has one for each of its members."""
        if self.each is None:
            return {self.name: ()}
        return {self.name.format(label): (member,) for label, member in families[self.each].items()}

    def matches(self, column: str) -> bool:
        """Whether the column is this feature or one of its family."""
        return re.fullmatch(re.escape(self.name).replace(r"\{\}", ".+"), column) is not None


def _touch(
    value: Callable[..., ir.Value],
    unit: str,
    meaning: str,
    pools: tuple[Pool, ...],
    *,
    ages: bool = False,
    own: bool = True,
) -> Feature:
    return Feature(value.__name__, "member", unit, meaning, value, "touches", pools=pools, own=own, ages=ages)


def _touch_family(
    name: str, each: Each, value: Callable[..., ir.Value], unit: str, meaning: str, *, ages: bool = False
) -> Feature:
    return Feature(name, "member", unit, meaning, value, "touches", each, ("sum",), own=True, ages=ages)


def _row(
    level: Level,
    value: Callable[..., ir.Value],
    unit: str,
    meaning: str,
    pools: tuple[Pool, ...] = (),
    *,
    name: str = "",
    each: Each | None = None,
    ages: bool = False,
) -> Feature:
    return Feature(name or value.__name__, level, unit, meaning, value, "row", each, pools, ages=ages)


_D: Final = "millionths of a full dose"
_DOSE: Final = f"1 - exp(-touches / {touchpoints.DOSE_TOUCHES})"
_NEAR: Final = f"within {touchpoints.NEAR_DAYS} days (inclusive) of a touch by the own team"
_EARLY: Final = f"up to {touchpoints.EARLY_DAYS} days (inclusive) after the deal's creation, earlier ones included"
_SHRUNK: Final = f"shrunk towards the overall past win rate with the weight of {history.PRIOR_DEALS} deals"

FEATURES: Final[tuple[Feature, ...]] = (
    _touch(touchpoints.touches, "touches", "Touches.", ("sum", "max"), ages=True),
    _touch(touchpoints.dose, _D, f"Saturating dose of the touches: {_DOSE}.", ("sum", "max"), ages=True),
    _touch(
        touchpoints.touches_per_30_days,
        "millionths of a touch per 30 days",
        "Touches per 30 days of the deal's age; an age below one day counts as one.",
        ("sum", "max"),
    ),
    _touch(touchpoints.early_touches, "touches", f"Touches {_EARLY}.", ("sum",)),
    _touch(touchpoints.early_dose, _D, f"Saturating dose of the touches {_EARLY}.", ("sum",)),
    _touch(
        touchpoints.contacts,
        "people",
        "Distinct contacts; one met by two partners counts for each.",
        ("sum", "max"),
        ages=True,
    ),
    _touch(
        touchpoints.touch_seconds,
        "seconds",
        "Total length of the touches whose minutes are known; missing when none is.",
        ("sum",),
        ages=True,
    ),
    _touch(touchpoints.days_since_last_touch, "days", "From the last touch to the cutoff.", ("min", "max")),
    _touch(
        touchpoints.days_to_first_touch,
        "days",
        "From the deal's creation to the first touch; negative for a touch before it.",
        ("min",),
    ),
    _touch(
        touchpoints.first_touch_position,
        "share of the deal's age",
        "Share of the deal's age that had passed at the first touch, 0 to 1; a touch before the deal's creation is 0; "
        "missing for a deal without age.",
        ("min", "max"),
    ),
    _touch(touchpoints.span_days, "days", "From the first to the last touch; 0 for a single one.", ("max",), ages=True),
    _touch(
        touchpoints.longest_gap_days,
        "days",
        "Longest time between two touches that follow each other; missing for a single touch.",
        ("max",),
        ages=True,
    ),
    _touch(touchpoints.touches_near_own_team, "touches", f"Touches {_NEAR}.", ("sum",), ages=True, own=False),
    _touch(
        touchpoints.share_near_own_team,
        "share of touches",
        f"Share of the touches {_NEAR}, 0 to 1.",
        ("max",),
        own=False,
    ),
    _touch_family("touches_of_{}", "kind", touchpoints.touches_of, "touches", "Touches of this kind.", ages=True),
    _touch_family(
        "dose_of_{}", "kind", touchpoints.dose_of, _D, "Saturating dose of the touches of this kind.", ages=True
    ),
    _touch_family(
        "touches_in_{}", "stage", touchpoints.touches_in, "touches", "Touches in this journey stage.", ages=True
    ),
    _touch_family(
        "dose_in_{}",
        "stage",
        touchpoints.dose_in,
        _D,
        "Saturating dose of the touches in this journey stage.",
        ages=True,
    ),
    _row("member", partners.partner_type, "category", "The partner's type; unknown when the partner is not listed."),
    _row("member", partners.tier, "category", "The partner's programme tier."),
    _row("member", deals.deal_segment, "category", "The customer segment of the deal; missing when it has none."),
    _row(
        "member",
        partners.partners_by,
        "partners",
        "1 for a partner of this type, else 0.",
        ("sum",),
        name="partners_by_{}",
        each="partner_type",
    ),
    _row(
        "member",
        partners.of_tier,
        "partners",
        "1 for a partner of this tier, else 0.",
        ("sum",),
        name="partners_of_tier_{}",
        each="tier",
    ),
    _row(
        "member",
        partners.dose_by,
        _D,
        "Dose of a partner of this type, else 0.",
        ("sum",),
        name="dose_by_{}",
        each="partner_type",
        ages=True,
    ),
    _row(
        "member",
        partners.has_integration,
        "partners",
        "1 when the partner's product was installed at the account at the cutoff, else 0.",
        ("sum",),
    ),
    _row(
        "member",
        partners.registered_leads,
        "leads",
        "Leads that the partner had registered for the deal by the cutoff.",
        ("sum",),
    ),
    _row("member", history.past_deals, "deals", "Earlier closed deals with the partner.", ("sum", "max")),
    _row(
        "member",
        history.past_deals_at_account,
        "deals",
        "Earlier closed deals of the same account with the partner.",
        ("sum", "max"),
    ),
    _row(
        "member",
        history.past_win_rate,
        "share of deals",
        f"Share won of the partner's earlier closed deals, {_SHRUNK}.",
        ("min", "max"),
    ),
    _row(
        "member",
        moments.moments,
        "moments",
        "Moments in conversations by the cutoff in which the partner helped, as people left them.",
        ("sum",),
        ages=True,
    ),
    _row(
        "member",
        moments.moment_confidence,
        "millionths of a moment",
        "Sum of the confidences of those moments.",
        ("sum",),
        ages=True,
    ),
    _row("base", deals.covariate, "as in deals", "A column of deals, as it is.", name="{}", each="covariate"),
    _row(
        "base",
        deals.amount,
        "the currency in which most deals are",
        "The deal's amount as exported, in one currency: converted by fx_rate to report_currency where that is set, "
        "missing when it is in another. It is the final value, so a model with a landmark cutoff does not see it.",
    ),
    _row("base", deals.deal_age_days, "days", "From the deal's creation to its cutoff.", ages=True),
    _row("base", deals.cutoff_quarter, "quarter", "Calendar quarter of the cutoff, 1 to 4."),
    _row("base", deals.stages_entered, "stages", "Distinct stages entered strictly before the cutoff.", ages=True),
    _row("base", deals.stage_at_cutoff, "category", "Stage entered last, strictly before the cutoff.", ages=True),
    _row("base", deals.days_in_stage, "days", "Since the deal entered that stage.", ages=True),
    _row("base", history.account_past_deals, "deals", "Earlier closed deals of the account."),
    _row("base", history.account_past_wins, "deals", "Earlier won deals of the account."),
    _row(
        "base",
        history.account_past_win_rate,
        "share of deals",
        f"Share won of the account's earlier closed deals, {_SHRUNK}.",
    ),
    _row("base", history.owner_past_deals, "deals", "Earlier closed deals of the deal's owner; missing without one."),
    _row(
        "base",
        history.owner_past_win_rate,
        "share of deals",
        f"Share won of the owner's earlier closed deals, {_SHRUNK}.",
    ),
    _row("base", history.overall_win_rate, "share of deals", "Share won of all earlier closed deals."),
)


def features(level: Level, source: Literal["touches", "row"]) -> list[Feature]:
    """The registered features of a level (base or member) that are made from the given source."""
    if level == "base" and source == "touches":
        return [feature for feature in FEATURES if feature.own]
    return [feature for feature in FEATURES if feature.level == level and feature.source == source]


def pools(member_columns: Iterable[str]) -> dict[str, tuple[str, Pool]]:
    """Name of each pooled feature to the member column and the reducer that make it."""
    made = {}
    for column in member_columns:
        feature = find(column) if column not in MEMBER_KEYS else None
        for pool in feature.pools if feature else ():
            made[f"{column}_{pool}"] = (column, pool)
    return made


def find(member_column: str) -> Feature | None:
    """The feature of a member column; None for a column that is not registered."""
    candidates = [f for f in FEATURES if f.level == "member" and f.matches(member_column)]
    return next(iter(sorted(candidates, key=lambda feature: feature.each is not None)), None)


def ageing(columns: Iterable[str]) -> tuple[str, ...]:
    """Those of the columns of a joined frame that grow with a deal's life (see ``Feature.ages``), in order."""
    return tuple(column for column in columns if _ages(column))


def _ages(column: str) -> bool:
    if column.startswith(OWN):
        feature = find(column.removeprefix(OWN))
        return feature is not None and feature.ages
    made_from = {f"{feature.name}": feature for feature in FEATURES if feature.level == "base" and not feature.each}
    if column in made_from:
        return made_from[column].ages
    feature = find(re.sub("_(sum|min|max)$", "", column))
    return feature is not None and feature.ages and column != feature.name
