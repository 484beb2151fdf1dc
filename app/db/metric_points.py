"""A series' points as one compressed value: all steps, all times, all values. Some 10 bytes a point."""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Sequence

from app.domain.metric import Point

_SIZE = 8


def pack(points: Sequence[Point]) -> bytes:
    columns = (
        array("q", (point.step for point in points)),
        array("d", (point.at for point in points)),
        array("d", (point.value for point in points)),
    )
    return zlib.compress(b"".join(_little(column).tobytes() for column in columns), 1)


def unpack(data: bytes) -> tuple[Point, ...]:
    plain = zlib.decompress(data)
    length = len(plain) // 3
    steps, times, values = array("q"), array("d"), array("d")
    for column, at in ((steps, 0), (times, length), (values, 2 * length)):
        column.frombytes(plain[at : at + length])
        _little(column)
    return tuple(map(Point, steps, times, values))


def _little(column: array[int] | array[float]) -> array[int] | array[float]:
    if sys.byteorder == "big":
        column.byteswap()
    return column
