"""Clauses as sparse features: named strings for a linear model, from the exact act to the mere actor."""

from collections.abc import Iterator, Sequence
from sys import intern

from features.assist.syntax_actors import PARTNERISH
from features.assist.syntax_classes import act_class
from features.assist.syntax_clauses import Clause
from features.assist.syntax_tree import Tree
from features.assist.syntax_words import ACTORS, NEGATIONS

YES = frozenset({"yes", "yeah", "yep", "yup", "correct", "exactly", "right", "indeed", "absolutely", "sure"})
NO = frozenset({"no", "nope", "nah", "never", "not", "none"})
PARTNERS = PARTNERISH - {"RIVAL"}


def strings(tree: Tree, clauses: Sequence[Clause], side: str) -> list[str]:
    """Feature names of an utterance, each once, in alphabetical order.

    Parameters
    ----------
    clauses : of this tree, as ``clauses_of`` gives them.
    side : the speaker's organisation.

    Returns
    -------
    Strings such as ``who=PARTNER|did=happened|act=introduce``. No word of them is a name: of nouns only common ones
    count, and names stand in them by role.
    """
    found = set(_answer(tree))
    for clause in clauses:
        found.update(_of_clause(clause, side))
    found.update(_of_roles(tree))
    found.update(_ends(clauses))
    return [intern(name) for name in sorted(found)]


def _of_clause(clause: Clause, side: str) -> Iterator[str]:
    kind = act_class(clause.act)
    meant = clause.mood
    who = f"who={clause.actor}"
    did = f"{who}|did={clause.status}"
    yield did
    yield f"{did}|act={clause.act}"
    yield f"{did}|class={kind}"
    yield f"{who}|act={clause.act}"
    yield f"{did}|side={side}"
    yield f"{did}|route={clause.route}"
    yield f"{did}|route={clause.route}|class={kind}"
    yield f"{did}|object={clause.object}"
    yield f"{did}|target={clause.target}|class={kind}"
    yield f"{did}|kind={meant.kind}"
    yield f"{who}|{meant.tense}|{meant.modality}|{'not' if meant.negated else ''}"
    yield f"act={clause.act}|did={clause.status}"
    if clause.noun:
        yield f"{did}|noun={clause.noun}"
        yield f"{who}|verb={clause.verb}|noun={clause.noun}"
    if clause.object in PARTNERISH or clause.target in PARTNERISH:
        yield f"{did}|act={clause.act}|object={clause.object}|target={clause.target}"
    if clause.said:
        yield f"said={clause.said}|side={side}|did={clause.status}|class={kind}"
    yield from _marks(clause, did, kind)
    if clause.actor in PARTNERS:
        yield from _of_partner(clause, kind)


def _marks(clause: Clause, did: str, kind: str) -> Iterator[str]:
    meant = clause.mood
    marks = {
        "joint": clause.joint,
        "contrast": meant.contrast,
        "reported": meant.reported,
        "hedged": meant.hedged,
        "counterfactual": meant.counterfactual,
        "progressive": meant.progressive,
        "wh": meant.question == "wh",
    }
    for name, holds in marks.items():
        if holds:
            yield f"{did}|{name}"
            yield f"{did}|{name}|class={kind}"
    if meant.planner:
        yield f"{did}|below={meant.planner}"


def _of_partner(clause: Clause, kind: str) -> Iterator[str]:
    """The same with every way of naming a partner as one."""
    did = f"who=a partner|did={clause.status}"
    yield did
    yield f"{did}|class={kind}"
    yield f"{did}|act={clause.act}"
    yield f"{did}|route={clause.route}"
    yield f"{did}|target={clause.target}"
    if clause.noun:
        yield f"{did}|noun={clause.noun}"


def _of_roles(tree: Tree) -> Iterator[str]:
    """Where each masked name hangs in the tree: relation, preposition and what it hangs on."""
    for token, role in tree.roles.items():
        head = tree.heads[token]
        case = tree.first(token, "case")
        place = f"role={ACTORS[role]}|{tree.deps[token]}|{'' if case is None else tree.words[case]}"
        yield place
        if head != token and head not in tree.roles and not tree.tags[head].startswith("NNP"):
            yield f"{place}|{tree.lemmas[head]}"


def _answer(tree: Tree) -> Iterator[str]:
    """Whether the utterance begins with a yes or a no."""
    for word in tree.words[:2]:
        if word in YES:
            yield "answer=yes"
        elif word in NO or (word in NEGATIONS and word not in {"nothing", "nobody"}):
            yield "answer=no"


def _ends(clauses: Sequence[Clause]) -> Iterator[str]:
    """Who acted in the first and in the last clause."""
    for name, clause in (("first", clauses[0]), ("last", clauses[-1])) if clauses else ():
        yield f"{name}={clause.actor}|did={clause.status}"
