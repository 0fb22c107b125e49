"""Plain sentences from numbers: the first page, a partner's and a deal's line, and what not to conclude."""

from __future__ import annotations

from typing import Final

from features.shown import (
    Interval,
    Money,
    between,
    count,
    day,
    decimal,
    listing,
    money,
    money_between,
    percent,
    whole,
)
from features.titles import method_name, predicts
from pipelines.report.assumed import selection_sentence
from pipelines.report.cautions import cautions
from pipelines.report.views import Assumed, Comparison, DealPage, Front, ModelQuality, PlayerCredit, Standing, Totals

TOP: Final = 3
SMALL: Final = 0.05
"""Credited wins for each won deal below which a partner's part is called small."""


def front(
    totals: Totals,
    standings: list[Standing],
    comparison: Comparison,
    quality: ModelQuality | None,
    method: str,
    places: int,
    assumed: Assumed | None = None,
) -> Front:
    """The first page in words: five or six sentences, three figures, what not to conclude."""
    sentences = (
        _what_closed(totals),
        _what_partners_did(totals, method, places),
        _in_money(totals),
        *([selection_sentence(assumed, places)] if assumed else []),
        _who(standings, totals, method),
        _how_sure(comparison, quality, method),
    )
    return Front(sentences, _figures(totals, places, assumed), cautions(totals, standings, quality, method, assumed))


def partner_sentence(standing: Standing, rank: int, totals: Totals, method: str, places: int) -> str:
    """What one partner did and is credited with, in a sentence or two."""
    did = f"{standing.partner.name} touched {count(standing.n_deals, 'closed deal')}"
    did += f", of which {whole(standing.n_won)} {'was' if standing.n_won == 1 else 'were'} won"
    if not method or not totals.n_scored:
        return f"{did}. No credit has been computed yet."
    credited = f"; {_subject(method)} credits it with {decimal(standing.shown.get(method, 0.0), places)} wins"
    credited += f" ({between(standing.interval, places)})" if standing.interval else ""
    credited += f" and {money(standing.money)}" if standing.money else ""
    credited += f" ({money_between(standing.money_interval)})" if standing.money and standing.money_interval else ""
    part = standing.wins / totals.partner_wins if totals.partner_wins > 0 else None
    place = f"It stands at place {rank} of {whole(totals.n_active_partners)}"
    place += f" with {percent(part, 1)} of the partners' net credit." if part is not None and part > 0 else "."
    if standing.shown.get(method, 0.0) < 0 and predicts(method):
        place += " Negative credit: the model predicts lower chances with its touches than without them."
    return f"{did}{credited}. {place}"


def deal_sentence(page: DealPage, method: str) -> str:
    """Who made the difference on one deal, in a sentence or two."""
    opening = f"{page.outcome.capitalize()} on {day(page.closed_at)}"
    opening += f", {money(page.amount, exact=True)}." if page.amount else ", amount not known."
    partners = [player for player in page.players if not player.is_own]
    if page.total is None:
        took = count(len(partners), "partner") if partners else "No partner"
        tail = "No credit has been computed for this deal."
        if page.outcome == "lost" and method and not predicts(method):
            tail = "Rules give credit for won deals only."
        return f"{opening} {took} took part. {tail}"
    if not partners:
        return f"{opening} No partner took part, so all credit stays with the own team."
    together = sum(player.credit for player in partners)
    if not predicts(method):
        return f"{opening} {_subject(method).capitalize()} gives partners {percent(together)} of the win."
    first = max(partners, key=lambda player: player.credit if together > 0 else -player.credit)
    given = f"partners are credited with {_signed_points(together)} points of it, most of all {first.name}"
    credited = (
        f"{first.name} is credited with {_points(first, ' ({})')} of it"
        if len(partners) == 1
        else f"{given} ({_points(first, ', {}')})"
    )
    predicted = f"The predicted chance of winning is {percent(page.total)}"
    return f"{opening} {predicted}; {credited}, the own team with the rest."


def shortfall(totals: Totals, currency: str) -> str:
    """What the money does not cover, for the foot of the figures; empty when it covers everything."""
    notes = []
    if totals.n_won_without_amount:
        notes.append(f"{count(totals.n_won_without_amount, 'won deal')} without an amount")
    others = [unit or "no named currency" for unit, _ in totals.won_money.parts if unit != currency]
    if currency and others:
        notes.append(f"amounts in {listing(others)} that have no rate to {currency} are shown apart")
    return "; ".join(notes)


def _subject(method: str) -> str:
    return "the model" if method == "model" else f"the {method_name(method)} method"


def _what_closed(totals: Totals) -> str:
    if not totals.n_closed:
        return f"No deal has closed yet: {count(totals.n_open, 'open deal')} and nothing to give credit for."
    closed = f"Between {day(totals.first_close)} and {day(totals.last_close)}, {count(totals.n_closed, 'deal')} closed"
    won = f"{whole(totals.n_won)} of them were won ({percent(totals.n_won / totals.n_closed)})"
    worth = f", worth {money(totals.won_money)}" if totals.won_money else ""
    return f"{closed} and {won}{worth}."


