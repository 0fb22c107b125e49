"""Divides frequent English words into classes of like meaning, for features/assist/word_classes.txt.gz.

    python scripts/make_word_classes.py VECTORS

VECTORS is a text file in word2vec's format: a header line, then a word and its numbers a line, frequent words first.
The shipped classes were made from 60,000 GloVe vectors of 100 dimensions, which are in the public domain (Pennington,
Socher, Manning 2014; Public Domain Dedication and License 1.0).
"""

import gzip
import io
import sys
from pathlib import Path

import numpy as np
from sklearn.cluster import MiniBatchKMeans

from features.assist.lexis import CLASS_SIZES

FITTED = 40_000


def main(path: Path) -> None:
    """Writes the classes of the words in ``path``."""
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    words = [line.split(" ", 1)[0] for line in lines]
    vectors = np.array([line.split(" ")[1:] for line in lines], dtype=np.float32)
    vectors -= vectors[:5000].mean(axis=0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    places = []
    for size in CLASS_SIZES:
        model = MiniBatchKMeans(size, random_state=0, batch_size=4096, n_init=1, max_iter=60)
        places.append(model.fit(vectors[:FITTED]).predict(vectors))
    rows = "\n".join(" ".join([word, *map(str, found)]) for word, *found in zip(words, *places, strict=True))
    target = Path(__file__).parents[1] / "features" / "assist" / "word_classes.txt.gz"
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as stream:
        stream.write(rows.encode())
    target.write_bytes(packed.getvalue())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
