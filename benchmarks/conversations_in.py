"""Real conversations through ingest: what is kept, what is rejected and why, how fast, and how many replies are right.

    python benchmarks/conversations_in.py --data ../shared/data

Read are real Zoom captions and chats, Enron mail put into an mbox archive, earnings calls and meetings put into plain
transcripts, and the fixtures of two libraries that cut replies out of mail (talon, email-reply-parser). Their replies
were judged by eye: ``reply_digests.json`` holds a digest of each author's own words, so that no text of theirs is
here. Signatures of talon's samples are marked by its authors. Takes about a minute.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import importlib.metadata
import json
import platform
import tarfile
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from features.sources.talk.html_text import text_of_html
from features.sources.talk.mail import read_mail
from features.sources.talk.mail_text import Part, Passage, passages
from pipelines.ingest import ingest
from pipelines.workspace import Workspace

DIGESTS = Path(__file__).with_name("reply_digests.json")


def main() -> None:
    """Ingest each data set into a workspace of its own and print the counts; then judge the replies."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the real data sets")
    parser.add_argument("--write-digests", action="store_true", help="take the replies as they now come out for right")
    options = parser.parse_args()
    packages = ("beautifulsoup4", "lxml", "webvtt-py", "duckdb", "pyarrow", "partnerlift")
    print(f"Python {platform.python_version()}, { ({one: importlib.metadata.version(one) for one in packages}) }")
    for name, make in MAKERS.items():
        with tempfile.TemporaryDirectory() as folder:
            export = Path(folder) / "2025-01-01"
            export.mkdir()
            make(options.data, export)
            measure(name, export, Path(folder) / "workspace")
    with tempfile.TemporaryDirectory() as folder:
        unpack(options.data / "email_reply_fixtures" / "fixtures.tar.gz", Path(folder))
        judge(Path(folder), rewrite=options.write_digests)


def measure(name: str, export: Path, root: Path) -> None:
    """Ingests one export and prints files, rows, reasons and rows per CPU second."""
    files = [path for path in export.rglob("*") if path.is_file()]
    workspace = Workspace.open(root, create=True, threads=1)
    began = time.process_time()
    report = ingest(workspace, "transcripts", export)
    cpu = time.process_time() - began
    rows = sum(table.rows_in for table in report.tables.values())
    size = sum(path.stat().st_size for path in files) / 1e6
    print(f"\n{name}: {len(files):,} files, {size:.1f} MB, {cpu:.1f} s CPU, {rows / cpu:,.0f} rows/s of CPU")
    for table, entry in report.tables.items():
        print(f"  {table}: {entry.rows_in:,} in = {entry.kept:,} kept + {entry.rejected:,} rejected {entry.reasons}")
    print(f"  files not used: {len(report.ignored_files)}; flags {report.flags}")


def unpack(archive: Path, folder: Path) -> None:
    """Unpacks a tar archive's regular files."""
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")


def zoom(data: Path, folder: Path) -> None:
    """Zoom's captions, as recorded and as corrected, and chats, in folders named by date."""
    unpack(data / "ethereum_pm_zoom" / "meetings.tar.gz", folder)


def enron(data: Path, folder: Path) -> None:
    """An mbox archive of Enron mail; the data set has no dates, so that every mail is given its own minute."""
    with (folder / "enron.mbox").open("wb") as box:
        for number, row in enumerate(lines(data / "enron_aeslc" / "emails.jsonl.gz")):
            mail = EmailMessage()
            mail["Message-ID"] = f"<{row['id']}@enron.example>"
            mail["From"] = f"{row['custodian']}@enron.example"
            mail["Subject"] = " ".join(row["subject"].split())
            mail["Date"] = f"Mon, {1 + number // 1440:02} Jan 2001 {number // 60 % 24:02}:{number % 60:02}:00 +0000"
            mail.set_content(row["body"])
            box.write(b"From x Mon Jan  1 00:00:00 2001\n" + mail.as_bytes().replace(b"\nFrom ", b"\n>From ") + b"\n")


