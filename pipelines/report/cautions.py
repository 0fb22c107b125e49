"""What not to conclude from the first page."""

from __future__ import annotations

from features.shown import percent
from features.titles import predicts
from pipelines.report.views import Assumed, ModelQuality, Standing, Totals

Caution = tuple[str, str]
"""A title and a sentence or two."""


def cautions(
    totals: Totals, standings: list[Standing], quality: ModelQuality | None, method: str, assumed: Assumed | None
) -> tuple[Caution, ...]:
    """What holds of this report, gravest first."""
    rests_on_model = predicts(method) or not method
    weakness = [_weakness(quality)] if quality and rests_on_model and not quality.beats_baselines else []
    ranks = _intervals() if any(row.interval for row in standings) else _few()
    drawn = _assumption(totals) if assumed else _selection(totals)
    return (*weakness, _cause(assumed) if rests_on_model else _rule(), drawn, _late(), ranks)


def _cause(assumed: Assumed | None) -> Caution:
    less = ", less what good deals bring by themselves" if assumed else ""
    return (
        "Influence is not proof of cause.",
        (
            f"Credit says how the predicted chance of winning differs with a partner's touches{less}. It does not "
            "prove that the deal would have been lost without them. Only an experiment, or a very good natural one, "
            "shows that."
        ),
    )


def _rule() -> Caution:
    return (
        "Influence is not proof of cause.",
        "Credit by a rule says who was there and when, not who changed the outcome.",
    )


def _assumption(totals: Totals) -> Caution:
    return (
        "What was taken off rests on an assumption.",
        (
            f"{_gap(totals)} How strongly reasons that nobody recorded draw partners to good deals, no data can tell; "
            "the figures under other assumptions are there to be discussed, and no limits to the truth."
        ),
    )


def _selection(totals: Totals) -> Caution:
    reason = "Some of the gap is there because partners join, or are brought into, deals that would be won anyway."
    rest = "" if _gap(totals) else " What nobody recorded about a deal cannot be corrected for."
    return "Partners may be drawn to good deals.", f"{_gap(totals)} {reason}{rest}".strip()


def _gap(totals: Totals) -> str:
    with_partner = totals.n_won_with_partner + totals.n_lost_with_partner
    without = totals.n_closed - with_partner
    if not with_partner or not without or not totals.n_lost:
        return ""
    left = percent(totals.n_won_with_partner / with_partner)
    right = percent((totals.n_won - totals.n_won_with_partner) / without)
    return (
        f"{left} of the deals with a partner were won and {right} of those without. This gap is not the partners' "
        "effect."
    )


def _late() -> Caution:
    return (
        "What was written down late can flatter.",
        (
            "Touches that are recorded after a deal has closed are easier to find for won deals. How many there are "
            "stands under data quality."
        ),
    )


def _few() -> Caution:
    return (
        "A small number of deals is a small number.",
        "The order of partners with a handful of deals each is not settled. Do not cut a programme for one rank.",
    )


def _intervals() -> Caution:
    return (
        "A range covers chance, and nothing else.",
        (
            "Ranges (95%) say how far the sampling of deals could move a number, not what hidden reasons could. Where "
            "those of two partners overlap, their order is not settled. Do not cut a programme for one rank."
        ),
    )


def _weakness(quality: ModelQuality) -> tuple[str, str]:
    title, body = _weak(quality)
    return (
        title,
        f"This is about a newer model, which did not compute this credit. {body}" if quality.is_other else body,
    )


def _weak(quality: ModelQuality) -> tuple[str, str]:
    if not quality.has_signal:
        return (
            "The model found no signal.",
            "Its predictions are no better than a constant guess, so do not pay, rank or drop a partner by its credit.",
        )
    return (
        "A simpler model does as well.",
        (
            "The model is not better than every baseline by more than chance; see model quality before relying on fine "
            "differences between partners."
        ),
    )
