"""Lines of logs as HTML: a time, which task said it, and its text with terminal colours.

Each line is one `<span class="l">` that ends with its line end, so that it can be hidden whole, found and copied. Its
number stands in `data-n`, which the style shows; of merged tasks `data-of` says whose it is (`worker-0.1`: the first
try). With one task only, `#L17` is the address of line 17.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from uuid import UUID

from markupsafe import Markup, escape

from app.domain.log import LogInfo
from app.domain.log_levels import Level, continues, level_of
from app.domain.project import RunSpec
from app.services.log_merge import LogSlice
from app.services.log_pages import LogPage
from app.ui.ansi import PLAIN, Pen, to_html

COLOURS = 8
# What is appended at a time, and what one <pre> holds on a page that is made at once.
CHUNK_LINES = 500
_MARK = Markup(
    '<span class="l"><span class="mark">Lines may be missing here: the cluster did not hand them out.</span>\n</span>'
)


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
    zone: tzinfo = UTC
    first_line: int | None = None
    _held: dict[UUID, tuple[bytes, LogSlice]] = field(default_factory=dict)
    _pens: dict[UUID, Pen] = field(default_factory=dict)
    _levels: dict[UUID, Level | None] = field(default_factory=dict)
    _named: dict[UUID, tuple[Markup, Markup]] = field(default_factory=dict)
    _told: tuple[int, Markup] = (-1, Markup(""))  # a moment, and how it is told: many lines are of the same

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
            found += [
                self._line(line, piece, begun.line + at) if at else self._line(line, begun, begun.line)
                for at, line in enumerate(whole)
            ]
            if rest:
                self._held[attempt] = (rest, replace(piece, line=begun.line + len(whole)) if whole else begun)
            self.taken[attempt] = piece.end - len(rest)
        return found

    def rest(self) -> list[Markup]:
        """What never ended with a newline, once nothing can follow."""
        found = [self._line(line, piece, piece.line) for line, piece in self._held.values()]
        self._held.clear()
        return found

    def of_page(self, page: LogPage) -> list[Markup]:
        """The lines of a page of one log."""
        found: list[Markup] = []
        for line in page.lines:
            if line.gap:
                found.append(_MARK)
            found.append(self._said(page.log, line.number, line.at_ms, line.data))
        return found

    def _line(self, line: bytes, piece: LogSlice, number: int) -> Markup:
        return self._said(piece.log, number, piece.at_ms, line)

    def _said(self, log: LogInfo, number: int, at_ms: int, line: bytes) -> Markup:
        attempt = log.attempt_id
        text, self._pens[attempt] = to_html(line, self._pens.get(attempt, PLAIN))
        level = self._levels.get(attempt) if continues(line) else level_of(line)
        self._levels[attempt] = level
        whose, label = self._names(log) if self.labels else (Markup(f' id="L{number + 1}"'), "")
        if at_ms != self._told[0]:
            self._told = (at_ms, _time(at_ms, self.zone))
        # Everything here is markup or a number. `Markup.format` would take most of the time that a page of lines takes.
        shown = f" lv-{level}" if level else ""
        return Markup(f'<span class="l{shown}" data-n="{number + 1}"{whose}>{self._told[1]}{label}{text}\n</span>')

    def _names(self, log: LogInfo) -> tuple[Markup, Markup]:
        """Of merged lines: the attribute that says whose they are, and the name before them."""
        assert self.labels is not None
        found = self._named.get(log.attempt_id)
        if found is None:
            whose = Markup(' data-of="{}.{}"').format(log.key, log.attempt)
            found = self._named[log.attempt_id] = (whose, self.labels.of(log))
        return found


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


def _time(at_ms: int, zone: tzinfo) -> Markup:
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return Markup('<time datetime="{}">{} </time>').format(
        moment.isoformat(timespec="milliseconds"), escape(f"{moment.astimezone(zone):%H:%M:%S}")
    )
