"""What is looked for in logs, and what was found."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from app.domain.log import LogInfo
from app.domain.log_levels import Level
from app.domain.paging import Key, bad_cursor

PATTERN_MAX = 500
CONTEXT_MAX = 10
HITS_MAX = 200
TEXT_MAX = 2_000
"""Bytes of a line that a hit shows; the viewer and the download have all of it."""


@dataclass(frozen=True, slots=True)
class LogQuery:
    """`pattern` is a regular expression in RE2's syntax, empty: any line. `level`: only lines as bad as that, or worse.

    `context` lines are given before and after each hit; `most` hits at a time.
    """

    pattern: str = ""
    ignore_case: bool = False
    level: Level | None = None
    context: int = 0
    most: int = 100


@dataclass(frozen=True, slots=True)
class FoundLine:
    """`number` counts from 0; `data` is the line without its end, cut at TEXT_MAX."""

    number: int
    at_ms: int
    data: bytes


@dataclass(frozen=True, slots=True)
class LogHit:
    """A line that was found, in which log, with what stands around it."""

    log: LogInfo
    line: FoundLine
    before: tuple[FoundLine, ...] = ()
    after: tuple[FoundLine, ...] = ()


@dataclass(frozen=True, slots=True)
class LogPlace:
    """The line of an attempt's log from which a search goes on."""

    attempt_id: UUID
    line: int


@dataclass(frozen=True, slots=True)
class LogFinds:
    """Hits by role, index, try and line. `next` is None when everything was searched, else where to go on.

    `searched` counts the bytes that were looked at.
    """

    hits: tuple[LogHit, ...]
    next: LogPlace | None
    searched: int


def key_of(place: LogPlace | None) -> Key | None:
    """What a cursor holds of it."""
    return None if place is None else (place.attempt_id.hex, place.line)


def place_of(key: Key | None) -> LogPlace | None:
    """The inverse. Raises `InvalidInput`."""
    match key:
        case None:
            return None
        case (str(attempt), int(line)) if 0 <= line < 2**53:
            try:
                return LogPlace(UUID(attempt), line)
            except ValueError as exc:
                raise bad_cursor() from exc
    raise bad_cursor()
