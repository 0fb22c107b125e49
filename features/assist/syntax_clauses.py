"""Clauses of an utterance: who did what for whom, and whether it happened."""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass

from spacy.tokens import Doc

from features.assist.syntax_actors import PARTNERISH, actor, actors, antecedent_of, owner
from features.assist.syntax_parties import case_route, is_instead, is_joint, meant_of
from features.assist.syntax_tree import Tree, tree_of
from features.assist.syntax_verbs import Mood, is_negated, mood
from features.assist.syntax_words import (
    INTENDING,
    LIGHT_VERBS,
    PEOPLE_NOUNS,
    PEOPLE_VERBS,
)

DEPTH = 5
HEADLINE = frozenset({":", "-", "–", "—"})
NO_VERB = frozenset({"aux", "aux:pass", "cop", "case", "mark", "compound", "fixed", "goeswith", "discourse", "cc"})
SUBJECTS = ("nsubj", "nsubj:pass", "nsubj:outer")
OBLIQUE = ("obl", "obl:agent", "nmod")


@dataclass(frozen=True, slots=True)
class Clause:
    """One act (or state) and one who has part in it.

    ``verb`` is the base form with its particle ("set up"), ``be`` before a predicate noun or adjective, empty for an
    act that only a noun names ("Kestrel's introduction"); ``noun`` the base form of the object, predicate or act noun.
    ``actor`` is as ``features.assist.syntax_actors.actor`` gives it; NONE if nobody is told. ``route`` tells how the
    actor stands to the act: subject, agent (of a passive), cleft, owner, or the preposition (by, through, with, from,
    without, thanks). ``object`` and ``target`` are actors too (NONE without). ``char_start`` and ``char_end`` span the
    actor, the predicate and the object in the parsed text.
    """

    verb: str
    noun: str
    actor: str
    route: str
    object: str
    target: str
    joint: bool
    mood: Mood
    said: str
    char_start: int
    char_end: int

    @property
    def status(self) -> str:
        """As ``Mood.status``, but an offer is only planned, and what was done without somebody he did not do.

        What would not have been without somebody, he did.
        """
        if self.route == "notcleft":
            return "denied"
        if self.route != "without":
            intended = self.verb in INTENDING and self.mood.status in {"happened", "present"}
            return "planned" if intended else self.mood.status
        would = self.mood.modality in {"would", "could"} or self.mood.negated
        return "happened" if would else "denied"

    @property
    def act(self) -> str:
        """The predicate in one word: the noun of a light verb ("do" + "demo" is ``demo``), else the verb."""
        if not self.verb or (self.verb.split(" ")[0] in LIGHT_VERBS and self.noun):
            return self.noun
        return self.verb


def clauses(doc: Doc, roles: Mapping[int, str], side: str) -> list[Clause]:
    """The clauses of a parsed utterance in the order of the text.

    Parameters
    ----------
    doc : parsed by the pipeline of ``load_english``, a common name in the place of each masked one.
    roles : number of such a token → its role without brackets: PARTNER, OTHER_PARTNER, RIVAL, CUSTOMER, VENDOR or NAME.
    side : the speaker's organisation: internal, customer, partner or unknown.
    """
    return clauses_of(tree_of(doc, roles), side)


def clauses_of(tree: Tree, side: str) -> list[Clause]:
    """The same from a plain tree."""
    found: list[Clause] = []
    for token in range(len(tree.words)):
        if is_predicate(tree, token):
            found += _predicate_clauses(tree, token, side)
        found += _noun_clauses(tree, token, side)
    return found


def is_predicate(tree: Tree, token: int) -> bool:
    """Whether a token heads a clause: a full verb, or a noun or adjective with a copula."""
    if tree.deps[token] in NO_VERB or token in tree.roles:
        return False
    if tree.tags[token].startswith("VB"):
        return tree.deps[token] != "amod"
    return tree.first(token, "cop") is not None


def subject_of(tree: Tree, token: int, depth: int = 0) -> int | None:
    """The subject's head token: the clause's own, or that of the clause which controls it."""
    own = tree.first(token, *SUBJECTS)
    if own is not None or depth >= DEPTH:
        return own
    head = tree.heads[token]
    relation = tree.deps[token]
    if head == token:
        return _headline(tree, token)
    if relation == "acl":
        return head
    if relation == "xcomp" or (relation == "advcl" and tree.tags[token] in {"VB", "VBG"}):
        return _controller(tree, head, relation, depth)
    shared = _shared_subject(tree, head) if relation in {"conj", "parataxis"} else None
    return _headline(tree, token) if shared is None and depth == 0 else shared


def _headline(tree: Tree, token: int) -> int | None:
    """The name that heads a note, as in "Kestrel: did the data load", for a finite verb without a subject."""
    first, _ = tree.sentences[tree.sentence_of[token]]
    if tree.tags[token] not in {"VBD", "VBZ", "VBN", "VB"}:
        return None
    return next((at for at in range(first, token - 1) if at in tree.roles and tree.words[at + 1] in HEADLINE), None)


def _shared_subject(tree: Tree, head: int) -> int | None:
    """The subject of the nearest clause above: "Kestrel looked at it for a week and passed"."""
    above = _predicate_above(tree, head)
    return None if above is None else subject_of(tree, above, 1)


def _controller(tree: Tree, head: int, relation: str, depth: int) -> int | None:
    """The object of "they asked her to call" or the subject of "they offered to call"."""
    told = tree.first(head, "obj", "iobj") if relation == "xcomp" else None
    return told if told is not None else subject_of(tree, head, depth + 1)


