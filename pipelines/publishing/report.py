"""What publishing did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Published:
    """One table: the rows that it has now, and how many of them were inserted or changed, and how many removed."""

    table: str
    rows: int
    inserted: int
    changed: int
    removed: int

    @property
    def counts(self) -> dict[str, int]:
        """The changes by name."""
        return {"inserted": self.inserted, "changed": self.changed, "removed": self.removed}


@dataclass(frozen=True)
class PublishReport:
    """The database, without user and password, and what was done to each table there."""

    target: str
    tables: tuple[Published, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"target": self.target, "tables": {t.table: {"rows": t.rows, **t.counts} for t in self.tables}}

    def text(self) -> str:
        """One line a table."""
        lines = [f"Published to {self.target}:"]
        for table in self.tables:
            changes = ", ".join(f"{count:,} {name}" for name, count in table.counts.items())
            lines.append(f"  {table.table}: {table.rows:,} rows ({changes})")
        return "\n".join(lines)
