"""What a predicate says of its act: when, whether, under which condition, and in whose words."""

from dataclasses import dataclass

from features.assist.syntax_tree import Tree
from features.assist.syntax_words import CONDITIONS, FAILING, HEDGING, INSTEAD, MODALS, NEGATIONS, PLANNING, REPORTING

AUXILIARY = ("aux", "aux:pass", "cop")
OPEN = frozenset({"xcomp", "ccomp", "csubj", "acl", "advcl"})
DEPTH = 4
BEFORE_QUESTION = frozenset({"discourse", "cc", "punct", "advmod", "vocative"})
CLIPPED = frozenset({"'d", "’d"})
KINDS = {
    "acl:relcl": "relative",
    "advcl:relcl": "relative",
    "acl": "participle",
    "advcl": "adverbial",
    "ccomp": "complement",
    "xcomp": "open",
    "csubj": "subject",
}


@dataclass(frozen=True, slots=True)
class Mood:
    """How one predicate is meant.

    ``tense``: past, perfect, present, future or none (a bare infinitive or gerund). ``modality``: the modal verb's
    class (``would``, ``could``, ``should``, ``might``), ``plan`` below a verb of planning, ``fail`` below one of
    failing, else empty. ``reported``, ``hedged``: below a verb of saying or of believing.
    """

    tense: str
    progressive: bool
    passive: bool
    modality: str
    planner: str
    negated: bool
    conditional: bool
    counterfactual: bool
    reported: bool
    hedged: bool
    question: str
    contrast: bool
    kind: str

    @property
    def status(self) -> str:
        """``happened``, ``present``, ``planned``, ``denied``, ``conditional``, ``asked`` or ``open`` (not told)."""
        if self.counterfactual:
            return "happened"
        if self.conditional:
            return "conditional"
        if self.question in {"polar", "declarative"}:
            return "asked"
        if self.negated or self.modality == "fail":
            return "denied"
        if self.tense == "future" or self.modality:
            return "planned"
        return {"past": "happened", "perfect": "happened", "present": "present"}.get(self.tense, "open")


def mood(tree: Tree, token: int, depth: int = 0) -> Mood:
    """The mood of a predicate; what a coordinated or open clause leaves unsaid is that of the clause above it."""
    auxiliaries = list(tree.kids(token, *AUXILIARY))
    above = _above(tree, token, auxiliaries, depth)
    modals = [MODALS[tree.words[kid]] for kid in auxiliaries if _is_modal(tree, kid, token)]
    tense = _tense(tree, token, auxiliaries, modals)
    governor = _governor(tree, token)
    planner = tree.lemmas[governor] if governor is not None and tree.deps[token] in OPEN else ""
    modality = _modality(tree, token, modals, planner)
    conditional = tree.has_word(token, CONDITIONS, "mark", "advmod") or _inverted_condition(tree, token, auxiliaries)
    negated = is_negated(tree, token)
    inherits = above is not None and tense == "none"
    return Mood(
        tense=above.tense if above is not None and inherits else tense,
        progressive=tree.tags[token] == "VBG" and bool(auxiliaries),
        passive=is_passive(tree, token),
        modality=modality or (above.modality if above is not None and inherits else ""),
        planner=planner or (above.planner if above is not None else ""),
        negated=negated or (above is not None and inherits and above.negated),
        conditional=(conditional and not _past_perfect(tree, auxiliaries)) or (above is not None and above.conditional),
        counterfactual=conditional and negated and _past_perfect(tree, auxiliaries),
        reported=planner in REPORTING or (above is not None and above.reported),
        hedged=planner in HEDGING or (above is not None and above.hedged),
        question=question_of(tree, token),
        contrast=_is_contrast(tree, token),
        kind=_kind(tree, token),
    )


def is_passive(tree: Tree, token: int) -> bool:
    """Whether the predicate is a passive, a reduced one ("done by Kestrel") included."""
    if tree.first(token, "aux:pass", "nsubj:pass", "obl:agent") is not None:
        return True
    return (
        tree.tags[token] == "VBN" and tree.deps[token] in {"acl", "advcl", "amod"} and tree.first(token, "aux") is None
    )


def is_negated(tree: Tree, token: int) -> bool:
    """Whether a negative word stands at the predicate, its auxiliaries or as the subject's or object's determiner."""
    for kid in tree.children[token]:
        word = tree.words[kid]
        relation = tree.deps[kid]
        if word in NEGATIONS and relation not in {"discourse", "conj", "parataxis", "appos", "root"}:
            return True
        if relation in {"nsubj", "nsubj:pass", "obj"} and tree.has_word(kid, NEGATIONS, "det"):
            return True
        if relation == "mark" and word == "without":
            return True
    return False


