"""The partners of all deals as a sparse design: which effects apply to which member row, and what was done there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from features.partners import UNLISTED
from models.boosting import Floats
from models.dose import touch_columns, touch_counts
from models.hierarchy import Group

Integers = npt.NDArray[np.int64]

MOST_PARTNERS: Final = 2_000
"""Partners with an effect of their own, those on most deals; all others have their type's."""
MOST_SEGMENTS: Final = 12
"""More segments than this are not told apart: too few deals would carry any one of them."""


@dataclass(frozen=True)
class Team:
    """Member rows of deals in an order that hangs on what partners did, never on what they are called.

    Attributes
    ----------
    deal : (members,) position of the deal.
    counts : (members, kinds + 1) touches by kind, as ``models.dose.touch_counts`` gives them.
    columns : the kinds' member columns.
    incidence : (members, effects) 1 where an effect applies: the common one, the type's, the partner's own, and that
        of the type in the deal's segment.
    types, partners, segments : what the effects are of; ``cells`` are pairs of a type and a segment.
    type_of : (partners,) position of the type of each partner.
    """

    n_deals: int
    deal: Integers
    counts: Floats
    columns: tuple[str, ...]
    incidence: sparse.csr_matrix
    types: tuple[str, ...]
    partners: tuple[str, ...]
    segments: tuple[str, ...]
    type_of: Integers

    @classmethod
    def build(cls, members: pd.DataFrame, deal_ids: pd.Series, *, by_segment: bool = True) -> Self:
        """The team of the deals in the order of ``deal_ids`` (unique); members of other deals are left out."""
        deal = pd.Index(deal_ids).get_indexer(pd.Index(members["deal_id"])).astype(np.int64)
        known, deal = members[deal >= 0], deal[deal >= 0]
        columns = touch_columns(known)
        counts = touch_counts(known, columns)
        type_codes, types = pd.factorize(known["partner_type"].fillna(UNLISTED).astype(str), sort=True)
        codes, partners = _by_content(known["partner_id"].astype(str), deal, counts, type_codes)
        segment_codes, segments = _segments(known["deal_segment"], by_segment=by_segment)
        order = np.lexsort((codes, deal))
        type_of = np.zeros(len(partners), dtype=np.int64)
        type_of[codes] = type_codes
        incidence = _incidence(
            type_codes, codes, segment_codes, (len(types), min(len(partners), MOST_PARTNERS), len(segments))
        )
        return cls(
            len(deal_ids),
            deal[order],
            counts[order],
            columns,
            incidence[order],
            tuple(types),
            partners,
            segments,
            type_of,
        )

    @property
    def own(self) -> int:
        """How many partners, the first ones, have an effect of their own."""
        return min(len(self.partners), MOST_PARTNERS)

    @property
    def groups(self) -> dict[str, Group]:
        """The columns of ``incidence`` by layer, the common effect (column 0) aside."""
        first = 1 + len(self.types)
        return {
            "type": slice(1, first),
            "partner": slice(first, first + self.own),
            "segment": slice(first + self.own, self.incidence.shape[1]),
        }

    def design(self, doses: Floats) -> sparse.csr_matrix:
        """Doses (members,) added up by deal and effect: (deals, effects)."""
        rows = np.arange(len(doses))
        onto = sparse.csr_matrix((doses, (self.deal, rows)), shape=(self.n_deals, len(doses)))
        return sparse.csr_matrix(onto @ self.incidence)

    def by_deal(self, values: Floats) -> Floats:
        """Sum of ``values`` (members,) for each deal (deals,)."""
        return np.bincount(self.deal, weights=values, minlength=self.n_deals).astype(np.float64)


def _segments(column: pd.Series, *, by_segment: bool) -> tuple[Integers, tuple[str, ...]]:
    codes, names = pd.factorize(column, sort=True)
    is_used = by_segment and 1 < len(names) <= MOST_SEGMENTS
    return (codes.astype(np.int64), tuple(map(str, names))) if is_used else (np.full(len(column), -1), ())


def _incidence(
    types: Integers, partners: Integers, segments: Integers, sizes: tuple[int, int, int]
) -> sparse.csr_matrix:
    n_types, n_partners, n_segments = sizes
    rows, first = np.arange(len(types)), 1 + n_types
    own, celled = partners < n_partners, segments >= 0
    cells = first + n_partners + types * n_segments + segments
    at = [
        (rows, np.zeros_like(rows)),
        (rows, 1 + types),
        (rows[own], first + partners[own]),
        (rows[celled], cells[celled]),
    ]
    row, column = (np.concatenate(part) for part in zip(*at, strict=True))
    shape = (len(rows), first + n_partners + n_types * n_segments)
    return sparse.csr_matrix((np.ones(len(row)), (row, column)), shape=shape)


def _by_content(
    partner_ids: pd.Series, deal: Integers, counts: Floats, type_codes: Integers
) -> tuple[Integers, tuple[str, ...]]:
    """Codes of the partners and the partners: those on most deals first, then by a digest of their rows."""
    codes, partners = pd.factorize(partner_ids)
    facts = np.column_stack([deal, counts, type_codes]).astype(np.int64)
    order = np.lexsort((*facts.T[::-1], codes))
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    digests = [hashlib.blake2b(part.tobytes(), digest_size=16).digest() for part in np.split(facts[order], starts[1:])]
    sizes = np.bincount(codes, minlength=len(partners))
    ranked = sorted(range(len(partners)), key=lambda code: (-sizes[code], digests[code]))
    rank = np.empty(len(partners), dtype=np.int64)
    rank[ranked] = np.arange(len(partners))
    return rank[codes], tuple(str(partners[code]) for code in ranked)
