"""Two versions of an algorithm beside each other: files and lines that differ, bounded however large they are."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from app.domain.access import Principal
from app.domain.algorithm import FileEntry, Version
from app.domain.comparison import TEXT_MAX, FileChange, FileStatus, changes, to_look_into, unified
from app.services.algorithms import AlgorithmService

LOOKED_INTO_MAX = 64 * 1024 * 1024
"""Bytes of each version that are read to find files that differ though they are equally large."""
FILES_MAX = 40
"""Files whose lines are compared; the others are listed, and asked for one by one."""
AT_A_TIME = 2


@dataclass(frozen=True, slots=True)
class FileComparison:
    """A file that differs. `lines` is a unified diff, or None with the reason in `why_no_lines`."""

    change: FileChange
    lines: str | None
    why_no_lines: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became different from `before` to `after`."""

    before: Version
    after: Version
    files: tuple[FileComparison, ...]


class ComparisonService:
    """Reads bundles; two comparisons at a time, as each keeps a core busy."""

    def __init__(self, algorithms: AlgorithmService) -> None:
        self._algorithms = algorithms
        self._slots = asyncio.Semaphore(AT_A_TIME)

    async def compare(
        self, principal: Principal, name: str, before: int, after: int, *, only: str | None = None
    ) -> Comparison:
        """`only`: the one file whose lines are wanted, wherever it stands in the list. Raises `NotFound`."""
        first = await self._algorithms.version(principal, name, before)
        second = await self._algorithms.version(principal, name, after)
        if first.digest == second.digest:
            return Comparison(first, second, ())
        old = await self._algorithms.files(principal, name, before)
        new = await self._algorithms.files(principal, name, after)
        async with self._slots:
            equal = to_look_into(old, new)
            found = changes(old, new, await self._digests(first, old, equal), await self._digests(second, new, equal))
            files, left = [], FILES_MAX
            for change in found:
                wanted = only in (None, change.path) and (left > 0 or only is not None)
                files.append(await self._file(first, second, change) if wanted else _later(change))
                left -= wanted and not change.why_no_lines
        return Comparison(first, second, tuple(files))

    async def _digests(self, version: Version, files: tuple[FileEntry, ...], paths: frozenset[str]) -> dict[str, str]:
        wanted = [entry for entry in files if entry.path in paths and entry.offset + entry.size <= LOOKED_INTO_MAX]
        return await self._algorithms.bundles.digests(version.digest, wanted)

    async def _file(self, first: Version, second: Version, change: FileChange) -> FileComparison:
        if change.why_no_lines:
            return FileComparison(change, None, change.why_no_lines)
        before = await self._text(first, change.before)
        after = await self._text(second, change.after)
        lines = await asyncio.to_thread(unified, change.path, before, after)
        return FileComparison(change, lines, "" if lines is not None else "It has too many lines to compare.")

    async def _text(self, version: Version, entry: FileEntry | None) -> str:
        if entry is None:
            return ""
        pieces = [piece async for piece in self._algorithms.bundles.file(version.digest, entry, TEXT_MAX)]
        return b"".join(pieces).decode(errors="replace")


def _later(change: FileChange) -> FileComparison:
    why = change.why_no_lines or "There are many files that differ: ask for this one alone."
    return FileComparison(change, None, why)


def counted(files: tuple[FileComparison, ...]) -> dict[FileStatus, int]:
    """How many files differ in which way."""
    found = dict.fromkeys(FileStatus, 0)
    for file in files:
        found[file.change.status] += 1
    return found
