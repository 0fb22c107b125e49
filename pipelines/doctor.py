"""What a workspace's data can and cannot support, in plain words, with the number and the way out."""

from __future__ import annotations

from pipelines.config import Config
from pipelines.examinations import EXAMINATIONS
from pipelines.findings import DoctorReport, Level
from pipelines.workspace import Workspace


def doctor(workspace: Workspace, config: Config | None = None) -> DoctorReport:
    """Examines a workspace: deals, partners, touches, times, money, links and columns that look like leaks.

    Parameters
    ----------
    workspace : the data; nothing is written to it.
    config : report currency and ignored columns; without it, the defaults.
    """
    settings = config or Config()
    with workspace.connect() as connection:
        findings = [finding for examine in EXAMINATIONS for finding in examine(connection, workspace, settings)]
    gravest_first = sorted(findings, key=lambda finding: -list(Level).index(finding.level))
    return DoctorReport(tuple(gravest_first))
