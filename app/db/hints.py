"""Sending hints after a commit: many into one statement, so that commits never queue on PostgreSQL's NOTIFY lock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from app.errors import TaasError

PENDING = "taas_hints"
GATHER_SECONDS = 0.005
# pg_notify refuses a full queue and one statement should stay small.
BATCH = 500

_log = structlog.get_logger(__name__)


class HintSender:
    """Gathers payloads for a few milliseconds and sends them together; a hint that cannot be sent is dropped."""

    def __init__(self, send: Callable[[list[str]], Awaitable[None]]) -> None:
        self._send = send
        self._pending: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def add(self, payloads: set[str]) -> None:
        self._pending |= payloads
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._flush(), name="hints")

    async def close(self) -> None:
        """Wait until everything gathered has been sent."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _flush(self) -> None:
        await asyncio.sleep(GATHER_SECONDS)
        while self._pending:
            batch = sorted(self._pending)[:BATCH]
            self._pending.difference_update(batch)
            try:
                await self._send(batch)
            except TaasError as exc:
                _log.warning("hints not sent", count=len(batch), problem=exc.detail)
