"""Features that a linear model knows, and rows of features as numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from features.assist.documents import FAMILIES, Documents

__all__ = ["Terms"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Terms:
    """For each family the known features, in order, and their inverse document frequencies.

    A row's numbers are those of scikit-learn's ``TfidfVectorizer`` with sublinear counts: ``(1 + log count) * idf``,
    each family scaled to length one and then by its weight, so that a long text weighs no more than a short one.
    """

    known: Mapping[str, tuple[str, ...]]
    idf: Mapping[str, Floats]

    @classmethod
    def fit(cls, found: Documents) -> Terms:
        """Features that occur in enough rows."""
        known, idf = {}, {}
        for family, rows in found.items():
            counts = Counter(feature for row in rows for feature in set(row))
            known[family] = tuple(sorted(f for f, n in counts.items() if n >= FAMILIES[family].min_rows))
            occurs = np.array([counts[feature] for feature in known[family]], dtype=np.float64)
            idf[family] = (np.log((1 + len(rows)) / (1 + occurs)) + 1).astype(np.float32).astype(np.float64)
        return cls(known, idf)

    def frequencies(self) -> npt.NDArray[np.float32]:
        """All inverse document frequencies, shape (n_features,), as they are saved."""
        return np.concatenate([self.idf[family] for family in self.known]).astype(np.float32)

    def __len__(self) -> int:
        return sum(map(len, self.known.values()))

    def kept(self, is_kept: npt.NDArray[np.bool_]) -> Terms:
        """Only some of the features, by a mask (n_features,) in the order of the columns."""
        known, idf, start = {}, {}, 0
        for family, features in self.known.items():
            mask = is_kept[start : start + len(features)]
            known[family] = tuple(feature for feature, keep in zip(features, mask, strict=True) if keep)
            idf[family] = self.idf[family][mask]
            start += len(features)
        return Terms(known, idf)

    def matrix(self, found: Documents) -> sp.csr_matrix:
        """Rows as numbers, shape (rows, features); a feature that is not known counts for nothing."""
        blocks = [
            FAMILIES[family].weight * _scaled(_counted(found[family], features), self.idf[family])
            for family, features in self.known.items()
        ]
        return sp.hstack(blocks, format="csr")


def _counted(rows: Sequence[Sequence[str]], features: tuple[str, ...]) -> sp.csr_matrix:
    place = {feature: column for column, feature in enumerate(features)}
    columns: list[int] = []
    ends = [0]
    for row in rows:
        columns.extend(column for feature in row if (column := place.get(feature)) is not None)
        ends.append(len(columns))
    ones = np.ones(len(columns), dtype=np.float32)
    counts = sp.csr_matrix((ones, columns, ends), shape=(len(rows), len(features)))
    counts.sum_duplicates()
    return counts


def _scaled(counts: sp.csr_matrix, idf: Floats) -> sp.csr_matrix:
    counts.data = ((1 + np.log(counts.data)) * idf[counts.indices]).astype(np.float32)
    squares = np.asarray(counts.multiply(counts).sum(axis=1)).ravel()
    length = np.sqrt(np.where(squares > 0, squares, 1))
    return sp.diags((1 / length).astype(np.float32)) @ counts
