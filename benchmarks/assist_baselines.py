"""Simple methods on the same split: trained on the corpus, judged on the held-out author."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import lightgbm as lgb
import numpy as np
import pandas as pd
import spacy
from assist_figures import best_threshold, contrast, decisions, ranking
from assist_product import held_out, said, told
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from spacy.training import Example
from spacy.util import fix_random_seed, minibatch

from features.assist.examples import Examples, examples
from features.assist.notation import Corpus, shipped_corpus
from features.assist.syntax import dense_syntax
from features.assist.taxonomy import taxonomy
from models.assist.classifier import AssistClassifier
from models.metrics import Floats

KEYWORDS: Final = re.compile(
    r"\b(?:introduc|referr|recommend|brought us|put us in touch|got us in|vouch|thanks to|help|assist|support|train"
    r"|implement|integrat|install|migrat|configur|deliver|built|fixed|solved|saved|rescued|warned|reference"
    r"|business case|roi|proof of concept|poc|pilot|demo|quote|paperwork|contract|procurement|marketplace|onboard"
    r"|workshop|dashboard|connector|extension|renew)\w*",
    re.IGNORECASE,
)
"""Words that a tracker of partners' help would be given, beside the partners' own names."""
EPOCHS: Final = 3
TEXTCATS: Final[dict[str, dict[str, Any]]] = {
    "spaCy textcat, bag of words": {
        "@architectures": "spacy.TextCatBOW.v3",
        "exclusive_classes": True,
        "ngram_size": 2,
        "no_output_layer": False,
        "length": 262144,
    },
    "spaCy textcat, CNN": {
        "@architectures": "spacy.TextCatCNN.v2",
        "exclusive_classes": True,
        "tok2vec": {
            "@architectures": "spacy.HashEmbedCNN.v2",
            "pretrained_vectors": None,
            "width": 64,
            "depth": 2,
            "embed_size": 2000,
            "window_size": 1,
            "maxout_pieces": 3,
            "subword_features": True,
        },
    },
}


def baselines(model: AssistClassifier, vectors: Path | None, seed: int) -> None:
    """Prints each method's figures; at the threshold that is best on these very conversations, which flatters all."""
    train, test = told(shipped_corpus()), told(held_out())
    texts, truth = train["text"].tolist(), train["is_assist"].to_numpy(dtype=np.float64)
    print(
        f"\n== beside it: {len(train):,} utterances to learn from ({truth.sum():,.0f} assists), {len(test):,} to judge"
    )
    print("PR-AUC, ROC-AUC; at the best threshold of all F1, both right of contrast pairs; at its own F1, both right")
    own = said(model, held_out())
    _line("the product's", own, own["p_assist"].to_numpy(dtype=np.float64), own["is_decided"].to_numpy())
    hits = np.array([_keywords(text) for text in test["text"]], dtype=np.float64)
    _line("keywords", test, hits, hits > 0)
    methods: dict[str, Callable[[list[str], Floats, list[str]], Floats]] = {"TF-IDF + logistic regression": tf_idf}
    if vectors is not None:
        methods["mean of word vectors + log. regr."] = lambda *given: mean_vectors(vectors, *given)
    for name, config in TEXTCATS.items():
        methods[name] = lambda *given, config=config: textcat(config, *given, seed)
    for name, method in methods.items():
        score = method(texts, truth, test["text"].tolist())
        _line(name, test, score, score >= 0.5)
    score = clause_trees(shipped_corpus(), held_out(), test["utterance_id"], seed)
    _line("LightGBM over counts of clauses", test, score, score >= 0.5)


def tf_idf(texts: list[str], truth: Floats, tested: list[str]) -> Floats:
    """Words 1-3 and a logistic regression."""
    vectors = TfidfVectorizer(ngram_range=(1, 3), min_df=2, sublinear_tf=True)
    return _logistic(vectors.fit_transform(texts), truth, vectors.transform(tested))


def mean_vectors(path: Path, texts: list[str], truth: Floats, tested: list[str]) -> Floats:
    """The mean of given word vectors and a logistic regression."""
    known = dict(_vectors(path))
    width = len(next(iter(known.values())))

    def mean(text: str) -> Floats:
        found = [known[word] for word in re.findall(r"[\w']+", text.lower()) if word in known]
        return np.mean(found, axis=0) if found else np.zeros(width)

    return _logistic(np.stack([mean(t) for t in texts]), truth, np.stack([mean(t) for t in tested]))


def textcat(config: dict[str, Any], texts: list[str], truth: Floats, tested: list[str], seed: int) -> Floats:
    """A text classifier of spaCy, from nothing."""
    fix_random_seed(seed)
    english = spacy.blank("en")
    component = english.add_pipe("textcat", config={"model": config})
    cats = [{"yes": float(one), "no": 1.0 - one} for one in truth]
    made = [Example.from_dict(english.make_doc(t), {"cats": c}) for t, c in zip(texts, cats, strict=True)]
    component.initialize(lambda: made[:2000], nlp=english)
    optimizer = english.create_optimizer()
    dice = random.Random(seed)
    for _ in range(EPOCHS):
        dice.shuffle(made)
        for batch in minibatch(made, 64):
            english.update(batch, sgd=optimizer)
    return np.array([doc.cats["yes"] for doc in english.pipe(tested)], dtype=np.float64)


def clause_trees(train: Corpus, test: Corpus, wanted: pd.Series, seed: int) -> Floats:
    """Trees over who did what, by the product's parser, of masked pairs; an utterance has the greatest of its pairs."""
    learned, judged = examples(train), examples(test)
    is_assist = learned.pairs["label"].isin(taxonomy().assist_ids).to_numpy(dtype=np.float64)
    settings = {
        "objective": "binary",
        "num_leaves": 15,
        "learning_rate": 0.05,
        "verbose": -1,
        "seed": seed,
        "num_threads": 1,
    }
    trees = lgb.train(settings, lgb.Dataset(_dense(learned), is_assist), 200)
    score = pd.Series(np.asarray(trees.predict(_dense(judged))), index=judged.pairs["utterance_id"])
    return score.groupby(level=0).max().reindex(wanted).to_numpy(dtype=np.float64)


def _dense(made: Examples) -> Floats:
    return dense_syntax(made.seen["text"].tolist(), made.seen["side"].tolist()).astype(np.float64)


def _keywords(text: str) -> int:
    return len(KEYWORDS.findall(text))


def _logistic(rows: Any, truth: Floats, tested: Any) -> Floats:
    found: Floats = LogisticRegression(C=10, max_iter=300).fit(rows, truth).predict_proba(tested)[:, 1]
    return found


def _vectors(path: Path) -> Iterator[tuple[str, Floats]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            word, *numbers = line.split()
            if len(numbers) > 1:
                yield word, np.array(numbers, dtype=np.float32)


def _line(name: str, test: pd.DataFrame, score: Floats, decided: Any) -> None:
    truth = test["is_assist"].to_numpy(dtype=np.float64)
    ranks, threshold = ranking(truth, score), best_threshold(truth, score)[0]
    at_best = contrast(test.assign(p_assist=score, is_decided=score >= threshold))["both"]
    own = contrast(test.assign(p_assist=score, is_decided=decided))["both"]
    f1 = decisions(truth, np.asarray(decided, dtype=np.float64))["f1"]
    numbers = (ranks["pr_auc"], ranks["roc_auc"], ranks["best_f1"], at_best, f1, own)
    print(f"  {name:36}" + "  ".join(f"{number:.3f}" for number in numbers), flush=True)
