"""How often the linked partner is right on the labelled conversations: named, speaking, and only spoken of.

    python benchmarks/partner_links.py --half report
    python benchmarks/partner_links.py --half tune --windows --errors 20

For each author: links are made with that author's own partners and with all partners of all authors; with all,
partners that share a name with another are left out of the count, since no text tells them apart. An utterance with a
label is *speaking* if its speaker is of the right partner, *named* if it holds one of the partner's names as they are
spelt, else *coreferent* (pronouns, descriptions, misspelt and split names, and nothing at all). The surest candidate
counts (top), and whether the partner is among the candidates at all (among). Of the names found, those count as true
whose partner has a label in the conversation. Words and windows were tuned on the authors of the half ``tune`` only;
``report`` are the others.
"""

from __future__ import annotations

import argparse
import re
import resource
import time
from collections import Counter
from dataclasses import replace
from typing import Final

import pandas as pd

from features.assist.links import Windows, candidates, link_partners
from features.assist.notation import Corpus, shipped_corpus
from features.assist.taxonomy import taxonomy
from features.assist.words import fold

HALVES: Final = ("tune", "report")
TUNED_ON: Final = frozenset({"cb", "pa", "se", "sg", "si", "sk"})
"""Authors whose errors were read while the linker was written; all others are the half ``report``."""


def main() -> None:
    """Print the accuracy by author and the way the partner is referred to."""
    options = _options()
    corpus = shipped_corpus()
    gold = gold_links(corpus)
    authors = sorted(gold["author"].unique())
    chosen = [a for a in authors if options.half == "all" or (a in TUNED_ON) == (options.half == "tune")]
    gold = gold[gold["author"].isin(chosen)]
    for whose in ("own", "all"):
        part = gold if whose == "own" else gold[~gold["shares"]]
        judged, precision = _judged(corpus, part, chosen, own=whose == "own")
        _show(judged, f"{whose} partners")
        print(f"  of the names found, {precision:.3f} are of partners labelled in their conversation")
        if options.errors and whose == "own":
            _errors(judged, options.errors)
    if options.windows:
        _windows(corpus, gold, chosen)
    if options.speed:
        _speed(corpus, options.speed)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=[*HALVES, "all"], default="report")
    parser.add_argument("--windows", action="store_true", help="accuracy of each stand-in by turns back")
    parser.add_argument("--errors", type=int, default=0, help="print so many errors of each author")
    parser.add_argument("--speed", type=int, default=0, help="link so many utterances with 500 partners")
    return parser.parse_args()


def gold_links(corpus: Corpus) -> pd.DataFrame:
    """Labelled utterances with a known partner, and how they refer to it."""
    speakers = corpus.utterances[["utterance_id", "text", "partner_id"]].rename(columns={"partner_id": "speaks_for"})
    gold = corpus.labels.merge(speakers, on="utterance_id").dropna(subset=["partner_id"])
    names = _names(corpus)
    how = []
    for partner, speaks_for, text in zip(gold["partner_id"], gold["speaks_for"], gold["text"], strict=True):
        said = fold(text)
        is_named = any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", said) for name in names[partner])
        how.append("speaking" if speaks_for == partner else "named" if is_named else "coreferent")
    bearers = Counter(name for own in names.values() for name in own)
    shared = {partner for partner, own in names.items() if any(bearers[name] > 1 for name in own)}
    assists = {entry.id for entry in taxonomy().assists}
    return gold.assign(
        how=how,
        author=gold["conversation_id"].str[:2],
        is_assist=gold["label"].isin(assists),
        shares=gold["partner_id"].isin(shared),
    )


def _names(corpus: Corpus) -> dict[str, set[str]]:
    names = corpus.partners[["partner_id", "name"]].rename(columns={"name": "alias"})
    given = pd.concat([names, corpus.partner_aliases])
    return {str(p): {fold(a) for a in group} for p, group in given.groupby("partner_id")["alias"]}


def _judged(
    corpus: Corpus, gold: pd.DataFrame, authors: list[str], *, own: bool, windows: Windows | None = None
) -> tuple[pd.DataFrame, float]:
    parts, found = [], []
    for author in authors:
        part = gold[gold["author"] == author]
        partners, aliases = corpus.partners, corpus.partner_aliases
        if own:
            partners = partners[partners["partner_id"].str.startswith(author)]
            aliases = aliases[aliases["partner_id"].str.startswith(author)]
        said = corpus.utterances[corpus.utterances["conversation_id"].str[:2] == author]
        mentions = link_partners(said, partners, aliases, windows=windows)
        parts.append(compared_links(part, candidates(said, mentions)))
        found.append(mentions.merge(said[["utterance_id", "conversation_id"]], on="utterance_id"))
    return pd.concat(parts), _precision(corpus, pd.concat(found))


