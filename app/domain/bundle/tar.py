"""Reading tar: ustar, GNU and pax, one header at a time.

The standard library's reader takes a whole pax or long-name header into memory, whatever its declared size, and
parses it with a pattern that hostile input can slow down without bound (CVE-2024-6232). Here both are limited.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from app.domain.bundle.entries import Entry, Kind, Scratch, decoded, nothing
from app.domain.bundle.limits import MIB, Limits
from app.domain.bundle.refusals import Refusal, refuse

BLOCK = 512
_KINDS = {
    b"0": Kind.FILE,
    b"\0": Kind.FILE,
    b"7": Kind.FILE,
    b"5": Kind.FOLDER,
    b"1": Kind.LINK,
    b"2": Kind.LINK,
    b"3": Kind.DEVICE,
    b"4": Kind.DEVICE,
    b"6": Kind.DEVICE,
}
_LONG_NAME, _LONG_LINK, _PAX, _PAX_SOLARIS, _PAX_GLOBAL, _VOLUME, _SPARSE = b"L", b"K", b"x", b"X", b"g", b"V", b"S"


def looks_like_tar(block: bytes) -> bool:
    """Whether a file's first 512 bytes are a tar header, or the end mark of an empty tar."""
    return len(block) == BLOCK and (not any(block) or _checksum_holds(block))


def tar_entries(source: Scratch, limits: Limits) -> Iterator[Entry]:
    """The members of the tar in `source`, in its order."""
    position = headers = 0
    extra = _Extra()
    while True:
        header = source.read(position, BLOCK)
        if not any(header):
            return
        headers += 1
        # Each member may have a few headers before its own.
        if headers > 4 * limits.max_entries:
            raise refuse(Refusal.TOO_MANY, limit=f"{limits.max_entries:,}")
        if not _checksum_holds(header):
            raise refuse(Refusal.CORRUPT, detail=f"the header at byte {position:,} has a wrong checksum")
        kind_flag = header[156:157]
        length = _number(header[124:136])
        data = position + BLOCK
        if kind_flag in (_LONG_NAME, _LONG_LINK, _PAX, _PAX_SOLARIS, _PAX_GLOBAL, _VOLUME):
            if kind_flag == _LONG_NAME:
                extra.name = _special(source, data, length).partition(b"\0")[0]
            elif kind_flag in (_PAX, _PAX_SOLARIS):
                extra.pax = _pax_records(_special(source, data, length))
            position = _after(source, data, length)
            continue
        name = extra.pax.get(b"path", extra.name if extra.name is not None else _name(header))
        length = _decimal(extra.pax[b"size"]) if b"size" in extra.pax else length
        if kind_flag == _SPARSE or any(key.startswith(b"GNU.sparse.") for key in extra.pax):
            raise refuse(Refusal.SPARSE, path=name.decode(errors="backslashreplace"))
        entry = _entry(source, kind_flag, name, length, data, executable=bool(_number(header[100:108]) & 0o111))
        position = _after(source, data, entry.size)
        extra = _Extra()
        yield entry


@dataclass(slots=True)
class _Extra:
    """What headers before a member's own say about it."""

    name: bytes | None = None
    pax: dict[bytes, bytes] = field(default_factory=dict)


def _entry(source: Scratch, flag: bytes, name: bytes, length: int, data: int, *, executable: bool) -> Entry:
    if flag not in _KINDS:
        detail = f"it holds an entry of the unknown type {flag!r}"
        raise refuse(Refusal.CORRUPT, detail=detail)
    kind = _KINDS[flag]
    if kind is Kind.FILE and name.endswith(b"/"):
        kind = Kind.FOLDER  # as tar did before it had a type for folders
    if kind is not Kind.FILE:
        return Entry(decoded(name), kind, 0, executable, nothing)
    return Entry(decoded(name), kind, length, executable, partial(source.pieces, data, length))


def _name(header: bytes) -> bytes:
    name = header[:100].partition(b"\0")[0]
    prefix = header[345:500].partition(b"\0")[0]
    # GNU's own format keeps times where POSIX keeps the prefix, and its magic differs.
    return prefix + b"/" + name if prefix and header[257:263] == b"ustar\0" else name


def _special(source: Scratch, offset: int, length: int) -> bytes:
    if length > MIB:
        raise refuse(Refusal.CORRUPT, detail="a header is larger than 1 MiB")
    return source.read(offset, length)


def _pax_records(data: bytes) -> dict[bytes, bytes]:
    """`LENGTH KEY=VALUE\\n`, where the length counts the whole record."""
    records = {}
    position = 0
    while position < len(data) and data[position] != 0:
        space = data.find(b" ", position, position + 8)
        length = _decimal(data[position:space]) if space > 0 else 0
        record = data[space + 1 : position + length]
        key, equals, value = record[:-1].partition(b"=")
        if not equals or record[-1:] != b"\n" or position + length > len(data):
            raise refuse(Refusal.CORRUPT, detail="a pax header is malformed")
        records[key] = value
        position += length
    return records


def _number(value: bytes) -> int:
    """Octal digits, or GNU's binary form with the highest bit set."""
    if value[0] & 0x80:
        if value[0] != 0x80:
            raise refuse(Refusal.CORRUPT, detail="a header has a negative number")
        return int.from_bytes(value[1:], "big")
    digits = value.partition(b"\0")[0].strip(b" ")
    if not digits:
        return 0
    if not all(0x30 <= digit <= 0x37 for digit in digits):
        raise refuse(Refusal.CORRUPT, detail="a header has a malformed number")
    return int(digits, 8)


def _decimal(value: bytes) -> int:
    if not value.isdigit() or len(value) > 20:
        raise refuse(Refusal.CORRUPT, detail="a pax header has a malformed number")
    return int(value)


def _checksum_holds(header: bytes) -> bool:
    digits = header[148:156].strip(b"\0 ")
    if not digits or not all(0x30 <= digit <= 0x37 for digit in digits):
        return False
    unsigned = sum(header) - sum(header[148:156]) + 8 * 0x20
    # Some old writers summed signed characters.
    signed = unsigned - 256 * sum(byte > 127 for byte in header[:148] + header[156:])
    return int(digits, 8) in (unsigned, signed)


def _after(source: Scratch, data: int, length: int) -> int:
    if data + length > source.size:
        raise refuse(Refusal.CORRUPT, detail="it ends in the middle of a file")
    return data + -(-length // BLOCK) * BLOCK
