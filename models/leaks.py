"""The leak doctor: columns that say more about a deal's end than anyone could have known before it.

Each test gives a number and the threshold that it crossed. A suspicion is not a proof: a column may be kept by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.boosting import Bools, BoosterSpec, Floats, Rows, fit_booster
from models.columns import ColumnCoder, feature_names, is_categorical
from models.metrics import roc_auc
from models.splits import balanced_folds

Remedy = Literal["drop", "coarsen"]

MAX_AUC: Final = 0.85
"""No single honest column ranks deals better than this."""
MIN_FAR_AUC: Final = 0.78
MAX_GAP: Final = 0.15
"""A column above ``MIN_FAR_AUC`` may not exceed the joint AUC of all other columns by more than this."""
MAX_RARE_SHARE: Final = 0.005
MIN_FREQUENT_SHARE: Final = 0.10
"""A value that ``MIN_FREQUENT_SHARE`` of one outcome have and at most ``MAX_RARE_SHARE`` of the other gives it away."""
MAX_PRECISION_GAP: Final = 0.08
MIN_PRECISION_Z: Final = 5.0
"""Win rates of round and of precise values may not differ by more than both of these."""
ROUND_TO: Final = 1000
MAX_LATE_SHARE: Final = 0.05

_FOLDS: Final = 4
_BINS: Final = 32
_PRIOR_ROWS: Final = 10
_MIN_OUTCOME_ROWS: Final = 30
_JOINT_ROUNDS: Final = 60


@dataclass(frozen=True)
class Leak:
    """One suspicion.

    ``value`` is the number found and ``threshold`` the one it crossed. ``remedy``: ``drop`` the column, or ``coarsen``
    it to deciles.
    """

    column: str
    test: str
    value: float
    threshold: float
    sentence: str
    remedy: Remedy

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return asdict(self)


def suspected_leaks(base: pd.DataFrame, won: Floats, leave_out: tuple[str, ...] = ()) -> list[Leak]:
    """Suspicions about the feature columns of ``base``, sorted by column and test; at most one a column and test.

    Parameters
    ----------
    base : a row a closed deal, with ``account_id`` and, for the test of dates, ``cutoff_at``.
    won : (n,) of 0 and 1.
    leave_out : columns that are no features anyway.
    """
    names = feature_names(base, leave_out)
    if not names or min(won.sum(), len(won) - won.sum()) < _MIN_OUTCOME_ROWS:
        return []
    order = np.argsort(base["deal_id"].astype(str).to_numpy(), kind="stable")
    base, won = base.iloc[order].reset_index(drop=True), won[order]
    found = [leak for name in names for leak in _of_column(base, name, won)]
    found += _ranking_leaks(base, won, names, {leak.column for leak in found if leak.remedy == "drop"})
    return sorted(found, key=lambda leak: (leak.column, leak.test))


def _of_column(base: pd.DataFrame, name: str, won: Floats) -> Iterator[Leak]:
    column = base[name]
    is_number = not is_categorical(column)
    leak = _one_sided_value(column, name, won, is_number=is_number)
    if leak is not None:
        yield leak
    leak = _precision(column, name, won) if is_number else _late_dates(column, name, base)
    if leak is not None:
        yield leak


def _one_sided_value(column: pd.Series, name: str, won: Floats, *, is_number: bool) -> Leak | None:
    """The value, or having a value at all, that is frequent among won or lost deals and all but absent in the other."""
    levels = (
        pd.to_numeric(column, errors="coerce").astype("float64").fillna(0)
        if is_number
        else column.astype("string").fillna("(missing)")
    )
    if is_number and levels.nunique() > 2:
        levels = levels.ne(0).map({True: "a value other than 0", False: "no value, or 0"})
    outcomes = pd.Series(np.where(won > 0, "won", "lost"), index=column.index)
    shares = pd.crosstab(levels.astype(str), outcomes, normalize="columns")
    rare, frequent = shares.min(axis=1), shares.max(axis=1)
    suspects = frequent[(rare <= MAX_RARE_SHARE) & (frequent >= MIN_FREQUENT_SHARE)]
    if suspects.empty:
        return None
    level = str(suspects.sort_index().idxmax())
    outcome = str(shares.loc[level].idxmax())
    other = "lost" if outcome == "won" else "won"
    sentence = (
        f"{name}: {level!r} stands in {suspects[level]:.1%} of {outcome} deals, but in {rare[level]:.1%} of {other} "
        "ones; it looks filled in at, or after, the close."
    )
    return Leak(name, "one_outcome_only", float(rare[level]), MAX_RARE_SHARE, sentence, "drop")


def _precision(column: pd.Series, name: str, won: Floats) -> Leak | None:
    """Whether precise values win at another rate than round ones: a precise amount tells of a late quote."""
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    there = np.isfinite(values) & (values != 0)
    is_round = there & (np.mod(values, ROUND_TO) == 0)
    is_precise = there & ~is_round
    n_round, n_precise = int(is_round.sum()), int(is_precise.sum())
    if min(n_round, n_precise) < max(_MIN_OUTCOME_ROWS, 0.05 * len(values)):
        return None
    of_round, of_precise = float(won[is_round].mean()), float(won[is_precise].mean())
    pooled = float(won[there].mean())
    if pooled in {0.0, 1.0}:
        return None
    z = (of_precise - of_round) / np.sqrt(pooled * (1 - pooled) * (1 / n_round + 1 / n_precise))
    gap = abs(of_precise - of_round)
    if gap <= MAX_PRECISION_GAP or abs(z) < MIN_PRECISION_Z:
        return None
    sentence = (
        f"{name}: multiples of {ROUND_TO:,} ({n_round / there.sum():.0%} of the values) win {of_round:.1%}, precise "
        f"ones {of_precise:.1%}; how precise it is tells how far the deal had come."
    )
    return Leak(name, "precision", gap, MAX_PRECISION_GAP, sentence, "coarsen")


def _late_dates(column: pd.Series, name: str, base: pd.DataFrame) -> Leak | None:
    """Whether a column of dates written as text holds dates after the cutoff."""
    filled = column.dropna().astype(str)
    if filled.empty or not filled.head(100).str.match(r"\d{4}-\d{2}-\d{2}").all():
        return None
    dates = pd.to_datetime(filled, format="ISO8601", errors="coerce", utc=True)
    late = float((dates > base.loc[filled.index, "cutoff_at"]).mean())
    if late <= MAX_LATE_SHARE:
        return None
    sentence = f"{name}: {late:.1%} of its dates lie after the deal's cutoff."
    return Leak(name, "late_date", late, MAX_LATE_SHARE, sentence, "drop")


def _ranking_leaks(base: pd.DataFrame, won: Floats, names: tuple[str, ...], known: set[str]) -> list[Leak]:
    coder = ColumnCoder.fit(base, names)
    names = coder.names
    matrix, folds = coder.matrix(base), balanced_folds(base["account_id"], _FOLDS)
    aucs = {name: _column_auc(matrix[:, i], won, folds) for i, name in enumerate(names)}
    leaks = []
    for name, auc in aucs.items():
        if auc > MAX_AUC:
            sentence = f"{name}: alone it ranks held-out deals with AUC {auc:.3f}; honest columns stay below {MAX_AUC}."
            leaks.append(Leak(name, "single_column_auc", auc, MAX_AUC, sentence, "drop"))
    known = known | {leak.column for leak in leaks}
    for name in (name for name, auc in aucs.items() if MIN_FAR_AUC < auc <= MAX_AUC):
        others = [i for i, other in enumerate(names) if other != name and other not in known]
        joint = _joint_auc(coder, matrix, others, won, folds)
        if aucs[name] - joint > MAX_GAP:
            sentence = (
                f"{name}: alone it ranks held-out deals with AUC {aucs[name]:.3f}, "
                f"all other columns together with {joint:.3f}."
            )
            leaks.append(Leak(name, "far_above_others", aucs[name] - joint, MAX_GAP, sentence, "drop"))
    return leaks


def _column_auc(values: Floats, won: Floats, folds: npt.NDArray[np.int64]) -> float:
    """Mean over folds of the AUC of the shrunk win rate of a value's bin, learned on the other folds."""
    bins = _binned(values)
    return _mean_auc(folds, won, lambda kept: _bin_rates(bins, won, kept)[bins])


