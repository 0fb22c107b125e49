"""Moments in which a partner helped, and other signals: counted along the journey, and as evidence for a deal's credit.

The counts are of moments on known deals by known partners, as people left them (``features.moments.standing_moments``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

import ibis
import pandas as pd

from features.assist.taxonomy import taxonomy
from features.inputs import inputs_from
from features.judgements import DISPUTED
from features.moments import standing_judgements, standing_moments
from features.shown import count, listing
from features.speakers import people, speaker_organisations
from pipelines.config import Config
from pipelines.report.moment_views import Evidence, Journey, JourneyRow, PartnerMoments, Signals
from pipelines.report.source import Source
from pipelines.report.views import Partner

SURE: Final = 0.8
"""Probability from which on a moment that nobody has judged is not marked as unsure."""
SHOWN: Final = 3
"""Most quotes of a partner on a deal."""
MOST_ROWS: Final = 25
MOST_LETTERS: Final = 420
SIGNALS: Final = ("negative_impact", "hypothetical_planned", "reverse_assist")
"""Classes that are no help but worth knowing of a partner."""
SIDES: Final = {"internal": "own team", "customer": "customer", "partner": "partner"}
_MESSAGES: Final = {"email": "e-mail", "chat": "chat", "notes": "note"}
_GONE: Final = "source deleted"

_MOMENT: Final = """
CREATE TEMP TABLE moment AS
SELECT m.moment_id, m.conversation_id, m.deal_id, m.partner_id, m.assist_type, m.start_s, m.utterance_ids,
    m.quote, m.confidence, nullif(m.verdict, '{disputed}') AS verdict, m.is_confirmed, m.is_verified,
    c.started_at AT TIME ZONE 'UTC' AS started_at, c.channel, c.url,
    x.conversation_id IS NOT NULL OR c.conversation_id IS NULL AS is_deleted
FROM ({standing}) m LEFT JOIN conversations c USING (conversation_id)
LEFT JOIN (SELECT DISTINCT conversation_id FROM deletions) x USING (conversation_id)
"""
_COUNTS: Final = """
SELECT partner_id, assist_type, count(*) AS n FROM moment
WHERE partner_id IS NOT NULL AND deal_id IN (SELECT deal_id FROM deals) GROUP BY ALL ORDER BY ALL
"""
_TOTALS: Final = f"""
SELECT (SELECT count(*) FROM conversations) AS conversations,
    (SELECT count(*) FROM deletions) AS deleted,
    (SELECT coalesce(sum(moments), 0)::BIGINT FROM deletions) AS moments_deleted,
    count(*) AS moments,
    count(*) FILTER (partner_id IS NULL OR deal_id IS NULL OR deal_id NOT IN (SELECT deal_id FROM deals)) AS left_out,
    count(*) FILTER (verdict IS NULL AND confidence < {SURE}) AS unsure,
    count(*) FILTER (verdict IS NOT NULL) AS judged
FROM moment
"""
_SIGNALS: Final = """
SELECT partner_id, assist_type, count(*) AS n FROM signals
WHERE partner_id IS NOT NULL AND assist_type = ANY($classes) AND moment_id NOT IN (
    SELECT moment_id FROM judgement WHERE verdict IN ('rejected', 'relabelled') OR told_type IS NOT NULL
)
GROUP BY ALL ORDER BY ALL
"""
_EVIDENCE: Final = """
SELECT m.*, u.speaker_org FROM moment m LEFT JOIN side u ON u.utterance_id = m.utterance_ids[1]
WHERE m.deal_id IN (SELECT deal_id FROM shown) AND m.partner_id IS NOT NULL
ORDER BY m.deal_id, m.partner_id, m.verdict IS NULL, m.confidence DESC, m.started_at, m.moment_id
"""
_WANTED: Final = "SELECT DISTINCT conversation_id FROM moment WHERE deal_id IN (SELECT deal_id FROM shown)"


def prepare_moments(source: Source) -> None:
    """Makes the tables ``moment`` and ``judgement`` of the source's connection."""
    inputs = inputs_from(source.connection)
    told = ibis.to_sql(standing_judgements(inputs.reviews), dialect="duckdb")
    source.connection.execute(f"CREATE TEMP TABLE judgement AS {told}")
    rows = standing_moments(inputs.moments, inputs.signals, inputs.judged_moments, inputs.reviews)
    standing = ibis.to_sql(rows, dialect="duckdb")
    source.connection.execute(_MOMENT.format(standing=standing, disputed=DISPUTED))


