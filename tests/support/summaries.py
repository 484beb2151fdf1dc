"""Summary files as TensorFlow writes them, made by the tests themselves."""

from __future__ import annotations

import struct
from pathlib import Path

from app.domain.tfrecord import framed

NAME = "events.out.tfevents.1700000000.host"


def event(tag: str, step: int, value: float, at: float = 1.7e9) -> bytes:
    """An Event with one `simple_value`."""
    name = tag.encode()
    summary = _bytes(1, _bytes(1, name) + b"\x15" + struct.pack("<f", value))
    return b"\x09" + struct.pack("<d", at) + b"\x10" + _varint(step) + _bytes(5, summary)


def record(tag: str, step: int, value: float, at: float | None = None) -> bytes:
    """The same as it stands in a file; `at` is a second a step unless it is given."""
    return framed(event(tag, step, value, 1.7e9 + step if at is None else at))


def write(folder: Path, *records: bytes, name: str = NAME) -> Path:
    """Append to a file of that folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    with path.open("ab") as file:
        file.write(b"".join(records))
    return path


def _bytes(field: int, data: bytes) -> bytes:
    return bytes([field << 3 | 2]) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    value %= 2**64
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