def _predicate_clauses(tree: Tree, token: int, side: str) -> Iterator[Clause]:
    meant = mood(tree, token)
    subject = subject_of(tree, token)
    objects = [subject] if meant.passive and subject is not None else list(tree.kids(token, "obj", "iobj"))
    frame = _Frame(
        tree, token, side, meant, _thing(tree, token, objects), _named(tree, objects, side), _verb(tree, token)
    )
    if not meant.passive and subject is not None:
        parties = actors(tree, subject, side)
        joint = len(parties) > 1 and not any(is_instead(tree, at) for at in parties.values())
        for party, at in parties.items():
            yield frame.clause(party, _route(tree, subject), at, joint=joint)
    elif not meant.passive:
        yield frame.clause("NONE", "subject", token)
    told = yield from frame.obliques(token)
    if meant.passive and not told:
        yield frame.clause("NONE", "agent", token)


def _route(tree: Tree, subject: int) -> str:
    """``cleft`` for the subject of "it was Kestrel who …", else ``subject``."""
    antecedent = antecedent_of(tree, subject) if tree.tags[subject] in {"WP", "WDT"} else None
    if antecedent is None:
        return "subject"
    introduced = tree.first(antecedent, "cop") is not None
    if introduced and tree.has_word(antecedent, frozenset({"it", "that", "this"}), "nsubj", "expl"):
        return "notcleft" if is_negated(tree, antecedent) else "cleft"
    return "relative"


def _thing(tree: Tree, token: int, objects: list[int]) -> str:
    """Base form of the predicate noun or the thing acted on; empty without."""
    if tree.first(token, "cop") is not None:
        return tree.lemmas[token]
    things = [kid for kid in objects if tree.tags[kid] in {"NN", "NNS", "CD"}]
    return tree.lemmas[things[-1]] if things else ""


def _verb(tree: Tree, token: int) -> str:
    """The base form with its particle; ``be`` for a copula, empty for a noun alone."""
    if tree.first(token, "cop") is not None:
        return "be"
    if not tree.tags[token].startswith("VB"):
        return ""
    particle = tree.first(token, "compound:prt")
    return tree.lemmas[token] if particle is None else f"{tree.lemmas[token]} {tree.words[particle]}"


def _named(tree: Tree, objects: list[int], side: str) -> str:
    """The actor among the objects; the first person, partner or customer counts before a thing."""
    found = [actor(tree, kid, side) for kid in objects]
    known = [name for name in found if name not in {"OTHER", "IT"}]
    return (known or found or ["NONE"])[0]


@dataclass(frozen=True, slots=True)
class _Frame:
    """What all clauses of one predicate share."""

    tree: Tree
    token: int
    side: str
    meant: Mood
    thing: str
    object: str
    verb: str

    def clause(self, party: str, route: str, at: int, *, joint: bool = False) -> Clause:
        tree = self.tree
        tokens = [self.token, at, *tree.kids(self.token, "obj")]
        return Clause(
            verb=self.verb,
            noun=self.thing,
            actor=party,
            route=route,
            object=self.object,
            target=self.target(),
            joint=joint,
            mood=meant_of(tree, at, self.meant),
            said=tree.words[at] if tree.tags[at].startswith("PRP") else "",
            char_start=min(tree.starts[token] for token in tokens),
            char_end=max(tree.ends[token] for token in tokens),
        )

    def target(self) -> str:
        """For whom or to whom: the indirect object, "for us", "to the customer"; an object that is helped."""
        tree = self.tree
        receiver = tree.first(self.token, "iobj")
        if receiver is not None:
            return actor(tree, receiver, self.side)
        for kid in tree.kids(self.token, "obl", "nmod"):
            if tree.has_word(kid, frozenset({"to", "for"}), "case"):
                return actor(tree, kid, self.side)
        return self.object if tree.lemmas[self.token] in PEOPLE_VERBS else "NONE"

    def obliques(self, token: int) -> Generator[Clause, None, bool]:
        """Clauses of those who act by a preposition; returns whether a passive's agent is among them."""
        told = False
        for kid in self.tree.kids(token, *OBLIQUE):
            route = case_route(self.tree, kid)
            for party, at in actors(self.tree, kid, self.side).items() if route else ():
                if party in {"OTHER", "IT", "SOMEBODY"} and not (route == "by" and self.meant.passive):
                    continue
                told = told or route == "by"
                yield self.clause(party, route, at, joint=is_joint(self.tree, kid))
        return told


def _noun_clauses(tree: Tree, token: int, side: str) -> Iterator[Clause]:
    """An act or thing of a partner's that a noun names: "Kestrel's introduction", "the report from Kestrel"."""
    if tree.tags[token] not in {"NN", "NNS"} or tree.lemmas[token] in PEOPLE_NOUNS or tree.deps[token] == "compound":
        return
    held_by = owner(tree, token, side)
    if held_by not in PARTNERISH | {"WE", "CUSTOMER"}:
        return
    above = _predicate_above(tree, token)
    meant = mood(tree, above if above is not None else token)
    frame = _Frame(tree, token, side, meant, tree.lemmas[token], "NONE", verb="")
    yield frame.clause(held_by, _noun_route(tree, token), token)


def _noun_route(tree: Tree, token: int) -> str:
    for kid in tree.kids(token, "nmod"):
        route = case_route(tree, kid)
        if route:
            return route
    return "owner"


def _predicate_above(tree: Tree, token: int) -> int | None:
    for _ in range(DEPTH):
        if is_predicate(tree, token):
            return token
        if tree.heads[token] == token:
            return None
        token = tree.heads[token]
    return None
