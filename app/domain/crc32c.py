"""CRC-32C (Castagnoli), eight bytes at a time, and the masked form in which TFRecord files keep it.

The standard library only has the other polynomial. Some 15 MB/s: enough for records of scalars, which are small.
"""

from __future__ import annotations

from struct import Struct

_POLYNOMIAL = 0x82F63B78
_MASK_DELTA = 0xA282EAD8
_EIGHT = Struct("<II")


def masked(data: bytes) -> int:
    """What stands beside `data` in a TFRecord: rotated, so that a CRC over data with CRCs in it stays of use."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


def crc32c(data: bytes) -> int:
    """The checksum as RFC 3720 has it: of b"123456789" it is 0xE3069283."""
    crc = 0xFFFFFFFF
    whole = len(data) & ~7
    for low, high in _EIGHT.iter_unpack(memoryview(data)[:whole]):
        low ^= crc
        crc = (
            _T7[low & 255]
            ^ _T6[low >> 8 & 255]
            ^ _T5[low >> 16 & 255]
            ^ _T4[low >> 24]
            ^ _T3[high & 255]
            ^ _T2[high >> 8 & 255]
            ^ _T1[high >> 16 & 255]
            ^ _T0[high >> 24]
        )
    for byte in data[whole:]:
        crc = _T0[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def _byte_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
        table.append(byte)
    return tuple(table)


def _followed_by_zero(table: tuple[int, ...]) -> tuple[int, ...]:
    """The table for a byte that stands one place further from the end."""
    return tuple(_T0[crc & 255] ^ crc >> 8 for crc in table)


_T0 = _byte_table()
_T1 = _followed_by_zero(_T0)
_T2 = _followed_by_zero(_T1)
_T3 = _followed_by_zero(_T2)
_T4 = _followed_by_zero(_T3)
_T5 = _followed_by_zero(_T4)
_T6 = _followed_by_zero(_T5)
_T7 = _followed_by_zero(_T6)
