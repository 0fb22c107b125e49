"""What the doctor finds, how grave it is, and the report that it makes of its findings."""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

WIDTH: Final = 100


class Level(StrEnum):
    """How grave a finding is: ``blocker`` rules something out, ``warning`` bends results, ``note`` is good to know."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    BLOCKER = "blocker"


class Use(StrEnum):
    """What the data may be good for."""

    RULES = "rules"
    MODEL = "model"
    PARTNERS = "partners"
    MONEY = "money"


USES: Final[dict[Use, str]] = {
    Use.RULES: "Divide won deals by rules (first, last, linear touch)",
    Use.MODEL: "Train a model of winning, and credit by it",
    Use.PARTNERS: "Tell partners apart",
    Use.MONEY: "Turn credit into money",
}


@dataclass(frozen=True)
class Finding:
    """One finding: what it is about, how grave, a sentence, its number, what to do, and the uses that it rules out."""

    topic: str
    level: Level
    sentence: str
    number: float | None = None
    advice: str = ""
    rules_out: tuple[Use, ...] = ()

    def text(self) -> str:
        """The finding in two or more lines, wrapped."""
        body = f"{self.sentence} {self.advice}".strip()
        lines = textwrap.wrap(body, WIDTH - 11, break_long_words=False, break_on_hyphens=False)
        return "\n".join(f"{self.level if i == 0 else '':<9}  {line}" for i, line in enumerate(lines))


@dataclass(frozen=True)
class DoctorReport:
    """All findings, gravest first, and what they leave possible."""

    findings: tuple[Finding, ...]

    def obstacles(self, use: Use) -> list[str]:
        """Sentences of the findings that rule a use out; none when the data supports it."""
        return [finding.sentence for finding in self.findings if use in finding.rules_out]

    def text(self) -> str:
        """What is possible, then every finding, as plain text."""
        lines = ["What this data supports:"]
        for use, words in USES.items():
            obstacles = self.obstacles(use)
            lines.append(f"  {'no ' if obstacles else 'yes'}  {words}{': ' if obstacles else ''}{' '.join(obstacles)}")
        return "\n".join([*lines, "", "Findings:", *(finding.text() for finding in self.findings)])

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON values."""
        supports = {str(use): not self.obstacles(use) for use in USES}
        return {"supports": supports, "findings": [asdict(finding) for finding in self.findings]}
