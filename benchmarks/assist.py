"""How well a partner's help is found in conversations by others than the model has read, and how fast.

    python benchmarks/assist.py --parts held,robust
    python benchmarks/assist.py --parts real --data FOLDER --show
    python benchmarks/assist.py --parts baselines,growth,speed

- *held*: on ``assist_heldout``, by an author of whom nothing is ever trained on (``--sets written``), and on each
  author of the shipped corpus by models of the others (``folds``).
- *robust*: the same conversations with other names, misheard words, and speakers mixed up or unknown.
- *real*: sentences of real calls, mail and meetings labelled by hand, and what is flagged in such documents; with
  ``--show`` their text as well, on the terminal.
- *baselines*: what simple methods do on the same conversations.
- *growth*: with less training data.
- *speed*: seconds and memory.

Utterances are linked, cut, judged and decided by the functions of the verb `detect`, with the shipped model unless
``--model`` names the folder of another; an utterance's probability is the greatest of its pairs'.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Final

import real_passages
from sklearn.exceptions import ConvergenceWarning

from pipelines.detecting.models import load_judge, shipped_folder

PARTS: Final = ("held", "robust", "real", "baselines", "growth", "speed")
SETS: Final = ("written", "folds")
PACKAGES: Final = ("partnerlift", "spacy", "scikit-learn", "lightgbm", "numpy", "pandas")


def main() -> None:
    """Run the parts asked for and print them."""
    options = _options()
    warnings.simplefilter("ignore", ConvergenceWarning)
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    print(f"Python {platform.python_version()}, {versions}")
    for part in options.parts:
        begun = time.process_time()
        _run(part, options)
        print(f"({part}: {time.process_time() - begun:.0f} CPU s)", flush=True)


def _run(part: str, options: argparse.Namespace) -> None:
    if part == "held":
        from assist_held import held

        held(options.model, options.sets)
        return
    model = load_judge(options.model)
    if part == "robust":
        from assist_robust import robust

        robust(model, options.seed)
    elif part == "real":
        from assist_real import real

        real(model, options.data, options.share, show=options.show)
    elif part == "baselines":
        from assist_baselines import baselines

        baselines(model, options.vectors, options.seed)
    elif part == "growth":
        from assist_growth import growth

        growth(model, options.seed)
    else:
        from assist_speed import speed

        speed(model, options.utterances, options.seed)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(os.environ.get("PARTNERLIFT_SHARED_DATA", real_passages.SHARED))
    parser.add_argument("--parts", type=_some_of(PARTS), default=list(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--model", type=Path, default=shipped_folder(), help="folder of a saved model")
    parser.add_argument("--sets", type=_some_of(SETS), default=list(SETS), help="held: some of " + ",".join(SETS))
    parser.add_argument("--data", type=Path, default=shared, help="real: folder of the real data sets")
    parser.add_argument("--share", type=float, default=0.25, help="real: share of the documents read for false alarms")
    parser.add_argument("--show", action="store_true", help="real: print the text of what is flagged")
    parser.add_argument("--vectors", type=Path, help="baselines: word vectors as text, a word and its numbers a line")
    parser.add_argument("--utterances", type=int, default=100_000, help="speed: how many")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def _some_of(known: tuple[str, ...]) -> Callable[[str], list[str]]:
    def parts(text: str) -> list[str]:
        chosen = text.split(",")
        unknown = sorted(set(chosen) - set(known))
        if unknown:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: there is {', '.join(known)}")
        return chosen

    return parts


if __name__ == "__main__":
    main()
