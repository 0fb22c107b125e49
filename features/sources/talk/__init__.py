"""Conversations as calls, mail, chats and notes are exported, into canonical rows."""

from __future__ import annotations

from typing import Final

TALK_KINDS: Final = ("gong", "vtt", "srt", "dialogue", "email", "slack", "notes", "transcripts")
"""What is read; ``transcripts`` is any of the others, told apart by content."""

UNIT: Final = r"regexp_extract(utterance_id, '^(.*)\.[^.]*$', 1)"
"""SQL: the call or message that an imported utterance belongs to; a later import replaces it as a whole."""
