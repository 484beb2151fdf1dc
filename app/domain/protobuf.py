"""The protobuf wire format, as far as a reader of a few known messages needs it: fields by number, nothing else."""

from __future__ import annotations

from collections.abc import Iterator

VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5
_VARINT_MOST = 10
Value = int | bytes


class Malformed(ValueError):
    """The bytes are not a protobuf message."""


def fields(data: bytes) -> Iterator[tuple[int, int, Value]]:
    """Each field's number, wire type and value: an unsigned integer for VARINT, else the bytes.

    Raises Malformed.
    """
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise Malformed("field 0")
        value: Value
        if kind == VARINT:
            value, at = varint(data, at)
        elif kind == BYTES:
            size, at = varint(data, at)
            value, at = _take(data, at, size)
        elif kind in (EIGHT_BYTES, FOUR_BYTES):
            value, at = _take(data, at, 8 if kind == EIGHT_BYTES else 4)
        else:
            raise Malformed(f"wire type {kind}")
        yield number, kind, value


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The unsigned 64-bit integer at `at`, and where it ends. Raises Malformed."""
    value = 0
    for place in range(_VARINT_MOST):
        if at >= len(data):
            raise Malformed("cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
    raise Malformed("an integer without an end")


def varints(data: bytes) -> Iterator[int]:
    """A packed list of integers. Raises Malformed."""
    at = 0
    while at < len(data):
        value, at = varint(data, at)
        yield value


def signed(value: int) -> int:
    """What an int32 or int64 field means: two's complement in 64 bits."""
    return value - 2**64 if value >= 2**63 else value


def _take(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    if at + size > len(data):
        raise Malformed("cut off")
    return data[at : at + size], at + size
