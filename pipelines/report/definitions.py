"""What every word and method in the report means: shown at its end, and as the methods' short names elsewhere."""

from __future__ import annotations

from typing import Final

TERMS: Final[tuple[tuple[str, str], ...]] = (
    ("Deal", "One sales opportunity. Closed means won or lost; open deals get no credit."),
    ("Partner", "A company that helps to sell or deliver. The vendor's own people are the own team, not a partner."),
    ("Touch", "One recorded thing that a partner or the own team did on a deal: a meeting, a demo, an introduction."),
    (
        "Credited wins",
        (
            "The sum of a partner's shares of won deals. Ten deals with a share of 10% each are one credited win. The "
            "shares of a won deal, own team included, add up to one."
        ),
    ),
    (
        "Credited amount",
        (
            "The same shares in money. Over a won deal's partners and the own team they add up to the deal's amount, "
            "to the cent. Amounts in different currencies are never added without a rate."
        ),
    ),
    (
        "Predicted probability",
        (
            "The model's chance that the deal is won. The trees that judge a deal never saw its account; the partners' "
            "effects, one number a partner, drawn toward those of its type, are estimated from all deals of the "
            "training."
        ),
    ),
    (
        "Range",
        (
            "A 95% interval, such as 8.1 to 16.4: how far a number could move if other deals of the same kind had been "
            "drawn. It says nothing about reasons that nobody recorded. A partner's ranges add up over its deals; "
            "those of several partners do not."
        ),
    ),
    (
        "Face value",
        (
            "What partners would have if all that coincides with their touches were their doing. Partners are also "
            "drawn to good deals, so a part is taken off and left with the own team. How large a part rests on what is "
            "assumed of reasons that nobody recorded (`outcome.hidden_selection`)."
        ),
    ),
    (
        "Negative credit",
        "The model predicts a lower chance with the partner than without it. It is kept and shown, not set to zero.",
    ),
    ("Won with a partner", "Won deals that at least one partner touched no later than the close."),
    ("Late entry", "A touch that is dated before the close of its deal but was recorded after it."),
    (
        "Cutoff",
        "The moment up to which touches count as known to the model. What was recorded later is invisible to it.",
    ),
    (
        "Moment",
        (
            "A place in a call, mail, chat or note where it is told that a partner helped: who, how, when and in which "
            "words. A model finds it; it can err, and how often is measured on conversations by authors from whom it "
            "has not learned. It is evidence beside the credit, not a part of it: a share does not grow with quotes."
        ),
    ),
    (
        "Sure",
        (
            "The model's probability that a moment is one, calibrated. Below 80% it is marked as unsure until a person "
            "has confirmed it. A moment that somebody rejected counts nowhere."
        ),
    ),
    (
        "Evidence",
        (
            "How many independent witnesses a partner's claim on a deal has beside the model: a reviewer, the deal's "
            "owner, and a record of another source (a touch within 14 days of the conversation, or a lead or quote "
            "before the close). A: all three, B: two, C: one, D: none. The best of its moments counts."
        ),
    ),
    (
        "Told, but no help",
        (
            "What was planned, offered or asked for, what harmed, and what the vendor did for the partner. None of it "
            "counts as a moment."
        ),
    ),
    ("Journey stage", "Where in the customer's journey a touch lies: before, at or after the point of sale."),
    (
        "Rank correlation",
        "Spearman's: 1 when two methods rank the partners alike, 0 when their orders have nothing in common.",
    ),
    (
        "Credit moved",
        (
            "The part of all credit that would change hands if one method were replaced by another (half of the sum "
            "of the absolute differences)."
        ),
    ),
)

ESTIMAND: Final = (
    "Model credit answers one question: on this deal, with everything else as it was, by how much did the predicted "
    "chance of winning differ because this partner's recorded touches were there, averaged over all orders in which "
    "the deal's partners could have come in, and less what the deal's own promise would have brought anyway?"
)


QUANTITIES: Final = {
    "total_credit": "wins over all closed deals, lost ones too",
}


def quantity_name(name: str) -> str:
    """An estimated quantity for reading."""
    return QUANTITIES.get(name, name.replace("_", " "))


def feature_name(name: str) -> str:
    """A feature's name for reading; that doses are stored in millionths is no reader's concern."""
    return name.replace("_millionths", "").replace("_", " ")
