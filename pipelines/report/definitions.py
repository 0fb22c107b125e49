"""What every word and method in the report means: shown at its end, and as the methods' short names elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class MethodText:
    """A method's name, a shorter one for narrow columns, and what it computes in a sentence or two."""

    name: str
    short: str
    meaning: str


METHOD_TEXTS: Final[dict[str, MethodText]] = {
    "model": MethodText(
        "Model (Shapley)",
        "Model",
        "The outcome model predicts the deal's chance of being won with every combination of its partners' touches. A "
        "partner's addition, averaged over all orders in which the partners could have joined (the exact Shapley "
        "value), is its credit at face value. Partners keep the part of it that a comparison of equally promising "
        "deals leaves them, the same part for all; everything else is the own team's credit. Won and lost deals.",
    ),
    "shap": MethodText(
        "SHAP drivers",
        "SHAP",
        "The prediction taken apart by feature (TreeSHAP), each partner feature handed to the partners in proportion "
        "to their part in it. It explains which behaviours drove a prediction; it is not a ledger of what a partner "
        "added.",
    ),
    "first_touch": MethodText("First touch", "First", "All of a won deal goes to whoever touched it first."),
    "last_touch": MethodText(
        "Last touch", "Last", "All of a won deal goes to whoever touched it last before it closed."
    ),
    "linear": MethodText("Linear", "Linear", "Every touch of a won deal up to its close gets the same share."),
    "time_decay": MethodText("Time decay", "Decay", "The nearer a touch lies to the close, the larger its share."),
    "u_shape": MethodText("U-shape", "U-shape", "Most goes to the first touch and to the last one before the close."),
    "w_shape": MethodText(
        "W-shape",
        "W-shape",
        "Most goes to the first touch and to those that led to the lead's and the opportunity's creation.",
    ),
    "full_path": MethodText(
        "Full path", "Full path", "As W-shape, with a fourth peak at the last touch before the close."
    ),
    "markov": MethodText(
        "Markov",
        "Markov",
        "A partner's removal effect (how many wins the touch sequences lose without it), spread over each won deal's "
        "own partners in proportion. The totals by removal effect alone are another quantity.",
    ),
    "shapley_paths": MethodText(
        "Shapley over paths",
        "Paths",
        "What a set of players is worth, from the journeys inside it. Counting won deals, that is exactly an equal "
        "split of a won deal over the distinct players that touched it.",
    ),
    "library": MethodText("Rule library", "Library", "A credit rule that your organisation has configured."),
    "materiality": MethodText("Materiality", "Material", "Credit by how material the evidenced contribution was."),
    "verified": MethodText("Verified", "Verified", "Credit for contributions that a person has confirmed."),
    "adjusted": MethodText(
        "Adjusted", "Adjusted", "Model credit pulled towards an estimate that corrects for which deals partners join."
    ),
}

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


PARTNER_TYPES: Final = {
    "si": "systems integrator",
    "isv": "software vendor",
    "msp": "managed services",
}


QUANTITIES: Final = {
    "total_credit": "wins over all closed deals, lost ones too",
}


def quantity_name(name: str) -> str:
    """An estimated quantity for reading."""
    return QUANTITIES.get(name, name.replace("_", " "))


def partner_type(name: str) -> str:
    """The type of a partner for reading."""
    return PARTNER_TYPES.get(name, name.replace("_", " "))


def feature_name(name: str) -> str:
    """A feature's name for reading; that doses are stored in millionths is no reader's concern."""
    return name.replace("_millionths", "").replace("_", " ")


def method_name(method: str) -> str:
    """The method's name for reading."""
    return METHOD_TEXTS[method].name if method in METHOD_TEXTS else method


def predicts(method: str) -> bool:
    """Whether the method credits lost deals as well, because it takes a prediction apart."""
    return method in {"model", "shap", "adjusted"}


def method_short(method: str) -> str:
    """The method's name for a narrow column."""
    return METHOD_TEXTS[method].short if method in METHOD_TEXTS else method
