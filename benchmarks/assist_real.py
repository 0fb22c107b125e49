"""Real sentences labelled by hand, and false alarms on real calls, mail and meetings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import real_passages
from assist_figures import decisions, ranking
from assist_product import NOBODY, judged_in_batches, of_utterances, talk_of

from features.assist.taxonomy import taxonomy
from models.assist.classifier import AssistClassifier

LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9)
NO_ALIASES = pd.DataFrame(columns=["partner_id", "alias"])


def real(model: AssistClassifier, folder: Path, share: float, *, show: bool) -> None:
    """Prints how the labelled passages are judged, and what is flagged in whole documents."""
    if not (folder / real_passages.CALLS).is_dir():
        print(f"\n== real text: no data sets in {folder}: give --data FOLDER or set PARTNERLIFT_SHARED_DATA")
        return
    found = judged_passages(model, folder)
    print(f"\n== real sentences: {len(found):,}, of them {found['assist'].sum():,} assists, model {model.version}")
    print("half, stratum, unsure: n, assists, ROC-AUC, PR-AUC, best F1; at the default threshold precision, recall, F1")
    for half in ("dev", "test"):
        for stratum in ("random", "all"):
            for unsure in (True, False):
                _passages(found, half, stratum, unsure=unsure)
    _alarms(model, folder, share, show=show)


def judged_passages(model: AssistClassifier, folder: Path) -> pd.DataFrame:
    """Every labelled passage with what the product says of it between its neighbours, all of one unknown speaker."""
    found = real_passages.passages(folder)
    names = found[real_passages.KEY].agg("/".join, axis=1)
    turns = [
        {"conversation_id": name, "utterance_id": f"{name}/{column}", "seq": seq, "text": text}
        for name, row in zip(names, found.itertuples(), strict=True)
        for seq, column in enumerate(("before", "text", "after"))
        if (text := getattr(row, column))
    ]
    judged = of_unknown(model, pd.DataFrame(turns))
    of_text = judged[judged["utterance_id"].str.endswith("/text")]
    of_text = of_text.assign(name=of_text["utterance_id"].str.removesuffix("/text")).drop(columns="utterance_id")
    return found.assign(name=names).merge(of_text, on="name", validate="one_to_one")


def of_unknown(model: AssistClassifier, turns: pd.DataFrame) -> pd.DataFrame:
    """What the product says of turns of which neither speakers nor partners are known; with the loudest ``piece``."""
    known = turns.assign(speaker_org="unknown")
    return pd.concat(
        [_with_pieces(batch) for batch in judged_in_batches(model, talk_of(NOBODY, NO_ALIASES), known)],
        ignore_index=True,
    )


def _with_pieces(batch: object) -> pd.DataFrame:
    said = of_utterances(batch)
    rows = batch.pairs.merge(batch.pieces[["utterance_id", "source_id", "text"]], on="utterance_id")
    rows = rows.assign(is_decided=rows["label"].isin(taxonomy().assist_ids))
    rows = rows.sort_values(["is_decided", "p_assist"], ascending=False, kind="stable").drop_duplicates("source_id")
    return said.assign(piece=said["utterance_id"].map(rows.set_index("source_id")["text"]))


def _passages(found: pd.DataFrame, half: str, stratum: str, *, unsure: bool) -> None:
    rows = found[(found["half"] == half) & ((found["stratum"] == stratum) | (stratum == "all"))]
    rows = rows if unsure else rows[rows["unsure"] == 0]
    truth, score, decided = (rows[name].to_numpy(dtype=np.float64) for name in ("assist", "p_assist", "is_decided"))
    ranks, chosen = ranking(truth, score), decisions(truth, decided)
    numbers = "  ".join(f"{ranks[key]:.3f}" for key in ("roc_auc", "pr_auc", "best_f1"))
    at = "  ".join(f"{chosen[key]:.3f}" for key in ("precision", "recall", "f1"))
    print(f"  {half:5}{stratum:7} {'with' if unsure else 'without':8}{len(rows):5}{truth.sum():5.0f}  {numbers}   {at}")


def _alarms(model: AssistClassifier, folder: Path, share: float, *, show: bool) -> None:
    assists = _assist_sentences(folder)
    print(
        f"flagged in {share:.0%} of the documents: turns; flagged at the default threshold, of them labelled an assist;"
    )
    print(
        "  in 1,000 turns, without those labelled, at the default threshold and from a probability of .5 .6 .7 .8 .9 on"
    )
    parts = []
    for name, tables in real_passages.false_alarm_corpora(folder).items():
        turns = tables["utterances"]
        turns = turns[_is_drawn(turns["conversation_id"], share) & turns["text"].str.strip().ne("")]
        said = of_unknown(model, turns).assign(dataset=name)
        rows = zip(said["utterance_id"], said["piece"], strict=True)
        parts.append(said.assign(is_true=[_holds(piece, assists.get((name, turn), ())) for turn, piece in rows]))
        _rates(name, parts[-1])
    both = pd.concat(parts, ignore_index=True)
    _rates("all", both)
    chosen = both[both["is_decided"]].sort_values(["dataset", "p_assist"], ascending=[True, False])
    for row in chosen.itertuples():
        known = ", labelled an assist" if row.is_true else ""
        print(f"    {row.p_assist:.2f} {row.decided}: {row.dataset} {row.utterance_id}{known}")
        if show:
            print(f"      {' '.join(row.piece.split())}")


def _rates(name: str, said: pd.DataFrame) -> None:
    """Prints how many turns of a corpus are flagged, and how many in 1,000 but for true ones by threshold."""
    flagged, unknown = said[said["is_decided"]], said[~said["is_true"]]
    rates = [unknown["is_decided"].mean(), *((unknown["p_assist"] >= level).mean() for level in LEVELS)]
    numbers = "  ".join(f"{1000 * rate:.2f}" for rate in rates)
    print(f"  {name:20}{len(said):7,}{len(flagged):5}{int(flagged['is_true'].sum()):5}  {numbers}", flush=True)


def _assist_sentences(folder: Path) -> dict[tuple[str, str], list[str]]:
    """The sentences labelled as assists, by data set and turn."""
    labels = real_passages.passages(folder)
    labels = labels[labels["assist"] == 1]
    turns = labels["document"] + "/" + labels["sentence"].str.split(":").str[0]
    return {key: list(texts) for key, texts in labels.groupby([labels["dataset"], turns])["text"]}


def _holds(piece: str, sentences: Sequence[str]) -> bool:
    """Whether a piece of a turn is, or holds, or is cut from, one of the sentences."""
    said = " ".join(piece.split())
    return any(sentence in said or said in sentence for sentence in sentences)


def _is_drawn(documents: pd.Series, share: float) -> pd.Series:
    """Whether a document is among the share that is read; by its id alone."""
    return documents.map(lambda name: int(real_passages.short_hash(f"alarms/{name}"), 16) / 16**12 < share)
