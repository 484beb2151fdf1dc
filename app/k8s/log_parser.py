"""Reading kubelet's answer to `timestamps=true`: which bytes are log, which of them are new, and where to go on.

Every line of log begins with its time stamp; whatever does not is an error text of the cluster and no log. A line may
be of any length: what is kept of it is bounded, and the rest goes on in parts.

Within one answer time only goes forward: one stream has one writer, which stamps as it writes. Kubelet itself may go
back: when it is told late of several rotations it opens the newest file once for each, and gives all of it again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from app.domain.log import IndexEntry, LogPiece, unix_ms

LONGEST_HELD = 64 * 1024
"""Bytes of an unfinished line that are waited for; what is beyond is given out in parts."""
LINES_PER_MARK = 256

_STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(?:Z|[+-]\d\d:\d\d)) ")
_TENS_OF_MS = 22  # characters of a time stamp up to hundredths of a second


@dataclass(frozen=True, slots=True)
class Position:
    """How far a log was taken over: `lines` whole lines that bear the stamp `at`, and `part` bytes of the next."""

    at: str = ""
    lines: int = 0
    part: int = 0

    def __str__(self) -> str:
        return f"{self.at} {self.lines} {self.part}" if self.at else ""

    @classmethod
    def parse(cls, text: str | None) -> Position:
        """The inverse of `str`. Raises ValueError."""
        if not text:
            return cls()
        at, lines, part = text.split(" ")
        return cls(at, int(lines), int(part))

    @property
    def since(self) -> str | None:
        """What to ask the cluster for: it only knows whole seconds."""
        return self.at[:19] + self.at[29:] if self.at else None


class LogParser:
    """For one answer: `feed` it block by block, `end` it when the answer has ended as it should.

    What was taken before `position` is dropped: first the line at which it stopped is looked for. Is that line not
    there, but a later one, then lines may have been lost between, and the next piece says so. The same is done when
    an answer begins again from an earlier line.
    """

    def __init__(self, position: Position) -> None:
        self.position = position
        self.trouble = ""  # the last thing that was no log
        self._target = position  # what is looked for, while seeking
        self._seeking = bool(position.at)
        self._passed = 0  # lines seen with the stamp that is looked for
        self._rest = b""
        self._inside = False  # a long line has begun and goes on
        self._dropping = False  # … and is not wanted
        self._skip = 0
        # Of the piece in the making:
        self._data: list[bytes] = []
        self._marks: list[IndexEntry] = []
        self._size: int = 0
        self._lines: int = 0
        self._next_mark: int = 0
        self._mark_key: str = ""
        self._first: str = ""
        self._last: str = ""
        self._gap: bool = False

    def feed(self, block: bytes) -> LogPiece | None:
        """What is new in it."""
        lines = (self._rest + block).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            self._line(line, ended=True)
        if len(self._rest) > LONGEST_HELD:
            self._line(self._rest, ended=False)
            self._rest = b""
        return self._piece()

    def end(self) -> LogPiece | None:
        """The last line, if it has no end of its own."""
        if self._rest:
            self._line(self._rest, ended=False)
            self._rest = b""
        return self._piece()

    def _line(self, line: bytes, *, ended: bool) -> None:
        if self._inside:
            self._inside = not ended
            if not self._dropping:
                self._take(self.position.at, line, ended=ended, begins=False)
            return
        match = _STAMP.match(line)
        if match is None:
            self.trouble = line[:500].decode(errors="replace")
            return
        stamp = match[1].decode()
        if not self._seeking and stamp < self.position.at:
            self._seek()
        self._inside = not ended
        self._dropping = self._seeking and not self._found(stamp)
        if not self._dropping:
            self._take(stamp, line[match.end() :], ended=ended, begins=self._skip == 0)

    def _seek(self) -> None:
        """Drop what follows, up to where we are."""
        self._target = self.position
        self._seeking = True
        self._passed = 0

    def _found(self, stamp: str) -> bool:
        """Whether the line with this stamp is the first that is (in part) new."""
        target = self._target
        if stamp < target.at:
            return False
        if stamp == target.at and self._passed < target.lines:
            self._passed += 1
            self._seeking = self._passed < target.lines or target.part > 0
            return False
        self._seeking = False
        if stamp == target.at:
            self._skip = target.part
            return True
        if self._passed < target.lines or target.part:
            self._gap = True
            if target.part:
                self._add(b"\n", target.at)
        return True

    def _take(self, stamp: str, content: bytes, *, ended: bool, begins: bool) -> None:
        if self._skip:
            skipped = min(self._skip, len(content))
            self._skip -= skipped
            content = content[skipped:]
        before = self.position if self.position.at == stamp else Position(stamp)
        if begins:
            self._mark(stamp)
        self._add(content + b"\n" if ended else content, stamp)
        if ended:
            self._skip = 0
            self.position = Position(stamp, before.lines + 1)
        else:
            self.position = Position(stamp, before.lines, before.part + len(content))

    def _mark(self, stamp: str) -> None:
        key = stamp[:_TENS_OF_MS]
        if key != self._mark_key or self._lines >= self._next_mark:
            self._mark_key = key
            self._next_mark = self._lines + LINES_PER_MARK
            self._marks.append((self._lines, self._size, unix_ms(_moment(stamp))))

    def _add(self, data: bytes, stamp: str) -> None:
        self._data.append(data)
        self._size += len(data)
        self._lines += data.endswith(b"\n")
        self._first = self._first or stamp
        self._last = stamp

    def _piece(self) -> LogPiece | None:
        if not self._size:
            return None
        piece = LogPiece(
            b"".join(self._data),
            self._lines,
            _moment(self._first),
            _moment(self._last),
            tuple(self._marks),
            self._gap,
        )
        self._reset()
        return piece

    def _reset(self) -> None:
        self._data = []
        self._marks = []
        self._size = self._lines = self._next_mark = 0
        self._mark_key = self._first = self._last = ""
        self._gap = False


def _moment(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp[:26] + stamp[29:])
