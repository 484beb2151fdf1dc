"""Some lines of one log, from anywhere in it."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.log import LogInfo, LogPart, time_of_line, unix_ms
from app.services.log_bytes import LogReader

PAGE_MOST = 2_000
PAGE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class LogLine:
    """`number` counts from 0; `at_ms` is when it was written, to about a hundredth of a second; `data` has no newline.

    `gap` says that lines may be missing just before it.
    """

    number: int
    at_ms: int
    data: bytes
    gap: bool = False


@dataclass(frozen=True, slots=True)
class LogPage:
    """Lines that follow one another; `next` is the number of the line after them, None when there is none yet."""

    log: LogInfo
    lines: tuple[LogLine, ...]
    next: int | None


async def page_from(reader: LogReader, log: LogInfo, part: LogPart, line: int, most: int) -> LogPage:
    """At most `most` lines, and PAGE_BYTES, from number `line` on, which is in `part`."""
    lines: list[LogLine] = []
    held, size = b"", 0
    number, begins = first = _place_before(part, line)
    gaps: set[int] = set()
    at_ms = 0
    async for piece in reader.parts(log.attempt_id, begins):
        gaps.update(piece.gaps)
        start = max(piece.offset, first[1])
        *whole, held = (held + await reader.read(log.attempt_id, piece, start, piece.end)).split(b"\n")
        for content in whole:
            at_ms = time_of_line(piece.index, number) or unix_ms(piece.first_at)
            if number >= line:
                lines.append(LogLine(number, at_ms, content, gap=begins in gaps))
                size += len(content)
            number += 1
            begins += len(content) + 1
            if len(lines) >= most or size >= PAGE_BYTES:
                return LogPage(log, tuple(lines), number if begins < log.bytes else None)
        at_ms = unix_ms(piece.last_at)
    if held and number >= line:
        lines.append(LogLine(number, at_ms, held, gap=begins in gaps))
    return LogPage(log, tuple(lines), None)


def _place_before(part: LogPart, line: int) -> tuple[int, int]:
    """The last place in the part that is known to begin with a line at or before `line`: its number and offset."""
    known = [(number, offset) for number, offset, _ in part.index if number <= line]
    return max(known, default=(part.first_line, part.offset))
