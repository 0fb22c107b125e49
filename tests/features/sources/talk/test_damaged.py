"""However a file is damaged, it is read, rejected or left out, and the import goes on."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.sources.errors import SourceError
from features.sources.talk.kinds import kind_of
from features.sources.talk.reader import canonical

GONG = {
    "calls": [
        {"metaData": {"id": "7", "started": "2025-03-01T15:00:00Z"}, "parties": [{"speakerId": "1", "name": "E"}]}
    ],
    "callTranscripts": [
        {"callId": "7", "transcript": [{"speakerId": "1", "sentences": [{"start": 1, "text": "Hi."}]}]}
    ],
}
SEEDS = (
    json.dumps(GONG),
    "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ann>Hi &amp; <b>bye</b></v>\n",
    "1\n00:00:01,000 --> 00:00:02,000\nAnn: Hello.\n\n",
    "Ann: One.\nBo (05:10): Two.\nAnn: Three.\n",
    (
        "Message-ID: <a@x>\nDate: Sat, 1 Mar 2025 10:00:00 +0000\nFrom: =?utf-8?q?A=C3?= <a@x.y>\n"
        "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/html; charset=utf-16\n\n"
        "<p>Hi<blockquote>x\n--b--\n"
    ),
    "From x Sat Mar  1 10:00:00 2025\nSubject: a\nFrom: a@x.y\n\nOn 1 Mar 2025, Bo <b@x.y> wrote:\n> Hi\n-- \nA\n",
    "deal_id,date,text\nD,2025-01-01,words\n",
)
BROKEN = (
    b"\0",
    b"\xff",
    b"\r",
    b"\n",
    b"<v ",
    b"-->",
    b"null",
    b"[",
    b'"',
    b"1e999",
    b"-1",
    b"=?x?b?=",
    b">",
    b":",
    b"\xed\xa0",
)
DAMAGE = st.tuples(st.floats(0, 1), st.integers(0, 40), st.sampled_from(BROKEN))


def damaged(seed: str, wounds: list[tuple[float, int, bytes]]) -> bytes:
    raw = seed.encode()
    for place, gone, put in wounds:
        at = int(place * len(raw))
        raw = raw[:at] + put + raw[at + gone :]
    return raw


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(SEEDS), st.lists(DAMAGE, max_size=6)), min_size=5, max_size=12))
def test_no_damage_stops_an_import(files: list[tuple[str, list[tuple[float, int, bytes]]]]) -> None:
    with tempfile.TemporaryDirectory() as place, duckdb.connect() as con:
        folder, staging = Path(place, "in"), Path(place, "staging")
        folder.mkdir()
        staging.mkdir()
        for number, (seed, wounds) in enumerate(files):
            (folder / f"{number}.txt").write_bytes(damaged(seed, wounds))
        try:
            selects, ignored = canonical(con, folder, staging, "transcripts")
        except SourceError as error:
            assert "holds no file" in str(error) or len(files) == 1  # noqa: PT017
            return
        seen = {str(row[0]) for query in selects.values() for row in con.sql(f"SELECT _file FROM ({query})").fetchall()}
        assert seen <= {f"{number}.txt" for number in range(len(files))}
        assert not seen & set(ignored)
        empty = {file.name for file in folder.iterdir() if kind_of(file) in ("notes", "gong")}
        assert {file.name for file in folder.iterdir()} - empty <= seen | set(ignored)
