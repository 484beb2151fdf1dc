"""What differs between two versions of an algorithm: which files, and which of their lines."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.domain.algorithm import FileEntry

TEXT_MAX = 200_000
"""Bytes of a file whose lines are compared; more is not read by people."""
LINES_MAX = 5_000
"""Lines of a file: comparing takes their number squared at worst."""
CONTEXT = 3


class FileStatus(StrEnum):
    """How a file differs; `unknown`: both are as large as each other, and too much to look into."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file; None where there is none in that version."""

    path: str
    status: FileStatus
    before: FileEntry | None
    after: FileEntry | None

    @property
    def why_no_lines(self) -> str:
        """Why its lines are not compared; empty when they are."""
        present = [entry for entry in (self.before, self.after) if entry is not None]
        if not all(entry.text for entry in present):
            return "It is not text."
        if any(entry.size > TEXT_MAX for entry in present):
            return f"It has more than {TEXT_MAX:,} bytes."
        return "Its content was not looked into." if self.status is FileStatus.UNKNOWN else ""


def changes(
    before: Iterable[FileEntry],
    after: Iterable[FileEntry],
    digests_before: Mapping[str, str],
    digests_after: Mapping[str, str],
) -> tuple[FileChange, ...]:
    """Every file that differs, by path. The digests need only be of those that `to_look_into` named."""
    old = {entry.path: entry for entry in before}
    new = {entry.path: entry for entry in after}
    found = []
    for path in sorted(old.keys() | new.keys()):
        status = _status(old.get(path), new.get(path), digests_before.get(path), digests_after.get(path))
        if status is not None:
            found.append(FileChange(path, status, old.get(path), new.get(path)))
    return tuple(found)


def to_look_into(before: Iterable[FileEntry], after: Iterable[FileEntry]) -> frozenset[str]:
    """The files that are equally large in both: only their content can tell whether they differ."""
    sizes = {entry.path: entry.size for entry in before}
    return frozenset(entry.path for entry in after if sizes.get(entry.path) == entry.size)


def unified(path: str, before: str, after: str) -> str | None:
    """The lines that differ, as `diff -u` writes them; None when there are too many lines to compare."""
    old, new = before.splitlines(), after.splitlines()
    if max(len(old), len(new)) > LINES_MAX:
        return None
    lines = difflib.unified_diff(old, new, f"a/{path}", f"b/{path}", n=CONTEXT, lineterm="")
    return "\n".join([*lines, *_last_line(before, after)])


def _last_line(before: str, after: str) -> Iterator[str]:
    """Lines are compared without their ends, so what differs in nothing else is said."""
    if before.splitlines() == after.splitlines() and before != after:
        yield "\\ They differ in line ends only."


def _status(
    before: FileEntry | None, after: FileEntry | None, digest_before: str | None, digest_after: str | None
) -> FileStatus | None:
    if before is None:
        return FileStatus.ADDED
    if after is None:
        return FileStatus.REMOVED
    if before.size != after.size or before.executable != after.executable:
        return FileStatus.CHANGED
    if digest_before is None or digest_after is None:
        return FileStatus.UNKNOWN
    return FileStatus.CHANGED if digest_before != digest_after else None
