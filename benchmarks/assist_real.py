"""Real sentences labelled by hand, and false alarms on real calls, mail and meetings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import real_passages
from assist_figures import decisions, ranking
from assist_product import NOBODY, judged_in_batches, of_utterances, talk_of

from features.assist.taxonomy import taxonomy
from models.assist.classifier import AssistClassifier

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
    known = _labelled_turns(folder)
    flagged, total, n_flagged, n_true = [], 0, 0, 0
    print(
        f"flagged at the default threshold in {share:.0%} of the documents: turns, flagged, of them labelled an assist;"
    )
    print("  others in 1,000")
    for name, tables in real_passages.false_alarm_corpora(folder).items():
        turns = tables["utterances"]
        turns = turns[_is_drawn(turns["conversation_id"], share) & turns["text"].str.strip().ne("")]
        said = of_unknown(model, turns)
        chosen = said[said["is_decided"]].assign(dataset=name)
        chosen = chosen.assign(known=[known.get((name, turn), "not read") for turn in chosen["utterance_id"]])
        true = int((chosen["known"] == "assist").sum())
        print(
            f"  {name:20}{len(turns):7,}{len(chosen):5}{true:5}  {_per_1000(len(chosen) - true, len(turns))}",
            flush=True,
        )
        flagged.append(chosen)
        total, n_flagged, n_true = total + len(turns), n_flagged + len(chosen), n_true + true
    print(f"  {'all':20}{total:7,}{n_flagged:5}{n_true:5}  {_per_1000(n_flagged - n_true, total)}")
    for row in pd.concat(flagged).sort_values(["dataset", "p_assist"], ascending=[True, False]).itertuples():
        print(f"    {row.p_assist:.2f} {row.decided} {row.known}: {row.dataset} {row.utterance_id}")
        if show:
            print(f"      {' '.join(row.piece.split())}")


def _per_1000(n: int, total: int) -> str:
    return f"{1000 * n / total:.2f}" if total else "-"


def _is_drawn(documents: pd.Series, share: float) -> pd.Series:
    """Whether a document is among the share that is read; by its id alone."""
    return documents.map(lambda name: int(real_passages.short_hash(f"alarms/{name}"), 16) / 16**12 < share)


def _labelled_turns(folder: Path) -> dict[tuple[str, str], str]:
    """Turns with a labelled sentence: ``assist`` where one of them is one, else ``none``."""
    labels = real_passages.passages(folder)
    turns = labels["document"] + "/" + labels["sentence"].str.split(":").str[0]
    grouped = labels.groupby([labels["dataset"], turns])["assist"].max()
    return {key: "assist" if value else "none" for key, value in grouped.items()}
