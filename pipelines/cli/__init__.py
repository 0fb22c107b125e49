"""The command line: each verb parses its options, calls one function of the Python API and prints what it returns.

Nothing heavy is imported before a verb runs, so that ``partnerlift --help`` answers at once.
"""

from pipelines.cli.app import app, main

__all__ = ["app", "main"]
