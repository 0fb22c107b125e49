"""The notation in which the labelled conversations are written, and the tables that it stands for.

A file of the corpus reads like a transcript::

    PARTNER id=se_rook name=Rook Security type=msp domains=rooksec.example aliases=Rook

    # 2 getting to a CISO

    === CONV id=se0005 channel=call started=2024-06-15T13:55:00 industry=banking deal=SE-0005
    [45:30] Ruth Ojo (internal): Where are we with the CISO at Fellside?
    [45:36] Tom Achterberg (internal) <tom@example.com>: I messaged him myself. Rook had nothing to do with it.
    >> internal_action se_rook

``>>`` labels the utterance above it, once for each partner; ``-`` stands for a partner that is not known. A comment
begins a group: snippets on one topic that differ in who acted, whether it happened or whether it helped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Final

import pandas as pd

from features.assist.taxonomy import taxonomy

__all__ = ["Corpus", "NotationError", "parsed", "shipped_corpus"]

_FIELD: Final = re.compile(r"(?:^|\s)(\w+)=")
_UTTERANCE: Final = re.compile(
    r"\[(?:(?P<hours>\d+):)?(?P<minutes>\d+):(?P<seconds>\d\d)\] (?P<speaker>.+?) "
    r"\((?P<org>internal|customer|unknown|partner(?::\w+)?)\)"
    r"(?: <(?P<email>[^>]*)>)?: (?P<text>.*)"
)
_UNKNOWN: Final = "-"


class NotationError(ValueError):
    """A line that is not in the notation, or names a class or partner that there is not."""


@dataclass(frozen=True)
class Corpus:
    """Labelled conversations as tables.

    Parameters
    ----------
    conversations, utterances, partners, partner_aliases : as the tables of the same names. ``conversations`` has
        ``author`` (the letters that begin its id) and ``group`` (snippets on one topic share it) as well.
    labels : one row per labelled utterance and partner: ``utterance_id``, ``conversation_id``, ``label`` (an id of the
        taxonomy) and ``partner_id`` (missing: a partner, but which is not known). An utterance without a row is
        background.
    """

    conversations: pd.DataFrame
    utterances: pd.DataFrame
    partners: pd.DataFrame
    partner_aliases: pd.DataFrame
    labels: pd.DataFrame


@dataclass
class _Rows:
    conversations: list[dict[str, Any]] = field(default_factory=list)
    utterances: list[dict[str, Any]] = field(default_factory=list)
    partners: dict[str, dict[str, Any]] = field(default_factory=dict)
    aliases: list[dict[str, Any]] = field(default_factory=list)
    labels: list[dict[str, Any]] = field(default_factory=list)


def parsed(files: Iterable[tuple[str, str]]) -> Corpus:
    """The tables of some files.

    Parameters
    ----------
    files : name and text of each file.

    Raises
    ------
    NotationError
        Naming the file and line, for a line that cannot be read, an unknown class or an unknown partner.
    """
    rows = _Rows()
    for name, text in files:
        _read(name, text, rows)
    partners = pd.DataFrame(rows.partners.values(), columns=["partner_id", "name", "partner_type", "domains"])
    return Corpus(
        _dated(pd.DataFrame(rows.conversations)),
        pd.DataFrame(rows.utterances),
        partners,
        pd.DataFrame(rows.aliases, columns=["partner_id", "alias"]).drop_duplicates(ignore_index=True),
        pd.DataFrame(rows.labels, columns=["utterance_id", "conversation_id", "label", "partner_id"]).drop_duplicates(
            ignore_index=True
        ),
    )


def shipped_corpus() -> Corpus:
    """The labelled conversations that come with the product."""
    folder = resources.files("features.assist").joinpath("corpus")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".conv.txt")), key=lambda file: file.name)
    return parsed((file.name, file.read_text(encoding="utf-8")) for file in files)


def _read(name: str, text: str, rows: _Rows) -> None:
    group = name
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        try:
            if stripped.startswith("#"):
                group = f"{name}:{number}"
            elif stripped:
                _line(stripped, group, rows)
        except (NotationError, KeyError, IndexError) as fault:
            raise NotationError(f"{name}, line {number}: {fault}. The line is {stripped[:60]!r}.") from fault


def _line(line: str, group: str, rows: _Rows) -> None:
    if line.startswith("PARTNER "):
        _partner(_fields(line), rows)
    elif line.startswith("=== CONV "):
        rows.conversations.append(_conversation(_fields(line), group))
    elif line.startswith(">>"):
        rows.labels.append(_label(line, rows))
    else:
        rows.utterances.append(_utterance(line, rows))


def _fields(line: str) -> dict[str, str]:
    """``key=value`` pairs; a value lasts until the next key and may hold spaces."""
    found = list(_FIELD.finditer(line))
    ends = [match.start() for match in found[1:]] + [len(line)]
    return {match.group(1): line[match.end() : end].strip() for match, end in zip(found, ends, strict=True)}


def _partner(fields: dict[str, str], rows: _Rows) -> None:
    identity = fields["id"]
    aliases = [alias.strip() for alias in fields.get("aliases", "").split("|") if alias.strip()]
    if identity not in rows.partners:
        rows.partners[identity] = {
            "partner_id": identity,
            "name": fields["name"],
            "partner_type": fields["type"],
            "domains": [domain for domain in re.split(r"[|, ]+", fields.get("domains", "")) if domain],
        }
    rows.aliases.extend({"partner_id": identity, "alias": alias} for alias in [fields["name"], *aliases])


def _conversation(fields: dict[str, str], group: str) -> dict[str, Any]:
    return {
        "conversation_id": fields["id"],
        "deal_id": fields.get("deal"),
        "channel": fields["channel"],
        "started_at": fields["started"],
        "source_system": "authored",
        "industry": fields.get("industry"),
        "author": re.match(r"[a-z]*", fields["id"])[0][:2],  # type: ignore[index]
        "group": group,
    }


def _utterance(line: str, rows: _Rows) -> dict[str, Any]:
    match = _UTTERANCE.fullmatch(line)
    if match is None:
        raise NotationError("no utterance is written so")
    conversation = rows.conversations[-1]["conversation_id"]
    previous = rows.utterances[-1] if rows.utterances else None
    seq = previous["seq"] + 1 if previous and previous["conversation_id"] == conversation else 0
    org, _, partner = match["org"].partition(":")
    return {
        "utterance_id": f"{conversation}-{seq:04d}",
        "conversation_id": conversation,
        "seq": seq,
        "start_s": 3600 * int(match["hours"] or 0) + 60 * int(match["minutes"]) + int(match["seconds"]),
        "speaker": match["speaker"],
        "speaker_email": match["email"],
        "speaker_org": org,
        "partner_id": partner or None,
        "text": match["text"],
    }


def _label(line: str, rows: _Rows) -> dict[str, Any]:
    _, label, partner = line.split()
    if label not in taxonomy().ids:
        raise NotationError(f"{label!r} is no class of the taxonomy")
    if partner != _UNKNOWN and partner not in rows.partners:
        raise NotationError(f"{partner!r} is no partner of this corpus")
    utterance = rows.utterances[-1]
    return {
        "utterance_id": utterance["utterance_id"],
        "conversation_id": utterance["conversation_id"],
        "label": label,
        "partner_id": None if partner == _UNKNOWN else partner,
    }


def _dated(conversations: pd.DataFrame) -> pd.DataFrame:
    started = pd.to_datetime(conversations["started_at"], utc=True, format="ISO8601")
    return conversations.assign(started_at=started)
