"""All logs of a training as one zip file, made while it is sent: memory does not grow with the logs."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from io import RawIOBase
from typing import IO
from uuid import UUID

from app.db import log_reading
from app.db.engine import Database
from app.domain.access import Principal
from app.domain.log import LogInfo
from app.services.log_bytes import LogBytes
from app.services.log_choice import LogRemoved, Which
from app.services.logs import LogService
from app.storage import ObjectStore

_QUICK = 3
"""Of deflate's nine: text shrinks nearly as much, in a third of the time."""


class LogDownload:
    """Everybody may download every log."""

    def __init__(self, database: Database, storage: ObjectStore, logs: LogService) -> None:
        self._database = database
        self._logs = logs
        self._bytes = LogBytes(database, storage, cache_bytes=0)

    async def zipped(self, principal: Principal, training_id: UUID) -> tuple[str, AsyncIterator[bytes]]:
        """What to call the zip, and its bytes.

        One file a try: `worker-0.log`, of later tries `worker-0.try2.log`, to the byte as they are now.
        What is wrong is raised at once, before the first byte is asked for: `NotFound`, `LogRemoved`.
        """
        logs = await self._logs.tries(principal, training_id, Which())
        if any(log.removed for log in logs):
            raise LogRemoved
        async with self._database.read() as connection:
            whose = await log_reading.whose(connection, training_id)
        return f"{whose}-logs.zip", self._stream(logs)

    async def _stream(self, logs: Sequence[LogInfo]) -> AsyncIterator[bytes]:
        sent = _Sent()
        archive = zipfile.ZipFile(sent, "w", zipfile.ZIP_DEFLATED, compresslevel=_QUICK)
        now = datetime.now(UTC).timetuple()[:6]
        for log in logs:
            entry = zipfile.ZipInfo(_name(log), now)
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as file:
                # No further than it was when this began: a log that is written faster than it is read has an end too.
                async for piece in self._bytes.pieces(log.attempt_id, 0, log.readable):
                    await asyncio.to_thread(file.write, piece)
                    if waiting := sent.take():
                        yield waiting
        archive.close()
        yield sent.take()


def _name(log: LogInfo) -> str:
    return f"{log.key}.log" if log.attempt == 1 else f"{log.key}.try{log.attempt}.log"


class _Sent(RawIOBase, IO[bytes]):
    """A file that can only be written to, from which what was written is taken."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._pieces.append(piece)
        return len(piece)

    def take(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken
