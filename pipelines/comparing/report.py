"""A comparison of methods: its numbers, as plain text and as JSON values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from features.tables import DIRECT
from models.journeys import Floats
from pipelines.console import text_table

MOST_LINES: Final = 25
TWO_ESTIMANDS: Final = (
    "markov divides each won deal over its own players in proportion to their removal effects; markov, totals divides "
    "all won deals at once by removal effect. They are two estimands with different totals."
)


@dataclass(frozen=True)
class Method:
    """A column of the comparison: its label, and the setting in which it differs from the configuration's."""

    label: str
    setting: str = ""


@dataclass(frozen=True)
class Player:
    """A partner, or the own team, by id and name."""

    partner_id: str
    name: str


@dataclass(frozen=True)
class Comparison:
    """What methods give on the same won deals.

    ``wins`` : shape (players, methods), credited wins, ``players`` in the order of the first method; ``own`` : shape
    (methods,), those of the own team. ``by_pair`` : Spearman's rank correlation of shares over the ``n_pairs`` pairs of
    a won deal and a partner that some method names, for the methods that credit single deals; ``by_partner`` : that of
    credited wins over the partners; NaN where it is not defined. ``left_out`` : methods that credit too few deals.
    """

    n_deals: int
    n_pairs: int
    methods: tuple[Method, ...]
    players: tuple[Player, ...]
    wins: Floats
    own: Floats
    by_pair: Floats
    by_partner: Floats
    left_out: tuple[str, ...] = ()

    @property
    def labels(self) -> list[str]:
        """The methods' labels in order."""
        return [method.label for method in self.methods]

    def table(self) -> pd.DataFrame:
        """One row a player, the own team last: ``partner_id``, ``name`` and a column of credited wins a method."""
        rows = pd.DataFrame(np.vstack([self.wins, self.own]), columns=self.labels)
        players = [*self.players, Player(DIRECT, "own team")]
        rows.insert(0, "name", [player.name for player in players])
        rows.insert(0, "partner_id", [player.partner_id for player in players])
        return rows

    def pair_correlation(self, first: int, second: int) -> float:
        """That of two methods over pairs; NaN when one of them credits no single deals."""
        n = len(self.by_pair)
        return float(self.by_pair[first, second]) if max(first, second) < n else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "won_deals": self.n_deals,
            "pairs": self.n_pairs,
            "methods": [vars(method) for method in self.methods],
            "left_out": list(self.left_out),
            "credited_wins": self.table().to_dict("records"),
            "rank_correlation_per_deal_and_partner": self._matrix(self.by_pair),
            "rank_correlation_per_partner": self._matrix(self.by_partner),
        }

    def text(self) -> str:
        """The comparison in plain lines."""
        pairs = f"{self.n_pairs:,} pairs of a deal and a partner"
        counts = f"{self.n_deals:,} won deals, {pairs}, {len(self.players):,} partners"
        numbers = [str(place) for place in range(1, len(self.methods) + 1)]
        lines = [f"{len(self.methods)} methods on {counts}.", ""]
        lines += [
            f"{number:>2} {method.label}" + (f" ({method.setting})" if method.setting else "")
            for number, method in zip(numbers, self.methods, strict=True)
        ]
        lines += ["", "Credited wins", *self._wins_lines(numbers), ""]
        lines += ["Rank correlation: above the diagonal per deal and partner, below it per partner"]
        lines += [self._correlation_lines(numbers)]
        lines += [""] if self.left_out or self._has_both_markovs else []
        lines += [f"Left out, because they credit too few of the won deals: {', '.join(self.left_out)}."] * bool(
            self.left_out
        )
        return "\n".join([*lines, *([TWO_ESTIMANDS] if self._has_both_markovs else [])])

    @property
    def _has_both_markovs(self) -> bool:
        return {"markov", "markov, totals"} <= set(self.labels)

    def _wins_lines(self, numbers: list[str]) -> list[str]:
        table = self.table()
        shown = pd.concat([table.iloc[:-1].head(MOST_LINES), table.iloc[-1:]])
        rows = [
            [str(row["name"])[:32], *(f"{row[label]:,.1f}" for label in self.labels)]
            for row in shown.to_dict("records")
        ]
        lines = text_table(["partner", *numbers], rows, right=range(1, len(numbers) + 1)).splitlines()
        hidden = len(self.players) - MOST_LINES
        return [*lines, f"{hidden:,} more partners: see --json or --out FILE.csv."] if hidden > 0 else lines

    def _correlation_lines(self, numbers: list[str]) -> str:
        rows = [
            [f"{numbers[i]:>2} {method.label}", *(self._cell(i, j) for j in range(len(self.methods)))]
            for i, method in enumerate(self.methods)
        ]
        return text_table(["method", *numbers], rows, right=range(1, len(numbers) + 1))

    def _cell(self, row: int, column: int) -> str:
        if row == column:
            return ""
        value = self.pair_correlation(row, column) if column > row else float(self.by_partner[row, column])
        return "–" if np.isnan(value) else f"{round(value, 2) + 0.0:.2f}"

    def _matrix(self, values: Floats) -> dict[str, dict[str, float]]:
        labels = self.labels[: len(values)]
        return {
            first: {second: float(values[i, j]) for j, second in enumerate(labels)} for i, first in enumerate(labels)
        }
