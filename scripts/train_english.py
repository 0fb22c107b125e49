"""Train the shipped English tagger and parser: features/assist/english/README.md tells how and from what."""

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import spacy

from features.assist.syntax_lemmas import regular_noun, regular_verb

ENGLISH = Path(__file__).resolve().parents[1] / "features" / "assist" / "english"
PARTS = ("train", "dev", "test")
VECTOR_ROWS = 20_000
SENTENCES_A_DOCUMENT = 3


def main() -> None:
    """Convert the treebank, train, shrink, write the pipeline and the table of lemmas, and print the test's scores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "treebank", type=Path, help="folder with en_ewt-ud-{train,dev,test}.conllu, or {train,…}.conllu[.gz]"
    )
    parser.add_argument("vectors", type=Path, help="word vectors as text, one word a line (GloVe, 100 numbers)")
    parser.add_argument("--out", type=Path, default=ENGLISH, help="folder for pipeline/ and lemmas.json")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        treebanks = {part: unpacked(arguments.treebank, part, work) for part in PARTS}
        for path in treebanks.values():
            run("convert", path, work, "--converter", "conllu", "--n-sents", SENTENCES_A_DOCUMENT)
        run("init", "vectors", "en", arguments.vectors, work / "vectors", "--prune", VECTOR_ROWS, "--attr", "LOWER")
        corpus = {part: work / f"{part}.spacy" for part in PARTS}
        paths = ["--paths.train", corpus["train"], "--paths.dev", corpus["dev"], "--paths.vectors", work / "vectors"]
        run("train", ENGLISH / "training.cfg", "--output", work / "trained", *paths)
        shrink(work / "trained" / "model-best", arguments.out / "pipeline")
        write_lemmas(treebanks["train"], arguments.out / "lemmas.json")
        run("evaluate", work / "trained" / "model-best", corpus["test"])


def run(*words: object) -> None:
    """One spaCy command; its failure ends the script."""
    subprocess.run([sys.executable, "-m", "spacy", *map(str, words)], check=True)  # noqa: S603 - our own words


def unpacked(treebank: Path, part: str, work: Path) -> Path:
    """A part of the treebank as plain CoNLL-U under a name of its own."""
    for name in (f"en_ewt-ud-{part}.conllu", f"{part}.conllu", f"{part}.conllu.gz"):
        source = treebank / name
        if source.exists():
            target = work / f"{part}.conllu"
            target.write_bytes(gzip.decompress(source.read_bytes()) if name.endswith(".gz") else source.read_bytes())
            return target
    raise SystemExit(f"{treebank} holds no {part} part: it should be a checkout of UD_English-EWT.")


def shrink(trained: Path, out: Path) -> None:
    """Write a pipeline without local paths and with vectors at half precision; ``load_english`` widens them again."""
    english = spacy.load(trained)
    english.vocab.vectors.data = english.vocab.vectors.data.astype(np.float16)
    english.config["paths"] = dict.fromkeys(english.config["paths"])
    english.meta.update(name="partnerlift", license="CC BY-SA 4.0", description="Trained on UD English EWT.")
    english.to_disk(out)


def write_lemmas(treebank: Path, out: Path) -> None:
    """Write the base forms of verbs and plural nouns which the rules of ``syntax_lemmas`` get wrong."""
    seen: dict[str, dict[str, Counter[str]]] = {"verb": defaultdict(Counter), "noun": defaultdict(Counter)}
    by_rule: dict[str, dict[str, set[str]]] = {"verb": defaultdict(set), "noun": defaultdict(set)}
    for word, base, tag in words_of(treebank):
        kind = "verb" if tag.startswith("VB") or tag == "MD" else "noun"
        seen[kind][word][base] += 1
        by_rule[kind][word].add(regular_verb(word, tag) if kind == "verb" else regular_noun(word))
    table = {
        kind: {word: bases.most_common(1)[0][0] for word, bases in sorted(words.items())}
        for kind, words in seen.items()
    }
    wrong = {
        kind: {word: base for word, base in words.items() if by_rule[kind][word] != {base}}
        for kind, words in table.items()
    }
    out.write_text(json.dumps(wrong, ensure_ascii=False, indent=0, sort_keys=True) + "\n", encoding="utf-8")


def words_of(treebank: Path) -> Iterator[tuple[str, str, str]]:
    """(word, base form, Penn tag) of verbs and plural nouns, in lower case; words with digits or signs are left out."""
    for line in treebank.read_text(encoding="utf-8").splitlines():
        fields = line.split("\t")
        if len(fields) != 10 or not fields[0].isdigit():
            continue
        word, base, tag = fields[1].lower(), fields[2].lower(), fields[4]
        inflected = tag.startswith("VB") or tag in {"MD", "NNS", "NNPS"}
        if inflected and base != "_" and word.replace("'", "").replace("’", "").isalpha():
            yield word, base, tag


if __name__ == "__main__":
    main()
