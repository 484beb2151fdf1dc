"""Many small pieces of a log as few messages: a flood is sent in lumps, a trickle without delay."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from app.services.log_merge import LogSlice

MESSAGE_BYTES = 256 * 1024


async def batches(slices: AsyncIterator[LogSlice]) -> AsyncIterator[list[LogSlice]]:
    """Whatever is there at a time. Not much more than MESSAGE_BYTES are read ahead of a slow reader."""
    waiting = _Waiting()

    async def fill() -> None:
        try:
            async for piece in slices:
                await waiting.put(piece)
        finally:
            waiting.close()

    task = asyncio.create_task(fill())
    try:
        while batch := await waiting.take():
            yield batch
        await task
    finally:
        task.cancel()


class _Waiting:
    """What has come and was not taken yet."""

    def __init__(self) -> None:
        self._pieces: list[LogSlice] = []
        self._size = 0
        self._over = False
        self._some = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    async def put(self, piece: LogSlice) -> None:
        await self._room.wait()
        self._pieces.append(piece)
        self._size += len(piece.data)
        self._some.set()
        if self._size >= MESSAGE_BYTES:
            self._room.clear()

    async def take(self) -> list[LogSlice]:
        """All of it, as soon as there is some; empty when nothing will come any more."""
        await self._some.wait()
        taken, self._pieces, self._size = self._pieces, [], 0
        self._room.set()
        if not self._over:
            self._some.clear()
        return taken

    def close(self) -> None:
        self._over = True
        self._some.set()
