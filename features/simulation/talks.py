"""What people of a simulated company say in calls and mails about its partners, and what of it is true."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from features.assist.taxonomy import taxonomy
from features.simulation.company import Company
from features.simulation.people import AT_CUSTOMER, AT_PARTNER, contacts, users
from features.simulation.scripts import Line, Scene, openings, scenes
from features.simulation.vocabulary import KINDS, STAGE_STARTS, STAGES

__all__ = ["MOST", "Said", "Speaker", "Talk", "said_truth", "talks"]

PER_DEAL: Final = 0.05
MOST: Final = 300
"""Most conversations of a company, however large."""
SIZE_COUNTS: Final = 1.5
"""How much more often people talk about a large deal: the power of its amount that a touch weighs."""
MAIL_SHARE: Final = 0.2
SECOND_SCENE: Final = 0.35
BREATH: Final = 3.0
"""Seconds between two turns."""
SPEED: Final = 15.0
"""Characters spoken in a second."""
_SELLING: Final = STAGE_STARTS[STAGES.index("Proposal")]
_WEIGHTS: Final = {
    "regular": (1.0, 0.5, 0.4),
    "harmful": (0.3, 0.5, 4.0),
    "no_effect": (0.4, 1.0, 0.6),
    "only_in_pairs": (0.8, 0.7, 0.4),
}
"""By the partner's role: how readily scenes with an assist, with a look-alike and with harm are told of it."""
_HARM: Final = "negative_impact"


@dataclass(frozen=True)
class Speaker:
    """A person who takes part; ``person_id`` is their id in the CRM."""

    person_id: str
    name: str
    email: str
    org: str


@dataclass(frozen=True)
class Said:
    """One turn: who, from when to when (seconds), the words and, where a partner is spoken of, the class."""

    speaker: Speaker
    start_s: float
    end_s: float
    text: str
    label: str = ""
    names_partner: bool = False


@dataclass(frozen=True)
class Talk:
    """A call or mail about one partner on one deal, at the time of one of the partner's touches.

    ``started`` is seconds since 1970; ``deal`` and ``partner`` are positions in the company's tables. ``readers`` are
    those to whom a mail is written; nobody for a call.
    """

    number: int
    channel: str
    deal: int
    partner: int
    started: int
    turns: tuple[Said, ...]
    readers: tuple[Speaker, ...] = ()

    @property
    def speakers(self) -> list[Speaker]:
        """Everyone who says something, in the order in which they first do."""
        return list(dict.fromkeys(turn.speaker for turn in self.turns))


def talks(company: Company) -> list[Talk]:
    """The conversations, in order of time: about one for every twenty deals, at most ``MOST``.

    Each lies at a touch of its partner, a third of them in each stage of the journey where there are so many touches.
    The scenes come from ``features.simulation.scripts``; which of them, depends on the partner's role. Nothing that the
    company does or earns depends on what is said.
    """
    rng = np.random.default_rng([company.seed, 300])
    people = _People(company)
    chosen = _occasions(company, rng)
    made = [_talk(number, row, company, people, rng) for number, row in enumerate(chosen.to_dict("records"), 1)]
    return sorted(made, key=lambda talk: (talk.started, talk.number))


def said_truth(company: Company, talk: Talk) -> list[dict[str, object]]:
    """One row per turn in which a partner is spoken of: deal, partner (missing: none that is ours), class, words."""
    deal_id = company.deals["deal_id"].to_numpy()[talk.deal]
    partner_id = company.partners.frame["partner_id"].to_numpy()[talk.partner]
    return [
        {
            "deal_id": deal_id,
            "partner_id": partner_id if turn.names_partner else None,
            "label": turn.label,
            "is_assist": turn.label in taxonomy().assist_ids,
            "text": turn.text,
        }
        for turn in talk.turns
        if turn.label
    ]


def _occasions(company: Company, rng: np.random.Generator) -> pd.DataFrame:
    """Touches of partners with their stage, as many of each, most on large deals; a deal and partner once in each."""
    touches = company.touches[company.touches["partner"] >= 0]
    deals = company.deals.iloc[touches["deal"]]
    life = (deals["planned_close"] - deals["created"]).to_numpy()
    place = (touches["occurred"].to_numpy() - deals["created"].to_numpy()) / life
    after = touches["kind"].to_numpy() >= len(KINDS)
    stage = np.where(after, "post_sale", np.where(place >= _SELLING, "point_of_sale", "pre_sale"))
    rows = touches.assign(stage=stage).drop_duplicates(["deal", "partner", "stage"])
    each = max(1, round(min(MOST, PER_DEAL * len(company.deals)) / 3))
    size = company.deals["amount"].to_numpy() * company.deals["fx_rate"].to_numpy()
    luck = SIZE_COUNTS * np.log(np.maximum(size[rows["deal"]], 1.0)) + rng.gumbel(size=len(rows))
    ranked = rows.iloc[np.argsort(-luck, kind="stable")]
    return ranked.groupby("stage", sort=False).head(each).sort_index(ignore_index=True)


