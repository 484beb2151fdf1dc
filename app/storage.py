"""The object store: bundles, log archives and whatever else is too large for a row.

Keys are relative paths such as `bundles/<sha256>.tar.gz`. An object appears whole or not at all, and writing a key
again replaces it whole, so readers never meet half of one. fsspec is synchronous, so every call runs in a thread.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import fsspec
from fsspec.implementations.local import LocalFileSystem

from app.errors import NotFound, TaasError, Unavailable

CHUNK = 256 * 1024
# Part files of interrupted writes live here; they are never listed as objects and old ones are swept.
PARTS = ".parts"
# These publish an object only when its upload is complete; everywhere else a rename does it.
ATOMIC_PUT = {"s3", "s3a", "gs", "gcs", "abfs", "az", "memory"}

_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._=@+-]{0,200}")
_T = TypeVar("_T")


class ObjectMissing(NotFound):
    """There is no object under that key."""

    code = "object_missing"
    title = "Not in storage"


class StorageUnavailable(Unavailable):
    """The store refused or did not answer."""

    code = "storage_unavailable"
    title = "Storage unavailable"


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One object of a listing; `size` in bytes, `modified` as the store says (None where it does not)."""

    key: str
    size: int
    modified: datetime | None


class ObjectStore:
    """Objects under one fsspec URL, such as `file:///srv/taas/objects` or `s3://bucket/taas`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._fs, root = fsspec.core.url_to_fs(url)
        self._root = str(root).rstrip("/")
        self._local = isinstance(self._fs, LocalFileSystem)

    async def put_file(self, key: str, source: Path | BinaryIO) -> None:
        """Store a file's bytes: a path, or a seekable open file which is read from its start."""
        path = self._path(key)
        await self._run(self._put, path, source)

    async def put_bytes(self, key: str, data: bytes) -> None:
        path = self._path(key)
        await self._run(self._put, path, BytesIO(data))

    async def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """The bytes from `start`, at most `length` of them (to the end when None). Past the end: nothing."""
        path = self._path(key)
        return await self._run(self._read, path, start, length)

    async def stream(self, key: str, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """The same bytes in pieces of at most `CHUNK`, for objects that need not fit in memory."""
        handle = await self.open(key)
        try:
            await self._run(handle.seek, start)
            left = length
            while left is None or left > 0:
                piece: bytes = await self._run(handle.read, CHUNK if left is None else min(CHUNK, left))
                if not piece:
                    return
                left = None if left is None else left - len(piece)
                yield piece
        finally:
            handle.close()

    async def open(self, key: str) -> BinaryIO:
        """A seekable reader for use in threads; the caller closes it."""
        path = self._path(key)
        handle: BinaryIO = await self._run(self._open, path)
        return handle

    async def exists(self, key: str) -> bool:
        path = self._path(key)
        return bool(await self._run(self._fs.isfile, path))

    async def size(self, key: str) -> int:
        """Bytes stored under the key."""
        path = self._path(key)
        info = await self._run(self._fs.info, path)
        return int(info["size"])

    async def delete(self, key: str) -> None:
        """Remove an object; one that is not there is fine."""
        path = self._path(key)
        with suppress(ObjectMissing):
            await self._run(self._fs.rm_file, path)

    async def delete_folder(self, prefix: str) -> None:
        """Remove every object whose key lies under the folder `prefix`, and the folder; none there is fine."""
        path = self._path(prefix.rstrip("/"))
        with suppress(ObjectMissing):
            await self._run(self._remove_tree, path)
        if await self.list(prefix):
            raise StorageUnavailable(f"Not all of {prefix} could be removed.")

    async def move(self, key: str, to: str) -> None:
        """Rename an object, replacing what has the new key. Raises `ObjectMissing`."""
        source, target = self._path(key), self._path(to)
        await self._run(self._move, source, target)

    async def list(self, prefix: str) -> list[ObjectInfo]:
        """Every object whose key lies under the folder `prefix` (`logs/<id>`), sorted by key."""
        path = self._path(prefix.rstrip("/"))
        try:
            found: dict[str, dict[str, Any]] = await self._run(self._find, path)
        except ObjectMissing:
            return []
        infos = (
            ObjectInfo(name.removeprefix(self._root + "/"), int(info["size"]), _modified(info))
            for name, info in found.items()
        )
        return sorted(infos, key=lambda info: info.key)

    def _path(self, key: str) -> str:
        if not all(_SEGMENT.fullmatch(segment) for segment in key.split("/")):
            raise ValueError(f"not an object key: {key!r}")
        return f"{self._root}/{key}"

    async def _run(self, function: Callable[..., _T], *args: Any) -> _T:
        try:
            return await asyncio.to_thread(function, *args)
        except FileNotFoundError as exc:
            raise ObjectMissing("That object is not in the storage (any more).") from exc
        except TaasError:
            raise
        except OSError as exc:
            raise StorageUnavailable(f"The storage at {self._fs.protocol} did not do it: {exc}.") from exc

    def _put(self, path: str, source: Path | BinaryIO) -> None:
        if isinstance(source, Path):
            with source.open("rb") as opened:
                return self._put(path, opened)
        source.seek(0)
        if self._local:
            return self._put_local(Path(path), source)
        if _protocols(self._fs) & ATOMIC_PUT:
            return self._copy(source, path)
        part = f"{self._root}/{PARTS}/{uuid.uuid4().hex}"
        self._fs.makedirs(f"{self._root}/{PARTS}", exist_ok=True)
        try:
            self._copy(source, part)
            self._move(part, path)
        except BaseException:
            with suppress(OSError):
                self._fs.rm_file(part)
            raise

    def _put_local(self, path: Path, source: BinaryIO) -> None:
        """Write beside, flush to the disk, rename: after a power cut a row never points at a torn object."""
        part = Path(self._root) / PARTS / uuid.uuid4().hex
        part.parent.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("xb") as target:
                shutil.copyfileobj(source, target, CHUNK)
                target.flush()
                os.fsync(target.fileno())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)

    def _move(self, source: str, target: str) -> None:
        if self._local:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            Path(source).replace(target)
            return
        self._fs.makedirs(target.rpartition("/")[0], exist_ok=True)
        if self._fs.exists(target):
            self._fs.rm_file(target)
        self._fs.mv(source, target)

    def _copy(self, source: BinaryIO, path: str) -> None:
        with self._fs.open(path, "wb") as target:
            shutil.copyfileobj(source, target, CHUNK)

    def _read(self, path: str, start: int, length: int | None) -> bytes:
        with self._open(path) as handle:
            handle.seek(start)
            return handle.read(-1 if length is None else length)

    def _remove_tree(self, path: str) -> None:
        self._fs.invalidate_cache()
        self._fs.rm(path, recursive=True)

    def _open(self, path: str) -> BinaryIO:
        handle: BinaryIO = self._fs.open(path, "rb")
        return handle

    def _find(self, path: str) -> dict[str, dict[str, Any]]:
        # A listing kept by fsspec could be older than the objects it is asked about.
        self._fs.invalidate_cache()
        found: dict[str, dict[str, Any]] = self._fs.find(path, detail=True)
        return found


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _protocols(fs: Any) -> set[str]:
    return {fs.protocol} if isinstance(fs.protocol, str) else set(fs.protocol)


def _modified(info: dict[str, Any]) -> datetime | None:
    value = next((info[name] for name in ("mtime", "LastModified", "modified", "created") if name in info), None)
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, tz=UTC)
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return None
