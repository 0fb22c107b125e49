"""Trains the model of assists that comes with the product, from the labelled conversations that come with it.

    python scripts/train_assist.py

Writes models/assist/shipped/; the same files give the same bytes. Prints how it does on authors held out.
"""

from __future__ import annotations

from pathlib import Path

from features.assist.taxonomy import taxonomy
from models.assist.persistence import save
from models.assist.training import trained
from models.assist_scores import scored
from pipelines.assist_training.examples import corpus_sample

SHIPPED = Path(__file__).parents[1] / "models" / "assist" / "shipped"
SAMPLES, SEED = 200, 0


def main() -> None:
    """Trains, saves and tells."""
    result = trained(corpus_sample())
    save(result.model, SHIPPED)
    kinds = taxonomy()
    scores = scored(result.held, kinds.ids, kinds.assist_ids, SAMPLES, SEED)
    print(f"{result.model.version}: {len(result.model.linear.terms):,} features, {scores.n:,} held-out pairs")
    print(" ".join(f"{name} {value:.3f}" for name, value in scores.numbers().items() if "." not in name))


if __name__ == "__main__":
    main()
