"""How well decisions about turns that a model never saw agree with their labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.metrics import Estimate, Floats, evaluate, paired_metrics

__all__ = ["BINARY", "HELD_COLUMNS", "Scores", "author_folds", "compared", "scored"]

HELD_COLUMNS: Final = ("utterance_id", "partner_id", "conversation_id", "label", "decided", "p_assist")
"""Columns of held-out decisions: ids, the label, the class decided for, and the probability of an assist."""
BINARY: Final = ("roc_auc", "pr_auc", "log_loss", "brier", "ece")


@dataclass(frozen=True)
class Scores:
    """How good held-out decisions are.

    Attributes
    ----------
    n, n_assists : examples, and assists among them.
    binary : metric of the probability of an assist to its estimate, with an interval over whole conversations.
    precision, recall, f1 : of the decision that it is an assist, whichever type. NaN where nothing was decided for.
    macro_f1 : mean F1 of the assist types that have an example.
    by_class : ``class``, ``n``, ``decided``, ``precision``, ``recall``, ``f1``, a row a class.
    confusion : number of examples by label (rows) and class decided for (columns).
    """

    n: int
    n_assists: int
    binary: dict[str, Estimate]
    precision: float
    recall: float
    f1: float
    macro_f1: float
    by_class: pd.DataFrame
    confusion: pd.DataFrame

    def numbers(self) -> dict[str, float]:
        """All single numbers by name; what is not one is left out."""
        found = {name: estimate.value for name, estimate in self.binary.items()}
        found |= {name: getattr(self, name) for name in ("precision", "recall", "f1", "macro_f1")}
        for row in self.by_class.to_dict("records"):
            found |= {f"{row['class']}.{name}": float(row[name]) for name in ("precision", "recall", "f1")}
        return {name: value for name, value in found.items() if np.isfinite(value)}


def scored(held: pd.DataFrame, classes: tuple[str, ...], assists: tuple[str, ...], samples: int, seed: int) -> Scores:
    """Scores of held-out decisions.

    Parameters
    ----------
    held : ``HELD_COLUMNS``.
    classes : all classes, in their order; ``assists`` are those of them that are assists.
    samples, seed : of the bootstrap over conversations.
    """
    is_assist, is_decided = (held[name].isin(assists) for name in ("label", "decided"))
    confusion = pd.crosstab(held["label"], held["decided"]).reindex(index=classes, columns=classes, fill_value=0)
    by_class = _by_class(confusion)
    is_tried = by_class["class"].isin(assists) & by_class["n"].gt(0)
    precision, recall, f1 = _agreement(int((is_assist & is_decided).sum()), int(is_decided.sum()), int(is_assist.sum()))
    return Scores(
        n=len(held),
        n_assists=int(is_assist.sum()),
        binary=evaluate(*_columns(held, is_assist), _groups(held), samples, seed),
        precision=precision,
        recall=recall,
        f1=f1,
        macro_f1=float(by_class.loc[is_tried, "f1"].fillna(0.0).mean()),
        by_class=by_class,
        confusion=confusion,
    )


def compared(
    ours: pd.DataFrame, theirs: pd.DataFrame, assists: tuple[str, ...], samples: int, seed: int
) -> dict[str, Estimate]:
    """By how much each of ``BINARY`` is greater for ``ours`` than for ``theirs``, on the examples that both have.

    Empty when they have none in common.
    """
    keys = ["utterance_id", "partner_id"]
    keyed = [held.assign(partner_id=held["partner_id"].fillna("")) for held in (ours, theirs)]
    both = keyed[0].merge(keyed[1][[*keys, "p_assist"]], on=keys, suffixes=("", "_theirs"))
    if both.empty:
        return {}
    truth, probability = _columns(both, both["label"].isin(assists))
    other = both["p_assist_theirs"].to_numpy(dtype=np.float64)
    return paired_metrics(truth, probability, other, _groups(both), samples, seed)


def author_folds(authors: pd.Series, n_folds: int) -> npt.NDArray[np.int64]:
    """Fold of each example, 0 <= fold < ``n_folds``, so that no author is in two folds.

    The author with most examples comes first, each into the fold with the fewest so far; ties go by name.
    """
    sizes = authors.value_counts()
    filled = np.zeros(n_folds, dtype=np.int64)
    fold_of: dict[str, int] = {}
    for author, size in sorted(sizes.items(), key=lambda item: (-item[1], str(item[0]))):
        fold_of[str(author)] = int(filled.argmin())
        filled[fold_of[str(author)]] += size
    return np.array([fold_of[str(author)] for author in authors], dtype=np.int64)


def _columns(held: pd.DataFrame, is_assist: pd.Series) -> tuple[Floats, Floats]:
    return is_assist.to_numpy(dtype=np.float64), held["p_assist"].to_numpy(dtype=np.float64)


def _groups(held: pd.DataFrame) -> npt.NDArray[np.int64]:
    return pd.factorize(held["conversation_id"], sort=True)[0].astype(np.int64)


def _by_class(confusion: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for name in confusion.index:
        n, decided = int(confusion.loc[name].sum()), int(confusion[name].sum())
        precision, recall, f1 = _agreement(int(confusion.loc[name, name]), decided, n)
        rows.append({"class": name, "n": n, "decided": decided, "precision": precision, "recall": recall, "f1": f1})
    return pd.DataFrame(rows)


def _agreement(hits: int, decided: int, true: int) -> tuple[float, float, float]:
    """Precision, recall and F1; NaN where they are of nothing."""
    nothing = float("nan")
    precision, recall = hits / decided if decided else nothing, hits / true if true else nothing
    return precision, recall, 2 * hits / (decided + true) if decided + true else nothing
