"""Figures of decisions on utterances: how many assists are found, how sure, of which type, and in contrast pairs.

All take the frame of ``assist_product.said``: ``is_assist`` and ``labels`` are the truth, ``p_assist``, ``decided``,
``is_decided`` and ``best_type`` what was said.
"""

from __future__ import annotations

from itertools import product
from typing import Final

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from features.assist.taxonomy import taxonomy
from models.assist_scores import Scores, scored
from models.metrics import Floats, weighted_metrics

QUEUE: Final = 50
SNIPPET_TURNS: Final = 6
"""Most turns of a conversation that is one of a contrast group."""
SAMPLES: Final = 500
EDGES: Final = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_INTERVALS: Final = [f"to {end:.2f}" for end in EDGES[1:]]


def ranking(truth: Floats, score: Floats) -> dict[str, float]:
    """How well a score ranks: average precision, area under the ROC curve, and F1 at the best threshold of these."""
    if not 0 < truth.sum() < len(truth):
        return dict.fromkeys(("pr_auc", "roc_auc", "best_f1"), float("nan"))
    return {
        "pr_auc": float(average_precision_score(truth, score)),
        "roc_auc": float(roc_auc_score(truth, score)),
        "best_f1": best_threshold(truth, score)[1],
    }


def best_threshold(truth: Floats, score: Floats) -> tuple[float, float]:
    """The threshold with the greatest F1 on these very rows, and that F1: a limit, which flatters."""
    precision, recall, thresholds = precision_recall_curve(truth, score)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    best = int(f1[:-1].argmax())
    return float(thresholds[best]), float(f1[best])


def decisions(truth: Floats, decided: Floats) -> dict[str, float]:
    """Precision, recall and F1 of decisions; NaN where they are of nothing."""
    hits, chosen, true = float((truth * decided).sum()), float(decided.sum()), float(truth.sum())
    return {
        "precision": hits / chosen if chosen else float("nan"),
        "recall": hits / true if true else float("nan"),
        "f1": 2 * hits / (chosen + true) if chosen + true else float("nan"),
    }


def binary(frame: pd.DataFrame) -> dict[str, float]:
    """All of both, the calibration error, and the precision in the first ``QUEUE`` of the queue."""
    truth, score, decided = (frame[name].to_numpy(dtype=np.float64) for name in ("is_assist", "p_assist", "is_decided"))
    first = np.argsort(-score, kind="stable")[:QUEUE]
    ece = weighted_metrics(truth, score, np.ones((1, len(truth))))["ece"][0]
    top = {"ece": float(ece), "top": float(truth[first].mean())}
    return {**decisions(truth, decided), **ranking(truth, score), **top}


def by_class(frame: pd.DataFrame, seed: int = 0) -> Scores:
    """Scores by class; an utterance of several classes counts as the one decided for, if it is one of them.

    Intervals are over contrast groups, whose snippets are not independent.
    """
    label = [
        decided if decided in labels else labels[0]
        for labels, decided in zip(frame["labels"], frame["decided"], strict=True)
    ]
    held = frame[["utterance_id", "decided", "p_assist"]].assign(
        label=label, partner_id=None, conversation_id=groups(frame)
    )
    return scored(held, taxonomy().ids, taxonomy().assist_ids, SAMPLES, seed)


def types_of_assists(frame: pd.DataFrame) -> tuple[float, float]:
    """Macro-F1 of the likeliest type over the true assists alone, and the share of them whose type is right."""
    true = frame[frame["is_assist"]]
    is_right = np.array([best in labels for best, labels in zip(true["best_type"], true["labels"], strict=True)])
    label = np.where(is_right, true["best_type"], [labels[0] for labels in true["labels"]])
    f1 = [decisions(label == name, true["best_type"].to_numpy() == name)["f1"] for name in sorted(set(label))]
    return float(np.mean(f1)), float(is_right.mean())


def groups(frame: pd.DataFrame) -> pd.Series:
    """What is drawn as a whole: the contrast group of a snippet, else the conversation."""
    length = frame.groupby("conversation_id")["utterance_id"].transform("size")
    return frame["group"].where(length <= SNIPPET_TURNS, frame["conversation_id"])


def contrast(frame: pd.DataFrame) -> dict[str, float]:
    """How many contrast pairs are right: of a group's snippets each one with an assist beside each one without.

    Returns
    -------
    ``pairs``, ``both`` (share: an assist is found in the one, and none in the other), ``ranked`` (share: the assist's
    probability is greater than the other's greatest), ``groups`` and ``whole`` (share: all pairs of a group are right).
    """
    rows = []
    for _, group in _snippets(frame).groupby("group", sort=False):
        with_one, without = group[group["is_assist"]], group[~group["is_assist"]]
        pairs = list(product(with_one.itertuples(), without.itertuples()))
        both = [one.is_right and other.is_right for one, other in pairs]
        rows.append((len(pairs), sum(both), sum(one.score > other.score for one, other in pairs), all(both)))
    found = pd.DataFrame([row for row in rows if row[0]], columns=["n", "both", "ranked", "whole"], dtype=float)
    n = found["n"].sum()
    shares = {name: found[name].sum() / n if n else float("nan") for name in ("both", "ranked")}
    return {"pairs": n, **shares, "groups": len(found), "whole": found["whole"].astype(float).mean()}


def _snippets(frame: pd.DataFrame) -> pd.DataFrame:
    """A row a snippet: ``group``, ``is_assist``, ``is_right`` and ``score``; an assist's own where there is one."""
    short = frame[frame.groupby("conversation_id")["utterance_id"].transform("size") <= SNIPPET_TURNS]
    has_one = short.groupby("conversation_id")["is_assist"].transform("any")
    counted = short[~has_one | short["is_assist"]]
    by = counted.groupby("conversation_id", sort=False).agg(
        group=("group", "first"), is_assist=("is_assist", "any"), found=("is_decided", "any"), score=("p_assist", "max")
    )
    return by.assign(is_right=by["found"] == by["is_assist"])


def reliability(truth: Floats, score: Floats) -> pd.DataFrame:
    """Predicted and observed share of assists by probability, a row an interval that holds any."""
    frame = pd.DataFrame(
        {"truth": truth, "score": score, "from": pd.cut(score, EDGES, labels=_INTERVALS, include_lowest=True)}
    )
    table = frame.groupby("from", observed=True).agg(
        n=("truth", "size"), predicted=("score", "mean"), assists=("truth", "mean")
    )
    return table.reset_index().rename(columns={"from": "probability"})


def changed(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, float]:
    """Shares of utterances whose decision (assist or not) and whose class is another, and the mean shift."""
    both = before.merge(after, on="utterance_id", suffixes=("", "_after"), validate="one_to_one")
    return {
        "decisions": float((both["is_decided"] != both["is_decided_after"]).mean()),
        "classes": float((both["decided"] != both["decided_after"]).mean()),
        "shift": float((both["p_assist"] - both["p_assist_after"]).abs().mean()),
    }
