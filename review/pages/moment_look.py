"""What the address of a moment's page asks of it, beside the filters of the queue."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, Query
from pydantic import BeforeValidator

from review.pages.filters import Number, Text, address, asked, some
from review.rendering import segment
from review.store.filters import Filters

__all__ = ["Did", "Look", "Tool", "look"]

Tool = Literal["reject", "relabel", "partner", "words", "split", "missed", "note", "keys"]
Did = Literal["judged", "split", "added", "ignored", "brought_back", "noted", "undone", "nothing"]
TURNS: Final = 10_000


@dataclass(frozen=True)
class Look:
    """How a moment is looked at.

    words, told_partner : corrections that are not kept yet; they go along with the verdict.
    before, after : turns shown around the evidence; None as usual.
    whole : number of a long turn that is shown in full.
    tool, find : the tool that is open, and letters of a partner's name.
    done, did : the moment that somebody just did something with, and what; ``met``: others had judged it meanwhile.
    """

    filters: Filters
    words: str = ""
    told_partner: str = ""
    before: int | None = None
    after: int | None = None
    whole: int | None = None
    tool: Tool | None = None
    find: str = ""
    done: str | None = None
    did: Did | None = None
    met: bool = False

    def href(self, moment_id: str, path: str = "", **changes: Any) -> str:
        """The address of a moment, looked at in this way but for the changes; of what was done, nothing is said."""
        changed = replace(self, **{"tool": None, "find": "", "done": None, "did": None, "met": False, **changes})
        more = {name: value for name, value in changed.__dict__.items() if name != "filters"}
        given = {name: int(value) if value is True else value or None for name, value in more.items()}
        given |= {name: more[name] for name in ("before", "after")}
        return address(f"/moments/{segment(moment_id)}{path}", self.filters, **given)


async def look(
    filters: Annotated[Filters, Depends(asked)],
    words: Text = None,
    told_partner: Text = None,
    before: Number = None,
    after: Number = None,
    whole: Number = None,
    tool: Annotated[Tool | None, BeforeValidator(some), Query()] = None,
    find: Text = None,
    done: Text = None,
    did: Annotated[Did | None, BeforeValidator(some), Query()] = None,
    met: Annotated[bool, Query()] = False,  # noqa: FBT002 - the names are those of the address
) -> Look:
    """What an address asks for."""
    return Look(filters, words or "", told_partner or "", before, after, whole, tool, find or "", done, did, met)
