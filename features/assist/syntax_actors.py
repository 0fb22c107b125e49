"""Who a noun phrase stands for: the partner, we, the customer, a rival, or somebody whom only the talk can tell."""

from features.assist.syntax_tree import Tree
from features.assist.syntax_words import (
    ACTORS,
    CUSTOMER_NOUNS,
    FIRST_PERSON,
    NOBODY,
    PARTNER_NOUNS,
    RELATIVE,
    RIVAL_NOUNS,
    SECOND_PERSON,
    SOMEBODY,
    THING,
    THIRD_PERSON,
)

DEPTH = 4
FIRST_PERSON_OF = {"internal": "WE", "customer": "CUSTOMER", "partner": "PARTNER_SELF"}
# An owner of these kinds acts through what it owns ("Kestrel's engineer"); a name or a thing does not.
OWNING = frozenset(
    {"PARTNER", "OTHER_PARTNER", "RIVAL", "CUSTOMER", "WE", "PARTNER_SELF", "GENERIC", "I_WE", "THEY", "YOU"}
)
PARTNERISH = frozenset({"PARTNER", "OTHER_PARTNER", "PARTNER_SELF", "GENERIC", "RIVAL", "THEY"})
NAMED_LINKS = ("compound", "flat", "appos", "nmod:unmarked", "nmod:desc", "amod")
PLACED_CASES = frozenset({"from", "at", "of", "in", "with", "by", "within", "to"})


def actors(tree: Tree, token: int, side: str) -> dict[str, int]:
    """Actors of a noun phrase and of what is coordinated with it ("Kestrel and our team"), at most three.

    Returns
    -------
    Actor → its head token.
    """
    parties = [token, *(kid for kid in tree.kids(token, "conj") if not tree.tags[kid].startswith("VB"))]
    found: dict[str, int] = {}
    for party in parties:
        found.setdefault(actor(tree, party, side), party)
    return dict(list(found.items())[:3])


def actor(tree: Tree, token: int, side: str, depth: int = 0) -> str:
    """The actor that the noun phrase of a head token stands for.

    Parameters
    ----------
    side : the speaker's organisation: ``internal``, ``customer``, ``partner`` or ``unknown``.

    Returns
    -------
    PARTNER, OTHER_PARTNER, RIVAL, CUSTOMER, NAME (by role or unknown proper noun), WE (the vendor), PARTNER_SELF (I or
    we of a partner's speaker), I_WE and YOU (of whom the side does not tell), THEY, IT, SOMEBODY, NOBODY, GENERIC (a
    partner without a name: "the integrator", "our distributors") or OTHER.
    """
    if token in tree.roles:
        return ACTORS[tree.roles[token]]
    word = tree.words[token]
    if word in RELATIVE and tree.tags[token] in {"WP", "WDT", "WP$", "IN"}:
        antecedent = antecedent_of(tree, token)
        return "OTHER" if antecedent is None or depth >= DEPTH else actor(tree, antecedent, side, depth + 1)
    return _pronoun(word, side) or _noun(tree, token, side, depth)


def owner(tree: Tree, token: int, side: str, depth: int = 0) -> str | None:
    """The actor that owns, employs or made what the token names ("the team at Kestrel"); None if nobody is told."""
    if depth >= DEPTH:
        return None
    for links in (("nmod:poss",), NAMED_LINKS, ("nmod",)):
        for kid in tree.kids(token, *links):
            if links == ("nmod",) and not tree.has_word(kid, PLACED_CASES, "case"):
                continue
            found = actor(tree, kid, side, depth + 1)
            if found in OWNING:
                return found
    return None


def antecedent_of(tree: Tree, token: int) -> int | None:
    """The noun that a relative pronoun stands for: its clause's head, else the noun that it follows; None without."""
    climbed = token
    for _ in range(DEPTH):
        if tree.deps[climbed].startswith("acl") and tree.heads[climbed] != climbed:
            return tree.heads[climbed]
        climbed = tree.heads[climbed]
    before = token - 2 if token > 1 and tree.words[token - 1] == "," else token - 1
    return before if before >= 0 and (before in tree.roles or tree.tags[before].startswith("NN")) else None


def _pronoun(word: str, side: str) -> str | None:
    if word in FIRST_PERSON:
        return FIRST_PERSON_OF.get(side, "I_WE")
    if word in SECOND_PERSON:
        return "WE" if side == "customer" else "YOU"
    for words, name in ((THIRD_PERSON, "THEY"), (THING, "IT"), (NOBODY, "NOBODY"), (SOMEBODY, "SOMEBODY")):
        if word in words:
            return name
    return None


def _noun(tree: Tree, token: int, side: str, depth: int) -> str:
    held_by = owner(tree, token, side, depth)
    base = tree.lemmas[token]
    if base in PARTNER_NOUNS:
        return held_by if held_by in {"PARTNER", "OTHER_PARTNER", "RIVAL"} else "GENERIC"
    if held_by is not None:
        return held_by
    if base in CUSTOMER_NOUNS:
        return "CUSTOMER"
    if base in RIVAL_NOUNS:
        return "RIVAL"
    return "NAME" if tree.tags[token].startswith("NNP") else "OTHER"
