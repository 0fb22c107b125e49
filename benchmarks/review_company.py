"""A made-up review database of any size, straight into its tables: for speed, not for what the moments say.

``fill(engine, moments)`` gives the same rows for the same number: 40 turns a conversation, 3 moments in each, 300
partners of which few have most of the moments, 60 owners of deals, one moment in ten judged and one in six a signal.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from features.assist.taxonomy import taxonomy
from review.store.engine import writing
from review.store.schema import claims, conversations, deals, judgements, moments, partners
from review.store.turns import Turn, packed

__all__ = ["AT", "OWNERS", "PARTNERS", "fill"]

AT: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)
PARTNERS: Final = 300
OWNERS: Final = 60
TURNS: Final = 40
MOMENTS_A_TALK: Final = 3
TALKS_A_DEAL: Final = 4
BATCH: Final = 5_000
TEMPLATES: Final = 200
"""Different conversations; each one's turns have ids of their own."""
TALK: Final = (
    "the partner introduced us to their platform team and joined the workshop because our own people had no time left "
    "before the board meeting so security review went through in nine days and procurement signed the order form"
)
Rows = Iterator[dict[str, Any]]


def fill(engine: Engine, n_moments: int) -> None:
    """Fills an empty review database."""
    n_talks = -(-n_moments // MOMENTS_A_TALK)
    n_deals = -(-n_talks // TALKS_A_DEAL)
    texts = [_texts(number) for number in range(TEMPLATES)]
    _put(engine, partners, ({"partner_id": f"p{i}", "name": f"Partner {i:03}"} for i in range(PARTNERS)))
    _put(engine, deals, (_deal(i) for i in range(n_deals)))
    _put(engine, claims, (row for i in range(n_deals) for row in _claims(i)))
    _put(engine, conversations, (_talk(i, texts[i % TEMPLATES]) for i in range(n_talks)))
    _put(engine, moments, (_moment(i, texts[(i // MOMENTS_A_TALK) % TEMPLATES]) for i in range(n_moments)))
    _put(engine, judgements, (_judgement(i) for i in range(n_moments) if _is_judged(i)))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))


def _put(engine: Engine, table: sa.Table, rows: Rows) -> None:
    while batch := list(islice(rows, BATCH)):
        with writing(engine) as connection:
            connection.execute(table.insert(), batch)


def _dice(*what: object) -> random.Random:
    """Chance that these alone decide."""
    return random.Random(repr(what))


def _skewed(*what: object) -> str:
    return f"p{int(PARTNERS * _dice('whose', *what).random() ** 3)}"


def _texts(number: int) -> list[str]:
    dice = _dice("talk", number)
    return [" ".join(dice.choices(TALK.split(), k=dice.randint(4, 45))).capitalize() + "." for _ in range(TURNS)]


def _day(*what: object) -> datetime:
    return AT - timedelta(minutes=_dice("day", *what).randrange(700 * 1440))


def _deal(i: int) -> dict[str, Any]:
    dice, closed = _dice("deal", i), _closed(i)
    owner = i % OWNERS
    touches = [{"at": _day(i, n).isoformat(), "kind": "meeting", "partner_id": _skewed(i, n)} for n in range(20)]
    return {
        "deal_id": f"d{i}",
        "name": f"Deal {i}",
        "account_id": f"a{i}",
        "owner_id": f"o{owner}",
        "owner_name": f"Owner {owner:02}",
        "owner_email": f"owner{owner}@vendor.example",
        "outcome": "open" if closed is None else dice.choice(["won", "lost"]),
        "stage": "proposal",
        "amount": _amount(i),
        "currency": "EUR",
        "amount_in_report": _amount(i),
        "worth": _amount(i),
        "created_at": _day("made", i),
        "closed_at": closed,
        "digest": "",
        "facts": {"stages": [], "touches": touches, "leads": [], "quotes": []},
    }


def _closed(i: int) -> datetime | None:
    return None if i % 5 == 0 else _day("closed", i)


def _amount(i: int) -> float:
    return float(round(_dice("amount", i).lognormvariate(11, 1)))


def _claims(i: int) -> Rows:
    for partner_id in sorted({_skewed(i * TALKS_A_DEAL * MOMENTS_A_TALK + n) for n in range(3)}):
        yield {
            "deal_id": f"d{i}",
            "partner_id": partner_id,
            "closed_at": _closed(i),
            "outcome": "won",
            "currency": "EUR",
            "share": 0.2,
            "amount": _amount(i) / 5,
            "amount_in_report": _amount(i) / 5,
            "credits": [{"method": name, "share": 0.2} for name in ("model", "linear", "last_touch")],
            "digest": "",
            "grade": "D",
        }


def _talk(i: int, texts: list[str]) -> dict[str, Any]:
    found = (
        Turn(
            f"c{i}-{n}",
            n,
            text,
            ("internal", "customer", "partner")[n % 3],
            f"Speaker {n % 3}",
            None,
            9.0 * n,
            9.0 * n + 8,
        )
        for n, text in enumerate(texts)
    )
    return {
        "conversation_id": f"c{i}",
        "deal_id": f"d{i // TALKS_A_DEAL}",
        "account_id": f"a{i // TALKS_A_DEAL}",
        "channel": "call",
        "started_at": _day("talk", i),
        "url": f"https://calls.example/{i}",
        "digest": "",
        "turns": packed(found),
    }


def _moment(i: int, texts: list[str]) -> dict[str, Any]:
    dice, talk = _dice("moment", i), i // MOMENTS_A_TALK
    deal, turn = talk // TALKS_A_DEAL, dice.randrange(TURNS)
    is_assist, confidence = i % 6 != 0, 0.4 + 0.6 * dice.random()
    kinds = taxonomy().assist_ids if is_assist else taxonomy().other_ids[:3]
    return {
        "moment_id": _moment_id(i),
        "conversation_id": f"c{talk}",
        "deal_id": f"d{deal}",
        "partner_id": _skewed(i),
        "assist_type": dice.choice(kinds),
        "is_assist": is_assist,
        "journey_stage": "pre_sale",
        "start_s": 9.0 * turn,
        "end_s": 9.0 * turn + 8,
        "utterance_ids": [f"c{talk}-{turn}"],
        "quote": texts[turn],
        "char_start": 0,
        "char_end": len(texts[turn]),
        "confidence": confidence,
        "type_confidence": dice.random(),
        "model_version": "made-up",
        "detected_at": AT,
        "cues": [["introduced us", 0.4], ["joined", 0.2]],
        "started_at": _day("talk", talk),
        "owner_id": f"o{deal % OWNERS}",
        "closed_at": _closed(deal),
        "stake": _amount(deal) * 4 * confidence * (1 - confidence),
        "has_record": i % 2 == 0,
        "is_found": True,
        "state": "judged" if _is_judged(i) else "waiting",
        "version": int(_is_judged(i)),
        "verdict": "confirmed" if _is_judged(i) else None,
        "is_confirmed": _is_judged(i),
        "grade": "D",
    }


def _moment_id(i: int) -> str:
    return hashlib.sha256(f"moment {i}".encode()).hexdigest()[:16]


def _is_judged(i: int) -> bool:
    return i % 10 == 3


def _judgement(i: int) -> dict[str, Any]:
    return {
        "review_id": hashlib.sha256(f"review {i}".encode()).hexdigest()[:32],
        "moment_id": _moment_id(i),
        "reviewer": f"reviewer{i % 50}",
        "role": "reviewer",
        "verdict": "confirmed",
        "model_version": "made-up",
        "reviewed_at": AT - timedelta(seconds=i % 5_000_000),
        "source": "page",
    }
