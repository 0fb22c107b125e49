"""What a store refuses, as an answer that says why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import HTTPException

__all__ = ["refusing"]


@contextmanager
def refusing(unfit: int = 422) -> Iterator[None]:
    """Answers 404 for what is not there, 403 for what one may not do, and ``unfit`` for what cannot be done so."""
    try:
        yield
    except LookupError as error:
        raise HTTPException(404, str(error.args[0])) from error
    except PermissionError as error:
        raise HTTPException(403, str(error)) from error
    except ValueError as error:
        raise HTTPException(unfit, str(error)) from error
