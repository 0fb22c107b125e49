"""What the page of the queue shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from features.assist.taxonomy import taxonomy
from features.shown import count, whole
from review.highlight import shortened
from review.pages.filters import address, kept
from review.pages.moment_lines import state_of
from review.pages.moment_look import Look
from review.rendering import type_name
from review.roles import Right, Viewer
from review.scripts import mixes_scripts
from review.store.filters import Filters
from review.store.queue import PAGE_SIZE, Choice, Choices, Counts, QueueRow

__all__ = ["queue_view"]

QUOTE: Final = 150
"""Characters of a quote in a row."""
ANY: Final = ("", "any")
BANDS: Final = (
    ANY,
    ("sure", "quite sure (from 80 %)"),
    ("likely", "likely (60 to 80 %)"),
    ("doubtful", "doubtful"),
)
STATES: Final = (
    ("waiting", "not judged yet"),
    ("unsure", "a reviewer was not sure"),
    ("contested", "people disagree"),
    ("judged", "judged"),
    ("ignored", "set aside"),
    ("all", "all"),
)
KINDS: Final = (("moments", "help"), ("signals", "other than help"), ("all", "both"))
ORDERS: Final = (("stake", "stake × doubt"), ("close", "close date"), ("confidence", "confidence"))


def queue_view(
    viewer: Viewer,
    filters: Filters,
    numbers: Counts,
    offered: Choices,
    rows: Sequence[QueueRow],
    *,
    number: int,
    has_any: bool,
) -> dict[str, Any]:
    """The values of the queue's template; ``number`` is that of the page, from 1."""
    return {
        **_head(viewer, filters, numbers),
        **_rows(rows, filters, number, numbers.matching),
        "fields": _fields(filters, offered),
        "is_narrowed": bool(kept(filters)),
        "empty": None if rows else _empty(viewer, filters, numbers, number, has_any=has_any),
    }


def _head(viewer: Viewer, filters: Filters, numbers: Counts) -> dict[str, Any]:
    n_second = numbers.second if filters.state == "waiting" and viewer.may(Right.JUDGE) else 0
    is_open = filters.state in ("waiting", "unsure", "contested") and numbers.matching + n_second > 0
    may_start = viewer.may(Right.JUDGE) and is_open
    shown = [
        (numbers.matching, "with these filters") if kept(filters) else None,
        (numbers.waiting, "waiting"),
        (n_second, "for a second opinion") if n_second else None,
        (numbers.judged_today_by_you, "judged by you today") if viewer.may(Right.JUDGE) else None,
        (numbers.judged_today_by_all, "judged by all today"),
        (numbers.contested, "contested"),
        (numbers.verifications_open, "open with owners"),
    ]
    return {
        "title": "Moments to judge" if filters.state == "waiting" else "Moments",
        "start": address("/queue/start", filters) if may_start else None,
        "counts": [each for each in shown if each is not None],
    }


def _rows(rows: Sequence[QueueRow], filters: Filters, number: int, total: int) -> dict[str, Any]:
    first = (number - 1) * PAGE_SIZE
    return {
        "rows": [_row(row, filters) for row in rows],
        "range": f"{whole(first + 1)} to {whole(first + len(rows))} of {whole(total)}",
        "caption": f"{count(total, 'moment')}, by {dict(ORDERS)[filters.order]}",
        "previous": address("/queue", filters, page=number - 1) if number > 1 else None,
        "next": address("/queue", filters, page=number + 1) if first + len(rows) < total else None,
    }


def _row(row: QueueRow, filters: Filters) -> dict[str, Any]:
    state, tone = state_of({"told_type": None, **vars(row)})
    return {
        "href": Look(filters).href(row.moment_id),
        "quote": shortened(row.quote, QUOTE),
        "partner": row.partner_name or row.partner_id or "not known",
        "is_mixed": mixes_scripts(row.partner_name or ""),
        "type_name": type_name(row.assist_type),
        "deal": (row.deal_name or row.deal_id) if row.deal_id else None,
        "amount": row.amount,
        "currency": row.currency,
        "confidence": row.confidence,
        "bar": round(100 * row.confidence),
        "at": row.started_at,
        "state_name": state,
        "tone": tone,
    }


def _fields(filters: Filters, offered: Choices) -> list[dict[str, Any]]:
    classes = taxonomy()
    kinds = [("Help", classes.assists), ("No help", classes.others)]
    types = [("", [ANY]), *((name, [(entry.id, entry.name) for entry in entries]) for name, entries in kinds)]
    return [
        _select("partner", "Partner", filters.partner, [("", _choices(offered.partners, filters.partner))]),
        _select("type", "Kind of help", filters.assist_type, types),
        _select("rep", "Deal's owner", filters.owner, [("", _choices(offered.owners, filters.owner))]),
        {"name": "deal", "label": "Deal's name or id", "value": filters.deal or "", "kind": "text", "groups": []},
        {"name": "since", "label": "Said since", "value": filters.since or "", "kind": "date", "groups": []},
        {"name": "until", "label": "Said until", "value": filters.until or "", "kind": "date", "groups": []},
        _select("band", "Confidence", filters.band, [("", BANDS)]),
        _select("state", "State", filters.state, [("", STATES)]),
        _select("kind", "Found as", filters.kind, [("", KINDS)]),
        _select("order", "Order", filters.order, [("", ORDERS)]),
    ]


def _select(name: str, label: str, value: str | None, groups: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    return {"name": name, "label": label, "value": value or "", "kind": "select", "groups": groups}


def _choices(offered: Sequence[Choice], chosen: str | None) -> list[tuple[str, str]]:
    """What is offered, with what is chosen even where nothing of it waits."""
    found = [(each.value, f"{each.name} ({each.count})") for each in offered]
    is_offered = chosen is None or any(value == chosen for value, _ in found)
    return [ANY, *found, *([] if is_offered else [(chosen or "", chosen or "")])]


def _empty(viewer: Viewer, filters: Filters, numbers: Counts, number: int, *, has_any: bool) -> dict[str, Any]:
    """What to do where the page has no rows."""
    if number > 1:
        return _told("There is no such page", "The queue has grown shorter.", address("/queue", filters), "First page")
    if not has_any:
        text = "Bring conversations in, then look for partners' help in them. What is found appears here."
        return _told("No moments yet", text, code="partnerlift detect")
    if kept(filters):
        text = f"{count(numbers.waiting, 'moment waits', 'moments wait')} in all. Loosen a filter, or clear them."
        return _told("Nothing matches these filters", text, "/queue", "Clear the filters")
    if numbers.second and filters.state == "waiting" and viewer.may(Right.JUDGE):
        text = f"Everything has a verdict, and {count(numbers.second, 'moment')} should have a second one."
        return _told("Only second opinions are left", text, address("/queue/start", filters), "Give yours")
    text = "Well done: all that was found is judged. New moments come with new conversations."
    return _told("Nothing waits", text, "/queue?state=all", "See all moments", "partnerlift detect")


def _told(title: str, text: str, href: str | None = None, link: str = "", code: str = "") -> dict[str, Any]:
    return {"title": title, "text": text, "href": href, "link": link, "code": code}