def question_of(tree: Tree, token: int) -> str:
    """``polar``, ``wh``, ``declarative`` (a question mark alone) or empty, by the predicate's sentence.

    Speech recognition often leaves the question mark out; an auxiliary that leads its clause counts as well.
    """
    first, last = tree.sentences[tree.sentence_of[token]]
    marked = "?" in tree.words[max(first, last - 3) : last]
    root = _root(tree, token)
    subject = tree.first(root, "nsubj", "nsubj:pass")
    auxiliary = tree.first(root, *AUXILIARY)
    inverted = subject is not None and auxiliary is not None and auxiliary < subject
    asks = any(tree.tags[kid].startswith("W") for kid in range(first, min(first + 3, last)))
    if marked:
        return "wh" if asks else ("polar" if inverted else "declarative")
    led = auxiliary is not None and all(tree.deps[kid] in BEFORE_QUESTION for kid in range(first, auxiliary))
    return "polar" if inverted and led and not asks and tree.deps[token] in {"root", "ccomp", "xcomp"} else ""


def _above(tree: Tree, token: int, auxiliaries: list[int], depth: int) -> Mood | None:
    """The mood of the clause that this one continues: of a conjunct without auxiliaries, or an open complement."""
    head = tree.heads[token]
    if depth >= DEPTH or head == token:
        return None
    follows = tree.deps[token] == "conj" and not auxiliaries and tree.tags[token] in {"VB", "VBN", "VBG"}
    if follows or (tree.deps[token] in {"xcomp", "acl", "csubj"} and not auxiliaries):
        return mood(tree, head, depth + 1) if _is_predicate(tree, head) else None
    return None


def _tense(tree: Tree, token: int, auxiliaries: list[int], modals: list[str]) -> str:
    if modals:
        return "future" if modals[0] == "will" else "present"
    tags = [tree.tags[kid] for kid in auxiliaries] or [tree.tags[token]]
    if any(tree.words[kid] in CLIPPED for kid in auxiliaries):
        return "past"
    words = {tree.lemmas[kid] for kid in auxiliaries if tree.deps[kid] == "aux"}
    if "VBD" in tags:
        return "past"
    if "have" in words:
        return "perfect"
    if tags[0] in {"VBZ", "VBP"}:
        return "present"
    if tags[0] == "VBN" and not auxiliaries and tree.deps[token] in {"acl", "root", "parataxis", "conj", "advcl"}:
        return "past"
    return "none"


def _is_modal(tree: Tree, auxiliary: int, verb: int) -> bool:
    """Whether an auxiliary is a modal verb; "'d" before a participle is "had"."""
    if tree.words[auxiliary] in CLIPPED and tree.tags[verb] in {"VBN", "VBD"}:
        return False
    return tree.words[auxiliary] in MODALS and tree.tags[auxiliary] == "MD"


def _modality(tree: Tree, token: int, modals: list[str], planner: str) -> str:
    if planner in FAILING:
        return "fail"
    if planner in PLANNING and tree.deps[token] == "xcomp":
        return "plan"
    if planner == "go" and tree.tags[tree.heads[token]] == "VBG":
        return "plan"
    if planner in PLANNING and tree.has_word(token, frozenset({"to", "would", "could", "might"}), "mark", "aux"):
        return "plan"
    if not modals or modals[0] == "will":
        return ""
    return modals[0]


def _governor(tree: Tree, token: int) -> int | None:
    head = tree.heads[token]
    return None if head == token else head


def _is_predicate(tree: Tree, token: int) -> bool:
    return tree.tags[token].startswith("VB") or tree.first(token, "cop") is not None or tree.tags[token] == "JJ"


def _past_perfect(tree: Tree, auxiliaries: list[int]) -> bool:
    return any(tree.words[kid] in CLIPPED | {"had"} and tree.deps[kid] == "aux" for kid in auxiliaries)


def _inverted_condition(tree: Tree, token: int, auxiliaries: list[int]) -> bool:
    """Whether an auxiliary leads an adverbial clause: "Had they not told us, …"."""
    subject = tree.first(token, "nsubj", "nsubj:pass")
    if tree.deps[token] != "advcl" or subject is None or not auxiliaries:
        return False
    return auxiliaries[0] < subject and tree.words[auxiliaries[0]] in {"had", "should", "were"}


def _is_contrast(tree: Tree, token: int) -> bool:
    if tree.has_word(token, frozenset({"but"}), "cc", "advmod", "mark") or tree.has_word(
        token, INSTEAD, "advmod", "mark"
    ):
        return True
    return any(
        tree.deps[kid] in {"conj", "parataxis"} and tree.has_word(kid, frozenset({"but"}), "cc")
        for kid in tree.children[token]
    )


def _kind(tree: Tree, token: int) -> str:
    return KINDS.get(tree.deps[token], "main")


def _root(tree: Tree, token: int) -> int:
    while tree.heads[token] != token:
        token = tree.heads[token]
    return token
