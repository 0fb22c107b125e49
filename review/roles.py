"""Who may do what."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, get_args

__all__ = ["MAY", "ROLES", "Right", "Role", "Viewer"]

Role = Literal["admin", "manager", "reviewer", "viewer", "partner"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)


class Right(StrEnum):
    """What somebody may do."""

    SEE = "see"
    """See everything about every partner."""
    SEE_OWN = "see_own"
    """See what concerns one's own company."""
    JUDGE = "judge"
    """Judge moments, add missed ones, note, undo one's own, ask a deal's owner."""
    CONTEST = "contest"
    """Open a dispute about a claim."""
    DECIDE = "decide"
    """Settle disagreements and disputes; undo what others did; export packs and the audit."""
    GOVERN = "govern"
    """Say who may log in, and as what."""


MAY: Final[dict[Role, frozenset[Right]]] = {
    "admin": frozenset(Right) - {Right.SEE_OWN},
    "manager": frozenset({Right.SEE, Right.JUDGE, Right.CONTEST, Right.DECIDE}),
    "reviewer": frozenset({Right.SEE, Right.JUDGE, Right.CONTEST}),
    "viewer": frozenset({Right.SEE}),
    "partner": frozenset({Right.SEE_OWN, Right.CONTEST}),
}


@dataclass(frozen=True)
class Viewer:
    """Who is looking: a user; ``partner_id`` is the company of one of role ``partner``, who sees only that."""

    name: str
    role: Role
    partner_id: str | None = None

    def may(self, right: Right) -> bool:
        """Whether the role gives the right."""
        return right in MAY[self.role]

    def sees(self, partner_id: str | None) -> bool:
        """Whether the viewer may see what concerns that partner."""
        return self.may(Right.SEE) or (partner_id is not None and partner_id == self.partner_id)
