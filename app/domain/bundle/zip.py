"""Reading zip by its central directory, one record at a time.

The standard library's reader first takes the whole central directory into memory, as long as the upload says it is,
and before Python 3.11.8 did not notice entries that share their bytes. Here a record is read when the one before it
has been counted, and every local header must say what the directory says: no two tools can see two different archives.
"""

from __future__ import annotations

import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest

from app.domain.bundle.entries import PIECE, Entry, Kind, Scratch, nothing
from app.domain.bundle.limits import Limits
from app.domain.bundle.refusals import Refusal, refuse

_END = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_CENTRAL = struct.Struct("<4s4B4HL2L5H2L")
_LOCAL = struct.Struct("<4s2B4HL2L2H")
_COMMENT_MAX = 65_535
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF
_STORED, _DEFLATED, _AES = 0, 8, 99
_ENCRYPTED_FLAGS = 1 | 1 << 6 | 1 << 13
_UTF8_FLAG = 1 << 11


def looks_like_zip(block: bytes) -> bool:
    """Whether a file begins like a zip (an empty one begins with its end record)."""
    return block[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def zip_entries(source: Scratch, limits: Limits) -> Iterator[Entry]:
    """The members of the zip in `source`, in the order of its central directory."""
    directory = _directory(source)
    if directory.count > limits.max_entries:
        raise refuse(Refusal.TOO_MANY, limit=f"{limits.max_entries:,}")
    records = sorted(_records(source, directory, limits), key=lambda record: record.header)
    if limits.is_bomb(sum(record.size for record in records), source.size):
        raise refuse(Refusal.BOMB, limit=f"{limits.max_ratio:,}")
    for record, following in zip_longest(records, records[1:]):
        yield _entry(source, record, following.header if following else directory.start)


@dataclass(frozen=True, slots=True)
class _Directory:
    start: int
    size: int
    count: int


@dataclass(frozen=True, slots=True)
class _Record:
    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    mode: int
    header: int


def _directory(source: Scratch) -> _Directory:
    tail_start = max(0, source.size - _END.size - _COMMENT_MAX)
    tail = source.read(tail_start, source.size - tail_start)
    at = tail.rfind(b"PK\x05\x06")
    while at >= 0 and (at + _END.size > len(tail) or at + _END.size + _END.unpack_from(tail, at)[7] != len(tail)):
        at = tail.rfind(b"PK\x05\x06", 0, at)
    if at < 0:
        raise refuse(Refusal.CORRUPT, detail="its central directory is missing")
    _, disk, first_disk, count_here, count, length, start, _ = _END.unpack_from(tail, at)
    end = tail_start + at
    locator = source.read(end - _END64_LOCATOR.size, _END64_LOCATOR.size) if end >= _END64_LOCATOR.size else b""
    if locator[:4] == b"PK\x06\x07":
        end = _END64_LOCATOR.unpack(locator)[2]
        record = _END64.unpack(source.read(end, _END64.size))
        if record[0] != b"PK\x06\x06":
            raise refuse(Refusal.CORRUPT, detail="its zip64 end record is missing")
        disk, first_disk, count_here, count, length, start = record[4:10]
    if disk or first_disk or count_here != count:
        raise refuse(Refusal.CORRUPT, detail="it is one part of a split zip")
    if start + length != end:
        raise refuse(Refusal.CORRUPT, detail="its central directory is not where its end record says")
    return _Directory(start, length, count)


def _records(source: Scratch, directory: _Directory, limits: Limits) -> Iterator[_Record]:
    position = directory.start
    for _ in range(directory.count):
        fields = _CENTRAL.unpack(source.read(position, _CENTRAL.size))
        (magic, _, _, _, _, flags, method, _, _, crc, packed, size) = fields[:12]
        (name_length, extra_length, comment_length, disk, _, attributes, header) = fields[12:]
        if magic != b"PK\x01\x02" or disk not in (0, _FULL16):
            raise refuse(Refusal.CORRUPT, detail="a record of its central directory is malformed")
        position += _CENTRAL.size
        name = source.read(position, min(name_length, limits.max_path_bytes))
        if name_length > limits.max_path_bytes:
            raise refuse(Refusal.TOO_LONG, path=_decoded(name, 0), limit=f"{limits.max_path_bytes:,} bytes")
        extra = source.read(position + name_length, extra_length)
        size, packed, header = _zip64(extra, size, packed, header)
        position += name_length + extra_length + comment_length
        yield _Record(name, flags, method, crc, packed, size, attributes >> 16, header)
    if position != directory.start + directory.size:
        raise refuse(Refusal.CORRUPT, detail="its central directory has not the length it says")


def _zip64(extra: bytes, *values: int) -> tuple[int, ...]:
    """The values, with each that reads “see the zip64 field” replaced by that field's next number."""
    position, wide = 0, b""
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, position)
        if kind == 1:
            wide = extra[position + 4 : position + 4 + length]
        position += 4 + length
    needed = sum(value == _FULL32 for value in values)
    if not needed or not wide:
        return values
    if len(wide) < 8 * needed:
        raise refuse(Refusal.CORRUPT, detail="a zip64 field is too short")
    numbers = iter(struct.unpack_from(f"<{needed}Q", wide))
    return tuple(next(numbers) if value == _FULL32 else value for value in values)


