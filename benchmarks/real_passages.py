"""Passages of real calls, mail and meetings on which to judge what the product calls a partner's help.

    python benchmarks/real_passages.py --data FOLDER

The texts are other people's: only ids, the labels read by hand and a short hash of each sentence stand in
``real_passages.csv``. The texts are joined from a folder that holds the data sets (by default that of
``PARTNERLIFT_SHARED_DATA``). Labels of the half ``test`` are for the final figure only; design on ``dev``.

A sentence is an assist when a firm other than the speaker's did something, or does it now, that helped the speaker's
firm or its customer: alone, jointly or in the passive. Signings, plans, praise, expected benefit and sales through a
channel are none. ``unsure`` marks what another reader might judge otherwise.

Strata: ``random`` sentences are drawn among all that hold a partner-ish word, so shares are estimated on them alone;
``hunted`` ones were looked for because they might tell of help. The command prints the counts.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from features.tables import TABLES

LABELS: Final = Path(__file__).with_suffix(".csv")
SHARED: Final = Path(__file__).resolve().parents[2] / "shared" / "data"
CALLS, MAIL, MEETINGS, ZOOM = "rev_earnings_calls", "enron_aeslc", "qmsum_meetings", "ethereum_pm_zoom"
SAMPLED: Final = {CALLS: 900, MAIL: 500, MEETINGS: 100}
"""Sentences with a partner-ish word that are drawn from each data set."""
SEED: Final = 4
KEY: Final = ["dataset", "document", "sentence"]

PARTNER_WORDS: Final = re.compile(
    r"\b(?:(?:co-?)?partner|re-?seller|integrator|alliance|distributor|dealer|consultant|joint[ -]venture"
    r"|vendor|franchisee|licensee|subcontractor|wholesaler|collaborat)\w*"
    r"|\b(?:jv|agents?|oems?|msps?|isvs?|channels?|accenture|deloitte|kpmg|pwc|pricewaterhouse\w*|mckinsey"
    r"|andersen|capgemini|cognizant|infosys|wipro|tcs|ernst|bain|booz)\b",
    re.IGNORECASE,
)
"""Words of a sentence that may be about a partner: wide on purpose, most hits are about none."""

_BREAK = re.compile(
    r"\n+|\s{3,}|(?<=[.?!…])(?<!\b[A-Z]\.)(?<!\bMr\.)(?<!\bMs\.)(?<!\bDr\.)(?<!\bInc\.)(?<!\bvs\.)(?<!U\.S\.)"
    r"[\"')]*\s+(?=[\"'(]*[A-Z0-9<\-])"
)
_CUE = re.compile(r"^(?:(\d+):)?(\d+):(\d+\.\d+) --> (?:(\d+):)?(\d+):(\d+\.\d+)", re.MULTILINE)


def passages(folder: Path) -> pd.DataFrame:
    """Every labelled passage with its text.

    Returns
    -------
    One row per line of ``real_passages.csv`` in its order: its columns and ``text``, ``before``, ``after`` (the
    neighbouring sentences, empty at the ends of a document) and ``speaker`` (null where the source names none).

    Raises
    ------
    ValueError
        When a sentence is not there, or is not the one that was labelled.
    """
    labels = pd.read_csv(LABELS, dtype={"document": "string", "sentence": "string"})
    joined = labels.merge(sentences(folder), how="left", on=KEY, validate="one_to_one")
    wrong = joined[joined["text"].map(short_hash, na_action="ignore") != joined["sha1"]]
    if len(wrong):
        first = ", ".join(wrong[KEY].iloc[0])
        raise ValueError(
            f"{len(wrong)} labelled sentences are not in {folder}, e.g. {first}. Use the releases that the SOURCE.md "
            "of each data set names, or label again."
        )
    return joined


def sentences(folder: Path) -> pd.DataFrame:
    """All sentences of calls, mail and meetings: ``dataset``, ``document``, ``sentence`` and the text columns.

    ``sentence`` is ``turn:index``, both counted from 0 within the document or turn. Rows are in the order of the talk.
    """
    cut = [
        (*turn[:2], f"{turn[2]}:{index}", text, turn[3])
        for turn in _turns(folder)
        for index, text in enumerate(_cut(turn[4]))
    ]
    frame = pd.DataFrame(cut, columns=[*KEY, "text", "speaker"]).astype({"document": "string", "sentence": "string"})
    of_document = frame.groupby(KEY[:2], sort=False)["text"]
    return frame.assign(before=of_document.shift(1).fillna(""), after=of_document.shift(-1).fillna(""))


def sample(folder: Path) -> pd.DataFrame:
    """The random stratum: for each data set the ``SAMPLED`` sentences with a partner-ish word that a hash puts first.

    Of the meetings only committees (whose ids hold an underscore): in the others a channel is one of television.
    The draw depends on ids and ``SEED`` alone, so a change of one text does not move the others. Of sentences that say
    the same, as in mails sent to many, one is drawn.
    """
    found = sentences(folder)
    meant = (found["dataset"] != MEETINGS) | found["document"].str.contains("_")
    found = found[found["text"].str.contains(PARTNER_WORDS) & meant]
    draw = found[KEY].agg("/".join, axis=1).map(lambda name: short_hash(f"{SEED}/{name}"))
    bare = found["text"].str.lower().str.replace(r"\W+", "", regex=True)
    ordered = found.assign(draw=draw, bare=bare).sort_values("draw", kind="stable").drop_duplicates("bare")
    chosen = [ordered[ordered["dataset"] == name].head(size) for name, size in SAMPLED.items()]
    return pd.concat(chosen).drop(columns=["draw", "bare"])


def half(document: str) -> str:
    """Half of the data a document belongs to, ``dev`` or ``test``, by a hash of its id."""
    return "dev" if int(short_hash(document), 16) % 2 else "test"


def short_hash(text: str) -> str:
    """First 12 hexadecimal digits of the text's SHA-1."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:12]


