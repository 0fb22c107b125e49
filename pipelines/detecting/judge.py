"""What a model says of some turns: whom they are about, and whether that partner helped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import pandas as pd

from features.assist.links import candidates, link_partners
from features.assist.sentences import pieces
from pipelines.detecting.talk import Talk

if TYPE_CHECKING:
    from models.assist.cues import Cue

__all__ = ["Judge", "Judged", "judged"]

DECIMALS: Final = 6
"""Decimals that are kept of a probability, so that the last bits of a sum do not depend on what is judged together."""


class Judge(Protocol):
    """A model of assists: its ``version``, and what it says of pairs of a piece and a candidate partner."""

    @property
    def version(self) -> str:
        """Changes with everything that decides a probability."""
        ...

    def predict(self, utterances: pd.DataFrame, mentions: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
        """``p_assist``, ``label`` and a column of probabilities for each class, a row a pair in their order."""
        ...

    def why(
        self, utterances: pd.DataFrame, mentions: pd.DataFrame, pairs: pd.DataFrame, labels: Sequence[str]
    ) -> list[list[Cue]]:
        """What in each pair's words speaks for its label."""
        ...


@dataclass(frozen=True)
class Judged:
    """Pieces of turns, the partners that they mention, and what is said of each piece and candidate partner."""

    pieces: pd.DataFrame
    mentions: pd.DataFrame
    pairs: pd.DataFrame


def judged(model: Judge, talk: Talk, turns: pd.DataFrame) -> Judged:
    """Links and judges the turns of whole conversations."""
    parts = pieces(turns)
    present = talk.present[talk.present["conversation_id"].isin(parts["conversation_id"])]
    mentions = link_partners(parts, talk.partners, talk.partner_aliases, present=present)
    pairs = candidates(parts, mentions)
    said: Any = model.predict(parts, mentions, pairs)
    numbers = said.select_dtypes("number").round(DECIMALS)
    found = said.assign(**{str(name): numbers[name] for name in numbers})
    return Judged(parts, mentions, pd.concat([pairs.reset_index(drop=True), found.reset_index(drop=True)], axis=1))
