from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from features.shown import Interval, Money, MoneyInterval
from pipelines.report.assumed import selection_sentence
from pipelines.report.text import deal_sentence, front, partner_sentence, shortfall
from pipelines.report.views import (
    Assumed,
    Comparison,
    DealPage,
    ModelQuality,
    Partner,
    PlayerCredit,
    Standing,
    Totals,
)

TOTALS = Totals(
    n_deals=110, n_open=10, n_won=40, n_lost=60, first_close=datetime(2024, 1, 5), last_close=datetime(2024, 12, 20),
    n_partners=3, n_active_partners=2, n_won_with_partner=30, n_lost_with_partner=20, n_scored=100, n_scored_won=40,
    won_money=Money.of([("EUR", 2_000_000_00)]), credited_money=Money.of([("EUR", 2_000_000_00)]),
    partner_money=Money.of([("EUR", 500_000_00)]), partner_wins=8.0,
)  # fmt: skip
ALPHA = Standing(
    Partner("P1", "Alpha"), 30, 20, 90, 7.5, Money.of([("EUR", 450_000_00)]), {"model": 7.5}, {"model": 7.5}
)
BETA = Standing(Partner("P2", "Beta"), 25, 15, 60, 0.5, Money.of([("EUR", 50_000_00)]), {"model": 0.5}, {"model": 0.5})
QUALITY = ModelQuality(
    version="v1", verdict=("The model is better than every baseline by more than chance.",), n_test=20,
    has_signal=True, beats_baselines=True, models=(), metrics=(), calibration=(), importance=(), leaks=(), notes=(),
    amount=(), facts=(),
)  # fmt: skip
DEAL = DealPage(
    deal_id="D1", anchor="deal-d1", name="D1", outcome="won", facts=(), created_at=datetime(2024, 1, 1),
    closed_at=datetime(2024, 3, 1), amount=Money.of([("EUR", 10_000_00)]), total=0.5, sentence="",
    players=(
        PlayerCredit("Own team", is_own=True, anchor="", credit=0.3, share=0.6, money=Money(), by_method={}),
        PlayerCredit("Alpha", is_own=False, anchor="", credit=0.25, share=0.5, money=Money(), by_method={}),
        PlayerCredit("Beta", is_own=False, anchor="", credit=-0.05, share=-0.1, money=Money(), by_method={}),
    ),
    lanes=(), methods=("model",), drivers=(),
)  # fmt: skip


def test_front_page_says_five_things_in_plain_words() -> None:
    assert front(TOTALS, [ALPHA, BETA], Comparison(), QUALITY, "model", 1).sentences == (
        "Between 5 Jan 2024 and 20 Dec 2024, 100 deals closed and 40 of them were won (40%), worth €2.00M.",
        (
            "A partner took part in 75% of the won deals (30); the model credits partners with 8.0 of 40 wins (20%) "
            "and the own team with the rest."
        ),
        "In money that is €500k, or 25% of the won amount; €1.50M is credited to the own team.",
        "Alpha and Beta hold 100% of the partners' net credit; 1 partner changes little.",
        "On 20 deals kept for the test, the model is better than every baseline by more than chance.",
    )


def test_front_page_has_three_figures() -> None:
    figures = front(TOTALS, [ALPHA, BETA], Comparison(), QUALITY, "model", 1).figures
    assert [(value, note) for _, value, note in figures] == [
        ("8.0", "of 40 won deals"),
        ("€500k", "of €2.00M won"),
        ("75%", "30 of 40"),
    ]


def test_a_verdict_about_a_model_that_did_not_compute_the_credit_says_so() -> None:
    newer = replace(QUALITY, beats_baselines=False, is_other=True)
    page = front(TOTALS, [ALPHA], Comparison(), newer, "model", 1)
    assert page.sentences[4].startswith("Of a newer model, which did not compute this credit: on 20 deals kept for")
    assert page.cautions[0][1].startswith("This is about a newer model, which did not compute this credit. The model")


def test_raw_gap_between_win_rates_is_given_with_a_warning() -> None:
    body = dict(front(TOTALS, [ALPHA], Comparison(), QUALITY, "model", 1).cautions)[
        "Partners may be drawn to good deals."
    ]
    assert body.startswith("60% of the deals with a partner were won and 20% of those without. This gap is not")


def test_model_without_signal_is_the_first_caution() -> None:
    blind = replace(QUALITY, has_signal=False, beats_baselines=False)
    assert front(TOTALS, [ALPHA], Comparison(), blind, "model", 1).cautions[0][0] == "The model found no signal."
    weak = replace(QUALITY, beats_baselines=False)
    assert front(TOTALS, [ALPHA], Comparison(), weak, "model", 1).cautions[0][0] == "A simpler model does as well."


