"""What every kind of upload is read as."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import BinaryIO

from app.domain.bundle.refusals import Refusal, refuse

PIECE = 256 * 1024


class Kind(Enum):
    """What an entry says it is."""

    FILE = auto()
    FOLDER = auto()
    LINK = auto()
    DEVICE = auto()


@dataclass(frozen=True, slots=True)
class Entry:
    """One member of an upload, as named there: nothing about it has been checked yet.

    `content` reads its bytes in pieces and may be called more than once; it raises when they are not `size` bytes.
    """

    name: str
    kind: Kind
    size: int
    executable: bool
    content: Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Scratch:
    """The first `size` bytes of an open file: an upload as it came (or without its gzip layer)."""

    file: BinaryIO
    size: int

    def read(self, offset: int, length: int) -> bytes:
        """Exactly those bytes. Offsets come from the upload, so nothing is believed about them."""
        if offset < 0 or offset + length > self.size:
            raise refuse(Refusal.CORRUPT, detail="it is cut off, or points outside itself")
        self.file.seek(offset)
        return self.file.read(length)

    def pieces(self, offset: int, length: int) -> Iterator[bytes]:
        """The same, a piece at a time."""
        for start in range(offset, offset + length, PIECE):
            yield self.read(start, min(PIECE, offset + length - start))


def nothing() -> Iterator[bytes]:
    """The content of what has none."""
    return iter(())


def decoded(name: bytes) -> str:
    """A name that must be UTF-8."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise refuse(Refusal.ENCODING, path=name.decode(errors="backslashreplace")) from None
