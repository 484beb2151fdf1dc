"""Lines of logs as HTML: a time, which task said it, and its text with terminal colours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from markupsafe import Markup, escape

from app.domain.log import LogInfo
from app.domain.project import RunSpec
from app.services.log_merge import LogSlice
from app.services.logs import LogPage
from app.ui.ansi import PLAIN, Pen, to_html

COLOURS = 8
# What is appended at a time, and what one <pre> holds on a page that is made at once.
CHUNK_LINES = 500
_MARK = Markup('<span class="mark">Lines may be missing here: the cluster did not hand them out.</span>\n')


@dataclass(frozen=True, slots=True)
class Labels:
    """Who says what, when several do: a name of equal width and a colour of its own."""

    width: int
    first: dict[str, int]

    def of(self, log: LogInfo) -> Markup:
        colour = (self.first.get(log.key.role, 0) + log.key.index) % COLOURS
        return Markup('<b class="who-said s{}">{}</b> ').format(colour, log.name.ljust(self.width))


def labels_of(run: RunSpec) -> Labels:
    """Labels for the tasks of a training, so that neighbours differ."""
    first, width, count = {}, 0, 0
    for role in run.role_names:
        first[role] = count
        count += run.roles[role].count
        width = max(width, len(f"{role}-{run.roles[role].count - 1}"))
    return Labels(width, first)


@dataclass(slots=True)
class LineWriter:
    """Turns slices into whole lines; what does not end yet is held back until it does. `labels` None: one task only.

    `taken` counts the bytes of each attempt that have become lines: where a later reader goes on.
    """

    labels: Labels | None
    taken: dict[UUID, int] = field(default_factory=dict)
    first_line: int | None = None
    _held: dict[UUID, tuple[bytes, LogSlice]] = field(default_factory=dict)
    _pens: dict[UUID, Pen] = field(default_factory=dict)

    def lines(self, slices: Iterable[LogSlice]) -> list[Markup]:
        """The lines that are whole now, each with its line end."""
        found: list[Markup] = []
        for piece in slices:
            attempt = piece.log.attempt_id
            if self.first_line is None:
                self.first_line = piece.line
            held, begun = self._held.pop(attempt, (b"", piece))
            *whole, rest = (held + piece.data).split(b"\n")
            if piece.gap:
                found.append(_MARK)
            found += [self._line(line, piece if at else begun) for at, line in enumerate(whole)]
            if rest:
                self._held[attempt] = (rest, piece if whole else begun)
            self.taken[attempt] = piece.end - len(rest)
        return found

    def rest(self) -> list[Markup]:
        """What never ended with a newline, once nothing can follow."""
        found = [self._line(line, piece) for line, piece in self._held.values()]
        self._held.clear()
        return found

    def of_page(self, page: LogPage) -> list[Markup]:
        """The lines of a page of one log."""
        found: list[Markup] = []
        pen = PLAIN
        for line in page.lines:
            if line.gap:
                found.append(_MARK)
            text, pen = to_html(line.data, pen)
            found.append(Markup("{}{}\n").format(_time(line.at_ms), text))
        return found

    def _line(self, line: bytes, piece: LogSlice) -> Markup:
        attempt = piece.log.attempt_id
        text, self._pens[attempt] = to_html(line, self._pens.get(attempt, PLAIN))
        label = self.labels.of(piece.log) if self.labels else ""
        return Markup("{}{}{}\n").format(_time(piece.at_ms), label, text)


def chunked(lines: list[Markup]) -> list[Markup]:
    """Lines in pieces that a browser can skip while they are off screen."""
    return [Markup("").join(lines[at : at + CHUNK_LINES]) for at in range(0, len(lines), CHUNK_LINES)]


def cursor_text(taken: dict[UUID, int]) -> str:
    """Where a stream stands, as the id of its last message."""
    return ",".join(f"{attempt.hex}:{count}" for attempt, count in taken.items())


def read_cursor(text: str) -> dict[UUID, int] | None:
    """The inverse; None for anything else, and for nothing."""
    found = {}
    for part in text.split(","):
        attempt, _, count = part.partition(":")
        if len(attempt) != 32 or not (count.isascii() and count.isdigit() and len(count) < 19):
            return None
        try:
            found[UUID(attempt)] = int(count)
        except ValueError:
            return None
    return found or None


def _time(at_ms: int) -> Markup:
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return Markup('<time datetime="{}">{} </time>').format(
        moment.isoformat(timespec="milliseconds"), escape(f"{moment:%H:%M:%S}")
    )
