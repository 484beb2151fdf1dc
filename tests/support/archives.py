"""Builders of archives, good and hostile. The hostile ones are made byte by byte where no tool would make them."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

RUN = b"#!/usr/bin/env bash\necho hello\n"
GOOD: Mapping[str, bytes] = {"run.sh": RUN, "train.py": b"print('hi')\n", "data/points.bin": bytes(range(256)) * 4}


def make_tar(files: Mapping[str, bytes], *, mode: int = 0o644, kind: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar of those files in the given order; a name that ends with a slash is a folder."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime, info.uname = len(data), mode, 1_700_000_000, "someone"
            if name.endswith("/"):
                info.type, info.size = tarfile.DIRTYPE, 0
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def make_tar_of(*members: tarfile.TarInfo | tuple[str, bytes], kind: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar of hand-made members, or of (name, data) pairs, which may repeat."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind) as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            tar.addfile(info, io.BytesIO(member[1]))
    return buffer.getvalue()


def make_tar_gz(files: Mapping[str, bytes]) -> bytes:
    return gzip.compress(make_tar(files), mtime=1)


def special(name: str, kind: bytes, *, target: str = "") -> tarfile.TarInfo:
    """A member that is no file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def tar_block(name: bytes, *, size: int = 0, flag: bytes = b"0", mode: int = 0o644, size_field: bytes = b"") -> bytes:
    """One raw header with a right checksum, whatever it says."""
    field = size_field or b"%011o\0" % size
    before = name.ljust(100, b"\0") + b"%07o\0" % mode + b"0000000\0" * 2 + field + b"%011o\0" % 0
    after = (flag + bytes(100) + b"ustar\x0000").ljust(356, b"\0")
    return before + b"%06o\0 " % (sum(before) + sum(after) + 256) + after


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


TAR_END = bytes(1024)


def make_zip(files: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED, mode: int | None = 0o644) -> bytes:
    """A zip as the standard library makes it; `mode` None says nothing about Unix modes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            info.external_attr = 0 if mode is None else (mode | 0o100000) << 16
            if name.endswith("/"):
                info.external_attr = 0o40755 << 16
            archive.writestr(info, data)
    return buffer.getvalue()


@dataclass
class ZipMember:
    """One member of a hand-made zip. What is None is what honest tools would write."""

    name: bytes
    data: bytes = b""
    flags: int = 0
    method: int = 8
    mode: int = 0o100644
    size: int | None = None
    crc: int | None = None
    local_name: bytes | None = None
    local_method: int | None = None
    packed: bytes | None = None
    at: int | None = None


def raw_zip(members: Iterable[ZipMember], *, count: int | None = None, comment: bytes = b"", gap: int = 0) -> bytes:
    """A zip written field by field; `gap` shifts the directory away from where the end record says it is."""
    body, directory, total = b"", b"", 0
    for member in members:
        packed = member.packed if member.packed is not None else deflate(member.data, member.method)
        size = len(member.data) if member.size is None else member.size
        crc = zlib.crc32(member.data) if member.crc is None else member.crc
        local = member.name if member.local_name is None else member.local_name
        method = member.method if member.local_method is None else member.local_method
        offset = len(body) if member.at is None else member.at
        if member.at is None:
            lengths = (crc, len(packed), size, len(local), 0)
            body += struct.pack("<4s2B4HL2L2H", b"PK\x03\x04", 20, 0, member.flags, method, 0, 33, *lengths)
            body += local + packed
        sizes = (crc, len(packed), size, len(member.name), 0, 0, 0, 0, member.mode << 16, offset)
        versions = (20, 3, 20, 0)
        directory += struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", *versions, member.flags, member.method, 0, 33, *sizes)
        directory += member.name
        total += 1
    count = total if count is None else count
    end = (0, 0, count & 0xFFFF, count & 0xFFFF, len(directory), len(body) + gap, len(comment))
    return body + directory + struct.pack("<4s4H2LH", b"PK\x05\x06", *end) + comment


def deflate(data: bytes, method: int = 8) -> bytes:
    if method != 8:
        return data
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return compressor.compress(data) + compressor.flush()
