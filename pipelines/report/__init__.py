"""The report: one self-contained HTML file with what was found, how sure it is and what each word means."""

from pipelines.report.build import report

__all__ = ["report"]
