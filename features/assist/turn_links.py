"""Links of one turn: what is named in it, who speaks, and what its stand-ins mean."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from features.assist.focus import RIVAL, Focus, Mention, Windows
from features.assist.lexicon import FIRST_PERSON, HE_OR_SHE, THEY, YOU
from features.assist.naming import Named, Turn
from features.assist.phrases import Phrase, phrases
from features.assist.words import Words

_CONFIDENCE: Final = {"they": 0.75, "description": 0.75, "group": 0.75, "person": 0.6, "addressed": 0.55}
_AHEAD: Final = 0.5
_ELLIPSIS: Final = 0.4
_FADING: Final = 0.97
"""What is left of the confidence for each turn that lies between."""


@dataclass(frozen=True)
class Scene:
    """What stands around a turn.

    Parameters
    ----------
    place : number of the turn in its conversation.
    own : the partner for whom the speaker speaks, if for one.
    addressed : the partner whose people spoke just before, or speak next.
    following : the partner that is named next, in how many turns, and whether somebody asked for it.
    focus : who was spoken of so far.
    windows : how far stand-ins reach.
    guests : partners known to take part in the deal.
    """

    place: int
    own: str | None
    addressed: str | None
    following: tuple[str, int, bool] | None
    focus: Focus
    windows: Windows
    guests: frozenset[str] = frozenset()

    def only_guest(self, types: frozenset[str]) -> str | None:
        """The partner known on the deal that fits a description, if just one does."""
        fitting = [partner_id for partner_id in self.guests if self.focus.fits(partner_id, types)]
        return fitting[0] if len(fitting) == 1 and fitting[0] != self.own else None


def turn_links(turn: Turn, text: Words, names: list[Named], scene: Scene) -> list[Mention]:
    """All links of the turn, in the order of the text; the focus moves on to what it spoke of."""
    links = _Links(turn, text, names, scene)
    said = [*links.named(), *links.speaker(), *links.descriptions(), *links.pronouns()]
    if not names and all(link.partner_id is None and link.kind != "rival" for link in said):
        said += links.nothing_said()
    _move(scene, names, said)
    return sorted(said, key=lambda link: (link.char_start is not None, link.char_start or 0, link.kind))


class _Links:
    def __init__(self, turn: Turn, text: Words, names: Sequence[Named], scene: Scene) -> None:
        self._turn, self._text, self._names, self._scene = turn, text, names, scene
        self._known = [name for name in names if name.partner_id is not None]
        self._ends = [name.end for name in self._known]
        self._phrases = list(phrases(text))
        self._rivals_from = next((phrase.end for phrase in self._phrases if phrase.sort == "rival"), None)

    def _link(
        self, partner_id: str | None, span: tuple[int, int] | None, kind: str, confidence: float, reason: str
    ) -> Mention:
        start, end = span or (None, None)
        return Mention(self._turn.utterance_id, partner_id, start, end, kind, round(confidence, 3), reason)

    def _span(self, place: int) -> tuple[int, int]:
        return self._text.starts[place], self._text.ends[place]

    def named(self) -> list[Mention]:
        """Names in the turn."""
        return [self._link(n.partner_id, (n.start, n.end), n.kind, n.confidence, n.reason) for n in self._names]

    def speaker(self) -> list[Mention]:
        """The speaker's own partner: once for the turn, and at each "we" and "I"."""
        own = self._scene.own
        if own is None:
            return []
        spans = [self._span(i) for i, word in enumerate(self._text.folded) if word in FIRST_PERSON]
        whole = self._link(own, None, "speaker", 0.99 if spans else 0.9, "the partner's own people speak")
        return [
            whole,
            *(self._link(own, span, "speaker", 0.9, "first person of the partner's speaker") for span in spans),
        ]

    def pronouns(self) -> Iterator[Mention]:
        """They, he and she; "you" where the partner is spoken to."""
        scene = self._scene
        others = {phrase.start for phrase in self._phrases if phrase.sort == "theirs"}
        for place, word in enumerate(self._text.folded):
            if word in THEY and self._text.starts[place] in others:
                continue
            if word in THEY:
                yield from self._referred(place, "they", scene.windows.they)
            elif word in HE_OR_SHE:
                yield from self._referred(place, "person", scene.windows.person)
            elif word in YOU and scene.addressed is not None and scene.own is None:
                reason = "said to the partner's people"
                yield self._link(scene.addressed, self._span(place), "pronoun", _CONFIDENCE["addressed"], reason)

    def _referred(self, place: int, how: str, window: int) -> Iterator[Mention]:
        span = self._span(place)
        earlier = bisect_right(self._ends, span[0])
        if earlier and self._known[earlier - 1].partner_id != self._scene.own:
            owner = self._known[earlier - 1].partner_id
            yield self._link(owner, span, "pronoun", _CONFIDENCE[how], "the partner named just before")
            return
        if self._rivals_from is not None and self._rivals_from <= span[0]:
            yield self._link(None, span, "rival", 0.5, "a competitor is spoken of just before")
            return
        found = self._scene.focus.latest(self._scene.place, window, but=self._scene.own)
        if found is None:
            yield from self._foretold(span)
        elif found[0] == RIVAL:
            yield self._link(None, span, "rival", 0.5, "a competitor was spoken of last")
        else:
            sure = _CONFIDENCE[how] * _FADING ** found[1]
            yield self._link(found[0], span, "pronoun", sure, f"the partner spoken of {_ago(found[1])}")

    def _foretold(self, span: tuple[int, int]) -> Iterator[Mention]:
        if self._scene.following is not None and self._scene.own is None and not self._known:
            yield self._told_later(span, "pronoun", _AHEAD)

    def descriptions(self) -> Iterator[Mention]:
        """Stand-ins made of nouns: "your integrator", "those guys", "our dealers", "a competitor"."""
        starts = [name.start for name in self._names]
        for phrase in self._phrases:
            before = bisect_right(starts, phrase.end - 1) - 1
            if before < 0 or self._names[before].end <= phrase.start:
                yield self._described(phrase)

    def _described(self, phrase: Phrase) -> Mention:
        span, scene = (phrase.start, phrase.end), self._scene
        if phrase.sort == "rival":
            return self._link(None, span, "rival", 0.7, "a competitor or its partner")
        if phrase.sort == "theirs":
            latest = scene.focus.latest(scene.place, scene.windows.they)
            if latest is not None and latest[0] == RIVAL:
                return self._link(None, span, "rival", 0.7, "a competitor's partner")
        if phrase.sort in {"description", "group"} and not self._names:
            window = scene.windows.description if phrase.types else scene.windows.they
            found = scene.focus.latest(scene.place, window, phrase.types, but=scene.own)
            if found is not None and found[0] != RIVAL:
                written = self._text.text[phrase.start : phrase.end]
                sure = _CONFIDENCE[phrase.sort] * _FADING ** found[1]
                return self._link(found[0], span, "description", sure, f"{written}: the one spoken of {_ago(found[1])}")
            only = scene.only_guest(phrase.types) if found is None and phrase.sort == "description" else None
            if only is not None:
                return self._link(only, span, "description", 0.6, "the only such partner known on the deal")
            if found is None and scene.following is not None:
                return self._told_later(span, "description", _AHEAD)
        return self._link(None, span, "generic", 0.6, "a partner, but which is not said")

    def nothing_said(self) -> Iterator[Mention]:
        """The partner in focus, for a turn that names and means nobody; else a stranger who soon is named."""
        scene = self._scene
        found = scene.focus.latest(scene.place, scene.windows.ellipsis)
        if found is not None and found[0] != RIVAL:
            sure = _ELLIPSIS * 0.85 ** max(0, found[1] - 1)
            yield self._link(
                found[0], None, "ellipsis", sure, f"nobody is named; the partner spoken of {_ago(found[1])}"
            )
        elif found is None and scene.following is not None and (scene.following[2] or self._is_strangers_we()):
            yield self._told_later(None, "ellipsis", _ELLIPSIS)

    def _told_later(self, span: tuple[int, int] | None, kind: str, confidence: float) -> Mention:
        assert self._scene.following is not None
        owner, turns, is_asked = self._scene.following
        reason = f"the partner named {turns} turns later" + (", when asked who" if is_asked else "")
        return self._link(owner, span, kind, confidence, reason)

    def _is_strangers_we(self) -> bool:
        return self._turn.speaker_org == "unknown" and any(word in FIRST_PERSON for word in self._text.folded)


def _move(scene: Scene, names: list[Named], said: list[Mention]) -> None:
    """Notes who was spoken of: names first, then the speaker, stand-ins, competitors."""
    if any(link.kind == "rival" for link in said):
        scene.focus.note(RIVAL, scene.place, 45)
    stood_for = dict.fromkeys(link.partner_id for link in said if link.kind in {"pronoun", "description"})
    for order, partner_id in enumerate(stood_for):
        if partner_id is not None:
            scene.focus.note(partner_id, scene.place, 50 + min(order, 30))
    if scene.own is not None:
        scene.focus.note(scene.own, scene.place, 40)
    for order, name in reversed(list(enumerate(names))):
        if name.partner_id is not None:
            scene.focus.note(name.partner_id, scene.place, min(order, 39))


def _ago(turns: int) -> str:
    return "in this turn" if turns == 0 else "one turn ago" if turns == 1 else f"{turns} turns ago"
