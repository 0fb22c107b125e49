"""How decisions on other authors' conversations improve with the number of conversations learned from."""

from __future__ import annotations

from typing import Final

import numpy as np
from assist_figures import binary, contrast, types_of_assists
from assist_product import held_out, said

from features.assist.taxonomy import taxonomy
from models.assist.classifier import AssistClassifier
from models.assist.training import trained
from pipelines.assist_training.examples import corpus_sample

SHARES: Final = (0.125, 0.25, 0.5)


def growth(model: AssistClassifier, seed: int) -> None:
    """Prints the figures of models of growing shares of the corpus on the held-out author; last the given model."""
    sample, corpus = corpus_sample(), held_out()
    conversation = sample.rows["conversation_id"].astype(str)
    order = np.random.default_rng(seed).permutation(np.unique(conversation))
    print("\n== growth: held-out author, by training conversations: n, assists, F1, PR-AUC, types, both right")
    for share in (*SHARES, 1.0):
        chosen = order[: round(share * len(order))]
        part = sample.only(conversation.isin(chosen).to_numpy())
        frame = said(model if share == 1 else trained(part).model, corpus)
        rows = part.rows[~part.rows["is_copy"]]
        assists = rows["label"].isin(taxonomy().assist_ids).sum()
        figures = binary(frame)
        numbers = f"{figures['f1']:.3f}  {figures['pr_auc']:.3f}  {types_of_assists(frame)[0]:.3f}"
        print(f"  {len(chosen):7,}{assists:7,}  {numbers}  {contrast(frame)['both']:.3f}", flush=True)
