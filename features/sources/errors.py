"""The one exception of the importers."""

from __future__ import annotations


class SourceError(ValueError):
    """A whole file or folder that cannot be used; one line that says what, where and what to do."""
