"""Which deal a conversation is about, with how sure that is and why; a doubtful one stays unlinked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pandas as pd

__all__ = ["LINK_COLUMNS", "LinkSettings", "deal_links"]

LINK_COLUMNS: Final = ("conversation_id", "account_id", "deal_id", "confidence", "reason")
"""Columns of ``deal_links``."""

_ACCOUNT_SAID: Final = 1.0


@dataclass(frozen=True)
class LinkSettings:
    """When a deal is linked.

    ``minimum``: least confidence, inclusive, at which ``deal_id`` is filled. ``lead_days``: days before a deal's
    creation from which talk with its account, if it has no other deal then, counts as being about it.
    """

    minimum: float = 0.6
    lead_days: float = 60.0


def deal_links(
    conversations: pd.DataFrame, people: pd.DataFrame, deals: pd.DataFrame, settings: LinkSettings = LinkSettings()
) -> pd.DataFrame:
    """The deal of each conversation.

    A deal that the source names stays. Else the account is that which the source names, or that of the customers who
    took part (``people``; of several accounts, none). Of its deals it is the only one that is under way at the
    conversation's start, from its creation to its close inclusive; else the last one won before; else the only one
    created within ``lead_days`` after. Several deals that fit alike are no link.

    Parameters
    ----------
    conversations, deals : the canonical tables.
    people : what ``features.speakers.people`` gave for these conversations.

    Returns
    -------
    A row per conversation, in their order and with their index: ``LINK_COLUMNS``. ``deal_id`` is null where there is no
    link; ``confidence`` (0 to 1) is that of the best guess, set by judgement and not measured: that of the account
    times that of the deal among its deals. ``reason`` tells both.
    """
    account = _accounts(conversations, people)
    chosen = _chosen(_candidates(account, conversations, deals, settings))
    said = conversations["deal_id"].notna().to_numpy()
    guess = account.join(chosen, on="conversation_id")
    confidence = (guess["account_confidence"] * guess["deal_confidence"]).round(6).fillna(0.0)
    linked = guess["guess"].where(confidence >= settings.minimum)
    reason = guess["account_reason"] + "; " + guess["deal_reason"].fillna("no deal of it fits the date")
    out = pd.DataFrame(
        {
            "conversation_id": conversations["conversation_id"].to_numpy(),
            "account_id": guess["account_id"].to_numpy(),
            "deal_id": linked.to_numpy(),
            "confidence": confidence.to_numpy(),
            "reason": reason.where(guess["account_id"].notna(), guess["account_reason"]).to_numpy(),
        },
        index=conversations.index,
    )
    out.loc[said, "deal_id"] = conversations.loc[said, "deal_id"]
    out.loc[said, "confidence"] = 1.0
    out.loc[said, "reason"] = "the source names the deal"
    return _with_deals_account(out, deals)


def _accounts(conversations: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Conversation, its account, and how that is known: said by the source, or the one account of its customers."""
    customers = people[(people["speaker_org"] == "customer") & people["account_id"].notna()]
    each = customers.groupby("conversation_id", sort=True)
    found = pd.DataFrame(
        {
            "found": each["account_id"].min(),
            "n": each["account_id"].nunique(),
            "sure": each["confidence"].max(),
            "why": each["reason"].min().astype("string"),
        }
    )
    frame = conversations[["conversation_id", "account_id"]].reset_index(drop=True)
    frame = frame.astype({"account_id": "string"}).join(found, on="conversation_id")
    said, one = frame["account_id"].notna(), frame["n"] == 1
    several = frame["n"].fillna(0) > 1
    reason = pd.Series("no customer's account is known of anyone in it", index=frame.index)
    reason = reason.mask(several, "its customers belong to several accounts")
    reason = reason.mask(one, "the account is that of a customer in it (" + frame["why"].fillna("") + ")")
    return pd.DataFrame(
        {
            "conversation_id": frame["conversation_id"],
            "account_id": frame["account_id"].fillna(frame["found"].astype("string").where(one)),
            "account_confidence": frame["sure"].where(one).mask(said, _ACCOUNT_SAID).astype("float64"),
            "account_reason": reason.mask(said, "the source names the account"),
        }
    )