def _what_partners_did(totals: Totals, method: str, places: int) -> str:
    if not totals.n_active_partners:
        return "No partner is known to have touched any of these deals before it closed."
    part = totals.n_won_with_partner / totals.n_won if totals.n_won else 0.0
    took = f"A partner took part in {percent(part)} of the won deals ({whole(totals.n_won_with_partner)})"
    if not totals.n_scored_won:
        return f"{took}; how much that mattered has not been computed yet."
    credited = (
        f"{decimal(totals.partner_wins, places)} of {whole(totals.n_scored_won)} wins ({percent(totals.partner_share)})"
    )
    return f"{took}; {_subject(method)} credits partners with {credited} and the own team with the rest."


def _in_money(totals: Totals) -> str:
    if not totals.won_money:
        return "The deals carry no amounts, so credit is given in wins and not in money."
    if not totals.credited_money:
        return "No money has been credited yet: credit has to be computed first."
    if not totals.partner_money.parts:
        return f"All of the {money(totals.credited_money)} won is credited to the own team."
    own = totals.credited_money.minus(totals.partner_money)
    given = f"In money that is {money(totals.partner_money)}"
    if totals.credited_money.is_single and totals.partner_money.is_single:
        ((_, all_cents),), ((_, cents),) = totals.credited_money.parts, totals.partner_money.parts
        given += f", or {percent(cents / all_cents)} of the won amount" if all_cents else ""
    return f"{given}; {money(own)} is credited to the own team."


def _who(standings: list[Standing], totals: Totals, method: str) -> str:
    credited = [row for row in standings if row.wins > 0]
    if not standings:
        return "There is therefore no ranking of partners."
    if not credited or not method:
        busy = sorted(standings, key=lambda row: (-row.n_won, row.partner.name))[:TOP]
        names = listing([row.partner.name for row in busy])
        return f"Most often present on won deals: {names}; presence is not credit."
    top = credited[:TOP]
    part = sum(row.wins for row in top) / totals.partner_wins if totals.partner_wins > 0 else None
    names, verb = listing([row.partner.name for row in top]), "holds" if len(top) == 1 else "hold"
    held = f"{verb} {percent(part)} of the partners' net credit" if part is not None else f"{verb} most credit"
    return f"{names} {held}{_others(standings)}."


def _others(standings: list[Standing]) -> str:
    harmful = [row for row in standings if row.wins_per_won_deal is not None and row.wins_per_won_deal <= -SMALL]
    little = sum(1 for row in standings if row.wins_per_won_deal is not None and abs(row.wins_per_won_deal) < SMALL)
    parts = [f"{count(little, 'partner changes', 'partners change')} little"] if little else []
    if harmful:
        worst = min(harmful, key=lambda row: (row.wins, row.partner.name)).partner.name
        example = f"most of all {worst}" if len(harmful) > 1 else worst
        parts.append(f"{whole(len(harmful))} {'has' if len(harmful) == 1 else 'have'} negative credit, {example}")
    return f"; {listing(parts)}" if parts else ""


def _how_sure(comparison: Comparison, quality: ModelQuality | None, method: str) -> str:
    if quality and quality.verdict and (predicts(method) or not method):
        verdict = quality.verdict[0]
        tested = f"On {count(quality.n_test, 'deal')} kept for the test, "
        said = tested + verdict[:1].lower() + verdict[1:] if quality.n_test else verdict
        return (
            f"Of a newer model, which did not compute this credit: {said[:1].lower()}{said[1:]}"
            if quality.is_other
            else said
        )
    if not method:
        return "Nothing here says yet what caused a win: train a model and score the deals first."
    if not predicts(method):
        return (
            f"All of this follows the {method_name(method)} rule, which looks at the order of touches and not at "
            "whether they changed the outcome."
        )
    others = [a for a in comparison.agreements if a.method != method and a.rank_correlation is not None]
    if not others:
        return "How good the model is has not been recorded in this workspace."
    worst = min(others, key=lambda a: (a.rank_correlation or 0.0, a.method))
    moved = f"{method_name(worst.method)} would give {percent(worst.moved)} of all credit to someone else"
    return f"How credit is divided matters: {moved}."


def _figures(totals: Totals, places: int, assumed: Assumed | None) -> tuple[tuple[str, str, str], ...]:
    wins = decimal(totals.partner_wins, places) if totals.n_scored_won else "–"
    of_wins = f"of {whole(totals.n_scored_won)} won deals" if totals.n_scored_won else "not computed yet"
    of_wins = f"{of_wins}; {between(assumed.interval, places)} (95%)" if assumed else of_wins
    amount = money(totals.partner_money) if totals.credited_money else "–"
    share = totals.n_won_with_partner / totals.n_won if totals.n_won else None
    return (
        ("Wins credited to partners", wins, of_wins),
        ("Money credited to partners", amount, _of_money(totals)),
        (
            "Won deals with a partner",
            percent(share) if share is not None else "–",
            f"{whole(totals.n_won_with_partner)} of {whole(totals.n_won)}",
        ),
    )


def _of_money(totals: Totals) -> str:
    if not totals.won_money:
        return "no amounts in the data"
    if not totals.credited_money:
        return "not computed yet"
    return f"of {money(totals.credited_money)} won"


def _points(player: PlayerCredit, how: str) -> str:
    interval = player.interval
    ends = "" if interval is None else how.format(between(Interval(interval.lo * 100, interval.hi * 100)))
    return f"{_signed_points(player.credit)} points{ends}"


def _signed_points(credit: float) -> str:
    return f"{'+' if credit > 0 else ''}{decimal(credit * 100)}"


def money_or_dash(value: Money) -> str:
    """Money in whole units, or a dash when there is none."""
    return money(value, exact=True) if value.parts else "–"