def test_sentences_of_an_empty_workspace_claim_nothing() -> None:
    said = " ".join(front(Totals(), [], Comparison(), None, "", 2).sentences)
    assert "No deal has closed yet" in said
    assert "no ranking of partners" in said
    assert "%" not in said


def test_sentence_of_a_partner_counts_and_places_it() -> None:
    assert partner_sentence(ALPHA, 1, TOTALS, "model", 1) == (
        "Alpha touched 30 closed deals, of which 20 were won; the model credits it with 7.5 wins and €450k. "
        "It stands at place 1 of 2 with 93.8% of the partners' net credit."
    )


def test_partners_with_negative_credit_are_named() -> None:
    harmful = replace(BETA, wins=-3.0, shown={"model": -3.0})
    said = front(TOTALS, [ALPHA, harmful], Comparison(), QUALITY, "model", 1).sentences[3]
    assert said == "Alpha holds 94% of the partners' net credit; 1 has negative credit, Beta."
    assert "lower chances with its touches" in partner_sentence(harmful, 2, TOTALS, "model", 1)


def test_sentence_of_a_deal_tells_the_way_of_the_prediction() -> None:
    assert deal_sentence(DEAL, "model") == (
        "Won on 1 Mar 2024, €10,000. The predicted chance of winning is 50%; partners are credited with +20.0 points "
        "of it, most of all Alpha (+25.0 points), the own team with the rest."
    )


def test_sentence_of_a_deal_gives_the_range_of_the_partner_that_it_names() -> None:
    own, alpha, _ = DEAL.players
    certain = replace(alpha, interval=Interval(0.12, 0.38))
    assert deal_sentence(replace(DEAL, players=(own, certain)), "model").endswith(
        "is 50%; Alpha is credited with +25.0 points (12.0 to 38.0) of it, the own team with the rest."
    )


def test_sentence_of_a_partner_gives_the_ranges_of_its_wins_and_money() -> None:
    money = MoneyInterval(Money.of([("EUR", 300_000_00)]), Money.of([("EUR", 600_000_00)]))
    said = partner_sentence(replace(ALPHA, interval=Interval(5.0, 10.0), money_interval=money), 1, TOTALS, "model", 1)
    assert "credits it with 7.5 wins (5.0 to 10.0) and €450k (€300k to €600k)." in said


def test_front_page_says_what_was_taken_off_and_how_far_chance_could_move_the_wins() -> None:
    found = Assumed(wins=8.0, interval=Interval(6.0, 10.0), face_value=10.0, without_hidden=9.0, with_equal=7.0)
    page = front(TOTALS, [ALPHA, BETA], Comparison(), QUALITY, "model", 1, found)
    assert page.figures[0] == ("Wins credited to partners", "8.0", "of 40 won deals; 6.0 to 10.0 (95%)")
    assert len(page.sentences) == 6
    assert page.sentences[3] == selection_sentence(found, 1)


def test_cautions_that_the_first_page_settles_are_replaced() -> None:
    found = Assumed(wins=8.0, interval=Interval(6.0, 10.0), face_value=10.0, without_hidden=9.0, with_equal=7.0)
    sure = replace(ALPHA, interval=Interval(5.0, 10.0))
    titles = [title for title, _ in front(TOTALS, [sure], Comparison(), QUALITY, "model", 1, found).cautions]
    assert titles == [
        "Influence is not proof of cause.",
        "What was taken off rests on an assumption.",
        "What was written down late can flatter.",
        "A range covers chance, and nothing else.",
    ]


def test_sentence_of_a_deal_without_partners_or_credit_says_so() -> None:
    alone = replace(DEAL, players=DEAL.players[:1], total=0.3)
    assert deal_sentence(alone, "model").endswith("all credit stays with the own team.")
    unscored = replace(DEAL, total=None, amount=Money())
    assert deal_sentence(unscored, "model") == (
        "Won on 1 Mar 2024, amount not known. 2 partners took part. No credit has been computed for this deal."
    )


def test_money_that_the_figures_do_not_cover_is_named() -> None:
    mixed = replace(TOTALS, n_won_without_amount=3, won_money=Money.of([("EUR", 9_00), ("CHF", 5_00)]))
    assert (
        shortfall(mixed, "EUR")
        == "3 won deals without an amount; amounts in CHF that have no rate to EUR are shown apart"
    )
    assert shortfall(TOTALS, "EUR") == ""
