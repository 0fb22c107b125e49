"""How far credits are from a known truth: ranks, shares and totals, for every method on the same deals."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np
import pandas as pd

from features.tables import DIRECT
from models.rules import RULES

RULE_METHODS: Final = (*RULES, "markov", "shapley_paths")
PAIR: Final = ["deal_id", "partner_id"]


def recovery(credited: pd.DataFrame, truth: pd.DataFrame, won: Collection[str]) -> pd.DataFrame:
    """Compares each method's credit with the truth.

    All methods are judged on the same pairs: every deal x partner of a won deal that the truth or any method names. A
    pair that a method, or the truth, does not name has credit 0 there. The own team is not judged as a partner.

    Parameters
    ----------
    credited : Rows of ``credits``; those with target ``win`` and kind ``split`` are used.
    truth : One row per closed deal x player: ``deal_id``, ``partner_id``, ``credit`` (probability) and ``share``.
    won : Ids of the won deals.

    Returns
    -------
    One row per method, sorted by name:

    ``pairs`` : Number of deal x partner pairs judged.
    ``spearman`` : Rank correlation of shares over the pairs, ties averaged, [-1, 1]; NaN when either is constant.
    ``share_error`` : Mean absolute difference of shares over the pairs, >= 0.
    ``partner_spearman`` : Rank correlation over partners of the sums of their shares of won deals.
    ``partner_error`` : Mean absolute difference of those sums, in wins a partner.
    ``total`` : Sum of partners' credit over all closed deals, in wins: probability for a model, shares of won deals
        for a rule, which credits no lost deal.
    ``true_total`` : The same sum of the truth, in probability.
    ``total_bias`` : ``total / true_total - 1``; NaN when the truth's total is 0.
    ``covered`` : Share of the partners' credits with bounds, on all closed deals, whose bounds hold the true credit;
        NaN for a method without bounds.

    Raises
    ------
    ValueError
        When no deal of the truth is credited: the ids do not match.
    """
    rows = credited[(credited["target"] == "win") & (credited["kind"] == "split")]
    if not rows["deal_id"].isin(truth["deal_id"]).any():
        raise ValueError(
            "None of the credited deals is in the truth. Compare credits with the truth of the company they came from."
        )
    closed = rows[rows["deal_id"].isin(truth["deal_id"]) & (rows["partner_id"] != DIRECT)].sort_values(PAIR)
    true = truth[truth["partner_id"] != DIRECT].sort_values(PAIR)
    pairs = _pairs(closed, true, won)
    results = [
        {"method": method, **_judged(closed[closed["method"] == method], true, pairs)}
        for method in sorted(rows["method"].unique())
    ]
    return pd.DataFrame(results)


def beats_every_rule(table: pd.DataFrame, method: str = "model") -> bool:
    """Whether a method is nearer to the truth than every rule in a table of ``recovery``.

    On both counts of deal x partner pairs: a higher rank correlation and a smaller share error. An undefined figure
    beats nothing.
    """
    rows = table.set_index("method")
    rules = rows[rows.index.isin(RULE_METHODS)]
    ranks = rows.loc[method, "spearman"] > rules["spearman"]
    errors = rows.loc[method, "share_error"] < rules["share_error"]
    return bool((ranks & errors).all())


def spearman(first: np.ndarray, second: np.ndarray) -> float:
    """Rank correlation with ties averaged; NaN for fewer than two values or when either is constant."""
    if len(first) < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    ranks = [pd.Series(values).rank().to_numpy() for values in (first, second)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def recovery_text(table: pd.DataFrame) -> str:
    """The table of ``recovery`` as aligned lines, best rank correlation first."""
    lines = [
        f"{'':<13}{'per deal x partner':>22}{'per partner':>22}{'incremental wins':>22}",
        f"{'method':<13}{'Spearman':>11}{'error':>11}{'Spearman':>11}{'error':>11}{'credited':>11}{'of truth':>11}",
    ]
    lines += [
        f"{row['method']:<13}{row['spearman']:>11.2f}{row['share_error']:>11.3f}{row['partner_spearman']:>11.2f}"
        f"{row['partner_error']:>11.1f}{row['total']:>11.0f}{row['total_bias']:>+11.0%}"
        for row in table.sort_values(["spearman", "method"], ascending=[False, True]).to_dict("records")
    ]
    truth = float(table["true_total"].iloc[0]) if len(table) else 0.0
    return "\n".join([*lines, f"{'truth':<13}{1:>11.2f}{0:>11.3f}{1:>11.2f}{0:>11.1f}{truth:>11.0f}"])


def _pairs(closed: pd.DataFrame, true: pd.DataFrame, won: Collection[str]) -> pd.MultiIndex:
    named = pd.concat([closed[PAIR], true[PAIR]]).drop_duplicates()
    named = named[named["deal_id"].isin(won)].sort_values(PAIR)
    return pd.MultiIndex.from_frame(named)


def _judged(rows: pd.DataFrame, true: pd.DataFrame, pairs: pd.MultiIndex) -> dict[str, float]:
    shares, true_shares = _shares(rows, pairs), _shares(true, pairs)
    sums, true_sums = (s.groupby("partner_id").sum().to_numpy() for s in (shares, true_shares))
    total, true_total = float(rows["credit"].sum()), float(true["credit"].sum())
    return {
        "pairs": len(pairs),
        "spearman": spearman(shares.to_numpy(), true_shares.to_numpy()),
        "share_error": float((shares - true_shares).abs().mean()),
        "partner_spearman": spearman(sums, true_sums),
        "partner_error": float(np.abs(sums - true_sums).mean()) if len(sums) else float("nan"),
        "total": total,
        "true_total": true_total,
        "total_bias": total / true_total - 1.0 if true_total else float("nan"),
        "covered": _covered(rows, true),
    }


def _covered(rows: pd.DataFrame, true: pd.DataFrame) -> float:
    bounded = rows.reindex(columns=[*PAIR, "credit_lo", "credit_hi"]).dropna()
    both = bounded.merge(true[[*PAIR, "credit"]], on=PAIR)
    return float(both["credit"].between(both["credit_lo"], both["credit_hi"]).mean())


def _shares(rows: pd.DataFrame, pairs: pd.MultiIndex) -> pd.Series[float]:
    return rows.set_index(PAIR)["share"].reindex(pairs, fill_value=0.0)