def earnings(data: Path, folder: Path) -> None:
    """A plain transcript of each earnings call."""
    dialogues(lines(data / "rev_earnings_calls" / "turns.jsonl.gz"), "call_id", "Speaker ", folder)


def meetings(data: Path, folder: Path) -> None:
    """A plain transcript of each meeting."""
    dialogues(lines(data / "qmsum_meetings" / "turns.jsonl.gz"), "meeting", "", folder)


def fixtures(data: Path, folder: Path) -> None:
    """Mail as real programs write it."""
    unpack(data / "email_reply_fixtures" / "fixtures.tar.gz", folder)


MAKERS: dict[str, Callable[[Path, Path], None]] = {
    "Zoom captions and chats": zoom,
    "Enron mail": enron,
    "Earnings calls": earnings,
    "Meetings": meetings,
    "Mail fixtures": fixtures,
}


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a gzipped JSON-lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as rows:
        yield from map(json.loads, rows)


def dialogues(rows: Iterator[dict[str, Any]], key: str, prefix: str, folder: Path) -> None:
    """One file of ``Name: text`` lines for each value of ``key``."""
    turns: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        turns[str(row[key])].append(f"{prefix}{row['speaker']}: {' '.join(row['text'].split())}")
    for name, said in turns.items():
        (folder / f"{name}.txt").write_text("\n".join(said) + "\n", encoding="utf-8")


def judge(folder: Path, *, rewrite: bool) -> None:
    """Prints how many replies have exactly the author's own words, and how many signatures were told."""
    found = {str(path.relative_to(folder)): digest(own) for path, own in replies(folder)}
    if rewrite:
        DIGESTS.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    right = json.loads(DIGESTS.read_text(encoding="utf-8"))
    wrong = sorted(name for name in right if found.get(name) != right[name])
    print(f"\nReplies: {len(right) - len(wrong)} of {len(right)} have exactly the author's words; wrong: {wrong}")
    signed = dict(signatures(folder))
    missed = sorted(name for name, is_right in signed.items() if not is_right)
    print(f"Signatures: {len(signed) - len(missed)} of {len(signed)} samples divided as marked; other: {missed}")


def replies(folder: Path) -> Iterator[tuple[Path, str]]:
    """Each fixture that holds a reply, and the words that are taken for its author's own."""
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".eml":
            yield path, words(read_mail(path.read_bytes(), path.name, 1).passages)
        elif path.suffix == ".html":
            yield path, words(passages(text_of_html(path.read_text(encoding="utf-8", errors="replace"))))
        elif path.suffix == ".txt" and path.parent.name == "emails":
            yield path, words(passages(path.read_text(encoding="utf-8")))


def signatures(folder: Path) -> Iterator[tuple[str, bool]]:
    """Samples whose signature is marked or stands in a file beside them, and whether it was told from the words."""
    for path in sorted(folder.rglob("*_body")):
        beside = path.with_name(path.name.replace("_body", "_signature"))
        body = path.read_text(encoding="utf-8")
        if beside.exists():
            own = folded(body).removesuffix(folded(beside.read_text(encoding="utf-8")))
        else:
            own = folded("\n".join(one for one in body.split("\n") if not one.startswith("#sig#")))
        plain = "\n".join(one.removeprefix("#sig#") for one in body.split("\n"))
        yield f"{path.parent.name}/{path.name}", folded(words(passages(plain))) == own


def words(found: tuple[Passage, ...] | list[Passage]) -> str:
    """The author's own words."""
    return " ".join(passage.text for passage in found if passage.part is Part.OWN)


def folded(text: str) -> str:
    """Letters and digits alone."""
    return "".join(filter(str.isalnum, text.casefold()))


def digest(text: str) -> str:
    """16 hexadecimal digits that stand for a text's letters and digits."""
    return hashlib.sha256(folded(text).encode()).hexdigest()[:16]


if __name__ == "__main__":
    main()