def _binned(values: Floats) -> npt.NDArray[np.int64]:
    known = np.unique(values[~np.isnan(values)])
    cuts = known if len(known) <= _BINS else np.unique(np.nanquantile(values, np.linspace(0, 1, _BINS + 1)[1:-1]))
    bins = np.searchsorted(cuts, values, side="right")
    return np.where(np.isnan(values), len(cuts) + 1, bins).astype(np.int64)


def _bin_rates(bins: npt.NDArray[np.int64], won: Floats, kept: Bools) -> Floats:
    n_bins = int(bins.max()) + 1
    wins = np.bincount(bins[kept], weights=won[kept], minlength=n_bins)
    rates: Floats = (wins + _PRIOR_ROWS * won[kept].mean()) / (np.bincount(bins[kept], minlength=n_bins) + _PRIOR_ROWS)
    return rates


def _joint_auc(
    coder: ColumnCoder, matrix: Floats, columns: list[int], won: Floats, folds: npt.NDArray[np.int64]
) -> float:
    if not columns:
        return 0.5
    names = tuple(coder.names[i] for i in columns)
    part = ColumnCoder(names, {name: coder.levels[name] for name in names if name in coder.levels})
    rows, spec = Rows(matrix[:, columns], won), BoosterSpec({}, {}, 0, 1)
    return _mean_auc(folds, won, lambda kept: fit_booster(part, rows.where(kept), spec, _JOINT_ROUNDS).raw(rows.matrix))


def _mean_auc(folds: npt.NDArray[np.int64], won: Floats, scores: Callable[[Bools], Floats]) -> float:
    """Mean held-out AUC of ``scores(kept rows)`` over the folds; folds with one outcome only are left out.

    So is a fold that holds all deals, as the deals of a single account do.
    """
    fair = [fold for fold in range(_FOLDS) if (folds != fold).any()]
    aucs = [roc_auc(won[folds == fold], scores(folds != fold)[folds == fold]) for fold in fair]
    usable = [auc for auc in aucs if not np.isnan(auc)]
    return float(np.mean(usable)) if usable else 0.5
