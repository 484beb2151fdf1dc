"""Archives that must be refused, each with the code that says why."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib

from app.domain.bundle.refusals import Refusal
from tests.support.archives import (
    GOOD,
    RUN,
    TAR_END,
    ZipMember,
    make_tar,
    make_tar_gz,
    make_tar_of,
    make_zip,
    padded,
    raw_zip,
    special,
    tar_block,
)

_RUN_ZIP = ZipMember(b"run.sh", RUN)
_RUN_TAR = tar_block(b"run.sh", size=len(RUN)) + padded(RUN)
_LONG = "/".join(["d" * 100] * 11)
_DEEP = "/".join("d" * 70)

# What is wrong with a path is wrong in every format.
BAD_PATHS: dict[str, tuple[str, Refusal]] = {
    "absolute": ("/etc/passwd", Refusal.ABSOLUTE),
    "two slashes": ("//host/share", Refusal.ABSOLUTE),
    "parent first": ("../evil", Refusal.PARENT),
    "parent inside": ("a/../../evil", Refusal.PARENT),
    "parent that would stay inside": ("a/../b", Refusal.PARENT),
    "parent last": ("a/..", Refusal.PARENT),
    "backslash": ("a\\b", Refusal.BACKSLASH),
    "backslash parent": ("..\\evil", Refusal.BACKSLASH),
    "drive": ("C:/Windows/evil", Refusal.DRIVE),
    "drive, relative": ("c:evil", Refusal.DRIVE),
    "newline": ("a\nb", Refusal.CONTROL),
    "escape": ("a\x1b[31mb", Refusal.CONTROL),
    "line separator": ("a\u2028b", Refusal.CONTROL),
    "long path": (_LONG, Refusal.TOO_LONG),
    "long name": ("x" * 256, Refusal.TOO_LONG),
    "long name in bytes": ("é" * 128, Refusal.TOO_LONG),
    "too deep": (_DEEP, Refusal.TOO_LONG),
    "no name": (".", Refusal.NO_NAME),
}


def zip_corpus() -> dict[str, tuple[bytes, Refusal]]:
    """Hostile and broken zips."""
    good = make_zip(GOOD)
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    stream = packed.compress(b"a" * 1000) + packed.flush()
    flipped = bytearray(good)
    flipped[45] ^= 0xFF
    link, device, pipe = 0o120777, 0o20666, 0o10644
    return {
        **{
            f"path: {name}": (raw_zip([_RUN_ZIP, ZipMember(path.encode())]), r) for name, (path, r) in BAD_PATHS.items()
        },
        "NUL in a name": (raw_zip([_RUN_ZIP, ZipMember(b"a\0b")]), Refusal.CONTROL),
        "declared UTF-8 that is not": (raw_zip([_RUN_ZIP, ZipMember(b"a\xff", flags=1 << 11)]), Refusal.ENCODING),
        "symbolic link": (raw_zip([_RUN_ZIP, ZipMember(b"a", b"/etc/passwd", mode=link)]), Refusal.LINK),
        "run.sh is a link": (raw_zip([ZipMember(b"run.sh", b"x", mode=link)]), Refusal.LINK),
        "device": (raw_zip([_RUN_ZIP, ZipMember(b"null", mode=device)]), Refusal.DEVICE),
        "pipe": (raw_zip([_RUN_ZIP, ZipMember(b"pipe", mode=pipe)]), Refusal.DEVICE),
        "same name twice": (raw_zip([_RUN_ZIP, ZipMember(b"a", b"1"), ZipMember(b"a", b"2")]), Refusal.DUPLICATE),
        "same name spelt twice": (raw_zip([_RUN_ZIP, ZipMember(b"a/b"), ZipMember(b"a//./b")]), Refusal.DUPLICATE),
        "names that look alike": (
            raw_zip([_RUN_ZIP, ZipMember("é".encode()), ZipMember("e\u0301".encode())]),
            Refusal.LOOKALIKE,
        ),
        "file and folder": (raw_zip([_RUN_ZIP, ZipMember(b"a", b"1"), ZipMember(b"a/b", b"2")]), Refusal.CLASH),
        "file and listed folder": (raw_zip([_RUN_ZIP, ZipMember(b"a/"), ZipMember(b"a", b"2")]), Refusal.CLASH),
        "encrypted": (raw_zip([_RUN_ZIP, ZipMember(b"a", b"1", flags=1)]), Refusal.ENCRYPTED),
        "encrypted (AES)": (raw_zip([_RUN_ZIP, ZipMember(b"a", b"1", method=99)]), Refusal.ENCRYPTED),
        "encrypted in the local header only": (_local_flag(raw_zip([ZipMember(b"run.sh", RUN)])), Refusal.CORRUPT),
        "bzip2 method": (make_zip(GOOD, method=zipfile.ZIP_BZIP2), Refusal.COMPRESSION),
        "lzma method": (make_zip(GOOD, method=zipfile.ZIP_LZMA), Refusal.COMPRESSION),
        "same bytes twice": (raw_zip([_RUN_ZIP, ZipMember(b"run.sh", RUN, at=0)]), Refusal.OVERLAP),
        "overlap": (raw_zip([ZipMember(b"run.sh", RUN, packed=stream), ZipMember(b"x", at=40)]), Refusal.OVERLAP),
        "quine-like overlap into the directory": (_grown(raw_zip([_RUN_ZIP])), Refusal.OVERLAP),
        "bomb": (raw_zip([_RUN_ZIP, ZipMember(b"zeros", bytes(40 << 20))]), Refusal.BOMB),
        "bomb of many": (raw_zip([_RUN_ZIP, *(ZipMember(b"%d" % n, bytes(1 << 20)) for n in range(40))]), Refusal.BOMB),
        "says less than it unpacks to": (
            raw_zip([ZipMember(b"run.sh", RUN), ZipMember(b"a", b"a" * 1000, size=10)]),
            Refusal.CORRUPT,
        ),
        "says more than it unpacks to": (raw_zip([_RUN_ZIP, ZipMember(b"a", b"a", size=1000)]), Refusal.CORRUPT),
        "says it is huge": (raw_zip([_RUN_ZIP, ZipMember(b"a", b"a", size=1 << 31)]), Refusal.BOMB),
        "wrong checksum": (raw_zip([_RUN_ZIP, ZipMember(b"a", b"a", crc=1)]), Refusal.CORRUPT),
        "run.sh's checksum is wrong": (raw_zip([ZipMember(b"run.sh", RUN, crc=1)]), Refusal.CORRUPT),
        "flipped byte": (bytes(flipped), Refusal.CORRUPT),
        "cut data": (raw_zip([_RUN_ZIP, ZipMember(b"a", b"a" * 1000, packed=stream[:-3])]), Refusal.CORRUPT),
        "no deflate data": (raw_zip([_RUN_ZIP, ZipMember(b"a", b"a", packed=b"\xff" * 9)]), Refusal.CORRUPT),
        "another name in the local header": (
            raw_zip([_RUN_ZIP, ZipMember(b"good", b"a", local_name=b"evil")]),
            Refusal.CORRUPT,
        ),
        "another method in the local header": (
            raw_zip([_RUN_ZIP, ZipMember(b"a", b"a", method=0, local_method=8)]),
            Refusal.CORRUPT,
        ),
        "stored with two sizes": (raw_zip([_RUN_ZIP, ZipMember(b"a", b"abc", method=0, size=2)]), Refusal.CORRUPT),
        "header elsewhere": (raw_zip([_RUN_ZIP, ZipMember(b"a", at=3)]), Refusal.OVERLAP),
        "cut at the end": (good[:-30], Refusal.CORRUPT),
        "cut in the middle": (good[: len(good) // 2], Refusal.CORRUPT),
        "something behind it": (good + b"more", Refusal.CORRUPT),
        "directory elsewhere": (raw_zip([_RUN_ZIP], gap=7), Refusal.CORRUPT),
        "says fewer than it has": (raw_zip([_RUN_ZIP, ZipMember(b"a")], count=1), Refusal.CORRUPT),
        "says more than it has": (raw_zip([_RUN_ZIP], count=2), Refusal.CORRUPT),
        "says very many": (raw_zip([_RUN_ZIP], count=60_000), Refusal.TOO_MANY),
        "zip64 to nowhere": (_zip64_to_nowhere(), Refusal.CORRUPT),
        "part of a split zip": (good[:-18] + b"\1\0\1\0" + good[-14:], Refusal.CORRUPT),
        "many": (raw_zip([_RUN_ZIP, *(ZipMember(b"%d" % n) for n in range(10_000))]), Refusal.TOO_MANY),
        "no run.sh": (make_zip({"train.py": b""}), Refusal.NO_RUN_SH),
        "run.sh too deep": (make_zip({"a/b/run.sh": RUN}), Refusal.NO_RUN_SH),
        "run.sh in one of two folders": (make_zip({"a/run.sh": RUN, "b/x": b""}), Refusal.NO_RUN_SH),
        "run.sh is a folder": (make_zip({"run.sh/": b"", "a": b""}), Refusal.NO_RUN_SH),
        "capitals": (make_zip({"Run.sh": RUN}), Refusal.NO_RUN_SH),
        "huge run.sh": (make_zip({"run.sh": RUN * 50_000}), Refusal.RUN_SH_TOO_LARGE),
        "empty zip": (make_zip({}), Refusal.NO_RUN_SH),
    }


def tar_corpus() -> dict[str, tuple[bytes, Refusal]]:
    """Hostile and broken tars, plain; the tests also send each one gzipped."""
    good = make_tar(GOOD)
    sparse = tarfile.TarInfo("big")
    sparse.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "big"}
    negative = b"\xff" * 12
    flipped = bytearray(good)
    flipped[0] ^= 1
    return {
        **{f"path: {name}": (make_tar_of(("run.sh", RUN), (path, b"")), r) for name, (path, r) in BAD_PATHS.items()},
        "no name at all": (_RUN_TAR + tar_block(b"") + TAR_END, Refusal.NO_NAME),
        "NUL in a name": (_pax(b"path=a\0b"), Refusal.CONTROL),
        "not UTF-8": (_RUN_TAR + tar_block(b"a\xff") + TAR_END, Refusal.ENCODING),
        "symbolic link": (make_tar_of(("run.sh", RUN), special("a", tarfile.SYMTYPE, target="/etc")), Refusal.LINK),
        "link, then a file through it": (
            make_tar_of(special("a", tarfile.SYMTYPE, target="/tmp"), ("a/evil", b"x"), ("run.sh", RUN)),
            Refusal.LINK,
        ),
        "hard link": (make_tar_of(("run.sh", RUN), special("a", tarfile.LNKTYPE, target="run.sh")), Refusal.LINK),
        "run.sh is a link": (make_tar_of(special("run.sh", tarfile.SYMTYPE, target="x.sh")), Refusal.LINK),
        "character device": (make_tar_of(("run.sh", RUN), special("null", tarfile.CHRTYPE)), Refusal.DEVICE),
        "block device": (make_tar_of(("run.sh", RUN), special("sda", tarfile.BLKTYPE)), Refusal.DEVICE),
        "pipe": (make_tar_of(("run.sh", RUN), special("pipe", tarfile.FIFOTYPE)), Refusal.DEVICE),
        "same name twice": (make_tar_of(("run.sh", RUN), ("a", b"1"), ("a", b"2")), Refusal.DUPLICATE),
        "run.sh twice": (make_tar_of(("run.sh", RUN), ("./run.sh", b"evil")), Refusal.DUPLICATE),
        "names that look alike": (make_tar_of(("run.sh", RUN), ("é", b""), ("e\u0301", b"")), Refusal.LOOKALIKE),
        "file and folder": (make_tar_of(("run.sh", RUN), ("a", b"1"), ("a/b", b"2")), Refusal.CLASH),
        "file and folder, apart": (
            make_tar_of(("run.sh", RUN), ("a/b/c", b"1"), ("a-", b""), ("a/b", b"2"), ("a!", b"")),
            Refusal.CLASH,
        ),
        "folder and file": (
            make_tar_of(("run.sh", RUN), special("a", tarfile.DIRTYPE), ("a", b"2")),
            Refusal.CLASH,
        ),
        "sparse (pax)": (make_tar_of(("run.sh", RUN), sparse), Refusal.SPARSE),
        "sparse (gnu)": (_RUN_TAR + tar_block(b"big", flag=b"S") + TAR_END, Refusal.SPARSE),
        "unknown kind": (_RUN_TAR + tar_block(b"a", flag=b"Z") + TAR_END, Refusal.CORRUPT),
        "negative size": (_RUN_TAR + tar_block(b"a", size_field=negative) + TAR_END, Refusal.CORRUPT),
        "gigantic size": (_RUN_TAR + tar_block(b"a", size_field=b"\x80" + b"\xff" * 11) + TAR_END, Refusal.CORRUPT),
        "size is no number": (_RUN_TAR + tar_block(b"a", size_field=b"0x99".ljust(12)) + TAR_END, Refusal.CORRUPT),
        "size beyond the end": (_RUN_TAR + tar_block(b"a", size=1 << 20) + TAR_END, Refusal.CORRUPT),
        "pax size beyond the end": (_pax(b"size=99999999999999"), Refusal.CORRUPT),
        "pax size is no number": (_pax(b"size=-1"), Refusal.CORRUPT),
        "pax record without an end": (
            _RUN_TAR + tar_block(b"p", size=9, flag=b"x") + padded(b"99 path=a"),
            Refusal.CORRUPT,
        ),
        "pax record of no length": (
            _RUN_TAR + tar_block(b"p", size=9, flag=b"x") + padded(b"0 path=aa"),
            Refusal.CORRUPT,
        ),
        "pax header without numbers": (_RUN_TAR + tar_block(b"p", size=512, flag=b"x") + b"a" * 512, Refusal.CORRUPT),
        "huge pax header": (_RUN_TAR + tar_block(b"p", size=2 << 20, flag=b"x") + bytes(2 << 20), Refusal.CORRUPT),
        "huge long name": (_RUN_TAR + tar_block(b"p", size=2 << 20, flag=b"L") + b"a" * (2 << 20), Refusal.CORRUPT),
        "wrong checksum inside": (_RUN_TAR + b"x" * 512 + TAR_END, Refusal.CORRUPT),
        "cut in a file": (good[:3000], Refusal.CORRUPT),
        "cut at a file's end": (_RUN_TAR, Refusal.CORRUPT),
        "flipped byte at the start": (bytes(flipped), Refusal.UNKNOWN_FORMAT),
        "many": (make_tar_of(("run.sh", RUN), *((f"{n}", b"") for n in range(10_000))), Refusal.TOO_MANY),
        "many headers for nothing": (tar_block(b"", flag=b"g") * 40_001 + TAR_END, Refusal.TOO_MANY),
        "no run.sh": (make_tar({"train.py": b""}), Refusal.NO_RUN_SH),
        "run.sh too deep": (make_tar({"a/b/run.sh": RUN}), Refusal.NO_RUN_SH),
        "capitals": (make_tar({"RUN.SH": RUN}), Refusal.NO_RUN_SH),
        "huge run.sh": (make_tar({"run.sh": RUN * 50_000}), Refusal.RUN_SH_TOO_LARGE),
        "empty tar": (make_tar({}), Refusal.NO_RUN_SH),
    }


def other_corpus() -> dict[str, tuple[bytes, Refusal]]:
    """What is no archive, and what is wrong with the gzip layer."""
    good = make_tar_gz(GOOD)
    flipped = bytearray(good)
    flipped[-6] ^= 1
    huge = gzip.compress(make_tar({"run.sh": RUN, "zeros": bytes(40 << 20)}))
    return {
        "nothing": (b"", Refusal.EMPTY),
        "one byte": (b"P", Refusal.UNKNOWN_FORMAT),
        "text": (b"#!/bin/bash\necho this is run.sh itself\n" * 40, Refusal.UNKNOWN_FORMAT),
        "bzip2": (bz2.compress(make_tar(GOOD)), Refusal.UNKNOWN_FORMAT),
        "xz": (lzma.compress(make_tar(GOOD)), Refusal.UNKNOWN_FORMAT),
        "zstd": (b"\x28\xb5\x2f\xfd" + bytes(100), Refusal.UNKNOWN_FORMAT),
        "7-Zip": (b"7z\xbc\xaf\x27\x1c" + bytes(100), Refusal.UNKNOWN_FORMAT),
        "RAR": (b"Rar!\x1a\x07\x00" + bytes(100), Refusal.UNKNOWN_FORMAT),
        "gzip of a text": (gzip.compress(RUN), Refusal.UNKNOWN_FORMAT),
        "gzip of a zip": (gzip.compress(make_zip(GOOD)), Refusal.UNKNOWN_FORMAT),
        "gzip of a gzip": (gzip.compress(good), Refusal.UNKNOWN_FORMAT),
        "gzip of nothing": (gzip.compress(b""), Refusal.UNKNOWN_FORMAT),
        "gzip, cut": (good[:-5], Refusal.CORRUPT),
        "gzip, wrong checksum": (bytes(flipped), Refusal.CORRUPT),
        "gzip, damaged": (good[:30] + b"\xff" * 8 + good[38:], Refusal.CORRUPT),
        "gzip, something behind": (good + b"more", Refusal.CORRUPT),
        "gzip, something behind zeros": (good + bytes(8) + b"more", Refusal.CORRUPT),
        "gzip, half a magic behind": (good + b"\x1f", Refusal.CORRUPT),
        "bomb": (huge, Refusal.BOMB),
        "bomb in many members": (gzip.compress(bytes(4 << 20)) * 12, Refusal.BOMB),
    }


def _pax(record: bytes) -> bytes:
    """run.sh, and a file about which a pax header says that."""
    length = len(record) + 3
    length += len(str(length)) - 1
    data = b"%d %s\n" % (length, record)
    return _RUN_TAR + tar_block(b"pax", size=len(data), flag=b"x") + padded(data) + tar_block(b"a") + TAR_END


def _local_flag(archive: bytes) -> bytes:
    return archive[:6] + b"\1\0" + archive[8:]


def _grown(archive: bytes) -> bytes:
    """The last file says that it reaches into the central directory."""
    at = archive.index(b"PK\x01\x02") + 20
    size = struct.unpack_from("<L", archive, at)[0] + 20
    return archive[:at] + struct.pack("<L", size) + archive[at + 4 :]


def _zip64_to_nowhere() -> bytes:
    buffer = io.BytesIO(raw_zip([_RUN_ZIP]))
    archive = buffer.getvalue()
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 1 << 63, 1)
    return archive[:-22] + locator + archive[-22:]
