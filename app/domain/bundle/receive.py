"""Taking in an upload while it streams: into one bounded scratch file, without its gzip layer if it has one.

The limits are enforced on every chunk, so an endless body or a bomb is refused after the first bytes that are too many.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from app.domain.bundle.entries import PIECE, Entry, Kind, Scratch
from app.domain.bundle.limits import Limits
from app.domain.bundle.refusals import Refusal, refuse, size_text
from app.domain.bundle.tar import BLOCK, looks_like_tar, tar_entries
from app.domain.bundle.zip import looks_like_zip, zip_entries

_SLICE = 64 * 1024
_GZIP = b"\x1f\x8b"
_OTHERS = {
    b"BZh": "This is a bzip2 file",
    b"\xfd7zXZ": "This is an xz file",
    b"\x28\xb5\x2f\xfd": "This is a zstd file",
    b"7z\xbc\xaf": "This is a 7-Zip archive",
    b"Rar!": "This is a RAR archive",
}


class ArchiveReceiver:
    """One archive, written to `scratch` chunk by chunk; its kind is told by its first bytes, never by its name."""

    def __init__(self, scratch: BinaryIO, limits: Limits) -> None:
        self._scratch = scratch
        self._limits = limits
        self._gunzip: _Gunzip | None = None
        self._start = b""
        self._received = 0
        self._kept = 0

    def write(self, chunk: bytes) -> None:
        """Take the next bytes of the upload."""
        if len(self._start) < len(_GZIP):
            self._start += chunk
            if len(self._start) < len(_GZIP):
                return
            if self._start.startswith(_GZIP):
                self._gunzip = _Gunzip()
            chunk = self._start
        # A little at a time: what it unpacks to is compared with what has been read, not with what will be.
        for start in range(0, len(chunk), _SLICE):
            self._take(chunk[start : start + _SLICE])

    def entries(self) -> Iterator[Entry]:
        """After the last byte: the members of the archive."""
        if len(self._start) < len(_GZIP):
            self._take(self._start)
        if self._received == 0:
            raise refuse(Refusal.EMPTY)
        if self._gunzip:
            self._gunzip.close()
        scratch = Scratch(self._scratch, self._kept)
        start = scratch.read(0, min(BLOCK, self._kept))
        if looks_like_tar(start):
            return tar_entries(scratch, self._limits)
        if self._gunzip:
            raise refuse(Refusal.UNKNOWN_FORMAT, detail="This is a gzip file, but there is no tar inside")
        if looks_like_zip(start):
            return zip_entries(scratch, self._limits)
        known = next((text for magic, text in _OTHERS.items() if start.startswith(magic)), "This is not an archive")
        raise refuse(Refusal.UNKNOWN_FORMAT, detail=known)

    def _take(self, chunk: bytes) -> None:
        self._received += len(chunk)
        for piece in self._gunzip.feed(chunk) if self._gunzip else (chunk,):
            self._kept += len(piece)
            if self._kept > self._limits.max_archive_bytes:
                raise refuse(Refusal.TOO_LARGE, limit=size_text(self._limits.max_bytes))
            if self._limits.is_bomb(self._kept, self._received):
                raise refuse(Refusal.BOMB, limit=f"{self._limits.max_ratio:,}")
            self._scratch.write(piece)


class FolderReceiver:
    """The files of a folder, one after the other."""

    def __init__(self, scratch: BinaryIO, limits: Limits) -> None:
        self._scratch = scratch
        self._limits = limits
        self._files: list[tuple[str, int]] = []
        self._kept = 0

    def begin(self, name: str) -> None:
        """The next bytes belong to the file with this path."""
        if len(self._files) >= self._limits.max_entries:
            raise refuse(Refusal.TOO_MANY, limit=f"{self._limits.max_entries:,}")
        if len(name) > self._limits.max_path_bytes:
            raise refuse(Refusal.TOO_LONG, path=name, limit=f"{self._limits.max_path_bytes:,} bytes")
        self._files.append((name, self._kept))

    def write(self, chunk: bytes) -> None:
        """Take the next bytes of the present file."""
        self._kept += len(chunk)
        if self._kept > self._limits.max_bytes:
            raise refuse(Refusal.TOO_LARGE, limit=size_text(self._limits.max_bytes))
        self._scratch.write(chunk)

    def entries(self) -> Iterator[Entry]:
        """After the last file: all of them. Browsers do not tell which are executable."""
        if not self._files:
            raise refuse(Refusal.EMPTY)
        scratch = Scratch(self._scratch, self._kept)
        ends = [start for _, start in self._files[1:]] + [self._kept]
        for (name, start), end in zip(self._files, ends, strict=True):
            content = partial(scratch.pieces, start, end - start)
            yield Entry(name, Kind.FILE, end - start, False, content)


class _Gunzip:
    """gzip's members one after the other, then nothing but zeros; output in bounded pieces."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._padding = False
        self._between = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._inflate.eof:
                data = self._next_member(data)
                continue
            piece = self._decompress(data)
            data = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
            if piece:
                yield piece
            if not data and not self._inflate.eof:
                yield from self._held_back()

    def close(self) -> None:
        if not self._inflate.eof or self._between:
            raise refuse(Refusal.CORRUPT, detail="its gzip data is cut off")

    def _held_back(self) -> Iterator[bytes]:
        """What the decompressor could not hand out within the size of a piece."""
        while piece := self._decompress(b""):
            yield piece

    def _decompress(self, data: bytes) -> bytes:
        try:
            return self._inflate.decompress(data, PIECE)
        except zlib.error:
            raise refuse(Refusal.CORRUPT, detail="its gzip data cannot be decompressed") from None

    def _next_member(self, data: bytes) -> bytes:
        data, self._between = self._between + data, b""
        if self._padding or data[0] == 0:
            self._padding = True
            if data.strip(b"\0"):
                raise refuse(Refusal.CORRUPT, detail="something follows its gzip data")
            return b""
        if len(data) < len(_GZIP):
            self._between = data
            return b""
        if not data.startswith(_GZIP):
            raise refuse(Refusal.CORRUPT, detail="something follows its gzip data")
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
        return data
