"""Who gets how much of a deal, by every method, in one form: rows of ``credits``.

A method gives, for each deal that it credits, the players' parts of a total (the predicted win probability, or 1 for a
rule). From there on all methods are alike: shares, and the money of won deals, to the cent.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.grades import GRADES
from features.tables import DIRECT
from models.journeys import Journeys
from models.ledger import LARGEST_AMOUNT, from_cents, split_cents, sum_by_deal, to_cents, to_shares
from models.rules import Split
from models.shapley import (
    Floats,
    Integers,
    Sampled,
    equal_for_twins,
    exact_shapley,
    mean_slopes,
    sampled_orders,
    sampled_shapley,
)
from models.value import MAX_CELLS, MAX_ROWS, DealBatch, Values, content_hashes

PLAYER: Final = ["deal_id", "partner_id"]
WIN_COLUMNS: Final = (*PLAYER, "credit", "total", "credit_lo", "credit_hi")


def players_of(deals: pd.DataFrame, touches: pd.DataFrame, claims: pd.DataFrame | None = None) -> pd.DataFrame:
    """The players of each deal: ``deal_id``, ``partner_id``, ``rank``, ``evidence_grade``.

    ``__direct__`` comes first (rank 0), then the partners in the order of their first touch at or before the close, of
    the same moment that with the smaller ``touchpoint_id``. Ranks settle who gets an odd cent, and hang on no name.

    Parameters
    ----------
    deals : ``deal_id``.
    touches : as ``models.rules.countable_touches`` gives them, late entries counted.
    claims : ``deal_id``, ``partner_id``, ``grade`` of evidenced claims; those of other partners have the lowest grade.
        The own team has none.
    """
    acted = touches[(touches["partner_id"] != DIRECT) & touches["deal_id"].isin(deals["deal_id"])]
    first = acted.sort_values(["deal_id", "occurred_at", "touchpoint_id"]).drop_duplicates(PLAYER)
    ranked = first[PLAYER].assign(rank=first.groupby("deal_id").cumcount() + 1)
    ranked = ranked.assign(evidence_grade=_grades(ranked, claims))
    own = deals[["deal_id"]].assign(partner_id=DIRECT, rank=0)
    return pd.concat([own, ranked], ignore_index=True).sort_values(["deal_id", "rank"], ignore_index=True)


def model_credit(
    values: Values,
    *,
    exact_players: int = 10,
    samples: int = 512,
    seed: int = 0,
) -> pd.DataFrame:
    """Coalition Shapley credit: what each partner adds to the predicted probability, over all coalitions.

    Parameters
    ----------
    values : the value function, with the deals and their members at hand.
    exact_players : deals with more partners are estimated from sampled orders, whose error bounds
        (``models.shapley.ERROR_Z`` standard errors) widen their intervals.
    samples : sampled orders of such a deal.
    seed : of the orders, together with the deal's content.

    Returns
    -------
    ``deal_id``, ``partner_id``, ``credit``, ``total``, ``credit_lo``, ``credit_hi``. A partner has its Shapley value
    times the part that is the partners' own (``models.selection``); ``__direct__`` has v(∅), the prediction without any
    partner's touches, and what selection leaves of the partners'. A deal adds up to ``total``, its prediction with all
    of them. The bounds are a 95 % interval from the sampling of deals, null where the model does not tell one.
    """
    batch = values.batch
    empty, total = np.zeros(len(batch.base)), np.zeros(len(batch.base))
    n_members = len(batch.members)
    shapley, slopes, error = np.zeros(n_members), np.zeros(n_members), np.full(n_members, np.nan)
    for n in map(int, np.unique(batch.sizes)):
        is_exact = n <= exact_players
        for deals in batch.of_size(n, MAX_ROWS >> n if is_exact else sampled_at_once(n, samples)):
            rows = batch.member_rows(deals)
            if is_exact:
                game = values.of_all_coalitions(deals)
                shapley[rows], slopes[rows] = exact_shapley(game), mean_slopes(game)
                empty[deals], total[deals] = game[:, 0], game[:, -1]
            else:
                empty[deals] = values.without_partners(deals)
                sampled, total[deals] = _sampled(values, batch, deals, empty[deals], samples, seed)
                shapley[rows], error[rows] = sampled.credit, sampled.error
                slopes[rows] = (total[deals] * (1 - total[deals]))[:, None]
    adjustment = values.adjustment
    credit, margin = adjustment.part * shapley, adjustment.margins(shapley, slopes, error)
    bounds = {"credit_lo": credit - margin, "credit_hi": credit + margin}
    partners = batch.members[PLAYER].assign(credit=credit, total=total[batch.codes], **bounds)
    direct = empty if adjustment.part == 1 else total - sum_by_deal(batch.codes, credit, len(total))
    own = batch.base[["deal_id"]].assign(partner_id=DIRECT, credit=direct, total=total)
    return pd.concat([partners, own], ignore_index=True)[list(WIN_COLUMNS)]


def _grades(players: pd.DataFrame, claims: pd.DataFrame | None) -> Any:
    if claims is None or claims.empty:
        return GRADES[-1]
    graded = players[PLAYER].merge(claims[[*PLAYER, "grade"]], on=PLAYER, how="left")["grade"]
    return graded.fillna(GRADES[-1]).to_numpy()


def sampled_at_once(n: int, samples: int) -> int:
    """How many deals of ``n`` partners are estimated at once, within ``MAX_CELLS`` and ``MAX_ROWS``; at least one."""
    return max(1, min(MAX_CELLS // (samples * n * n), MAX_ROWS // min(1 << n, samples * n)))


def path_credit(split: Split, journeys: Journeys) -> pd.DataFrame:
    """Credit of won deals by a rule or path method, without bounds: each deal has 1 to give."""
    credit = journeys.by_pair(split.share).rename(columns={"share": "credit"})
    rule_ids = None if split.rule_ids is None else split.rule_ids[journeys.pairs.deal]
    return credit.assign(total=1.0, rule_id=rule_ids)


def credit_rows(
    wins: pd.DataFrame, players: pd.DataFrame, deals: pd.DataFrame, method: str, model_version: str
) -> pd.DataFrame:
    """Rows of ``credits`` for one method, all columns but ``run_id`` and ``scored_at``.

    Parameters
    ----------
    wins : ``deal_id``, ``partner_id``, ``credit``, ``total`` and, where there are bounds, ``credit_lo``, ``credit_hi``;
        ``rule_id`` where deals were divided by different rules.
    players : as ``players_of`` gives them; a player of a credited deal without a row in ``wins`` gets 0.
    deals : ``deal_id``, ``outcome``, ``amount``.

    Returns
    -------
    Target ``win`` for every credited deal; ``amount`` for the won ones among them whose amount is known and can be
    held to the cent (``can_be_split``).
    """
    wins = wins.reindex(columns=[*WIN_COLUMNS, "rule_id"])
    of_deal = ["total", "rule_id"]
    totals = wins.drop_duplicates("deal_id")[["deal_id", *of_deal]]
    rows = players.merge(totals, on="deal_id").merge(wins.drop(columns=of_deal), on=PLAYER, how="left")
    rows = rows.assign(credit=rows["credit"].fillna(0.0)).merge(deals[["deal_id", "outcome", "amount"]], on="deal_id")
    rows = rows.sort_values(["deal_id", "rank"], ignore_index=True)
    own = rows["partner_id"].eq(DIRECT).to_numpy()
    share = to_shares(rows["credit"].to_numpy(), rows["total"].to_numpy(), own)
    win = rows.assign(share=share, target="win")
    money = win[(win["outcome"] == "won") & can_be_split(win["amount"])]
    both = pd.concat([win, _amounts(money)], ignore_index=True)
    named = both.assign(method=method, kind="split", model_version=model_version)
    return named.drop(columns=["rank", "total", "outcome", "amount"])


def can_be_split(amounts: pd.Series) -> pd.Series:
    """Whether an amount is known, and small enough that a float holds its cents."""
    return amounts.notna() & (amounts.abs() < LARGEST_AMOUNT)


def _amounts(win: pd.DataFrame) -> pd.DataFrame:
    codes = pd.factorize(win["deal_id"])[0].astype(np.int64)
    share, amount = win["share"].to_numpy(dtype=np.float64), win["amount"].to_numpy(dtype=np.float64)
    cents = split_cents(codes, share, to_cents(amount), win["rank"].to_numpy(dtype=np.int64))
    scale = np.divide(amount, win["total"], out=np.zeros(len(win)), where=win["total"].to_numpy() != 0)
    bounds = {name: win[name] * scale for name in ("credit_lo", "credit_hi")}
    return win.assign(target="amount", credit=from_cents(cents), **bounds)


def _sampled(
    values: Values, batch: DealBatch, deals: Integers, empty: Floats, samples: int, seed: int
) -> tuple[Sampled, Floats]:
    """Estimated credit of deals with n partners each, and their full predictions (deals,)."""
    rows = batch.member_rows(deals)
    n = rows.shape[1]
    hashes = content_hashes(batch.members.iloc[rows.ravel()]).reshape(rows.shape)
    by_content = np.argsort(hashes, axis=1, kind="stable")
    ordered = np.take_along_axis(hashes, by_content, axis=1)
    orders = sampled_orders(_combined(ordered), n, samples, seed)
    orders = np.take_along_axis(np.broadcast_to(by_content[:, None, :], orders.shape), orders, axis=2)
    game = np.empty((*orders.shape[:2], n + 1))
    game[:, :, 0] = empty[:, None]
    game[:, :, 1:] = _along(values, deals, orders)
    return equal_for_twins(sampled_shapley(game, orders), hashes), game[:, 0, -1]


def _along(values: Values, deals: Integers, orders: Integers) -> Floats:
    """Values after each player of each order, shape (deals, orders, n); equal coalitions are predicted once."""
    n_deals, _, n = orders.shape
    place = np.argsort(orders, axis=2, kind="stable")
    is_in = place[:, :, None, :] <= np.arange(n)[None, None, :, None]
    packed = np.packbits(is_in.reshape(-1, n), axis=1)
    owner = np.repeat(np.arange(n_deals, dtype=">u4"), orders.shape[1] * n).view(np.uint8).reshape(-1, 4)
    keys = np.ascontiguousarray(np.concatenate([owner, packed], axis=1))
    distinct, back = np.unique(keys.view(f"V{keys.shape[1]}").ravel(), return_inverse=True)
    unpacked = distinct.view(np.uint8).reshape(len(distinct), -1)
    owners = np.ascontiguousarray(unpacked[:, :4]).view(">u4").ravel().astype(np.int64)
    members: npt.NDArray[np.bool_] = np.unpackbits(unpacked[:, 4:], axis=1, count=n).astype(np.bool_)
    return values.of_memberships(deals, owners, members)[back].reshape(orders.shape)


def _combined(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """One number for each row of sorted hashes."""
    factors = np.uint64(0x9E3779B97F4A7C15) * (2 * np.arange(hashes.shape[1], dtype=np.uint64) + 1)
    combined: npt.NDArray[np.uint64] = (hashes * factors).sum(axis=1, dtype=np.uint64)
    return combined