def _entry(source: Scratch, record: _Record, end: int) -> Entry:
    name = _decoded(record.raw_name, record.flags)
    data = _data_start(source, record, name, end)
    kind = _kind(record)
    if kind is not Kind.FILE:
        return Entry(name, kind, 0, False, nothing)
    if record.flags & _ENCRYPTED_FLAGS or record.method == _AES:
        raise refuse(Refusal.ENCRYPTED, path=name)
    if record.method not in (_STORED, _DEFLATED):
        raise refuse(Refusal.COMPRESSION, path=name, detail=f"method {record.method}")
    if record.method == _STORED and record.packed != record.size:
        raise refuse(Refusal.CORRUPT, detail="a stored file has two different sizes")
    content = partial(_content, source, record, data)
    return Entry(name, kind, record.size, bool(record.mode & 0o111), content)


def _decoded(raw: bytes, flags: int) -> str:
    """Macs write UTF-8 without saying so; what is neither declared nor valid UTF-8 is in DOS's code page."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        if flags & _UTF8_FLAG:
            raise refuse(Refusal.ENCODING, path=raw.decode(errors="backslashreplace")) from None
        return raw.decode("cp437")


def _data_start(source: Scratch, record: _Record, name: str, end: int) -> int:
    """Where the file's bytes begin; they must end before the next file's header does."""
    if record.header + _LOCAL.size > end:
        raise refuse(Refusal.OVERLAP, path=name)
    magic, _, _, flags, method, *_, name_length, extra_length = _LOCAL.unpack(source.read(record.header, _LOCAL.size))
    if magic != b"PK\x03\x04":
        raise refuse(Refusal.CORRUPT, detail="a file's header is not where the directory says")
    same_name = name_length == len(record.raw_name) and (
        source.read(record.header + _LOCAL.size, name_length) == record.raw_name
    )
    if not same_name or method != record.method or (flags ^ record.flags) & _ENCRYPTED_FLAGS:
        raise refuse(Refusal.CORRUPT, detail="a file's header and the directory contradict each other")
    data = record.header + _LOCAL.size + name_length + extra_length
    if data + record.packed > end:
        raise refuse(Refusal.OVERLAP, path=name)
    return int(data)


def _kind(record: _Record) -> Kind:
    """From the Unix mode where the zip has one, else from the name."""
    format_bits = stat.S_IFMT(record.mode)
    if format_bits == stat.S_IFLNK:
        return Kind.LINK
    if format_bits not in (0, stat.S_IFREG, stat.S_IFDIR):
        return Kind.DEVICE
    return Kind.FOLDER if record.raw_name.endswith(b"/") or format_bits == stat.S_IFDIR else Kind.FILE


def _content(source: Scratch, record: _Record, data: int) -> Iterator[bytes]:
    """The unpacked bytes: never more than the declared size, and an error if they are not exactly what was declared."""
    packed = source.pieces(data, record.packed)
    crc = count = 0
    for piece in packed if record.method == _STORED else _inflated(packed):
        count += len(piece)
        if count > record.size:
            break
        crc = zlib.crc32(piece, crc)
        yield piece
    if count != record.size or crc != record.crc:
        raise refuse(Refusal.CORRUPT, detail="a file does not match its checksum or size")


def _inflated(packed: Iterator[bytes]) -> Iterator[bytes]:
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for data in packed:
            rest = data
            while rest and not inflate.eof:
                yield inflate.decompress(rest, PIECE)
                rest = inflate.unconsumed_tail
        while not inflate.eof:
            piece = inflate.decompress(inflate.unconsumed_tail, PIECE)
            if not piece:
                break
            yield piece
    except zlib.error:
        raise refuse(Refusal.CORRUPT, detail="a file cannot be decompressed") from None
    if not inflate.eof:
        raise refuse(Refusal.CORRUPT, detail="a file's compressed data is cut off")
