"""Bundles in the object store: written before any row names them, read for views, and collected when none does."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from app.db import algorithms
from app.db.engine import Database
from app.domain.algorithm import Bundle, FileEntry, bundle_key
from app.domain.bundle.canonical import canonicalise
from app.domain.bundle.entries import PIECE
from app.domain.bundle.limits import Limits
from app.services.uploads import Form, scratch_file
from app.storage import ObjectInfo, ObjectMissing, ObjectStore, StorageUnavailable

# Making a bundle keeps a core busy for a while: two at a time leave room for everything else.
_AT_A_TIME = 2
_COLLECTING = "collecting"
_BATCH = 500
_DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error)


class BundleStore:
    """Everything that is done with the bytes of bundles."""

    def __init__(self, database: Database, storage: ObjectStore, scratch: Path, limits: Limits) -> None:
        self._database = database
        self._storage = storage
        self._scratch = scratch
        self._limits = limits
        self._slots = asyncio.Semaphore(_AT_A_TIME)

    async def make(self, form: Form) -> Bundle:
        """Turn what was uploaded into a bundle and store it. Raises what refuses an upload."""
        with scratch_file(self._scratch) as target:
            async with self._slots:
                bundle = await asyncio.to_thread(_canonicalised, form, target, self._limits)
            await self._storage.put_file(bundle_key(bundle.digest), target)
            return bundle

    async def confirm(self, form: Form, bundle: Bundle) -> None:
        """After the row is committed: a collection that began before it may have taken the object away meanwhile."""
        if not await self._storage.exists(bundle_key(bundle.digest)):
            await self.make(form)

    async def archive(self, digest: str) -> tuple[int, AsyncIterator[bytes]]:
        """The tar.gz: its size and its bytes."""
        key = bundle_key(digest)
        return await self._storage.size(key), self._storage.stream(key)

    async def file(self, digest: str, entry: FileEntry, length: int | None = None) -> AsyncIterator[bytes]:
        """The first `length` bytes of one file (all of them when None), in pieces."""
        left = entry.size if length is None else min(length, entry.size)
        handle = await self._storage.open(bundle_key(digest))
        with handle:
            opened = await asyncio.to_thread(_opened_at, handle, entry.offset)
            while left > 0:
                piece = await asyncio.to_thread(_read, opened, min(left, PIECE))
                left -= len(piece)
                yield piece

    async def digests(self, digest: str, entries: Sequence[FileEntry]) -> dict[str, str]:
        """The SHA-256 of some files of a bundle, by path, in one pass over it."""
        if not entries:
            return {}
        with await self._storage.open(bundle_key(digest)) as handle:
            return await asyncio.to_thread(_digests, handle, sorted(entries, key=lambda entry: entry.offset))

    async def collect(self, digests: Sequence[str]) -> int:
        """Delete the bundles among these that no version has; how many that were.

        An object is first put aside and then the rows are asked: whoever commits a row later finds it missing and
        writes it again (`confirm`), so none is lost that somebody has just uploaded anew.
        """
        collected = 0
        for start in range(0, len(digests), _BATCH):
            batch = digests[start : start + _BATCH]
            unused = await self._unused(batch)
            for digest in unused:
                collected += await self._collect(digest)
        return collected

    async def collect_orphans(self, before: datetime) -> int:
        """Delete every bundle without a row that was written before `before`: crashed uploads leave such."""
        for aside in await self._storage.list(_COLLECTING):
            await self._settle(aside.key.rpartition("/")[2])
        return await self.collect([_digest_of(info) for info in await self._written_before(before)])

    async def orphans(self, before: datetime) -> list[ObjectInfo]:
        """What `collect_orphans` would delete, as far as it is not being deleted already."""
        old = {_digest_of(info): info for info in await self._written_before(before)}
        digests = list(old)
        unused = [await self._unused(digests[start : start + _BATCH]) for start in range(0, len(digests), _BATCH)]
        return [old[digest] for batch in unused for digest in batch]

    async def _written_before(self, before: datetime) -> list[ObjectInfo]:
        objects = await self._storage.list("bundles")
        return [info for info in objects if info.modified is None or info.modified < before]

    async def _collect(self, digest: str) -> bool:
        try:
            await self._storage.move(bundle_key(digest), f"{_COLLECTING}/{digest}")
        except ObjectMissing:
            return False
        return await self._settle(digest)

    async def _settle(self, digest: str) -> bool:
        """Decide about an object that was put aside; true when it is gone."""
        aside = f"{_COLLECTING}/{digest}"
        if not await self._unused([digest]):
            with suppress(ObjectMissing):  # whoever settles the same one at the same time was faster
                await self._storage.move(aside, bundle_key(digest))
            return False
        await self._storage.delete(aside)
        return True

    async def _unused(self, digests: Sequence[str]) -> set[str]:
        async with self._database.read() as connection:
            return await algorithms.unused_digests(connection, digests)


def _digest_of(info: ObjectInfo) -> str:
    return info.key.rpartition("/")[2].removesuffix(".tar.gz")


def _canonicalised(form: Form, target: BinaryIO, limits: Limits) -> Bundle:
    return canonicalise(form.entries(), target, limits)


def _opened_at(handle: BinaryIO, offset: int) -> gzip.GzipFile:
    opened = gzip.GzipFile(fileobj=handle)
    try:
        opened.seek(offset)
    except _DAMAGE as exc:
        raise _damaged() from exc
    return opened


def _digests(handle: BinaryIO, entries: Sequence[FileEntry]) -> dict[str, str]:
    opened = _opened_at(handle, 0)
    found = {}
    for entry in entries:
        digest, left = sha256(), entry.size
        try:
            opened.seek(entry.offset)
        except _DAMAGE as exc:
            raise _damaged() from exc
        while left > 0:
            piece = _read(opened, min(left, PIECE))
            digest.update(piece)
            left -= len(piece)
        found[entry.path] = digest.hexdigest()
    return found


def _read(opened: gzip.GzipFile, length: int) -> bytes:
    try:
        piece = opened.read(length)
    except _DAMAGE as exc:
        raise _damaged() from exc
    if not piece:
        raise _damaged()
    return piece


def _damaged() -> StorageUnavailable:
    return StorageUnavailable("The stored bundle is damaged: restore the object store from a backup.")
