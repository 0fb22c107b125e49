"""Decisions on conversations by authors of whom the model has read nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from assist_figures import binary, by_class, contrast, decisions, ranking, reliability, types_of_assists
from assist_product import held_out, loudest, of_author, said, told
from partner_links import compared_links, gold_links

from features.assist.links import candidates, link_partners
from features.assist.notation import Corpus, shipped_corpus
from models.assist.training import trained
from pipelines.assist_training.examples import corpus_sample
from pipelines.detecting.models import load_judge

LEVELS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def held(folder: Path, sets: Sequence[str]) -> None:
    """Prints the figures of the model in ``folder`` on the held-out author, and of each fold on the others' model."""
    if "written" in sets:
        model, corpus = load_judge(folder), held_out()
        frame = said(model, corpus)
        show(frame, f"held-out author, model {model.version}", links(corpus, frame))
        _conversations(frame)
    if "folds" in sets:
        corpus = shipped_corpus()
        frame = of_folds(corpus)
        show(frame, "each author of the corpus, by models of other authors", links(corpus, frame))
        _authors(frame)


def of_folds(corpus: Corpus) -> pd.DataFrame:
    """Decisions on the corpus's own utterances by fits without their author; only labelled pairs are judged.

    The line that calibrates them, and the thresholds, are fitted on all of them.
    """
    decided = trained(corpus_sample()).held.drop(columns="label").rename(columns={"decided": "label"})
    return told(corpus).merge(loudest(decided), on="utterance_id", validate="one_to_one")


def links(corpus: Corpus, frame: pd.DataFrame) -> pd.DataFrame:
    """Whether the partner of each true assist is right: ``how`` it is meant, ``top``, and ``found`` and ``right``.

    ``top``: the surest link is right. ``is_found``: the assist is found; ``is_right``: with that partner.
    """
    gold = gold_links(corpus)
    gold = gold[gold["is_assist"]]
    parts = []
    for author in corpus.conversations["author"].unique():
        own = of_author(corpus, author)
        pairs = candidates(own.utterances, link_partners(own.utterances, own.partners, own.partner_aliases))
        parts.append(compared_links(gold[gold["author"] == author], pairs))
    known = frame.set_index("utterance_id")
    rows = pd.concat(parts, ignore_index=True)
    partners, linked = (rows["utterance_id"].map(known[name]) for name in ("partners", "linked"))
    return rows.assign(
        is_found=rows["utterance_id"].map(known["is_decided"]),
        is_right=[one in several for one, several in zip(linked, partners, strict=True)],
    )


def show(frame: pd.DataFrame, title: str, linked: pd.DataFrame) -> None:
    """Prints all figures of one set."""
    n = {
        "utterances": len(frame),
        "conversations": frame["conversation_id"].nunique(),
        "assists": frame["is_assist"].sum(),
    }
    print(f"\n== {title}: " + ", ".join(f"{number:,} {name}" for name, number in n.items()))
    figures, scores = binary(frame), by_class(frame)
    print("assist or not, each utterance by the greatest of its pairs")
    for name in ("precision", "recall", "f1", "best_f1", "pr_auc", "roc_auc"):
        print(f"  {name:10} {figures[name]:.3f}{_interval(scores, name)}")
    print(f"  right in the first 50 of the queue {figures['top']:.2f}")
    truth, score = (frame[name].to_numpy(dtype=np.float64) for name in ("is_assist", "p_assist"))
    for level in LEVELS:
        at = decisions(truth, (score >= level).astype(np.float64))
        print(f"  from {level} on: " + ", ".join(f"{name} {value:.3f}" for name, value in at.items()))
    length = frame["text"].str.split().str.len().to_numpy(dtype=np.float64)
    by_length = ranking(truth, length)
    print("  number of words alone: " + ", ".join(f"{name} {value:.3f}" for name, value in by_length.items()))
    f1, share = types_of_assists(frame)
    print(f"type: macro-F1 on true assists {f1:.3f} ({share:.3f} right); strict, over everything {scores.macro_f1:.3f}")
    pairs = contrast(frame)
    print(
        f"contrast: {pairs['pairs']:.0f} pairs of {pairs['groups']} groups: both right {pairs['both']:.3f}, "
        f"ranked right {pairs['ranked']:.3f}; all of the group right {pairs['whole']:.3f}"
    )
    _links(linked)
    print(f"calibration: ECE {figures['ece']:.3f} (ten bins of equal count)")
    print(reliability(truth, score).round(3).to_string(index=False))
    print(scores.by_class.round(3).to_string(index=False))


def _interval(scores: object, name: str) -> str:
    found = getattr(scores, "binary", {}).get(name)
    return "" if found is None else f" [{found.lo:.3f}, {found.hi:.3f}]"


def _links(linked: pd.DataFrame) -> None:
    print("partner of true assists: n, surest link right; of those found n, partner right")
    parts = {
        "named or speaking": linked["how"] != "coreferent",
        "coreferent": linked["how"] == "coreferent",
        "all": linked["how"].notna(),
    }
    for name, mask in parts.items():
        rows = linked[mask]
        found = rows[rows["is_found"].astype(bool)]
        print(f"  {name:18}{len(rows):5}  {rows['top'].mean():.3f}  {len(found):5}  {found['is_right'].mean():.3f}")


def _conversations(frame: pd.DataFrame) -> None:
    print("by kind of text: n, assists, precision, recall, F1, PR-AUC, ROC-AUC")
    whole = frame["conversation_id"].str.startswith("taw")
    for name, mask in {"whole conversations": whole, "contrast snippets": ~whole}.items():
        _line(name, frame[mask])


def _authors(frame: pd.DataFrame) -> None:
    print("by author: n, assists, precision, recall, F1, PR-AUC, ROC-AUC")
    for name, rows in frame.groupby("author"):
        _line(str(name), rows)


def _line(name: str, rows: pd.DataFrame) -> None:
    figures = binary(rows)
    numbers = "  ".join(f"{figures[key]:.3f}" for key in ("precision", "recall", "f1", "pr_auc", "roc_auc"))
    print(f"  {name:20}{len(rows):6}{rows['is_assist'].sum():6}  {numbers}")
