"""Finds lines in a log that comes piece by piece, in a time that grows only with its length."""

from __future__ import annotations

import re2

from app.domain.log import LogPart, time_of_line, unix_ms
from app.domain.log_levels import PATTERNS, Level, at_least
from app.domain.log_search import PATTERN_MAX, TEXT_MAX, FoundLine, LogQuery
from app.errors import FieldError, InvalidInput

LONGEST_LINE = 1024 * 1024
"""Of longer lines only so much is searched."""
_MEMORY = 16 * 1024 * 1024


class Finder:
    """A query, compiled. RE2 never backtracks: no pattern and no log can make it slow.

    Raises `InvalidInput` for a pattern that is not one.
    """

    def __init__(self, query: LogQuery) -> None:
        self._expression = _compile(query)
        self.least = query.level

    def next(self, data: bytes, start: int) -> int | None:
        """Where in `data`, at or after `start`, the next match begins."""
        match = self._expression.search(data, start)
        return match.start() if match else None


class Scan:
    """The lines of one log that are found, from line number `first` on; `line` is the first not yet looked at."""

    def __init__(self, finder: Finder, first: int) -> None:
        self.line = 0
        self._finder = finder
        self._first = first
        self._held = b""
        self._begun = False

    def feed(self, part: LogPart, data: bytes, most: int) -> list[FoundLine]:
        """Look at the next part. What does not end in it is held back; with `most` hits it stops, `line` after them."""
        if not self._begun:
            self._begun, self.line = True, part.first_line
        whole, end, rest = (self._held + data).rpartition(b"\n")
        self._held = rest[:LONGEST_LINE]
        return self._look(part, whole + end, most) if end else []

    def rest(self, part: LogPart, most: int) -> list[FoundLine]:
        """The last line, which has no end (yet)."""
        data, self._held = self._held, b""
        return self._look(part, data, most) if data else []

    def _look(self, part: LogPart, data: bytes, most: int) -> list[FoundLine]:
        found: list[FoundLine] = []
        at, line = 0, self.line
        while at < len(data) and len(found) < most:
            match = self._finder.next(data, at)
            if match is None or match >= len(data):
                at, line = len(data), line + data.count(b"\n", at)
                break
            line += data.count(b"\n", at, match)
            begins = data.rfind(b"\n", 0, match) + 1
            ends = data.find(b"\n", match)
            ends = len(data) if ends < 0 else ends
            text = data[begins:ends]
            if line >= self._first and (self._finder.least is None or at_least(text, self._finder.least)):
                moment = time_of_line(part.index, line) or unix_ms(part.first_at)
                found.append(FoundLine(line, moment, text[:TEXT_MAX]))
            at, line = ends + 1, line + 1
        self.line = line
        return found


def _compile(query: LogQuery) -> re2._Regexp:
    if len(query.pattern) > PATTERN_MAX:
        raise _wrong(f"The pattern has {len(query.pattern):,} characters; use at most {PATTERN_MAX}.")
    options = re2.Options()
    options.log_errors = False
    options.never_nl = True
    options.max_mem = _MEMORY
    flags = "(?im)" if query.ignore_case else "(?m)"
    try:
        pattern = query.pattern.encode()
        re2.compile(pattern, options)  # by itself, so that a bracket cannot close one of ours
        if not query.pattern and query.level in (Level.ERROR, Level.WARNING):
            wanted = [text for level, text in PATTERNS.items() if level.rank >= query.level.rank]
            return re2.compile(b"(?m)" + b"|".join(wanted), options)
        return re2.compile(flags.encode() + pattern, options)
    except UnicodeEncodeError as exc:
        raise _wrong("The pattern must be valid Unicode.") from exc
    except re2.error as exc:
        said = exc.args[0].decode("utf-8", "replace") if exc.args and isinstance(exc.args[0], bytes) else str(exc)
        raise _wrong(
            f"This is not a regular expression in RE2's syntax ({said}). Write \\ before ( [ . * to mean them."
        ) from exc


def _wrong(detail: str) -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError("/pattern", detail)])
