"""The one number in a TensorFlow TensorProto, whichever way it was put there."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from app.domain.protobuf import Malformed, Value, fields, signed, varints

_DTYPE, _SHAPE, _CONTENT, _FIRST_LIST = 1, 2, 4, 5
_DIMENSION = 2


def number_in(tensor: bytes) -> float | None:
    """The value of a tensor without dimensions; None when it has some, or holds no number. Raises Malformed."""
    dtype, content, rank = 0, b"", 0
    lists: list[tuple[int, Value]] = []
    for field, _, value in fields(tensor):
        if field == _DTYPE and isinstance(value, int):
            dtype = value
        elif field == _SHAPE and isinstance(value, bytes):
            rank = sum(1 for inner, _, _ in fields(value) if inner == _DIMENSION)
        elif field == _CONTENT and isinstance(value, bytes):
            content = value
        elif field >= _FIRST_LIST:
            lists.append((field, value))
    known = _DTYPES.get(dtype)
    if known is None or rank:
        return None
    if content:
        return _one(known.unpack(content))
    if not lists:
        return 0.0  # protobuf leaves out what is zero
    return _one([number for field, value in lists if field == known.field for number in known.listed(value)])


@dataclass(frozen=True, slots=True)
class _Dtype:
    """A kind of number: how `tensor_content` keeps it, in `struct`'s letter, and the list that it stands in otherwise.

    `read` makes a number of a bit pattern. Lists of integers hold one varint each, those of floats are packed.
    """

    letter: str
    field: int
    read: Callable[[float], float] = float

    def unpack(self, content: bytes) -> list[float]:
        if len(content) % struct.calcsize(f"<{self.letter}"):
            raise Malformed("half a number")
        return [self.read(value) for (value,) in struct.iter_unpack(f"<{self.letter}", content)]

    def listed(self, value: Value) -> list[float]:
        """Every number of one entry of the list, packed or not."""
        if self.letter in "fd":
            return self.unpack(value) if isinstance(value, bytes) else []
        return [self.read(signed(one)) for one in (varints(value) if isinstance(value, bytes) else (value,))]


def _half(bits: float) -> float:
    return float(struct.unpack("<e", struct.pack("<H", int(bits) & 0xFFFF))[0])


def _bfloat(bits: float) -> float:
    return float(struct.unpack("<f", struct.pack("<I", (int(bits) & 0xFFFF) << 16))[0])


def _unsigned(value: float) -> float:
    return float(int(value) % 2**64)


def _one(numbers: list[float]) -> float | None:
    return numbers[0] if len(numbers) == 1 else None


_DTYPES = {
    1: _Dtype("f", 5),  # float
    2: _Dtype("d", 6),  # double
    3: _Dtype("i", 7),  # int32
    4: _Dtype("B", 7),  # uint8
    5: _Dtype("h", 7),  # int16
    6: _Dtype("b", 7),  # int8
    9: _Dtype("q", 10),  # int64
    10: _Dtype("?", 11),  # bool
    14: _Dtype("H", 13, _bfloat),  # bfloat16
    17: _Dtype("H", 7),  # uint16
    19: _Dtype("H", 13, _half),  # half
    22: _Dtype("I", 16),  # uint32
    23: _Dtype("Q", 17, _unsigned),  # uint64
}
