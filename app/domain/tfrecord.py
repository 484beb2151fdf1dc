"""The framing of TFRecord files, read piece by piece while somebody still writes them.

A record is: its length (8 bytes, little-endian), the masked CRC-32C of that, the data, the masked CRC-32C of the data.
A record that is not there in full is simply not there yet; one whose checksum is wrong is told apart from it, because
it may be half written (the reader looks again) or broken for good (the reader goes on behind it).
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from app.domain.crc32c import masked

HEADER = 12
FOOTER = 4
LARGEST = 256 * 1024
"""Bytes of a record that is read at all. Scalars take some dozens; what is larger holds pictures or a graph."""
_HEADER = Struct("<QI")
_FOOTER = Struct("<I")


@dataclass(frozen=True, slots=True)
class Damage:
    """A record whose checksum is wrong; `size` is how long it is, None when its length cannot be trusted either."""

    size: int | None


@dataclass(frozen=True, slots=True)
class Split:
    """What a piece of a file holds: whole records, and why it ends where it does.

    `used`: bytes from the piece's start that are done with. There, `skip` says how long a record is that is too large
    to be read (0: none), and `damage` what is wrong; with neither, the rest is the beginning of a record.
    """

    records: tuple[bytes, ...]
    used: int
    skip: int = 0
    damage: Damage | None = None


def split(data: bytes, *, largest: int = LARGEST) -> Split:
    """The records of `data`, a piece of a file that begins where a record does."""
    records: list[bytes] = []
    at = 0
    while at + HEADER <= len(data):
        length, length_crc = _HEADER.unpack_from(data, at)
        if masked(data[at : at + 8]) != length_crc:
            return Split(tuple(records), at, damage=Damage(None))
        size = HEADER + length + FOOTER
        if length > largest:
            return Split(tuple(records), at, skip=size)
        if at + size > len(data):
            break
        body = data[at + HEADER : at + HEADER + length]
        if masked(body) != _FOOTER.unpack_from(data, at + HEADER + length)[0]:
            return Split(tuple(records), at, damage=Damage(size))
        records.append(body)
        at += size
    return Split(tuple(records), at)


def framed(record: bytes) -> bytes:
    """The inverse, for one record."""
    length = len(record).to_bytes(8, "little")
    return length + _FOOTER.pack(masked(length)) + record + _FOOTER.pack(masked(record))