def journey(source: Source, partners: dict[str, Partner]) -> Journey | None:
    """Moments by partner and type; ``None`` where there never was a conversation."""
    found = source.one(_TOTALS)
    if not (found["conversations"] or found["deleted"] or found["moments"]):
        return None
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in source.records(_COUNTS):
        counts[row["partner_id"]][row["assist_type"]] += row["n"]
    order = sorted(counts, key=lambda p: (-counts[p].total(), _partner(p, partners).name, p))
    rows = [_row(_partner(p, partners), counts[p]) for p in order[:MOST_ROWS]]
    rest = _row(None, sum((counts[p] for p in order[MOST_ROWS:]), Counter())) if len(order) > MOST_ROWS else None
    return Journey(
        **found,
        types=tuple((entry.id, entry.name, entry.stage) for entry in taxonomy().assists),
        rows=tuple(rows),
        rest=rest,
        n_rest=max(0, len(order) - MOST_ROWS),
        signals=_signals(source, partners),
        sentence=_sentence(found, counts),
    )


def partner_moments(source: Source) -> dict[str, PartnerMoments]:
    """Moments by type and signals of each partner that has any, by id."""
    found: dict[str, PartnerMoments] = {}
    named = {entry.id: entry.name for entry in taxonomy().assists}
    helped, told = _by_partner(source.records(_COUNTS)), _by_partner(_signal_rows(source))
    for identifier in helped.keys() | told.keys():
        kinds = sorted(helped.get(identifier, {}).items(), key=lambda item: (-item[1], list(named).index(item[0])))
        others = told.get(identifier, {})
        found[identifier] = PartnerMoments(
            tuple((named[kind], n) for kind, n in kinds),
            tuple((taxonomy()[kind].name, others[kind]) for kind in SIGNALS if kind in others),
        )
    return found


def deal_evidence(source: Source, config: Config) -> dict[str, dict[str, tuple[Evidence, ...]]]:
    """Evidence of the shown deals, by deal and partner, the best first; after ``choose_deals``."""
    _make_sides(source, config)
    found: dict[str, dict[str, list[Evidence]]] = defaultdict(lambda: defaultdict(list))
    for row in source.records(_EVIDENCE):
        found[row["deal_id"]][row["partner_id"]].append(_evidence(row))
    return {deal: {p: tuple(rows) for p, rows in by.items()} for deal, by in found.items()}


def _make_sides(source: Source, config: Config) -> None:
    """Makes the table ``side``: whose person spoke, in the conversations with evidence on shown deals."""
    frames = {
        name: source.connection.execute(query).df()
        for name, query in {
            "conversations": f"SELECT * FROM conversations SEMI JOIN ({_WANTED}) USING (conversation_id) ORDER BY ALL",
            "turns": f"SELECT * FROM utterances SEMI JOIN ({_WANTED}) USING (conversation_id) ORDER BY ALL",
            "participants": f"SELECT * FROM participants SEMI JOIN ({_WANTED}) USING (conversation_id) ORDER BY ALL",
            **{name: f"SELECT * FROM {name} ORDER BY ALL" for name in ("partners", "partner_aliases", "contacts")},
        }.items()
    }
    turns = frames.pop("turns")
    who = ["conversation_id", "speaker", "speaker_email", "speaker_org", "partner_id"]
    side = pd.DataFrame({"utterance_id": pd.Series(dtype="string"), "speaker_org": pd.Series(dtype="string")})
    if len(turns):
        conversations = frames.pop("conversations")
        known = people(turns[who].drop_duplicates(), conversations, own=config.company.to_own(), **frames)
        organisations = speaker_organisations(turns, known)["speaker_org"]
        side = pd.DataFrame({"utterance_id": turns["utterance_id"], "speaker_org": organisations})
    source.connection.register("side", side.drop_duplicates("utterance_id"))