def _candidates(
    account: pd.DataFrame, conversations: pd.DataFrame, deals: pd.DataFrame, settings: LinkSettings
) -> pd.DataFrame:
    """Every pair of a conversation and a deal of its account that fits its date, with the kind of fit."""
    started = pd.DataFrame(
        {
            "conversation_id": account["conversation_id"],
            "account_id": account["account_id"],
            "at": pd.to_datetime(conversations["started_at"], utc=True).to_numpy(),
        }
    ).dropna(subset=["account_id"])
    wanted = deals[["deal_id", "account_id", "created_at", "closed_at", "outcome"]].astype({"account_id": "string"})
    pairs = started.merge(wanted, on="account_id")
    at, created, closed = (_utc(pairs[name]) for name in ("at", "created_at", "closed_at"))
    lead = pd.Timedelta(days=settings.lead_days)
    fit = pd.Series(pd.NA, index=pairs.index, dtype="string")
    fit = fit.mask((created > at) & (created - at <= lead), "ahead")
    fit = fit.mask((closed < at) & (pairs["outcome"] == "won"), "won")
    fit = fit.mask((created <= at) & (closed.isna() | (at <= closed)), "live")
    return pairs.assign(fit=fit, at=at, closed=closed).dropna(subset=["fit"])


def _chosen(pairs: pd.DataFrame) -> pd.DataFrame:
    """For each conversation the deal that fits best, if one does: ``guess``, ``deal_confidence``, ``deal_reason``."""
    counts = pd.crosstab(pairs["conversation_id"], pairs["fit"]).reindex(columns=["live", "won", "ahead"], fill_value=0)
    live, won, ahead = (_first(pairs, fit) for fit in ("live", "won", "ahead"))
    rows = {
        conversation: _choice(conversation, (n_live, n_won, n_ahead), live, won, ahead)
        for conversation, (n_live, n_won, n_ahead) in zip(counts.index, counts.to_numpy().tolist(), strict=True)
    }
    columns = ["guess", "deal_confidence", "deal_reason"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).astype(
        {"guess": "string", "deal_confidence": "float64", "deal_reason": "string"}
    )


def _choice(
    conversation: str, fitting: tuple[int, int, int], live: pd.Series, won: pd.Series, ahead: pd.Series
) -> tuple[str | None, float, str]:
    """The deal among those that fit (how many are under way, won before, created soon), how sure, and why."""
    n_live, n_won, n_ahead = fitting
    if n_live == 1:
        if n_won:
            return live[conversation], 0.8, "its only deal under way then, though another was won before"
        return live[conversation], 0.95, "its only deal under way then"
    if n_live > 1:
        return None, 1.0 / n_live, f"{n_live} deals of it were under way then"
    if n_won and not n_ahead:
        return won[conversation], 0.8 if n_won == 1 else 0.7, "after the close of its last won deal"
    if n_ahead == 1 and not n_won:
        return ahead[conversation], 0.65, "before the creation of its next deal"
    return None, 0.5, "it lies between a won deal and the next one" if n_won else f"{n_ahead} deals of it followed soon"


def _first(pairs: pd.DataFrame, fit: str) -> pd.Series:
    """Conversation to the deal of that fit: the last closed among won ones, else any, which is used if it is alone."""
    ranked = pairs[pairs["fit"] == fit].sort_values(["conversation_id", "closed", "deal_id"])
    return ranked.drop_duplicates("conversation_id", keep="last").set_index("conversation_id")["deal_id"]


def _with_deals_account(links: pd.DataFrame, deals: pd.DataFrame) -> pd.DataFrame:
    accounts = deals.drop_duplicates("deal_id").set_index("deal_id")["account_id"].astype("string")
    of_deal = links["deal_id"].map(accounts).astype("string")
    filled = links["account_id"].astype("string").fillna(of_deal)
    return links.assign(account_id=filled, deal_id=links["deal_id"].astype("string"))[list(LINK_COLUMNS)]


def _utc(times: pd.Series) -> pd.Series:
    return pd.to_datetime(times, utc=True)
