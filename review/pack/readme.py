"""What the pack says of itself: how each of its numbers comes about."""

from __future__ import annotations

from typing import Final

from features.cells import FORMULA_STARTS
from features.shown import clean
from features.titles import method_name
from review.pack.columns import COLUMNS
from review.pack.rows import About

__all__ = ["readme"]

HOW: Final = """
HOW EACH NUMBER COMES ABOUT
Every number in index.html stands in an element <data data-is="NAME">; its value attribute has the exact number.
"Sum of credited" is done for each currency by itself; NAME then ends in the currency. Amounts from 100 on are shown
without decimals, shares with one.

NAME                         from data/claims.csv
n_closed                     number of rows
n_won                        rows with outcome = won
wins                         sum of share over rows with outcome = won
wins_lo, wins_hi             the range (95 %): sum of share * credit_lo / credit (credit_hi) in data/credits.csv, over
                             the same deals, the pack's method and target = win
money:CUR                    sum of credited over rows with outcome = won and currency = CUR
n_backed                     rows with outcome = won and grade A or B
grade:G:n_won, wins, money   the same, of rows with outcome = won and grade = G
quarter:Q:n_closed           rows with quarter = Q; n_won, wins, money as above, of these rows
claim:DEAL:share, money      share and credited of the row with deal_id = DEAL
claim:DEAL:n_moments         rows of data/moments.csv with deal_id = DEAL and supports_claim = true
claim:DEAL:n_confirmed       of these, rows with is_confirmed = true

NAME                         from data/moments.csv
kind:TYPE:n                  rows with is_heard_in_period = true and that assist_type
kind:TYPE:confirmed          of these, rows with stands_as = confirmed; rejected and open likewise
moment:ID:confidence         confidence of the row with moment_id = ID

HOW THE ROWS HANG TOGETHER
share      in claims.csv: share of the row in credits.csv with the same deal_id, the pack's method, and target = win.
credited   in claims.csv: credit of that row with target = amount, times rate of the deal in deals.csv (1 where there is
           none), rounded to the cent. Only won deals have one. currency is the report's where there is a rate.
grade      of a moment: A with three of is_confirmed, is_verified, has_record; B with two, C with one, D with none. Of a
           claim: the best grade of the moments with supports_claim = true on that deal, and D without any.
is_confirmed, is_verified   follow from reviews.csv: by a reviewer, and by the deal's owner (role = rep).
has_record   a touch in records.csv of another conversation, at most 14 days before or after the moment, or a lead or a
           quote up to the deal's close.
supports_claim   the moment tells of help, nobody has rejected it, and people do not disagree about it.
quarter    of closed_at. All times are UTC; the period's first and last day belong to it.

WHAT THE NUMBERS DO NOT SAY
Influence is not proof of cause. A credit says how the predicted chance of winning differs with a partner's recorded
touches (or, of a rule, who was there and when). A grade says who bears out that the partner helped, and not how much
the help was worth.
"""


def readme(about: About) -> str:
    """The text of README.txt."""
    starts = " ".join(repr(start).strip("'") for start in FORMULA_STARTS)
    lines = [
        f"Evidence pack of {clean(about.partner_name)}",
        f"Period (deals closed): {about.period.text}. Credit by {method_name(about.method)}.",
        "",
        "index.html    the page; opens without a network",
        "manifest.json what the pack is about, and the SHA-256 of each file",
        *(f"data/{table}.csv".ljust(20) + ", ".join(columns) for table, columns in COLUMNS.items()),
        "",
        f"CSV cells of text that begin with one of {starts} have an apostrophe before it, so that no spreadsheet",
        "takes them for formulas. An empty cell means that it is not known.",
    ]
    return "\n".join(lines) + "\n" + HOW
