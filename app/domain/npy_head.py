"""What arrays a file of NumPy's formats holds, read without NumPy and without trusting it: only heads are looked at."""

from __future__ import annotations

import ast
import struct
import zipfile
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import IO

ARRAYS_MAX = 200
_HEAD_MAX = 16 * 1024
_MAGIC = b"\x93NUMPY"
_READ_MAX = 8 * 1024 * 1024


class NotArrays(ValueError):
    """The file is not what its name says, or is made to mislead."""


@dataclass(frozen=True, slots=True)
class ArrayHead:
    name: str
    dtype: str
    shape: tuple[int, ...]


def npy_head(data: bytes, name: str = "") -> ArrayHead:
    """From the first bytes of a `.npy`. Raises NotArrays."""
    if data[:6] != _MAGIC or len(data) < 12:
        raise NotArrays("it does not begin as NumPy's files do")
    start, length = (
        (10, struct.unpack("<H", data[8:10])[0]) if data[6] == 1 else (12, struct.unpack("<I", data[8:12])[0])
    )
    if length > _HEAD_MAX or len(data) < start + length:
        raise NotArrays("its head is too long")
    try:
        head = ast.literal_eval(data[start : start + length].decode("latin-1").strip())
        shape = tuple(int(size) for size in head["shape"])
        return ArrayHead(name, str(head["descr"])[:200], shape)
    except (ValueError, ArithmeticError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError) as exc:
        raise NotArrays("its head cannot be read") from exc


def npz_heads(file: IO[bytes]) -> tuple[list[ArrayHead], int]:
    """Of a seekable `.npz`: the first arrays, and how many there are. Raises NotArrays, and OSError."""
    try:
        with zipfile.ZipFile(_Bounded(file)) as archive:
            names = [entry for entry in archive.infolist() if entry.filename.endswith(".npy")]
            return [_head(archive, entry) for entry in names[:ARRAYS_MAX]], len(names)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, struct.error) as exc:
        raise NotArrays(f"it is not a sound zip file ({exc})") from exc


def _head(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> ArrayHead:
    with archive.open(entry) as member:
        return npy_head(member.read(_HEAD_MAX + 12), entry.filename.removesuffix(".npy"))


class _Bounded(BytesIO):
    """A file of which only so much may be read in all: a directory of a million entries is not looked through."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self._left = _READ_MAX

    def read(self, size: int | None = -1) -> bytes:
        data = self._file.read(min(self._left + 1, size) if size is not None and size >= 0 else self._left + 1)
        self._left -= len(data)
        if self._left < 0:
            raise NotArrays("it holds more than can be looked through here")
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()
