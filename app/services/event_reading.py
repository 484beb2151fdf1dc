"""One look at a training's event files: what is new in them, in bounded pieces. Blocking: it runs in a thread."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from app.domain.event_file import LONGEST_TAG, MOST_FILES, MOST_SERIES, Position, advance
from app.domain.metric import Point
from app.domain.protobuf import Malformed
from app.domain.tf_events import scalars
from app.domain.tfrecord import FOOTER, HEADER, LARGEST, split
from app.services.log_folder import FolderMissing, LogFolder

PIECE = 1024 * 1024
assert PIECE > HEADER + LARGEST + FOOTER  # else a record could be larger than what is ever looked at
MOST_PIECES = 16
"""Pieces in one look; the rest is for the next one, so that what was found is stored meanwhile."""
_WORD = "tfevents"
Key = tuple[str, str]


@dataclass(slots=True)
class News:
    """What one look found. `more`: there is more to be read at once."""

    files: dict[str, Position]
    points: dict[Key, list[Point]] = field(default_factory=dict)
    left_out: int = 0
    more: bool = False


def look(folder: LogFolder, files: Mapping[str, Position], known: Collection[Key]) -> News:
    """Read on from `files`. `known` are the series that there are already. Raises FolderMissing, and OSError."""
    found = folder.files(_WORD, most=MOST_FILES)
    news = News({path: files.get(path, Position()) for path in found.sizes})
    taking = _Taking(news, set(known))
    pieces = 0
    for path, size in found.sizes.items():
        more = not news.files[path].closed and size > news.files[path].offset
        while more and pieces < MOST_PIECES:
            pieces += 1
            more = _read_on(folder, path, size, taking)
        news.more = news.more or more
    news.left_out = found.left_out + len(taking.refused)
    return news


def _read_on(folder: LogFolder, path: str, size: int, taking: _Taking) -> bool:
    """One piece of one file; whether there is more of it."""
    before = taking.news.files[path]
    try:
        data = folder.read(path, before.offset, PIECE)
    except FolderMissing:
        return False  # it was removed since it was listed
    piece = split(data)
    run = path.rpartition("/")[0] or "."
    for record in piece.records:
        taking.take(run, record)
    step = advance(before, len(data), piece, size=size)
    taking.news.files[path] = step.position
    return step.more


class _Taking:
    """Gathers points by series, up to the limits."""

    def __init__(self, news: News, known: set[Key]) -> None:
        self.news = news
        self.refused: set[Key] = set()
        self._known = known

    def take(self, run: str, record: bytes) -> None:
        try:
            found = scalars(record, lambda tag: (run, tag) in self._known)
        except Malformed:
            return  # its checksum is right: it is some other program's record
        for one in found:
            key = (run, one.tag)
            if key not in self._known and not self._accept(key):
                continue
            self.news.points.setdefault(key, []).append(one.point)

    def _accept(self, key: Key) -> bool:
        if not key[1] or len(key[1]) > LONGEST_TAG or len(self._known) >= MOST_SERIES:
            if len(self.refused) < MOST_SERIES:
                self.refused.add(key)
            return False
        self._known.add(key)
        return True
