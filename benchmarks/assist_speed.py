"""Time and memory of the product's own path: links, views, features, sums, on conversations drawn from the corpus."""

from __future__ import annotations

import resource
import time
from collections import defaultdict
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

import numpy as np
import pandas as pd
from assist_product import judged_in_batches, talk_of

from features.assist.notation import shipped_corpus
from models.assist.classifier import AssistClassifier

STEPS: Final = {
    "pieces": "pipelines.detecting.judge.pieces",
    "links": "pipelines.detecting.judge.link_partners",
    "candidates": "pipelines.detecting.judge.candidates",
    "views": "models.assist.classifier.views",
    "clauses": "features.assist.documents.syntax_features",
    "features, with clauses": "models.assist.classifier.documents",
    "numbers and sums": "models.assist.classifier.Linear.margins",
    "decisions": "models.assist.classifier.decisions",
}


def drawn(turns: pd.DataFrame, n: int, seed: int) -> pd.DataFrame:
    """``n`` utterances in whole conversations of the given, in random order, each anew when all have been."""
    sizes = turns.groupby("conversation_id", sort=True).size()
    rng = np.random.default_rng(seed)
    rounds = -(-n // len(turns)) + 1
    order = [(sizes.index[place], turn) for turn in range(rounds) for place in rng.permutation(len(sizes))]
    places = pd.DataFrame(order, columns=["conversation_id", "turn"])
    enough = sizes.reindex(places["conversation_id"]).cumsum().to_numpy() < n
    found = places.iloc[: int(enough.sum()) + 1].merge(turns, on="conversation_id")
    ends = "-" + found.pop("turn").astype(str)
    columns = ("conversation_id", "utterance_id")
    return found.assign(**{name: found[name] + ends for name in columns}).head(n)


def speed(model: AssistClassifier, n: int, seed: int) -> None:
    """Prints what judging ``n`` utterances takes."""
    corpus = shipped_corpus()
    turns = drawn(corpus.utterances, n, seed)
    talk = talk_of(corpus.partners, corpus.partner_aliases)
    before, seconds = _peak(), _watched()
    begun, cpu = time.perf_counter(), time.process_time()
    pairs = sum(len(batch.pairs) for batch in judged_in_batches(model, talk, turns))
    wall, used = time.perf_counter() - begun, time.process_time() - cpu
    n_talks = turns["conversation_id"].nunique()
    told = f"{len(turns):,} utterances of {n_talks:,} conversations, {len(talk.partners):,} partners"
    print(f"\n== speed: {told}, {pairs:,} pairs, model {model.version}")
    print(f"{wall:.1f} s wall, {used:.1f} CPU s, {len(turns) / used:.0f} utterances per CPU second,", end=" ")
    print(f"peak {_peak():,.0f} MiB ({before:,.0f} before)")
    for name, taken in seconds.items():
        print(f"  {name:24}{taken:8.1f} CPU s")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _watched() -> dict[str, float]:
    """CPU seconds of each of ``STEPS``, which are measured from now on."""
    seconds: dict[str, float] = defaultdict(float)
    for name, path in STEPS.items():
        owner, attribute = _place(path)
        setattr(owner, attribute, _timed(name, getattr(owner, attribute), seconds))
    return seconds


def _place(path: str) -> tuple[Any, str]:
    """The module or class that holds a function, and its name there."""
    before, name = path.rsplit(".", 1)
    try:
        return import_module(before), name
    except ModuleNotFoundError:
        module, _, kind = before.rpartition(".")
        return getattr(import_module(module), kind), name


def _timed(name: str, work: Callable[..., Any], seconds: dict[str, float]) -> Callable[..., Any]:
    def timed(*arguments: Any, **options: Any) -> Any:
        begun = time.process_time()
        try:
            return work(*arguments, **options)
        finally:
            seconds[name] += time.process_time() - begun

    return timed
