"""Hints between processes over LISTEN/NOTIFY: which rows changed, ids only.

A hint may be lost, doubled or late; whoever waits for one also looks by itself from time to time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.engine import Database
from app.db.hints import PENDING

# Instead of an id: something may have been missed, look at everything.
ANYTHING = "*"
MOST_PENDING = 1000
ALIVE_SECONDS = 15.0
RECONNECT_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)

_log = structlog.get_logger(__name__)


def publish(connection: AsyncConnection, channel: str, id_: UUID | str) -> None:
    """Tell every process, once this transaction is committed, that `id_` of `channel` (such as `trainings`) changed."""
    connection.info.setdefault(PENDING, set()).add(f"{channel}:{id_}")


class Subscription:
    """The ids of one channel that changed since they were last taken; equal ones are one."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._ready = asyncio.Event()

    def offer(self, id_: str) -> None:
        self._ids = {ANYTHING} if id_ == ANYTHING or len(self._ids) >= MOST_PENDING else self._ids | {id_}
        self._ready.set()

    async def take(self, timeout: float | None = None) -> set[str]:  # noqa: ASYNC109
        """Wait for hints and take them all; empty when `timeout` seconds passed without any.

        `ANYTHING` among them means that some may have been missed.
        """
        # Not wait_for: in Python 3.11 it can swallow a cancellation.
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._ready.wait()
        self._ready.clear()
        ids, self._ids = self._ids, set()
        return ids


class Listener:
    """One connection of this process that listens for all of its subscribers and comes back when it is cut."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._subscribers: dict[str, set[Subscription]] = {}
        self._connected = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to listen; returns at once, hints come as soon as the connection stands."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="listener")

    async def close(self) -> None:
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait({self._task})
        self._task = None

    async def connected(self) -> None:
        """Wait until the connection stands."""
        await self._connected.wait()

    @contextmanager
    def subscribe(self, channel: str) -> Iterator[Subscription]:
        """Hints of `channel` from now on."""
        subscription = Subscription()
        self._subscribers.setdefault(channel, set()).add(subscription)
        try:
            yield subscription
        finally:
            self._subscribers[channel].discard(subscription)
            if not self._subscribers[channel]:
                del self._subscribers[channel]

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                await self._listen()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as exc:
                if not self._connected.is_set():
                    failures += 1
                    _log.warning("listener cut off", problem=str(exc), failures=failures)
                else:
                    failures = 0
            finally:
                self._connected.clear()
            await asyncio.sleep(RECONNECT_SECONDS[min(failures, len(RECONNECT_SECONDS) - 1)])

    async def _listen(self) -> None:
        lost = asyncio.Event()
        connection = await self._database.connect()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener("taas", self._received)
            self._connected.set()
            self._offer_all()
            while not lost.is_set():
                try:
                    async with asyncio.timeout(ALIVE_SECONDS):
                        await lost.wait()
                except TimeoutError:
                    await connection.execute("SELECT 1", timeout=5)
        finally:
            connection.terminate()

    def _offer_all(self) -> None:
        for subscribers in self._subscribers.values():
            for subscription in subscribers:
                subscription.offer(ANYTHING)

    def _received(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        channel, _, id_ = payload.partition(":")
        for subscription in self._subscribers.get(channel, ()):
            subscription.offer(id_)
