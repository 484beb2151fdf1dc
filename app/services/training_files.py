"""The files that a training left in its log and model directories: listed, looked into, downloaded.

They were written by the training's own program, so nothing about them is trusted. TaaS never changes or removes them.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from app.db import trainings
from app.db.engine import Database
from app.domain.access import Principal
from app.domain.npy_head import ArrayHead, NotArrays, npy_head, npz_heads
from app.domain.training import StorageMount
from app.domain.training_files import Folder, parts_of
from app.errors import NotFound
from app.services.file_listing import listed
from app.services.no_links import FolderMissing, opened_file
from app.services.project_folders import mounted_root
from app.services.trainings import unknown_training
from app.storage import CHUNK, StorageUnavailable

TEXT_BYTES = 256 * 1024
ANSWER_SECONDS = 20.0
"""A mount whose server has gone does not answer at all."""
_THREADS = 8
_T = TypeVar("_T")


class FilesUnseen(NotFound):
    """The training has no storage, or TaaS does not see it."""

    code = "files_unseen"
    title = "TaaS cannot see these files"


@dataclass(frozen=True, slots=True)
class Preview:
    """What is known of a file from its beginning: its text (`cut`: there is more), or the arrays in it (of `total`).

    `problem`: why it could not be read as what its name says.
    """

    size: int
    text: str | None = None
    cut: bool = False
    arrays: tuple[ArrayHead, ...] = ()
    total: int = 0
    problem: str = ""


class TrainingFiles:
    """Everybody may look at the files of every training, as at its record."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Threads of its own: when a mount hangs, nothing else does.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="files")

    async def folder(
        self, principal: Principal, training_id: UUID, path: str, *, after: str | None = None, most: int = 100
    ) -> Folder:
        """Part of the folder `path`, behind the name `after`. A directory that no task has made (yet) is empty.

        Raises `NotFound` (of it `FilesUnseen`), `InvalidInput` for a path that is not one, and `StorageUnavailable`.
        """
        parts = parts_of(path)
        root, above = await self._place(training_id)
        try:
            return await self._run(lambda: listed(root, _below(above, parts), path, after=after, most=most), path)
        except FolderMissing as exc:
            if len(parts) == 1:
                return Folder((), None, truncated=False)
            raise _missing(path) from exc

    async def preview(self, principal: Principal, training_id: UUID, path: str) -> Preview:
        """What is in the file `path`, from its beginning. Raises as `folder`."""
        parts = parts_of(path)
        root, above = await self._place(training_id)
        try:
            return await self._run(lambda: _look(root, _below(above, parts)), path)
        except FolderMissing as exc:
            raise _missing(path) from exc

    async def download(self, principal: Principal, training_id: UUID, path: str) -> tuple[int, AsyncIterator[bytes]]:
        """The size of the file `path`, and its bytes, piece by piece. Raises as `folder`, before the first piece."""
        parts = parts_of(path)
        root, above = await self._place(training_id)
        try:
            size = await self._run(lambda: _size(root, _below(above, parts)), path)
        except FolderMissing as exc:
            raise _missing(path) from exc
        return size, self._pieces(root, _below(above, parts), size, path)

    async def _pieces(self, root: Path, parts: tuple[str, ...], size: int, path: str) -> AsyncIterator[bytes]:
        """As long as the file was at first, whatever is written to it meanwhile."""
        descriptor = await self._run(lambda: opened_file(root, parts), path)
        at = 0
        try:
            while at < size:
                piece = await self._run(partial(os.pread, descriptor, min(CHUNK, size - at), at), path)
                if not piece:
                    raise StorageUnavailable(f"{path} became shorter while it was read.")
                at += len(piece)
                yield piece
        finally:
            os.close(descriptor)

    async def _place(self, training_id: UUID) -> tuple[Path, tuple[str, ...]]:
        """The storage's root, and the parts of the project's folder and the training's number."""
        async with self._database.read() as connection:
            record = await trainings.by_id(connection, training_id)
        if record is None:
            raise unknown_training(training_id)
        mount = record.training.spec.storage
        if mount is None:
            raise FilesUnseen("Its project names no storage: what its tasks wrote is gone with them.")
        return _root(mount), (mount.folder, str(record.training.number))

    async def _run(self, work: Callable[[], _T], path: str) -> _T:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await loop.run_in_executor(self._threads, work)
        except TimeoutError as exc:
            raise StorageUnavailable("The storage does not answer; it may be a mount whose server is gone.") from exc
        except FolderMissing:
            raise
        except OSError as exc:
            if exc.errno in _NOT_THERE:
                raise _missing(path) from exc
            raise StorageUnavailable(f"{path} cannot be read: {exc.strerror}.") from exc


def _root(mount: StorageMount) -> Path:
    root = mounted_root(mount)
    if root is None:
        raise FilesUnseen(
            f"TaaS does not see the storage {mount.name}. An admin can tell it where it is mounted (taas_path)."
        )
    return root


def _below(above: tuple[str, ...], parts: tuple[str, ...]) -> tuple[str, ...]:
    """`models/x` of training 17 lies in `<project>/models/17/x`."""
    folder, number = above
    return (*Path(folder).parts, parts[0], number, *parts[1:])


def _look(root: Path, parts: tuple[str, ...]) -> Preview:
    descriptor = opened_file(root, parts)
    with os.fdopen(descriptor, "rb") as file:
        size = os.fstat(descriptor).st_size
        try:
            if parts[-1].endswith(".npz"):
                heads, total = npz_heads(file)
                return Preview(size, arrays=tuple(heads), total=total)
            data = file.read(TEXT_BYTES)
            if parts[-1].endswith(".npy"):
                return Preview(size, arrays=(npy_head(data, parts[-1].removesuffix(".npy")),), total=1)
        except NotArrays as exc:
            return Preview(size, problem=f"This is no file of NumPy's: {exc}.")
    if b"\0" in data:
        return Preview(size)
    text = data.decode("utf-8", "replace")
    # A few are forgiven, such as the character that was cut through.
    is_text = text.count("\ufffd") <= len(text) // 100 + 1
    return Preview(size, text=text, cut=size > len(data)) if is_text else Preview(size)


def _size(root: Path, parts: tuple[str, ...]) -> int:
    descriptor = opened_file(root, parts)
    try:
        return os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)


def _missing(path: str) -> NotFound:
    return NotFound(f"There is no {path} among the files of this training: links and devices are not opened.")


# ELOOP: a link; ENXIO: a pipe or a socket.
_NOT_THERE = {errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO}
