"""What methods and types of partners are called, for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["METHOD_TEXTS", "MethodText", "method_name", "method_short", "partner_type", "predicts"]


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
    "verified": MethodText(
        "Verified",
        "Verified",
        "Of a won deal a partner keeps the model's share where a reviewer or the deal's owner confirmed a moment in "
        "which it helped on that deal. Everything else is the own team's, so without reviews all of it is.",
    ),
    "adjusted": MethodText(
        "Adjusted", "Adjusted", "Model credit pulled towards an estimate that corrects for which deals partners join."
    ),
}

PARTNER_TYPES: Final = {
    "si": "systems integrator",
    "isv": "software vendor",
    "msp": "managed services",
}


def method_name(method: str) -> str:
    """The method's name for reading."""
    return METHOD_TEXTS[method].name if method in METHOD_TEXTS else method


def predicts(method: str) -> bool:
    """Whether the method credits lost deals as well, because it takes a prediction apart."""
    return method in {"model", "shap", "adjusted"}


def method_short(method: str) -> str:
    """The method's name for a narrow column."""
    return METHOD_TEXTS[method].short if method in METHOD_TEXTS else method


def partner_type(name: str) -> str:
    """The type of a partner for reading."""
    return PARTNER_TYPES.get(name, name.replace("_", " "))