def _talk(number: int, row: dict[Hashable, Any], company: Company, people: _People, rng: np.random.Generator) -> Talk:
    deal, partner = int(row["deal"]), int(row["partner"])
    channel = "email" if rng.random() < MAIL_SHARE else "call"
    pool = [scene for scene in scenes(str(row["stage"])) if scene.channel == channel]
    weights = _weights(pool, company.partners.frame["role"].to_numpy()[partner])
    n_scenes = 1 if channel == "email" else 1 + int(rng.random() < SECOND_SCENE)
    played = [pool[i] for i in rng.choice(len(pool), n_scenes, replace=False, p=weights)]
    name = _spoken_name(company.partners.frame["name"].to_numpy()[partner], rng)
    parts = people.of(company, deal, partner, int(rng.integers(0, AT_PARTNER)))
    readers: tuple[Speaker, ...] = (parts["Rep"], parts["Buyer"])
    if channel == "call":
        first, last = (openings()[i] for i in rng.choice(len(openings()), 2, replace=False))
        played, readers = [first, *played, last], ()
    pauses = [0, *rng.integers(40, 600, len(played) - 1).tolist()]
    return Talk(number, channel, deal, partner, int(row["occurred"]), _turns(played, pauses, parts, name), readers)


def _weights(pool: list[Scene], role: str) -> np.ndarray:
    assist, other, harm = _WEIGHTS[role]
    known = set(taxonomy().assist_ids)
    weights = np.array(
        [harm if _HARM in s.labels else assist if known & set(s.labels) else other for s in pool], dtype=float
    )
    return np.asarray(weights / weights.sum())


def _turns(played: list[Scene], pauses: list[int], parts: dict[str, Speaker], partner: str) -> tuple[Said, ...]:
    """The turns of the scenes, each scene after its pause (seconds)."""
    clock, turns = 0.0, []
    for scene, pause in zip(played, pauses, strict=True):
        clock += pause
        for line in scene.lines:
            turns.append(_said(line, parts, partner, clock))
            clock = turns[-1].end_s + BREATH
    return tuple(turns)


def _said(line: Line, parts: dict[str, Speaker], partner: str, clock: float) -> Said:
    text = line.text.replace("{partner}", partner)
    end = clock + round(max(1.0, len(text) / SPEED), 1)
    return Said(parts[line.role], clock, end, text, line.label, line.names_partner)


def _spoken_name(name: str, rng: np.random.Generator) -> str:
    """The whole name or, as people say it, its first word alone; numbered names are always whole."""
    is_short = rng.random() < 0.5 and not name[-1].isdigit()
    return name.split()[0] if is_short else name


class _People:
    """The persons of a company by the part that they take in scenes."""

    def __init__(self, company: Company) -> None:
        self.contacts = contacts(company, np.random.default_rng([company.seed, 100]))
        self.users = users()
        self.first_customer = len(company.partners.frame) * AT_PARTNER

    def of(self, company: Company, deal: int, partner: int, at_partner: int) -> dict[str, Speaker]:
        """Who plays which part on a deal."""
        row = company.deals.iloc[deal]
        owner = int(row["owner"])
        return {
            "Rep": self._user(owner),
            "Manager": self._user((owner + 1) % len(self.users)),
            "Buyer": self._contact(self.first_customer + int(row["account"]) * AT_CUSTOMER, "customer"),
            "Consultant": self._contact(partner * AT_PARTNER + at_partner, "partner"),
        }

    def _user(self, position: int) -> Speaker:
        row = self.users.iloc[position]
        email = f"{row['first_name'].lower()}@vendor.example"
        return Speaker(row["user_id"], f"{row['first_name']} {row['last_name']}", email, "internal")

    def _contact(self, position: int, org: str) -> Speaker:
        row = self.contacts.iloc[position]
        return Speaker(row["contact_id"], f"{row['first_name']} {row['last_name']}", row["email"], org)
