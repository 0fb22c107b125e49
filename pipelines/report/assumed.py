"""What the partners' credit would be under other assumptions about what draws them to deals, and how to say so."""

from __future__ import annotations

from features.shown import Interval, decimal, percent
from models.adjustment import INTERVAL_Z
from pipelines.report.views import Assumed, Kept, ModelQuality


def assumed(wins: float, quality: ModelQuality | None, method: str, model: str) -> Assumed | None:
    """The partners' credited ``wins`` under other assumptions.

    ``None`` unless the only model that computed the credit is the one that was evaluated, and something was kept and
    could have been taken off.
    """
    kept = quality.kept if quality and method == "model" and quality.version == model else None
    if kept is None or kept.part <= 0 or kept.deviation <= 0:
        return None
    face_value = wins / kept.part
    margin = INTERVAL_Z * kept.deviation * abs(face_value)
    return Assumed(
        wins=wins,
        interval=Interval(wins - margin, wins + margin),
        face_value=face_value,
        without_hidden=face_value * kept.without_hidden,
        with_equal=face_value * kept.with_equal,
    )


def selection_sentence(found: Assumed, places: int) -> str:
    """What was taken off the partners' wins, and what would be under other assumptions."""
    taken = round(found.face_value, places) - round(found.wins, places)
    moved = f"{decimal(abs(taken), places)} {'is' if abs(taken) == 1 else 'are'}"
    done = (
        f"{moved} taken off, because they also join deals that look good by themselves"
        if taken > 0
        else f"{moved} added, because they also join deals that look worse than others"
        if taken < 0
        else "nothing is taken off, because they join deals like any other"
    )
    none, equal = decimal(found.without_hidden, places), decimal(found.with_equal, places)
    return (
        f"At face value partners would have {decimal(found.face_value, places)} wins; {done}. If no hidden reason drew "
        f"them to good deals, {none} would stay; if hidden reasons drew them as strongly as recorded ones, {equal}."
    )


def kept_sentence(kept: Kept) -> str:
    """The same of the model, in parts of the credit."""
    return (
        f"Partners keep {percent(kept.part)} of what coincides with them (standard deviation by the sampling of deals: "
        f"{percent(kept.deviation)}); the rest is what good deals bring by themselves, and goes to the own team. They "
        f"would keep {percent(kept.without_hidden)} if nothing unrecorded drew them to good deals, and "
        f"{percent(kept.with_equal)} if that drew them as strongly as what is recorded."
    )
