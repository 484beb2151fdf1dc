"""Working on what is due: claim as many rows as there are free hands, and look again when told to or after a while."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, TypeVar

import structlog

from app.db.notify import Listener
from app.errors import TaasError

T = TypeVar("T")
# How long what is being worked on may take once the process has been told to end.
GRACE_SECONDS = 10.0
_log = structlog.get_logger(__name__)


class Hands(Generic[T]):
    """At most `most` pieces of work at a time; `claim` is asked for that many, `work` does one of them."""

    def __init__(
        self,
        what: str,
        *,
        claim: Callable[[int], Awaitable[list[T]]],
        work: Callable[[T], Awaitable[None]],
        most: int,
        sweep_seconds: float,
    ) -> None:
        self._what = what
        self._claim = claim
        self._work = work
        self._most = most
        self._sweep = sweep_seconds
        self._due = asyncio.Event()
        self._working: set[asyncio.Task[None]] = set()

    def look(self) -> None:
        """Look for due rows at once."""
        self._due.set()

    async def run(self) -> None:
        """For ever."""
        while True:
            free = self._most - len(self._working)
            try:
                claimed = await self._claim(free) if free > 0 else []
            except TaasError as exc:
                _log.warning("cannot look for what is due", what=self._what, problem=exc.detail)
                claimed = []
            for one in claimed:
                task = asyncio.create_task(self._done(one), name=self._what)
                self._working.add(task)
                task.add_done_callback(self._worked)
            if not claimed:
                # Not wait_for: in Python 3.11 it can swallow the cancellation that ends this loop.
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._sweep):
                        await self._due.wait()
                self._due.clear()

    async def listen(self, listener: Listener, channel: str) -> None:
        """Look at once when another process says that a row has changed."""
        with listener.subscribe(channel) as changes:
            while True:
                if await changes.take(timeout=60):
                    self._due.set()

    async def finish(self) -> None:
        """Let what is under way come to its end; what takes too long is left for whoever is next."""
        if self._working:
            _, late = await asyncio.wait(self._working, timeout=GRACE_SECONDS)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    async def _done(self, one: T) -> None:
        await self._work(one)

    def _worked(self, task: asyncio.Task[None]) -> None:
        self._working.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            _log.error("working on it failed", what=self._what, exc_info=failure)
        self._due.set()
