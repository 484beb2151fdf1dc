"""How far an event file is read, and the limits on what is read of one training."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.domain.tfrecord import Split

MOST_FILES = 1_000
MOST_SERIES = 1_000
LONGEST_TAG = 300
LONGEST_RUN = 500


@dataclass(frozen=True, slots=True)
class Position:
    """`offset`: bytes that are done with. `damaged_at`: where a record did not have its checksum at the last look.

    `lost`: how many broken records were passed over. `closed`: nothing behind `offset` can be read any more.
    """

    offset: int = 0
    damaged_at: int | None = None
    lost: int = 0
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Advance:
    """Where to go on, and whether there may be more to read at once."""

    position: Position
    more: bool


def advance(before: Position, read: int, piece: Split, *, size: int) -> Advance:
    """After `piece`, of `read` bytes from `before.offset`, of a file that has `size` bytes now.

    A record without its checksum may be half written: it counts as broken when it is the same at the next look.
    """
    offset = before.offset + piece.used
    at_end = before.offset + read >= size
    if piece.skip:
        there = offset + piece.skip <= size
        return Advance(replace(before, offset=offset + piece.skip if there else offset, damaged_at=None), there)
    if piece.damage is None:
        return Advance(replace(before, offset=offset, damaged_at=None), piece.used > 0 and not at_end)
    if before.damaged_at != offset:
        return Advance(replace(before, offset=offset, damaged_at=offset), False)
    lost = before.lost + 1
    if piece.damage.size is None:
        return Advance(Position(offset, offset, lost, closed=True), False)
    return Advance(Position(offset + piece.damage.size, None, lost), True)