def _precision(corpus: Corpus, found: pd.DataFrame) -> float:
    named = found[found["kind"].isin(["name", "alias", "domain", "fuzzy"]) & found["partner_id"].notna()]
    labelled = set(zip(corpus.labels["conversation_id"], corpus.labels["partner_id"], strict=True))
    pairs = zip(named["conversation_id"], named["partner_id"], strict=True)
    return sum(pair in labelled for pair in pairs) / max(1, len(named))


def compared_links(gold: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """The labelled utterances, and whether the surest of their pairs is right, or any of them."""
    top = pairs.drop_duplicates("utterance_id").set_index("utterance_id")
    known = set(zip(pairs["utterance_id"], pairs["partner_id"], strict=True))
    chosen = gold["utterance_id"].map(top["partner_id"])
    several = gold.groupby("utterance_id")["partner_id"].agg(set)
    return gold.assign(
        linked=chosen,
        kind=gold["utterance_id"].map(top["link_kind"]),
        top=[c in several[u] for c, u in zip(chosen, gold["utterance_id"], strict=True)],
        among=[pair in known for pair in zip(gold["utterance_id"], gold["partner_id"], strict=True)],
        wrong=[isinstance(c, str) and c not in several[u] for c, u in zip(chosen, gold["utterance_id"], strict=True)],
    )


def _show(judged: pd.DataFrame, title: str) -> None:
    for what, rows in (("true assists", judged[judged["is_assist"]]), ("all labelled", judged)):
        print(f"\n{title}, {what}: n, top, among, top is another partner")
        for how, part in rows.groupby("how"):
            by_author = "  ".join(f"{a} {g['top'].mean():.3f}" for a, g in part.groupby("author"))
            shares = "  ".join(f"{part[c].mean():.3f}" for c in ("top", "among", "wrong"))
            print(f"  {how:<11}{len(part):>6}  {shares}  | {by_author}")
        stated = rows[rows["how"] != "coreferent"]
        print(f"  named or speaking {stated['top'].mean():.4f} ({stated['among'].mean():.4f} among)", end="; ")
        print(f"all {rows['top'].mean():.4f} ({rows['among'].mean():.4f} among)")


def _errors(judged: pd.DataFrame, n: int) -> None:
    for how in ("named", "coreferent"):
        wrong = judged[(judged["how"] == how) & ~judged["top"]]
        for row in wrong.groupby("author").head(n).to_dict("records"):
            told = [row[c] for c in ("utterance_id", "label", "partner_id", "kind", "linked")]
            print(" ", how, *told, "|", row["text"][:150])


def _windows(corpus: Corpus, gold: pd.DataFrame, authors: list[str]) -> None:
    """Coreferent accuracy by window of each stand-in, the others as they are."""
    for stand_in in ("they", "person", "description", "addressed", "ellipsis"):
        for turns in (1, 2, 3, 4, 6, 8, 12, 20, 40):
            windows = replace(Windows(), **{stand_in: turns})
            judged, _ = _judged(corpus, gold, authors, own=True, windows=windows)
            part = judged[judged["how"] == "coreferent"]
            print(f"{stand_in:<12}{turns:>3} turns: top {part['top'].mean():.4f}, another {part['wrong'].mean():.4f}")


def _speed(corpus: Corpus, n: int) -> None:
    partners = corpus.partners.head(500)
    aliases = corpus.partner_aliases[corpus.partner_aliases["partner_id"].isin(partners["partner_id"])]
    copies = -(-n // len(corpus.utterances))
    said = pd.concat(
        corpus.utterances.assign(**{c: corpus.utterances[c] + f"-{k}" for c in ("utterance_id", "conversation_id")})
        for k in range(copies)
    ).head(n)
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    pairs = candidates(said, link_partners(said, partners, aliases))
    seconds, peak = time.process_time() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"\n{len(said)} utterances, {len(partners)} partners: {seconds:.1f} CPU seconds, {len(pairs)} pairs, ", end=""
    )
    print(f"peak {peak / 1024:.0f} MiB ({(peak - before) / 1024:.0f} above what the tables took)")


if __name__ == "__main__":
    main()
