"""What a scoring run tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from pipelines.publishing.report import PublishReport


@dataclass(frozen=True)
class ScoreReport:
    """What a scoring run did.

    ``deals_in`` closed deals = ``scored`` + ``unchanged``. ``removed`` deals are no longer there, or open again, and
    lost their credit. ``rejected`` counts deals that a method could not credit, by reason; the others still did.
    ``notes`` say which model scored which deals, where there are several; ``published`` what a database got.
    """

    run_id: str
    scored_at: datetime
    model_version: str | None
    methods: tuple[str, ...]
    deals_in: int
    scored: int
    unchanged: int
    removed: int
    rejected: dict[str, int]
    notes: tuple[str, ...] = ()
    published: PublishReport | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            **asdict(self),
            "scored_at": self.scored_at.isoformat(),
            "methods": list(self.methods),
            "notes": list(self.notes),
            "published": None if self.published is None else self.published.to_dict(),
        }

    def text(self) -> str:
        """The report in plain lines."""
        model = f", model {self.model_version}" if self.model_version else ""
        lines = [
            f"{self.deals_in:,} closed deals: {self.scored:,} scored, {self.unchanged:,} unchanged.",
            f"Methods: {', '.join(self.methods)}{model}. Run {self.run_id}.",
        ]
        if self.removed:
            lines.append(f"{self.removed:,} deals lost their credit, because they are gone or open again.")
        lines += [f"Not credited: {count:,} deals: {reason}." for reason, count in self.rejected.items() if count]
        published = [] if self.published is None else [self.published.text()]
        return "\n".join([*lines, *self.notes, *published])


def merged(reports: Sequence[ScoreReport], methods: tuple[str, ...], notes: tuple[str, ...]) -> ScoreReport:
    """The passes of a back-fill as one run, under the id and with the model of the last of them."""
    names = ("deals_in", "scored", "removed")
    counts = most([(r.model_version is None, {name: getattr(r, name) for name in names}) for r in reports])
    return replace(
        reports[-1],
        methods=methods,
        deals_in=counts["deals_in"],
        scored=counts["scored"],
        unchanged=counts["deals_in"] - counts["scored"],
        removed=sum(report.removed for report in reports),
        rejected=most([(report.model_version is None, report.rejected) for report in reports]),
        notes=notes,
    )


def most(counts: Sequence[tuple[bool, dict[str, int]]]) -> dict[str, int]:
    """Counts of deals by name over the passes of a back-fill, each pass told to be one of rules or not.

    A deal is seen by the pass of the rules, where there is one, and by that of its model. So the larger side counts:
    what has changed for the one has changed for the other, unless it is the model that changed.
    """
    names = dict.fromkeys(name for _, one in counts for name in one)
    return {
        name: max(sum(one.get(name, 0) for is_rules, one in counts if is_rules is side) for side in (True, False))
        for name in names
    }
