"""A folder or ZIP of many small files, read where it lies: nothing is ever unpacked to disk."""

from __future__ import annotations

import zipfile
from functools import cached_property
from pathlib import Path
from typing import Final

from features.sources.errors import SourceError

__all__ = ["Archive"]

_MAX_MEMBER: Final = 256 * 1024 * 1024
_MAX_TOTAL: Final = 4 * 1024 * 1024 * 1024
_MAX_MEMBERS: Final = 500_000
_MAX_RATIO: Final = 200
_SMALL: Final = 1024 * 1024


class Archive:
    """Members by name; names are for finding only, so that ``../`` in one leads nowhere."""

    def __init__(self, path: Path, title: str) -> None:
        """``title`` stands for the path in rejects; raises ``SourceError`` for a ZIP that is damaged or a bomb."""
        self.path = path
        self._title = title
        self._zip = None if path.is_dir() else self._opened()

    def names(self) -> frozenset[str]:
        """The members' names with ``/``, without a folder that holds them all."""
        return frozenset(self._members)

    def title(self, member: str) -> str:
        """How the member is called in rejects."""
        return f"{self._title}/{member}" if self._title else member

    def read(self, member: str) -> bytes:
        """The member's bytes; raises ``ValueError`` when they cannot be read or are more than stated."""
        where = self._members[member]
        if self._zip is None:
            file = self.path / where
            if file.stat().st_size > _MAX_MEMBER:
                raise ValueError(f"is larger than {_MAX_MEMBER >> 20} MiB")
            return file.read_bytes()
        try:
            with self._zip.open(where) as handle:
                raw = handle.read(_MAX_MEMBER + 1)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
            raise ValueError(f"cannot be unpacked ({error})") from error
        if len(raw) > _MAX_MEMBER:
            raise ValueError(f"is larger than {_MAX_MEMBER >> 20} MiB")
        return raw

    @cached_property
    def _members(self) -> dict[str, str]:
        if self._zip is None:
            files = [p for p in self.path.rglob("*.json") if p.is_file() and not p.is_symlink()]
            return {str(p.relative_to(self.path).as_posix()): str(p.relative_to(self.path)) for p in files}
        found = [n for n in self._zip.namelist() if not n.endswith("/") and not n.startswith("__MACOSX/")]
        tops = {name.partition("/")[0] for name in found}
        prefix = f"{next(iter(tops))}/" if len(tops) == 1 and all("/" in name for name in found) else ""
        return {name.removeprefix(prefix): name for name in found}

    def _opened(self) -> zipfile.ZipFile:
        try:
            archive = zipfile.ZipFile(self.path)
        except (zipfile.BadZipFile, OSError) as error:
            raise SourceError(f"{self.path} is a damaged ZIP file ({error}). Export or copy it again.") from error
        entries = archive.infolist()
        total = sum(one.file_size for one in entries)
        is_bomb = any(e.file_size > _SMALL and e.file_size > _MAX_RATIO * max(e.compress_size, 1) for e in entries)
        if len(entries) > _MAX_MEMBERS or total > _MAX_TOTAL or is_bomb:
            archive.close()
            raise SourceError(
                f"{self.path} unpacks to {len(entries):,} files of {total >> 20:,} MiB, more than is read from a ZIP "
                f"({_MAX_MEMBERS:,} files, {_MAX_TOTAL >> 20:,} MiB, {_MAX_RATIO} to 1). Unpack it and give the folder."
            )
        return archive