def _evidence(row: dict[str, Any]) -> Evidence:
    is_call = row["channel"] not in _MESSAGES
    at = row["started_at"] + timedelta(seconds=row["start_s"] or 0.0) if row["started_at"] else None
    gone = row["is_deleted"]
    return Evidence(
        name=taxonomy()[row["assist_type"]].name if row["assist_type"] in taxonomy().ids else row["assist_type"],
        quote=_GONE if gone else _short(row["quote"]),
        said_at=at,
        clock="" if gone or not is_call or row["start_s"] is None else clock(row["start_s"]),
        medium=_MESSAGES.get(row["channel"], "call"),
        side=SIDES.get(row["speaker_org"] or "", ""),
        confidence=row["confidence"],
        is_confirmed=row["is_confirmed"] or row["is_verified"],
        is_unsure=row["verdict"] is None and row["confidence"] < SURE,
        is_deleted=gone,
        url="" if gone else web_address(row["url"]),
    )


def clock(seconds: float) -> str:
    """Seconds into a recording as ``12:31``, or ``1:02:31`` beyond an hour."""
    whole = int(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


def web_address(url: str | None) -> str:
    """The address where it is one of the web, else nothing: a report must not start anything else by a click."""
    text = (url or "").strip()
    is_web = text.lower().startswith(("https://", "http://")) and text.isprintable() and " " not in text
    return text if is_web else ""


def _short(quote: str) -> str:
    words = " ".join(quote.split())
    return words if len(words) <= MOST_LETTERS else words[: MOST_LETTERS - 1].rsplit(" ", 1)[0] + " …"


def _partner(identifier: str, partners: dict[str, Partner]) -> Partner:
    return partners.get(identifier, Partner(identifier, identifier))


def _row(partner: Partner | None, counts: Counter[str]) -> JourneyRow:
    return JourneyRow(partner, tuple(counts.get(name, 0) for name in taxonomy().assist_ids))


def _signal_rows(source: Source) -> list[dict[str, Any]]:
    return source.records(_SIGNALS, {"classes": list(SIGNALS)})


def _signals(source: Source, partners: dict[str, Partner]) -> tuple[Signals, ...]:
    """For each class, how many signals there are and of which partners most."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in _signal_rows(source):
        counts[row["assist_type"]][row["partner_id"]] += row["n"]
    return tuple(
        Signals(
            taxonomy()[name].name,
            counts[name].total(),
            tuple((_partner(p, partners), n) for p, n in sorted(counts[name].items(), key=lambda i: (-i[1], i[0]))[:3]),
        )
        for name in SIGNALS
        if name in counts
    )


def _by_partner(rows: Iterable[dict[str, Any]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in rows:
        found[row["partner_id"]][row["assist_type"]] = row["n"]
    return found


def _sentence(found: dict[str, Any], counts: dict[str, Counter[str]]) -> str:
    """What conversations tell, for the first page; empty where they tell nothing."""
    by_type: Counter[str] = sum(counts.values(), Counter())
    if not by_type:
        return ""
    named = {entry.id: entry.name for entry in taxonomy().assists}
    most = sorted(by_type.items(), key=lambda item: (-item[1], list(named).index(item[0])))[:2]
    told = listing([f"“{named[name]}” ({n:,})" for name, n in most])
    return (
        f"In {count(found['conversations'], 'conversation')} a model found {count(by_type.total(), 'moment')} in which "
        f"{count(len(counts), 'partner')} helped on a deal, most often {told}."
    )
