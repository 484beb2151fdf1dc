"""How bad a line of a log says that it is, as common loggers write it: Python's, TensorFlow's, glog's, JSON."""

from __future__ import annotations

import re
from enum import StrEnum


class Level(StrEnum):
    """From harmless to bad. A line that names no level, as `print` writes it, counts as `info`."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        return _RANKS[self]


def level_of(line: bytes) -> Level | None:
    """What the line says of itself; None when it does not say."""
    head = line[:LOOKED_AT]
    for level, pattern in _COMPILED.items():
        if pattern.search(head):
            return level
    return None


def continues(line: bytes) -> bool:
    """Whether it belongs to the line before it, as the indented lines of a traceback do."""
    return line[:1] in (b" ", b"\t") and not line.isspace()


def at_least(line: bytes, least: Level) -> bool:
    """Whether the line is as bad as `least`, or worse."""
    return (level_of(line) or Level.INFO).rank >= least.rank


LOOKED_AT = 400
"""A level stands at the beginning of a line."""

_RANKS = {level: rank for rank, level in enumerate(Level)}
# What may stand before the word: times, brackets, colours, a process's number, and the name of a logger.
_BEFORE = (
    rb"^(?:\x1b\[[0-9;]*m|[\d\s:.,TZ+\-/\[\]()|<>=]){0,60}(?:[\w.]{1,60}(?: - | ?[|:] ?|[\])] ?|\x1b\[[0-9;]*m)){0,2}"
)
_JSON = rb"\"(?:level|levelname|severity)\": ?\"(?i:%s)\""
_GLOG = rb"^(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: %s |%s\d{4} \d\d:\d\d:\d\d)"


def _pattern(letters: bytes, words: bytes, *more: bytes) -> bytes:
    spelled = _BEFORE + rb"\[?(?i:" + words + rb")\b(?:[\])]|\x1b\[[0-9;]*m)*(?:[\s:|,]|$)"
    return b"|".join((_GLOG % (letters, letters), spelled, _JSON % words, *more))


PATTERNS = {
    Level.ERROR: _pattern(
        b"[EF]",
        b"error|fatal|critical|exception|panic",
        rb"^Traceback \(most recent call last\)",
        rb"^[\w.]{0,80}(?:Error|Exception|Interrupt)(?:: |$)",
    ),
    Level.WARNING: _pattern(b"W", b"warning|warn", rb"^\S{1,200}:\d+: \w{0,60}Warning: "),
    Level.INFO: _pattern(b"I", b"info|notice"),
    Level.DEBUG: _pattern(b"[DV]", b"debug|trace"),
}
"""Written so that any engine of regular expressions reads them; the first that matches holds."""
_COMPILED = {level: re.compile(pattern) for level, pattern in PATTERNS.items()}
