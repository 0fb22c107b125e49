"""What the page of one deal shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.engine import RowMapping

from features.shown import percent
from features.tables import DIRECT
from features.titles import METHOD_TEXTS, predicts
from review.pages.claim_table import ClaimTable, Line, claim_table
from review.pages.moment_lines import MomentLine, moment_line
from review.pages.timeline import Timeline, timeline
from review.store.claims import evidence
from review.store.deals import DealFile
from review.store.grounds import grounds
from review.store.schema import OPEN_DISPUTES

__all__ = ["Evidence", "deal_view", "meaning_of"]

RULE_MEANING: Final = (
    "A rule says who was there and when, not who changed the outcome. None of these numbers proves that a deal would "
    "have been lost without a partner."
)
MODEL_MEANING: Final = (
    "Influence is not proof of cause. The model's credit says how the predicted chance of winning a deal like this one "
    "differs with a partner's recorded touches, less what good deals bring by themselves; it does not prove that the "
    "deal would have been lost without them. The ranges cover chance, and nothing else."
)
GRADE_MEANING: Final = "A grade says who bears out that the partner helped, and not how much the help was worth."


@dataclass(frozen=True)
class Evidence:
    """One partner of the deal: how its claim is evidenced, its moments, and whether it is disputed."""

    partner_id: str
    name: str
    grade: str
    reason: str
    line: Line | None
    moments: tuple[MomentLine, ...]
    disputes: tuple[RowMapping, ...]


def deal_view(file: DealFile) -> dict[str, Any]:
    """The values of the deal's template."""
    deal = file.deal
    table = claim_table(file.claims, file.names, deal["currency"])
    main = table.columns[0].method if table.columns else ""
    return {
        "deal": deal,
        "table": table,
        "evidence": _evidence(file, table),
        "nameless": [_line(file, moment) for moment in file.moments if _whose(moment) is None],
        "timeline": timeline(file),
        "rows": _rows(timeline(file)),
        "meaning": meaning_of(main),
        "prediction": _prediction(file, main),
        "askable": file.n_unasked if deal["owner_email"] else 0,
        "methods": [
            (column.name, METHOD_TEXTS[column.method].meaning) for column in table.columns if _is_known(column.method)
        ],
        "open_disputes": [row for row in file.disputes if row["state"] in OPEN_DISPUTES],
        "names": file.names,
    }


def meaning_of(method: str) -> str:
    """What the numbers of a method mean, and do not mean."""
    return f"{MODEL_MEANING if predicts(method) else RULE_MEANING} {GRADE_MEANING}"


def _evidence(file: DealFile, table: ClaimTable) -> list[Evidence]:
    lines = {line.partner_id: line for line in table.lines}
    players = [line.partner_id for line in table.lines if not line.is_own]
    players += sorted({_whose(moment) for moment in file.moments} - {None, DIRECT, *players})
    return [_of_partner(file, player, lines.get(player)) for player in players]


def _of_partner(file: DealFile, player: str, line: Line | None) -> Evidence:
    own = [moment for moment in file.moments if _whose(moment) == player]
    return Evidence(
        player,
        file.names.get(player, player),
        evidence(own)["grade"],
        grounds(own, file.judgements, file.questions, file.deal, is_inside=True),
        line,
        tuple(_line(file, moment) for moment in own),
        tuple(row for row in file.disputes if row["partner_id"] == player and row["state"] in OPEN_DISPUTES),
    )


def _line(file: DealFile, moment: RowMapping) -> MomentLine:
    key = moment["moment_id"]
    return moment_line(moment, file.judgements.get(key, ()), file.questions.get(key, ()))


def _whose(moment: RowMapping) -> Any:
    return moment["told_partner"] or moment["partner_id"]


def _is_known(method: str) -> bool:
    return method in METHOD_TEXTS


def _rows(drawn: Timeline) -> list[tuple[Any, str, str]]:
    """The timeline as rows: when, whose, what."""
    rows = [(mark.at, lane.name, mark.title.split(": ", 1)[1]) for lane in drawn.lanes for mark in lane.marks]
    stages = [(band.entered_at, "", f"stage {band.stage}") for band in drawn.bands]
    return sorted([*rows, *stages], key=lambda row: row[0])


def _prediction(file: DealFile, method: str) -> str:
    """The predicted probability that the main method divides; empty for a rule."""
    wins = [claim["credits"].get(method, {}).get("win") for claim in file.claims]
    total = sum(win["credit"] for win in wins if win)
    return percent(total) if predicts(method) and any(wins) else ""