def false_alarm_corpora(folder: Path) -> dict[str, dict[str, pd.DataFrame]]:
    """Whole corpora that hold next to no assists, to count false alarms per 1,000 utterances on.

    The sources have no dates, so conversations start at 1970-01-01.

    Returns
    -------
    By data set, the tables ``conversations`` and ``utterances`` with the declared columns. An utterance is a turn of a
    call or meeting (in Zoom transcripts: the cues of one speaker in a row) or a whole mail. Speakers' organisations are
    ``unknown``; nothing is linked to deals or partners.
    """
    turns: dict[str, list[dict[str, Any]]] = {name: [] for name in (CALLS, MAIL, MEETINGS)}
    for dataset, document, turn, speaker, text in _turns(folder):
        turns[dataset].append({"document": document, "seq": turn, "speaker": speaker, "text": text})
    turns[ZOOM] = list(_zoom_turns(folder))
    return {name: _tables(name, pd.DataFrame(rows)) for name, rows in turns.items()}


def _tables(dataset: str, turns: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The contract's two tables from turns with ``document``, ``seq``, ``speaker``, ``text`` and perhaps seconds."""
    talks = turns["document"].drop_duplicates()
    channel = "email" if dataset == MAIL else "call"
    conversations = pd.DataFrame({"conversation_id": talks, "channel": channel, "source_system": dataset})
    names = turns["document"] + "/" + turns["seq"].astype(str)
    utterances = turns.rename(columns={"document": "conversation_id"}).assign(
        utterance_id=names, speaker_org="unknown", is_quoted=False
    )
    return {
        "conversations": _declared("conversations", conversations.assign(started_at=pd.Timestamp(0, tz="UTC"))),
        "utterances": _declared("utterances", utterances),
    }


def _declared(table: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with exactly the table's declared columns and types; what it lacks is null."""
    declared = frame.reindex(columns=list(TABLES[table].column_names)).astype(object)
    typed: pd.DataFrame = pa.Table.from_pandas(declared, TABLES[table].arrow_schema(), preserve_index=False).to_pandas()
    return typed


def _turns(folder: Path) -> Iterator[tuple[str, str, int, str | None, str]]:
    """Turns of calls, mail and meetings: data set, document, turn, speaker, text."""
    for row in _rows(folder / CALLS / "turns.jsonl.gz"):
        yield CALLS, row["call_id"], row["turn"], row["speaker"], row["text"]
    for row in _rows(folder / MAIL / "emails.jsonl.gz"):
        writer = row["custodian"] if row["folder"].startswith("sent") else None
        yield MAIL, row["id"], 0, writer, _decoded(row["body"])
    for row in _rows(folder / MEETINGS / "turns.jsonl.gz"):
        yield MEETINGS, row["meeting"], row["turn"], row["speaker"], row["text"]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    """Objects of a gzipped file of JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _decoded(body: str) -> str:
    """A mail's body without the remains of quoted-printable coding (``=20``, and ``= `` where a line was broken)."""
    if not re.search(r"=20|\w= \w", body):
        return body
    whole = re.sub(r"= (?=\S| )", "", body)
    return re.sub(r"=([0-9A-F]{2})", lambda code: bytes.fromhex(code[1]).decode("cp1252", "replace"), whole)


def _cut(text: str) -> list[str]:
    """Sentences of a text, white space made single. A plain rule, so that ids outlive any parser."""
    return [" ".join(piece.split()) for piece in _BREAK.split(text) if piece.strip()]


def _zoom_turns(folder: Path) -> Iterator[dict[str, Any]]:
    """Turns of the Zoom meetings: cues in a row by one speaker are one turn."""
    with tarfile.open(folder / ZOOM / "meetings.tar.gz") as archive:
        for member in sorted(archive.getmembers(), key=lambda one: one.name):
            if Path(member.name).name == "transcript.vtt":
                file = archive.extractfile(member)
                assert file is not None, "a transcript is a regular file"
                yield from _merged(str(Path(member.name).parent), io.TextIOWrapper(file, encoding="utf-8"))


def _merged(document: str, lines: io.TextIOWrapper) -> Iterator[dict[str, Any]]:
    """Turns of one transcript."""
    turn: dict[str, Any] = {}
    seq = 0
    for start, end, speaker, text in _cues(lines):
        if turn and turn["speaker"] == speaker:
            turn |= {"end_s": end, "text": f"{turn['text']} {text}"}
            continue
        if turn:
            yield turn
        turn = {"document": document, "seq": seq, "start_s": start, "end_s": end, "speaker": speaker, "text": text}
        seq += 1
    if turn:
        yield turn


def _cues(lines: io.TextIOWrapper) -> Iterator[tuple[float, float, str | None, str]]:
    """Cues of a WebVTT file: start and end in seconds, speaker (null if none is named), text."""
    for block in lines.read().split("\n\n"):
        times = _CUE.search(block)
        if times:
            clock = [float(part or 0) for part in times.groups()]
            name, colon, said = " ".join(block[times.end() :].split()).partition(": ")
            speaker, text = (name, said) if colon else (None, name)
            yield _seconds(clock[:3]), _seconds(clock[3:]), speaker, text


def _seconds(clock: list[float]) -> float:
    """Seconds of hours, minutes, seconds."""
    return clock[0] * 3600 + clock[1] * 60 + clock[2]


def main() -> None:
    """Prints what is labelled, and how much text there is for false alarms."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PARTNERLIFT_SHARED_DATA", SHARED)))
    folder = parser.parse_args().data
    if not (folder / CALLS).is_dir():
        print(f"no data sets in {folder}: give --data FOLDER or set PARTNERLIFT_SHARED_DATA")
        return
    found = passages(folder)
    print(found.groupby(["dataset", "stratum", "half"])["assist"].agg(["size", "sum"]).to_string())
    print(pd.crosstab(found["label"], [found["stratum"], found["half"]]).to_string())
    for name, tables in false_alarm_corpora(folder).items():
        print(f"{name}: {len(tables['conversations'])} conversations, {len(tables['utterances'])} utterances")


if __name__ == "__main__":
    main()
