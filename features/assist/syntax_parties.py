"""How one of several parties stands to an act: by which preposition, jointly, or in another's stead."""

from dataclasses import replace

from features.assist.syntax_tree import Tree
from features.assist.syntax_verbs import Mood, is_negated
from features.assist.syntax_words import AGENT_CASES, HELP_NOUNS

JOINT = frozenset({"together", "along", "jointly", "alongside"})


def case_route(tree: Tree, token: int) -> str:
    """How a prepositional phrase names an agent; empty if it does not. "with the help of Kestrel" is ``thanks``."""
    for kid in tree.kids(token, "case", "mark"):
        route = AGENT_CASES.get(tree.words[kid])
        if route:
            return "thanks" if tree.lemmas[token] in HELP_NOUNS and route in {"with", "by"} else route
    return "thanks" if tree.lemmas[token] == "thanks" else ""


def meant_of(tree: Tree, party: int, meant: Mood) -> Mood:
    """The mood for one of several parties: "not by Kestrel but by us" denies it of the first alone."""
    if is_instead(tree, party):
        return replace(meant, negated=not meant.negated)
    denied = tree.has_word(party, frozenset({"not", "never"}), "advmod", "cc:preconj")
    return replace(meant, negated=True) if denied and not meant.negated else meant


def is_instead(tree: Tree, party: int) -> bool:
    """Whether the party follows "but" or "rather than" in a row of parties, of which the first is denied or told."""
    if tree.deps[party] != "conj":
        return False
    first = tree.heads[party]
    denied = tree.has_word(first, frozenset({"not", "never"}), "advmod", "cc:preconj")
    negated = denied or is_negated(tree, tree.heads[first])
    but = tree.has_word(party, frozenset({"but"}), "cc") and negated and not denied
    return but or tree.has_word(party, frozenset({"rather", "instead", "not"}), "cc", "advmod")


def is_joint(tree: Tree, token: int) -> bool:
    """Whether a party acted "together with" or "alongside" another."""
    case = tree.first(token, "case")
    return case is not None and case > 0 and (tree.words[case - 1] in JOINT or tree.words[case] in JOINT)
