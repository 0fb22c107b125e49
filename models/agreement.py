"""How far methods agree: rank correlations of what they give."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from models.journeys import Floats


def rank_correlations(columns: Floats) -> Floats:
    """Spearman's rank correlation of every two columns, ties averaged.

    Parameters
    ----------
    columns : shape (rows, methods).

    Returns
    -------
    Shape (methods, methods), in [-1, 1], 1 on the diagonal; NaN where a column is constant or there is only one row.
    """
    centred = np.empty_like(columns)
    for place in range(columns.shape[1]):
        ranks = rankdata(columns[:, place])
        centred[:, place] = ranks - (len(ranks) + 1) / 2
    products = centred.T @ centred
    norms = np.sqrt(np.diag(products))
    scale = np.outer(norms, norms)
    correlations = np.divide(products, scale, out=np.full(scale.shape, np.nan), where=scale > 0)
    varied = np.flatnonzero(norms > 0)
    correlations[varied, varied] = 1.0
    return np.asarray(np.clip(correlations, -1.0, 1.0))
