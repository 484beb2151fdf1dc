"""Logs that a test writes, as the worker would, and reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from app.db import log_claims, log_rows
from app.db.engine import Database
from app.db.notify import Listener
from app.domain.access import Principal, UserRole
from app.domain.log import LogPiece
from app.domain.training import TaskKey
from app.k8s.log_parser import LogParser, Position
from app.scheduler.log_archive import LogArchive
from app.scheduler.log_tail import Tail
from app.services.log_choice import Which
from app.services.logs import LogService
from app.storage import ObjectStore
from tests.support.log_rows import TrainingRow

ADA = Principal(uuid4(), "ada", UserRole.MEMBER)
START = datetime(2026, 11, 24, 3, tzinfo=UTC)
W0 = TaskKey("worker", 0)


class Book:
    """Logs that a test writes, as the worker would, and reads."""

    def __init__(self, database: Database, storage: ObjectStore, listener: Listener, training: TrainingRow) -> None:
        self.database, self.storage, self.training = database, storage, training
        self.service = LogService(database, storage, listener)
        self.archive = LogArchive(database, storage)
        self.positions: dict[UUID, Position] = {}

    async def write(self, attempt: UUID, *lines: tuple[float, bytes]) -> None:
        """Lines at seconds after START."""
        parser = LogParser(self.positions.get(attempt, Position()))
        piece = parser.feed(b"".join(_stamp(at) + b" " + line for at, line in lines)) or parser.end()
        assert piece is not None
        last = parser.end()
        await self.append(attempt, piece, *([last] if last else []))
        self.positions[attempt] = parser.position

    async def append(self, attempt: UUID, *pieces: LogPiece) -> None:
        source = await self.source(attempt)
        tail = Tail(source)
        for piece in pieces:
            tail.add(piece, Position())
        append, _ = tail.to_write()
        async with self.database.transaction() as connection:
            assert await log_rows.append(connection, [append]) == {attempt}

    async def source(self, attempt: UUID) -> log_claims.LogSource:
        async with self.database.read() as connection:
            found = await log_claims.source(connection, attempt, epoch=0)
        assert found is not None
        return found

    async def finish(self, attempt: UUID) -> None:
        await self.training.end_attempt(attempt)
        assert await self.archive.finish(await self.source(attempt))

    async def text(self, which: Which = Which(), **options: int | bool) -> bytes:
        stream = await self.service.text(ADA, self.training.id, which, **options)  # type: ignore[arg-type]
        return b"".join([piece async for piece in stream])


def _stamp(at: float) -> bytes:
    moment = START + timedelta(seconds=at)
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}000Z".encode()
