"""What changes when names are others, words are misheard, or nobody knows who works for whom."""

from __future__ import annotations

import pandas as pd
from assist_changes import misheard, with_other_names, with_shuffled_speakers, with_unknown_speakers
from assist_figures import binary, changed
from assist_product import held_out, said

from features.assist.notation import Corpus, shipped_corpus
from models.assist.classifier import AssistClassifier

DRAWS = 3
RATES = (0.0, 0.1, 0.2)


def robust(model: AssistClassifier, seed: int) -> None:
    """Prints what each change does to the decisions on the held-out author."""
    corpus = held_out()
    plain = said(model, corpus)
    print(f"\n== changed on purpose: held-out author, {len(plain):,} utterances, model {model.version}")
    _names(model, corpus, plain, seed)
    print("change: F1, PR-AUC, ROC-AUC; lost of F1 and PR-AUC; share of decisions that change")
    _compare("as written", plain, plain)
    for bare in (False, True):
        for rate in RATES:
            if rate or bare:
                _misheard(model, corpus, plain, rate, seed, bare=bare)
    mixed, share = with_shuffled_speakers(corpus, seed)
    _compare(f"speakers mixed up ({share:.0%} of turns)", plain, said(model, mixed))
    _compare("no affiliation known", plain, said(model, with_unknown_speakers(corpus)))


def _names(model: AssistClassifier, corpus: Corpus, plain: pd.DataFrame, seed: int) -> None:
    lenders = shipped_corpus()
    print("all names swapped: decisions that change (bar < 1 %), classes that change, mean shift; PR-AUC")
    for coined in (True, False):
        for draw in range(DRAWS):
            other = said(model, with_other_names(corpus, lenders, seed + draw, coined=coined))
            shares, kind = changed(plain, other), "coined names" if coined else "names of any kind"
            figures = f"{shares['decisions']:.2%}  {shares['classes']:.2%}  {shares['shift']:.4f}"
            print(f"  {kind:18} draw {draw}  {figures}  {binary(other)['pr_auc']:.3f}")


def _misheard(
    model: AssistClassifier, corpus: Corpus, plain: pd.DataFrame, rate: float, seed: int, *, bare: bool
) -> None:
    heard, share = misheard(corpus, rate, seed, bare=bare)
    form = ", no capitals or stops" if bare else ""
    _compare(f"{share:.1%} of words wrong{form}", plain, said(model, heard))


def _compare(name: str, before: pd.DataFrame, after: pd.DataFrame) -> None:
    old, new = binary(before), binary(after)
    lost = "  ".join(f"{old[key] - new[key]:+.3f}" for key in ("f1", "pr_auc"))
    now = "  ".join(f"{new[key]:.3f}" for key in ("f1", "pr_auc", "roc_auc"))
    print(f"  {name:42} {now}  {lost}  {changed(before, after)['decisions']:.1%}", flush=True)
