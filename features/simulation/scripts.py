"""Short labelled scenes from which a simulated company's conversations are put together.

They were written for this alone. They are no part of the labelled conversations that models of assists learn from, so
that what such a model finds in a simulated company, it finds in words that it has not seen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

import pandas as pd

from features.assist.notation import Corpus, parsed
from features.tables import JOURNEY_STAGES

__all__ = ["Line", "Scene", "openings", "scenes"]

ENDING: Final = ".conv.txt"
OPENINGS: Final = "openings"


@dataclass(frozen=True)
class Line:
    """One turn: the part that speaks, the organisation of it, the words, and the class of what a partner did in it.

    ``label`` is an id of the taxonomy, empty where no partner is spoken of; ``names_partner`` says whether the scene's
    partner is meant. The partner's name stands in ``text`` as ``{partner}``.
    """

    role: str
    org: str
    text: str
    label: str = ""
    names_partner: bool = False


@dataclass(frozen=True)
class Scene:
    """A few turns about one thing; ``channel`` is ``call`` or ``email``, a mail is one turn."""

    scene_id: str
    channel: str
    lines: tuple[Line, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Classes of its labelled lines."""
        return tuple(line.label for line in self.lines if line.label)


@cache
def scenes(stage: str) -> tuple[Scene, ...]:
    """Those that fit a stage of the journey (``features.tables.JOURNEY_STAGES``), by id."""
    if stage not in JOURNEY_STAGES:
        raise ValueError(f"{stage!r} is no stage of the journey; choose one of {', '.join(JOURNEY_STAGES)}.")
    return _read(stage)


@cache
def openings() -> tuple[Scene, ...]:
    """Talk in which no partner is spoken of."""
    return _read(OPENINGS)


def _read(name: str) -> tuple[Scene, ...]:
    file = resources.files("features.simulation").joinpath("talk", name + ENDING)
    corpus = parsed([(name, file.read_text(encoding="utf-8"))])
    labels = corpus.labels.drop_duplicates("utterance_id").set_index("utterance_id")
    turns = dict(iter(corpus.utterances.groupby("conversation_id")))
    names = _names(corpus)
    return tuple(
        Scene(row["conversation_id"], row["channel"], tuple(_lines(turns[row["conversation_id"]], labels, names)))
        for row in corpus.conversations.sort_values("conversation_id").to_dict("records")
    )


def _names(corpus: Corpus) -> re.Pattern[str]:
    """Every name of the scenes' partner, the longest first; what matches nothing where there is none."""
    names = sorted({*corpus.partners["name"], *corpus.partner_aliases["alias"]}, key=lambda name: (-len(name), name))
    return re.compile("|".join(map(re.escape, names)) or r"(?!)")


def _lines(turns: pd.DataFrame, labels: pd.DataFrame, names: re.Pattern[str]) -> list[Line]:
    found = []
    for turn in turns.sort_values("seq").to_dict("records"):
        label = labels.loc[turn["utterance_id"]] if turn["utterance_id"] in labels.index else None
        found.append(
            Line(
                turn["speaker"],
                turn["speaker_org"],
                names.sub("{partner}", turn["text"]),
                "" if label is None else str(label["label"]),
                names_partner=label is not None and pd.notna(label["partner_id"]),
            )
        )
    return found
